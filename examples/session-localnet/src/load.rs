//! Load: many accounts that store through onion requests, for a bounded time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::host::http::{Http, Trust};
use bytes::Bytes;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde::Serialize;
use session_identity::{Account, Seed};
use session_message::content::Content;
use session_message::{Sealer, UnixMillis};
use session_onion::client::{Hop, Request, seal};
use session_onion::quic::{ONION_REQ, error_status};
use session_sdk::quic::{Answer, Connect, Link, client_endpoint, connect, quinn};
use session_storage::value::Value;
use session_storage::{Call, Store};
use session_swarm::record::ServiceNode;
use session_types::{AccountId, AnyId, Ed25519Public};

use crate::fault::now_ms;
use crate::network::Network;

/// The longest run, in seconds.
pub const MAX_SECONDS: u64 = 600;
/// The most accounts.
pub const MAX_ACCOUNTS: u32 = 10_000;
/// The most requests at a time.
pub const MAX_CLIENTS: u32 = 256;

/// Parameters of a run.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many accounts are written to.
    pub accounts: u32,
    /// How many requests at a time.
    pub clients: u32,
    /// For how long, in seconds.
    pub seconds: u64,
    /// How the clients reach their guards.
    pub guards: Guards,
}

/// How clients reach their guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guards {
    /// Over HTTPS, with connections that are kept.
    Https,
    /// Over HTTPS, with a connection for each request, as clients do that keep none.
    HttpsAnew,
    /// Over QUIC, with one connection to each guard.
    Quic,
}

impl Guards {
    const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::HttpsAnew => "https-anew",
            Self::Quic => "quic",
        }
    }
}

/// How a client reaches its guards.
enum Transport {
    Https(Http),
    Quic {
        endpoint: quinn::Endpoint,
        links: BTreeMap<Ed25519Public, Link>,
    },
}

/// Time limit of a request.
const LIMIT: Duration = Duration::from_secs(40);

impl Transport {
    fn new(guards: Guards) -> std::result::Result<Self, String> {
        Ok(match guards {
            // From one address: onion requests have no rate limit.
            Guards::Https => Self::Https(Http::new(Trust::Any, None)),
            Guards::HttpsAnew => Self::Https(Http::connecting_anew(Trust::Any)),
            Guards::Quic => Self::Quic {
                endpoint: client_endpoint(SocketAddr::from(([127, 0, 0, 1], 0)))
                    .map_err(|error| error.to_string())?,
                links: BTreeMap::new(),
            },
        })
    }

    /// Posts a packet. Returns status and body.
    async fn post(
        &mut self,
        guard: &ServiceNode,
        packet: Vec<u8>,
    ) -> std::result::Result<(u16, Vec<u8>), String> {
        match self {
            Self::Https(http) => {
                let url = format!("https://{}:{}/onion_req/v2", guard.ip, guard.https_port);
                let kind = "application/octet-stream";
                let answer = http.post(&url, kind, Bytes::from(packet), LIMIT).await;
                let answer = answer.map_err(|error| error.to_string())?;
                Ok((answer.status, answer.body.to_vec()))
            }
            Self::Quic { endpoint, links } => {
                let key = guard.ed25519;
                let link = match links.get(&key).filter(|link| !link.is_closed()) {
                    Some(link) => link.clone(),
                    None => {
                        let address = SocketAddr::from((guard.ip, guard.omq_port));
                        let connection = connect(endpoint, address, Connect::client(key)).await;
                        let connection = connection.map_err(|error| error.to_string())?;
                        let opened = Link::opening(connection, 1).await;
                        let (link, _) = opened.map_err(|error| error.to_string())?;
                        links.insert(key, link.clone());
                        link
                    }
                };
                match link.request(0, ONION_REQ, packet, LIMIT).await {
                    Ok(Answer::Reply(body)) => Ok((200, body)),
                    Ok(Answer::Error(text)) => Ok((error_status(&text).unwrap_or(500), text)),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }
}

/// Results of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Result {
    /// `bench`, for the reader of a JSON line.
    pub event: &'static str,
    /// `quic`, `https` or `https-anew`: how the clients reach their guards.
    pub transport: &'static str,
    /// Messages that every member of their swarm has provably stored.
    pub stored: u64,
    /// Requests that failed, in whatever way.
    pub errors: u64,
    /// The first failure.
    pub first_error: Option<String>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Stored messages a second.
    pub per_second: f64,
    /// Latencies in ms: median, nine of ten, ninety-nine of a hundred, the longest.
    pub latency_ms: [f64; 4],
    /// Resident memory in MiB at the beginning, in the middle and at the end, where known.
    pub memory_mib: Option<[u64; 3]>,
}

/// One path to one node.
struct Route {
    guard: ServiceNode,
    path: Vec<Hop>,
    destination: Hop,
}

/// A node with the table of its key, which all workers share.
type Target = (ServiceNode, Hop);

/// The nodes with their tables. One without a usable key is no target.
fn targets(nodes: &[ServiceNode]) -> Vec<Target> {
    let hop = |node: &ServiceNode| {
        let key = node.onion_key().ok()?;
        Some((*node, Hop::new(node.ed25519, key).prepare()))
    };
    nodes.iter().filter_map(hop).collect()
}

/// A path to a destination; `turn` spreads the paths of the workers over the nodes.
fn route(targets: &[Target], destination: &Target, turn: usize) -> Option<Route> {
    let is_other = |(node, _): &&Target| node.ed25519 != destination.0.ed25519;
    let mut others: Vec<&Target> = targets.iter().filter(is_other).collect();
    let first = turn.checked_rem(others.len())?;
    others.rotate_left(first);
    let path = others.iter().take(crate::ledger::HOPS);
    Some(Route {
        guard: others.first()?.0,
        path: path.map(|(_, hop)| hop.clone()).collect(),
        destination: destination.1.clone(),
    })
}

async fn store(
    transport: &mut Transport,
    route: &Route,
    members: usize,
    call: &Store,
) -> std::result::Result<(), String> {
    let body = call.to_json();
    let request = Request::storage(&route.destination, &body);
    let sealed = seal(&mut UnwrapErr(SysRng), &route.path, &request).map_err(|e| e.to_string())?;
    let (status, body) = transport.post(&route.guard, sealed.packet).await?;
    let reply = sealed
        .reply_key
        .open(status, &body)
        .map_err(|error| error.to_string())?;
    let body = reply.body.unwrap_or_default();
    if reply.status != 200 {
        return Err(format!(
            "{} {}",
            reply.status,
            String::from_utf8_lossy(&body)
        ));
    }
    let value = Value::from_json(&body).map_err(|error| error.to_string())?;
    let answer = call
        .read_answer(&value)
        .map_err(|error| error.to_string())?;
    let done = answer.verify(call, |_| true).done.len();
    if done != members {
        return Err(format!("{done} of {members} members stored it"));
    }
    Ok(())
}

/// Resident memory of this process in MiB; none where the system does not tell.
pub fn resident_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// Drives the network, calling `progress` about once a second with the messages stored so far.
pub async fn run(network: &Network, load: Load, progress: impl Fn(u64)) -> Result {
    // What the clients know before they send: the keys of the nodes, and those of the receivers.
    let targets = Arc::new(targets(&network.chain.nodes()));
    let accounts = 0..load.accounts.clamp(1, MAX_ACCOUNTS);
    let accounts: Arc<[AccountId]> = accounts.map(|number| *account(number).id()).collect();
    let memory_before = resident_mib();
    let stored = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let end = start + Duration::from_secs(load.seconds.min(MAX_SECONDS));
    let workers: Vec<_> = (0..load.clients.clamp(1, MAX_CLIENTS))
        .map(|worker| {
            let (targets, stored) = (Arc::clone(&targets), Arc::clone(&stored));
            let (chain, accounts) = (Arc::clone(&network.chain), Arc::clone(&accounts));
            tokio::spawn(async move {
                let mut transport = match Transport::new(load.guards) {
                    Ok(transport) => transport,
                    Err(error) => return (Vec::new(), 1, Some(error)),
                };
                let sender = account(u32::MAX - worker);
                let routes: Vec<Option<Route>> = targets
                    .iter()
                    .zip(worker as usize..)
                    .map(|(target, turn)| route(&targets, target, turn))
                    .collect();
                let (mut latencies, mut errors, mut first) = (Vec::new(), 0u64, None);
                let mut number = u64::from(worker);
                while Instant::now() < end {
                    number += u64::from(load.clients);
                    let turn = usize::try_from(number % accounts.len() as u64).unwrap_or(0);
                    let to = accounts[turn];
                    let began = Instant::now();
                    let outcome = async {
                        let storage = AnyId::from(to);
                        let swarm = chain.swarm_of(&storage).ok_or("no swarm")?;
                        let members: Vec<usize> = (0..targets.len())
                            .filter(|index| targets[*index].0.swarm_id == swarm)
                            .collect();
                        let pick = members[usize::try_from(number).unwrap_or(0) % members.len()];
                        let route = routes[pick].as_ref().ok_or("no route")?;
                        let sent_ms = now_ms(0);
                        let content = Content::text(format!("message {number}"));
                        let mut rng = UnwrapErr(SysRng);
                        let sent_at = UnixMillis::new(sent_ms);
                        let sealed = Sealer::new(&sender)
                            .seal_direct(&mut rng, &to, &content, sent_at)
                            .map_err(|error| error.to_string())?;
                        let call = Store::new(storage, sealed, UnixMillis::new(sent_ms))
                            .map_err(|error| error.to_string())?;
                        store(&mut transport, route, members.len(), &call).await
                    };
                    match outcome.await {
                        Ok(()) => {
                            stored.fetch_add(1, Ordering::Relaxed);
                            latencies.push(began.elapsed());
                        }
                        Err(error) => {
                            errors += 1;
                            first.get_or_insert(error);
                        }
                    }
                }
                (latencies, errors, first)
            })
        })
        .collect();

    let mut memory_middle = None;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(1).min(end - Instant::now())).await;
        progress(stored.load(Ordering::Relaxed));
        if memory_middle.is_none() && start.elapsed().as_secs() >= load.seconds / 2 {
            memory_middle = resident_mib();
        }
    }
    let (mut latencies, mut errors, mut first_error) = (Vec::new(), 0, None);
    for worker in workers {
        match worker.await {
            Ok((mine, failed, first)) => {
                latencies.extend(mine);
                errors += failed;
                first_error = first_error.or(first);
            }
            Err(error) => {
                errors += 1;
                first_error.get_or_insert(error.to_string());
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        let index = index.min(latencies.len().saturating_sub(1));
        latencies
            .get(index)
            .map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
    };
    let memory = [memory_before, memory_middle, resident_mib()];
    Result {
        event: "bench",
        transport: load.guards.name(),
        stored: latencies.len() as u64,
        errors,
        first_error,
        seconds,
        per_second: latencies.len() as f64 / seconds,
        latency_ms: [at(0.5), at(0.9), at(0.99), at(1.0)],
        memory_mib: match memory {
            [Some(before), Some(middle), Some(after)] => Some([before, middle, after]),
            _ => None,
        },
    }
}

/// An account by its number, the same at every run.
fn account(number: u32) -> Account {
    let mut seed = [0x10; 16];
    let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _] = &mut seed;
    *head = number.to_be_bytes();
    Account::from_seed(&Seed::from_short(&seed))
}
