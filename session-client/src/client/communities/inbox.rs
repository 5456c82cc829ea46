//! The inbox of a server: messages between blinded ids (protocol: community, section 6).
//!
//! A message that comes through it shows the account of its sender, so it belongs to the conversation with that
//! account: a message request, as any other. Of those to whom we write first we know the blinded id alone; when their
//! account becomes known, the conversation goes on with it.

use session_community::IdChoice;
use session_community::reply::InboxMessage;
use session_config::BlindedId;
use session_config::contacts::BlindedContact;
use session_crypto::{BlindedSecret, Blinding, X25519Public};
use session_identity::AccountIdExt as _;
use session_identity::community::BaseUrl;
use session_message::Opened;
use session_message::inbox::Metadata;
use session_network::Now;
use session_types::{AccountId, AnyId, UnixMillis};

use alloc::vec::Vec;
use core::time::Duration;

use super::super::Client;
use super::super::send::{is_in_history, seconds};
use crate::conversation::ConversationId;
use crate::error::RoomError;
use crate::event::Event;
use crate::history::{Message, MessageId, Status};
use crate::record::{Key, digest};
use crate::room::RoomId;
use crate::seen::Class;

/// How long servers keep messages of an inbox, twice.
const LIFETIME: Duration = Duration::from_secs(2 * 15 * 86_400);

impl Client {
    /// Returns the conversation with a user of a room, whose id the server has named: the one with their account, if it is
    /// known, and else one through the inbox of the server. Writing to it is a message request.
    ///
    /// # Errors
    ///
    /// [`RoomError`] if the account is not in the room, the id is not blinded, or the contacts cannot be changed.
    /// Nothing has changed then.
    pub fn blinded_conversation(
        &mut self,
        room: &RoomId,
        user: &AnyId,
        now: Now,
    ) -> Result<ConversationId, RoomError> {
        let room = self.communities.rooms.get(room).ok_or(RoomError::Unknown)?;
        if let Ok(account) = AccountId::try_from(*user) {
            return Ok(account.into());
        }
        let (base, key) = (room.community().base.clone(), room.community().key);
        let id = BlindedId::from_bytes(user.as_bytes()).ok_or(RoomError::NotBlinded)?;
        let server = self.communities.servers.get(&base);
        let server = server.ok_or(RoomError::Unknown)?;
        if server.is_own(user) {
            return Ok(self.account.id().into());
        }
        if let Some(account) = server.account_of(&id) {
            return Ok(account.into());
        }
        if self.configs.contacts.blinded(&base, &id).is_none() {
            let mut contact = BlindedContact::new(id);
            contact.created = seconds(now.wall);
            self.configs.contacts.set_blinded(&base, &key, &contact)?;
            self.note_configs(now);
        }
        Ok(id.into())
    }

    /// The server that named a blinded id.
    pub(super) fn server_of(&self, id: &BlindedId) -> Option<BaseUrl> {
        let mut contacts = self.configs.contacts.blinded_contacts();
        let (base, ..) = contacts.find(|(_, _, contact)| contact.id == *id)?;
        base.parse().ok()
    }

    /// Our key pair on a server. `None` if it does not know us by a blinded id.
    pub(super) fn own_secret(
        &self,
        choice: IdChoice,
        server: &X25519Public,
    ) -> Option<BlindedSecret> {
        let IdChoice::Blinded(blinding) = choice else {
            return None;
        };
        self.account.blinded(blinding, server).ok()
    }

    /// Opens a message with the key pair of the kind that it is for.
    fn open_inbox(
        &self,
        base: &BaseUrl,
        message: &InboxMessage,
        own: &AnyId,
        time: UnixMillis,
    ) -> Option<Result<Opened, session_message::OpenError>> {
        let server = self.communities.servers.get(base)?;
        let blinding = match own.prefix() {
            0x15 => Blinding::Blind15,
            _ => Blinding::Blind25,
        };
        let choice = IdChoice::Blinded(blinding);
        let own = self.own_secret(choice, server.x25519())?;
        let metadata = Metadata {
            sender: &message.sender,
            recipient: &message.recipient,
            posted_at: message.posted,
        };
        Some(
            self.opener
                .open_inbox(&own, &metadata, &message.message, time),
        )
    }

    pub(super) fn take_inbox(
        &mut self,
        base: &BaseUrl,
        messages: &[InboxMessage],
        (time, now): (UnixMillis, Now),
    ) {
        for message in messages {
            let opened = self.open_inbox(base, message, &message.recipient, time);
            let mut opened = match opened {
                Some(Ok(opened)) if opened.sender != *self.account.id() => opened,
                Some(Err(reason)) => {
                    self.report_unreadable(base, message, reason);
                    continue;
                }
                _ => continue,
            };
            if let Some(id) = BlindedId::from_bytes(message.sender.as_bytes()) {
                self.recognise(base, &id, opened.sender);
            }
            opened.conversation = AnyId::from(opened.sender);
            let class = self.class_of(&opened.sender);
            let seen = (time.saturating_add(LIFETIME), None);
            let digest = digest(&opened.key());
            if self.inbox.seen.see(digest, class, seen, &mut self.journal) {
                self.process(opened, None, now);
            }
        }
    }

    fn report_unreadable(
        &mut self,
        base: &BaseUrl,
        message: &InboxMessage,
        reason: session_message::OpenError,
    ) {
        self.journal.event(Event::UnreadableInInbox {
            server: base.clone(),
            id: message.id,
            reason,
        });
    }

    /// Takes messages that we sent, here or on another device of the account.
    pub(super) fn take_outbox(
        &mut self,
        base: &BaseUrl,
        messages: &[InboxMessage],
        time: UnixMillis,
    ) {
        for message in messages {
            let opened = self.open_inbox(base, message, &message.sender, time);
            let opened = match opened {
                Some(Ok(opened)) if opened.sender == *self.account.id() => opened,
                Some(Err(reason)) => {
                    self.report_unreadable(base, message, reason);
                    continue;
                }
                _ => continue,
            };
            let Some(to) = BlindedId::from_bytes(message.recipient.as_bytes()) else {
                continue;
            };
            self.note_written(base, &to);
            let server = self.communities.servers.get(base);
            let account = server.and_then(|server| server.account_of(&to));
            let is_new = self.see_written(&opened);
            let is_shown = is_in_history(&opened.content.kind);
            let Some(mut message) = Message::new(opened, Status::Received, false) else {
                continue;
            };
            if let Some(account) = account {
                message.id = message.id.moved_to(account.into());
            }
            if self.own_post_came(&message) || !is_new || !is_shown {
                continue;
            }
            self.journal
                .put(Key::Message(message.id), message.to_value());
            self.journal.event(Event::Message(message.into()));
        }
    }

    /// Remembers a message of ours by the blinded id to which it goes. Returns whether it is new.
    pub(super) fn see_written(&mut self, opened: &Opened) -> bool {
        let expiry = opened.sent_at.saturating_add(LIFETIME);
        let digest = digest(&opened.key());
        let seen = (expiry, None);
        self.inbox
            .seen
            .see(digest, Class::Known, seen, &mut self.journal)
    }

    /// Notes that we wrote to a blinded id, so that its account is recognised.
    pub(super) fn note_written(&mut self, base: &BaseUrl, id: &BlindedId) {
        let server = self.communities.servers.get_mut(base);
        if server.is_some_and(|server| server.note_written(*id)) {
            self.put_server(base);
        }
    }

    /// Recognises somebody to whom we wrote by a blinded id, by a message that comes from their account.
    pub(in super::super) fn recognise_account(&mut self, account: &AccountId) {
        let mut found = Vec::new();
        for (base, server) in &self.communities.servers {
            let mut strangers = server.strangers().peekable();
            if strangers.peek().is_none() {
                continue;
            }
            let key = server.x25519();
            let (old, new) = (account.candidates15(key), account.blinded25(key));
            let is_theirs = |id: &BlindedId| match id {
                BlindedId::V15(id) => old.as_ref().is_ok_and(|ids| ids.contains(id)),
                BlindedId::V25(id) => new.as_ref().is_ok_and(|new| new == id),
            };
            found.extend(
                strangers
                    .filter(|id| is_theirs(id))
                    .map(|id| (base.clone(), *id)),
            );
        }
        for (base, id) in found {
            self.recognise(&base, &id, *account);
        }
    }

    /// Notes whose a blinded id is. If we wrote to it, the conversation goes on with the account.
    fn recognise(&mut self, base: &BaseUrl, id: &BlindedId, account: AccountId) {
        let server = self.communities.servers.get_mut(base);
        if !server.is_some_and(|server| server.recognise(id, account)) {
            return;
        }
        self.put_server(base);
        let (from, to) = (
            ConversationId::Blinded(*id),
            ConversationId::Account(account),
        );
        let moved = |message: MessageId| match *message.conversation() == from {
            true => message.moved_to(to),
            false => message,
        };
        let errands = self.communities.errands.iter_mut();
        for (send, errand) in errands.filter(|(_, errand)| errand.place == from) {
            errand.place = to;
            errand.message = errand.message.map(moved);
            self.journal.put(Key::Errand(*send), errand.to_value());
        }
        self.journal.move_all(from, to);
        let known = self.configs.contacts.blinded(base, id);
        let known = known.map(|contact| (contact.name.into_owned(), contact.created));
        if known.is_some() {
            // If it cannot be removed any more, it stands beside the account.
            let _ = self.configs.contacts.remove_blinded(base, id);
        }
        // We wrote to them. If the contacts cannot be changed any more, they are a stranger.
        let _ = self.configs.contacts.update(&account, |contact| {
            contact.is_approved = true;
            if let Some((name, created)) = known {
                if contact.name.is_empty() {
                    contact.name = name.into();
                }
                if contact.created == 0 {
                    contact.created = created;
                }
            }
            Ok(())
        });
        let blinded = *id;
        self.journal.event(Event::Recognised { blinded, account });
    }
}
