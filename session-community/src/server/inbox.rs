//! The inbox (protocol: sogs, section 9).

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::{Value, json};
use session_types::http::Response;
use session_types::{AnyId, base64};

use super::batch::object;
use super::messages::limit;
use super::store::{InboxItem, Store};
use super::{Answer, Context, Stop, ok, page, stop};
use crate::auth::AuthError;
use crate::json::JSON;

/// Lifetime of a message.
const LIFETIME: Duration = Duration::from_secs(15 * 24 * 60 * 60);

fn is_blinded(id: &AnyId) -> bool {
    matches!(id.prefix(), 0x15 | 0x25)
}

/// Requires a blinded user.
fn blinded<E>(context: &Context<'_>) -> Result<AnyId, Stop<E>> {
    let user = context.user()?;
    match is_blinded(&user) {
        true => Ok(user),
        false => stop(AuthError::BlindedRequired.response()),
    }
}

fn show(item: &InboxItem, with_message: bool) -> Value {
    let mut out = json!({
        "id": item.id,
        "posted_at": item.posted.as_secs_f64(),
        "expires_at": item.expires.as_secs_f64(),
        "sender": item.sender.to_string(),
        "recipient": item.recipient.to_string(),
    });
    if let (true, Some(out)) = (with_message, out.as_object_mut()) {
        out.insert("message".into(), json!(base64::encode(&item.message)));
    }
    out
}

/// Lists received or sent messages. With an id and nothing after it, the answer is 304 without body
/// and content type.
pub(super) fn list<S: Store>(
    context: &Context<'_>,
    is_received: bool,
    since: Option<u64>,
    query: &str,
    store: &S,
) -> Answer<S::Error> {
    let user = blinded(context)?;
    let limit = limit(query)?;
    let items = store.inbox(&user, is_received, since.unwrap_or(0), context.now, limit)?;
    if since.is_some() && items.is_empty() {
        return Ok(Response {
            status: 304,
            headers: Vec::new(),
            body: Vec::new(),
        });
    }
    Ok(ok(&items.iter().map(|item| show(item, true)).collect()))
}

pub(super) fn send<S: Store>(
    context: &Context<'_>,
    recipient: &str,
    body: &[u8],
    store: &mut S,
) -> Answer<S::Error> {
    // Another kind of id is no route at all.
    let recipient = recipient.parse::<AnyId>().ok().filter(is_blinded);
    let Some(recipient) = recipient else {
        return Ok(page::not_found());
    };
    let sender = blinded(context)?;
    if store
        .user(&recipient)?
        .is_none_or(|user| user.is_banned(context.now))
    {
        return Ok(page::not_found());
    }
    let body = object(body)?;
    let message = body.get("message").and_then(Value::as_str);
    let message = message
        .and_then(base64::decode)
        .filter(|bytes| !bytes.is_empty());
    let Some(message) = message else {
        return Ok(page::bad_request());
    };
    let item = InboxItem {
        id: store.next_inbox()?,
        sender,
        recipient,
        posted: context.now,
        expires: context.now.saturating_add(LIFETIME),
        message,
    };
    store.put_inbox(&item)?;
    Ok(Response::new(201, JSON, show(&item, false).to_string()))
}

pub(super) fn delete<S: Store>(context: &Context<'_>, store: &mut S) -> Answer<S::Error> {
    let user = blinded(context)?;
    let deleted = store.delete_inbox(&user)?;
    Ok(ok(&json!({ "deleted": deleted })))
}
