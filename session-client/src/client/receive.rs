//! Receiving: messages of namespace 0 (protocol: messages, section 6).

use alloc::borrow::ToOwned as _;

use session_config::EditError;
use session_config::contacts::Contact;
use session_config::field::{Expiry, MAX_NAME, Picture, truncate};
use session_crypto::Blake2b;
use session_message::content::{Expiration, ExpirationMode, GroupUpdate, Kind, Profile};
use session_message::{Disposition, OpenError, Opened};
use session_network::Now;
use session_storage::StoredMessage;
use session_types::{AccountId, MessageHash, UnixMillis};

use super::Client;
use super::send::seconds;
use crate::conversation::ConversationId;
use crate::event::Event;
use crate::history::{Message, Status};
use crate::journal::Erased;
use crate::record::{Key, digest};
use crate::seen::Class;
use crate::waiting::Waiting;

/// Maximum number of accounts among the contacts that we have not approved. Messages of more are shown,
/// but not remembered as contacts: the config must not grow until it cannot be stored any more.
const MAX_STRANGERS: usize = 1_000;

impl Client {
    /// Processes a stored message once, however often it is fetched.
    pub(super) fn receive(&mut self, stored: &StoredMessage, now: Now) {
        match self.opener.open_direct(&stored.data) {
            Ok(opened) => {
                let class = self.class_of(&opened.sender);
                let seen = (stored.expiration, None);
                let digest = digest(&opened.key());
                if self.inbox.seen.see(digest, class, seen, &mut self.journal) {
                    self.process(opened, Some(stored.hash), now);
                }
            }
            Err(reason) => self.refuse(stored, reason),
        }
    }

    /// Whose messages a message is remembered with.
    pub(super) fn class_of(&self, author: &AccountId) -> Class {
        let contact = self.configs.contacts.get(author);
        let is_approved = contact.is_some_and(|contact| contact.is_approved);
        match is_approved || author == self.account.id() {
            true => Class::Known,
            false => Class::Stranger,
        }
    }

    /// Tries again what could not be read.
    pub(super) fn receive_waiting(&mut self, now: Now) {
        for (hash, waiting) in self.inbox.waiting(&self.id) {
            if waiting.expiry <= now.wall {
                let journal = &mut self.journal;
                self.inbox.stop_waiting(&self.id, &hash, journal);
                continue;
            }
            if self.opener.open_direct(&waiting.data).is_ok() {
                let journal = &mut self.journal;
                self.inbox.stop_waiting(&self.id, &hash, journal);
                let stored = StoredMessage {
                    hash,
                    timestamp: waiting.stored_at,
                    expiration: waiting.expiry,
                    data: waiting.data,
                };
                self.receive(&stored, now);
            }
        }
    }

    fn keep(&mut self, stored: &StoredMessage) {
        let waiting = Waiting {
            data: stored.data.clone(),
            stored_at: stored.timestamp,
            expiry: stored.expiration,
        };
        let journal = &mut self.journal;
        self.inbox.wait(self.id, stored.hash, waiting, journal);
    }

    fn refuse(&mut self, stored: &StoredMessage, reason: OpenError) {
        let hash = stored.hash;
        if self.inbox.waits(&self.id, &hash) {
            return;
        }
        match reason.disposition() {
            Disposition::Drop => {
                let name = Blake2b::<32>::new()
                    .chain(b"unreadable")
                    .chain(hash.as_bytes())
                    .finalize();
                let seen = (stored.expiration, None);
                let journal = &mut self.journal;
                if !self.inbox.seen.see(name, Class::Unreadable, seen, journal) {
                    return;
                }
            }
            Disposition::KeepForNewerVersion | Disposition::TryAgainLater => self.keep(stored),
        }
        self.journal.event(Event::Unreadable { hash, reason });
    }

    /// Processes a message that is new. Without a name it is not stored in our swarm.
    pub(super) fn process(&mut self, opened: Opened, hash: Option<MessageHash>, now: Now) {
        let by = opened.sender;
        let Ok(conversation) = ConversationId::try_from(opened.conversation) else {
            return;
        };
        let is_own = by == *self.account.id();
        if !is_own {
            self.recognise_account(&by);
        }
        let contact = self.configs.contacts.get(&by);
        let is_blocked = contact.as_ref().is_some_and(|contact| contact.is_blocked);
        let is_approved = is_own || contact.as_ref().is_some_and(|contact| contact.is_approved);
        if is_blocked && !is_own {
            return;
        }
        if self.is_deleted(&conversation, opened.sent_at) {
            return;
        }
        if !is_own {
            self.meet(&by, &opened);
        }
        let sent_at = opened.sent_at;
        let event = match &opened.content.kind {
            Kind::Message(_) | Kind::Invitation(_) => {
                let is_request = !is_approved;
                let message = Message::new(opened, Status::Received, is_request);
                let Some(mut message) = message else { return };
                message.hash = hash;
                if !self.begin_timer(&mut message, now) {
                    return;
                }
                self.journal
                    .put(Key::Message(message.id), message.to_value());
                Event::Message(message.into())
            }
            Kind::Reaction(reaction) => Event::Reaction {
                conversation,
                author: by,
                reaction: reaction.clone(),
            },
            Kind::Unsend(unsend) => {
                let erased = Erased::Message {
                    author: unsend.author,
                    sent_at: unsend.sent_at,
                };
                self.journal.erase(conversation, erased);
                Event::Deleted {
                    conversation,
                    author: unsend.author,
                    sent_at: unsend.sent_at,
                }
            }
            Kind::ReadReceipt(receipt) if is_approved && !is_own => Event::Read {
                by,
                sent_at: receipt.sent_at.clone(),
            },
            Kind::Typing(typing) if is_approved && !is_own => Event::Typing {
                by,
                is_typing: !typing.is_stopped,
            },
            Kind::RequestAccepted if !is_own => Event::RequestAccepted { by },
            Kind::DataExtraction(notice) if !is_own => Event::Extraction {
                by,
                kind: notice.kind,
            },
            Kind::ExpirationUpdate if is_approved => {
                // Absent: the timer was switched off.
                let expiration = opened.content.expiration.unwrap_or(Expiration::OFF);
                self.keep_timer(&conversation, expiration);
                Event::Timer {
                    conversation,
                    author: by,
                    expiration,
                }
            }
            Kind::Group(update) => {
                let update = update.clone();
                return self.take_group_update(by, &update, hash, now);
            }
            Kind::Call(call) if is_approved => Event::Call {
                by,
                call: call.clone(),
                sent_at,
            },
            _ => return,
        };
        self.journal.event(event);
    }

    /// Takes an invitation or a promotion. The message is deleted from our own swarm: the config of the
    /// groups has what it says.
    fn take_group_update(
        &mut self,
        by: AccountId,
        update: &GroupUpdate,
        hash: Option<MessageHash>,
        now: Now,
    ) {
        match update {
            GroupUpdate::Invite(invite) => self.invited(by, invite, now),
            GroupUpdate::Promote { seed, name } => self.promoted(by, (seed, name), now),
            // The others are for the group itself.
            _ => return,
        }
        if let Some(hash) = hash {
            self.delete_stored(hash);
        }
    }

    /// Whether the messages of a conversation up to this time were deleted.
    fn is_deleted(&self, conversation: &ConversationId, sent_at: UnixMillis) -> bool {
        let before = match conversation {
            ConversationId::Account(id) if id == self.account.id() => {
                self.configs.profile.note_delete_before()
            }
            ConversationId::Account(id) => {
                let contact = self.configs.contacts.get(id);
                contact.map_or(0, |contact| contact.delete_before)
            }
            _ => 0,
        };
        before > 0 && seconds(sent_at) < before
    }

    /// Whether an account has an entry in the contacts, or there is room for another stranger.
    fn takes_contact(&self, id: &AccountId) -> bool {
        let contacts = &self.configs.contacts;
        let strangers = || {
            contacts
                .iter()
                .filter(|contact| !contact.is_approved)
                .count()
        };
        contacts.get(id).is_some() || strangers() < MAX_STRANGERS
    }

    /// Remembers what a message tells about its author.
    fn meet(&mut self, by: &AccountId, opened: &Opened) {
        let kind = &opened.content.kind;
        let accepts_us = matches!(
            kind,
            Kind::Message(_) | Kind::Invitation(_) | Kind::RequestAccepted
        );
        if !accepts_us {
            return;
        }
        if !self.takes_contact(by) {
            return;
        }
        let profile = opened.content.profile.as_ref();
        let sent_at = opened.sent_at;
        // If the contacts cannot be changed any more, the message is shown all the same.
        let _ = self.configs.contacts.update(by, |contact| {
            contact.has_approved_us = true;
            if contact.created == 0 {
                contact.created = seconds(sent_at);
            }
            profile.map_or(Ok(()), |profile| apply_profile(contact, profile))
        });
    }

    pub(super) fn keep_timer(&mut self, conversation: &ConversationId, expiration: Expiration) {
        let seconds = i64::from(expiration.seconds);
        let timer = match expiration.mode {
            ExpirationMode::AfterSend => Expiry::AfterSend(seconds),
            ExpirationMode::AfterRead => Expiry::AfterRead(seconds),
            ExpirationMode::Off => Expiry::Off,
        };
        // If the config cannot be changed any more, the application is told of the timer all the same.
        let _ = match conversation {
            ConversationId::Account(id) if id == self.account.id() => {
                self.configs.profile.set_note_expiry(seconds)
            }
            ConversationId::Account(id) => self.configs.contacts.update(id, |contact| {
                contact.expiry = timer;
                Ok(())
            }),
            // The timer of a group is in its info; posts have none.
            _ => Ok(()),
        };
    }
}

/// Takes a profile over if it is newer (protocol: messages, section 6, item 2).
pub(super) fn apply_profile(contact: &mut Contact<'_>, profile: &Profile) -> Result<(), EditError> {
    let updated = i64::try_from(profile.updated_seconds).unwrap_or(i64::MAX);
    let is_newer = updated > contact.profile_updated;
    if !is_newer && (updated, contact.profile_updated) != (0, 0) {
        return Ok(());
    }
    if let Some(name) = &profile.name {
        contact.name = truncate(name, MAX_NAME).to_owned().into();
    }
    contact.picture = match &profile.picture {
        // A picture that a config cannot keep is left out.
        Some(picture) => Picture::new(picture.url.clone(), *picture.key.expose_bytes()).ok(),
        None => None,
    };
    contact.profile_updated = updated;
    Ok(())
}
