//! What outlives the process besides the messages: the keys of the nodes, the swarms they are in,
//! and whether messages are on the move.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::host::durable::{Lock, make_directory, write_atomically, write_new};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde::{Deserialize, Serialize};
use session_crypto::{Blake2b, Ed25519Public, Ed25519Secret};
use session_swarm::record::ServiceNode;
use session_types::SwarmId;

use crate::network::{MAX_NODES, Plan};
use crate::node::StartError;
use crate::servers::PublicServers;

/// How many nodes a request passes before it reaches the one that answers it.
pub const HOPS: usize = 3;
/// The fewest nodes: those of a path and one that answers.
pub const LEAST: usize = HOPS + 1;
/// The file with the keys of the nodes, their ports and swarms.
const KEYS: &str = "keys.json";
/// The file that is there as long as messages move: the swarms before.
const MOVING: &str = "moving.json";
/// The file for other people's clients.
pub const PUBLIC: &str = "network.json";
/// The certificate of the seed node.
pub const CERTIFICATE: &str = "seed.pem";
/// The key of that certificate.
pub const CERTIFICATE_KEY: &str = "seed.key";
/// Token that authorizes orders.
pub const TOKEN: &str = "ctl.token";

/// Stored keys and swarm of a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Keys {
    /// The Ed25519 seed in hex.
    seed: String,
    /// The port of the network, which is the node's where it has an address of its own.
    port: u16,
    swarm: String,
    /// Whether it has left the list.
    #[serde(default, skip_serializing_if = "is_false")]
    left: bool,
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A node as it is kept.
#[derive(Debug)]
pub struct Kept {
    /// Its key.
    pub secret: Ed25519Secret,
    /// The port of the network.
    pub port: u16,
    /// Its swarm; none if it has left the list.
    pub swarm: Option<SwarmId>,
}

/// A node of `network.json`.
#[derive(Debug, Serialize)]
struct PublicNode {
    pubkey_ed25519: String,
    pubkey_x25519: String,
    public_ip: Ipv4Addr,
    storage_port: u16,
    /// The UDP port of QUIC.
    storage_lmq_port: u16,
    swarm: String,
    swarm_id: u64,
}

/// URLs of the seed node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Urls {
    /// Over https, for clients.
    pub seed_url: String,
    /// Over plain http, if it listens there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_seed_url: Option<String>,
    /// Over https, for orders from this machine.
    pub ctl_url: String,
    /// The servers outside the network of nodes, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servers: Option<PublicServers>,
}

/// The content of `network.json`.
#[derive(Debug, Serialize)]
struct Public<'a> {
    #[serde(flatten)]
    urls: &'a Urls,
    seed_certificate: &'static str,
    service_nodes: Vec<PublicNode>,
}

/// The data directory of a network.
#[derive(Debug)]
pub struct Ledger {
    data_dir: PathBuf,
    keys: Mutex<Vec<Keys>>,
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

impl Ledger {
    /// Opens the data directory of a plan, and makes it and the keys if they are not there.
    ///
    /// # Errors
    ///
    /// [`StartError`] if a file cannot be used, or no network can be as planned.
    pub fn open(plan: &Plan) -> Result<Self, StartError> {
        let data_dir = plan.data_dir.clone();
        make_directory(&data_dir).map_err(file_error(&data_dir))?;
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
            keys: Mutex::new(keys),
            is_new,
            _lock: lock,
        })
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Keys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file of the data directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    /// The port of the network; 0 if each start takes any.
    pub fn port(&self) -> u16 {
        self.keys().first().map_or(0, |first| first.port)
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
        let keys = self.keys();
        if keys.len() < LEAST || keys.len() > MAX_NODES.into() {
            return Err(unusable("so many nodes are no network"));
        }
        let read = |keys: &Keys| {
            let secret = keys.secret();
            let swarm = keys.swarm.parse();
            let swarm = swarm.map_err(|_| unusable("a swarm is none"))?;
            Ok(Kept {
                secret: secret.ok_or_else(|| unusable("a seed is not 64 hex digits"))?,
                port: keys.port,
                swarm: (!keys.left).then_some(swarm),
            })
        };
        keys.iter().map(read).collect()
    }

    /// Adds a node, which is not in the list yet; its number and its secret are returned. It is written
    /// down with the change that brings it into the list.
    ///
    /// # Errors
    ///
    /// [`StartError::Size`] if there is no room for one more.
    pub fn add(&self) -> Result<(u8, Ed25519Secret), StartError> {
        let port = self.port();
        let mut keys = self.keys();
        let number = u8::try_from(keys.len()).ok();
        let number = number.filter(|number| *number < MAX_NODES);
        let full = || StartError::Size(format!("a network has at most {MAX_NODES} nodes"));
        let number = number.ok_or_else(full)?;
        let secret = Ed25519Secret::generate(&mut UnwrapErr(SysRng));
        keys.push(Keys {
            seed: const_hex::encode(secret.expose_seed()),
            port,
            swarm: SwarmId::new(0).to_string(),
            left: true,
        });
        Ok((number, secret))
    }

    /// The file in which a node keeps its messages.
    pub fn store_of(&self, number: usize) -> PathBuf {
        self.data_dir
            .join(format!("node-{:03}.sqlite", number.saturating_add(1)))
    }

    /// The nodes and their swarms before the change after which the last run had not moved all
    /// messages.
    pub fn unfinished(&self) -> Option<BTreeMap<Ed25519Public, SwarmId>> {
        let text = std::fs::read(self.data_dir.join(MOVING)).ok()?;
        let before: BTreeMap<String, String> = serde_json::from_slice(&text).ok()?;
        let read = |(key, swarm): (&String, &String)| {
            let key = const_hex::decode_to_array(key).ok()?;
            Some((Ed25519Public::from_bytes(key), swarm.parse().ok()?))
        };
        before.iter().map(read).collect()
    }

    /// Writes down that the list of nodes or their swarms change. If the process dies before
    /// [`finish`](Self::finish), the next one moves the messages.
    ///
    /// # Errors
    ///
    /// An I/O error if a file cannot be written. Nothing may change then.
    pub fn begin(&self, before: &[ServiceNode], after: &[ServiceNode]) -> io::Result<()> {
        let swarms = |nodes: &[ServiceNode]| -> BTreeMap<String, String> {
            let swarms = nodes.iter();
            swarms
                .map(|node| (node.ed25519.to_string(), node.swarm_id.to_string()))
                .collect()
        };
        let moving = serde_json::to_vec(&swarms(before))?;
        // If only this one is written, the next run moves from here to here, which is nothing.
        write_atomically(&self.data_dir.join(MOVING), &moving)?;
        let after = swarms(after);
        let mut keys = self.keys();
        let mut changed = keys.clone();
        for kept in &mut changed {
            let public = kept.secret().map(|secret| secret.public().to_string());
            let swarm = public.and_then(|public| after.get(&public));
            kept.left = swarm.is_none();
            if let Some(swarm) = swarm {
                kept.swarm.clone_from(swarm);
            }
        }
        let text = serde_json::to_vec_pretty(&changed)?;
        write_atomically(&self.data_dir.join(KEYS), &text)?;
        *keys = changed;
        Ok(())
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
    pub fn publish(&self, urls: &Urls, nodes: &[ServiceNode]) -> Result<(), StartError> {
        let nodes = nodes.iter().map(|node| PublicNode {
            pubkey_ed25519: node.ed25519.to_string(),
            pubkey_x25519: node.x25519.map(|key| key.to_string()).unwrap_or_default(),
            public_ip: node.ip,
            storage_port: node.https_port,
            storage_lmq_port: node.omq_port,
            swarm: node.swarm_id.to_string(),
            swarm_id: node.swarm_id.get(),
        });
        let public = Public {
            urls,
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
    let port = match (plan.port, &plan.seed) {
        (0, Some(seed)) => port_of(seed),
        (port, _) => port,
    };
    let keys = (0..plan.nodes).map(|number| {
        let secret = match &plan.seed {
            Some(seed) => secret_of(seed, number),
            None => Ed25519Secret::generate(&mut UnwrapErr(SysRng)),
        };
        // Evenly spread over the ring, none at its end, where no swarm may be.
        let swarm = u64::from(number % plan.swarms) * (u64::MAX / u64::from(plan.swarms));
        Keys {
            seed: const_hex::encode(secret.expose_seed()),
            port,
            swarm: SwarmId::new(swarm).to_string(),
            left: false,
        }
    });
    Ok(keys.collect())
}

impl Keys {
    /// None if the seed is not 64 hex digits.
    fn secret(&self) -> Option<Ed25519Secret> {
        let seed = const_hex::decode_to_array(&self.seed).ok()?;
        Some(Ed25519Secret::from_seed(&seed))
    }
}

/// The key of a node of a network that is made from a text.
fn secret_of(seed: &str, number: u8) -> Ed25519Secret {
    let hash = Blake2b::<32>::personal(b"localnet_nodekey").chain(&[number]);
    Ed25519Secret::from_seed(&hash.chain(seed.as_bytes()).finalize())
}

/// The port of such a network, between those that services use and those that systems give away.
fn port_of(seed: &str) -> u16 {
    let hash = Blake2b::<32>::personal(b"localnet_netport").chain(seed.as_bytes());
    let [one, other, ..] = hash.finalize();
    10_000 + u16::from_be_bytes([one, other]) % 20_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gives_the_same_network_every_time() {
        let of = |seed: &str| {
            let folder = tempfile::tempdir().unwrap();
            let plan = Plan {
                seed: Some(seed.to_owned()),
                ..Plan::new(folder.path())
            };
            let keys = new_keys(&plan).unwrap();
            let keys = keys
                .into_iter()
                .map(|keys| (keys.seed, keys.port, keys.swarm));
            keys.collect::<Vec<_>>()
        };
        assert_eq!(of("one"), of("one"));
        assert!(of("one").iter().all(|one| !of("two").contains(one)));
        let seeds: std::collections::BTreeSet<String> =
            of("one").into_iter().map(|(seed, ..)| seed).collect();
        assert_eq!(seeds.len(), 12);
        assert!((10_000..30_000).contains(&of("one")[0].1));
    }

    #[test]
    fn who_has_left_and_who_has_joined_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::new(folder.path());
        let ledger = Ledger::open(&plan).unwrap();
        let node = |kept: &Kept| ServiceNode {
            ed25519: kept.secret.public(),
            x25519: None,
            legacy: None,
            ip: Ipv4Addr::LOCALHOST,
            https_port: 1,
            omq_port: 1,
            version: session_swarm::record::Version([2, 8, 0]),
            swarm_id: kept.swarm.unwrap(),
            requested_unlock_height: 0,
        };
        let before: Vec<ServiceNode> = ledger.nodes().unwrap().iter().map(node).collect();
        let (number, secret) = ledger.add().unwrap();
        assert_eq!(number, 12);
        let mut after = before[1..].to_vec();
        let mut joined = before[0];
        (joined.ed25519, joined.swarm_id) = (secret.public(), SwarmId::new(7));
        after.push(joined);
        ledger.begin(&before, &after).unwrap();
        drop(ledger);
        let ledger = Ledger::open(&plan).unwrap();
        let kept = ledger.nodes().unwrap();
        assert_eq!(kept.len(), 13);
        assert_eq!(
            (kept[0].swarm, kept[12].swarm),
            (None, Some(SwarmId::new(7)))
        );
        assert_eq!(kept[12].secret.public(), secret.public());
        let unfinished = ledger.unfinished().unwrap();
        assert_eq!(unfinished.len(), 12);
        assert_eq!(
            unfinished.get(&before[0].ed25519),
            Some(&before[0].swarm_id)
        );
        assert_eq!(unfinished.get(&secret.public()), None);
    }
}
