//! The records of a server, and the trait of its store.

use alloc::string::String;
use alloc::vec::Vec;

use session_types::{AnyId, Ed25519Signature, UnixMillis};

use crate::auth::NONCE_LENGTH;

/// A user, whatever rooms they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct User {
    /// Banned from the whole server.
    pub banned: bool,
    /// End of the ban; `None` if it is for good.
    pub ban_ends: Option<UnixMillis>,
    /// A moderator of all rooms.
    pub moderator: bool,
    /// An admin of all rooms; a moderator then too.
    pub admin: bool,
}

impl User {
    /// Returns whether the user is banned from the whole server at a time.
    #[must_use]
    pub fn is_banned(&self, now: UnixMillis) -> bool {
        self.banned && self.ban_ends.is_none_or(|end| now < end)
    }
}

/// Default permissions in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// To read.
    pub read: bool,
    /// To see that the room exists.
    pub accessible: bool,
    /// To write.
    pub write: bool,
    /// To upload files, with the permission to write.
    pub upload: bool,
}

/// A pinned post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The post.
    pub id: u64,
    /// Time of pinning.
    pub at: UnixMillis,
    /// User who pinned it.
    pub by: AnyId,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its token.
    pub token: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its image, a file of the room.
    pub image: Option<u64>,
    /// Time of creation.
    pub created: UnixMillis,
    /// Rises with every change of the room itself.
    pub info_updates: u64,
    /// Rises with every change of its posts.
    pub sequence: u64,
    /// Users who were active of late. The owner of the store counts them.
    pub active_users: u64,
    /// Default permissions.
    pub defaults: Defaults,
    /// Pinned posts, the oldest pin first.
    pub pinned: Vec<Pin>,
}

impl Room {
    /// Makes a room in which everybody may do everything.
    #[must_use]
    pub fn new(token: &str, name: &str, created: UnixMillis) -> Self {
        Self {
            token: token.into(),
            name: name.into(),
            description: None,
            image: None,
            created,
            info_updates: 0,
            sequence: 0,
            active_users: 0,
            defaults: Defaults {
                read: true,
                accessible: true,
                write: true,
                upload: true,
            },
            pinned: Vec::new(),
        }
    }

    /// Counts a change of the room itself.
    pub fn touch(&mut self) {
        self.info_updates = self.info_updates.saturating_add(1);
    }

    /// Counts a change of its posts, and returns its number.
    pub(crate) fn next(&mut self) -> u64 {
        self.sequence = self.sequence.saturating_add(1);
        self.sequence
    }
}

/// A scheduled change of a user's permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Future {
    /// When.
    pub at: UnixMillis,
    /// To read.
    pub read: Option<bool>,
    /// To write.
    pub write: Option<bool>,
    /// To upload.
    pub upload: Option<bool>,
    /// To be banned.
    pub banned: Option<bool>,
}

/// A user's settings in one room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// To read; `None` for the room's default.
    pub read: Option<bool>,
    /// To see the room.
    pub accessible: Option<bool>,
    /// To write.
    pub write: Option<bool>,
    /// To upload.
    pub upload: Option<bool>,
    /// Banned from the room.
    pub banned: bool,
    /// A moderator.
    pub moderator: bool,
    /// An admin; a moderator then too.
    pub admin: bool,
    /// Not shown in the lists of moderators and admins.
    pub hidden: bool,
    /// Scheduled changes.
    pub futures: Vec<Future>,
}

impl Member {
    /// Returns whether there is anything to keep.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Audience of a whisper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whisper {
    /// The addressee.
    pub to: Option<AnyId>,
    /// Whether moderators see it.
    pub mods: bool,
}

/// All users who reacted with one emoji, in order.
pub type Reactors = Vec<(AnyId, UnixMillis)>;

/// A post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its number, unique on the server.
    pub id: u64,
    /// Its room.
    pub room: String,
    /// Its author.
    pub author: AnyId,
    /// Time of posting.
    pub posted: UnixMillis,
    /// Time of the last edit or of the deletion.
    pub edited: Option<UnixMillis>,
    /// The data; `None` for a deleted post.
    pub data: Option<Vec<u8>>,
    /// The author's signature, not checked.
    pub signature: Ed25519Signature,
    /// Audience, for a whisper.
    pub whisper: Option<Whisper>,
    /// Reactions in the order of their first use.
    pub reactions: Vec<(String, Reactors)>,
    /// Sequence number of its creation.
    pub seqno_created: u64,
    /// Sequence number of the last change of its data.
    pub seqno_data: u64,
    /// Sequence number of its last change, reactions included.
    pub seqno: u64,
}

/// A file of a room, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its number, unique on the server.
    pub id: u64,
    /// Its room.
    pub room: String,
    /// Its name.
    pub name: Option<String>,
    /// Time of the upload.
    pub uploaded: UnixMillis,
    /// Expiry; `None` for never.
    pub expires: Option<UnixMillis>,
    /// The post to which it belongs.
    pub post: Option<u64>,
}

/// A message between blinded ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// Its number, unique on the server.
    pub id: u64,
    /// The sender.
    pub sender: AnyId,
    /// The recipient.
    pub recipient: AnyId,
    /// Time of posting.
    pub posted: UnixMillis,
    /// Expiry.
    pub expires: UnixMillis,
    /// The sealed message.
    pub message: Vec<u8>,
}

/// Storage of a server. A change is durable when its method returns, or when the
/// owner of the store commits it behind [`handle`](super::handle).
#[expect(
    missing_docs,
    reason = "the methods are named for what they get and put"
)]
#[expect(
    clippy::missing_errors_doc,
    reason = "every method fails only if the store does"
)]
pub trait Store {
    /// Error of the store.
    type Error;

    /// Remembers a nonce for at least 24 hours. Returns whether it is new for this id.
    fn spend_nonce(
        &mut self,
        id: &AnyId,
        nonce: &[u8; NONCE_LENGTH],
        now: UnixMillis,
    ) -> Result<bool, Self::Error>;

    fn user(&self, id: &AnyId) -> Result<Option<User>, Self::Error>;
    fn put_user(&mut self, id: &AnyId, user: &User) -> Result<(), Self::Error>;

    /// Returns all rooms in the order in which they were made.
    fn rooms(&self) -> Result<Vec<Room>, Self::Error>;
    fn room(&self, token: &str) -> Result<Option<Room>, Self::Error>;
    fn put_room(&mut self, room: &Room) -> Result<(), Self::Error>;

    fn member(&self, room: &str, id: &AnyId) -> Result<Option<Member>, Self::Error>;
    /// Returns all users with settings in a room.
    fn members(&self, room: &str) -> Result<Vec<(AnyId, Member)>, Self::Error>;
    /// Puts the settings of a user; default ones may be removed.
    fn put_member(&mut self, room: &str, id: &AnyId, member: &Member) -> Result<(), Self::Error>;

    /// Returns the next free number for a post.
    fn next_post(&mut self) -> Result<u64, Self::Error>;
    fn post(&self, room: &str, id: u64) -> Result<Option<Post>, Self::Error>;
    fn put_post(&mut self, post: &Post) -> Result<(), Self::Error>;
    /// Returns at most `limit` posts of a room with ids below `before`, deleted ones left out, newest
    /// first.
    fn posts_before(
        &self,
        room: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Post>, Self::Error>;
    /// Returns at most `limit` posts of a room with sequence numbers above `seqno`, in their order.
    fn posts_since(&self, room: &str, seqno: u64, limit: usize) -> Result<Vec<Post>, Self::Error>;
    /// Returns the posts of an author in a room, deleted ones left out.
    fn posts_of(&self, room: &str, author: &AnyId) -> Result<Vec<Post>, Self::Error>;
    /// Counts the posts of an author in a room after a time, deleted ones included.
    fn count_posts(
        &self,
        room: &str,
        author: &AnyId,
        after: UnixMillis,
    ) -> Result<usize, Self::Error>;

    /// Returns the next free number for a file.
    fn next_file(&mut self) -> Result<u64, Self::Error>;
    fn file(&self, id: u64) -> Result<Option<File>, Self::Error>;
    /// Returns the files that belong to a post.
    fn files_of(&self, post: u64) -> Result<Vec<File>, Self::Error>;
    fn file_content(&self, id: u64) -> Result<Option<Vec<u8>>, Self::Error>;
    /// Puts a file; without content its content stays.
    fn put_file(&mut self, file: &File, content: Option<&[u8]>) -> Result<(), Self::Error>;

    /// Returns the next free number for an inbox message.
    fn next_inbox(&mut self) -> Result<u64, Self::Error>;
    fn put_inbox(&mut self, item: &InboxItem) -> Result<(), Self::Error>;
    /// Returns at most `limit` messages with ids above `since`, received or sent, oldest first,
    /// without those that have expired.
    fn inbox(
        &self,
        user: &AnyId,
        is_received: bool,
        since: u64,
        now: UnixMillis,
        limit: usize,
    ) -> Result<Vec<InboxItem>, Self::Error>;
    /// Deletes all received messages of a user and returns how many.
    fn delete_inbox(&mut self, user: &AnyId) -> Result<u64, Self::Error>;
}
