//! New messages, which the nodes report to the push server. The deployed one subscribes at the nodes by
//! `monitor`, over connections of its own; here the report stays in the process.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use session_types::{AnyId, MessageHash, Namespace, UnixMillis};
use tokio::sync::mpsc;

/// Maximum number of messages that wait for the push server. Notices of more are lost, as those of a
/// deployed server that does not keep up.
const QUEUE: usize = 4096;

/// A message that a node has stored and did not have before.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) account: AnyId,
    pub(crate) namespace: Namespace,
    pub(crate) hash: MessageHash,
    pub(crate) at: UnixMillis,
    pub(crate) expiry: UnixMillis,
    pub(crate) data: Vec<u8>,
}

/// The way from the nodes to the push server.
#[derive(Debug, Clone)]
pub struct Watch {
    accounts: Arc<RwLock<BTreeSet<AnyId>>>,
    stored: mpsc::Sender<Stored>,
}

impl Watch {
    /// A way, and its end at the push server.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Stored>) {
        let (stored, received) = mpsc::channel(QUEUE);
        let accounts = Arc::default();
        (Self { accounts, stored }, received)
    }

    /// Replaces the set of watched accounts.
    pub(crate) fn set(&self, accounts: BTreeSet<AnyId>) {
        *self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner) = accounts;
    }

    /// Adds an account.
    pub(crate) fn add(&self, account: AnyId) {
        let mut accounts = self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        accounts.insert(account);
    }

    /// Returns whether a device has subscribed to messages of this account.
    pub(crate) fn wants(&self, account: &AnyId) -> bool {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        accounts.contains(account)
    }

    /// Reports a message.
    pub(crate) fn note(&self, stored: Stored) {
        // Full: the notice is lost, the message is not.
        let _ = self.stored.try_send(stored);
    }
}
