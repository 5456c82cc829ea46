//! A parsed list of nodes, and the rules for its entries.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use session_types::Ed25519Public;

use super::{AddressPolicy, ServiceNode};

/// Maximum number of nodes of a list; the network has about two thousand.
pub const MAX_NODES: usize = 20_000;

/// The transport by which a client reaches nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Transport {
    /// HTTPS: records need an HTTPS port.
    #[default]
    Https,
    /// OxenMQ or QUIC: records need that port.
    Omq,
}

/// The rules for entries of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// The permitted addresses.
    pub addresses: AddressPolicy,
    /// The transport whose port is required.
    pub transport: Transport,
    /// Maximum number of nodes.
    pub max_nodes: usize,
}

impl Default for ReadOptions {
    /// Returns the rules of a client: public addresses, HTTPS, [`MAX_NODES`].
    fn default() -> Self {
        Self {
            addresses: AddressPolicy::Public,
            transport: Transport::Https,
            max_nodes: MAX_NODES,
        }
    }
}

/// Numbers of skipped entries, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skipped {
    /// Entries that are not objects, lack a key, or have a malformed field.
    pub malformed: usize,
    /// Entries without an address.
    pub address: usize,
    /// Entries whose address is not permitted.
    pub forbidden_address: usize,
    /// Entries whose port is absent or out of range.
    pub port: usize,
    /// Entries with a repeated key; the first one is kept.
    pub duplicate: usize,
    /// Entries above the maximum number.
    pub surplus: usize,
}

impl Skipped {
    /// Returns the number of all skipped entries.
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

/// The list of nodes is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The input is not JSON.
    #[error("node list is not json")]
    Json,
    /// The JSON has no list of nodes.
    #[error("no list of nodes in the answer")]
    NoList,
    /// The length of the binary list is not a multiple of the record's.
    #[error("expected records of 51 bytes, got {0} bytes")]
    Length(usize),
}

/// A parsed list of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeList {
    /// The nodes, in the order of the list, each key once.
    pub nodes: Vec<ServiceNode>,
    /// Height of the chain, if the list contains it.
    pub height: Option<u64>,
    /// The skipped entries.
    pub skipped: Skipped,
}

impl NodeList {
    /// Removes the nodes that have left since a bundled list was made (protocol: swarm, section
    /// 4.1). Returns their number.
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

/// Collects records by the rules that all forms share.
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
