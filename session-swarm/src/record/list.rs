//! A list of nodes that was read, and the rules by which its entries are taken.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use session_types::Ed25519Public;

use super::{AddressPolicy, ServiceNode, json};

/// Most nodes that are kept of a list; the network has about two thousand.
pub const MAX_NODES: usize = 20_000;

/// Over what a client reaches nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// HTTPS: records need an HTTPS port.
    #[default]
    Https,
    /// OxenMQ or QUIC: records need that port.
    Omq,
}

/// What a client takes of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which addresses.
    pub addresses: AddressPolicy,
    /// Which port must be there.
    pub transport: Transport,
    /// How many nodes at most.
    pub max_nodes: usize,
}

impl Default for ReadOptions {
    /// Public addresses, HTTPS, [`MAX_NODES`].
    fn default() -> Self {
        Self {
            addresses: AddressPolicy::Public,
            transport: Transport::Https,
            max_nodes: MAX_NODES,
        }
    }
}

/// How many entries of a list were left out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Not an object, no key, or a field of a form that it cannot have.
    pub malformed: usize,
    /// No address.
    pub address: usize,
    /// An address that the caller did not allow.
    pub forbidden_address: usize,
    /// No port, or one out of range.
    pub port: usize,
    /// A key that was there already; the first entry is kept.
    pub duplicate: usize,
    /// More nodes than the caller takes.
    pub surplus: usize,
}

impl Skipped {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.malformed
            .saturating_add(self.address)
            .saturating_add(self.forbidden_address)
            .saturating_add(self.port)
            .saturating_add(self.duplicate)
            .saturating_add(self.surplus)
    }
}

/// A list of nodes that cannot be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not JSON.
    #[error("node list is not json")]
    Json,
    /// It is JSON without a list of nodes.
    #[error("no list of nodes in the answer")]
    NoList,
    /// A binary list of another length.
    #[error("expected records of 51 bytes, got {0} bytes")]
    Length(usize),
}

/// A list of nodes that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeList {
    /// The nodes, in the order of the list, each key once.
    pub nodes: Vec<ServiceNode>,
    /// Height of the chain, if the list tells it.
    pub height: Option<u64>,
    /// What was left out.
    pub skipped: Skipped,
}

impl NodeList {
    /// Reads any of the JSON forms.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if it is not JSON or has no list of nodes.
    ///
    /// ```
    /// use session_swarm::record::{NodeList, ReadOptions};
    ///
    /// let key = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
    /// let answer = format!(
    ///     r#"{{"result":{{"height":1,"service_node_states":[{{"pubkey_ed25519":"{key}",
    ///         "public_ip":"95.216.33.113","storage_port":22021,"storage_lmq_port":22020,"swarm":"64"}}]}}}}"#
    /// );
    /// let list = NodeList::from_json(answer.as_bytes(), &ReadOptions::default())?;
    /// assert_eq!(list.nodes[0].https_port, 22021);
    /// assert_eq!(list.skipped.total(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn from_json(json: &[u8], options: &ReadOptions) -> Result<Self, RecordError> {
        json::read(json, options)
    }

    /// Drops the nodes that have left since the list was made, as a bundled list needs it
    /// (protocol: swarm, section 4.1). Returns how many.
    pub fn drop_departed(&mut self, seconds_since: u64) -> usize {
        let blocks = seconds_since / 120;
        let height = self.height.unwrap_or(0).saturating_add(blocks);
        let before = self.nodes.len();
        self.nodes.retain(|node| {
            node.requested_unlock_height == 0 || node.requested_unlock_height > height
        });
        before.saturating_sub(self.nodes.len())
    }
}

/// Takes records and applies the rules that all forms share.
pub(super) struct Collector {
    options: ReadOptions,
    nodes: Vec<ServiceNode>,
    seen: BTreeSet<Ed25519Public>,
    pub(super) skipped: Skipped,
}

impl Collector {
    pub(super) const fn new(options: ReadOptions) -> Self {
        Self {
            options,
            nodes: Vec::new(),
            seen: BTreeSet::new(),
            skipped: Skipped {
                malformed: 0,
                address: 0,
                forbidden_address: 0,
                port: 0,
                duplicate: 0,
                surplus: 0,
            },
        }
    }

    pub(super) fn push(&mut self, node: ServiceNode) {
        let port = match self.options.transport {
            Transport::Https => node.https_port,
            Transport::Omq => node.omq_port,
        };
        let skipped = &mut self.skipped;
        let count = if node.ip.is_unspecified() {
            &mut skipped.address
        } else if !self.options.addresses.allows(node.ip) {
            &mut skipped.forbidden_address
        } else if port == 0 {
            &mut skipped.port
        } else if self.nodes.len() >= self.options.max_nodes {
            &mut skipped.surplus
        } else if !self.seen.insert(node.ed25519) {
            &mut skipped.duplicate
        } else {
            self.nodes.push(node);
            return;
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn finish(self) -> (Vec<ServiceNode>, Skipped) {
        (self.nodes, self.skipped)
    }
}
