//! Entries by community server and room: `base URL -> { "#": server key, "R": { room: entry } }`.

use alloc::string::String;
use alloc::vec::Vec;

use session_types::X25519Public;

use crate::change::{How, entries};
use crate::data::Dict;

const SERVER_KEY: &[u8] = b"#";
const ROOMS: &[u8] = b"R";

/// An entry.
pub(crate) struct Room<'a> {
    pub(crate) base: &'a str,
    pub(crate) key: X25519Public,
    pub(crate) room: &'a str,
    pub(crate) dict: &'a Dict,
}

/// The entry of a room; the room is in lower case.
pub(crate) fn room<'a>(data: &'a Dict, top: &[u8], base: &str, room: &str) -> Option<&'a Dict> {
    let server = data.dict(top)?.dict(base.as_bytes())?;
    server.dict(ROOMS)?.dict(room.as_bytes())
}

/// The key of a server.
pub(crate) fn server_key(server: &Dict) -> Option<X25519Public> {
    let key = server.bytes(SERVER_KEY)?.try_into().ok()?;
    Some(X25519Public::from_bytes(key))
}

/// The key of a server that has entries.
pub(crate) fn key_of(data: &Dict, top: &[u8], base: &str) -> Option<X25519Public> {
    server_key(data.dict(top)?.dict(base.as_bytes())?)
}

/// Returns all entries of servers with a key. Names that are not text are skipped.
pub(crate) fn rooms<'a>(data: &'a Dict, top: &[u8]) -> impl Iterator<Item = Room<'a>> {
    let servers = data.dict(top).into_iter().flat_map(Dict::iter);
    let servers = servers.filter_map(|(base, server)| {
        let server = server.as_dict()?;
        let base = core::str::from_utf8(base).ok()?;
        Some((base, server_key(server)?, server.dict(ROOMS)?))
    });
    servers.flat_map(|(base, key, rooms)| {
        rooms.iter().filter_map(move |(room, dict)| {
            Some(Room {
                base,
                key,
                room: core::str::from_utf8(room).ok()?,
                dict: dict.as_dict()?,
            })
        })
    })
}

/// Changes the entry of a room, which is made if there is none. The server's key is set in any case.
pub(crate) fn change_room(
    data: &mut Dict,
    top: &[u8],
    base: &str,
    key: &X25519Public,
    room: &str,
    change: impl FnOnce(&mut Dict),
) {
    data.change_dict(top, |servers| {
        servers.change_dict(base.as_bytes(), |server| {
            server.insert(SERVER_KEY, key.as_bytes().as_slice());
            server.change_dict(ROOMS, |rooms| rooms.change_dict(room.as_bytes(), change));
        });
    });
}

/// Removes the entry of a room, and the server with its last room if `and_server`.
pub(crate) fn remove_room(data: &mut Dict, top: &[u8], base: &str, room: &str, and_server: bool) {
    if self::room(data, top, base, room).is_none() {
        return;
    }
    data.change_dict(top, |servers| {
        servers.change_dict(base.as_bytes(), |server| {
            server.change_dict(ROOMS, |rooms| rooms.remove(room.as_bytes()));
        });
        let is_empty = |server: &Dict| server.dict(ROOMS).is_none();
        if and_server && servers.dict(base.as_bytes()).is_some_and(is_empty) {
            servers.remove(base.as_bytes());
        }
    });
}

/// A room with a changed entry.
pub(crate) struct RoomChange {
    pub(crate) base: String,
    pub(crate) room: String,
    pub(crate) how: How,
}

/// Returns the rooms with different entries.
pub(crate) fn rooms_changed(
    before: &Dict,
    after: &Dict,
    top: &[u8],
) -> impl Iterator<Item = RoomChange> {
    let (before, after) = (before.dict(top), after.dict(top));
    let mut changes = Vec::new();
    for (base, _) in entries(before, after) {
        let rooms = |data: Option<&'_ Dict>| data?.dict(base)?.dict(ROOMS).cloned();
        for (room, how) in entries(rooms(before).as_ref(), rooms(after).as_ref()) {
            let texts = (core::str::from_utf8(base), core::str::from_utf8(room));
            if let (Ok(base), Ok(room)) = texts {
                changes.push(RoomChange {
                    base: base.into(),
                    room: room.into(),
                    how,
                });
            }
        }
    }
    changes.into_iter()
}
