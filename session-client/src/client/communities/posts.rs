//! Posts that come from a room (protocol: community, section 5; sogs, section 6).
//!
//! A post is recognised by its number, and a message by its content, so that neither a server that repeats itself nor
//! an answer that was lost shows one twice. Numbers below those that are remembered are old.

use alloc::vec::Vec;

use session_community::post::is_emoji_length;
use session_community::reply::{Change, Message as Posted, Reaction};
use session_crypto::Blake2b;
use session_message::MessageKey;
use session_proto::bt;
use session_types::{AccountId, AnyId, UnixMillis};

use super::super::Client;
use super::super::send::is_in_history;
use crate::conversation::ConversationId;
use crate::error::RecordError;
use crate::event::{Event, PostRefused};
use crate::history::{Message, MessageId, Status};
use crate::journal::Erased;
use crate::record::Key;
use crate::room::{Post, RoomId, Whisper};

/// Maximum number of posts of a room that are recognised by their numbers.
const MAX_POSTS: usize = 1_000;
/// Maximum number of emoji of a post that are reported, and of the users of each.
const MAX_EMOJI: usize = 100;
const MAX_REACTORS: usize = 20;

/// A post that is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Its place in the history. `None` if it is not shown.
    pub(super) message: Option<MessageId>,
    /// A hash of what it says.
    tag: [u8; 8],
}

impl Known {
    fn to_value(self) -> Vec<u8> {
        bt::dict(|d| {
            d.bytes(b"h", &self.tag);
            if let Some(message) = self.message {
                d.bytes(b"m", &message.to_bytes());
            }
        })
    }

    pub(super) fn from_value(room: RoomId, value: &[u8]) -> Result<Self, RecordError> {
        let read = || -> Option<Self> {
            let dict = bt::parse_dict(value).ok()?;
            let message = match dict.get(b"m") {
                None => None,
                Some(id) => Some(MessageId::from_bytes(id.as_bytes()?)?),
            };
            let is_there = |id: MessageId| *id.conversation() == ConversationId::Room(room);
            message.is_none_or(is_there).then_some(Self {
                message,
                tag: *dict.array::<8>("h").ok()?,
            })
        };
        read().ok_or(RecordError::Value)
    }
}

/// A hash of what a post says, with the time of its last edit.
fn tag(posted: &Posted) -> [u8; 8] {
    let edited = posted.edited.unwrap_or(UnixMillis::EPOCH);
    let [a, b, c, d, e, f, g, h, ..] = Blake2b::<32>::new()
        .chain(posted.author.as_bytes())
        .chain(&edited.get().to_be_bytes())
        .chain(&[u8::from(posted.is_verified)])
        .chain(&posted.data)
        .finalize();
    [a, b, c, d, e, f, g, h]
}

/// What the server says about a post.
pub(super) fn about(posted: &Posted) -> Post {
    let is_whisper = posted.is_whisper || posted.whisper_mods || posted.whisper_to.is_some();
    Post {
        id: posted.id,
        posted_at: posted.posted,
        edited_at: posted.edited,
        whisper: is_whisper.then_some(Whisper {
            to: posted.whisper_to,
            to_moderators: posted.whisper_mods,
        }),
    }
}

impl Client {
    pub(super) fn take_change(&mut self, room: &RoomId, change: Change, time: UnixMillis) {
        match change {
            Change::Posted {
                message, reactions, ..
            } => {
                let id = message.id;
                if self.take_post(room, &message, time) && !reactions.is_empty() {
                    self.report_reactions(room, id, reactions);
                }
            }
            Change::Reactions { id, reactions, .. } => self.report_reactions(room, id, reactions),
            Change::Deleted { id, .. } => self.post_deleted(room, id),
            // It has no number that could be named.
            _ => {}
        }
    }

    fn known_post(&self, room: &RoomId, id: u64) -> Option<Known> {
        self.communities.posts.get(room)?.get(&id).copied()
    }

    /// Recognises a post from now on. If there are too many, those with the smallest numbers are given up.
    pub(super) fn know_post(&mut self, room: &RoomId, id: u64, known: Known) {
        let posts = self.communities.posts.entry(*room).or_default();
        posts.insert(id, known);
        self.journal.put(Key::Post(*room, id), known.to_value());
        while posts.len() > MAX_POSTS {
            let Some((first, _)) = posts.pop_first() else {
                break;
            };
            self.journal.delete(Key::Post(*room, first));
            if let Some(room) = self.communities.rooms.get_mut(room) {
                room.floor = room.floor.max(first);
            }
        }
    }

    /// Notes the post that the server made of a message of ours.
    pub(super) fn know_own_post(&mut self, room: &RoomId, posted: &Posted, id: Option<MessageId>) {
        let known = Known {
            message: id,
            tag: tag(posted),
        };
        self.know_post(room, posted.id, known);
    }

    /// Takes a post. Returns whether it is new or was edited.
    fn take_post(&mut self, room: &RoomId, posted: &Posted, time: UnixMillis) -> bool {
        let known = self.known_post(room, posted.id);
        let tag = tag(posted);
        if known.is_some_and(|known| known.tag == tag) {
            return false;
        }
        let floor = self
            .communities
            .rooms
            .get(room)
            .map_or(0, |room| room.floor);
        if known.is_none() && posted.id <= floor && posted.edited.is_none() {
            return false;
        }
        let shown = known.and_then(|known| known.message);
        match self.open_post(room, posted, time) {
            Ok(Some(mut message)) => {
                let is_own = message.author == AnyId::from(self.account.id());
                if shown.is_none() && self.is_shown_already(room, &message.id) {
                    // The same message in another post: an answer was lost, and it was sent again.
                    let known = Known { message: None, tag };
                    self.know_post(room, posted.id, known);
                    return false;
                }
                let is_edit = shown.is_some() || posted.edited.is_some();
                if let Some(shown) = shown {
                    message.id = shown;
                } else if is_edit {
                    // It is one that is not recognised any more, if it is there.
                    let place = ConversationId::Room(*room);
                    self.journal.erase(place, Erased::Post(posted.id));
                }
                let known = Known {
                    message: Some(message.id),
                    tag,
                };
                self.know_post(room, posted.id, known);
                if is_own && self.own_post_came(&message) {
                    return true;
                }
                if is_own && is_edit {
                    message.status = Status::Delivered;
                }
                self.journal
                    .put(Key::Message(message.id), message.to_value());
                self.journal.event(match is_edit {
                    true => Event::Edited(message.into()),
                    false => Event::Message(message.into()),
                });
                true
            }
            // It is not something to show.
            Ok(None) => {
                let message = shown;
                self.know_post(room, posted.id, Known { message, tag });
                false
            }
            Err(reason) => {
                // What was there before stays.
                let message = shown;
                self.know_post(room, posted.id, Known { message, tag });
                self.journal.event(Event::UnreadablePost {
                    room: *room,
                    post: posted.id,
                    reason,
                });
                false
            }
        }
    }

    /// Opens a post. `None` if it is nothing to show.
    fn open_post(
        &self,
        room: &RoomId,
        posted: &Posted,
        time: UnixMillis,
    ) -> Result<Option<Message>, PostRefused> {
        if !posted.is_verified {
            return Err(PostRefused::Signature);
        }
        if let Ok(author) = AccountId::try_from(posted.author) {
            let contact = self.configs.contacts.get(&author);
            if contact.is_some_and(|contact| contact.is_blocked) {
                return Ok(None);
            }
        }
        let opened = self.opener.open_post(&posted.data, posted.posted, time)?;
        if !is_in_history(&opened.content.kind) {
            return Ok(None);
        }
        let base = self.communities.rooms.get(room);
        let base = base.map(|room| &room.community().base);
        let server = base.and_then(|base| self.communities.servers.get(base));
        let is_own = server.is_some_and(|server| server.is_own(&posted.author));
        let author = match is_own {
            true => AnyId::from(self.account.id()),
            false => posted.author,
        };
        let place = AnyId::from(ConversationId::Room(*room));
        let key = MessageKey::new(place, author, opened.sent_at, &opened.raw);
        Ok(MessageId::of(&key).map(|id| Message {
            id,
            author,
            content: opened.content,
            status: Status::Received,
            is_request: false,
            hash: None,
            expires_at: None,
            post: Some(about(posted)),
            raw: opened.raw,
        }))
    }

    /// Whether a post with the same message is known.
    fn is_shown_already(&self, room: &RoomId, id: &MessageId) -> bool {
        let posts = self.communities.posts.get(room).into_iter().flatten();
        let mut messages = posts.filter_map(|(_, known)| known.message);
        messages.any(|other| other == *id)
    }

    fn post_deleted(&mut self, room: &RoomId, post: u64) {
        let known = self.known_post(room, post);
        let message = known.and_then(|known| known.message);
        let is_news = known.is_none_or(|known| known.tag != [0; 8]);
        if !is_news {
            return;
        }
        let gone = Known {
            message: None,
            tag: [0; 8],
        };
        self.know_post(room, post, gone);
        let place = ConversationId::Room(*room);
        self.journal.erase(place, Erased::Post(post));
        let room = *room;
        self.journal.event(Event::PostDeleted {
            room,
            post,
            message,
        });
    }

    fn report_reactions(&mut self, room: &RoomId, post: u64, mut reactions: Vec<Reaction>) {
        reactions.retain(|reaction| is_emoji_length(&reaction.emoji));
        reactions.truncate(MAX_EMOJI);
        for reaction in &mut reactions {
            reaction.reactors.truncate(MAX_REACTORS);
        }
        let message = self.known_post(room, post).and_then(|known| known.message);
        self.journal.event(Event::Reactions {
            room: *room,
            post,
            message,
            reactions,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_come_back() {
        let room = RoomId::from_bytes([RoomId::PREFIX; 33]).unwrap();
        let place = AnyId::from(ConversationId::Room(room));
        let at = UnixMillis::new(1_800_000_000_000);
        let key = MessageKey::new(place, place, at, b"raw");
        for message in [None, MessageId::of(&key)] {
            let known = Known {
                message,
                tag: [7; 8],
            };
            let value = known.to_value();
            assert_eq!(Known::from_value(room, &value), Ok(known));
            for end in 0..value.len() {
                assert!(Known::from_value(room, &value[..end]).is_err());
            }
        }
        let mut other = [0; 33];
        other[0] = RoomId::PREFIX;
        let other = RoomId::from_bytes(other).unwrap();
        let known = Known {
            message: MessageId::of(&key),
            tag: [7; 8],
        };
        assert!(Known::from_value(other, &known.to_value()).is_err());
    }
}
