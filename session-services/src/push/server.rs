//! A push server's answers, over a [`Store`] (protocol: push, sections 1 and 2).

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value, json};
use session_crypto::SymmetricKey;
use session_types::http::{Method, Request, Response};
use session_types::{AnyId, Namespace, UnixMillis};

use crate::json;
use crate::push::request::{self, Access, Device, Fields, Refused};
use crate::push::{
    REQUEST_MAX, SIGNATURE_AGE_MAX, SIGNATURE_AHEAD_MAX, SUBSCRIBE, UNSUBSCRIBE, code,
};

/// A subscription that was verified.
#[derive(Debug)]
pub struct Subscription {
    /// The account to watch, and the signature for its nodes.
    pub access: Access,
    /// Time of signing. The subscription ends 14 days later.
    pub at: UnixMillis,
    /// The namespaces in ascending order.
    pub namespaces: Vec<Namespace>,
    /// Whether notifications contain the message.
    pub with_data: bool,
    /// Destination of notifications.
    pub device: Device,
    /// Encryption key of the payloads.
    pub key: SymmetricKey,
}

/// Storage of subscriptions. Account and device identify one.
pub trait Store {
    /// Error of the store.
    type Error;

    /// Adds a subscription or replaces it. Returns whether it is new.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn subscribe(&mut self, subscription: Subscription) -> Result<bool, Self::Error>;

    /// Removes a subscription. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn unsubscribe(&mut self, id: &AnyId, device: &Device) -> Result<bool, Self::Error>;
}

/// Answers a request. `services` are the names of the services on offer.
///
/// # Errors
///
/// [`Store::Error`] if the store fails; the server answers error 5 then.
pub fn handle<S: Store>(
    services: &[&str],
    request: &Request,
    now: UnixMillis,
    store: &mut S,
) -> Result<Response, S::Error> {
    let one = match (request.method, request.path.as_str()) {
        (Method::Post, SUBSCRIBE) => subscribe::<S>,
        (Method::Post, UNSUBSCRIBE) => unsubscribe::<S>,
        (_, SUBSCRIBE | UNSUBSCRIBE) => return Ok(Response::new(405, json::TEXT, "")),
        _ => return Ok(Response::new(404, json::TEXT, "")),
    };
    let refuse = |text| Ok(json::reply(200, &refusal((code::BAD_INPUT, text))));
    if request.body.is_empty() {
        return refuse("Invalid request: request body missing");
    }
    if request.body.len() > REQUEST_MAX {
        return refuse("Invalid request: request too large");
    }
    let item = |value: &Value, store: &mut S| match value {
        Value::Object(fields) => one(services, fields, now, store),
        _ => Ok(refusal((
            code::BAD_INPUT,
            "Invalid JSON: expected object or array of objects",
        ))),
    };
    match serde_json::from_slice(&request.body) {
        Err(_) => refuse("Invalid JSON"),
        Ok(Value::Array(items)) => {
            let mut answers = Vec::with_capacity(items.len());
            for value in &items {
                answers.push(item(value, store)?);
            }
            Ok(json::reply(200, &Value::Array(answers)))
        }
        Ok(value) => Ok(json::reply(200, &item(&value, store)?)),
    }
}

fn refusal((code, message): Refused) -> Value {
    json!({ "error": code, "message": message })
}

fn unavailable(service: &str) -> Value {
    let message = alloc::format!("{service} notification service not currently available");
    json!({ "error": code::SERVICE_NOT_AVAILABLE, "message": message })
}

/// Checks the token of a device against the service.
fn check_device(device: &Device) -> Result<(), Refused> {
    let token = device.token.as_str();
    let valid = match device.service.as_str() {
        "apns" | "apns-sandbox" => {
            token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        _ => true,
    };
    if !(1..=32).contains(&device.service.len()) || !(32..=999).contains(&token.len()) || !valid {
        return Err((code::BAD_INPUT, "Invalid service_info: invalid token"));
    }
    Ok(())
}

fn namespaces(item: &Map<String, Value>) -> Result<Vec<Namespace>, Refused> {
    let list = item.get("namespaces").and_then(Value::as_array);
    let list = list.filter(|list| !list.is_empty());
    let missing = (code::ERROR, "Subscription: namespaces missing or empty");
    let mut last: Option<i16> = None;
    let mut namespaces = Vec::new();
    for value in list.ok_or(missing)? {
        let number = value.as_i64().and_then(|number| i16::try_from(number).ok());
        let number = number.ok_or((code::BAD_INPUT, "Invalid parameter: namespaces"))?;
        match last {
            Some(last) if last == number => {
                return Err((code::ERROR, "Subscription: namespaces contains duplicates"));
            }
            Some(last) if last > number => {
                let text = "Subscription: namespaces are not sorted numerically";
                return Err((code::ERROR, text));
            }
            _ => {}
        }
        last = Some(number);
        namespaces.push(Namespace::new(number));
    }
    Ok(namespaces)
}

/// Reads and verifies a subscription. The limits of its age are exclusive.
fn read_subscription(item: &Map<String, Value>, now: UnixMillis) -> Result<Subscription, Refused> {
    let missing = (code::BAD_INPUT, "Missing required parameter");
    let fields = Fields::read(item)?;
    let with_data = item.get("data").and_then(Value::as_bool).ok_or(missing)?;
    let key = SymmetricKey::from_bytes(request::required(item, "enc_key")?);
    let namespaces = namespaces(item)?;
    // Whole seconds are compared, as the signature has no more.
    let (at, now) = (fields.at, UnixMillis::from_secs(now.as_secs()));
    if at.saturating_add(SIGNATURE_AGE_MAX) <= now {
        let text = "Subscription: sig_ts timestamp is too old";
        return Err((code::ERROR, text));
    }
    if at >= now.saturating_add(SIGNATURE_AHEAD_MAX) {
        let text = "Subscription: sig_ts timestamp is too far in the future";
        return Err((code::ERROR, text));
    }
    let text = request::subscribe_text(&fields.access.id, at, with_data, &namespaces);
    fields.verify(&text)?;
    check_device(&fields.device)?;
    Ok(Subscription {
        access: fields.access,
        at,
        namespaces,
        with_data,
        device: fields.device,
        key,
    })
}

fn subscribe<S: Store>(
    services: &[&str],
    item: &Map<String, Value>,
    now: UnixMillis,
    store: &mut S,
) -> Result<Value, S::Error> {
    let subscription = match read_subscription(item, now) {
        Ok(subscription) => subscription,
        Err(refused) => return Ok(refusal(refused)),
    };
    if !services.contains(&subscription.device.service.as_str()) {
        return Ok(unavailable(&subscription.device.service));
    }
    Ok(match store.subscribe(subscription)? {
        true => json!({ "success": true, "added": true, "message": "Subscription successful" }),
        false => {
            json!({ "success": true, "updated": true, "message": "Resubscription successful" })
        }
    })
}

fn unsubscribe<S: Store>(
    services: &[&str],
    item: &Map<String, Value>,
    now: UnixMillis,
    store: &mut S,
) -> Result<Value, S::Error> {
    let fields = match Fields::read(item) {
        Ok(fields) => fields,
        Err(refused) => return Ok(refusal(refused)),
    };
    if now.abs_diff(fields.at) > SIGNATURE_AHEAD_MAX {
        // Spelled as the deployed server spells it.
        let text = "An error occured while processing your request";
        return Ok(refusal((code::ERROR, text)));
    }
    let text = request::unsubscribe_text(&fields.access.id, fields.at);
    if let Err(refused) = fields
        .verify(&text)
        .and_then(|()| check_device(&fields.device))
    {
        return Ok(refusal(refused));
    }
    if !services.contains(&fields.device.service.as_str()) {
        return Ok(unavailable(&fields.device.service));
    }
    let removed = store.unsubscribe(&fields.access.id, &fields.device)?;
    let message = match removed {
        true => "Device unsubscribed from push notifications",
        false => "Device was not subscribed to push notifications",
    };
    Ok(json!({ "success": true, "removed": removed, "message": message }))
}
