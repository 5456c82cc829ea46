//! Storing what is in the outbox, until it is stored or given up.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_config::group::{ActError, Stage};
use session_message::content::decode;
use session_network::{Network, Now, Onion, RequestError, StorageReply, Target};
use session_storage::{Signer, Store};
use session_types::{AnyId, GroupId, MessageHash, UnixMillis};

use super::groups::sign;
use super::{Client, Doing};
use crate::conversation::ConversationId;
use crate::error::{GroupError, SendError};
use crate::event::{Event, Failure};
use crate::history::{Message, Status};
use crate::outbox::{Attempt, Part, SendId, Step};
use crate::record::Key;

impl Client {
    pub(super) fn poll_outbox<O: Onion>(
        &mut self,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let due: Vec<SendId> = self
            .outbox
            .iter()
            .filter(|(_, entry)| {
                let is_free = entry.attempt.under_way.is_none() && entry.files.is_empty();
                is_free && entry.attempt.due <= now.monotonic
            })
            .map(|(send, _)| *send)
            .collect();
        for send in due {
            let to = self.outbox.get(&send).map(|entry| entry.to);
            if let Some(ConversationId::Group(group)) = to
                && !self.is_sealed_for(send, &group, now, rng)
            {
                continue;
            }
            self.begin_store(send, network, now);
        }
    }

    /// Seals a message to a group with its newest key, if it is not. Returns whether it can be stored now.
    fn is_sealed_for(
        &mut self,
        send: SendId,
        id: &GroupId,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> bool {
        let wait = now.monotonic.saturating_add(self.settings.min_backoff);
        let Some(state) = self.groups.get(id) else {
            self.fail(send, GroupError::Unknown.into());
            return false;
        };
        let Some(entry) = self.outbox.get_mut(&send) else {
            return false;
        };
        let group = &state.group;
        let generation = group.keys().generation();
        // The members need a new key before what is encrypted with it.
        if group.stage() == Stage::Joined && group.keys().has_pending() {
            entry.attempt.due = wait;
            return false;
        }
        if entry.main.is_some() && entry.generation == generation {
            return group.stage() == Stage::Joined || {
                let reason = ActError::Stage(group.stage());
                self.fail(send, GroupError::from(reason).into());
                false
            };
        }
        let sealed = match decode(&entry.raw) {
            Ok(decoded) => group.seal(&self.sealer, rng, &decoded.content, entry.sent_at),
            Err(reason) => Err(ActError::Seal(reason.into())),
        };
        match sealed {
            Ok(sealed) => {
                entry.main = Some(sealed);
                entry.generation = generation;
                // What is sent is persisted before.
                self.put_outgoing(send);
            }
            // It is fetched.
            Err(ActError::NoKey) => entry.attempt.due = wait,
            Err(reason) => self.fail(send, GroupError::from(reason).into()),
        }
        false
    }

    fn begin_store<O: Onion>(&mut self, send: SendId, network: &mut Network<O>, now: Now) {
        let Some(entry) = self.outbox.get(&send) else {
            return;
        };
        let Some(Step::Store(part, sealed)) = entry.next() else {
            return;
        };
        let swarm = match part {
            Part::Main => AnyId::from(entry.to),
            Part::Copy => self.id,
        };
        // Nodes accept what was sealed, so the length is right.
        let Ok(call) = Store::new(swarm, sealed.clone(), entry.sent_at) else {
            return;
        };
        let call = match &entry.to {
            ConversationId::Account(_) => Some(call),
            // They have an outbox of their own.
            ConversationId::Room(_) | ConversationId::Blinded(_) => None,
            ConversationId::Group(id) => self.groups.get(id).and_then(|state| {
                let at = network.network_time(now);
                let signed = |signer: &Signer<'_>| call.sign(at, signer);
                sign(&self.account, &state.group, signed)
            }),
        };
        let Some(call) = call else { return };
        let request = (Target::SwarmOf(swarm), call.clone().into());
        let id = self.begin(network, request, Doing::Store(send, part, call.into()), now);
        if let Some(entry) = self.outbox.get_mut(&send) {
            entry.attempt.under_way = Some(id);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the request, its answer, and the three arguments of the machine"
    )]
    pub(super) fn stored<O: Onion>(
        &mut self,
        send: SendId,
        part: Part,
        call: &Store,
        result: Result<StorageReply, RequestError>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some(entry) = self.outbox.get_mut(&send) else {
            return;
        };
        entry.attempt.under_way = None;
        let result = result.and_then(|reply| {
            let read = reply.read(call);
            read.map_err(|_| RequestError::NoUsableAnswer)
        });
        match (result, part) {
            (Ok(_), Part::Main) => {
                entry.is_stored = true;
                entry.main = None;
                let (to, message) = (entry.to, entry.message);
                entry.attempt = Attempt::default();
                // The name by which we fetch it: that of a copy is not known yet.
                let own = AnyId::from(to) == self.id || matches!(to, ConversationId::Group(_));
                let hash = own.then(|| call.hash());
                self.set_status(send, Status::Delivered, hash);
                self.journal.event(Event::Delivered { send, message });
            }
            (Ok(_), Part::Copy) => {
                entry.copy = None;
                entry.attempt = Attempt::default();
                self.set_status(send, Status::Delivered, Some(call.hash()));
            }
            (Err(RequestError::ClockOutOfSync), _) => {
                if let Err(reason) = self.seal_again(send, network, now, rng) {
                    return self.fail(send, reason);
                }
            }
            (Err(reason), _) => {
                // What nobody would keep any more need not be stored: a typing indicator lives for 20 s.
                let sealed = entry.main.as_ref().or(entry.copy.as_ref());
                let ttl = sealed.map_or(Duration::MAX, |sealed| sealed.ttl);
                let age = now.wall.since(entry.created);
                if age > self.settings.give_up.min(ttl) {
                    return self.fail(send, reason.into());
                }
                entry.attempt.failures = entry.attempt.failures.saturating_add(1);
                let wait = self.settings.backoff(entry.attempt.failures);
                entry.attempt.due = now.monotonic.saturating_add(wait);
                return;
            }
        }
        self.put_outgoing(send);
    }

    /// Persists an entry, or deletes it if nothing is left to be done.
    pub(super) fn put_outgoing(&mut self, send: SendId) {
        let Some(entry) = self.outbox.get(&send) else {
            return;
        };
        if entry.next().is_some() {
            self.journal.put(Key::Outgoing(send), entry.to_value());
        } else {
            self.outbox.remove(&send);
            self.journal.delete(Key::Outgoing(send));
        }
    }

    /// Makes a message ready for another time, because the network's clock was not ours.
    fn seal_again<O: Onion>(
        &mut self,
        send: SendId,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), Failure> {
        let Some(entry) = self.outbox.get(&send) else {
            return Ok(());
        };
        // What was stored keeps its time: the copy must be equal to it.
        let sent_at: UnixMillis = match entry.is_stored {
            true => entry.sent_at,
            false => self.next_time(network.network_time(now)),
        };
        self.reseal(send, sent_at, now, rng)?;
        let wait = self.settings.backoff(1);
        if let Some(entry) = self.outbox.get_mut(&send) {
            entry.attempt.failures = entry.attempt.failures.saturating_add(1);
            entry.attempt.due = now.monotonic.saturating_add(wait);
        }
        Ok(())
    }

    /// Makes a message ready again: for another time, or because its content has changed.
    pub(super) fn reseal(
        &mut self,
        send: SendId,
        sent_at: UnixMillis,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), Failure> {
        let Some(entry) = self.outbox.get(&send) else {
            return Ok(());
        };
        let is_stored = entry.is_stored;
        let (to, old) = (entry.to, entry.message);
        let content = decode(&entry.raw).map_err(session_message::SealError::from);
        let content = content?.content;
        let prepared = self.prepare(&to, &content, sent_at, now, rng);
        let prepared = prepared.map_err(|reason| match reason {
            SendError::Seal(reason) => Failure::Seal(reason),
            SendError::Group(reason) => Failure::Group(reason),
            _ => Failure::Request(RequestError::ClockOutOfSync),
        })?;
        self.last_sent = self.last_sent.max(sent_at);
        if let Some(old) = old {
            self.journal.delete(Key::Message(old));
        }
        let mut own = prepared.own;
        if is_stored && let Some(message) = own.as_mut().and_then(|own| own.message.as_mut()) {
            message.status = Status::Delivered;
        }
        self.remember_own(own);
        if let Some(entry) = self.outbox.get_mut(&send) {
            entry.raw = prepared.entry.raw;
            entry.sent_at = sent_at;
            entry.message = prepared.entry.message;
            entry.main = prepared.entry.main.filter(|_| !is_stored);
            entry.copy = prepared.entry.copy;
        }
        self.put_state();
        Ok(())
    }

    pub(super) fn fail(&mut self, send: SendId, reason: Failure) {
        // The copy of a message that was stored is not worth an event.
        let is_stored = self.outbox.get(&send).is_some_and(|entry| entry.is_stored);
        if !is_stored {
            self.set_status(send, Status::Failed, None);
        }
        if let Some(entry) = self.outbox.remove(&send) {
            self.journal.delete(Key::Outgoing(send));
            for file in entry.files {
                self.discard_file(file);
            }
            if !is_stored {
                let message = entry.message;
                self.journal.event(Event::Failed {
                    send,
                    message,
                    reason,
                });
            }
        }
    }

    /// Writes a message of the outbox into the history with another status.
    fn set_status(&mut self, send: SendId, status: Status, hash: Option<MessageHash>) {
        let Some(entry) = self.outbox.get(&send) else {
            return;
        };
        let Some(id) = entry.message else {
            return;
        };
        let own = *self.account.id();
        // Read again from what was written by us.
        let Some(mut message) = Message::of_ours(id, own, &entry.raw) else {
            return;
        };
        (message.status, message.hash) = (status, hash);
        message.begin_timer(&own);
        self.journal.put(Key::Message(id), message.to_value());
    }
}
