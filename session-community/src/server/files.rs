//! Files of rooms (protocol: sogs, section 7).

use alloc::string::{String, ToString};
use core::time::Duration;

use serde_json::json;
use session_types::http::{Request, Response, date, percent_decode, percent_encode};

use super::store::{File, Room, Store};
use super::{Answer, Context, page};
use crate::json::{BYTES, JSON};

/// Lifetime of a file that no post names.
const LIFETIME_LOOSE: Duration = Duration::from_secs(60 * 60);
/// Lifetime of a file that a post names.
const LIFETIME_POSTED: Duration = Duration::from_secs(15 * 24 * 60 * 60);
/// Maximum length of a file name in characters.
const NAME_MAX: usize = 255;

/// The name in a `Content-Disposition`, without characters that file systems dislike.
fn name(request: &Request) -> Option<String> {
    let disposition = request.header("content-disposition")?;
    let (_, encoded) = disposition.split_once("filename*=UTF-8''")?;
    let encoded = encoded.split(';').next()?.trim();
    let clean = |c: char| match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    let name: String = percent_decode(encoded)?
        .chars()
        .take(NAME_MAX)
        .map(clean)
        .collect();
    (!name.is_empty()).then_some(name)
}

pub(super) fn upload<S: Store>(
    context: &Context<'_>,
    room: &Room,
    request: &Request,
    store: &mut S,
) -> Answer<S::Error> {
    context.user()?;
    let rights = context.read(room, store)?;
    if !rights.write || !rights.upload {
        return Ok(page::denied());
    }
    if request.body.is_empty() {
        return Ok(page::bad_request());
    }
    if request.body.len() > context.config.max_file {
        return Ok(page::too_large());
    }
    let file = File {
        id: store.next_file()?,
        room: room.token.clone(),
        name: name(request),
        uploaded: context.now,
        expires: Some(context.now.saturating_add(LIFETIME_LOOSE)),
        post: None,
    };
    store.put_file(&file, Some(&request.body))?;
    let body = json!({ "id": file.id });
    Ok(Response::new(201, JSON, body.to_string()))
}

pub(super) fn download<S: Store>(
    context: &Context<'_>,
    room: &Room,
    id: u64,
    store: &S,
) -> Answer<S::Error> {
    context.read(room, store)?;
    let live = |file: &File| file.expires.is_none_or(|expires| context.now < expires);
    let file = store
        .file(id)?
        .filter(|file| file.room == room.token && live(file));
    let content = match &file {
        Some(_) => store.file_content(id)?,
        None => None,
    };
    let (Some(file), Some(content)) = (file, content) else {
        return Ok(page::not_found());
    };
    let mut response = Response::new(200, BYTES, content).with_header("date", date(file.uploaded));
    if let Some(name) = &file.name {
        let disposition = alloc::format!("attachment; filename*=UTF-8''{}", percent_encode(name));
        response = response.with_header("content-disposition", disposition);
    }
    if let Some(expires) = file.expires {
        response = response.with_header("expires", date(expires));
    }
    Ok(response)
}

/// Gives files to a post. Those of other rooms and other posts stay as they are.
pub(super) fn attach<S: Store>(
    context: &Context<'_>,
    room: &Room,
    ids: &[u64],
    post: u64,
    store: &mut S,
) -> Result<(), S::Error> {
    for id in ids {
        let file = store.file(*id)?;
        let Some(mut file) = file.filter(|file| file.room == room.token && file.post.is_none())
        else {
            continue;
        };
        file.post = Some(post);
        let is_pinned = room.pinned.iter().any(|pin| pin.id == post);
        let end = context.now.saturating_add(LIFETIME_POSTED);
        file.expires = file.expires.map(|_| end).filter(|_| !is_pinned);
        store.put_file(&file, None)?;
    }
    Ok(())
}

/// Sets the lifetime of a post's files: they do not expire while it is pinned. The room's image never does.
pub(super) fn pinned<S: Store>(
    context: &Context<'_>,
    room: &Room,
    post: u64,
    is_pinned: bool,
    store: &mut S,
) -> Result<(), S::Error> {
    let end = context.now.saturating_add(LIFETIME_POSTED);
    for mut file in store.files_of(post)? {
        if room.image != Some(file.id) {
            file.expires = (!is_pinned).then_some(end);
            store.put_file(&file, None)?;
        }
    }
    Ok(())
}
