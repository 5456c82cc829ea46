//! Sending: every message is in the outbox, and persisted, before it is tried.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_config::UserConfigs;
use session_config::contacts::Contact;
use session_message::SealError;
use session_message::content::{Content, Kind, Picture, PictureKey, Profile, decode};
use session_network::{Network, Now, Onion, RequestError, StorageReply, Target};
use session_storage::Store;
use session_types::{AccountId, AnyId, UnixMillis};
use zeroize::Zeroizing;

use super::{Client, Doing};
use crate::error::SendError;
use crate::event::{Event, Failure};
use crate::history::{Message, Status};
use crate::outbox::{Attempt, Entry, Part, SendId};
use crate::record::{Key, digest};
use crate::seen::{Class, Digest};

/// How far the time of a message may be ahead of the network: nodes and receivers refuse more.
const MAX_AHEAD: Duration = Duration::from_secs(10);

/// Whether other devices of the account get a copy of a message of this kind.
const fn is_copied(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Message(_)
            | Kind::Reaction(_)
            | Kind::Invitation(_)
            | Kind::ExpirationUpdate
            | Kind::Unsend(_)
    )
}

/// Whether a message of this kind is part of the history.
pub(super) const fn is_in_history(kind: &Kind) -> bool {
    matches!(kind, Kind::Message(_) | Kind::Invitation(_))
}

/// Whether the sender's profile goes with a message of this kind.
const fn has_profile(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Message(_) | Kind::Invitation(_) | Kind::RequestAccepted
    )
}

/// A message that is ready to be put into the outbox.
struct Prepared {
    entry: Entry,
    own: Option<Own>,
}

/// What a message of ours is when it comes back from our own swarm.
struct Own {
    /// What it is recognised by, and until when.
    seen: (Digest, UnixMillis),
    /// Its place in the history, if it has one.
    message: Option<Message>,
}

/// Whether an account has written to us and waits for our approval.
fn contact_waits(configs: &UserConfigs, id: &AccountId) -> bool {
    let contact = configs.contacts.get(id);
    contact.is_some_and(|contact| contact.has_approved_us)
}

impl Client {
    /// Puts a message to an account, or a note to ourselves, into the outbox. It is sent once the next
    /// batch is persisted.
    ///
    /// Our profile and the timer of the conversation are added. Writing to an account accepts it as a
    /// contact.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the recipient is blocked or would drop the message, or the contacts cannot be
    /// changed. Nothing has changed then.
    pub fn send<O: Onion>(
        &mut self,
        to: &AccountId,
        content: impl Into<Content>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<SendId, SendError> {
        let content = content.into();
        let contact = self.configs.contacts.get(to);
        if contact.as_ref().is_some_and(|contact| contact.is_blocked) {
            return Err(SendError::Blocked);
        }
        let is_note = to == self.account.id();
        let accepts = !is_note
            && is_copied(&content.kind)
            && !contact.is_some_and(|contact| contact.is_approved);
        let content = self.completed(content, to);
        let waits = contact_waits(&self.configs, to);
        // Everything is sealed before anything changes.
        let sent_at = self.next_time(network.network_time(now));
        let prepared = self.prepare(to, &content, sent_at, now, rng)?;
        // They wrote first: tell them that they may go on. The answer has a time of its own.
        let answer = if accepts && waits {
            let content = self.completed(Kind::RequestAccepted.into(), to);
            let sent_at = sent_at.saturating_add(Duration::from_millis(1));
            Some(self.prepare(to, &content, sent_at, now, rng)?)
        } else {
            None
        };
        if accepts {
            self.configs.contacts.update(to, |contact| {
                contact.is_approved = true;
                if contact.created == 0 {
                    contact.created = seconds(sent_at);
                }
                Ok(())
            })?;
        }
        if let Some(answer) = answer {
            self.put_into_outbox(answer);
        }
        let send = self.put_into_outbox(prepared);
        self.note_configs(now);
        Ok(send)
    }

    /// Puts a message into the outbox and into the history. Nothing of this can fail.
    fn put_into_outbox(&mut self, prepared: Prepared) -> SendId {
        let send = SendId::new(self.next_send);
        self.next_send = self.next_send.saturating_add(1);
        let entry = prepared.entry;
        self.last_sent = self.last_sent.max(entry.sent_at);
        self.remember_own(prepared.own);
        self.journal.put(Key::Outgoing(send), entry.to_value());
        self.outbox.insert(send, entry);
        self.put_state();
        send
    }

    /// Remembers a message of ours, which comes back from our own swarm, and puts it into the history.
    fn remember_own(&mut self, own: Option<Own>) {
        let Some(own) = own else { return };
        let (digest, expiry) = own.seen;
        self.inbox
            .seen
            .see(digest, Class::Known, (expiry, None), &mut self.journal);
        if let Some(message) = own.message {
            self.journal
                .put(Key::Message(message.id), message.to_value());
        }
    }

    /// Adds what the account and the conversation add to every message.
    fn completed(&self, mut content: Content, to: &AccountId) -> Content {
        if content.profile.is_none() && has_profile(&content.kind) {
            content.profile = self.profile();
        }
        if content.expiration.is_none() && content.kind.can_expire() {
            let contact = self.configs.contacts.get(to);
            content.expiration = contact.and_then(|contact| timer(&contact));
        }
        content
    }

    fn profile(&self) -> Option<Profile> {
        let profile = &self.configs.profile;
        let name = profile.name();
        if name.is_empty() {
            return None;
        }
        Some(Profile {
            name: Some(name.into_owned()),
            picture: profile.picture().map(|picture| Picture {
                url: picture.url().into(),
                key: PictureKey::from_bytes(picture.key()),
            }),
            updated_seconds: u64::try_from(profile.updated()).unwrap_or(0),
        })
    }

    /// The time of the next message: after that of every other one.
    fn next_time(&self, now: UnixMillis) -> UnixMillis {
        let next = self.last_sent.saturating_add(Duration::from_millis(1));
        // A time that is far ahead was that of a wrong clock.
        if next.since(now) > MAX_AHEAD {
            now
        } else {
            next.max(now)
        }
    }

    /// Seals a message and its copy, and reads it as our own devices will. Nothing changes.
    fn prepare(
        &mut self,
        to: &AccountId,
        content: &Content,
        sent_at: UnixMillis,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Prepared, SealError> {
        let main = self.sealer.seal_direct(rng, to, content, sent_at)?;
        let is_note = to == self.account.id();
        let copy = if is_copied(&content.kind) && !is_note {
            Some(self.sealer.seal_copy(rng, to, content, sent_at)?)
        } else {
            None
        };
        // What comes back from our own swarm is known by the key that its reader computes.
        let mut own = None;
        if let Some(sealed) = copy.as_ref().or(is_note.then_some(&main))
            && let Ok(opened) = self.opener.open_direct(&sealed.data)
        {
            let expiry = sent_at.saturating_add(sealed.ttl.saturating_mul(2));
            let seen = (digest(&opened.key()), expiry);
            let is_shown = is_in_history(&content.kind);
            let message = is_shown.then(|| Message::new(opened, Status::Sending, false));
            own = Some(Own { seen, message });
        }
        let raw = content.encode(sent_at, None)?;
        let entry = Entry {
            to: *to,
            raw: Zeroizing::new(raw),
            sent_at,
            created: now.wall,
            message: own
                .as_ref()
                .and_then(|own| own.message.as_ref())
                .map(|message| message.id),
            main: Some(main),
            copy,
            attempt: Attempt::default(),
        };
        Ok(Prepared { entry, own })
    }

    pub(super) fn poll_outbox<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        let due: Vec<SendId> = self
            .outbox
            .iter()
            .filter(|(_, entry)| {
                entry.attempt.under_way.is_none() && entry.attempt.due <= now.monotonic
            })
            .map(|(send, _)| *send)
            .collect();
        for send in due {
            let Some(entry) = self.outbox.get(&send) else {
                continue;
            };
            let Some((part, sealed)) = entry.next() else {
                continue;
            };
            let account = match part {
                Part::Main => AnyId::from(&entry.to),
                Part::Copy => self.id,
            };
            // Nodes accept what was sealed, so the length is right.
            let Ok(call) = Store::new(account, sealed.clone(), entry.sent_at) else {
                continue;
            };
            let request = (Target::SwarmOf(account), call.clone().into());
            let id = self.begin(network, request, Doing::Store(send, part, call.into()), now);
            if let Some(entry) = self.outbox.get_mut(&send) {
                entry.attempt.under_way = Some(id);
            }
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
                entry.main = None;
                let message = entry.message;
                entry.attempt = Attempt::default();
                self.set_status(send, Status::Delivered);
                self.journal.event(Event::Delivered { send, message });
            }
            (Ok(_), Part::Copy) => {
                entry.copy = None;
                entry.attempt = Attempt::default();
            }
            (Err(RequestError::ClockOutOfSync), _) => {
                if let Err(reason) = self.seal_again(send, network, now, rng) {
                    self.fail(send, reason.into());
                    return;
                }
            }
            (Err(reason), _) => {
                let age = now.wall.since(entry.created);
                if age > self.settings.give_up {
                    self.fail(send, reason.into());
                    return;
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
    fn put_outgoing(&mut self, send: SendId) {
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

    /// Seals a message for another time, because the network's clock was not ours.
    fn seal_again<O: Onion>(
        &mut self,
        send: SendId,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), SealError> {
        let Some(entry) = self.outbox.get(&send) else {
            return Ok(());
        };
        // What was stored keeps its time: the copy must be equal to it.
        let is_stored = entry.main.is_none();
        let (to, old) = (entry.to, entry.message);
        let content = decode(&entry.raw).map_err(SealError::from)?.content;
        let sent_at = match is_stored {
            true => entry.sent_at,
            false => self.next_time(network.network_time(now)),
        };
        let prepared = self.prepare(&to, &content, sent_at, now, rng)?;
        self.last_sent = self.last_sent.max(sent_at);
        if let Some(old) = old {
            self.journal.delete(Key::Message(old));
        }
        let mut own = prepared.own;
        if is_stored && let Some(message) = own.as_mut().and_then(|own| own.message.as_mut()) {
            message.status = Status::Delivered;
        }
        self.remember_own(own);
        let wait = self.settings.backoff(1);
        if let Some(entry) = self.outbox.get_mut(&send) {
            entry.raw = prepared.entry.raw;
            entry.sent_at = sent_at;
            entry.message = prepared.entry.message;
            entry.main = prepared.entry.main.filter(|_| !is_stored);
            entry.copy = prepared.entry.copy;
            entry.attempt.failures = entry.attempt.failures.saturating_add(1);
            entry.attempt.due = now.monotonic.saturating_add(wait);
        }
        self.put_state();
        Ok(())
    }

    fn fail(&mut self, send: SendId, reason: Failure) {
        // The copy of a message that was stored is not worth an event.
        let is_stored = self
            .outbox
            .get(&send)
            .is_some_and(|entry| entry.main.is_none());
        if !is_stored {
            self.set_status(send, Status::Failed);
        }
        if let Some(entry) = self.outbox.remove(&send) {
            self.journal.delete(Key::Outgoing(send));
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
    fn set_status(&mut self, send: SendId, status: Status) {
        let Some(entry) = self.outbox.get(&send) else {
            return;
        };
        let Some(id) = entry.message else {
            return;
        };
        let value = Message::value_of(self.account.id(), &entry.raw, status, false);
        self.journal.put(Key::Message(id), value);
    }
}

/// Unix seconds of a time.
pub(super) fn seconds(time: UnixMillis) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// The timer of a conversation.
fn timer(contact: &Contact<'_>) -> Option<session_message::content::Expiration> {
    use session_config::field::Expiry;
    use session_message::content::Expiration;
    let to_u32 = |seconds: i64| u32::try_from(seconds).ok();
    match contact.expiry {
        Expiry::Off => None,
        Expiry::AfterSend(seconds) => to_u32(seconds).map(Expiration::after_send),
        Expiry::AfterRead(seconds) => to_u32(seconds).map(Expiration::after_read),
    }
}
