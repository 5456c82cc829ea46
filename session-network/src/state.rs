//! What a client keeps on disk, written with bt-encoding.
//!
//! ```text
//! l 32:<BLAKE2b-256 of the content> n:<content> e
//! content   d 1:a usual time of answers 1:c clock 1:g guards 1:h last hashes 1:l nodes that
//!             answered lately 1:m second hops 1:n nodes 1:p paths 1:s strikes
//!             1:t time of the list 1:u suspicions 1:v version e
//! ```
//!
//! Times are milliseconds since 1970. A file that is damaged, of another program or of another
//! version is refused as a whole: its owner starts afresh.

use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::{Blake2b, Ed25519Public};
use session_proto::bt;
use session_swarm::ServiceNode;
use session_types::UnixMillis;

use crate::exchange::Purpose;
use crate::last_hash::LastHashes;

mod read;
mod write;

/// The version of the layout.
const VERSION: u64 = 4;

/// Why a saved state cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is something else.
    #[error("not a saved network state")]
    NotAState,
    /// It is of a version that this one does not know.
    #[error("saved network state of unknown version {0}")]
    Version(u64),
    /// It was changed or cut.
    #[error("saved network state is damaged")]
    Damaged,
}

/// What a client keeps between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SavedState {
    /// The nodes, in the order of the pool.
    pub nodes: Vec<ServiceNode>,
    /// When their list came.
    pub updated: Option<UnixMillis>,
    /// The network's clock ahead of the wall clock, in milliseconds, if nodes have confirmed it.
    pub clock: Option<i64>,
    /// How long answers usually take, if one came.
    pub usual: Option<Duration>,
    /// The guards, in the order in which they were drawn.
    pub guards: Vec<SavedGuard>,
    /// The second hops, and until when they are kept.
    pub middles: Vec<(Ed25519Public, UnixMillis)>,
    /// What is held against nodes.
    pub strikes: Vec<SavedMark>,
    /// Nodes at which requests failed, through which guard (`None` if a destination did not
    /// answer), and when.
    pub suspicions: Vec<(Ed25519Public, Option<Ed25519Public>, UnixMillis)>,
    /// Nodes that answered lately, the last one at the end.
    pub lately: Vec<Ed25519Public>,
    /// The paths.
    pub paths: Vec<SavedPath>,
    /// How far messages were read.
    pub last_hashes: LastHashes,
}

/// A guard between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedGuard {
    /// Its record. A guard may be in no list.
    pub node: ServiceNode,
    /// When it was drawn.
    pub since: UnixMillis,
    /// When it is replaced.
    pub until: UnixMillis,
    /// Since when it has been in no list.
    pub missing: Option<UnixMillis>,
    /// Paths through it that were tried, and those of them that worked.
    pub paths: [u32; 2],
    /// Whether its paths fail so often that it is not used.
    pub suspect: bool,
    /// Whether a connection to it worked and was not in doubt. Otherwise it is tested before it is
    /// used.
    pub proven: bool,
}

/// What is held against a node between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedMark {
    /// The node.
    pub node: Ed25519Public,
    /// When it got strikes.
    pub strikes: Vec<UnixMillis>,
    /// Until when it rests, and how often it has been put to rest since it last worked.
    pub rest: Option<(UnixMillis, u32)>,
}

/// A path between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedPath {
    /// What it is used for.
    pub purpose: Purpose,
    /// When it was built.
    pub built: UnixMillis,
    /// Whether something failed on it or was slow, and it was not yet known why.
    pub in_doubt: bool,
    /// The keys of its hops, the guard first.
    pub hops: Vec<Ed25519Public>,
}

impl SavedState {
    /// A state of nodes alone, whose list came at a time.
    #[must_use]
    pub fn of_nodes(nodes: Vec<ServiceNode>, updated: UnixMillis) -> Self {
        Self {
            nodes,
            updated: Some(updated),
            ..Self::default()
        }
    }

    /// Writes the state.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let content = write::content(self);
        let digest = digest(&content);
        bt::list(|list| {
            list.bytes(&digest).bytes(&content);
        })
    }

    /// Reads a state.
    ///
    /// # Errors
    ///
    /// [`StateError`] if it is not one that this version wrote, to the last bit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        if !bytes.starts_with(b"l32:") {
            return Err(StateError::NotAState);
        }
        let list = bt::parse_list(bytes).map_err(|_| StateError::Damaged)?;
        let mut items = list.iter().map(|item| item.as_bytes());
        let (Some(Some(given)), Some(Some(content)), None) =
            (items.next(), items.next(), items.next())
        else {
            return Err(StateError::Damaged);
        };
        if given != digest(content).as_slice() {
            return Err(StateError::Damaged);
        }
        read::content(content)
    }
}

fn digest(content: &[u8]) -> [u8; 32] {
    Blake2b::<32>::new().chain(content).finalize()
}
