//! What a client keeps on disk, and how it gets it back.
//!
//! | Size | Field |
//! |---|---|
//! | 4 | `SSWC` |
//! | 1 | version, 1 |
//! | 8 | time of the list of nodes, big-endian milliseconds since 1970; all ones: none |
//! | n | sections, each a big-endian u32 count and that many records |
//! | 32 | BLAKE2b-256 of everything before |
//!
//! Sections: nodes, strikes, guards, last hashes. A file that is damaged, of another program or of
//! a later version is refused as a whole: its owner starts afresh.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use session_crypto::{Blake2b, Ed25519Public, X25519Public};

use super::{Client, ClientConfig};
use crate::account::StorageAccount;
use crate::hash::MessageHash;
use crate::last_hash::LastHashes;
use crate::namespace::Namespace;
use crate::path::Guard;
use crate::pool::Pool;
use crate::record::{MAX_NODES, ServiceNode, Version};
use crate::ring::SwarmId;
use crate::strikes::Strikes;

const MAGIC: &[u8; 4] = b"SSWC";
const VERSION: u8 = 1;
const DIGEST: usize = 32;
/// Most records of a section that are read.
const MAX_RECORDS: usize = 200_000;

/// Why a saved state cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is something else.
    #[error("not a saved client state")]
    NotAState,
    /// It is of a version that this one does not know.
    #[error("saved client state of unknown version {0}")]
    Version(u8),
    /// It was changed or cut.
    #[error("saved client state is damaged")]
    Damaged,
}

/// What a client keeps between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedState {
    /// The nodes, in the order of the pool.
    pub nodes: Vec<ServiceNode>,
    /// When their list came, in milliseconds since 1970.
    pub updated_ms: Option<u64>,
    /// The strikes.
    pub strikes: Strikes,
    /// The guards.
    pub guards: Vec<Guard>,
    /// How far messages were read.
    pub last_hashes: LastHashes,
}

impl SavedState {
    /// Writes the state.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&self.updated_ms.unwrap_or(u64::MAX).to_be_bytes());
        put_count(&mut out, self.nodes.len());
        for node in &self.nodes {
            put_node(&mut out, node);
        }
        put_count(&mut out, self.strikes.iter().len());
        for (node, times) in self.strikes.iter() {
            out.extend_from_slice(node.as_bytes());
            put_count(&mut out, times.len());
            for time in times {
                out.extend_from_slice(&time.to_be_bytes());
            }
        }
        put_count(&mut out, self.guards.len());
        for guard in &self.guards {
            out.extend_from_slice(guard.key.as_bytes());
            out.extend_from_slice(&guard.since_ms.to_be_bytes());
        }
        put_count(&mut out, self.last_hashes.len());
        for (account, namespace, node, hash, expiry) in self.last_hashes.iter() {
            out.extend_from_slice(account.as_bytes());
            out.extend_from_slice(&namespace.number().to_be_bytes());
            out.extend_from_slice(node.as_bytes());
            out.extend_from_slice(hash.as_bytes());
            out.extend_from_slice(&expiry.to_be_bytes());
        }
        let digest = Blake2b::<DIGEST>::new().chain(&out).finalize();
        out.extend_from_slice(&digest);
        out
    }

    /// Reads a state.
    ///
    /// # Errors
    ///
    /// [`StateError`] if it is not one that this version wrote, to the last bit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(StateError::NotAState)?;
        let (version, _) = rest.split_first().ok_or(StateError::Damaged)?;
        if *version != VERSION {
            return Err(StateError::Version(*version));
        }
        let parts = bytes.split_last_chunk::<DIGEST>();
        let (content, digest) = parts.ok_or(StateError::Damaged)?;
        if Blake2b::<DIGEST>::new().chain(content).finalize() != *digest {
            return Err(StateError::Damaged);
        }
        let body = content.get(MAGIC.len().saturating_add(1)..);
        let mut input = Input(body.ok_or(StateError::Damaged)?);
        let state = input.state().ok_or(StateError::Damaged)?;
        if !input.0.is_empty() {
            return Err(StateError::Damaged);
        }
        Ok(state)
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    out.extend_from_slice(&count.to_be_bytes());
}

fn put_node(out: &mut Vec<u8>, node: &ServiceNode) {
    out.extend_from_slice(node.ed25519.as_bytes());
    for key in [node.x25519.map(X25519Public::to_bytes), node.legacy] {
        out.push(key.is_some().into());
        out.extend_from_slice(key.unwrap_or_default().as_slice());
    }
    out.extend_from_slice(&node.ip.octets());
    out.extend_from_slice(&node.https_port.to_be_bytes());
    out.extend_from_slice(&node.omq_port.to_be_bytes());
    for part in node.version.0 {
        out.extend_from_slice(&part.to_be_bytes());
    }
    out.extend_from_slice(&node.swarm_id.get().to_be_bytes());
    out.extend_from_slice(&node.requested_unlock_height.to_be_bytes());
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn list<T>(&mut self, max: usize, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        if count > max {
            return None;
        }
        (0..count).map(|_| read(self)).collect()
    }

    fn key(&mut self) -> Option<Ed25519Public> {
        self.take().map(Ed25519Public::from_bytes)
    }

    fn optional_key(&mut self) -> Option<Option<[u8; 32]>> {
        let [flag] = self.take()?;
        let key = self.take()?;
        match flag {
            0 => Some(None),
            1 => Some(Some(key)),
            _ => None,
        }
    }

    fn node(&mut self) -> Option<ServiceNode> {
        Some(ServiceNode {
            ed25519: self.key()?,
            x25519: self.optional_key()?.map(X25519Public::from_bytes),
            legacy: self.optional_key()?,
            ip: Ipv4Addr::from(self.take::<4>()?),
            https_port: self.short()?,
            omq_port: self.short()?,
            version: Version([self.short()?, self.short()?, self.short()?]),
            swarm_id: SwarmId::new(self.number()?),
            requested_unlock_height: self.number()?,
        })
    }

    fn state(&mut self) -> Option<SavedState> {
        let updated_ms = self.number()?;
        let nodes = self.list(MAX_NODES, Self::node)?;
        let mut strikes = Strikes::default();
        for (node, times) in self.list(MAX_RECORDS, |input| {
            Some((input.key()?, input.list(MAX_RECORDS, Self::number)?))
        })? {
            strikes.insert(node, times);
        }
        let guards = self.list(MAX_RECORDS, |input| {
            Some(Guard {
                key: input.key()?,
                since_ms: input.number()?,
            })
        })?;
        let mut last_hashes = LastHashes::default();
        for (account, namespace, node, hash, expiry) in self.list(MAX_RECORDS, |input| {
            let account = StorageAccount::from_bytes(input.take()?);
            let namespace = Namespace::new(i16::from_be_bytes(input.take()?));
            let node = input.key()?;
            let hash = MessageHash::try_from(input.take::<43>()?.as_slice()).ok()?;
            Some((account, namespace, node, hash, input.number()?))
        })? {
            last_hashes.set(&account, namespace, &node, hash, expiry);
        }
        Some(SavedState {
            nodes,
            updated_ms: (updated_ms != u64::MAX).then_some(updated_ms),
            strikes,
            guards,
            last_hashes,
        })
    }
}

impl Client {
    /// What to keep on disk: the pool, strikes and guards, and how far messages were read.
    #[must_use]
    pub fn save(&self, last_hashes: &LastHashes) -> SavedState {
        SavedState {
            nodes: self.pool.nodes().to_vec(),
            updated_ms: self.pool.updated_ms(),
            strikes: self.strikes.clone(),
            guards: self.paths.guards().to_vec(),
            last_hashes: last_hashes.clone(),
        }
    }

    /// A client with what it kept. Guards that have too many strikes are forgotten.
    #[must_use]
    pub fn restore(config: ClientConfig, state: &SavedState, now_ms: u64) -> Self {
        let mut client = Self::new(config);
        client.pool = Pool::from_ordered(state.nodes.clone(), state.updated_ms);
        client.strikes = state.strikes.clone();
        let mut guards = state.guards.clone();
        guards.retain(|guard| {
            client.pool.get(&guard.key).is_some() && !client.strikes.is_out(&guard.key, now_ms)
        });
        client.paths.set_guards(guards);
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> SavedState {
        let node = |number: u8| ServiceNode {
            ed25519: Ed25519Public::from_bytes([number; 32]),
            x25519: number
                .is_multiple_of(2)
                .then(|| X25519Public::from_bytes([number; 32])),
            legacy: number.is_multiple_of(3).then_some([number; 32]),
            ip: [1, 2, number, 4].into(),
            https_port: 22021,
            omq_port: 0,
            version: Version([2, 8, number.into()]),
            swarm_id: SwarmId::new(u64::MAX - u64::from(number)),
            requested_unlock_height: number.into(),
        };
        let mut state = SavedState {
            nodes: (0..20).map(node).collect(),
            updated_ms: Some(77),
            ..SavedState::default()
        };
        state
            .strikes
            .strike_out(&Ed25519Public::from_bytes([1; 32]), 5);
        for number in [1, 2] {
            state.guards.push(Guard {
                key: Ed25519Public::from_bytes([number; 32]),
                since_ms: 9,
            });
        }
        let account = StorageAccount::from_bytes([5; 33]);
        let hash = MessageHash::of(&account, Namespace::DEFAULT, b"");
        let key = Ed25519Public::from_bytes([3; 32]);
        state
            .last_hashes
            .set(&account, Namespace::new(-10), &key, hash, 1_000);
        state
    }

    #[test]
    fn what_is_saved_is_restored() {
        let state = state();
        assert_eq!(
            SavedState::from_bytes(&state.to_bytes()).as_ref(),
            Ok(&state)
        );
        let client = Client::restore(ClientConfig::default(), &state, 6);
        assert_eq!(client.pool().nodes(), state.nodes);
        // The guard that is struck out is forgotten.
        assert_eq!(client.paths().guards(), &state.guards[1..]);
        let again = client.save(&state.last_hashes);
        assert_eq!(again.nodes, state.nodes);
        assert_eq!(again.strikes, state.strikes);
    }

    #[test]
    fn every_damage_is_found() {
        let bytes = state().to_bytes();
        for length in 0..bytes.len() {
            assert!(SavedState::from_bytes(&bytes[..length]).is_err());
        }
        for index in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[index] ^= 0x10;
            let expected = match index {
                0..4 => StateError::NotAState,
                4 => StateError::Version(0x11),
                _ => StateError::Damaged,
            };
            assert_eq!(SavedState::from_bytes(&bytes), Err(expected));
        }
        assert_eq!(SavedState::from_bytes(b"{}"), Err(StateError::NotAState));
    }

    #[test]
    fn a_count_beyond_the_file_is_damage_and_costs_no_memory() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(b"SSWC\x01");
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&[0xff; 4]);
        let digest = Blake2b::<32>::new().chain(&bytes).finalize();
        bytes.extend_from_slice(&digest);
        assert_eq!(SavedState::from_bytes(&bytes), Err(StateError::Damaged));
    }
}
