//! A community server: requests in, responses out, over a [`Store`] (protocol: sogs).
//!
//! [`handle`] verifies the request and answers it with the statuses, bodies and order of
//! errors of the deployed server. One lock around server and store suffices.

mod access;
pub mod batch;
pub mod files;
pub mod inbox;
mod memory;
pub mod messages;
mod page;
pub mod rooms;
mod store;
pub mod users;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::json;
use session_crypto::X25519Public;
use session_types::http::{Method, Request, Response, percent_decode};
use session_types::{AnyId, UnixMillis};

use crate::auth::{Accepted, AuthError, Claim};
use crate::json::JSON;

pub use memory::Memory;
pub use store::{
    Defaults, File, Future, InboxItem, Member, Pin, Post, Reactors, Room, Store, User, Whisper,
};

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's key, which requests sign.
    pub key: X25519Public,
    /// Which ids it accepts.
    pub accepted: Accepted,
    /// Maximum size of a file in bytes.
    pub max_file: usize,
    /// Number of posts that a user may make in a room within [`rate_span`](Self::rate_span).
    pub rate_posts: usize,
    /// The span of the rate limit.
    pub rate_span: Duration,
}

impl Config {
    /// The settings of a deployed server that requires blinded ids.
    #[must_use]
    pub const fn new(key: X25519Public) -> Self {
        Self {
            key,
            accepted: Accepted::Blinded15,
            max_file: crate::request::FILE_MAX,
            rate_posts: crate::rate::POSTS,
            rate_span: crate::rate::SPAN,
        }
    }

    /// Returns the capabilities in ascending order.
    #[must_use]
    pub fn capabilities(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        if matches!(self.accepted, Accepted::Blinded15 | Accepted::Blinded25) {
            names.push("blind");
        }
        if matches!(self.accepted, Accepted::Any25 | Accepted::Blinded25) {
            names.push("blind25");
        }
        names.extend(["reactions", "sogs"]);
        names
    }
}

/// A response, or one that ends the request early, or a failure of the store.
pub(crate) type Answer<E> = Result<Response, Stop<E>>;

/// Early end of a request.
pub(crate) enum Stop<E> {
    /// With this response.
    Response(Response),
    /// The store failed.
    Store(E),
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

/// Ends a request with a response.
pub(crate) fn stop<T, E>(response: Response) -> Result<T, Stop<E>> {
    Err(Stop::Response(response))
}

/// Writes a response of JSON.
pub(crate) fn ok(body: &serde_json::Value) -> Response {
    Response::new(200, JSON, body.to_string())
}

/// User and time of a request.
pub(crate) struct Context<'a> {
    pub(crate) config: &'a Config,
    /// The user as others see them; `None` for an anonymous request.
    pub(crate) user: Option<AnyId>,
    pub(crate) now: UnixMillis,
}

impl Context<'_> {
    /// Returns the user, who must be authenticated.
    pub(crate) fn user<E>(&self) -> Result<AnyId, Stop<E>> {
        match self.user {
            Some(user) => Ok(user),
            None => stop(AuthError::Required.response()),
        }
    }
}

/// Answers a request.
///
/// # Errors
///
/// [`Store::Error`] if the store fails; the server answers 500 then.
pub fn handle<S: Store>(
    config: &Config,
    request: &Request,
    now: UnixMillis,
    store: &mut S,
) -> Result<Response, S::Error> {
    finish(outer(config, request, now, store))
}

/// Applies scheduled changes of permissions whose time has come. Deployed servers do this every ten
/// seconds.
///
/// # Errors
///
/// [`Store::Error`] if the store fails.
pub fn apply_scheduled<S: Store>(store: &mut S, now: UnixMillis) -> Result<(), S::Error> {
    access::apply_futures(store, now)
}

fn finish<E>(answer: Answer<E>) -> Result<Response, E> {
    match answer {
        Ok(response) | Err(Stop::Response(response)) => Ok(response),
        Err(Stop::Store(error)) => Err(error),
    }
}

/// Checks the route, then the authentication, then answers.
fn outer<S: Store>(
    config: &Config,
    request: &Request,
    now: UnixMillis,
    store: &mut S,
) -> Answer<S::Error> {
    if !request.path.starts_with('/') {
        return Ok(page::bad_request());
    }
    // An unknown room is not found before anything else is looked at.
    if let Some(response) = unknown_room(request, store)? {
        return Ok(response);
    }
    let user = match authenticate(config, request, now, store)? {
        Ok(user) => user,
        Err(error) => return Ok(error.response()),
    };
    let context = Context { config, user, now };
    match (request.method, request.path.as_str()) {
        (Method::Post, "/batch") => batch::handle(&context, request, store, false),
        (Method::Post, "/sequence") => batch::handle(&context, request, store, true),
        _ => route(&context, request, store),
    }
}

fn unknown_room<S: Store>(
    request: &Request,
    store: &S,
) -> Result<Option<Response>, Stop<S::Error>> {
    let (path, _) = request.path_and_query();
    let Some(rest) = path.strip_prefix("/room/") else {
        return Ok(None);
    };
    let token = rest.split('/').next().map(percent_decode);
    let known = match token {
        Some(Some(token)) => store.room(&token)?.is_some(),
        _ => false,
    };
    Ok((!known).then(page::not_found))
}

/// Verifies the headers in the order of the server. The nonce is spent before the signature is
/// looked at; a banned user is told so before either.
fn authenticate<S: Store>(
    config: &Config,
    request: &Request,
    now: UnixMillis,
    store: &mut S,
) -> Result<Result<Option<AnyId>, AuthError>, Stop<S::Error>> {
    let claim = match Claim::read(request, config.accepted, now) {
        Ok(Some(claim)) => claim,
        Ok(None) => return Ok(Ok(None)),
        Err(error) => return Ok(Err(error)),
    };
    let known = store.user(&claim.public_id)?;
    let user = match known {
        None => users::remembered(&claim.public_id, store)?,
        known => known,
    };
    if user.is_some_and(|user| user.is_banned(now)) {
        return Ok(Err(AuthError::Banned));
    }
    if !store.spend_nonce(&claim.id, &claim.nonce, now)? {
        return Ok(Err(AuthError::NonceReused));
    }
    if let Err(error) = claim.verify(request, &config.key) {
        return Ok(Err(error));
    }
    if known.is_none() {
        users::appear(&claim.public_id, store)?;
    }
    Ok(Ok(Some(claim.public_id)))
}

/// A parameter of a query that is an integer.
pub(crate) fn parameter<E>(query: &str, name: &str) -> Result<Option<i64>, Stop<E>> {
    match text_parameter(query, name) {
        None => Ok(None),
        Some(text) => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => stop(page::bad_request()),
        },
    }
}

fn text_parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut parts = query.split('&').filter_map(|part| part.split_once('='));
    parts.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Answers a request whose user is known; also those inside of a batch.
pub(crate) fn route<S: Store>(
    context: &Context<'_>,
    request: &Request,
    store: &mut S,
) -> Answer<S::Error> {
    let (path, query) = request.path_and_query();
    let (Some(path), method) = (percent_decode(path), request.method) else {
        return Ok(page::bad_request());
    };
    let Some(path) = path.strip_prefix('/') else {
        return Ok(page::bad_request());
    };
    if let Some(rest) = path.strip_prefix("room/") {
        let (token, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(room) = store.room(token)? else {
            return Ok(page::not_found());
        };
        return room_route(context, request, query, room, rest, store);
    }
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        (Method::Get, ["capabilities"]) => Ok(capabilities(context.config, query)),
        (Method::Get, ["rooms"]) => rooms::all(context, store),
        (Method::Delete, ["rooms", "all", user]) => {
            messages::delete_everywhere(context, user, store)
        }
        (Method::Post, ["user", user, "moderator"]) => {
            users::moderator(context, user, &request.body, store)
        }
        (Method::Post, ["user", user, "ban"]) => {
            users::ban(context, user, &request.body, store, true)
        }
        (Method::Post, ["user", user, "unban"]) => {
            users::ban(context, user, &request.body, store, false)
        }
        (Method::Get, [side @ ("inbox" | "outbox")]) => {
            inbox::list(context, *side == "inbox", None, query, store)
        }
        (Method::Get, [side @ ("inbox" | "outbox"), "since", id]) => match id.parse() {
            Ok(id) => inbox::list(context, *side == "inbox", Some(id), query, store),
            Err(_) => Ok(page::not_found()),
        },
        (Method::Post, ["inbox", recipient]) => {
            inbox::send(context, recipient, &request.body, store)
        }
        (Method::Delete, ["inbox"]) => inbox::delete(context, store),
        _ => Ok(page::not_found()),
    }
}

fn room_route<S: Store>(
    context: &Context<'_>,
    request: &Request,
    query: &str,
    room: Room,
    rest: &str,
    store: &mut S,
) -> Answer<S::Error> {
    let body = request.body.as_slice();
    // An emoji is everything behind the id.
    let parts: Vec<&str> = rest.splitn(3, '/').collect();
    let number = |text: &str| text.parse::<u64>().ok();
    let answer = match (request.method, parts.as_slice()) {
        (Method::Get, [""]) => Some(rooms::one(context, &room, store)),
        (Method::Put, [""]) => Some(rooms::change(context, room, body, store)),
        (Method::Get, ["pollInfo", known]) => {
            number(known).map(|known| rooms::poll(context, &room, known, store))
        }
        (Method::Get, ["permissions"]) => Some(rooms::permissions(context, &room, None, store)),
        (Method::Get, ["permissions", user]) => {
            Some(rooms::permissions(context, &room, Some(user), store))
        }
        (Method::Post, ["permissions", user]) => {
            Some(rooms::set_permissions(context, &room, user, body, store))
        }
        (Method::Get, ["futurePermissions"]) => Some(rooms::futures(context, &room, None, store)),
        (Method::Get, ["futurePermissions", user]) => {
            Some(rooms::futures(context, &room, Some(user), store))
        }
        (Method::Post, ["futurePermissions", user]) => {
            Some(rooms::schedule(context, &room, user, body, store))
        }
        (Method::Get, ["messages", "recent"]) => {
            Some(messages::page(context, &room, None, query, store))
        }
        (Method::Get, ["messages", "before", id]) => {
            number(id).map(|id| messages::page(context, &room, Some(id), query, store))
        }
        (Method::Get, ["messages", "since", seqno]) => {
            number(seqno).map(|seqno| messages::since(context, &room, seqno, query, store))
        }
        (Method::Get, ["message", id]) => {
            number(id).map(|id| messages::one(context, &room, id, store))
        }
        (Method::Post, ["message"]) => Some(messages::post(context, room, body, store)),
        (Method::Put, ["message", id]) => {
            number(id).map(|id| messages::edit(context, room, id, body, store))
        }
        (Method::Delete, ["message", id]) => {
            number(id).map(|id| messages::delete(context, room, id, store))
        }
        (Method::Delete, ["all", user]) => Some(messages::delete_all(context, room, user, store)),
        (Method::Post, ["pin", id]) => number(id).map(|id| messages::pin(context, room, id, store)),
        (Method::Post, ["unpin", "all"]) => Some(messages::unpin(context, room, None, store)),
        (Method::Post, ["unpin", id]) => {
            number(id).map(|id| messages::unpin(context, room, Some(id), store))
        }
        (Method::Put, ["reaction", id, emoji]) => {
            number(id).map(|id| messages::react(context, room, id, emoji, store, true))
        }
        (Method::Delete, ["reaction", id, emoji]) => {
            number(id).map(|id| messages::react(context, room, id, emoji, store, false))
        }
        (Method::Delete, ["reactions", id]) => {
            number(id).map(|id| messages::delete_reactions(context, room, id, None, store))
        }
        (Method::Delete, ["reactions", id, emoji]) => {
            number(id).map(|id| messages::delete_reactions(context, room, id, Some(emoji), store))
        }
        (Method::Get, ["reactors", id, emoji]) => {
            number(id).map(|id| messages::reactors(context, &room, id, emoji, query, store))
        }
        (Method::Post, ["file"]) => Some(files::upload(context, &room, request, store)),
        (Method::Get, ["file", id] | ["file", id, _]) => {
            number(id).map(|id| files::download(context, &room, id, store))
        }
        _ => None,
    };
    answer.unwrap_or_else(|| Ok(page::not_found()))
}

fn capabilities(config: &Config, query: &str) -> Response {
    let known = config.capabilities();
    let required = text_parameter(query, "required").unwrap_or("");
    let missing: Vec<String> = required
        .split(',')
        .filter(|name| !name.is_empty() && !known.contains(name))
        .map(String::from)
        .collect();
    if missing.is_empty() {
        return ok(&json!({ "capabilities": known }));
    }
    let body = json!({ "capabilities": known, "missing": missing });
    Response::new(412, JSON, body.to_string())
}
