//! Fetching the namespaces of closed groups, and the messages in them.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_config::error::Refused;
use session_config::group::{GroupChange, GroupRefused, Incoming, MessageRefused};
use session_config::info::InfoChange;
use session_crypto::{Blake2b, Ed25519Public};
use session_message::Disposition;
use session_network::{
    Network, Now, Onion, Request as NetworkRequest, RequestError, StorageReply, Target,
};
use session_storage::{
    Batch, Request, Response, Retrieve, RetrieveAnswer, Signer, SizeLimit, StoredMessage,
    share_of_size,
};
use session_types::{AnyId, GroupId, Namespace, UnixMillis};

use super::fetch::Fetch;
use super::groups::{NAMESPACES, sign};
use super::{Client, Doing, read_member};
use crate::conversation::ConversationId;
use crate::event::Event;
use crate::record::digest;
use crate::seen::Class;
use crate::waiting::Waiting;

/// A status that refuses our subaccount.
const UNAUTHORIZED: u16 = 401;

impl Client {
    pub(super) fn poll_group_fetch<O: Onion>(
        &mut self,
        id: &GroupId,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let fetching = &mut state.fetching;
        let is_due = fetching.due().is_some_and(|due| due <= now.monotonic);
        if !is_due || !state.is_followed() {
            return;
        }
        let swarm = AnyId::from(id);
        let next = state.fetching.next.take();
        let last = state.fetching.last;
        let members = match next {
            Some(node) => Vec::from([node]),
            None => super::fetch::members(network, &swarm, last, now, rng),
        };
        let time = network.network_time(now);
        let Some(group) = self.groups.get(id).map(|state| &state.group) else {
            return;
        };
        let batches = |signer: &Signer<'_>| {
            let batch = |node| Batch::new(self.group_retrieves(id, node, time, signer)).ok();
            let calls = members
                .iter()
                .filter_map(|node| Some((*node, batch(Some(node))?)));
            let calls: BTreeMap<Ed25519Public, Batch> = calls.collect();
            let first = calls.is_empty().then(|| batch(None)).flatten();
            (calls, first)
        };
        let Some((calls, first)) = sign(&self.account, group, batches) else {
            return;
        };
        let request = match &first {
            Some(call) => (Target::SwarmOf(swarm), Request::Batch(call.clone()).into()),
            None => NetworkRequest::each(
                members
                    .iter()
                    .filter_map(|node| Some((*node, Request::Batch(calls.get(node)?.clone())))),
            ),
        };
        if let Some(state) = self.groups.get_mut(id) {
            state.fetching.is_under_way = true;
        }
        let doing = Doing::GroupFetch(*id, Fetch { calls, first });
        self.begin(network, request, doing, now);
    }

    fn group_retrieves(
        &self,
        id: &GroupId,
        node: Option<&Ed25519Public>,
        time: UnixMillis,
        signer: &Signer<'_>,
    ) -> Vec<Retrieve> {
        let swarm = AnyId::from(id);
        let shares = share_of_size(&[1, 1, 1, 1, 4]);
        let retrieve = |(namespace, share): (&Namespace, &u64)| {
            let position = |node| self.inbox.position(swarm, *namespace, node, time);
            Retrieve::new(swarm, *namespace)
                .after(node.and_then(position))
                .max_size(SizeLimit::Share(*share))
                .sign(time, signer)
        };
        NAMESPACES.iter().zip(&shares).map(retrieve).collect()
    }

    pub(super) fn group_fetched<O: Onion>(
        &mut self,
        id: &GroupId,
        fetch: &Fetch,
        result: Result<StorageReply, RequestError>,
        network: &Network<O>,
        now: Now,
    ) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        state.fetching.is_under_way = false;
        let answer = result.ok().and_then(|reply| {
            let node = reply.node.ed25519;
            let call = fetch.calls.get(&node).or(fetch.first.as_ref())?;
            Some((node, call, reply.read(call).ok()?))
        });
        let Some((node, call, answer)) = answer else {
            return state.fetching.failed(&self.settings, now);
        };
        state.fetching.last = Some(node);
        let (mut is_complete, mut has_more) = (true, false);
        for (request, response) in call.requests().iter().zip(&answer.results) {
            let Request::Retrieve(retrieve) = request else {
                continue;
            };
            match self.take_group_answer(id, node, retrieve, response, network, now) {
                Some(more) => has_more |= more,
                None => is_complete = false,
            }
        }
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let plan = (self.settings.group_fetch_interval, &self.settings);
        if !is_complete {
            state.fetching.failed(&self.settings, now);
        } else if state.fetching.go_on(node, has_more, plan, now) {
            state.is_fetched = true;
            if core::mem::take(&mut state.fetching.retries) {
                self.receive_waiting_in(id, network, now);
            }
        }
        if let Some(state) = self.groups.get_mut(id)
            && state.group.needs_dump()
        {
            // Others may have done something that an admin answers.
            state.work.due = Some(now.monotonic);
            let dump = state.group.dump(now.wall);
            self.journal.put(crate::record::Key::Group(*id), dump);
        }
    }

    /// Takes the messages of one namespace. Returns whether there are more; `None` if there is no
    /// answer.
    fn take_group_answer<O: Onion>(
        &mut self,
        id: &GroupId,
        node: Ed25519Public,
        retrieve: &Retrieve,
        response: &Response,
        network: &Network<O>,
        now: Now,
    ) -> Option<bool> {
        let state = self.groups.get_mut(id)?;
        if response.status == UNAUTHORIZED && !state.group.is_admin() {
            state.group.note_access_refused();
            return Some(false);
        }
        let answer = read_member(retrieve, response)?;
        let namespace = retrieve.namespace();
        if namespace == Namespace::GROUP_MESSAGES {
            for message in &answer.messages {
                // What waits is tried again later.
                let _ = self.receive_in_group(id, message, now);
            }
        } else {
            self.receive_of_group(id, namespace, &answer, network, now);
        }
        if let Some(last) = answer.messages.last() {
            let place = (AnyId::from(id), namespace, node);
            let end = (last.hash, last.expiration);
            self.inbox.advance(place, end, &mut self.journal);
        }
        Some(answer.more)
    }

    /// Takes keys, info, members and notices.
    fn receive_of_group<O: Onion>(
        &mut self,
        id: &GroupId,
        namespace: Namespace,
        answer: &RetrieveAnswer,
        network: &Network<O>,
        now: Now,
    ) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let names: Vec<String> = answer
            .messages
            .iter()
            .map(|message| message.hash.to_string())
            .collect();
        let incoming: Vec<Incoming<'_>> = answer
            .messages
            .iter()
            .zip(&names)
            .map(|(message, hash)| Incoming {
                hash,
                data: &message.data,
                stored_at: message.timestamp,
            })
            .collect();
        if incoming.is_empty() {
            return;
        }
        let at = network.network_time(now);
        let received = state.group.receive(namespace, &incoming, at);
        let is_unreadable = |reason: &GroupRefused| {
            let no_key = matches!(reason, GroupRefused::Config(Refused::Decrypt));
            no_key || matches!(reason, GroupRefused::Merge(_))
        };
        let mut refused = received.refused.iter();
        let missed_before = state.missed_configs;
        state.missed_configs |= refused.any(|(_, reason)| is_unreadable(reason));
        let has_keys = received.changes.contains(&GroupChange::Keys);
        if has_keys && missed_before {
            state.missed_configs = false;
            state.fetching.again = true;
            let configs = [Namespace::GROUP_INFO, Namespace::GROUP_MEMBERS];
            let journal = &mut self.journal;
            self.inbox.rewind(AnyId::from(id), &configs, journal);
        }
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        // More keys open more messages, and a list of members tells who may write.
        state.fetching.retries |= !received.changes.is_empty();
        self.take_group_changes(id, &received.changes, now);
    }

    fn take_group_changes(&mut self, id: &GroupId, changes: &[GroupChange], now: Now) {
        for change in changes {
            if let (GroupChange::Info(InfoChange::Deletion), Some(state)) =
                (change, self.groups.get(id))
            {
                let before = state.group.info().delete_before();
                self.erase_before(ConversationId::Group(*id), before);
            }
            let (group, change) = (*id, *change);
            self.journal.event(Event::Group { group, change });
        }
        if changes.contains(&GroupChange::Kicked { was_invited: true }) {
            // Only the last number of all cannot be followed: this device forgets it all the same.
            let _ = self.configs.groups.remove_group(id);
            self.forget_group(id);
        } else if !changes.is_empty() {
            self.note_group(id, now);
        }
    }

    /// Processes a message to a group once, however often it is fetched.
    ///
    /// Returns whether it was processed or dropped; otherwise it waits.
    fn receive_in_group(&mut self, id: &GroupId, stored: &StoredMessage, now: Now) -> bool {
        let Some(state) = self.groups.get_mut(id) else {
            return false;
        };
        let hash = stored.hash.to_string();
        let opened = state.group.open(&Incoming {
            hash: &hash,
            data: &stored.data,
            stored_at: stored.timestamp,
        });
        match opened {
            Ok(arrived) => {
                let origin = Some((arrived.message.sender, stored.hash));
                let seen = (stored.expiration, origin);
                let digest = digest(&arrived.message.key());
                let class = Class::Group(*id);
                if self.inbox.seen.see(digest, class, seen, &mut self.journal) {
                    self.process_in_group(id, arrived, stored.hash, now);
                }
                true
            }
            Err(reason) => self.refuse_in_group(id, stored, reason),
        }
    }

    fn refuse_in_group(
        &mut self,
        id: &GroupId,
        stored: &StoredMessage,
        reason: MessageRefused,
    ) -> bool {
        let (group, hash) = (*id, stored.hash);
        if reason.disposition() != Disposition::Drop {
            let waiting = Waiting {
                data: stored.data.clone(),
                stored_at: stored.timestamp,
                expiry: stored.expiration,
            };
            let journal = &mut self.journal;
            self.inbox.wait(AnyId::from(id), hash, waiting, journal);
            return false;
        }
        let name = Blake2b::<32>::new()
            .chain(b"unreadable")
            .chain(hash.as_bytes())
            .finalize();
        let (seen, class) = ((stored.expiration, None), Class::Unreadable);
        if self.inbox.seen.see(name, class, seen, &mut self.journal) {
            self.journal.event(Event::UnreadableInGroup {
                group,
                hash,
                reason,
            });
        }
        true
    }

    /// Tries again what could not be read.
    fn receive_waiting_in<O: Onion>(&mut self, id: &GroupId, network: &Network<O>, now: Now) {
        let swarm = AnyId::from(id);
        let time = network.network_time(now);
        for (hash, waiting) in self.inbox.waiting(&swarm) {
            let stored = StoredMessage {
                hash,
                timestamp: waiting.stored_at,
                expiration: waiting.expiry,
                data: waiting.data,
            };
            if stored.expiration <= time || self.receive_in_group(id, &stored, now) {
                self.inbox.stop_waiting(&swarm, &hash, &mut self.journal);
            }
        }
    }
}
