//! Fetching: one member of our swarm after the other, configs before messages.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_config::{Fetch as Completeness, UserConfigs};
use session_crypto::Ed25519Public;
use session_network::{
    Network, Now, Onion, Request as NetworkRequest, RequestError, StorageReply, Target,
};
use session_storage::{Batch, Request, Retrieve, RetrieveAnswer, SizeLimit, share_of_size};
use session_types::MonotonicTime;
use session_types::{Namespace, UnixMillis};

use super::{Client, Doing, read_member};
use crate::event::Event;

/// The namespaces of an account in the order in which they are processed.
const NAMESPACES: [Namespace; 5] = [
    Namespace::USER_PROFILE,
    Namespace::CONTACTS,
    Namespace::CONVO_INFO_VOLATILE,
    Namespace::USER_GROUPS,
    Namespace::DEFAULT,
];

/// A fetch that is under way.
#[derive(Debug)]
pub(crate) struct Fetch {
    /// The request for each member of our swarm: each begins where the last fetch from it ended.
    calls: BTreeMap<Ed25519Public, Batch>,
    /// The request before the swarm is known.
    first: Option<Batch>,
}

/// The state of fetching.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    due: MonotonicTime,
    is_under_way: bool,
    failures: u32,
    /// Pages of this round so far, and the node that has more.
    pages: u32,
    next: Option<Ed25519Public>,
    last: Option<Ed25519Public>,
    /// Nodes that gave all they have since the start.
    complete: BTreeSet<Ed25519Public>,
    /// Whether messages that could not be read are tried again.
    pub(super) retries: bool,
    pub(super) is_synced: bool,
}

impl Fetching {
    pub(super) fn due(&self) -> Option<MonotonicTime> {
        (!self.is_under_way).then_some(self.due)
    }
}

impl Client {
    /// Fetches at the next [`poll`](Self::poll), without waiting for the interval.
    pub const fn fetch_now(&mut self) {
        self.fetching.due = MonotonicTime::new(core::time::Duration::ZERO);
    }

    pub(super) fn poll_fetch<O: Onion>(
        &mut self,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        if self.fetching.is_under_way || self.fetching.due > now.monotonic {
            return;
        }
        let time = network.network_time(now);
        let members = match self.fetching.next.take() {
            Some(node) => [node].into(),
            None => self.members(network, now, rng),
        };
        let mut calls = BTreeMap::new();
        for node in &members {
            if let Ok(call) = Batch::new(self.retrieves(Some(node), time)) {
                calls.insert(*node, call);
            }
        }
        let (request, first) = if calls.is_empty() {
            let Ok(call) = Batch::new(self.retrieves(None, time)) else {
                return;
            };
            let request = Request::Batch(call.clone()).into();
            ((Target::SwarmOf(self.id), request), Some(call))
        } else {
            let each = members.iter().filter_map(|node| {
                let call = calls.get(node)?.clone();
                Some((*node, Request::Batch(call)))
            });
            (NetworkRequest::each(each), None)
        };
        self.fetching.is_under_way = true;
        self.begin(network, request, Doing::Fetch(Fetch { calls, first }), now);
    }

    /// The members of our swarm in a random order, the one that answered last at the end. The network
    /// asks the next one beside one that is slow.
    fn members<O: Onion>(
        &self,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Vec<Ed25519Public> {
        let members = network.members(&self.id, now);
        let mut members: Vec<(bool, u64, Ed25519Public)> = members
            .iter()
            .map(|node| {
                let is_last = Some(node.ed25519) == self.fetching.last;
                (is_last, rng.next_u64(), node.ed25519)
            })
            .collect();
        members.sort_unstable();
        members.into_iter().map(|(_, _, node)| node).collect()
    }

    fn retrieves(&self, node: Option<&Ed25519Public>, time: UnixMillis) -> Vec<Retrieve> {
        let signer = self.signer();
        let shares = share_of_size(&[1, 4]);
        NAMESPACES
            .iter()
            .map(|namespace| {
                let after =
                    node.and_then(|node| self.inbox.position(self.id, *namespace, node, time));
                let share = match *namespace == Namespace::DEFAULT {
                    true => shares.first(),
                    false => shares.last(),
                };
                let retrieve = Retrieve::new(self.id, *namespace).after(after);
                let retrieve = match share {
                    Some(share) => retrieve.max_size(SizeLimit::Share(*share)),
                    None => retrieve,
                };
                retrieve.sign(time, &signer)
            })
            .collect()
    }

    pub(super) fn fetched<O: Onion>(
        &mut self,
        fetch: &Fetch,
        result: Result<StorageReply, RequestError>,
        network: &Network<O>,
        now: Now,
    ) {
        self.fetching.is_under_way = false;
        let answer = result.ok().and_then(|reply| {
            let node = reply.node.ed25519;
            let call = fetch.calls.get(&node).or(fetch.first.as_ref())?;
            Some((node, call, reply.read(call).ok()?))
        });
        let Some((node, call, answer)) = answer else {
            self.fetch_failed(now);
            return;
        };
        self.fetching.last = Some(node);
        let members = network.members(&self.id, now).len();
        let (mut is_complete, mut has_more) = (true, false);
        for (request, response) in call.requests().iter().zip(&answer.results) {
            let Request::Retrieve(retrieve) = request else {
                continue;
            };
            let Some(answer) = read_member(retrieve, response) else {
                is_complete = false;
                continue;
            };
            has_more |= answer.more;
            let completeness = match !answer.more && self.is_confirmed(&node, members) {
                true => Completeness::Complete,
                false => Completeness::Partial,
            };
            self.take_messages(retrieve.namespace(), &answer, completeness, now);
            if let Some(last) = answer.messages.last() {
                let end = (last.hash, last.expiration);
                let place = (self.id, retrieve.namespace(), node);
                self.inbox.advance(place, end, &mut self.journal);
            }
        }
        if !is_complete {
            self.fetch_failed(now);
            return;
        }
        self.fetching.failures = 0;
        self.fetching.pages = self.fetching.pages.saturating_add(1);
        if has_more && self.fetching.pages < self.settings.max_pages {
            self.fetching.next = Some(node);
            self.fetching.due = now.monotonic;
            return;
        }
        self.fetching.pages = 0;
        self.fetching.complete.insert(node);
        // A restored account waits for a second node: do not let it wait.
        let wait = match self.configs.is_fetched() {
            true => self.settings.fetch_interval,
            false => core::time::Duration::ZERO,
        };
        self.fetching.due = now.monotonic.saturating_add(wait);
        if self.fetching.retries {
            self.fetching.retries = false;
            self.receive_waiting(now);
        }
        if self.configs.is_fetched() && !self.fetching.is_synced {
            self.fetching.is_synced = true;
            self.journal.event(Event::Synced);
        }
    }

    fn fetch_failed(&mut self, now: Now) {
        self.fetching.failures = self.fetching.failures.saturating_add(1);
        self.fetching.pages = 0;
        let wait = self.settings.backoff(self.fetching.failures);
        self.fetching.due = now.monotonic.saturating_add(wait);
    }

    /// Whether a node before this one gave all it has, or there is no other: one member alone, which may
    /// have been away, does not decide that an account has no configs.
    fn is_confirmed(&self, node: &Ed25519Public, members: usize) -> bool {
        members <= 1 || self.fetching.complete.iter().any(|other| other != node)
    }

    fn take_messages(
        &mut self,
        namespace: Namespace,
        answer: &RetrieveAnswer,
        completeness: Completeness,
        now: Now,
    ) {
        if !UserConfigs::NAMESPACES.contains(&namespace) {
            for message in &answer.messages {
                self.receive(message);
            }
            return;
        }
        let messages: Vec<(&str, &[u8])> = answer
            .messages
            .iter()
            .map(|message| (message.hash.as_str(), message.data.as_slice()))
            .collect();
        let merged = self
            .configs
            .merge(namespace, &messages, completeness, now.wall);
        // Nothing of what cannot be read at all is taken; a later message may be.
        let Ok(merged) = merged else {
            return;
        };
        self.fetching.retries |= !merged.changes.is_empty();
        for change in merged.changes {
            self.journal.event(Event::Config(change));
        }
    }
}
