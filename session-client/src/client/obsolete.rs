//! Deleting what was processed from our own swarm.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use session_network::{Network, Now, Onion, Target};
use session_storage::Delete;
use session_types::{MessageHash, MonotonicTime};

use super::{Client, Doing};
use crate::record::Key;

/// Maximum number of messages in one request.
const MAX_DELETED: usize = 100;
/// Maximum number of messages that wait for their deletion. They end by themselves, too.
const MAX_WAITING: usize = 1_000;

/// Messages that are to be deleted.
#[derive(Debug, Default)]
pub(super) struct Deleting {
    pub(super) names: BTreeSet<MessageHash>,
    due: MonotonicTime,
    is_under_way: bool,
    failures: u32,
}

impl Deleting {
    pub(super) fn due(&self) -> Option<MonotonicTime> {
        let waits = !self.names.is_empty() && !self.is_under_way;
        waits.then_some(self.due)
    }
}

impl Client {
    /// Deletes a message from our own swarm, once this is persisted.
    pub(super) fn delete_stored(&mut self, hash: MessageHash) {
        if self.deleting.names.len() < MAX_WAITING && self.deleting.names.insert(hash) {
            self.journal.put(Key::Obsolete(hash), Vec::new());
        }
    }

    pub(super) fn poll_deletions<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        if self.deleting.due().is_none_or(|due| due > now.monotonic) {
            return;
        }
        let names = self.deleting.names.iter().take(MAX_DELETED);
        let names: Vec<MessageHash> = names.copied().collect();
        let Ok(delete) = Delete::new(self.id, names.clone()) else {
            return;
        };
        let call = delete.sign(network.network_time(now), &self.signer());
        self.deleting.is_under_way = true;
        let request = (Target::SwarmOf(self.id), call.into());
        self.begin(network, request, Doing::Delete(names), now);
    }

    pub(super) fn deleted(&mut self, names: &[MessageHash], is_done: bool, now: Now) {
        self.deleting.is_under_way = false;
        if is_done {
            self.deleting.failures = 0;
            for name in names {
                self.deleting.names.remove(name);
                self.journal.delete(Key::Obsolete(*name));
            }
            return;
        }
        self.deleting.failures = self.deleting.failures.saturating_add(1);
        let wait = self.settings.backoff(self.deleting.failures);
        self.deleting.due = now.monotonic.saturating_add(wait);
    }
}
