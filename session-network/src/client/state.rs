//! What a client keeps on disk, and how it gets it back.
//!
//! | Size | Field |
//! |---|---|
//! | 4 | `SSWC` |
//! | 1 | version, 2 |
//! | 8 | time of the list of nodes, big-endian milliseconds since 1970; all ones: none |
//! | n | sections, each a big-endian u32 count and that many records |
//! | 32 | BLAKE2b-256 of everything before |
//!
//! Sections: nodes, strikes, guards, paths, last hashes. A file that is damaged, of another program or of
//! a later version is refused as a whole: its owner starts afresh.

use alloc::vec::Vec;

use session_crypto::{Blake2b, Ed25519Public, X25519Public};
use session_swarm::record::ServiceNode;

use super::{Client, ClientConfig};
use crate::last_hash::LastHashes;
use crate::path::{Guard, Path, Purpose};
use crate::pool::Pool;
use crate::strikes::Strikes;

mod input;

use input::Input;

const MAGIC: &[u8; 4] = b"SSWC";
const VERSION: u8 = 2;
const DIGEST: usize = 32;
/// Most records of a section that are read.
const MAX_RECORDS: usize = 200_000;
/// How the purposes of paths are written.
const STANDARD: u8 = 0;
const FILE: u8 = 1;

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
    /// The paths.
    pub paths: Vec<SavedPath>,
    /// How far messages were read.
    pub last_hashes: LastHashes,
}

/// A path between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPath {
    /// What it is used for.
    pub purpose: Purpose,
    /// When it was built, in milliseconds since 1970.
    pub built_ms: u64,
    /// The keys of its hops, the guard first.
    pub hops: Vec<Ed25519Public>,
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
        put_count(&mut out, self.paths.len());
        for path in &self.paths {
            out.push(match path.purpose {
                Purpose::Standard => STANDARD,
                Purpose::File => FILE,
            });
            out.extend_from_slice(&path.built_ms.to_be_bytes());
            put_count(&mut out, path.hops.len());
            for hop in &path.hops {
                out.extend_from_slice(hop.as_bytes());
            }
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
        let mut input = Input::new(body.ok_or(StateError::Damaged)?);
        let state = input.state().ok_or(StateError::Damaged)?;
        if !input.is_empty() {
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

impl Client {
    /// What to keep on disk: the pool, strikes and guards, and how far messages were read.
    #[must_use]
    pub fn save(&self, last_hashes: &LastHashes) -> SavedState {
        SavedState {
            nodes: self.pool.nodes().to_vec(),
            updated_ms: self.pool.updated_ms(),
            strikes: self.strikes.clone(),
            guards: self.paths.guards().to_vec(),
            paths: self.paths.live().iter().map(saved).collect(),
            last_hashes: last_hashes.clone(),
        }
    }

    /// A client with what it kept. Guards that have too many strikes are forgotten, and paths of
    /// which a node cannot be used any more.
    ///
    /// What is from the future, of a clock that was set back since, is taken for as old as `now_ms`,
    /// or it would stay young for ever.
    #[must_use]
    pub fn restore(config: ClientConfig, state: &SavedState, now_ms: u64) -> Self {
        let mut client = Self::new(config);
        client.latest_ms = now_ms;
        client.pool = Pool::from_ordered(state.nodes.clone(), state.updated_ms);
        client.strikes = state.strikes.clone();
        let times = client.pool.times().chain(client.strikes.times());
        times.for_each(|time| *time = now_ms.min(*time));
        let mut guards = state.guards.clone();
        guards.retain(|guard| {
            client.pool.get(&guard.key).is_some() && !client.strikes.is_out(&guard.key, now_ms)
        });
        for guard in &mut guards {
            guard.since_ms = guard.since_ms.min(now_ms);
        }
        client.paths.set_guards(guards);
        for path in &state.paths {
            client.restore_path(path, now_ms);
        }
        client
    }

    fn restore_path(&mut self, path: &SavedPath, now_ms: u64) {
        let hops = path.hops.iter().map(|key| {
            let node = self.pool.get(key).copied()?;
            let node = self.pool.with_onion_key(&node)?;
            let is_usable = node.is_reachable() && !self.strikes.is_out(key, now_ms);
            is_usable.then_some(node)
        });
        if let Some(hops) = hops.collect::<Option<Vec<_>>>() {
            let config = &self.config.path;
            let built_ms = path.built_ms.min(now_ms);
            self.paths.restore(path.purpose, hops, built_ms, config);
        }
    }
}

fn saved(path: &Path) -> SavedPath {
    SavedPath {
        purpose: path.purpose,
        built_ms: path.built_ms,
        hops: path.hops.iter().map(|hop| hop.ed25519).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use session_crypto::Ed25519PublicExt;
    use session_crypto::Ed25519Secret;
    use session_crypto::hash::message_hash;
    use session_swarm::record::Version;
    use session_types::AnyId;
    use session_types::Namespace;
    use session_types::SwarmId;

    fn key(number: u8) -> Ed25519Public {
        Ed25519Secret::from_seed(&[number; 32]).public()
    }

    fn state() -> SavedState {
        let node = |number: u8| ServiceNode {
            ed25519: key(number),
            x25519: number
                .is_multiple_of(2)
                .then(|| key(number).to_x25519().unwrap()),
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
        state.strikes.strike_out(&key(1), 5);
        for number in [1, 2] {
            state.guards.push(Guard {
                key: key(number),
                since_ms: 9,
            });
        }
        let account = AnyId::from_bytes([5; 33]);
        let hash = message_hash(&account, Namespace::DEFAULT, b"");
        state
            .last_hashes
            .set(&account, Namespace::new(-10), &key(3), hash, 1_000);
        state.paths = [Purpose::Standard, Purpose::File]
            .map(|purpose| path(purpose, [2, 5, 7]))
            .to_vec();
        state
    }

    fn path(purpose: Purpose, hops: [u8; 3]) -> SavedPath {
        SavedPath {
            purpose,
            built_ms: 4,
            hops: hops.map(key).to_vec(),
        }
    }

    #[test]
    fn paths_are_restored_as_far_as_they_can_be_used() {
        let restored = |paths: &[SavedPath]| {
            let state = SavedState {
                paths: paths.to_vec(),
                ..state()
            };
            let client = Client::restore(ClientConfig::default(), &state, 100);
            client.save(&LastHashes::default()).paths
        };
        let good = [
            path(Purpose::Standard, [2, 5, 7]),
            path(Purpose::File, [2, 8, 9]),
        ];
        // The second one shares a node with the first.
        assert_eq!(restored(&good), good[..1]);
        for (bad, why) in [
            ([1, 5, 7], "a guard that is struck out"),
            ([3, 5, 7], "a guard that was none"),
            ([2, 1, 7], "a hop that is struck out"),
            ([2, 5, 99], "a hop that is gone"),
            ([2, 5, 5], "a hop twice"),
        ] {
            assert_eq!(restored(&[path(Purpose::File, bad)]), [], "{why}");
        }
        let mut long = good[0].clone();
        long.hops.push(key(11));
        assert_eq!(restored(&[long]), []);
        let mut early = good[0].clone();
        early.built_ms = u64::MAX;
        assert_eq!(restored(&[early])[0].built_ms, 100);
    }

    #[test]
    fn what_is_saved_is_restored() {
        let state = state();
        assert_eq!(
            SavedState::from_bytes(&state.to_bytes()).as_ref(),
            Ok(&state)
        );
        let client = Client::restore(ClientConfig::default(), &state, 100);
        assert_eq!(client.pool().nodes(), state.nodes);
        // The guard that is struck out is forgotten.
        assert_eq!(client.paths().guards(), &state.guards[1..]);
        let again = client.save(&state.last_hashes);
        assert_eq!(again.nodes, state.nodes);
        assert_eq!(again.strikes, state.strikes);
    }

    #[test]
    fn what_is_from_the_future_is_as_old_as_now() {
        let mut state = state();
        let future = 1 << 60;
        state.updated_ms = Some(future);
        state.guards[1].since_ms = future;
        state.strikes.strike_out(&key(1), future);
        let client = Client::restore(ClientConfig::default(), &state, 6);
        let again = client.save(&state.last_hashes);
        assert_eq!(again.updated_ms, Some(6));
        assert_eq!(again.guards[0].since_ms, 6);
        assert_eq!(again.strikes.iter().next().unwrap().1, [6; 3]);
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
                4 => StateError::Version(0x12),
                _ => StateError::Damaged,
            };
            assert_eq!(SavedState::from_bytes(&bytes), Err(expected));
        }
        assert_eq!(SavedState::from_bytes(b"{}"), Err(StateError::NotAState));
    }

    #[test]
    fn a_count_beyond_the_file_is_damage_and_costs_no_memory() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(b"SSWC\x02");
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&[0xff; 4]);
        let digest = Blake2b::<32>::new().chain(&bytes).finalize();
        bytes.extend_from_slice(&digest);
        assert_eq!(SavedState::from_bytes(&bytes), Err(StateError::Damaged));
    }

    proptest! {
        /// What somebody writes who knows how to make the digest.
        #[test]
        fn no_state_panics(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
        ) {
            let mut bytes = state().to_bytes();
            bytes.truncate(bytes.len() - DIGEST);
            for (index, byte) in changes {
                // Behind the magic and the version.
                let length = bytes.len() - 5;
                bytes[5 + index.index(length)] = byte;
            }
            if is_cut {
                bytes.truncate(5 + cut.index(bytes.len() - 5));
            }
            let digest = Blake2b::<DIGEST>::new().chain(&bytes).finalize();
            bytes.extend_from_slice(&digest);
            if let Ok(state) = SavedState::from_bytes(&bytes) {
                prop_assert!(!is_cut);
                let client = Client::restore(ClientConfig::default(), &state, 6);
                let again = client.save(&state.last_hashes).to_bytes();
                prop_assert!(SavedState::from_bytes(&again).is_ok());
            }
        }
    }
}
