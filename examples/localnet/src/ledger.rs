//! What outlives the process besides the messages: the keys of the nodes, the swarms they are in,
//! and whether messages are on the move.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use client::durable::{Lock, write_atomically, write_new};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde::{Deserialize, Serialize};
use session_crypto::Ed25519Secret;
use session_swarm::record::ServiceNode;
use session_swarm::ring::SwarmId;

use crate::network::{MAX_NODES, Plan};
use crate::node::StartError;

/// The fewest nodes: those of a path and one that answers.
const LEAST: usize = client::network::HOPS + 1;
/// The file with the keys of the nodes, their ports and swarms.
const KEYS: &str = "keys.json";
/// The file that is there as long as messages move: the swarms before.
const MOVING: &str = "moving.json";
/// The file for other people's clients.
const PUBLIC: &str = "network.json";
/// The certificate of the seed node.
pub const CERTIFICATE: &str = "seed.pem";

/// What is kept of a node between two runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Keys {
    /// The Ed25519 seed in hex.
    seed: String,
    /// The port of the network, which is the node's where it has an address of its own.
    port: u16,
    swarm: String,
}

/// A node as it is kept.
#[derive(Debug)]
pub struct Kept {
    /// Its key.
    pub secret: Ed25519Secret,
    /// The port of the network.
    pub port: u16,
    /// Its swarm.
    pub swarm: SwarmId,
}

/// A node of `network.json`.
#[derive(Debug, Serialize)]
struct PublicNode {
    pubkey_ed25519: String,
    pubkey_x25519: String,
    public_ip: Ipv4Addr,
    storage_port: u16,
    swarm: String,
    swarm_id: u64,
}

/// The content of `network.json`.
#[derive(Debug, Serialize)]
struct Public<'a> {
    seed_url: &'a str,
    seed_certificate: &'static str,
    service_nodes: Vec<PublicNode>,
}

/// The data directory of a network.
#[derive(Debug)]
pub struct Ledger {
    data_dir: PathBuf,
    keys: Vec<Keys>,
    is_new: bool,
    /// Two networks in one directory would lose each other's messages.
    _lock: Lock,
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> StartError {
    move |reason| StartError::File {
        path: path.display().to_string(),
        reason,
    }
}

fn swarm_of(text: &str) -> SwarmId {
    text.parse().unwrap_or(SwarmId::UNASSIGNED)
}

impl Ledger {
    /// Opens the data directory of a plan, and makes it and the keys if they are not there.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a file cannot be used, or no network can be as planned.
    pub fn open(plan: &Plan) -> Result<Self, StartError> {
        let data_dir = plan.data_dir.clone();
        std::fs::create_dir_all(&data_dir).map_err(file_error(&data_dir))?;
        let file = data_dir.join(KEYS);
        let lock = Lock::try_take(&file).map_err(file_error(&file))?;
        let lock = lock.ok_or_else(|| StartError::Busy(data_dir.display().to_string()))?;
        let is_new = !file.exists();
        let keys = if is_new {
            let keys = new_keys(plan)?;
            let text = serde_json::to_vec_pretty(&keys).map_err(io::Error::from);
            text.and_then(|text| write_new(&file, &text))
                .map_err(file_error(&file))?;
            keys
        } else {
            let text = std::fs::read(&file).map_err(file_error(&file))?;
            serde_json::from_slice(&text)
                .map_err(io::Error::from)
                .map_err(file_error(&file))?
        };
        Ok(Self {
            data_dir,
            keys,
            is_new,
            _lock: lock,
        })
    }

    /// Whether there was no network in the directory.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// The nodes.
    ///
    /// # Errors
    ///
    /// [`StartError::Size`] if they are too few, or a seed or swarm is none.
    pub fn nodes(&self) -> Result<Vec<Kept>, StartError> {
        let unusable = |what: &str| StartError::Size(format!("{KEYS} cannot be used: {what}"));
        if self.keys.len() < LEAST || self.keys.len() > MAX_NODES.into() {
            return Err(unusable("so many nodes are no network"));
        }
        let read = |keys: &Keys| {
            let seed = const_hex::decode_to_array(&keys.seed)
                .map_err(|_| unusable("a seed is not 64 hex digits"))?;
            let swarm = keys.swarm.parse();
            Ok(Kept {
                secret: Ed25519Secret::from_seed(&seed),
                port: keys.port,
                swarm: swarm.map_err(|_| unusable("a swarm is none"))?,
            })
        };
        self.keys.iter().map(read).collect()
    }

    /// The file in which a node keeps its messages.
    pub fn store_of(&self, number: usize) -> PathBuf {
        self.data_dir
            .join(format!("node-{:03}.sqlite", number.saturating_add(1)))
    }

    /// The swarms of the nodes before the change after which the last run had not moved all
    /// messages.
    pub fn unfinished(&self) -> Option<Vec<SwarmId>> {
        let text = std::fs::read(self.data_dir.join(MOVING)).ok()?;
        let before: Vec<String> = serde_json::from_slice(&text).ok()?;
        Some(before.iter().map(|swarm| swarm_of(swarm)).collect())
    }

    /// Writes down that the nodes change their swarms. If the process dies before
    /// [`finish`](Self::finish), the next one moves the messages.
    ///
    /// # Errors
    ///
    /// An I/O error if a file cannot be written. Nothing may change then.
    pub fn begin(&self, before: &[ServiceNode], after: &[ServiceNode]) -> io::Result<()> {
        let swarms = |nodes: &[ServiceNode]| -> Vec<String> {
            nodes.iter().map(|node| node.swarm_id.to_string()).collect()
        };
        let moving = serde_json::to_vec(&swarms(before))?;
        // If only this one is written, the next run moves from here to here, which is nothing.
        write_atomically(&self.data_dir.join(MOVING), &moving)?;
        let mut keys = self.keys.clone();
        for (kept, swarm) in keys.iter_mut().zip(swarms(after)) {
            kept.swarm = swarm;
        }
        let text = serde_json::to_vec_pretty(&keys)?;
        write_atomically(&self.data_dir.join(KEYS), &text)
    }

    /// Writes down that all messages are where they belong.
    ///
    /// # Errors
    ///
    /// An I/O error if the file cannot be removed.
    pub fn finish(&self) -> io::Result<()> {
        match std::fs::remove_file(self.data_dir.join(MOVING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes `network.json` for other people's clients.
    ///
    /// # Errors
    ///
    /// [`StartError::File`] if it cannot be written.
    pub fn publish(&self, seed_url: &str, nodes: &[ServiceNode]) -> Result<(), StartError> {
        let nodes = nodes.iter().map(|node| PublicNode {
            pubkey_ed25519: node.ed25519.to_string(),
            pubkey_x25519: node.x25519.map(|key| key.to_string()).unwrap_or_default(),
            public_ip: node.ip,
            storage_port: node.https_port,
            swarm: node.swarm_id.to_string(),
            swarm_id: node.swarm_id.get(),
        });
        let public = Public {
            seed_url,
            seed_certificate: CERTIFICATE,
            service_nodes: nodes.collect(),
        };
        let file = self.data_dir.join(PUBLIC);
        let text = serde_json::to_vec_pretty(&public).map_err(io::Error::from);
        text.and_then(|text| write_atomically(&file, &text))
            .map_err(file_error(&file))
    }

    /// Writes the certificate of the seed node, in PEM.
    ///
    /// # Errors
    ///
    /// [`StartError::File`] if it cannot be written.
    pub fn certify(&self, pem: &str) -> Result<(), StartError> {
        let file = self.data_dir.join(CERTIFICATE);
        write_atomically(&file, pem.as_bytes()).map_err(file_error(&file))
    }
}

fn new_keys(plan: &Plan) -> Result<Vec<Keys>, StartError> {
    if plan.nodes > MAX_NODES || usize::from(plan.nodes) < LEAST {
        return Err(StartError::Size(format!(
            "a network has {LEAST} to {MAX_NODES} nodes, not {}",
            plan.nodes
        )));
    }
    if plan.swarms == 0 || plan.swarms > plan.nodes {
        return Err(StartError::Size(format!(
            "{} nodes can form 1 to {} swarms, not {}",
            plan.nodes, plan.nodes, plan.swarms
        )));
    }
    let keys = (0..plan.nodes).map(|number| {
        let secret = Ed25519Secret::generate(&mut UnwrapErr(SysRng));
        // Evenly spread over the ring, none at its end, where no swarm may be.
        let swarm = u64::from(number % plan.swarms) * (u64::MAX / u64::from(plan.swarms));
        Keys {
            seed: const_hex::encode(secret.expose_seed()),
            port: plan.port,
            swarm: SwarmId::new(swarm).to_string(),
        }
    });
    Ok(keys.collect())
}
