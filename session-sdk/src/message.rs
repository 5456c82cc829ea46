//! Events and messages with what can be done about them.

use session_client::content::{Attachment, Content, Kind, Quote, Reaction};
use session_client::types::{AnyId, UnixMillis};
use session_client::{ConversationId, Message as Record, RecordError, SendId};
use session_identity::AccountId;

use crate::error::{Error, StoreError};
use crate::group::Group;
use crate::handle::{Client, Conversation};
use crate::room::Room;

/// An event.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Somebody wrote a message.
    Message(Message),
    /// We were invited to a closed group: a message request, which [`Group::accept`] or
    /// [`Group::decline`] answers.
    Invited {
        /// The group.
        group: Group,
        /// The name that the invitation gives it.
        name: String,
        /// The author of the invitation.
        by: AccountId,
    },
    /// Anything else, messages of our own other devices included.
    Other(Box<session_client::Event>),
    /// The store fails, for instance because the disk is full. Nothing is sent, fetched or begun until it
    /// works again; it is tried again with growing waits of at most 30 seconds.
    StoreFailed(StoreError),
    /// The store works again. Nothing was lost.
    StoreRecovered,
    /// A record is damaged and was left out.
    Damaged {
        /// The key of the record.
        key: Vec<u8>,
        /// The reason.
        reason: RecordError,
    },
}

/// A message that somebody wrote to the account.
#[derive(Debug, Clone)]
pub struct Message {
    record: Box<Record>,
    client: Client,
}

impl Message {
    pub(crate) const fn new(record: Box<Record>, client: Client) -> Self {
        Self { record, client }
    }

    /// Returns the message as the history keeps it.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the author: an account, or in a room of a community the blinded id that its server knows.
    #[must_use]
    pub const fn author(&self) -> &AnyId {
        &self.record.author
    }

    /// Returns the text, if it has one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.record.text()
    }

    /// Returns the files that came with it. What they say is by the author: use
    /// [`safe_name`](crate::safe_name) for a name on the disk.
    #[must_use]
    pub fn files(&self) -> &[Attachment] {
        match &self.record.content.kind {
            Kind::Message(message) => &message.attachments,
            _ => &[],
        }
    }

    /// Returns the time of sending.
    #[must_use]
    pub const fn sent_at(&self) -> UnixMillis {
        self.record.sent_at()
    }

    /// Returns the room of a community in which it was posted.
    #[must_use]
    pub fn room(&self) -> Option<Room> {
        match self.record.conversation() {
            ConversationId::Room(id) => Some(self.client.room(*id)),
            _ => None,
        }
    }

    /// Returns the conversation: with the author, of the group, or of the room.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        self.client.conversation(self.record.conversation())
    }

    /// Sends a text to the conversation. Writing to somebody accepts their message request.
    ///
    /// # Errors
    ///
    /// [`Error`] if the text cannot be sent, or not be persisted.
    pub async fn reply(&self, text: &str) -> Result<SendId, Error> {
        self.conversation().send(text).await
    }

    /// Sends a text to the conversation that quotes this message.
    ///
    /// # Errors
    ///
    /// As [`reply`](Self::reply).
    pub async fn quote(&self, text: &str) -> Result<SendId, Error> {
        let mut content = Content::text(text);
        if let Kind::Message(message) = &mut content.kind {
            message.quote = Some(Quote {
                sent_at: self.sent_at(),
                author: *self.author(),
            });
        }
        self.conversation().send_content(content).await
    }

    /// Reacts with an emoji.
    ///
    /// # Errors
    ///
    /// As [`reply`](Self::reply); [`Error::Emoji`] if a community would not take it.
    pub async fn react(&self, emoji: &str) -> Result<SendId, Error> {
        if let (Some(room), Some(post)) = (self.room(), &self.record.post) {
            return room.react(post.id, emoji).await;
        }
        let reaction = Reaction {
            sent_at: self.sent_at(),
            author: *self.author(),
            emoji: emoji.to_owned(),
            is_removal: false,
        };
        self.conversation()
            .send_content(Kind::Reaction(reaction))
            .await
    }
}
