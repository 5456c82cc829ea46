//! Fetching: one member of our swarm after the other, configs before messages.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_config::contacts::ContactChange;
use session_config::groups::GroupChange;
use session_config::{Change as ConfigChange, Fetch as Completeness, How, UserConfigs};
use session_crypto::Ed25519Public;
use session_network::{
    Network, Now, Onion, Request as NetworkRequest, RequestError, StorageReply, Target,
};
use session_storage::{Batch, Request, Retrieve, RetrieveAnswer, SizeLimit, share_of_size};
use session_types::MonotonicTime;
use session_types::{AnyId, MessageHash, Namespace, UnixMillis};

use super::{Client, Doing, read_member};
use crate::conversation::ConversationId;
use crate::event::Event;
use crate::journal::Erased;
use crate::settings::Settings;

/// The namespaces of an account in the order in which they are processed.
pub(super) const NAMESPACES: [Namespace; 5] = [
    Namespace::USER_PROFILE,
    Namespace::CONTACTS,
    Namespace::CONVO_INFO_VOLATILE,
    Namespace::USER_GROUPS,
    Namespace::DEFAULT,
];

/// Messages that are remembered which a node has told of.
const MAX_TOLD: usize = 100;
/// Fetches for a message that a node has told of.
const MAX_FETCHES: u32 = 4;

/// A fetch that is under way.
#[derive(Debug)]
pub(crate) struct Fetch {
    /// The request for each member of our swarm: each begins where the last fetch from it ended.
    pub(super) calls: BTreeMap<Ed25519Public, Batch>,
    /// The request before the swarm is known.
    pub(super) first: Option<Batch>,
}

/// The state of fetching from one swarm.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    pub(super) due: MonotonicTime,
    pub(super) is_under_way: bool,
    /// When the last one began.
    begun: MonotonicTime,
    /// Messages that a node has told of and no fetch has brought, with the number of fetches since.
    told: BTreeMap<MessageHash, u32>,
    failures: u32,
    /// Fetches so far that brought all that a node has.
    rounds: u64,
    /// Pages of this round so far, and the node that has more.
    pages: u32,
    pub(super) next: Option<Ed25519Public>,
    pub(super) last: Option<Ed25519Public>,
    /// Nodes that gave all they have since the start.
    complete: BTreeSet<Ed25519Public>,
    /// Whether messages that could not be read are tried again.
    pub(super) retries: bool,
    /// Whether the next fetch follows at once.
    pub(super) again: bool,
    pub(super) is_synced: bool,
}

impl Fetching {
    pub(super) fn due(&self) -> Option<MonotonicTime> {
        (!self.is_under_way).then_some(self.due)
    }

    /// Plans another fetch after one that failed.
    pub(super) fn failed(&mut self, settings: &Settings, now: Now) {
        self.failures = self.failures.saturating_add(1);
        self.pages = 0;
        let wait = settings.backoff(self.failures);
        self.due = now.monotonic.saturating_add(wait);
    }

    /// Plans the next page, or the next fetch after `interval`. Returns whether the node has given all
    /// it has.
    pub(super) fn go_on(
        &mut self,
        node: Ed25519Public,
        has_more: bool,
        (interval, settings): (Duration, &Settings),
        now: Now,
    ) -> bool {
        self.failures = 0;
        self.pages = self.pages.saturating_add(1);
        if has_more && self.pages < settings.max_pages {
            self.next = Some(node);
            self.due = now.monotonic;
            return false;
        }
        self.pages = 0;
        self.rounds = self.rounds.saturating_add(1);
        self.complete.insert(node);
        let wait = match core::mem::take(&mut self.again) {
            true => Duration::ZERO,
            false => interval,
        };
        self.due = now.monotonic.saturating_add(wait);
        true
    }
}

/// The members of a swarm in a random order, the one that answered last at the end. The network asks the
/// next one beside one that is slow.
pub(super) fn members<O: Onion>(
    network: &Network<O>,
    swarm: &AnyId,
    last: Option<Ed25519Public>,
    now: Now,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Vec<Ed25519Public> {
    let members = network.members(swarm, now);
    let mut members: Vec<(bool, u64, Ed25519Public)> = members
        .iter()
        .map(|node| {
            let is_last = Some(node.ed25519) == last;
            (is_last, rng.next_u64(), node.ed25519)
        })
        .collect();
    members.sort_unstable();
    members.into_iter().map(|(_, _, node)| node).collect()
}

impl Client {
    /// Fetches at the next [`poll`](Self::poll), without waiting for the interval.
    pub const fn fetch_now(&mut self) {
        self.fetching.due = MonotonicTime::new(Duration::ZERO);
    }

    /// Begins to fetch, and returns the number of complete fetches that
    /// [`fetches`](Self::fetches) reaches when all that is in our swarm now was fetched.
    pub const fn fetch_all(&mut self) -> u64 {
        self.fetch_now();
        // One that is under way may have begun before something came.
        let more = if self.fetching.is_under_way { 2 } else { 1 };
        self.fetching.rounds.saturating_add(more)
    }

    /// Returns the number of complete fetches of our own swarm since the start. Before the shared configs
    /// were fetched from two members it is 0.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        match self.configs.is_fetched() {
            true => self.fetching.rounds,
            false => 0,
        }
    }

    /// Fetches at once, or a little later if the last fetch was just now.
    pub(super) fn fetch_soon(&mut self, told: Option<MessageHash>) {
        let soon = self.fetching.begun.saturating_add(self.settings.notice_gap);
        self.fetching.due = self.fetching.due.min(soon);
        if let Some(hash) = told
            && self.fetching.told.len() < MAX_TOLD
        {
            self.fetching.told.entry(hash).or_default();
        }
    }

    /// The member that was asked may not have what another one has told of yet: it is asked for again, a few times.
    fn fetch_what_was_told(&mut self, now: Now) {
        self.fetching.told.retain(|_, fetches| {
            *fetches = fetches.saturating_add(1);
            *fetches <= MAX_FETCHES
        });
        if let Some(fetches) = self.fetching.told.values().min() {
            let doubled = 1_u32 << fetches.saturating_sub(1).min(16);
            let wait = self.settings.notice_gap.saturating_mul(doubled);
            let soon = now.monotonic.saturating_add(wait);
            self.fetching.due = self.fetching.due.min(soon);
        }
    }

    /// The members of our swarm in the order in which they are asked. The node that has told of a message has it
    /// before the others do, so it is asked first, once for each message: it may be wrong, too.
    fn members_to_ask<O: Onion>(
        &self,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Vec<Ed25519Public> {
        let mut members = members(network, &self.id, self.fetching.last, now, rng);
        let is_new = self.fetching.told.values().any(|fetches| *fetches == 0);
        if let Some(teller) = network.teller(&self.id).filter(|_| is_new) {
            members.sort_by_key(|node| *node != teller);
        }
        members
    }

    /// Fetches in the usual rhythm: nobody tells of new messages any more.
    pub(super) fn fetch_as_usual(&mut self) {
        if self.fetching.failures == 0 {
            let usual = self.settings.fetch_interval;
            let usual = self.fetching.begun.saturating_add(usual);
            self.fetching.due = self.fetching.due.min(usual);
        }
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
            None => self.members_to_ask(network, now, rng),
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
        self.fetching.begun = now.monotonic;
        self.begin(network, request, Doing::Fetch(Fetch { calls, first }), now);
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
            return self.fetching.failed(&self.settings, now);
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
            for message in &answer.messages {
                self.fetching.told.remove(&message.hash);
            }
            if let Some(last) = answer.messages.last() {
                let end = (last.hash, last.expiration);
                let place = (self.id, retrieve.namespace(), node);
                self.inbox.advance(place, end, &mut self.journal);
            }
        }
        if !is_complete {
            return self.fetching.failed(&self.settings, now);
        }
        // A restored account waits for a second node: do not let it wait.
        let interval = match self.configs.is_fetched() {
            true if network.is_told(&self.id) => self.settings.told_interval,
            true => self.settings.fetch_interval,
            false => Duration::ZERO,
        };
        let plan = (interval, &self.settings);
        if !self.fetching.go_on(node, has_more, plan, now) {
            return;
        }
        self.fetch_what_was_told(now);
        if self.fetching.retries {
            self.fetching.retries = false;
            self.receive_waiting(now);
        }
        if self.configs.is_fetched() && !self.fetching.is_synced {
            self.fetching.is_synced = true;
            self.journal.event(Event::Synced);
        }
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
                self.receive(message, now);
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
            self.follow_config(&change, now);
            self.journal.event(Event::Config(change));
        }
    }

    /// Does what follows from a change that another device made.
    fn follow_config(&mut self, change: &ConfigChange, now: Now) {
        match change {
            ConfigChange::Group(GroupChange::Group(id, _)) => self.follow_entry(id, now),
            ConfigChange::Contact(ContactChange::Contact(id, How::Added | How::Changed)) => {
                let contact = self.configs.contacts.get(id);
                let before = contact.map_or(0, |contact| contact.delete_before);
                self.erase_before(ConversationId::Account(*id), before);
            }
            ConfigChange::Profile(_) => {
                let before = self.configs.profile.note_delete_before();
                let own = ConversationId::from(self.account.id());
                self.erase_before(own, before);
            }
            _ => {}
        }
    }

    /// The conversations whose older messages were deleted, with the time in Unix seconds.
    pub(super) fn deletions(&self) -> BTreeMap<ConversationId, i64> {
        let contacts = self.configs.contacts.iter();
        let contacts =
            contacts.map(|contact| (ConversationId::from(contact.id), contact.delete_before));
        let own = ConversationId::from(self.account.id());
        let notes = (own, self.configs.profile.note_delete_before());
        let all = contacts.chain([notes]);
        all.filter(|(_, before)| *before > 0).collect()
    }

    /// Erases what a change of ours deleted.
    pub(super) fn follow_deletions(&mut self, before: &BTreeMap<ConversationId, i64>) {
        for (conversation, seconds) in self.deletions() {
            if before.get(&conversation) != Some(&seconds) {
                self.erase_before(conversation, seconds);
            }
        }
    }

    pub(super) fn erase_before(&mut self, conversation: ConversationId, seconds: i64) {
        if let Ok(seconds @ 1..) = u64::try_from(seconds) {
            let before = Erased::Before(UnixMillis::from_secs(seconds));
            self.journal.erase(conversation, before);
        }
    }
}
