//! Requests of a client (protocol: community, section 4). Sign them with [`crate::auth::sign`].
//!
//! Endpoints that only read may be asked anonymously. Room tokens are written as they were typed.

pub mod batch;
pub mod inbox;
pub mod moderation;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};
use session_identity::community::Room;
use session_types::http::{Method, Request, percent_encode};
use session_types::{AnyId, base64};

use crate::json::{BYTES, JSON};
use crate::post::{Emoji, NewPost};

/// Maximum number of posts or inbox messages in one reply.
pub const LIMIT_MAX: u16 = 256;
/// Maximum size of a file in bytes.
pub const FILE_MAX: usize = 10_000_000;

/// Makes a request with a body of JSON: compact, keys in ascending order.
pub(crate) fn with_json(method: Method, path: String, body: &Value) -> Request {
    Request::new(method, path).with_body(JSON, body.to_string().into_bytes())
}

fn room_path(room: &Room, rest: &str) -> String {
    alloc::format!("/room/{}{rest}", room.as_typed())
}

/// Asks for the server's capabilities; if `required` is not empty, the server answers 412 unless it
/// has all of them.
#[must_use]
pub fn capabilities(required: &[&str]) -> Request {
    match required {
        [] => Request::get("/capabilities"),
        _ => Request::get(alloc::format!(
            "/capabilities?required={}",
            required.join(",")
        )),
    }
}

/// Asks for all rooms that the user may see.
#[must_use]
pub fn rooms() -> Request {
    Request::get("/rooms")
}

/// Asks for a room.
#[must_use]
pub fn room(room: &Room) -> Request {
    Request::get(room_path(room, ""))
}

/// Asks for a room's details if its `info_updates` differ from those known.
#[must_use]
pub fn poll_info(room: &Room, info_updates: u64) -> Request {
    Request::get(room_path(room, &alloc::format!("/pollInfo/{info_updates}")))
}

/// Which posts are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posts {
    /// The newest, newest first.
    Recent,
    /// Those before a post, newest first.
    Before(u64),
    /// Changes after a sequence number, oldest first, with updates of reactions.
    Since(u64),
}

/// Asks for posts. `limit` is at most [`LIMIT_MAX`], `reactors` at most 20; `None` leaves the number
/// to the server.
#[must_use]
pub fn posts(room: &Room, which: Posts, limit: Option<u16>, reactors: Option<u8>) -> Request {
    let (path, mut query) = match which {
        Posts::Recent => ("/messages/recent".to_string(), Vec::new()),
        Posts::Before(id) => (alloc::format!("/messages/before/{id}"), Vec::new()),
        Posts::Since(seqno) => {
            let updates = alloc::vec!["t=r".to_string()];
            (alloc::format!("/messages/since/{seqno}"), updates)
        }
    };
    query.extend(limit.map(|limit| alloc::format!("limit={limit}")));
    query.extend(reactors.map(|reactors| alloc::format!("reactors={reactors}")));
    let path = room_path(room, &path);
    match query.is_empty() {
        true => Request::get(path),
        false => Request::get(alloc::format!("{path}?{}", query.join("&"))),
    }
}

/// Asks for one post.
#[must_use]
pub fn post(room: &Room, id: u64) -> Request {
    Request::get(room_path(room, &alloc::format!("/message/{id}")))
}

fn post_body(post: &NewPost) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("data".into(), json!(base64::encode(&post.data)));
    body.insert(
        "signature".into(),
        json!(base64::encode(post.signature.as_bytes())),
    );
    if !post.files.is_empty() {
        body.insert("files".into(), json!(post.files));
    }
    body
}

/// Posts a message. The reply has status 201 and is the message.
#[must_use]
pub fn send(room: &Room, post: &NewPost) -> Request {
    let mut body = post_body(post);
    if let Some(user) = &post.whisper_to {
        body.insert("whisper_to".into(), json!(user.to_string()));
    }
    if post.whisper_mods {
        body.insert("whisper_mods".into(), json!(true));
    }
    with_json(Method::Post, room_path(room, "/message"), &body.into())
}

/// Replaces an own message. Whom it is whispered to does not change.
#[must_use]
pub fn edit(room: &Room, id: u64, post: &NewPost) -> Request {
    let path = room_path(room, &alloc::format!("/message/{id}"));
    with_json(Method::Put, path, &post_body(post).into())
}

/// Deletes a message: an own one, or any as a moderator.
#[must_use]
pub fn delete(room: &Room, id: u64) -> Request {
    let path = room_path(room, &alloc::format!("/message/{id}"));
    Request::new(Method::Delete, path)
}

/// Adds an own reaction.
///
/// The emoji is not escaped, because onion requests carry it as it is.
#[must_use]
pub fn react(room: &Room, id: u64, emoji: &Emoji) -> Request {
    let path = alloc::format!("/reaction/{id}/{}", emoji.as_str());
    Request::new(Method::Put, room_path(room, &path))
}

/// Removes an own reaction.
#[must_use]
pub fn unreact(room: &Room, id: u64, emoji: &Emoji) -> Request {
    let path = alloc::format!("/reaction/{id}/{}", emoji.as_str());
    Request::new(Method::Delete, room_path(room, &path))
}

/// Asks who reacted with an emoji.
#[must_use]
pub fn reactors(room: &Room, id: u64, emoji: &Emoji) -> Request {
    let path = alloc::format!("/reactors/{id}/{}", emoji.as_str());
    Request::get(room_path(room, &path))
}

/// A file is empty or larger than [`FILE_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a file of 1 to {FILE_MAX} bytes, got {got}")]
pub struct FileSizeError {
    /// Its size in bytes.
    pub got: usize,
}

/// Uploads a file, **unencrypted**. It lives for an hour unless a post names it.
///
/// # Errors
///
/// [`FileSizeError`] if the file is empty or too large.
pub fn upload(room: &Room, name: Option<&str>, content: Vec<u8>) -> Result<Request, FileSizeError> {
    if content.is_empty() || content.len() > FILE_MAX {
        return Err(FileSizeError { got: content.len() });
    }
    let request = Request::new(Method::Post, room_path(room, "/file")).with_body(BYTES, content);
    let disposition = match name {
        None => "attachment".to_string(),
        Some(name) => alloc::format!("attachment; filename*=UTF-8''{}", percent_encode(name)),
    };
    Ok(request.with_header("Content-Disposition", disposition))
}

/// Downloads a file of a room.
#[must_use]
pub fn download(room: &Room, id: u64) -> Request {
    Request::get(room_path(room, &alloc::format!("/file/{id}")))
}

/// Writes the id of a user in a path.
pub(crate) fn user_path(user: &AnyId, rest: &str) -> String {
    alloc::format!("/user/{user}{rest}")
}
