//! Rooms and permissions (protocol: sogs, section 5).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::{Map, Value, json};
use session_types::{AnyId, IdKind, UnixMillis};

use super::access::Rights;
use super::batch::object;
use super::store::{Future, Member, Room, Store};
use super::{Answer, Context, Stop, ok, page, stop, users};

/// After how many seconds without activity a user is not counted any more.
const ACTIVE_CUTOFF: u64 = 604_800;

/// Fields common to room objects and poll replies.
fn common(room: &Room, rights: &Rights) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.into(), value);
    put("token", json!(room.token));
    put("active_users", json!(room.active_users));
    put("read", json!(rights.read));
    put("write", json!(rights.write));
    put("upload", json!(rights.upload));
    for (key, flag) in [
        ("moderator", rights.moderator),
        ("admin", rights.admin),
        (
            "global_moderator",
            rights.global.moderator || rights.global.admin,
        ),
        ("global_admin", rights.global.admin),
    ] {
        if flag {
            put(key, json!(true));
        }
    }
    if rights.moderator {
        put("default_read", json!(room.defaults.read));
        put("default_accessible", json!(room.defaults.accessible));
        put("default_write", json!(room.defaults.write));
        put("default_upload", json!(room.defaults.upload));
    }
    out
}

fn details<S: Store>(room: &Room, rights: &Rights, store: &S) -> Result<Value, S::Error> {
    let mut out = common(room, rights);
    let members = store.members(&room.token)?;
    let list = |admin: bool, hidden: bool| -> Vec<String> {
        let members = members.iter().filter(|(_, member)| {
            (member.moderator || member.admin) && member.admin == admin && member.hidden == hidden
        });
        members.map(|(id, _)| alloc::format!("{id}")).collect()
    };
    let mut put = |key: &str, value: Value| out.insert(key.into(), value);
    put("name", json!(room.name));
    put("info_updates", json!(room.info_updates));
    put("message_sequence", json!(room.sequence));
    put("created", json!(room.created.as_secs_f64()));
    put("active_users_cutoff", json!(ACTIVE_CUTOFF));
    put("moderators", json!(list(false, false)));
    put("admins", json!(list(true, false)));
    if let Some(description) = &room.description {
        put("description", json!(description));
    }
    if let Some(image) = room.image {
        put("image_id", json!(image));
    }
    if !room.pinned.is_empty() {
        let pin = |pin: &super::Pin| {
            json!({
                "id": pin.id,
                "pinned_at": pin.at.as_secs_f64(),
                "pinned_by": alloc::format!("{}", pin.by),
            })
        };
        put("pinned_messages", room.pinned.iter().map(pin).collect());
    }
    if rights.moderator {
        for (key, admin) in [("hidden_moderators", false), ("hidden_admins", true)] {
            let hidden = list(admin, true);
            if !hidden.is_empty() {
                put(key, json!(hidden));
            }
        }
    }
    Ok(out.into())
}

pub(super) fn all<S: Store>(context: &Context<'_>, store: &S) -> Answer<S::Error> {
    let mut rooms = Vec::new();
    for room in store.rooms()? {
        let rights = context.rights(&room, store)?;
        if rights.accessible {
            rooms.push(details(&room, &rights, store)?);
        }
    }
    Ok(ok(&rooms.into()))
}

/// Requires that the user may see that the room exists.
fn visible<S: Store>(
    context: &Context<'_>,
    room: &Room,
    store: &S,
) -> Result<Rights, Stop<S::Error>> {
    let rights = context.rights(room, store)?;
    match rights.accessible {
        true => Ok(rights),
        false => stop(page::not_found()),
    }
}

pub(super) fn one<S: Store>(context: &Context<'_>, room: &Room, store: &S) -> Answer<S::Error> {
    let rights = visible(context, room, store)?;
    Ok(ok(&details(room, &rights, store)?))
}

pub(super) fn poll<S: Store>(
    context: &Context<'_>,
    room: &Room,
    known: u64,
    store: &S,
) -> Answer<S::Error> {
    let rights = visible(context, room, store)?;
    let mut out = common(room, &rights);
    if room.info_updates != known {
        out.insert("details".into(), details(room, &rights, store)?);
    }
    Ok(ok(&out.into()))
}

/// A boolean that may be absent; anything else is a malformed request.
pub(super) fn flag<E>(body: &Map<String, Value>, key: &str) -> Result<Option<bool>, Stop<E>> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => stop(page::bad_request()),
    }
}

/// A text without control characters; `keep` are those that stay.
fn clean(text: &str, keep: &[char]) -> String {
    let visible = |c: &char| !c.is_control() || keep.contains(c);
    text.chars().filter(visible).collect()
}

pub(super) fn change<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    body: &[u8],
    store: &mut S,
) -> Answer<S::Error> {
    context.user()?;
    if !context.rights(&room, store)?.admin {
        return Ok(page::needs("admin room permissions"));
    }
    let body = object(body)?;
    let mut changed = false;
    if let Some(name) = body.get("name") {
        let Some(name) = name.as_str() else {
            return Ok(page::bad_request());
        };
        room.name = clean(name, &[]);
        room.touch();
        changed = true;
    }
    if let Some(description) = body.get("description") {
        room.description = match description {
            Value::Null => None,
            Value::String(text) => Some(clean(text, &['\t', '\n'])).filter(|text| !text.is_empty()),
            _ => return Ok(page::bad_request()),
        };
        room.touch();
        changed = true;
    }
    let mut image = None;
    if let Some(id) = body.get("image") {
        let Some(id) = id.as_u64() else {
            return Ok(page::bad_request());
        };
        match store.file(id)?.filter(|file| file.room == room.token) {
            None => return Ok(page::not_acceptable()),
            Some(file) => image = Some(file),
        }
        room.image = Some(id);
        room.touch();
        changed = true;
    }
    let defaults = [
        ("default_read", &mut room.defaults.read),
        ("default_accessible", &mut room.defaults.accessible),
        ("default_write", &mut room.defaults.write),
        ("default_upload", &mut room.defaults.upload),
    ];
    let mut touched: u8 = 0;
    for (key, setting) in defaults {
        if let Some(flag) = flag(&body, key)? {
            *setting = flag;
            touched = touched.saturating_add(1);
        }
    }
    (0..touched).for_each(|_| room.touch());
    if !changed && touched == 0 {
        return Ok(page::bad_request());
    }
    if let Some(mut file) = image {
        file.expires = None;
        store.put_file(&file, None)?;
    }
    store.put_room(&room)?;
    Ok(ok(&json!({ "info_updates": room.info_updates })))
}

fn settings(member: &Member) -> Value {
    let mut out = Map::new();
    for (key, value) in [
        ("read", member.read),
        ("write", member.write),
        ("upload", member.upload),
        ("accessible", member.accessible),
        ("banned", member.banned.then_some(true)),
        ("admin", member.admin.then_some(true)),
        (
            "moderator",
            (member.moderator && !member.admin).then_some(true),
        ),
        (
            "hidden",
            (member.hidden && (member.moderator || member.admin)).then_some(true),
        ),
    ] {
        if let Some(value) = value {
            out.insert(key.into(), json!(value));
        }
    }
    out.into()
}

/// Reads the id of a user in a path or a body. Where blinding is required, an account stands for its
/// blinded id: the one that the server has seen, or else the one under which it is remembered.
pub(super) fn user<S: Store>(
    context: &Context<'_>,
    text: &str,
    store: &S,
) -> Result<AnyId, Stop<S::Error>> {
    let id = match text.parse::<AnyId>() {
        Ok(id) if matches!(id.prefix(), 0x05 | 0x15 | 0x25) => id,
        _ => return stop(page::not_found()),
    };
    match id.kind() {
        Ok(IdKind::Account(account)) => users::blinded(context.config, &account, store),
        _ => Ok(id),
    }
}

pub(super) fn permissions<S: Store>(
    context: &Context<'_>,
    room: &Room,
    of: Option<&str>,
    store: &S,
) -> Answer<S::Error> {
    context.moderator(room, store)?;
    if let Some(of) = of {
        let member = store.member(&room.token, &user(context, of, store)?)?;
        // Absent: a user of whom the store knows nothing has no rights of their own.
        return Ok(ok(&settings(&member.unwrap_or_default())));
    }
    let mut all = Map::new();
    for (id, member) in store.members(&room.token)? {
        let settings = settings(&member);
        if settings
            .as_object()
            .is_some_and(|settings| !settings.is_empty())
        {
            all.insert(alloc::format!("{id}"), settings);
        }
    }
    Ok(ok(&all.into()))
}

pub(super) fn set_permissions<S: Store>(
    context: &Context<'_>,
    room: &Room,
    of: &str,
    body: &[u8],
    store: &mut S,
) -> Answer<S::Error> {
    context.moderator(room, store)?;
    let (id, body) = (user(context, of, store)?, object(body)?);
    // Absent: a user of whom the store knows nothing has no rights of their own.
    let mut member = store.member(&room.token, &id)?.unwrap_or_default();
    let fields = [
        ("read", "default_read", &mut member.read),
        ("write", "default_write", &mut member.write),
        ("upload", "default_upload", &mut member.upload),
        ("accessible", "default_accessible", &mut member.accessible),
    ];
    for (key, default_key, setting) in fields {
        match (flag(&body, key)?, flag(&body, default_key)?) {
            (Some(_), Some(true)) => return Ok(page::bad_request()),
            (Some(flag), _) => *setting = Some(flag),
            (None, Some(true)) => *setting = None,
            (None, _) => {}
        }
    }
    if flag(&body, "unschedule")? != Some(false) {
        member.futures.clear();
    }
    store.put_member(&room.token, &id, &member)?;
    Ok(ok(&settings(&member)))
}

fn future(future: &Future, of: Option<&AnyId>) -> Value {
    let mut out = Map::new();
    out.insert("at".into(), json!(future.at.as_secs_f64()));
    if let Some(id) = of {
        out.insert("session_id".into(), json!(alloc::format!("{id}")));
    }
    for (key, value) in [
        ("read", future.read),
        ("write", future.write),
        ("upload", future.upload),
        ("banned", future.banned),
    ] {
        if let Some(value) = value {
            out.insert(key.into(), json!(value));
        }
    }
    out.into()
}

pub(super) fn futures<S: Store>(
    context: &Context<'_>,
    room: &Room,
    of: Option<&str>,
    store: &S,
) -> Answer<S::Error> {
    context.moderator(room, store)?;
    if let Some(of) = of {
        // Absent: a user of whom the store knows nothing has no rights of their own.
        let member = store
            .member(&room.token, &user(context, of, store)?)?
            .unwrap_or_default();
        return Ok(ok(&member
            .futures
            .iter()
            .map(|item| future(item, None))
            .collect()));
    }
    let mut all: Vec<(UnixMillis, Value)> = Vec::new();
    for (id, member) in store.members(&room.token)? {
        all.extend(
            member
                .futures
                .iter()
                .map(|item| (item.at, future(item, Some(&id)))),
        );
    }
    all.sort_by_key(|(at, _)| *at);
    Ok(ok(&all.into_iter().map(|(_, item)| item).collect()))
}

/// Seconds of a span above 0 and below 1,000,000,000.
pub(super) fn span(value: &Value) -> Option<Duration> {
    let seconds = value
        .as_f64()
        .filter(|seconds| *seconds > 0.0 && *seconds < 1e9)?;
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn schedule<S: Store>(
    context: &Context<'_>,
    room: &Room,
    of: &str,
    body: &[u8],
    store: &mut S,
) -> Answer<S::Error> {
    context.moderator(room, store)?;
    let (id, body) = (user(context, of, store)?, object(body)?);
    let Some(span) = body.get("in").and_then(span) else {
        return Ok(page::bad_request());
    };
    let item = Future {
        at: context.now.saturating_add(span),
        read: flag(&body, "read")?,
        write: flag(&body, "write")?,
        upload: flag(&body, "upload")?,
        banned: None,
    };
    if item.read.or(item.write).or(item.upload).is_none() {
        return Ok(page::bad_request());
    }
    // Absent: a user of whom the store knows nothing has no rights of their own.
    let mut member = store.member(&room.token, &id)?.unwrap_or_default();
    member.futures.push(item);
    member.futures.sort_by_key(|item| item.at);
    store.put_member(&room.token, &id, &member)?;
    Ok(ok(&member
        .futures
        .iter()
        .map(|item| future(item, None))
        .collect()))
}
