//! Sending: every message is in the outbox, and persisted, before it is tried.

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;
use session_config::field::Expiry;
use session_config::group::ActError;
use session_crypto::SymmetricKey;
use session_message::content::{Content, Expiration, Kind, Picture, PictureKey, Profile};
use session_message::{MessageKey, SealError};
use session_network::{Network, Now, Onion};
use session_types::limits::TTL_MAX;
use session_types::{AccountId, AnyId, GroupId, UnixMillis};
use zeroize::Zeroizing;

use super::Client;
use crate::conversation::ConversationId;
use crate::error::{GroupError, RoomError, SendError};
use crate::files::FileNumber;
use crate::history::{Message, MessageId, Status};
use crate::outbox::{Attempt, Entry, SendId};
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

/// Whether a message of this kind tells that we are here and read: for accepted contacts only.
const fn tells_of_presence(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::ReadReceipt(_) | Kind::Typing(_) | Kind::DataExtraction(_)
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
pub(super) struct Prepared {
    pub(super) entry: Entry,
    pub(super) own: Option<Own>,
}

/// What a message of ours is when it comes back from a swarm.
pub(super) struct Own {
    /// What it is recognised by, and until when.
    seen: (Digest, Class, UnixMillis),
    /// Its place in the history, if it has one.
    pub(super) message: Option<Message>,
}

impl Client {
    /// Puts a message to an account, a note to ourselves, or a message to a group into the outbox. It is
    /// sent once the next batch is persisted.
    ///
    /// Our profile and the timer of the conversation are added. Writing to an account accepts it as a
    /// contact.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the recipient is blocked or would drop the message, the contacts cannot be
    /// changed, or we are not in the group. Nothing has changed then.
    pub fn send<O: Onion>(
        &mut self,
        to: impl Into<ConversationId>,
        content: impl Into<Content>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<SendId, SendError> {
        self.send_with(to.into(), content.into(), Vec::new(), network, now, rng)
    }

    /// Sends a message once its files are on the server.
    pub(super) fn send_with<O: Onion>(
        &mut self,
        to: ConversationId,
        content: Content,
        files: Vec<FileNumber>,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<SendId, SendError> {
        if matches!(to, ConversationId::Room(_) | ConversationId::Blinded(_)) {
            if !files.is_empty() {
                return Err(RoomError::NotAMessage.into());
            }
            return self.send_to_server(to, content, network, now, rng);
        }
        if let ConversationId::Account(to) = &to
            && tells_of_presence(&content.kind)
            && !self.is_contact(to)
        {
            return Err(SendError::NotContact);
        }
        let content = self.completed(content, &to);
        // Everything is sealed before anything changes.
        let sent_at = self.next_time(network.network_time(now));
        let mut prepared = self.prepare(&to, &content, sent_at, now, rng)?;
        if let ConversationId::Account(to) = &to {
            self.accept(to, is_copied(&content.kind), sent_at, now, rng)?;
        }
        if !files.is_empty() {
            // It is sealed again with the addresses of its files.
            (prepared.entry.main, prepared.entry.copy) = (None, None);
            prepared.entry.files = files;
        }
        let send = self.put_into_outbox(prepared);
        self.note_configs(now);
        Ok(send)
    }

    /// Accepts the message request of an account: it becomes a contact, and is told that it may go on.
    ///
    /// # Errors
    ///
    /// [`SendError`] if the account is blocked, or the contacts cannot be changed. Nothing has changed then.
    pub fn accept_request<O: Onion>(
        &mut self,
        id: &AccountId,
        network: &Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), SendError> {
        let sent_at = self.next_time(network.network_time(now));
        self.accept(id, true, sent_at, now, rng)?;
        self.note_configs(now);
        Ok(())
    }

    /// Accepts an account that we write to as a contact, and tells it that it may go on if it wrote first.
    fn accept(
        &mut self,
        to: &AccountId,
        accepts: bool,
        sent_at: UnixMillis,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), SendError> {
        let contact = self.configs.contacts.get(to);
        if contact.as_ref().is_some_and(|contact| contact.is_blocked) {
            return Err(SendError::Blocked);
        }
        let is_approved = contact.as_ref().is_some_and(|contact| contact.is_approved);
        let waits = contact.is_some_and(|contact| contact.has_approved_us);
        if to == self.account.id() || !accepts || is_approved {
            return Ok(());
        }
        let conversation = ConversationId::Account(*to);
        let answer = if waits {
            let content = self.completed(Kind::RequestAccepted.into(), &conversation);
            // The answer has a time of its own.
            let sent_at = sent_at.saturating_add(Duration::from_millis(1));
            Some(self.prepare(&conversation, &content, sent_at, now, rng)?)
        } else {
            None
        };
        self.configs.contacts.update(to, |contact| {
            contact.is_approved = true;
            if contact.created == 0 {
                contact.created = seconds(sent_at);
            }
            Ok(())
        })?;
        if let Some(answer) = answer {
            self.put_into_outbox(answer);
        }
        Ok(())
    }

    /// Whether we have accepted an account as a contact, and not blocked it.
    pub(super) fn is_contact(&self, id: &AccountId) -> bool {
        let contact = self.configs.contacts.get(id);
        contact.is_some_and(|contact| contact.is_approved && !contact.is_blocked)
    }

    /// Puts a message into the outbox and into the history. Nothing of this can fail.
    pub(super) fn put_into_outbox(&mut self, prepared: Prepared) -> SendId {
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

    /// Remembers a message of ours, which comes back from a swarm, and puts it into the history.
    pub(super) fn remember_own(&mut self, own: Option<Own>) {
        let Some(own) = own else { return };
        let (digest, class, expiry) = own.seen;
        self.inbox
            .seen
            .see(digest, class, (expiry, None), &mut self.journal);
        if let Some(mut message) = own.message {
            message.begin_timer(self.account.id());
            self.note_deadline(message.expires_at);
            self.journal
                .put(Key::Message(message.id), message.to_value());
        }
    }

    /// Adds what the account and the conversation add to every message.
    pub(super) fn completed(&self, mut content: Content, to: &ConversationId) -> Content {
        if content.profile.is_none() && has_profile(&content.kind) {
            content.profile = self.profile();
        }
        if content.expiration.is_none() && content.kind.can_expire() {
            content.expiration = self.timer(to);
        }
        content
    }

    /// The timer of a conversation.
    fn timer(&self, of: &ConversationId) -> Option<Expiration> {
        let to_u32 = |seconds: i64| u32::try_from(seconds).ok().filter(|seconds| *seconds > 0);
        let after_send = |seconds| to_u32(seconds).map(Expiration::after_send);
        match of {
            ConversationId::Account(id) if id == self.account.id() => {
                after_send(self.configs.profile.note_expiry())
            }
            ConversationId::Account(id) => match self.configs.contacts.get(id)?.expiry {
                Expiry::Off => None,
                Expiry::AfterSend(seconds) => after_send(seconds),
                Expiry::AfterRead(seconds) => to_u32(seconds).map(Expiration::after_read),
            },
            ConversationId::Group(id) => after_send(self.group(id)?.info().expiry()),
            ConversationId::Room(_) | ConversationId::Blinded(_) => None,
        }
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
    pub(super) fn next_time(&self, now: UnixMillis) -> UnixMillis {
        let next = self.last_sent.saturating_add(Duration::from_millis(1));
        // A time that is far ahead was that of a wrong clock.
        if next.since(now) > MAX_AHEAD {
            now
        } else {
            next.max(now)
        }
    }

    /// Makes a message ready, and reads it as our own devices will. Nothing changes.
    pub(super) fn prepare(
        &mut self,
        to: &ConversationId,
        content: &Content,
        sent_at: UnixMillis,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Prepared, SendError> {
        match to {
            ConversationId::Account(to) => Ok(self.prepare_direct(to, content, sent_at, now, rng)?),
            ConversationId::Group(to) => self.prepare_for_group(to, content, sent_at, now, rng),
            // They have an outbox of their own.
            ConversationId::Room(_) | ConversationId::Blinded(_) => Err(RoomError::Unknown.into()),
        }
    }

    /// Seals a message to an account, and its copy.
    fn prepare_direct(
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
            let seen = (digest(&opened.key()), Class::Known, expiry);
            let is_shown = is_in_history(&content.kind);
            let message = is_shown.then(|| Message::new(opened, Status::Sending, false));
            let message = message.flatten();
            own = Some(Own { seen, message });
        }
        let mut entry = entry(*to, content, sent_at, now)?;
        entry.message = own.as_ref().and_then(Own::id);
        entry.main = Some(main);
        entry.copy = copy;
        Ok(Prepared { entry, own })
    }

    /// Makes a message to a group ready. It is sealed when it is sent.
    fn prepare_for_group(
        &self,
        to: &GroupId,
        content: &Content,
        sent_at: UnixMillis,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Prepared, SendError> {
        let group = self.group(to).ok_or(GroupError::Unknown)?;
        match group.seal(&self.sealer, rng, content, sent_at) {
            Ok(_) => {}
            // It waits for the key, but the members would take it.
            Err(ActError::NoKey) => {
                let key = SymmetricKey::from_bytes([0; 32]);
                self.sealer.seal_group(rng, to, &key, content, sent_at)?;
            }
            Err(ActError::Seal(reason)) => return Err(reason.into()),
            Err(reason) => return Err(GroupError::from(reason).into()),
        }
        let mut entry = entry(*to, content, sent_at, now)?;
        let author = AnyId::from(self.account.id());
        let key = MessageKey::new(AnyId::from(to), author, sent_at, &entry.raw);
        let expiry = sent_at.saturating_add(TTL_MAX);
        let seen = (digest(&key), Class::Group(*to), expiry);
        let message = MessageId::of(&key).filter(|_| is_in_history(&content.kind));
        let own = *self.account.id();
        let message = message.and_then(|id| Message::of_ours(id, own, &entry.raw));
        let own = Own { seen, message };
        entry.message = own.id();
        Ok(Prepared {
            entry,
            own: Some(own),
        })
    }
}

impl Own {
    fn id(&self) -> Option<MessageId> {
        self.message.as_ref().map(|message| message.id)
    }
}

/// An entry of the outbox that is not sealed yet.
fn entry(
    to: impl Into<ConversationId>,
    content: &Content,
    sent_at: UnixMillis,
    now: Now,
) -> Result<Entry, SealError> {
    Ok(Entry {
        to: to.into(),
        raw: Zeroizing::new(content.encode(sent_at, None)?),
        sent_at,
        created: now.wall,
        files: Vec::new(),
        message: None,
        is_stored: false,
        main: None,
        generation: 0,
        copy: None,
        attempt: Attempt::default(),
    })
}

/// Unix seconds of a time.
pub(super) fn seconds(time: UnixMillis) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
