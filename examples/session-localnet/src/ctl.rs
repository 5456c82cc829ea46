//! Orders to a network that `serve` keeps up.

use std::path::Path;
use std::time::Duration;

use crate::admin::Order;
use crate::fault::MAX_SLOW_MS;
use crate::host::http::{Http, Trust};
use crate::ledger::{CERTIFICATE, PUBLIC, TOKEN};
use crate::token::Token;
use crate::ui::{Steps, print, print_event};
use bytes::Bytes;
use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use http_body_util::Full;
use hyper::{Method, Request, header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;

use crate::failure::Failure;

/// Timeout of an order: moving a swarm's messages takes longest.
const LIMIT: Duration = Duration::from_secs(120);

/// A node is named by its address or by the beginning of its Ed25519 key in hex, a server by `file`,
/// `community` or `push`.
#[derive(Subcommand)]
pub(crate) enum Ctl {
    /// Print the state of every node.
    Status,
    /// Take a node or a server down: it refuses connections.
    Down { node: String },
    /// Bring a node or a server up again.
    Up { node: String },
    /// Delay the answers of a node or a server; 0 ends the delay.
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
    /// Shift the clock of a node or a server.
    Clock {
        node: String,
        #[arg(allow_hyphen_values = true)]
        ms: i64,
    },
    /// Block UDP of clients at a node, or let it pass: they reach it over HTTPS alone.
    Udp {
        node: String,
        #[arg(value_parser = PossibleValuesParser::new(["block", "pass"]))]
        state: String,
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
    /// Let a server's disk be full, or have room again.
    Full {
        server: String,
        #[arg(value_parser = PossibleValuesParser::new(["on", "off"]))]
        state: String,
    },
    /// Make a room on the community server and print its URL.
    Room {
        /// The name in URLs: letters, digits, - and _.
        token: String,
        /// The name that people see [default: the same].
        #[arg(long)]
        name: Option<String>,
    },
    /// Make a user an admin of a room, by the id under which the server knows them.
    Admin { room: String, id: String },
    /// Make a user a moderator of a room.
    Moderator { room: String, id: String },
    /// Ban a user from the community server.
    Ban { id: String },
    /// Let a banned user in again.
    Unban { id: String },
    /// Print the notifications for a device of the push service `dummy`.
    Notifications {
        /// The device's token.
        token: String,
        /// Only those after this number.
        #[arg(long, default_value_t = 0)]
        since: u64,
    },
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
        let govern = |action: &str, value: String| {
            Some(Order {
                action: action.into(),
                node: None,
                value: Some(value),
                swarm: None,
            })
        };
        match self {
            Self::Status | Self::Notifications { .. } => None,
            Self::Full { server, state } => order("full", server, Some(state.clone())),
            Self::Room { token, name } => govern(
                "room",
                match name {
                    Some(name) => format!("{token} {name}"),
                    None => token.clone(),
                },
            ),
            Self::Admin { room, id } => govern("admin", format!("{room} {id}")),
            Self::Moderator { room, id } => govern("moderator", format!("{room} {id}")),
            Self::Ban { id } => govern("ban", id.clone()),
            Self::Unban { id } => govern("unban", id.clone()),
            Self::Down { node } => order("down", node, None),
            Self::Up { node } => order("up", node, None),
            Self::Slow { node, ms } => order("slow", node, Some(ms.to_string())),
            Self::Lie { node, lie } => order("lie", node, Some(lie.clone())),
            Self::Clock { node, ms } => order("clock", node, Some(ms.to_string())),
            Self::Udp { node, state } => order("udp", node, Some(state.clone())),
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
    let (path, body) = match (order, order.order()) {
        (_, Some(order)) => (
            "ctl".to_owned(),
            serde_json::to_vec(&order).map_err(|error| error.to_string())?,
        ),
        (Ctl::Notifications { token, since }, None) => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if token.is_empty() || !token.bytes().all(is_plain) {
                return Err(Failure::usage("a token has letters, digits, -, ., _ and ~"));
            }
            (format!("notifications/{token}?since={since}"), Vec::new())
        }
        (_, None) => ("status".to_owned(), Vec::new()),
    };
    let url = format!("{url}/{path}");
    steps.doing("waiting for the network");
    let method = match order {
        Ctl::Notifications { .. } => Method::GET,
        _ => Method::POST,
    };
    let request = Request::builder()
        .method(method)
        .uri(&url)
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
        let event = match order {
            Ctl::Status => "status",
            Ctl::Notifications { .. } => "notifications",
            _ => "done",
        };
        said["event"] = event.into();
        print_event(said)?;
    } else if let Some(said) = said["said"].as_str() {
        print(said)?;
    } else if let Some(queue) = said["notifications"].as_array() {
        for item in queue {
            let payload = item["enc_payload"].as_str().unwrap_or("-");
            print(format_args!("{}  {payload}", item["number"]))?;
        }
    } else {
        for server in said["servers"].as_array().into_iter().flatten() {
            let text = |name: &str| server[name].as_str().unwrap_or("-").to_owned();
            let state = if server["up"] == true { "up" } else { "down" };
            let disk = if server["full"] == true {
                "full"
            } else {
                "free"
            };
            print(format_args!(
                "{:12}  {:28}  {:4}  {:6} kept  slow {} ms  clock {} ms  disk {disk}",
                text("name"),
                text("url"),
                state,
                server["kept"],
                server["slow_ms"],
                server["clock_ms"],
            ))?;
        }
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
