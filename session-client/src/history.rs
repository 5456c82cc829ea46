//! Messages as the history keeps them.

use alloc::vec::Vec;
use core::time::Duration;

use session_message::content::{Content, Conversation, Expiration, ExpirationMode, decode};
use session_message::{MessageKey, Opened};
use session_proto::bt;
use session_types::{AccountId, AnyId, MessageHash, UnixMillis};
use zeroize::Zeroizing;

use crate::conversation::ConversationId;
use crate::error::RecordError;
use crate::record::digest;
use crate::room::{Post, Whisper};

/// The name of a message in the history. Names of one conversation sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    conversation: ConversationId,
    sent_at: UnixMillis,
    tag: [u8; 8],
}

impl MessageId {
    /// Length of the encoded name in bytes.
    pub const ENCODED_LENGTH: usize = 33 + 8 + 8;

    /// The name of the message with this key. `None` if it is in no conversation.
    pub(crate) fn of(key: &MessageKey) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, ..] = digest(key);
        Some(Self {
            conversation: ConversationId::try_from(*key.conversation()).ok()?,
            sent_at: key.sent_at(),
            tag: [a, b, c, d, e, f, g, h],
        })
    }

    /// Returns the name in another conversation: that of a message that [moved](crate::Change::Move).
    #[must_use]
    pub const fn moved_to(self, conversation: ConversationId) -> Self {
        Self {
            conversation,
            ..self
        }
    }

    /// Returns the conversation: a group or room, the other account, or our own for notes to ourselves.
    #[must_use]
    pub const fn conversation(&self) -> &ConversationId {
        &self.conversation
    }

    /// Returns the time of sending.
    #[must_use]
    pub const fn sent_at(&self) -> UnixMillis {
        self.sent_at
    }

    /// Returns the encoded name: conversation, time in milliseconds (big-endian), 8 bytes of a hash.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let time = self.sent_at.get().to_be_bytes();
        [self.conversation.as_bytes().as_slice(), &time, &self.tag].concat()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (conversation, rest) = bytes.split_first_chunk::<33>()?;
        let (time, tag) = rest.split_first_chunk::<8>()?;
        Some(Self {
            conversation: ConversationId::try_from(AnyId::from_bytes(*conversation)).ok()?,
            sent_at: UnixMillis::new(u64::from_be_bytes(*time)),
            tag: tag.try_into().ok()?,
        })
    }
}

/// How far a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Received, or sent by another device of the account.
    Received,
    /// In the outbox.
    Sending,
    /// Stored in the swarm of the recipient.
    Delivered,
    /// Not stored, and not tried again.
    Failed,
}

impl Status {
    const ALL: [Self; 4] = [Self::Received, Self::Sending, Self::Delivered, Self::Failed];

    const fn number(self) -> u8 {
        match self {
            Self::Received => 0,
            Self::Sending => 1,
            Self::Delivered => 2,
            Self::Failed => 3,
        }
    }
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// The author: an account, or in a room of a community the blinded id that its server knows. What we wrote ourselves is by
    /// our account everywhere.
    pub author: AnyId,
    /// The content.
    pub content: Content,
    /// How far it came.
    pub status: Status,
    /// Whether the author waits for our approval: a message request.
    pub is_request: bool,
    /// The name under which it is stored in the swarm that we fetch it from, if it is known.
    pub hash: Option<MessageHash>,
    /// When it disappears from the history. `None` if it stays, or if its time has not begun: that of a
    /// message that disappears after reading begins when it is [read](crate::Client::mark_read).
    pub expires_at: Option<UnixMillis>,
    /// In a room of a community, what the server says about it. `None` until it is posted.
    pub post: Option<Post>,
    /// The bytes of the content.
    pub(crate) raw: Zeroizing<Vec<u8>>,
}

impl Message {
    /// `None` if the message is in no conversation.
    pub(crate) fn new(opened: Opened, status: Status, is_request: bool) -> Option<Self> {
        Some(Self {
            id: MessageId::of(&opened.key())?,
            author: AnyId::from(opened.sender),
            content: opened.content,
            status,
            is_request,
            hash: None,
            expires_at: None,
            post: None,
            raw: opened.raw,
        })
    }

    /// Returns the conversation.
    #[must_use]
    pub const fn conversation(&self) -> &ConversationId {
        self.id.conversation()
    }

    /// Returns the time of sending.
    #[must_use]
    pub const fn sent_at(&self) -> UnixMillis {
        self.id.sent_at()
    }

    /// Returns the text, if it is a message with one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.content.as_text()
    }

    /// A message of ours, which is being sent.
    pub(crate) fn of_ours(id: MessageId, author: AccountId, raw: &[u8]) -> Option<Self> {
        Some(Self {
            id,
            author: AnyId::from(author),
            content: decode(raw).ok()?.content,
            status: Status::Sending,
            is_request: false,
            hash: None,
            expires_at: None,
            post: None,
            raw: Zeroizing::new(raw.to_vec()),
        })
    }

    /// Returns after which time it disappears, and from when that counts (protocol: messages, section 6,
    /// item 14).
    #[must_use]
    pub fn timer(&self, own: &AccountId) -> Expiration {
        let conversation = match self.conversation() {
            ConversationId::Group(_) => Conversation::Group,
            ConversationId::Account(id) if id == own => Conversation::NoteToSelf,
            ConversationId::Account(_) | ConversationId::Blinded(_) => Conversation::OneToOne,
            ConversationId::Room(_) => return Expiration::OFF,
        };
        let expiration = self.content.expiration.unwrap_or(Expiration::OFF);
        expiration.resolve(conversation)
    }

    /// Begins the time of a message that counts from sending, and that of one of ours, which we have
    /// read.
    pub(crate) fn begin_timer(&mut self, own: &AccountId) {
        let timer = self.timer(own);
        let begins = match timer.mode {
            ExpirationMode::Off => false,
            ExpirationMode::AfterSend => true,
            ExpirationMode::AfterRead => self.author == AnyId::from(own),
        };
        if begins {
            self.expires_at = Some(after(self.sent_at(), timer));
        }
    }

    /// Begins the time of a message that counts from reading. Returns whether it began now.
    pub(crate) fn read_at(&mut self, own: &AccountId, time: UnixMillis) -> bool {
        let begins = self.waits_for_reading(own);
        if begins {
            self.expires_at = Some(after(time, self.timer(own)));
        }
        begins
    }

    /// Returns whether its time begins when it is read, and it was not.
    #[must_use]
    pub fn waits_for_reading(&self, own: &AccountId) -> bool {
        let is_timed = self.timer(own).mode == ExpirationMode::AfterRead;
        is_timed && self.status == Status::Received && self.expires_at.is_none()
    }

    /// Returns whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: UnixMillis) -> bool {
        self.expires_at.is_some_and(|time| time <= now)
    }

    /// Returns the value of the record, for [`from_value`](Self::from_value). It is secret.
    #[must_use]
    pub fn to_value(&self) -> Vec<u8> {
        bt::dict(|d| {
            d.bytes(b"a", self.author.as_bytes());
            d.bytes(b"c", &self.raw);
            if let Some(hash) = &self.hash {
                d.bytes(b"h", hash.as_bytes());
            }
            if let Some(post) = &self.post {
                d.dict(b"p", |d| put_post(d, post));
            }
            d.int(b"r", u8::from(self.is_request));
            d.int(b"s", self.status.number());
            if let Some(time) = self.expires_at {
                d.int(b"x", time.get());
            }
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the value is not that of a message.
    pub fn from_value(id: MessageId, value: &[u8]) -> Result<Self, RecordError> {
        let read = || -> Option<Self> {
            let dict = bt::parse_dict(value).ok()?;
            let author = AnyId::from_bytes(*dict.array::<33>("a").ok()?);
            let raw = Zeroizing::new(dict.bytes("c").ok()?.to_vec());
            let status = dict.u64("s").ok()?;
            let hash = match dict.get(b"h") {
                None => None,
                Some(hash) => Some(core::str::from_utf8(hash.as_bytes()?).ok()?.parse().ok()?),
            };
            let mut all = Status::ALL.into_iter();
            let expires_at = match dict.get(b"x") {
                None => None,
                Some(_) => Some(UnixMillis::new(dict.u64("x").ok()?)),
            };
            let post = match dict.get(b"p") {
                None => None,
                Some(_) => Some(read_post(&dict.dict("p").ok()?)?),
            };
            Some(Self {
                id,
                author,
                post,
                content: decode(&raw).ok()?.content,
                status: all.find(|known| u64::from(known.number()) == status)?,
                is_request: dict.u64("r").ok()? == 1,
                hash,
                expires_at,
                raw,
            })
        };
        read().ok_or(RecordError::Value)
    }
}

/// The end of a timer.
fn after(begin: UnixMillis, timer: Expiration) -> UnixMillis {
    begin.saturating_add(Duration::from_secs(u64::from(timer.seconds)))
}

fn put_post(d: &mut bt::DictWriter<'_>, post: &Post) {
    if let Some(edited) = post.edited_at {
        d.int(b"e", edited.get());
    }
    d.int(b"i", post.id);
    if let Some(whisper) = &post.whisper {
        d.int(b"m", u8::from(whisper.to_moderators));
    }
    d.int(b"t", post.posted_at.get());
    if let Some(to) = post.whisper.as_ref().and_then(|whisper| whisper.to) {
        d.bytes(b"w", to.as_bytes());
    }
}

fn read_post(dict: &bt::Dict<'_>) -> Option<Post> {
    let number = |key| dict.u64(key).ok();
    let edited_at = match dict.get(b"e") {
        None => None,
        Some(_) => Some(UnixMillis::new(number("e")?)),
    };
    let to = match dict.get(b"w") {
        None => None,
        Some(_) => Some(AnyId::from_bytes(*dict.array::<33>("w").ok()?)),
    };
    let whisper = match dict.get(b"m") {
        None => None,
        Some(_) => Some(Whisper {
            to,
            to_moderators: number("m")? == 1,
        }),
    };
    Some(Post {
        id: number("i")?,
        posted_at: UnixMillis::new(number("t")?),
        edited_at,
        whisper,
    })
}
