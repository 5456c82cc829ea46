//! Requests of moderators and admins (protocol: sogs, sections 5, 6 and 8).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::{Map, Value, json};
use session_identity::community::Room;
use session_types::AnyId;
use session_types::http::{Method, Request};

use crate::post::Emoji;
use crate::request::{room_path, user_path, with_json};

/// Scope of a moderation action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// In these rooms.
    Rooms(&'a [Room]),
    /// In all rooms that the acting user administers or moderates.
    AllOwnRooms,
    /// On the whole server.
    Global,
}

impl Scope<'_> {
    fn write(self, body: &mut Map<String, Value>) {
        match self {
            Self::Rooms(rooms) => {
                let tokens: Vec<&str> = rooms.iter().map(Room::as_typed).collect();
                body.insert("rooms".into(), json!(tokens));
            }
            Self::AllOwnRooms => {
                body.insert("rooms".into(), json!(["*"]));
            }
            Self::Global => {
                body.insert("global".into(), json!(true));
            }
        }
    }
}

/// New role of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A moderator. An admin stays one.
    Moderator,
    /// An admin.
    Admin,
    /// A moderator who was an admin.
    DemotedAdmin,
    /// A user without a role.
    None,
}

/// Gives a user a role. `visible` is whether everybody sees it; `None` leaves that to the server.
#[must_use]
pub fn set_role(user: &AnyId, scope: Scope<'_>, role: Role, visible: Option<bool>) -> Request {
    let mut body = Map::new();
    scope.write(&mut body);
    let (key, value) = match role {
        Role::Moderator => ("moderator", true),
        Role::Admin => ("admin", true),
        Role::DemotedAdmin => ("admin", false),
        Role::None => ("moderator", false),
    };
    body.insert(key.into(), json!(value));
    if let Some(visible) = visible {
        body.insert("visible".into(), json!(visible));
    }
    with_json(Method::Post, user_path(user, "/moderator"), &body.into())
}

/// Bans a user, for a time or for good.
#[must_use]
pub fn ban(user: &AnyId, scope: Scope<'_>, timeout: Option<Duration>) -> Request {
    let mut body = Map::new();
    scope.write(&mut body);
    if let Some(timeout) = timeout {
        body.insert("timeout".into(), json!(timeout.as_secs()));
    }
    with_json(Method::Post, user_path(user, "/ban"), &body.into())
}

/// Ends a ban. A ban of a room and one of the server are independent.
#[must_use]
pub fn unban(user: &AnyId, scope: Scope<'_>) -> Request {
    let mut body = Map::new();
    scope.write(&mut body);
    with_json(Method::Post, user_path(user, "/unban"), &body.into())
}

/// Deletes all posts of a user in a room.
#[must_use]
pub fn delete_all_of(room: &Room, user: &AnyId) -> Request {
    let path = room_path(room, &alloc::format!("/all/{user}"));
    Request::new(Method::Delete, path)
}

/// Deletes all posts of a user in all rooms that the acting user moderates; own posts in all rooms.
#[must_use]
pub fn delete_everywhere(user: &AnyId) -> Request {
    Request::new(Method::Delete, alloc::format!("/rooms/all/{user}"))
}

/// Pins a post.
#[must_use]
pub fn pin(room: &Room, id: u64) -> Request {
    let path = room_path(room, &alloc::format!("/pin/{id}"));
    with_json(Method::Post, path, &json!({}))
}

/// Unpins a post.
#[must_use]
pub fn unpin(room: &Room, id: u64) -> Request {
    let path = room_path(room, &alloc::format!("/unpin/{id}"));
    with_json(Method::Post, path, &json!({}))
}

/// Unpins all posts.
#[must_use]
pub fn unpin_all(room: &Room) -> Request {
    with_json(Method::Post, room_path(room, "/unpin/all"), &json!({}))
}

/// Removes all reactions to a post, or all with one emoji.
#[must_use]
pub fn delete_reactions(room: &Room, id: u64, emoji: Option<&Emoji>) -> Request {
    let path = match emoji {
        None => alloc::format!("/reactions/{id}"),
        Some(emoji) => alloc::format!("/reactions/{id}/{}", emoji.as_str()),
    };
    Request::new(Method::Delete, room_path(room, &path))
}

/// Changes of a room; a field that is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomChange<'a> {
    /// The name.
    pub name: Option<&'a str>,
    /// The description; an empty one removes it.
    pub description: Option<&'a str>,
    /// The image, a file of the room.
    pub image: Option<u64>,
    /// Default permissions.
    pub defaults: PermissionChange,
}

/// Changes of permissions; a field that is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionChange {
    /// To read.
    pub read: Option<bool>,
    /// To see that the room exists.
    pub accessible: Option<bool>,
    /// To write.
    pub write: Option<bool>,
    /// To upload files.
    pub upload: Option<bool>,
}

impl PermissionChange {
    fn write(self, body: &mut Map<String, Value>, prefix: &str) {
        for (name, value) in [
            ("read", self.read),
            ("accessible", self.accessible),
            ("write", self.write),
            ("upload", self.upload),
        ] {
            if let Some(value) = value {
                body.insert(alloc::format!("{prefix}{name}"), json!(value));
            }
        }
    }
}

/// Changes a room.
#[must_use]
pub fn change_room(room: &Room, change: &RoomChange<'_>) -> Request {
    let mut body = Map::new();
    for (key, value) in [("name", change.name), ("description", change.description)] {
        if let Some(value) = value {
            body.insert(key.into(), json!(value));
        }
    }
    if let Some(image) = change.image {
        body.insert("image".into(), json!(image));
    }
    change.defaults.write(&mut body, "default_");
    with_json(Method::Put, room_path(room, ""), &body.into())
}

/// Asks for the settings of all users, or of one.
#[must_use]
pub fn permissions(room: &Room, user: Option<&AnyId>) -> Request {
    Request::get(room_path(
        room,
        &match user {
            None => "/permissions".into(),
            Some(user) => alloc::format!("/permissions/{user}"),
        },
    ))
}

/// Sets permissions of a user. Those named in `reset` follow the room's defaults again: `read`,
/// `accessible`, `write`, `upload`.
#[must_use]
pub fn set_permissions(
    room: &Room,
    user: &AnyId,
    change: PermissionChange,
    reset: &[&str],
) -> Request {
    let mut body = Map::new();
    change.write(&mut body, "");
    for name in reset {
        body.insert(alloc::format!("default_{name}"), json!(true));
    }
    let path = room_path(room, &alloc::format!("/permissions/{user}"));
    with_json(Method::Post, path, &body.into())
}

/// Asks for scheduled changes of all users, or of one.
#[must_use]
pub fn future_permissions(room: &Room, user: Option<&AnyId>) -> Request {
    Request::get(room_path(
        room,
        &match user {
            None => "/futurePermissions".into(),
            Some(user) => alloc::format!("/futurePermissions/{user}"),
        },
    ))
}

/// Schedules a change of a user's permissions; `accessible` cannot be scheduled.
#[must_use]
pub fn schedule_permissions(
    room: &Room,
    user: &AnyId,
    change: PermissionChange,
    after: Duration,
) -> Request {
    let mut body = Map::new();
    let change = PermissionChange {
        accessible: None,
        ..change
    };
    change.write(&mut body, "");
    body.insert("in".into(), json!(after.as_secs()));
    let path = room_path(room, &alloc::format!("/futurePermissions/{user}"));
    with_json(Method::Post, path, &body.into())
}
