//! Notices: a member of our swarm tells of new messages, so that they are fetched at once.

use session_network::{Network, Notice, Now, Onion};
use session_storage::monitor::Monitor;

use super::Client;
use super::fetch::NAMESPACES;

/// Time after which the request for notices is signed anew. A signature is good for two weeks.
const RESIGN: core::time::Duration = core::time::Duration::from_secs(24 * 60 * 60);

impl Client {
    /// Takes what a node has told of. Returns the notice if it is about another account.
    ///
    /// Nothing is believed: the messages are fetched as always.
    pub fn notice(&mut self, notice: Notice) -> Option<Notice> {
        let (account, hash) = match &notice {
            Notice::Message(message) => (&message.account, Some(message.hash)),
            // Where a subscription ends, something may have come that nobody told of.
            Notice::Ended(ended) => (&ended.account, None),
        };
        if *account != self.id {
            return Some(notice);
        }
        self.fetch_soon(hash);
        None
    }

    /// Asks for notices, if they are wanted.
    pub(super) fn poll_notices<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        if !self.settings.notices {
            return;
        }
        if !network.is_told(&self.id) {
            self.fetch_as_usual();
        }
        if self.notices_due > now.monotonic {
            return;
        }
        self.notices_due = now.monotonic.saturating_add(RESIGN);
        let time = network.network_time(now);
        let request = Monitor::new(self.id, NAMESPACES).sign(time, &self.signer());
        network.watch(self.id, request.to_bencode(), now);
    }
}
