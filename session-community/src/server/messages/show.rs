//! Posts as JSON.

use serde_json::{Map, Value, json};
use session_types::{AnyId, base64};

use crate::server::store::Post;

fn id(id: &AnyId) -> Value {
    json!(alloc::format!("{id}"))
}

fn reactions(post: &Post, user: Option<&AnyId>, limit: usize) -> Value {
    let mut out = Map::new();
    for (index, (emoji, reactors)) in post.reactions.iter().enumerate() {
        let mut entry = Map::new();
        entry.insert("index".into(), json!(index));
        entry.insert("count".into(), json!(reactors.len()));
        if limit > 0 {
            let first = reactors.iter().take(limit).map(|(reactor, _)| id(reactor));
            entry.insert("reactors".into(), first.collect());
        }
        if user.is_some_and(|user| reactors.iter().any(|(reactor, _)| reactor == user)) {
            entry.insert("you".into(), json!(true));
        }
        out.insert(emoji.clone(), entry.into());
    }
    out.into()
}

/// A whole post. The reply to its author writes booleans where later reads write integers, as the
/// deployed server does.
pub(super) fn full(post: &Post, user: Option<&AnyId>, reactors: usize, is_new: bool) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.into(), value);
    put("id", json!(post.id));
    put("session_id", id(&post.author));
    put("posted", json!(post.posted.as_secs_f64()));
    put("seqno", json!(post.seqno));
    put("data", json!(post.data.as_ref().map(base64::encode)));
    put(
        "signature",
        json!(base64::encode(post.signature.as_bytes())),
    );
    put("reactions", reactions(post, user, reactors));
    if let Some(edited) = post.edited {
        put("edited", json!(edited.as_secs_f64()));
    }
    if let Some(whisper) = &post.whisper {
        put("whisper", json!(true));
        let mods = match is_new {
            true => json!(whisper.mods),
            false => json!(u8::from(whisper.mods)),
        };
        put("whisper_mods", mods);
        if let Some(to) = &whisper.to {
            put("whisper_to", id(to));
        }
    }
    out.into()
}

/// A post of which only the reactions changed.
pub(super) fn reactions_only(post: &Post, user: Option<&AnyId>, reactors: usize) -> Value {
    json!({
        "id": post.id,
        "seqno": post.seqno,
        "reactions": reactions(post, user, reactors),
    })
}

/// A deleted post.
pub(super) fn tombstone(post: &Post) -> Value {
    let mut out = json!({
        "id": post.id,
        "session_id": id(&post.author),
        "posted": post.posted.as_secs_f64(),
        "seqno": post.seqno,
        "data": null,
        "deleted": true,
    });
    if let (Some(out), Some(edited)) = (out.as_object_mut(), post.edited) {
        out.insert("edited".into(), json!(edited.as_secs_f64()));
    }
    out
}
