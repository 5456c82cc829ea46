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

/// What is known of a service node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceNode {
    /// Its identity toward clients: it signs with this key.
    pub ed25519: Ed25519Public,
    /// The key of its onion layer, if the record has it. Take it from
    /// [`onion_key`](Self::onion_key).
    pub x25519: Option<X25519Public>,
    /// Its identity on the chain, if the record has it.
    pub legacy: Option<[u8; 32]>,
    /// Its address; `0.0.0.0` if unknown.
    pub ip: Ipv4Addr,
    /// Port of HTTPS; 0 if unknown.
    pub https_port: u16,
    /// Port of OxenMQ (TCP) and of QUIC (UDP); 0 if unknown.
    pub omq_port: u16,
    /// Version of its storage server; zeros if unknown.
    pub version: Version,
    /// Its swarm.
    pub swarm_id: SwarmId,
    /// Height of the chain at which it leaves; 0 if it stays.
    pub requested_unlock_height: u64,
}

impl ServiceNode {
    /// The key of its onion layer. It always belongs to the Ed25519 key, and is made from it.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the Ed25519 key is none, or the X25519 key of the record is another one:
    /// whoever made the record wants to read along.
    pub fn onion_key(&self) -> Result<X25519Public, KeyError> {
        let key = self.ed25519.to_x25519()?;
        if self.x25519.is_some_and(|given| given != key) {
            return Err(KeyError::Mismatch);
        }
        Ok(key)
    }

    /// The /24 network of its address.
    #[must_use]
    pub const fn subnet(&self) -> [u8; 3] {
        let [a, b, c, _] = self.ip.octets();
        [a, b, c]
    }

    /// Whether it has an address and a port for HTTPS.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        !self.ip.is_unspecified() && self.https_port != 0
    }

    /// This record, with the address of an older one if it has none itself (protocol: swarm,
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

/// A text that is not a dotted version.
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
