//! Orders to a network that `serve` keeps up.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use client::http::{Http, Trust};
use http_body_util::Full;
use hyper::{Request, header};
use crate::admin::{MAX_SLOW_MS, Order};
use crate::ledger::{CERTIFICATE, PUBLIC, TOKEN};
use crate::token::Token;
use crate::ui::{Steps, print, print_event};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use crate::failure::Failure;

/// How long an order may take: moving a swarm's messages takes longest.
const LIMIT: Duration = Duration::from_secs(120);

/// A node is named by its address or by the beginning of its Ed25519 key in hex.
#[derive(Subcommand)]
pub(crate) enum Ctl {
    /// Print the state of every node.
    Status,
    /// Take a node down: it refuses connections.
    Down { node: String },
    /// Bring a node up again.
    Up { node: String },
    /// Delay the answers of a node; 0 ends the delay.
    Slow {
        node: String,
        #[arg(value_parser = clap::value_parser!(u64).range(..=MAX_SLOW_MS))]
        ms: u64,
    },
    /// Make a node lie, or honest again.
    Lie {
        node: String,
        #[arg(value_parser = PossibleValuesParser::new(["drop", "wrong-swarm", "garble", "honest"]))]
        lie: String,
    },
    /// Shift a node's clock.
    Clock {
        node: String,
        #[arg(allow_hyphen_values = true)]
        ms: i64,
    },
    /// Move a node to a swarm, which is created if necessary; messages follow.
    Move { node: String, swarm: String },
    /// Dissolve a swarm; its messages move.
    Dissolve { swarm: String },
    /// Bring a node into the list: a new one, or one that has left it.
    Join {
        node: Option<String>,
        /// Its swarm [default: the one with the fewest nodes].
        #[arg(long)]
        swarm: Option<String>,
    },
    /// Take a node out of the list. It stays up and says that it is in no swarm; other nodes answer
    /// `Next node not found` for it.
    Leave { node: String },
}

impl Ctl {
    /// The order, none for a question.
    fn order(&self) -> Option<Order> {
        let order = |action: &str, node: &String, value: Option<String>| {
            Some(Order {
                action: action.into(),
                node: Some(node.clone()),
                value,
                swarm: None,
            })
        };
        match self {
            Self::Status => None,
            Self::Down { node } => order("down", node, None),
            Self::Up { node } => order("up", node, None),
            Self::Slow { node, ms } => order("slow", node, Some(ms.to_string())),
            Self::Lie { node, lie } => order("lie", node, Some(lie.clone())),
            Self::Clock { node, ms } => order("clock", node, Some(ms.to_string())),
            Self::Move { node, swarm } => order("move", node, Some(swarm.clone())),
            Self::Dissolve { swarm } => Some(Order {
                action: "dissolve".into(),
                node: None,
                value: None,
                swarm: Some(swarm.clone()),
            }),
            Self::Join { node, swarm } => Some(Order {
                action: "join".into(),
                node: node.clone(),
                value: swarm.clone(),
                swarm: None,
            }),
            Self::Leave { node } => order("leave", node, None),
        }
    }
}

/// Carries out an order and prints what came of it.
pub(crate) async fn run(
    data_dir: &Path,
    order: &Ctl,
    json: bool,
    steps: &Steps,
) -> Result<(), Failure> {
    let read = |name: &str| {
        let file = data_dir.join(name);
        std::fs::read(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    let network: Value =
        serde_json::from_slice(&read(PUBLIC)?).map_err(|error| error.to_string())?;
    let url = network["ctl_url"]
        .as_str()
        .ok_or_else(|| format!("{PUBLIC} names no seed node"))?;
    let pem = read(CERTIFICATE)?;
    let pins: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let pins = pins.map_err(|_| format!("{CERTIFICATE} is no certificate"))?;
    let http = Http::new(Trust::Pinned(pins), None);
    let token = Token::read(&data_dir.join(TOKEN));
    let token = token.map_err(|error| format!("cannot use {TOKEN}: {error}"))?;
    let (path, body) = match order.order() {
        Some(order) => (
            "ctl",
            serde_json::to_vec(&order).map_err(|error| error.to_string())?,
        ),
        None => ("status", Vec::new()),
    };
    let url = format!("{url}/{path}");
    steps.doing("waiting for the network");
    let request = Request::post(&url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, token.header())
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| format!("`{url}` is not a URL"))?;
    let answer = http.send(request, LIMIT).await;
    steps.finish();
    let answer = answer.map_err(|error| format!("{error}; is the network up?"))?;
    let mut said: Value =
        serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    if !answer.is_ok() {
        let text = said["said"].as_str().unwrap_or("refused");
        return Err(match answer.status {
            400 => Failure::usage(text),
            _ => Failure::from(text.to_owned()),
        });
    }
    if json {
        let event = if path == "ctl" { "done" } else { "status" };
        said["event"] = event.into();
        print_event(said)?;
    } else if let Some(said) = said["said"].as_str() {
        print(said)?;
    } else {
        for node in said["nodes"].as_array().into_iter().flatten() {
            let text = |name: &str| node[name].as_str().unwrap_or("-").to_owned();
            let state = if node["up"] == true { "up" } else { "down" };
            print(format_args!(
                "{}  {:21}  swarm {:16}  {:4}  {:6} messages  slow {} ms  clock {} ms  lie {}",
                text("ed25519").chars().take(12).collect::<String>(),
                text("address"),
                text("swarm"),
                state,
                node["stored"],
                node["slow_ms"],
                node["clock_ms"],
                text("lie"),
            ))?;
        }
    }
    Ok(())
}
