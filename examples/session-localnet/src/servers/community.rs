//! The community server: session-community over SQLite.

mod store;
#[cfg(test)]
mod tests;

use rusqlite::Connection;
use session_community::server::{self, Config, Member, Room, Store, User};
use session_types::http::{Request, Response};
use session_types::{AnyId, UnixMillis};

use super::engine::Failure;
use store::Rooms;
pub(super) use store::{SCHEMA, count, tick};

/// Answers a request.
pub(super) fn answer(
    db: &Connection,
    config: &Config,
    request: &Request,
    now: UnixMillis,
    is_full: bool,
) -> Result<Response, Failure> {
    server::handle(config, request, now, &mut Rooms { db, is_full })
}

/// The answer when the store fails.
pub(super) fn failed() -> Response {
    let body = "<!doctype html><title>500 Internal Server Error</title>";
    Response::new(500, "text/html; charset=utf-8", body)
}

/// An order to the community server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Makes a room.
    Room { token: String, name: String },
    /// Makes a user a moderator or an admin of a room.
    Role {
        room: String,
        user: AnyId,
        admin: bool,
    },
    /// Bans a user from the server, or lets them in again.
    Ban { user: AnyId, banned: bool },
}

impl Order {
    /// Carries out the order. The inner error is the reason why it cannot be carried out.
    pub(super) fn obey(
        &self,
        db: &Connection,
        now: UnixMillis,
    ) -> Result<Result<(), String>, Failure> {
        let rooms = &mut Rooms { db, is_full: false };
        match self {
            Self::Room { token, name } => {
                if rooms.room(token)?.is_some() {
                    return Ok(Err(format!("there is a room `{token}` already")));
                }
                rooms.put_room(&Room::new(token, name, now))?;
            }
            Self::Role { room, user, admin } => {
                let Some(mut found) = rooms.room(room)? else {
                    return Ok(Err(format!("there is no room `{room}`")));
                };
                let known = rooms.member(room, user)?;
                let member = Member {
                    moderator: true,
                    admin: *admin,
                    // Absent: a user of whom the room knows nothing has no settings.
                    ..known.unwrap_or_default()
                };
                rooms.put_member(room, user, &member)?;
                found.touch();
                rooms.put_room(&found)?;
            }
            Self::Ban { user, banned } => {
                let known = rooms.user(user)?;
                let user_now = User {
                    banned: *banned,
                    ban_ends: None,
                    // Absent: a user whom the server does not know is no moderator.
                    ..known.unwrap_or_default()
                };
                rooms.put_user(user, &user_now)?;
            }
        }
        Ok(Ok(()))
    }
}
