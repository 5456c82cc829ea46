//! What a refusal means at the endpoint that refuses (protocol: sogs, sections 2 to 9).

mod endpoint;

pub use endpoint::Endpoint;

/// Why a server has refused a request, as far as status and endpoint say. Texts are for people.
///
/// ```
/// use session_community::http::Response;
/// use session_community::{Endpoint, Refusal, request};
///
/// let room = "lounge".parse()?;
/// let request = request::post(&room, 7);
/// let endpoint = Endpoint::of(&request).unwrap();
/// assert_eq!(endpoint, Endpoint::Post);
/// assert_eq!(endpoint.refusal(404), Some(Refusal::NoPost));
/// assert_eq!(endpoint.refusal(403), Some(Refusal::CannotRead));
/// assert_eq!(endpoint.refusal(200), None);
/// # Ok::<(), session_identity::community::UrlError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 400 where neither body nor parameters are read: the `X-SOGS-*` headers are malformed, or the server requires
    /// another kind of id ([`IdChoice`](crate::IdChoice)).
    #[error("the authentication headers are malformed, or another kind of id is required (400)")]
    BadHeaders,
    /// 400: as [`BadHeaders`](Self::BadHeaders), or the body or a parameter is malformed.
    #[error("the headers, the body or a parameter is malformed (400)")]
    BadRequest,
    /// 401: the signature does not verify, or is needed and missing.
    #[error("a valid signature is needed (401)")]
    NotAuthenticated,
    /// 401: the signature does not verify or is missing, or the id is not blinded.
    #[error("a valid signature with a blinded id is needed (401)")]
    NotBlinded,
    /// 403: banned from the server.
    #[error("banned from the server (403)")]
    Banned,
    /// 403: banned, or the permission to read is missing.
    #[error("banned, or not permitted to read (403)")]
    CannotRead,
    /// 403: banned, or the permission to write is missing, or a whisper is only for moderators.
    #[error("banned, or not permitted to write (403)")]
    CannotWrite,
    /// 403: banned, or the permission to upload is missing.
    #[error("banned, or not permitted to upload (403)")]
    CannotUpload,
    /// 403: banned, or the post is of somebody else, or the permission to write is missing.
    #[error("banned, or the post cannot be changed by this user (403)")]
    NotAuthor,
    /// 403: banned, or no moderator, or the other user is an admin.
    #[error("banned, or not a moderator above the other user (403)")]
    NotModerator,
    /// 403: banned, or no admin.
    #[error("banned, or not an admin (403)")]
    NotAdmin,
    /// 404: there is no such endpoint.
    #[error("the server does not know this endpoint (404)")]
    NoEndpoint,
    /// 404: no such room, or not visible to this user.
    #[error("no such room (404)")]
    NoRoom,
    /// 404: no such room or post, or not visible to this user.
    #[error("no such room or post (404)")]
    NoPost,
    /// 404: no such room or file, or the file has expired.
    #[error("no such room or file (404)")]
    NoFile,
    /// 404: no such room or user.
    #[error("no such room or user (404)")]
    NoUser,
    /// 404: no such room, or there was no post to delete.
    #[error("no such room, or nothing to delete (404)")]
    NothingToDelete,
    /// 404: the recipient is banned or not known to the server, or their id is not blinded.
    #[error("the recipient is banned, unknown, or named by an id that is not blinded (404)")]
    NoRecipient,
    /// 406: the image is not a file of this room.
    #[error("the image is not a file of this room (406)")]
    ForeignImage,
    /// 412: the server lacks a required capability.
    #[error("the server lacks a required capability (412)")]
    MissingCapability,
    /// 413: the file is too large.
    #[error("the file is too large (413)")]
    TooLarge,
    /// 425: the clock is off, or the nonce was used before. Never repeat with the same headers.
    #[error("the clock is off or the nonce was used before (425)")]
    ClockOrNonce,
    /// 429: too many posts in a short time, or a filter has refused the post.
    #[error("too many posts, or refused by a filter (429)")]
    RateLimited,
    /// A status that the protocol does not have at this endpoint: of a server in front, or of a failure.
    #[error("status {status} has no meaning at this endpoint")]
    Undocumented {
        /// The status.
        status: u16,
    },
}

impl Endpoint {
    /// Returns what the status of a reply of this endpoint means, or `None` for a success. "Not modified" (304) is a
    /// success of a list that is asked for since an id.
    #[must_use]
    pub const fn refusal(self, status: u16) -> Option<Refusal> {
        let undocumented = Refusal::Undocumented { status };
        Some(match status {
            200..=299 => return None,
            304 if matches!(self, Self::Inbox | Self::Outbox) => return None,
            400 => self.malformed(),
            401 => self.unauthenticated(),
            403 => self.forbidden(),
            404 => self.missing(),
            406 if matches!(self, Self::ChangeRoom) => Refusal::ForeignImage,
            412 if matches!(self, Self::Capabilities) => Refusal::MissingCapability,
            413 if matches!(self, Self::Upload) => Refusal::TooLarge,
            425 => Refusal::ClockOrNonce,
            429 if matches!(self, Self::Send | Self::Edit) => Refusal::RateLimited,
            _ => undocumented,
        })
    }

    const fn malformed(self) -> Refusal {
        match self {
            Self::Capabilities
            | Self::Rooms
            | Self::Room
            | Self::PollInfo
            | Self::Permissions
            | Self::FuturePermissions
            | Self::Post
            | Self::Delete
            | Self::Pin
            | Self::Unpin
            | Self::Download => Refusal::BadHeaders,
            _ => Refusal::BadRequest,
        }
    }

    const fn unauthenticated(self) -> Refusal {
        match self {
            Self::Inbox | Self::Outbox | Self::SendInbox | Self::DeleteInbox => Refusal::NotBlinded,
            _ => Refusal::NotAuthenticated,
        }
    }

    const fn forbidden(self) -> Refusal {
        match self {
            Self::Posts
            | Self::Post
            | Self::React
            | Self::Unreact
            | Self::Reactors
            | Self::Download => Refusal::CannotRead,
            Self::Send => Refusal::CannotWrite,
            Self::Upload => Refusal::CannotUpload,
            Self::Edit | Self::Delete => Refusal::NotAuthor,
            Self::Permissions
            | Self::SetPermissions
            | Self::FuturePermissions
            | Self::Schedule
            | Self::DeleteAll
            | Self::DeleteEverywhere
            | Self::DeleteReactions
            | Self::Ban
            | Self::Unban => Refusal::NotModerator,
            Self::ChangeRoom | Self::Pin | Self::Unpin | Self::Moderator => Refusal::NotAdmin,
            _ => Refusal::Banned,
        }
    }

    const fn missing(self) -> Refusal {
        match self {
            Self::Room | Self::PollInfo | Self::ChangeRoom | Self::Posts | Self::Send => {
                Refusal::NoRoom
            }
            Self::Post
            | Self::Edit
            | Self::Delete
            | Self::Pin
            | Self::Unpin
            | Self::React
            | Self::Unreact
            | Self::DeleteReactions
            | Self::Reactors => Refusal::NoPost,
            Self::Upload => Refusal::NoRoom,
            Self::Download => Refusal::NoFile,
            Self::Permissions
            | Self::SetPermissions
            | Self::FuturePermissions
            | Self::Schedule
            | Self::Moderator
            | Self::Ban
            | Self::Unban => Refusal::NoUser,
            Self::DeleteAll | Self::DeleteEverywhere => Refusal::NothingToDelete,
            Self::SendInbox => Refusal::NoRecipient,
            _ => Refusal::NoEndpoint,
        }
    }
}
