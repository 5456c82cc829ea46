//! The endpoints of the server's API.

use session_types::http::{Method, Request};

/// An endpoint, which decides what a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// GET `/capabilities`.
    Capabilities,
    /// POST `/batch`. Each inner reply has the endpoint of its request.
    Batch,
    /// POST `/sequence`, likewise.
    Sequence,
    /// GET `/rooms`.
    Rooms,
    /// GET `/room/R`.
    Room,
    /// GET `/room/R/pollInfo/N`.
    PollInfo,
    /// PUT `/room/R`.
    ChangeRoom,
    /// GET `/room/R/permissions`, of one user or of all.
    Permissions,
    /// POST `/room/R/permissions/ID`.
    SetPermissions,
    /// GET `/room/R/futurePermissions`, of one user or of all.
    FuturePermissions,
    /// POST `/room/R/futurePermissions/ID`.
    Schedule,
    /// GET `/room/R/messages/…`.
    Posts,
    /// GET `/room/R/message/N`.
    Post,
    /// POST `/room/R/message`.
    Send,
    /// PUT `/room/R/message/N`.
    Edit,
    /// DELETE `/room/R/message/N`.
    Delete,
    /// DELETE `/room/R/all/ID`.
    DeleteAll,
    /// DELETE `/rooms/all/ID`.
    DeleteEverywhere,
    /// POST `/room/R/pin/N`.
    Pin,
    /// POST `/room/R/unpin/N` and `/room/R/unpin/all`.
    Unpin,
    /// PUT `/room/R/reaction/N/EMOJI`.
    React,
    /// DELETE `/room/R/reaction/N/EMOJI`.
    Unreact,
    /// DELETE `/room/R/reactions/N`, with an emoji or without.
    DeleteReactions,
    /// GET `/room/R/reactors/N/EMOJI`.
    Reactors,
    /// POST `/room/R/file`.
    Upload,
    /// GET `/room/R/file/N`.
    Download,
    /// POST `/user/ID/moderator`.
    Moderator,
    /// POST `/user/ID/ban`.
    Ban,
    /// POST `/user/ID/unban`.
    Unban,
    /// GET `/inbox`, all or since an id.
    Inbox,
    /// GET `/outbox`, all or since an id.
    Outbox,
    /// POST `/inbox/ID`.
    SendInbox,
    /// DELETE `/inbox`.
    DeleteInbox,
}

impl Endpoint {
    /// Returns the endpoint of a request, or `None` for one that the protocol does not have.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let (path, _) = request.path_and_query();
        let mut parts = path.strip_prefix('/')?.splitn(5, '/');
        let parts = [(); 5].map(|()| parts.next());
        if let [Some("room"), Some(_), rest @ ..] = parts {
            return Self::in_room(request.method, rest);
        }
        let [first, second, third, fourth, _] = parts;
        Some(match (request.method, first?, second, third, fourth) {
            (Method::Get, "capabilities", None, ..) => Self::Capabilities,
            (Method::Post, "batch", None, ..) => Self::Batch,
            (Method::Post, "sequence", None, ..) => Self::Sequence,
            (Method::Get, "rooms", None, ..) => Self::Rooms,
            (Method::Delete, "rooms", Some("all"), Some(_), None) => Self::DeleteEverywhere,
            (Method::Post, "user", Some(_), Some("moderator"), None) => Self::Moderator,
            (Method::Post, "user", Some(_), Some("ban"), None) => Self::Ban,
            (Method::Post, "user", Some(_), Some("unban"), None) => Self::Unban,
            (Method::Get, "inbox", None, ..)
            | (Method::Get, "inbox", Some("since"), Some(_), None) => Self::Inbox,
            (Method::Get, "outbox", None, ..)
            | (Method::Get, "outbox", Some("since"), Some(_), None) => Self::Outbox,
            (Method::Post, "inbox", Some(_), None, _) => Self::SendInbox,
            (Method::Delete, "inbox", None, ..) => Self::DeleteInbox,
            _ => return None,
        })
    }

    fn in_room(method: Method, [first, second, third]: [Option<&str>; 3]) -> Option<Self> {
        let Some(first) = first else {
            return match method {
                Method::Get => Some(Self::Room),
                Method::Put => Some(Self::ChangeRoom),
                _ => None,
            };
        };
        Some(match (method, first, second, third) {
            (Method::Get, "pollInfo", Some(_), None) => Self::PollInfo,
            (Method::Get, "permissions", _, None) => Self::Permissions,
            (Method::Post, "permissions", Some(_), None) => Self::SetPermissions,
            (Method::Get, "futurePermissions", _, None) => Self::FuturePermissions,
            (Method::Post, "futurePermissions", Some(_), None) => Self::Schedule,
            (Method::Get, "messages", Some("recent"), None)
            | (Method::Get, "messages", Some("before" | "since"), Some(_)) => Self::Posts,
            (Method::Get, "message", Some(_), None) => Self::Post,
            (Method::Post, "message", None, _) => Self::Send,
            (Method::Put, "message", Some(_), None) => Self::Edit,
            (Method::Delete, "message", Some(_), None) => Self::Delete,
            (Method::Delete, "all", Some(_), None) => Self::DeleteAll,
            (Method::Post, "pin", Some(_), None) => Self::Pin,
            (Method::Post, "unpin", Some(_), None) => Self::Unpin,
            (Method::Put, "reaction", Some(_), Some(_)) => Self::React,
            (Method::Delete, "reaction", Some(_), Some(_)) => Self::Unreact,
            (Method::Delete, "reactions", Some(_), _) => Self::DeleteReactions,
            (Method::Get, "reactors", Some(_), Some(_)) => Self::Reactors,
            (Method::Post, "file", None, _) => Self::Upload,
            (Method::Get, "file", Some(_), _) => Self::Download,
            _ => return None,
        })
    }
}
