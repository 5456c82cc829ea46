//! Starts and stops the whole network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_swarm::record::{ServiceNode, Version};
use session_swarm::ring::SwarmId;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::admin::Admin;
use crate::chain::{Chain, VERSION};
use crate::node::{Node, Shared, StartError, address_of, listen};
use crate::seed::json_rpc;
use crate::server::{Call, Reply, serve};
use crate::tls::{Identity, self_signed};
use crate::traffic::Traffic;

/// The most nodes: there are no more addresses of the form 127.0.x.1.
pub const MAX_NODES: u8 = 200;
/// The file with the keys of the nodes, in the data directory.
const KEYS: &str = "keys.json";
/// How often nodes forget what has expired.
const TICK: Duration = Duration::from_secs(10);

/// What kind of network.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many service nodes.
    pub nodes: u8,
    /// How many swarms.
    pub swarms: u8,
    /// The port of the seed node and of every service node; 0 takes any that is free.
    pub port: u16,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Whether the nodes write down what they see.
    pub notes: bool,
    /// Whether all nodes share the address 127.0.0.1, each with a port of its own: the ones after
    /// that of the seed node. It is so anyway where there are no other loopback addresses.
    pub one_address: bool,
    /// Whether a node that refuses connections is noticed as late as in the deployed network, where
    /// nothing refuses: by a member of its swarm after 5 s, by one that relays to it after 30 s.
    pub real_delays: bool,
}

impl Plan {
    /// Twelve nodes in three swarms, kept in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            nodes: 12,
            swarms: 3,
            port: 0,
            data_dir: data_dir.into(),
            notes: false,
            one_address: false,
            real_delays: false,
        }
    }
}

/// What is kept of a node between two runs.
#[derive(Serialize, Deserialize)]
struct Keys {
    /// The Ed25519 seed in hex.
    seed: String,
    /// The port of the network, which is the node's where it has an address of its own.
    port: u16,
    swarm: String,
}

/// A network that is running.
#[derive(Debug)]
pub struct Network {
    /// The chain.
    pub chain: Arc<Chain>,
    /// The service nodes.
    pub nodes: Vec<Arc<Node>>,
    /// Who talked to whom.
    pub traffic: Arc<Traffic>,
    /// Carries out orders.
    pub admin: Admin,
    /// Whether all nodes share one address.
    pub one_address: bool,
    seed: Identity,
    seed_address: SocketAddr,
    stop: watch::Sender<bool>,
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
struct Public {
    seed_url: String,
    seed_certificate: &'static str,
    service_nodes: Vec<PublicNode>,
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    move |reason| StartError::File {
        path: path.display().to_string(),
        reason,
    }
}

impl Network {
    /// Starts the network of a plan, or the one that is kept in the data directory.
    ///
    /// # Errors
    ///
    /// [`StartError`] if something cannot be had.
    pub async fn start(plan: &Plan) -> Result<Self, StartError> {
        std::fs::create_dir_all(&plan.data_dir).map_err(file_error(&plan.data_dir))?;
        let keys = load_or_make(plan)?;
        let one_address = plan.one_address || !has_many_addresses().await;
        let mut listeners = Vec::with_capacity(keys.len());
        let mut records = Vec::with_capacity(keys.len());
        for (number, key) in (0..).zip(&keys) {
            let wanted = if one_address {
                let port = match key.port {
                    0 => 0,
                    port => port.saturating_add(1).saturating_add(number.into()),
                };
                SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
            } else {
                SocketAddrV4::new(address_of(number), key.port)
            };
            let listener = listen(wanted.into()).await?;
            let port = listener
                .local_addr()
                .map_or(wanted.port(), |address| address.port());
            let address = SocketAddrV4::new(*wanted.ip(), port);
            let public = Ed25519Secret::from_seed(&key.seed_bytes()?).public();
            records.push(record(&public, address, key.swarm()));
            listeners.push((listener, address));
        }
        let shared = Shared {
            chain: Arc::new(Chain::new(records)),
            traffic: Arc::new(Traffic::default()),
            pass: new_pass()?,
            notes: plan.notes,
            real_delays: plan.real_delays,
        };
        let (chain, traffic) = (Arc::clone(&shared.chain), Arc::clone(&shared.traffic));
        let mut nodes = Vec::with_capacity(keys.len());
        for (index, (key, (listener, address))) in keys.iter().zip(listeners).enumerate() {
            let secret = Ed25519Secret::from_seed(&key.seed_bytes()?);
            let file = plan.data_dir.join(format!("node-{:03}.sqlite", index + 1));
            let node = Node::new(secret, address.into(), &file, shared.clone())?;
            node.serve_on(listener);
            nodes.push(node);
        }

        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let seed = self_signed(localhost)?;
        let listener = listen(SocketAddr::from((localhost, plan.port))).await?;
        let seed_address = listener.local_addr().map_err(|reason| StartError::Listen {
            address: SocketAddr::from((localhost, plan.port)),
            reason,
        })?;
        let (stop, stopped) = watch::channel(false);
        let admin = Admin::new(Arc::clone(&chain), nodes.clone(), Arc::clone(&traffic));
        let (answers, orders) = (Arc::clone(&chain), admin.clone());
        let handler = move |call: Call| {
            let (answers, orders) = (Arc::clone(&answers), orders.clone());
            async move {
                match json_rpc(&answers, &call) {
                    Some(reply) => reply,
                    None => {
                        let reply = orders.handle(&call).await;
                        reply.unwrap_or_else(|| Reply::text(404, "Not Found"))
                    }
                }
            }
        };
        tokio::spawn(serve(
            listener,
            Arc::clone(&seed.config),
            "localnet",
            handler,
            stopped,
        ));

        let ticking = nodes.clone();
        let mut stopped = stop.subscribe();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(TICK) => ticking.iter().for_each(|node| node.tick()),
                    () = crate::server::stopped(&mut stopped) => return,
                }
            }
        });
        let network = Self {
            chain,
            nodes,
            traffic,
            admin,
            one_address,
            seed,
            seed_address,
            stop,
        };
        network.publish(&plan.data_dir)?;
        Ok(network)
    }

    /// Writes `network.json` and `seed.pem` for other people's clients.
    fn publish(&self, data_dir: &Path) -> Result<(), StartError> {
        let nodes = self.chain.nodes().into_iter().map(|node| PublicNode {
            pubkey_ed25519: const_hex::encode(node.ed25519.as_bytes()),
            pubkey_x25519: node
                .x25519
                .map(|key| const_hex::encode(key.as_bytes()))
                .unwrap_or_default(),
            public_ip: node.ip,
            storage_port: node.https_port,
            swarm: node.swarm_id.to_string(),
            swarm_id: node.swarm_id.get(),
        });
        let public = Public {
            seed_url: self.seed_url(),
            seed_certificate: "seed.pem",
            service_nodes: nodes.collect(),
        };
        let text = serde_json::to_vec_pretty(&public).map_err(std::io::Error::from);
        let file = data_dir.join("network.json");
        text.and_then(|text| std::fs::write(&file, text))
            .map_err(file_error(&file))?;
        let file = data_dir.join("seed.pem");
        std::fs::write(&file, &self.seed.pem).map_err(file_error(&file))
    }

    /// The URL of the seed node.
    pub fn seed_url(&self) -> String {
        format!("https://{}", self.seed_address)
    }

    /// The certificate of the seed node.
    pub fn seed_certificate(&self) -> CertificateDer<'static> {
        self.seed.der.clone()
    }

    /// A node by its Ed25519 key.
    pub fn node(&self, key: &Ed25519Public) -> Option<&Arc<Node>> {
        self.nodes.iter().find(|node| node.public() == key)
    }

    /// Stops everything; requests that are being served are ended.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
        self.nodes.iter().for_each(|node| node.down());
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Keys {
    fn seed_bytes(&self) -> Result<[u8; 32], StartError> {
        const_hex::decode_to_array(&self.seed)
            .map_err(|_| StartError::Size(format!("{KEYS}: a seed is not 64 hex digits")))
    }

    fn swarm(&self) -> SwarmId {
        self.swarm.parse().unwrap_or(SwarmId::UNASSIGNED)
    }
}

/// Whether this system has more loopback addresses than one, as Linux does.
async fn has_many_addresses() -> bool {
    TcpListener::bind((address_of(0), 0)).await.is_ok()
}

/// What the nodes of this run know each other by.
fn new_pass() -> Result<Arc<str>, StartError> {
    let mut pass = [0; 32];
    getrandom::fill(&mut pass).map_err(|_| StartError::Random)?;
    Ok(const_hex::encode(pass).into())
}

fn record(public: &Ed25519Public, address: SocketAddrV4, swarm_id: SwarmId) -> ServiceNode {
    ServiceNode {
        ed25519: *public,
        x25519: public.to_x25519().ok(),
        // In this network the identity on the chain is the same key.
        legacy: Some(public.to_bytes()),
        ip: *address.ip(),
        https_port: address.port(),
        omq_port: address.port(),
        version: Version(VERSION),
        swarm_id,
        requested_unlock_height: 0,
    }
}

/// The keys in the data directory, or new ones, which are kept there.
fn load_or_make(plan: &Plan) -> Result<Vec<Keys>, StartError> {
    let file = plan.data_dir.join(KEYS);
    if file.exists() {
        let text = std::fs::read(&file).map_err(file_error(&file))?;
        return serde_json::from_slice(&text)
            .map_err(std::io::Error::from)
            .map_err(file_error(&file));
    }
    if plan.nodes > MAX_NODES || usize::from(plan.nodes) < client::network::HOPS + 1 {
        let least = client::network::HOPS + 1;
        return Err(StartError::Size(format!(
            "a network has {least} to {MAX_NODES} nodes, not {}",
            plan.nodes
        )));
    }
    if plan.swarms == 0 || plan.swarms > plan.nodes {
        return Err(StartError::Size(format!(
            "{} nodes can form 1 to {} swarms, not {}",
            plan.nodes, plan.nodes, plan.swarms
        )));
    }
    let keys: Vec<Keys> = (0..plan.nodes)
        .map(|number| {
            let secret = Ed25519Secret::generate(&mut UnwrapErr(SysRng));
            // Evenly spread over the ring, none at its end, where no swarm may be.
            let swarm = u64::from(number % plan.swarms) * (u64::MAX / u64::from(plan.swarms));
            Keys {
                seed: const_hex::encode(secret.expose_seed()),
                port: plan.port,
                swarm: SwarmId::new(swarm).to_string(),
            }
        })
        .collect();
    let text = serde_json::to_vec_pretty(&keys).map_err(std::io::Error::from);
    text.and_then(|text| client::state::write_new(&file, &text))
        .map_err(file_error(&file))?;
    Ok(keys)
}
