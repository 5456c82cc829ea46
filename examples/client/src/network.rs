//! The network as a client knows it: the nodes, and requests that reach them through paths.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use getrandom::SysRng;
use getrandom::rand_core::{Rng, UnwrapErr};
use rustls::pki_types::CertificateDer;
use session_onion::client::{Hop, Request, seal};
use session_swarm::StorageAccount;
use session_swarm::record::{
    AddressPolicy, NodeList, ReadOptions, ServiceNode, ServiceNodesRequest,
};
use session_swarm::ring::{SwarmId, SwarmRing};
use session_swarm::rpc::Call;
use session_swarm::value::Value;

use crate::error::ClientError;
use crate::http::{Http, Trust};

/// How many nodes a request passes before it reaches the one that answers it.
pub const HOPS: usize = 3;
/// How long a seed node has to answer.
const SEED_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request has to come back through its path.
const ONION_TIMEOUT: Duration = Duration::from_secs(40);

/// Where to begin.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// URLs of seed nodes; the first that answers is believed.
    pub seeds: Vec<String>,
    /// The certificates that seed nodes may have.
    pub pins: Vec<CertificateDer<'static>>,
    /// The address to connect from, if it matters.
    pub from: Option<IpAddr>,
}

/// The nodes that a request passes, guard first, and the one that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The path.
    pub path: [ServiceNode; HOPS],
    /// The node that answers.
    pub destination: ServiceNode,
}

/// The nodes and how to talk to them.
#[derive(Debug)]
pub struct Network {
    http: Http,
    nodes: Vec<ServiceNode>,
    ring: SwarmRing,
}

/// Whether a seed node is on this machine, and whether its URL is one that may be used: https, or
/// http on this machine.
fn is_loopback(url: &str) -> Result<bool, ClientError> {
    let unusable = || ClientError::Usage(format!("`{url}` is not the URL of a seed node"));
    let uri: hyper::Uri = url.parse().map_err(|_| unusable())?;
    let host = uri.host().ok_or_else(unusable)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<IpAddr> = host.parse().ok();
    let loopback = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(loopback),
        Some("http") if loopback => Ok(true),
        Some("http") => Err(ClientError::Usage(format!(
            "`{url}` is plain http, which is allowed on this machine only"
        ))),
        _ => Err(unusable()),
    }
}

impl Network {
    /// Asks the seed nodes, one after the other, for the service nodes.
    ///
    /// A list that comes from this machine may name nodes on this machine; any other may name
    /// public addresses only.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if a URL cannot be used or no seed node answers with a list.
    pub async fn bootstrap(options: &Options) -> Result<Self, ClientError> {
        if options.seeds.is_empty() {
            return Err(ClientError::Usage("no seed node given".into()));
        }
        let trust = Trust::Pinned(options.pins.clone());
        let seed_http = Http::new(trust, options.from);
        let mut reasons = Vec::new();
        for url in &options.seeds {
            let addresses = if is_loopback(url)? {
                AddressPolicy::Any
            } else {
                AddressPolicy::Public
            };
            match ask_seed(&seed_http, url, addresses).await {
                Ok(nodes) => {
                    let http = Http::new(Trust::Any, options.from);
                    let ring = nodes.iter().map(|node| node.swarm_id).collect();
                    return Ok(Self { http, nodes, ring });
                }
                Err(reason) => reasons.push(reason),
            }
        }
        Err(ClientError::Seeds(reasons.join("; ")))
    }

    /// All nodes.
    pub fn nodes(&self) -> &[ServiceNode] {
        &self.nodes
    }

    /// The number of swarms.
    pub fn swarms(&self) -> usize {
        self.ring.len()
    }

    /// The swarm that keeps the messages of an account, and its members.
    ///
    /// # Errors
    ///
    /// [`ClientError::NoSwarm`] if there is none.
    pub fn swarm_of(
        &self,
        account: &StorageAccount,
    ) -> Result<(SwarmId, Vec<ServiceNode>), ClientError> {
        let swarm = self.ring.swarm_of(account).ok_or(ClientError::NoSwarm)?;
        let members = self.nodes.iter().filter(|node| node.swarm_id == swarm);
        Ok((swarm, members.copied().collect()))
    }

    /// Picks a random path to a destination: nodes of different subnets, none of them that of the
    /// destination.
    ///
    /// # Errors
    ///
    /// [`ClientError::TooFewNodes`] if there are not enough.
    pub fn route(&self, destination: ServiceNode) -> Result<Route, ClientError> {
        let mut subnets = vec![destination.subnet()];
        let mut path = Vec::with_capacity(HOPS);
        for node in shuffled(&self.nodes) {
            if path.len() < HOPS && !subnets.contains(&node.subnet()) {
                subnets.push(node.subnet());
                path.push(node);
            }
        }
        match path.try_into() {
            Ok(path) => Ok(Route { path, destination }),
            Err(path) => Err(ClientError::TooFewNodes {
                usable: path.len(),
                needed: HOPS + 1,
            }),
        }
    }

    /// Sends a storage request along a route and reads the answer.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if the answer does not come back, is a refusal, or makes no sense.
    pub async fn call<C: Call>(&self, route: &Route, call: &C) -> Result<C::Answer, ClientError> {
        let method = C::METHOD.name();
        let unusable = |error: session_crypto::KeyError| ClientError::Onion(error.to_string());
        let mut hops = Vec::with_capacity(HOPS);
        for node in &route.path {
            hops.push(Hop::new(node.ed25519, node.onion_key().map_err(unusable)?));
        }
        let last = &route.destination;
        let last = Hop::new(last.ed25519, last.onion_key().map_err(unusable)?);
        let body = call.to_json();
        let sealed = seal(
            &mut UnwrapErr(SysRng),
            &hops,
            &Request::storage(&last, &body),
        )
        .map_err(|error| ClientError::Onion(error.to_string()))?;

        let [guard, ..] = &route.path;
        let url = format!("https://{}:{}/onion_req/v2", guard.ip, guard.https_port);
        let packet = Bytes::from(sealed.packet);
        let answer = self
            .http
            .post(&url, "application/octet-stream", packet, ONION_TIMEOUT)
            .await?;
        let reply = sealed
            .reply_key
            .open(answer.status, &answer.body)
            .map_err(|error| ClientError::Onion(error.to_string()))?;
        let body = reply.body.unwrap_or_default();
        if reply.status != 200 {
            let text = String::from_utf8_lossy(&body).chars().take(200).collect();
            return Err(ClientError::Refused {
                method,
                status: reply.status,
                text,
            });
        }
        let nonsense = |reason: String| ClientError::Nonsense { method, reason };
        let value = Value::from_json(&body).map_err(|error| nonsense(error.to_string()))?;
        call.read_answer(&value)
            .map_err(|error| nonsense(error.to_string()))
    }
}

async fn ask_seed(
    http: &Http,
    url: &str,
    addresses: AddressPolicy,
) -> Result<Vec<ServiceNode>, String> {
    let endpoint = format!("{}/json_rpc", url.trim_end_matches('/'));
    let body = ServiceNodesRequest::default().to_seed_json().into();
    let answer = http
        .post(&endpoint, "application/json", body, SEED_TIMEOUT)
        .await;
    let answer = answer.map_err(|error| error.to_string())?;
    if !answer.is_ok() {
        return Err(format!("{url} answered with status {}", answer.status));
    }
    if answer.content_type.as_deref() != Some("application/json") {
        return Err(format!("{url} did not answer with JSON"));
    }
    let options = ReadOptions {
        addresses,
        ..ReadOptions::default()
    };
    let list = NodeList::from_json(&answer.body, &options)
        .map_err(|error| format!("{url} answered nonsense: {error}"))?;
    if list.nodes.is_empty() {
        let skipped = list.skipped.total();
        return Err(format!(
            "{url} named no usable node ({skipped} could not be used)"
        ));
    }
    Ok(list.nodes)
}

/// The items in random order.
pub fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    let mut rng = UnwrapErr(SysRng);
    for last in (1..items.len()).rev() {
        // The bias of a 64-bit number modulo a small one is far below what anybody could see.
        let other = (rng.next_u64() % (last as u64 + 1)) as usize;
        items.swap(last, other);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for url in [
            "http://127.0.0.1:22023",
            "http://localhost:1",
            "http://[::1]:1/",
        ] {
            assert!(is_loopback(url).unwrap(), "{url}");
        }
        assert!(!is_loopback("https://seed1.example.org:4443/").unwrap());
        for url in [
            "http://seed1.example.org",
            "ftp://127.0.0.1",
            "127.0.0.1:1",
            "",
            "https://",
        ] {
            assert!(is_loopback(url).is_err(), "{url}");
        }
    }

    #[test]
    fn shuffling_loses_nothing() {
        let items: Vec<u32> = (0..100).collect();
        let mut once = shuffled(&items);
        assert_ne!(once, items, "one in 100! runs");
        once.sort_unstable();
        assert_eq!(once, items);
        assert!(shuffled::<u32>(&[]).is_empty());
    }
}
