//! Events for the user.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use session_config::group::{ActError, GroupChange, MessageRefused};
use session_config::{BlindedId, Change as ConfigChange, EditError};
use session_message::content::{
    Call, DataExtractionKind, DeleteContent, Expiration, GroupUpdate, Reaction,
};
use session_message::{OpenError, SealError};
use session_network::RequestError;
use session_types::{AccountId, AnyId, GroupId, MessageHash, UnixMillis};

use crate::community::{BaseUrl, Reaction as PostReaction, ReplyError};

use crate::conversation::ConversationId;
use crate::error::{GroupError, RoomError};
use crate::files::{DownloadId, UploadFailure};
use crate::history::{Message, MessageId};
use crate::outbox::SendId;
use crate::room::RoomId;

/// An event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A message, which is in the history now: received, or sent by another device of the account.
    Message(Box<Message>),
    /// A message of ours is stored in the swarm of its recipient.
    Delivered {
        /// The number that sending it returned.
        send: SendId,
        /// The message, if it is in the history.
        message: Option<MessageId>,
    },
    /// A message of ours was not stored, and is not tried again.
    Failed {
        /// The number that sending it returned.
        send: SendId,
        /// The message, if it is in the history.
        message: Option<MessageId>,
        /// The reason.
        reason: Failure,
    },
    /// A file of a message of ours is being uploaded.
    Uploading {
        /// The number that sending the message returned.
        send: SendId,
        /// How many of its files are not on the server yet, this one included.
        left: usize,
        /// Length of the encrypted file in bytes.
        size: usize,
    },
    /// A file of a message of ours is on the server.
    Uploaded {
        /// The number that sending the message returned.
        send: SendId,
        /// The message, if it is in the history. After the last file it has another name.
        message: Option<MessageId>,
        /// How many of its files are not on the server yet. After the last one the message is sent.
        left: usize,
    },
    /// A file is being downloaded.
    Downloading {
        /// The download.
        download: DownloadId,
    },
    /// A file was downloaded: [`Client::take_download`](crate::Client::take_download) hands it out.
    Downloaded {
        /// The download.
        download: DownloadId,
        /// Length of the encrypted file in bytes.
        size: usize,
    },
    /// Our own picture is on the server, and in the profile.
    PictureSet,
    /// Our own picture was not uploaded, and is not tried again.
    PictureFailed {
        /// The reason.
        reason: UploadFailure,
    },
    /// Our own picture is on the server, but does not fit into the profile.
    PictureNotWritten {
        /// The reason.
        reason: EditError,
    },
    /// A reaction, or its removal.
    Reaction {
        /// The conversation.
        conversation: ConversationId,
        /// The author of the reaction.
        author: AccountId,
        /// The reaction.
        reaction: Reaction,
    },
    /// An author deleted a message for everybody; it is not in the history any more.
    Deleted {
        /// The conversation.
        conversation: ConversationId,
        /// The author of the message.
        author: AnyId,
        /// When the message was sent.
        sent_at: UnixMillis,
    },
    /// Messages of ours were read.
    Read {
        /// The reader.
        by: AccountId,
        /// When the messages were sent.
        sent_at: Vec<UnixMillis>,
    },
    /// Somebody began or stopped to type.
    Typing {
        /// The account.
        by: AccountId,
        /// Whether they type.
        is_typing: bool,
    },
    /// An account accepted our message request.
    RequestAccepted {
        /// The account.
        by: AccountId,
    },
    /// Somebody saved a file of ours, or took a screenshot.
    Extraction {
        /// The account.
        by: AccountId,
        /// What they did.
        kind: DataExtractionKind,
    },
    /// The timer of a conversation was changed.
    Timer {
        /// The conversation.
        conversation: ConversationId,
        /// The author of the change.
        author: AccountId,
        /// The new timer.
        expiration: Expiration,
    },
    /// Messages disappeared: those whose time was over at this time are not in the history any more.
    Disappeared {
        /// The time.
        until: UnixMillis,
    },
    /// A step of a call: signalling only.
    Call {
        /// The account.
        by: AccountId,
        /// The step.
        call: Call,
        /// When it was sent.
        sent_at: UnixMillis,
    },
    /// Another device changed the shared configs.
    Config(ConfigChange),
    /// Something happened to the account's devices. Upcoming, and outside of SemVer.
    #[cfg(feature = "v2")]
    Device(session_config::devices::DeviceEvent),
    /// All shared configs were fetched: profile and contacts are those of the account.
    Synced,
    /// We were invited to a closed group, or are to be one of its admins: a message request.
    /// [`Client::act_in_group`](crate::Client::act_in_group) accepts or declines it.
    Invited {
        /// The group.
        group: GroupId,
        /// The name that the invitation gives it.
        name: String,
        /// The author of the invitation.
        by: AccountId,
    },
    /// We have become an admin of a group.
    Promoted {
        /// The group.
        group: GroupId,
    },
    /// A change of a group: keys, info, members, or our own membership.
    Group {
        /// The group.
        group: GroupId,
        /// The change.
        change: GroupChange,
    },
    /// A message to the group about a change. What it says of the change is not signed: the state of the
    /// group counts.
    GroupUpdate {
        /// The group.
        group: GroupId,
        /// The author.
        by: AccountId,
        /// The message.
        update: GroupUpdate,
    },
    /// A member deleted messages of theirs, or an admin any messages, for everybody. They are not in
    /// the history any more.
    ContentDeleted {
        /// The group.
        group: GroupId,
        /// The author.
        by: AccountId,
        /// What was deleted.
        delete: DeleteContent,
    },
    /// We have left a group, or declined the invitation to it, on this device or another one.
    GroupLeft {
        /// The group.
        group: GroupId,
    },
    /// What is to be done in a group cannot be sent. It is tried again.
    GroupStuck {
        /// The group.
        group: GroupId,
        /// The reason.
        reason: ActError,
    },
    /// A message that is stored in the swarm of a group cannot be read, or must not be shown.
    UnreadableInGroup {
        /// The group.
        group: GroupId,
        /// The name of the stored message.
        hash: MessageHash,
        /// The reason.
        reason: MessageRefused,
    },
    /// We are in a room of a community now: joined here, or on another device.
    RoomJoined {
        /// The room.
        room: RoomId,
    },
    /// We have left a room, on this device or another one.
    RoomLeft {
        /// The room.
        room: RoomId,
    },
    /// The server says something new about a room: name, description, permissions, roles, pinned posts.
    RoomChanged {
        /// The room.
        room: RoomId,
    },
    /// The server does not show a room, or shows something else. It is asked again.
    RoomUnavailable {
        /// The room.
        room: RoomId,
        /// The reason.
        reason: ReplyError,
    },
    /// A post of a room was edited. The message is in the history in place of the one before.
    Edited(Box<Message>),
    /// The reactions to a post, all of them: at most 100 emoji, each with the first users.
    Reactions {
        /// The room.
        room: RoomId,
        /// The post.
        post: u64,
        /// The message, if it is recognised.
        message: Option<MessageId>,
        /// The reactions, in the order of their first use.
        reactions: Vec<PostReaction>,
    },
    /// A post was deleted; it is not in the history any more.
    PostDeleted {
        /// The room.
        room: RoomId,
        /// The post.
        post: u64,
        /// The message, if it is recognised.
        message: Option<MessageId>,
    },
    /// A post cannot be shown.
    UnreadablePost {
        /// The room.
        room: RoomId,
        /// The post.
        post: u64,
        /// The reason.
        reason: PostRefused,
    },
    /// A message in the inbox of a community cannot be read.
    UnreadableInInbox {
        /// The server.
        server: BaseUrl,
        /// The number of the message.
        id: u64,
        /// The reason.
        reason: OpenError,
    },
    /// The account behind a blinded id, to which we wrote, is known. The conversation goes on with the account, and its
    /// messages moved there.
    Recognised {
        /// The blinded id.
        blinded: BlindedId,
        /// The account.
        account: AccountId,
    },
    /// A stored message cannot be read.
    Unreadable {
        /// The name of the stored message.
        hash: MessageHash,
        /// The reason.
        reason: OpenError,
    },
}

/// Why a message was not stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The network took no message for so long that the client gave up.
    #[error("gave up: {0}")]
    Request(#[from] RequestError),
    /// The message could not be sealed again for another time.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// One of its files is not on the server.
    #[error(transparent)]
    File(#[from] UploadFailure),
    /// The group takes no message of ours any more.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The server of a community refused it.
    #[error(transparent)]
    Server(#[from] ReplyError),
    /// We are not in the room any more.
    #[error(transparent)]
    Room(#[from] RoomError),
}

/// Why a post cannot be shown.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PostRefused {
    /// Whom the server names has not signed it.
    #[error("the author that the server names has not signed the post")]
    Signature,
    /// Its content must not be shown.
    #[error(transparent)]
    Content(#[from] OpenError),
}
