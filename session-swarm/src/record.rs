//! Records of service nodes and the forms in which they travel (protocol: swarm, section 3).

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;
use session_crypto::Ed25519PublicExt;

use session_crypto::KeyError;
use session_types::{Ed25519Public, SwarmId, X25519Public};

mod address;
mod binary;
mod json;
mod list;

pub use address::AddressPolicy;
pub use binary::{BINARY_LENGTH, read_binary, read_binary_with, write_binary};
pub use list::{MAX_NODES, NodeList, ReadOptions, RecordError, Skipped, Transport};

/// The record of a service node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceNode {
    /// The identity of the node toward clients. The node signs with this key.
    pub ed25519: Ed25519Public,
    /// The X25519 key as the record has it. Use [`onion_key`](Self::onion_key), which validates it.
    pub x25519: Option<X25519Public>,
    /// The identity of the node on the chain, if the record has it.
    pub legacy: Option<[u8; 32]>,
    /// The address; `0.0.0.0` if unknown.
    pub ip: Ipv4Addr,
    /// Port of HTTPS; 0 if unknown.
    pub https_port: u16,
    /// Port of OxenMQ (TCP) and of QUIC (UDP); 0 if unknown.
    pub omq_port: u16,
    /// Version of the storage server; zeros if unknown.
    pub version: Version,
    /// The swarm of the node.
    pub swarm_id: SwarmId,
    /// Height of the chain at which the node leaves; 0 if it stays.
    pub requested_unlock_height: u64,
}

impl ServiceNode {
    /// Returns the key of the node's onion layer, which is derived from its Ed25519 key.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the Ed25519 key is invalid, or if the record has another X25519 key. The
    /// author of such a record could read the layer.
    pub fn onion_key(&self) -> Result<X25519Public, KeyError> {
        let key = self.ed25519.to_x25519()?;
        if self.x25519.is_some_and(|given| given != key) {
            return Err(KeyError::Mismatch);
        }
        Ok(key)
    }

    /// Returns the /24 network of the address.
    #[must_use]
    pub const fn subnet(&self) -> [u8; 3] {
        let [a, b, c, _] = self.ip.octets();
        [a, b, c]
    }

    /// Returns whether the record has an address and an HTTPS port.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        !self.ip.is_unspecified() && self.https_port != 0
    }

    /// Returns this record with the address of an older one if it has none (protocol: swarm,
    /// section 6.2).
    #[must_use]
    pub const fn keeping_address_of(mut self, known: &Self) -> Self {
        if self.ip.is_unspecified() && self.https_port == 0 && self.omq_port == 0 {
            self.ip = known.ip;
            self.https_port = known.https_port;
            self.omq_port = known.omq_port;
        }
        self
    }
}

/// A version of three parts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub [u16; 3]);

/// The text is not a dotted version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a dotted version")]
pub struct VersionError;

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let mut version = Self::default();
        for (to, from) in version.0.iter_mut().zip(text.split('.')) {
            *to = from.parse().map_err(|_| VersionError)?;
        }
        Ok(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}
