//! Messages to closed groups (protocol: messages, sections 6 and 6.15).

use session_config::group::Arrived;
use session_message::Opened;
use session_message::content::{DeleteContent, GroupUpdate, Kind};
use session_network::Now;
use session_types::{AccountId, AnyId, GroupId, MessageHash};
use zeroize::Zeroizing;

use super::Client;
use crate::conversation::ConversationId;
use crate::event::Event;
use crate::history::{Message, Status};
use crate::journal::Erased;
use crate::record::Key;

impl Client {
    pub(super) fn process_in_group(
        &mut self,
        id: &GroupId,
        arrived: Arrived,
        hash: MessageHash,
        now: Now,
    ) {
        let Arrived {
            message: opened,
            attachments_deleted,
        } = arrived;
        let (group, by) = (*id, opened.sender);
        let conversation = ConversationId::Group(group);
        self.meet_in_group(&opened);
        let event = match &opened.content.kind {
            Kind::Message(_) | Kind::Invitation(_) => {
                let Some(mut message) = Message::new(opened, Status::Received, false) else {
                    return;
                };
                if attachments_deleted && !without_attachments(&mut message) {
                    return;
                }
                message.hash = Some(hash);
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
            Kind::Group(GroupUpdate::DeleteContent(delete)) => {
                self.delete_in_group(group, &by, delete, &opened);
                Event::ContentDeleted {
                    group,
                    by,
                    delete: delete.clone(),
                }
            }
            Kind::Group(update) => Event::GroupUpdate {
                group,
                by,
                update: update.clone(),
            },
            _ => return,
        };
        self.journal.event(event);
    }

    /// Deletes what a member or an admin wants deleted. The signature of an admin was verified when the
    /// message was opened.
    fn delete_in_group(
        &mut self,
        group: GroupId,
        by: &AccountId,
        delete: &DeleteContent,
        opened: &Opened,
    ) {
        let is_admin = delete.admin_signature.is_some();
        let conversation = ConversationId::Group(group);
        for hash in delete.hashes.iter().filter_map(|hash| hash.parse().ok()) {
            let author = (!is_admin).then(|| AnyId::from(by));
            let stored = Erased::Stored { hash, author };
            self.journal.erase(conversation, stored);
        }
        for author in delete.members.iter().filter(|_| is_admin) {
            let until = opened.sent_at;
            let author = *author;
            self.journal
                .erase(conversation, Erased::Author { author, until });
        }
    }

    /// Takes over the profile of an author who is a contact.
    fn meet_in_group(&mut self, opened: &Opened) {
        let by = opened.sender;
        let Some(profile) = &opened.content.profile else {
            return;
        };
        if by != *self.account.id() && self.configs.contacts.get(&by).is_some() {
            // If the contacts cannot be changed any more, the message is shown all the same.
            let _ = self.configs.contacts.update(&by, |contact| {
                super::receive::apply_profile(contact, profile)
            });
        }
    }
}

/// Takes the attachments out of a message. Returns whether something is left to show.
fn without_attachments(message: &mut Message) -> bool {
    if let Kind::Message(shown) = &mut message.content.kind {
        shown.attachments.clear();
    }
    match message.content.encode(message.sent_at(), None) {
        Ok(raw) => {
            message.raw = Zeroizing::new(raw);
            true
        }
        Err(_) => false,
    }
}
