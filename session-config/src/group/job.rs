//! What has to be sent, as plain data.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use session_identity::subaccount::Token;
use session_types::{AccountId, Namespace, SealedMessage, UnixMillis};

/// Names a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// Calls to make in this order, up to the first that fails: each may rest on the ones before it.
///
/// Storage servers take 20 calls in one `sequence`; more go in several.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Job {
    /// What to report the outcome for.
    pub ticket: Ticket,
    /// The calls; never empty.
    pub calls: Vec<Call>,
}

/// One thing to do. All but [`Send`](Self::Send) go to the swarm of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// Store a message.
    Store(SealedMessage),
    /// Delete these messages.
    Delete(Vec<String>),
    /// Delete what was stored in a namespace before a time.
    DeleteBefore {
        /// The namespace.
        namespace: Namespace,
        /// The time.
        before: UnixMillis,
    },
    /// Delete the messages of these members in namespace 11, as far as this device knows their hashes.
    DeleteMessagesOf(Vec<AccountId>),
    /// Revoke subaccounts.
    Revoke(Vec<Token>),
    /// Allow subaccounts again, which were perhaps revoked.
    Unrevoke(Vec<Token>),
    /// Store a message in the swarm of an account.
    Send {
        /// The account.
        to: AccountId,
        /// The message.
        message: SealedMessage,
    },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The message is stored.
    Stored {
        /// The name that the storage servers give it.
        hash: String,
        /// When, by their clock.
        at: UnixMillis,
    },
    /// It is done, or there was nothing to do.
    Done,
    /// It failed. What follows in the job was not tried, unless the call was a [`Call::Send`].
    Failed,
}

impl Answer {
    pub(super) const fn is_ok(&self) -> bool {
        matches!(self, Self::Stored { .. } | Self::Done)
    }
}

/// What a call of the open job is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// The first supplement of the queue.
    Supplement,
    Keys,
    Info {
        seqno: i64,
    },
    Members {
        seqno: i64,
    },
    /// The first control message of the queue.
    Control,
    Delete(Vec<String>),
    DeleteBefore(UnixMillis),
    Unrevoke(Vec<AccountId>),
    /// Another notice for members who were removed in an earlier generation.
    Notice {
        ids: Vec<AccountId>,
        generation: u64,
    },
    /// A step of the removal of the members of the job.
    Removal,
    Invite(AccountId),
    Promote(AccountId),
}

/// The job that was given last.
pub(super) struct Open {
    pub(super) ticket: Ticket,
    pub(super) parts: Vec<Part>,
    /// Key message of the job: what to load once it is stored.
    pub(super) keys: Option<Vec<u8>>,
    /// Generation that notices of the job name.
    pub(super) generation: u64,
    /// Members that the job removes.
    pub(super) removed: BTreeSet<AccountId>,
}
