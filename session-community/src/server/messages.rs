//! Posts, reactions and pins (protocol: sogs, section 6).

mod show;

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value, json};
use session_types::http::Response;
use session_types::{AnyId, Ed25519Signature, base64};

use super::access::{Rights, rights};
use super::batch::object;
use super::rooms::{flag, user};
use super::store::{Pin, Post, Room, Store, Whisper};
use super::{Answer, Context, Stop, files, ok, page, parameter, stop};
use crate::json::JSON;
use crate::post::is_emoji_length;
use crate::request::LIMIT_MAX;

use show::{full, reactions_only, tombstone};

/// Number of posts in a reply unless another is asked for.
const LIMIT_DEFAULT: i64 = 100;
/// Number of reactors with each reaction unless another is asked for.
const REACTORS_DEFAULT: i64 = 4;
const REACTORS_MAX: i64 = 20;

/// A number of a query, clamped.
fn clamped<E>(query: &str, name: &str, default: i64, range: (i64, i64)) -> Result<usize, Stop<E>> {
    let (min, max) = range;
    let number = parameter(query, name)?.unwrap_or(default).clamp(min, max);
    // Both ends of every range are small and not negative.
    Ok(usize::try_from(number).unwrap_or(0))
}

pub(super) fn limit<E>(query: &str) -> Result<usize, Stop<E>> {
    clamped(query, "limit", LIMIT_DEFAULT, (1, i64::from(LIMIT_MAX)))
}

fn reactor_count<E>(query: &str) -> Result<usize, Stop<E>> {
    clamped(query, "reactors", REACTORS_DEFAULT, (0, REACTORS_MAX))
}

/// Whether a user sees a post.
fn sees(user: Option<&AnyId>, rights: &Rights, post: &Post) -> bool {
    match &post.whisper {
        None => true,
        Some(whisper) => {
            let own = user == Some(&post.author) || user.is_some() && user == whisper.to.as_ref();
            own || whisper.mods && rights.moderator
        }
    }
}

pub(super) fn page<S: Store>(
    context: &Context<'_>,
    room: &Room,
    before: Option<u64>,
    query: &str,
    store: &S,
) -> Answer<S::Error> {
    let rights = context.read(room, store)?;
    let (limit, reactors) = (limit(query)?, reactor_count(query)?);
    let (mut out, mut before) = (Vec::new(), before);
    // Whispers to others are left out, so there may be more than one round.
    loop {
        let posts = store.posts_before(&room.token, before, limit)?;
        let is_last = posts.len() < limit;
        before = posts.last().map(|post| post.id);
        let seen = posts
            .iter()
            .filter(|post| sees(context.user.as_ref(), &rights, post));
        out.extend(seen.map(|post| full(post, context.user.as_ref(), reactors, false)));
        if is_last || out.len() >= limit {
            break;
        }
    }
    out.truncate(limit);
    Ok(ok(&out.into()))
}

pub(super) fn since<S: Store>(
    context: &Context<'_>,
    room: &Room,
    seqno: u64,
    query: &str,
    store: &S,
) -> Answer<S::Error> {
    let rights = context.read(room, store)?;
    let (limit, reactors) = (limit(query)?, reactor_count(query)?);
    let updates = query.split('&').any(|part| part == "t=r");
    let (mut out, mut after) = (Vec::new(), seqno);
    loop {
        let posts = store.posts_since(&room.token, after, limit)?;
        let is_last = posts.len() < limit;
        after = posts.last().map_or(after, |post| post.seqno);
        for post in posts {
            if !sees(context.user.as_ref(), &rights, &post) {
                continue;
            }
            let changed = post.seqno_data > seqno;
            match (&post.data, changed) {
                // A post that the reader never saw leaves no tombstone.
                (None, true) if post.seqno_created <= seqno => out.push(tombstone(&post)),
                (None, _) => {}
                (Some(_), true) => out.push(full(&post, context.user.as_ref(), reactors, false)),
                (Some(_), false) if updates => {
                    out.push(reactions_only(&post, context.user.as_ref(), reactors));
                }
                (Some(_), false) => {}
            }
        }
        if is_last || out.len() >= limit {
            break;
        }
    }
    out.truncate(limit);
    Ok(ok(&out.into()))
}

pub(super) fn one<S: Store>(
    context: &Context<'_>,
    room: &Room,
    id: u64,
    store: &S,
) -> Answer<S::Error> {
    let rights = context.read(room, store)?;
    let post = store.post(&room.token, id)?;
    let post =
        post.filter(|post| post.data.is_some() && sees(context.user.as_ref(), &rights, post));
    Ok(match post {
        None => page::not_found(),
        Some(post) => {
            let reactors = usize::try_from(REACTORS_DEFAULT).unwrap_or(0);
            ok(&full(&post, context.user.as_ref(), reactors, false))
        }
    })
}

/// Data, signature and files of a new or edited post.
struct Body {
    data: Vec<u8>,
    signature: Ed25519Signature,
    files: Vec<u64>,
    fields: Map<String, Value>,
}

fn body<E>(body: &[u8]) -> Result<Body, Stop<E>> {
    let fields = object(body)?;
    let bytes = |key| {
        fields
            .get(key)
            .and_then(Value::as_str)
            .and_then(base64::decode)
    };
    let data = bytes("data").filter(|data: &Vec<u8>| !data.is_empty());
    let signature = bytes("signature").and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let file = |value: &Value| match value {
        Value::String(digits) => digits.parse().ok(),
        other => other.as_u64(),
    };
    let files = match fields.get("files") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(file).collect(),
        Some(_) => None,
    };
    match (data, signature, files) {
        (Some(data), Some(signature), Some(files)) => Ok(Body {
            data,
            signature: signature.into(),
            files,
            fields,
        }),
        _ => stop(page::model(400, "")),
    }
}

/// Requires an authenticated user who may write.
fn writer<S: Store>(
    context: &Context<'_>,
    room: &Room,
    store: &S,
) -> Result<(AnyId, Rights), Stop<S::Error>> {
    let user = context.user()?;
    let rights = context.read(room, store)?;
    match rights.write {
        true => Ok((user, rights)),
        false => stop(page::denied()),
    }
}

pub(super) fn post<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    given: &[u8],
    store: &mut S,
) -> Answer<S::Error> {
    let (author, rights) = writer(context, &room, store)?;
    let body = body(given)?;
    let to = match body.fields.get("whisper_to") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(user(context, text, store)?),
        Some(_) => return Ok(page::model(400, "")),
    };
    let mods = flag(&body.fields, "whisper_mods")? == Some(true);
    let whisper = (to.is_some() || mods).then_some(Whisper { to, mods });
    if whisper.is_some() && !rights.moderator {
        return Ok(page::denied());
    }
    if !rights.admin {
        let after = context.now.saturating_sub(context.config.rate_span);
        let recent = store.count_posts(&room.token, &author, after)?;
        if recent >= context.config.rate_posts {
            return Ok(page::model(429, "Rate limited"));
        }
    }
    let seqno = room.next();
    let post = Post {
        id: store.next_post()?,
        room: room.token.clone(),
        author,
        posted: context.now,
        edited: None,
        data: Some(body.data),
        signature: body.signature,
        whisper,
        reactions: Vec::new(),
        seqno_created: seqno,
        seqno_data: seqno,
        seqno,
    };
    store.put_post(&post)?;
    store.put_room(&room)?;
    files::attach(context, &room, &body.files, post.id, store)?;
    let shown = full(&post, context.user.as_ref(), 0, true);
    use alloc::string::ToString;
    Ok(Response::new(201, JSON, shown.to_string()))
}

pub(super) fn edit<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    id: u64,
    given: &[u8],
    store: &mut S,
) -> Answer<S::Error> {
    let (author, _) = writer(context, &room, store)?;
    let body = body(given)?;
    let post = store
        .post(&room.token, id)?
        .filter(|post| post.data.is_some());
    let Some(mut post) = post else {
        return Ok(page::no_post(id));
    };
    if post.author != author {
        return Ok(page::denied());
    }
    post.data = Some(body.data);
    post.signature = body.signature;
    post.edited = Some(context.now);
    post.seqno = room.next();
    post.seqno_data = post.seqno;
    store.put_post(&post)?;
    store.put_room(&room)?;
    files::attach(context, &room, &body.files, post.id, store)?;
    Ok(ok(&json!({})))
}

/// Deletes the data of a post, its reactions and its pin.
fn erase<S: Store>(
    context: &Context<'_>,
    room: &mut Room,
    mut post: Post,
    store: &mut S,
) -> Result<(), S::Error> {
    if room.pinned.iter().any(|pin| pin.id == post.id) {
        room.pinned.retain(|pin| pin.id != post.id);
        room.touch();
        files::pinned(context, room, post.id, false, store)?;
    }
    post.data = None;
    post.reactions.clear();
    post.edited = Some(context.now);
    post.seqno = room.next();
    post.seqno_data = post.seqno;
    store.put_post(&post)
}

pub(super) fn delete<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    id: u64,
    store: &mut S,
) -> Answer<S::Error> {
    let user = context.user()?;
    let own = context.read(&room, store)?;
    let post = store.post(&room.token, id)?;
    let post = post.filter(|post| post.data.is_some() && sees(Some(&user), &own, post));
    let Some(post) = post else {
        return Ok(page::not_found());
    };
    let is_own = post.author == user && own.write;
    if !own.moderator && !is_own {
        return Ok(page::denied());
    }
    erase(context, &mut room, post, store)?;
    store.put_room(&room)?;
    Ok(ok(&json!({})))
}

/// Deletes all posts of a user in a room, and returns how many there were.
fn erase_all<S: Store>(
    context: &Context<'_>,
    room: &mut Room,
    author: &AnyId,
    store: &mut S,
) -> Result<usize, Stop<S::Error>> {
    let user = context.user()?;
    let own = context.rights(room, store)?;
    if *author != user {
        context.moderator(room, store)?;
        if rights(Some(author), room, store)?.admin && !own.admin {
            return stop(page::denied());
        }
    }
    let posts = store.posts_of(&room.token, author)?;
    let count = posts.len();
    for post in posts {
        erase(context, room, post, store)?;
    }
    store.put_room(room)?;
    Ok(count)
}

pub(super) fn delete_all<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    of: &str,
    store: &mut S,
) -> Answer<S::Error> {
    let author = user(context, of, store)?;
    Ok(match erase_all(context, &mut room, &author, store)? {
        0 => page::not_found(),
        _ => ok(&json!({})),
    })
}

pub(super) fn delete_everywhere<S: Store>(
    context: &Context<'_>,
    of: &str,
    store: &mut S,
) -> Answer<S::Error> {
    let (author, own) = (user(context, of, store)?, context.user()?);
    let (mut rooms, mut total) = (Map::new(), 0_usize);
    for mut room in store.rooms()? {
        if author != own && !context.rights(&room, store)?.moderator {
            continue;
        }
        let count = erase_all(context, &mut room, &author, store)?;
        if count > 0 {
            total = total.saturating_add(count);
            rooms.insert(room.token, json!(count));
        }
    }
    Ok(ok(&json!({ "total": total, "rooms": rooms })))
}

/// Requires an admin, for pins.
fn admin<S: Store>(context: &Context<'_>, room: &Room, store: &S) -> Result<AnyId, Stop<S::Error>> {
    let user = context.user()?;
    match context.rights(room, store)?.admin {
        true => Ok(user),
        false => stop(page::denied()),
    }
}

pub(super) fn pin<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    id: u64,
    store: &mut S,
) -> Answer<S::Error> {
    let by = admin(context, &room, store)?;
    let post = store.post(&room.token, id)?;
    let post = post.filter(|post| post.data.is_some() && post.whisper.is_none());
    if post.is_none() {
        return Ok(page::no_post(id));
    }
    room.pinned.retain(|pin| pin.id != id);
    let at = context.now;
    room.pinned.push(Pin { id, at, by });
    room.touch();
    store.put_room(&room)?;
    files::pinned(context, &room, id, true, store)?;
    Ok(ok(&json!({ "info_updates": room.info_updates })))
}

/// Unpins one post or all.
pub(super) fn unpin<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    id: Option<u64>,
    store: &mut S,
) -> Answer<S::Error> {
    admin(context, &room, store)?;
    if let Some(id) = id {
        let post = store.post(&room.token, id)?;
        if post.is_none_or(|post| post.data.is_none()) {
            return Ok(page::no_post(id));
        }
    }
    let is_meant = |pin: &Pin| id.is_none_or(|id| pin.id == id);
    let unpinned: Vec<Pin> = room.pinned.extract_if(.., |pin| is_meant(pin)).collect();
    let count = unpinned.len();
    if count > 0 {
        room.touch();
        store.put_room(&room)?;
    }
    for pin in unpinned {
        files::pinned(context, &room, pin.id, false, store)?;
    }
    let unpinned = match id {
        Some(_) => json!(count > 0),
        None => json!(count),
    };
    Ok(ok(
        &json!({ "unpinned": unpinned, "info_updates": room.info_updates }),
    ))
}

/// The post of a reaction, which its reader must see.
fn reacted<S: Store>(
    context: &Context<'_>,
    room: &Room,
    id: u64,
    emoji: Option<&str>,
    store: &S,
) -> Result<Post, Stop<S::Error>> {
    let rights = context.read(room, store)?;
    if emoji.is_some_and(|emoji| !is_emoji_length(emoji)) {
        return stop(page::model(400, ""));
    }
    let post = store.post(&room.token, id)?;
    let post =
        post.filter(|post| post.data.is_some() && sees(context.user.as_ref(), &rights, post));
    match post {
        Some(post) => Ok(post),
        None => stop(page::no_post(id)),
    }
}

pub(super) fn react<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    id: u64,
    emoji: &str,
    store: &mut S,
    is_added: bool,
) -> Answer<S::Error> {
    let user = context.user()?;
    let mut post = reacted(context, &room, id, Some(emoji), store)?;
    let known = post.reactions.iter_mut().find(|(known, _)| known == emoji);
    let changed = match (known, is_added) {
        (Some((_, reactors)), true) => {
            let is_new = reactors.iter().all(|(id, _)| *id != user);
            if is_new {
                reactors.push((user, context.now));
            }
            is_new
        }
        (None, true) => {
            post.reactions
                .push((emoji.into(), alloc::vec![(user, context.now)]));
            true
        }
        (Some((_, reactors)), false) => {
            let before = reactors.len();
            reactors.retain(|(id, _)| *id != user);
            before != reactors.len()
        }
        (None, false) => false,
    };
    if changed {
        post.reactions.retain(|(_, reactors)| !reactors.is_empty());
        post.seqno = room.next();
        store.put_post(&post)?;
        store.put_room(&room)?;
    }
    let key = if is_added { "added" } else { "removed" };
    Ok(ok(&json!({ key: changed, "seqno": room.sequence })))
}

pub(super) fn delete_reactions<S: Store>(
    context: &Context<'_>,
    mut room: Room,
    id: u64,
    emoji: Option<&str>,
    store: &mut S,
) -> Answer<S::Error> {
    context.moderator(&room, store)?;
    let mut post = reacted(context, &room, id, emoji, store)?;
    let mut removed: usize = 0;
    post.reactions.retain(|(known, reactors)| {
        let keep = emoji.is_some_and(|emoji| known != emoji);
        if !keep {
            removed = removed.saturating_add(reactors.len());
        }
        keep
    });
    if removed > 0 {
        // One step for each removed reaction.
        for _ in 0..removed {
            post.seqno = room.next();
        }
        store.put_post(&post)?;
        store.put_room(&room)?;
    }
    Ok(ok(&json!({ "removed": removed, "seqno": room.sequence })))
}

pub(super) fn reactors<S: Store>(
    context: &Context<'_>,
    room: &Room,
    id: u64,
    emoji: &str,
    query: &str,
    store: &S,
) -> Answer<S::Error> {
    let post = reacted(context, room, id, Some(emoji), store)?;
    let limit = limit(query)?;
    let known = post.reactions.iter().find(|(known, _)| known == emoji);
    let list = known.map_or(&[][..], |(_, reactors)| reactors);
    let item = |(id, at): &(AnyId, session_types::UnixMillis)| {
        json!([alloc::format!("{id}"), at.as_secs_f64()])
    };
    Ok(ok(&list.iter().take(limit).map(item).collect()))
}
