//! How far each node's messages have been read (protocol: storage-rpc, section 5.2).

use alloc::collections::BTreeMap;

use session_crypto::Ed25519Public;
use session_types::{AnyId, MessageHash, Namespace};

/// The last message read, one for each account, namespace and node: nodes have messages in
/// different orders, so that the last hash of one says nothing about another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastHashes {
    entries: BTreeMap<(AnyId, Namespace, Ed25519Public), (MessageHash, u64)>,
}

impl LastHashes {
    /// The last hash, unless the message has expired since: the node would not know it.
    #[must_use]
    pub fn get(
        &self,
        account: &AnyId,
        namespace: Namespace,
        node: &Ed25519Public,
        now_ms: u64,
    ) -> Option<MessageHash> {
        let (hash, expiry) = self.entries.get(&(*account, namespace, *node))?;
        (*expiry > now_ms).then_some(*hash)
    }

    /// Remembers the last message of an answer; `expiry` in milliseconds since 1970.
    pub fn set(
        &mut self,
        account: &AnyId,
        namespace: Namespace,
        node: &Ed25519Public,
        hash: MessageHash,
        expiry: u64,
    ) {
        self.entries
            .insert((*account, namespace, *node), (hash, expiry));
    }

    /// Forgets everything of an account.
    pub fn forget(&mut self, account: &AnyId) {
        self.entries.retain(|(known, _, _), _| known != account);
    }

    /// Forgets what has expired.
    pub fn prune(&mut self, now_ms: u64) {
        self.entries.retain(|_, (_, expiry)| *expiry > now_ms);
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = (&AnyId, Namespace, &Ed25519Public, &MessageHash, u64)> {
        let entries = self.entries.iter();
        entries.map(|((account, namespace, node), (hash, expiry))| {
            (account, *namespace, node, hash, *expiry)
        })
    }
}
