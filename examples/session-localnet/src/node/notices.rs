//! Notices: what a node tells connected clients of new messages.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use session_sdk::quic::Link;
use session_storage::monitor::{
    MonitorEnded, MonitorRequests, Notice, QUIC_ENDED, QUIC_NOTICE, Subscriptions,
};
use session_types::{AnyId, UnixMillis};

use super::Node;
use crate::fault::monotonic;

/// The stream on which clients are told.
const FIRST: u64 = 0;

#[derive(Debug, Default)]
struct Connected {
    subscriptions: Subscriptions<u64>,
    links: BTreeMap<u64, Link>,
    next: u64,
}

/// The connections of clients, and what they want to hear of.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<Connected>);

impl Notices {
    fn all(&self) -> MutexGuard<'_, Connected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection, and returns its number.
    pub(super) fn connected(&self, link: Link) -> u64 {
        let mut all = self.all();
        let number = all.next;
        all.next = number.wrapping_add(1);
        all.links.insert(number, link);
        number
    }

    /// Forgets a connection.
    pub(super) fn closed(&self, number: u64) {
        let mut all = self.all();
        all.links.remove(&number);
        all.subscriptions.remove(number);
    }

    /// Number of connections of clients, and of their subscriptions.
    pub(super) fn counts(&self) -> (usize, usize) {
        let all = self.all();
        (all.links.len(), all.subscriptions.len())
    }

    /// Tells all who listen.
    pub(super) fn tell(&self, notice: &Notice) {
        let all = self.all();
        let (account, namespace) = (&notice.account, notice.namespace);
        for (number, wants_data) in all.subscriptions.listeners(account, namespace, monotonic()) {
            let Some(link) = all.links.get(&number) else {
                continue;
            };
            let mut notice = notice.clone();
            notice.data = notice.data.filter(|_| wants_data);
            // One that is too slow to hear misses it, and sees the message when it polls.
            let _ = link.notify(FIRST, QUIC_NOTICE.as_bytes(), notice.to_bencode());
        }
    }

    /// Forgets subscriptions that have run out.
    pub(super) fn tick(&self) {
        self.all().subscriptions.expire(monotonic());
    }
}

impl Node {
    /// Subscribes a connection. The answer has no list around it.
    pub(super) fn monitor(self: &Arc<Self>, number: u64, body: &[u8]) -> Vec<u8> {
        let requests = MonitorRequests::parse(body);
        let now = UnixMillis::new(self.now());
        let outcomes: Vec<_> = requests
            .requests
            .iter()
            .map(|request| {
                let request = request.as_ref().map_err(Clone::clone)?;
                request.check(now, |account| self.keeps(account))?;
                let mut all = self.notices.all();
                all.subscriptions.subscribe(number, request, monotonic())
            })
            .collect();
        requests.answer(&outcomes)
    }

    /// Whether the node is in the swarm of an account.
    fn keeps(&self, account: &AnyId) -> bool {
        let own = self.record().map(|record| record.swarm_id);
        own.is_some() && self.chain.swarm_of(account) == own
    }

    /// Takes note of a new list of nodes: ends subscriptions to accounts of other swarms and connections with nodes
    /// that have left.
    pub fn list_changed(&self) {
        self.peers.keep(|peer| self.chain.node(peer).is_some());
        let mut all = self.notices.all();
        for (number, account) in all.subscriptions.end(|account| self.keeps(account)) {
            let swarm = self.chain.swarm_info(&account, false);
            let ended = MonitorEnded::moved(account, swarm).to_bencode();
            if let Some(link) = all.links.get(&number) {
                // The client asks again when the connection ends.
                let _ = link.notify(FIRST, QUIC_ENDED.as_bytes(), ended);
            }
        }
    }
}
