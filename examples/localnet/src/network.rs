//! Starts and stops the whole network.

use session_crypto::Ed25519PublicExt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use session_crypto::Ed25519Public;
use session_swarm::record::{ServiceNode, Version};
use session_swarm::ring::SwarmId;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::admin::Admin;
use crate::chain::{Chain, VERSION};
use crate::ledger::Ledger;
use crate::node::{Node, Shared, StartError, address_of, listen};
use crate::push::follow;
use crate::seed::json_rpc;
use crate::server::{Call, Reply, serve};
use crate::tls::{Identity, self_signed};
use crate::traffic::Traffic;

/// The most nodes: there are no more addresses of the form 127.0.x.1.
pub const MAX_NODES: u8 = 200;
/// How often nodes forget what has expired.
const TICK: Duration = Duration::from_secs(10);
/// How often nodes look for what another node did not take.
const RETRY: Duration = Duration::from_millis(500);

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
    /// Whether there was no network in the data directory.
    pub is_new: bool,
    seed: Identity,
    seed_address: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Network {
    /// Starts the network of a plan, or the one that is kept in the data directory.
    ///
    /// # Errors
    ///
    /// [`StartError`] if something cannot be had.
    pub async fn start(plan: &Plan) -> Result<Self, StartError> {
        let ledger = Arc::new(Ledger::open(plan)?);
        let kept = ledger.nodes()?;
        let one_address = plan.one_address || !has_many_addresses().await;
        let mut listeners = Vec::with_capacity(kept.len());
        let mut records = Vec::with_capacity(kept.len());
        for (number, node) in (0..).zip(&kept) {
            let wanted = if one_address {
                let port = match node.port {
                    0 => 0,
                    port => port.saturating_add(1).saturating_add(number.into()),
                };
                SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
            } else {
                SocketAddrV4::new(address_of(number), node.port)
            };
            let listener = listen(wanted.into()).await?;
            let port = listener
                .local_addr()
                .map_or(wanted.port(), |address| address.port());
            let address = SocketAddrV4::new(*wanted.ip(), port);
            records.push(record(&node.secret.public(), address, node.swarm));
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
        let mut nodes = Vec::with_capacity(kept.len());
        for (number, (node, (listener, address))) in kept.into_iter().zip(listeners).enumerate() {
            let file = ledger.store_of(number);
            let node = Node::new(node.secret, address.into(), &file, shared.clone())?;
            node.serve_on(listener);
            nodes.push(node);
        }

        if let Some(swarms) = ledger.unfinished() {
            let after = chain.nodes();
            let mut before = after.clone();
            for (node, swarm) in before.iter_mut().zip(swarms) {
                node.swarm_id = swarm;
            }
            follow(&nodes, &before, &after).await;
            ledger.finish().map_err(|reason| StartError::File {
                path: plan.data_dir.display().to_string(),
                reason,
            })?;
        }

        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let seed = self_signed(localhost)?;
        let listener = listen(SocketAddr::from((localhost, plan.port))).await?;
        let seed_address = listener.local_addr().map_err(|reason| StartError::Listen {
            address: SocketAddr::from((localhost, plan.port)),
            reason,
        })?;
        let (stop, stopped) = watch::channel(false);
        let seed_url = format!("https://{seed_address}");
        ledger.publish(&seed_url, &chain.nodes())?;
        ledger.certify(&seed.pem)?;
        let is_new = ledger.is_new();
        let admin = Admin::new(
            Arc::clone(&chain),
            nodes.clone(),
            Arc::clone(&traffic),
            ledger,
            seed_url,
        );
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
        for node in nodes.clone() {
            let mut stopped = stop.subscribe();
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => node.retry().await,
                        () = crate::server::stopped(&mut stopped) => return,
                    }
                }
            });
        }
        Ok(Self {
            chain,
            nodes,
            traffic,
            admin,
            one_address,
            seed,
            is_new,
            seed_address,
            stop,
        })
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
