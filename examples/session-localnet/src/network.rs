//! Starts and stops the whole network.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::host::durable::write_atomically;
use rustls::pki_types::CertificateDer;
use session_crypto::Ed25519Public;
use tokio::sync::watch;

use crate::admin::{Admin, Nodes};
use crate::capture::Capture;
use crate::chain::Chain;
use crate::founding::{Founder, INSIDE, has_many_addresses};
use crate::ledger::{CERTIFICATE, CERTIFICATE_KEY, Ledger, TOKEN, Urls};
use crate::node::{Node, Shared, StartError, listen};
use crate::push::follow;
use crate::seed::json_rpc;
use crate::server::{Call, Reply, serve, serve_plain};
use crate::servers::Servers;
use crate::tls::{self, Identity};
use crate::token::{Access, Token};
use crate::traffic::Traffic;

/// The most nodes: there are no more addresses of the form 127.0.x.1.
pub const MAX_NODES: u8 = 200;
/// Interval at which nodes delete expired messages, as deployed ones do.
const TICK: Duration = Duration::from_secs(10);

/// Parameters of a network.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Number of service nodes.
    pub nodes: u8,
    /// Number of swarms.
    pub swarms: u8,
    /// The port of the seed node and of every service node; 0 takes any that is free.
    pub port: u16,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Whether the nodes write down what they see.
    pub notes: bool,
    /// Whether all nodes share the address 127.0.0.1, each with a port of its own: the ones after
    /// that of the seed node. It is so anyway where there are no other loopback addresses.
    pub one_address: bool,
    /// Whether a node that refuses connections is noticed as late as in the deployed network, where
    /// nothing refuses: by a member of its swarm after 5 s, by one that relays to it after 30 s.
    pub real_delays: bool,
    /// A text that the keys and ports of a new network are made of; otherwise they are random.
    pub seed: Option<String>,
    /// The port of a seed node over plain http; 0 takes any that is free, none is no such node.
    pub http_seed: Option<u16>,
    /// The seed node's certificate and its key, in PEM files, instead of one that is made.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The address under which clients on other machines reach this one. Seed node and nodes listen on
    /// all addresses then, and the nodes share one.
    pub advertise: Option<Ipv4Addr>,
    /// Directory for captured packets.
    pub capture: Option<PathBuf>,
    /// Whether a file server, a community server and a push server run beside the nodes.
    pub servers: bool,
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
            seed: None,
            http_seed: None,
            certificate: None,
            advertise: None,
            capture: None,
            servers: true,
        }
    }
}

/// A network that is running.
#[derive(Debug)]
pub struct Network {
    /// The chain.
    pub chain: Arc<Chain>,
    /// The service nodes that were there at the start.
    pub nodes: Vec<Arc<Node>>,
    /// Recent hops between clients, nodes and servers.
    pub traffic: Arc<Traffic>,
    /// Carries out orders.
    pub admin: Admin,
    /// The servers outside the network of nodes, if they run.
    pub servers: Option<Arc<Servers>>,
    /// Whether all nodes share one address.
    pub one_address: bool,
    /// Whether there was no network in the data directory.
    pub is_new: bool,
    seed: Identity,
    urls: Urls,
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
        let (stop, stopped) = watch::channel(false);
        let (founder, nodes) = found(plan, &ledger, &stopped).await?;
        let (chain, traffic) = (&founder.shared.chain, &founder.shared.traffic);

        let seed = match &plan.certificate {
            Some((pem, key)) => {
                let given = tls::given(pem, key)?;
                write_atomically(&ledger.path(CERTIFICATE), given.pem.as_bytes())
                    .map_err(file_error(&ledger.path(CERTIFICATE)))?;
                given
            }
            None => {
                let (pem, key) = (ledger.path(CERTIFICATE), ledger.path(CERTIFICATE_KEY));
                tls::kept(&pem, &key, plan.advertise.map(IpAddr::V4))?
            }
        };
        let own = match plan.advertise {
            Some(_) => Ipv4Addr::UNSPECIFIED,
            None => Ipv4Addr::LOCALHOST,
        };
        let open = async |port: u16| {
            let address = SocketAddr::from((own, port));
            let listener = listen(address).await?;
            match listener.local_addr() {
                Ok(bound) => Ok((listener, bound.port())),
                Err(reason) => Err(StartError::Listen { address, reason }),
            }
        };
        let (listener, port) = open(ledger.port()).await?;
        let http = match plan.http_seed {
            Some(port) => Some(open(port).await?),
            None => None,
        };
        let public = plan.advertise.unwrap_or(Ipv4Addr::LOCALHOST);
        let servers = match plan.servers {
            true => {
                let place = (own, public, ledger.port());
                let nodes = (Arc::clone(chain), founder.shared.dial);
                Some(Servers::start(plan, place, nodes, &stopped).await?)
            }
            false => None,
        };
        let urls = Urls {
            servers: servers.as_ref().map(|servers| servers.public()),
            seed_url: format!("https://{public}:{port}"),
            http_seed_url: http
                .as_ref()
                .map(|(_, port)| format!("http://{public}:{port}")),
            ctl_url: format!("https://127.0.0.1:{port}"),
        };
        ledger.publish(&urls, &chain.nodes())?;
        let token = Token::kept(&ledger.path(TOKEN)).map_err(file_error(&ledger.path(TOKEN)))?;
        let mut hosts = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        hosts.extend(plan.advertise.map(|address| format!("{address}:{port}")));

        let is_new = ledger.is_new();
        let running = Nodes::default();
        nodes.iter().for_each(|node| running.add(Arc::clone(node)));
        let admin = Admin::new(
            Arc::clone(chain),
            running.clone(),
            Arc::clone(traffic),
            ledger,
            Arc::clone(&founder),
            urls.clone(),
            Access::new(token, hosts),
            servers.clone(),
        );
        let (answers, orders) = (Arc::clone(chain), admin.clone());
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
        let config = Arc::clone(&seed.config);
        tokio::spawn(serve(listener, config, NAME, handler, stopped.clone()));
        if let Some((listener, _)) = http {
            let answers = Arc::clone(chain);
            // No page and no orders there: what is said can be read and changed on the way.
            let handler = move |call: Call| {
                let reply = json_rpc(&answers, &call);
                std::future::ready(reply.unwrap_or_else(|| Reply::text(404, "Not Found")))
            };
            tokio::spawn(serve_plain(listener, NAME, handler, stopped.clone()));
        }

        let mut ended = stopped;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(TICK) => running.all().iter().for_each(|node| node.tick()),
                    () = crate::server::stopped(&mut ended) => return,
                }
            }
        });
        nodes.iter().for_each(|node| founder.keep_retrying(node));
        Ok(Self {
            servers,
            chain: Arc::clone(chain),
            traffic: Arc::clone(traffic),
            one_address: founder.one_address,
            nodes,
            admin,
            seed,
            is_new,
            urls,
            stop,
        })
    }

    /// The URL of the seed node.
    pub fn seed_url(&self) -> String {
        self.urls.seed_url.clone()
    }

    /// All URLs of the seed node.
    pub const fn urls(&self) -> &Urls {
        &self.urls
    }

    /// The URL of the status page, with the token that its orders need.
    pub fn status_page(&self) -> String {
        let token = self.admin.access().token().expose();
        format!("{}/#{token}", self.urls.ctl_url)
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
        if let Some(servers) = &self.servers {
            servers.stop();
        }
        self.admin.nodes().iter().for_each(|node| node.down());
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `Server` header of the seed node.
const NAME: &str = "localnet";

fn file_error(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> StartError {
    move |reason| StartError::File {
        path: path.display().to_string(),
        reason,
    }
}

/// Starts the nodes of a network, and finishes what the last run has begun.
async fn found(
    plan: &Plan,
    ledger: &Arc<Ledger>,
    stop: &watch::Receiver<bool>,
) -> Result<(Arc<Founder>, Vec<Arc<Node>>), StartError> {
    let capture = plan.capture.as_deref().map(Capture::new).transpose();
    let capture = capture.map_err(file_error(&plan.capture.clone().unwrap_or_default()))?;
    let one_address = plan.one_address || plan.advertise.is_some() || !has_many_addresses().await;
    let founder = Founder {
        shared: Shared {
            chain: Arc::new(Chain::new(vec![])),
            traffic: Arc::new(Traffic::default()),
            notes: plan.notes,
            real_delays: plan.real_delays,
            dial: plan.advertise.map(|_| INSIDE),
            capture: capture.map(Arc::new),
        },
        one_address,
        advertise: plan.advertise,
        stop: stop.clone(),
    };
    let kept = ledger.nodes()?;
    let mut listeners = Vec::with_capacity(kept.len());
    for (number, node) in (0..).zip(&kept) {
        listeners.push(founder.listen(number, node.port).await?);
    }
    let swarms: Vec<_> = kept.iter().map(|node| node.swarm).collect();
    let mut nodes = Vec::with_capacity(kept.len());
    for ((number, node), place) in (0..).zip(kept).zip(listeners) {
        nodes.push(founder.start(ledger, number, node.secret, place)?);
    }
    let listed = nodes.iter().zip(swarms);
    let after: Vec<_> = listed
        .filter_map(|(node, swarm)| Some(node.record_in(swarm?)))
        .collect();
    founder.shared.chain.found(after.clone());
    if let Some(swarms) = ledger.unfinished() {
        let listed = nodes.iter();
        let before: Vec<_> = listed
            .filter_map(|node| Some(node.record_in(*swarms.get(node.public())?)))
            .collect();
        follow(&nodes, &before, &after).await;
        ledger.finish().map_err(file_error(&plan.data_dir))?;
    }
    Ok((Arc::new(founder), nodes))
}
