//! Where a client begins: the seed nodes, and the list of service nodes that they give.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use session_network::Seed;
use session_storage::ServiceNodesRequest;
use session_swarm::record::{AddressPolicy, NodeList, ReadOptions, ServiceNode};

use crate::error::ClientError;
use crate::http::{Http, Trust};

/// How many nodes a request passes before it reaches the one that answers it.
pub const HOPS: usize = 3;
/// How long a seed node has to answer.
const SEED_TIMEOUT: Duration = Duration::from_secs(5);

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

/// The seed nodes.
#[derive(Debug, Clone)]
pub(crate) struct Seeds {
    pub(crate) http: Http,
    urls: Vec<String>,
    pins: Arc<[Vec<u8>]>,
    /// Which nodes of a list are taken. A list that comes from this machine may name nodes on this
    /// machine, any other may name public addresses only.
    pub(crate) read: ReadOptions,
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

impl Seeds {
    /// Checks the URLs.
    pub(crate) fn new(options: &Options) -> Result<Self, ClientError> {
        if options.seeds.is_empty() {
            return Err(ClientError::Usage("no seed node given".into()));
        }
        let mut all_here = true;
        for url in &options.seeds {
            all_here &= is_loopback(url)?;
        }
        let addresses = if all_here {
            AddressPolicy::Any
        } else {
            AddressPolicy::Public
        };
        Ok(Self {
            http: Http::new(Trust::Pinned(options.pins.clone()), options.from),
            urls: options.seeds.clone(),
            pins: options.pins.iter().map(|pin| pin.to_vec()).collect(),
            read: ReadOptions {
                addresses,
                ..ReadOptions::default()
            },
        })
    }

    /// The seeds as the state machine knows them.
    pub(crate) fn list(&self) -> Vec<Seed> {
        let urls = self.urls.iter();
        urls.map(|url| Seed::new(url, Arc::clone(&self.pins)))
            .collect()
    }

    /// Asks the seed nodes, one after the other, for the service nodes.
    pub(crate) async fn nodes(&self) -> Result<Vec<ServiceNode>, ClientError> {
        let mut reasons = Vec::new();
        for (index, url) in self.urls.iter().enumerate() {
            let body = ServiceNodesRequest::default().to_seed_json();
            let read = |bytes: Bytes| -> Result<Vec<ServiceNode>, String> {
                let list = NodeList::from_json(&bytes, &self.read)
                    .map_err(|error| format!("{url} answered nonsense: {error}"))?;
                if list.nodes.is_empty() {
                    let skipped = list.skipped.total();
                    return Err(format!(
                        "{url} named no usable node ({skipped} could not be used)"
                    ));
                }
                Ok(list.nodes)
            };
            match self.ask(index, body, SEED_TIMEOUT).await.and_then(read) {
                Ok(nodes) => return Ok(nodes),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(ClientError::Seeds(reasons.join("; ").into()))
    }

    /// Posts to one seed node and gives what it answers with status 200.
    async fn ask(&self, index: usize, body: Vec<u8>, limit: Duration) -> Result<Bytes, String> {
        let url = self.urls.get(index).ok_or("no such seed node")?;
        let endpoint = format!("{}/json_rpc", url.trim_end_matches('/'));
        let answer = self
            .http
            .post(&endpoint, "application/json", body.into(), limit)
            .await
            .map_err(|error| error.to_string())?;
        if !answer.is_ok() {
            return Err(format!("{url} answered with status {}", answer.status));
        }
        // Whatever its type says: some seed nodes say none.
        if !answer.body.trim_ascii_start().starts_with(b"{") {
            return Err(format!("{url} did not answer with JSON"));
        }
        Ok(answer.body)
    }
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
    fn private_addresses_are_believed_only_if_all_seeds_are_here() {
        let of = |urls: &[&str]| {
            let seeds = urls.iter().map(ToString::to_string).collect();
            let options = Options {
                seeds,
                ..Options::default()
            };
            Seeds::new(&options).map(|seeds| seeds.read.addresses)
        };
        assert_eq!(of(&["https://127.0.0.1:1"]).unwrap(), AddressPolicy::Any);
        let mixed = ["https://127.0.0.1:1", "https://seed1.example.org"];
        assert_eq!(of(&mixed).unwrap(), AddressPolicy::Public);
        assert!(of(&[]).is_err());
    }
}
