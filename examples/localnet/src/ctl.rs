//! Orders to a network that `serve` keeps up.

use std::path::Path;
use std::time::Duration;

use clap::Subcommand;
use client::http::{Http, Trust};
use localnet::admin::Order;
use localnet::ui::{Steps, print};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

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
    /// Let a node wait before it answers.
    Slow { node: String, ms: u64 },
    /// Let a node lie: drop, wrong-swarm, garble, or honest.
    Lie { node: String, lie: String },
    /// Shift a node's clock.
    Clock {
        node: String,
        #[arg(allow_hyphen_values = true)]
        ms: i64,
    },
    /// Move a node to a swarm, which is made if need be; messages follow.
    Move { node: String, swarm: String },
    /// Dissolve a swarm; its messages move.
    Dissolve { swarm: String },
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
        }
    }
}

/// Carries out an order and prints what came of it.
pub(crate) async fn run(
    data_dir: &Path,
    order: &Ctl,
    json: bool,
    steps: &Steps,
) -> Result<(), String> {
    let read = |name: &str| {
        let file = data_dir.join(name);
        std::fs::read(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))
    };
    let network: Value =
        serde_json::from_slice(&read("network.json")?).map_err(|error| error.to_string())?;
    let url = network["seed_url"]
        .as_str()
        .ok_or("network.json names no seed node")?;
    let pem = read("seed.pem")?;
    let pins: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let http = Http::new(
        Trust::Pinned(pins.map_err(|_| "seed.pem is no certificate")?),
        None,
    );
    let (path, body) = match order.order() {
        Some(order) => (
            "ctl",
            serde_json::to_vec(&order).map_err(|error| error.to_string())?,
        ),
        None => ("status", Vec::new()),
    };
    let url = format!("{url}/{path}");
    steps.doing("waiting for the network");
    let answer = http
        .post(&url, "application/json", body.into(), LIMIT)
        .await;
    steps.finish();
    let answer = answer.map_err(|error| format!("{error}; is the network up?"))?;
    let mut said: Value =
        serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    if !answer.is_ok() {
        return Err(said["said"].as_str().unwrap_or("refused").to_owned());
    }
    if json {
        let event = if path == "ctl" { "done" } else { "status" };
        said["event"] = event.into();
        print(said)?;
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
