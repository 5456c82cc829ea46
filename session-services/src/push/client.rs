//! Requests to the push server, and its replies (protocol: push, sections 1 and 2).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::{Value, json};
use session_crypto::{KeyError, SymmetricKey};
use session_types::http::{Method, Request, Response};
use session_types::{Namespace, UnixMillis, hex};

use crate::push::request::{self, Device, Signer};
use crate::push::{SUBSCRIBE, UNSUBSCRIBE};
use crate::{ReplyError, json};

/// The namespaces that clients subscribe to for an account.
pub const ACCOUNT_NAMESPACES: [Namespace; 5] = [
    Namespace::DEFAULT,
    Namespace::USER_PROFILE,
    Namespace::CONTACTS,
    Namespace::CONVO_INFO_VOLATILE,
    Namespace::USER_GROUPS,
];

/// The namespaces that clients subscribe to for a group.
pub const GROUP_NAMESPACES: [Namespace; 5] = [
    Namespace::REVOKED_GROUP_MESSAGES,
    Namespace::GROUP_MESSAGES,
    Namespace::GROUP_KEYS,
    Namespace::GROUP_INFO,
    Namespace::GROUP_MEMBERS,
];

/// One item of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Item(Value);

/// Subscribes a device to an account or group. `key` is the device's own random key, with which the
/// push server encrypts payloads.
/// Namespaces are sorted and deduplicated.
///
/// One signature lasts 14 days; renew it when the application starts and at least every 12 hours.
///
/// # Errors
///
/// [`KeyError`] if the auth data of a member is not usable.
pub fn subscribe(
    signer: &Signer<'_>,
    namespaces: &[Namespace],
    with_data: bool,
    device: &Device,
    key: &SymmetricKey,
    now: UnixMillis,
) -> Result<Item, KeyError> {
    let mut namespaces = namespaces.to_vec();
    namespaces.sort_by_key(|namespace| namespace.number());
    namespaces.dedup();
    let text = request::subscribe_text(&signer.id(), now, with_data, &namespaces);
    let mut fields = request::write(&signer.sign(&text)?, now, device);
    let numbers: Vec<i16> = namespaces.iter().map(|space| space.number()).collect();
    fields.insert("namespaces".into(), json!(numbers));
    fields.insert("data".into(), json!(with_data));
    fields.insert("enc_key".into(), json!(hex::encode(key.expose_bytes())));
    Ok(Item(fields.into()))
}

/// Ends the subscription of a device.
///
/// # Errors
///
/// [`KeyError`] if the auth data of a member is not usable.
pub fn unsubscribe(
    signer: &Signer<'_>,
    device: &Device,
    now: UnixMillis,
) -> Result<Item, KeyError> {
    let text = request::unsubscribe_text(&signer.id(), now);
    let fields = request::write(&signer.sign(&text)?, now, device);
    Ok(Item(fields.into()))
}

fn post(path: &str, items: Vec<Item>) -> Request {
    let mut values: Vec<Value> = items.into_iter().map(|item| item.0).collect();
    // A single item is sent bare.
    let body = match (values.len(), values.pop()) {
        (1, Some(value)) => value,
        (_, last) => {
            values.extend(last);
            Value::Array(values)
        }
    };
    Request::new(Method::Post, path).with_body(json::JSON, body.to_string().into_bytes())
}

/// Makes the request of one or more items of [`subscribe`].
#[must_use]
pub fn subscribe_request(items: Vec<Item>) -> Request {
    post(SUBSCRIBE, items)
}

/// Makes the request of one or more items of [`unsubscribe`].
#[must_use]
pub fn unsubscribe_request(items: Vec<Item>) -> Request {
    post(UNSUBSCRIBE, items)
}

/// Outcome of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new subscription.
    Added,
    /// The subscription was there and has been replaced.
    Updated,
    /// The subscription was removed, or there was none.
    Removed {
        /// Whether there was one.
        was_subscribed: bool,
    },
    /// The server refused the item.
    Refused {
        /// One of [`code`](crate::push::code), or an unknown one.
        code: i64,
        /// The server's text, for logs only.
        message: String,
    },
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    added: bool,
    #[serde(default)]
    updated: bool,
    removed: Option<bool>,
    error: Option<i64>,
    message: Option<String>,
}

impl Fields {
    fn outcome(self) -> Result<Outcome, ReplyError> {
        match (self.error, self.success, self.removed) {
            (Some(code), _, _) => Ok(Outcome::Refused {
                code,
                message: self.message.unwrap_or_else(|| "no text".to_string()),
            }),
            (None, true, Some(was_subscribed)) => Ok(Outcome::Removed { was_subscribed }),
            (None, true, None) if self.updated => Ok(Outcome::Updated),
            (None, true, None) if self.added => Ok(Outcome::Added),
            _ => Err(ReplyError::Json),
        }
    }
}

/// Reads the reply to a request of `count` items: one outcome for each, in their order.
///
/// # Errors
///
/// [`ReplyError`] if the reply is malformed or has another number of outcomes.
pub fn outcomes(reply: &Response, count: usize) -> Result<Vec<Outcome>, ReplyError> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape {
        Many(Vec<json::Object<Fields>>),
        One(json::Object<Fields>),
    }
    let items = match json::read(reply)? {
        Shape::One(item) => alloc::vec![item],
        Shape::Many(items) => items,
    };
    if items.len() != count {
        return Err(ReplyError::Json);
    }
    items.into_iter().map(|item| item.0.outcome()).collect()
}
