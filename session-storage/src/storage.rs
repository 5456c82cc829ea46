//! The storage of a node (protocol: storage-rpc, sections 3.3, 4 and 5).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt::Display;

use session_identity::subaccount::Token;
use session_types::{AnyId, MessageHash, Namespace, Namespaces, UnixMillis};

use crate::StoredMessage;

mod memory;

pub use memory::MemoryStorage;

/// The result of [`Storage::insert`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// The expiry of the message after the call.
    pub expiry: UnixMillis,
    /// Whether it was stored before.
    pub already: bool,
}

/// The messages and revocations of a node.
///
/// [`serve`](crate::serve) calls it for checked requests only, so an implementation verifies
/// nothing. Each call is one transaction. [`MemoryStorage`] keeps everything in memory.
pub trait Storage {
    /// The error of the storage. Its text goes into the answer.
    type Error: Display;

    /// Stores a message.
    ///
    /// If a message of the account has the same hash, only its expiry changes, to the later of the
    /// two. A new message in a public outbox
    /// ([`Namespace::is_public_outbox`](session_types::Namespace::is_public_outbox)) replaces all
    /// others of the namespace.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn insert(
        &mut self,
        account: &AnyId,
        namespace: Namespace,
        message: StoredMessage,
    ) -> Result<Inserted, Self::Error>;

    /// Returns the messages of a namespace in order of arrival: those that follow `after`, or all
    /// if `after` is unknown.
    ///
    /// As on deployed nodes, an expired message is returned until the node removes it.
    ///
    /// Calls `take` with the length of each message's data, in bytes. The first `false` ends the
    /// list, and the second part of the result is true.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn list(
        &mut self,
        account: &AnyId,
        namespace: Namespace,
        after: Option<&MessageHash>,
        take: &mut dyn FnMut(usize) -> bool,
    ) -> Result<(Vec<StoredMessage>, bool), Self::Error>;

    /// Deletes messages by hash. Returns the hashes of the deleted messages.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn delete(
        &mut self,
        account: &AnyId,
        messages: &[MessageHash],
    ) -> Result<Vec<MessageHash>, Self::Error>;

    /// Deletes the messages whose timestamp is `before` or earlier. Returns their hashes.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn delete_before(
        &mut self,
        account: &AnyId,
        namespaces: Namespaces,
        before: UnixMillis,
    ) -> Result<Vec<(Namespace, MessageHash)>, Self::Error>;

    /// Sets the expiry of messages that expire later than `expiry`. Returns their hashes.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn shorten(
        &mut self,
        account: &AnyId,
        namespaces: Namespaces,
        expiry: UnixMillis,
    ) -> Result<Vec<(Namespace, MessageHash)>, Self::Error>;

    /// Returns the expiries of the messages that are stored.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn expiries(
        &mut self,
        account: &AnyId,
        messages: &[MessageHash],
    ) -> Result<BTreeMap<MessageHash, UnixMillis>, Self::Error>;

    /// Sets the expiries of messages.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn set_expiries(
        &mut self,
        account: &AnyId,
        expiries: &BTreeMap<MessageHash, UnixMillis>,
    ) -> Result<(), Self::Error>;

    /// Revokes subaccounts. Keeps the newest
    /// [`REVOKED_MAX`](session_types::limits::REVOKED_MAX) tokens of an account, and none if the
    /// account has no message: revocations are forgotten with the last message.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn revoke(&mut self, account: &AnyId, tokens: &[Token]) -> Result<(), Self::Error>;

    /// Undoes revocations. Returns how many of the tokens were revoked.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn unrevoke(&mut self, account: &AnyId, tokens: &[Token]) -> Result<u64, Self::Error>;

    /// Returns the revoked subaccounts of an account.
    ///
    /// # Errors
    ///
    /// [`Self::Error`] if the storage fails.
    fn revoked(&self, account: &AnyId) -> Result<Vec<Token>, Self::Error>;
}
