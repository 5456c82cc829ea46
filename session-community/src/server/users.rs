//! Roles and bans (protocol: sogs, section 8).

use alloc::vec::Vec;

use serde_json::{Map, Value, json};
use session_identity::blinded::AccountIdExt;
use session_types::{AccountId, AnyId, BlindedId15, IdKind};

use super::batch::object;
use super::rooms::{flag, span, user};
use super::store::{Future, Member, Room, Store, User};
use super::{Answer, Config, Context, Stop, ok, page, stop};
use crate::auth::Accepted;

/// Scope of a moderation action.
enum Scope {
    Global,
    Rooms(Vec<Room>),
}

/// Reads `rooms` or `global`: exactly one of them. `["*"]` are all rooms of which the asking user is
/// an admin, or a moderator if that suffices.
fn scope<S: Store>(
    context: &Context<'_>,
    body: &Map<alloc::string::String, Value>,
    admin: bool,
    store: &S,
) -> Result<Scope, Stop<S::Error>> {
    context.user()?;
    let global = flag(body, "global")? == Some(true);
    let tokens = match (body.get("rooms"), global) {
        (None | Some(Value::Null), true) => return Ok(Scope::Global),
        (Some(Value::Array(tokens)), false) if !tokens.is_empty() => tokens,
        _ => return stop(page::bad_request()),
    };
    let may = |room: &Room| -> Result<bool, Stop<S::Error>> {
        let rights = context.rights(room, store)?;
        Ok(if admin {
            rights.admin
        } else {
            rights.moderator
        })
    };
    let mut rooms = Vec::new();
    if let [Value::String(all)] = tokens.as_slice()
        && all == "*"
    {
        for room in store.rooms()? {
            if may(&room)? {
                rooms.push(room);
            }
        }
        if rooms.is_empty() {
            return stop(page::forbidden());
        }
        return Ok(Scope::Rooms(rooms));
    }
    for token in tokens {
        let Some(token) = token.as_str() else {
            return stop(page::bad_request());
        };
        match store.room(token)? {
            None => return stop(page::not_found()),
            Some(room) => rooms.push(room),
        }
    }
    for room in &rooms {
        if !may(room)? {
            return stop(page::forbidden());
        }
    }
    Ok(Scope::Rooms(rooms))
}

/// Requires a moderator, or an admin, of the whole server.
fn global<S: Store>(context: &Context<'_>, admin: bool, store: &S) -> Result<(), Stop<S::Error>> {
    // Absent: a user of whom the store knows nothing has no rights of their own.
    let user = store.user(&context.user()?)?.unwrap_or_default();
    match user.admin || user.moderator && !admin {
        true => Ok(()),
        false => stop(page::forbidden()),
    }
}

pub(super) fn moderator<S: Store>(
    context: &Context<'_>,
    of: &str,
    body: &[u8],
    store: &mut S,
) -> Answer<S::Error> {
    let (id, body) = (user(context, of, store)?, object(body)?);
    let scope = scope(context, &body, true, store)?;
    let (moderator, admin) = (flag(&body, "moderator")?, flag(&body, "admin")?);
    let role = match (moderator, admin) {
        (None, None) | (Some(false), Some(true)) => return Ok(page::bad_request()),
        (Some(false), _) => (false, false),
        (_, Some(true)) => (true, true),
        (_, Some(false)) => (true, false),
        // An admin stays one.
        (Some(true), None) => (true, false),
    };
    let demotes = admin == Some(false) || moderator == Some(false);
    let mut updates = Map::new();
    let touched = match scope {
        Scope::Global => {
            global(context, true, store)?;
            // Absent: a user of whom the store knows nothing has no rights of their own.
            let mut user = store.user(&id)?.unwrap_or_default();
            user.admin = role.1 || user.admin && !demotes;
            user.moderator = role.0;
            store.put_user(&id, &user)?;
            store.rooms()?
        }
        Scope::Rooms(rooms) => {
            let visible = flag(&body, "visible")?.unwrap_or(true);
            for room in &rooms {
                // Absent: a user of whom the store knows nothing has no rights of their own.
                let mut member = store.member(&room.token, &id)?.unwrap_or_default();
                member.admin = role.1 || member.admin && !demotes;
                member.moderator = role.0;
                member.hidden = role.0 && !visible;
                store.put_member(&room.token, &id, &member)?;
            }
            rooms
        }
    };
    for mut room in touched {
        room.touch();
        store.put_room(&room)?;
        updates.insert(room.token, json!(room.info_updates));
    }
    Ok(ok(&json!({ "info_updates": updates })))
}

pub(super) fn ban<S: Store>(
    context: &Context<'_>,
    of: &str,
    body: &[u8],
    store: &mut S,
    banned: bool,
) -> Answer<S::Error> {
    let (id, body) = (user(context, of, store)?, object(body)?);
    let scope = scope(context, &body, false, store)?;
    let timeout = match body.get("timeout") {
        None | Some(Value::Null) => None,
        Some(value) if banned => match span(value) {
            Some(span) => Some(span),
            None => return Ok(page::bad_request()),
        },
        Some(_) => return Ok(page::bad_request()),
    };
    match scope {
        Scope::Global => {
            global(context, false, store)?;
            // Absent: a user of whom the store knows nothing has no rights of their own.
            let mut user = store.user(&id)?.unwrap_or_default();
            if banned && (user.admin || user.moderator) {
                return Ok(page::forbidden());
            }
            user.banned = banned;
            user.ban_ends = timeout.map(|span| context.now.saturating_add(span));
            store.put_user(&id, &user)?;
        }
        Scope::Rooms(rooms) => {
            for room in rooms {
                // Absent: a user of whom the store knows nothing has no rights of their own.
                let mut member = store.member(&room.token, &id)?.unwrap_or_default();
                if banned && (member.admin || member.moderator) {
                    return Ok(page::forbidden());
                }
                member.banned = banned;
                member.futures.retain(|future| future.banned.is_none());
                member.futures.extend(timeout.map(|span| Future {
                    at: context.now.saturating_add(span),
                    read: None,
                    write: None,
                    upload: None,
                    banned: Some(false),
                }));
                store.put_member(&room.token, &id, &member)?;
            }
        }
    }
    Ok(ok(&json!({})))
}

/// Returns the id under which a server that requires blinding keeps the settings of an account. A 15-id
/// that the server has not seen is known up to its sign; the account is remembered under the positive one.
pub(super) fn blinded<S: Store>(
    config: &Config,
    account: &AccountId,
    store: &S,
) -> Result<AnyId, Stop<S::Error>> {
    let id = match config.accepted {
        Accepted::Any15 | Accepted::Any25 => return Ok((*account).into()),
        Accepted::Blinded25 => account.blinded25(&config.key).map(AnyId::from),
        Accepted::Blinded15 => {
            let candidates = account.candidates15(&config.key);
            candidates.map(|candidates| candidates.absolute().into())
        }
    };
    // A key outside the main subgroup is the id of nobody.
    let Ok(id) = id else {
        return stop(page::not_found());
    };
    match other_sign(&id) {
        Some(other) if store.user(&other)?.is_some() => Ok(other),
        _ => Ok(id),
    }
}

/// Returns the 15-id of the other sign.
fn other_sign(id: &AnyId) -> Option<AnyId> {
    match id.kind() {
        Ok(IdKind::Blinded15(id)) => {
            let other = id.ed25519().with_other_sign();
            Some(BlindedId15::from_ed25519(&other).into())
        }
        _ => None,
    }
}

/// Returns the id under which an account with this id is remembered, if that is another one.
fn remembered_as(id: &AnyId) -> Option<AnyId> {
    match id.kind() {
        Ok(IdKind::Blinded15(own)) if own != own.absolute() => Some(own.absolute().into()),
        _ => None,
    }
}

/// Returns the settings that are remembered of a user whom the server has not seen.
pub(super) fn remembered<S: Store>(id: &AnyId, store: &S) -> Result<Option<User>, S::Error> {
    match remembered_as(id) {
        Some(other) => store.user(&other),
        None => Ok(None),
    }
}

/// Makes a user known whose signature has been verified, with the settings that are remembered of them.
pub(super) fn appear<S: Store>(id: &AnyId, store: &mut S) -> Result<(), S::Error> {
    // Absent: nothing is remembered of most users.
    let user = remembered(id, store)?.unwrap_or_default();
    store.put_user(id, &user)?;
    let Some(other) = remembered_as(id) else {
        return Ok(());
    };
    for room in store.rooms()? {
        if let Some(member) = store.member(&room.token, &other)? {
            store.put_member(&room.token, id, &member)?;
            store.put_member(&room.token, &other, &Member::default())?;
        }
    }
    Ok(())
}

/// Makes a user an admin of a room, as the owner of the server does on its own machine.
///
/// # Errors
///
/// [`Store::Error`] if the store fails.
pub fn make_admin<S: Store>(room: &mut Room, id: &AnyId, store: &mut S) -> Result<(), S::Error> {
    // Absent: a user of whom the store knows nothing has no rights of their own.
    let mut member: Member = store.member(&room.token, id)?.unwrap_or_default();
    member.moderator = true;
    member.admin = true;
    store.put_member(&room.token, id, &member)?;
    room.touch();
    store.put_room(room)
}
