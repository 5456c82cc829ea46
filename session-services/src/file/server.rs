//! A file server: requests in, responses out, over a [`Store`] (protocol: file-server, sections 2
//! and 6).
//!
//! Refuse a body above the limit before it is read: [`session_types::http::announced_length`] with
//! [`Config::max_size`].

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::Rng;
use serde::Deserialize;
use serde_json::json;
use session_types::http::{self, Method, Request, Response};
use session_types::{UnixMillis, base64};

use crate::file::release::{Channel, Release};
use crate::file::token::{MAX_DAYS, TokenInfo};
use crate::file::{FileId, IdHasher, IdRule, MAX_SIZE, MAX_TTL, TTL_HEADER};
use crate::{json, version};

/// Number of attempts to find a free numeric id.
const NUMBER_TRIES: usize = 25;

/// Which server is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// The published code of 2024: no `extend`, no `X-FS-TTL`, no `expires`.
    V2024,
    /// The newest.
    Newest,
}

/// Settings of a file server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which server is played.
    pub generation: Generation,
    /// Rule for ids.
    pub ids: IdRule,
    /// Maximum size of a file in bytes.
    pub max_size: usize,
    /// Time to live without `X-FS-TTL`.
    pub ttl: Duration,
    /// Maximum of `X-FS-TTL`. Without one the header is ignored.
    pub max_ttl: Option<Duration>,
    /// The newest releases: platform, as it stands in the query, and channel.
    pub releases: Vec<(String, Channel, Release)>,
    /// Platforms without a known release.
    pub platforms: Vec<String>,
    /// The figures of the token.
    pub token: Option<TokenInfo>,
}

impl Default for Config {
    /// The deployed server: the newest, ids by hash, 10 MB, 14 days.
    fn default() -> Self {
        Self {
            generation: Generation::Newest,
            ids: IdRule::Http,
            max_size: MAX_SIZE,
            ttl: MAX_TTL,
            max_ttl: Some(MAX_TTL),
            releases: Vec::new(),
            platforms: ["desktop", "android", "ios"].map(String::from).to_vec(),
            token: None,
        }
    }
}

/// Metadata of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Size in bytes.
    pub size: u64,
    /// Time of the upload.
    pub uploaded: UnixMillis,
    /// Expiry.
    pub expires: UnixMillis,
}

/// Storage of a file server. The methods need not check expiry.
pub trait Store {
    /// Error of the store.
    type Error;

    /// Returns size and times of a file, or `None` for an unknown id.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn meta(&self, id: &FileId) -> Result<Option<Meta>, Self::Error>;

    /// Returns the content of a file, or `None` for an unknown id.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn content(&self, id: &FileId) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Stores a file, in place of any that has the id.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn insert(&mut self, id: &FileId, content: Vec<u8>, meta: Meta) -> Result<(), Self::Error>;

    /// Sets the times of a file that is there.
    ///
    /// # Errors
    ///
    /// [`Store::Error`] if the store fails.
    fn update(&mut self, id: &FileId, meta: Meta) -> Result<(), Self::Error>;
}

/// Returns the file unless it has expired.
pub(crate) fn live<S: Store>(
    store: &S,
    id: &FileId,
    now: UnixMillis,
) -> Result<Option<Meta>, S::Error> {
    let meta = store.meta(id)?;
    Ok(meta.filter(|meta| now < meta.expires))
}

/// A parameter of a query.
fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query
        .split('&')
        .filter_map(|part| part.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Answers a request.
///
/// `rng` draws numeric ids. The status of the response is all that a client decides by.
///
/// # Errors
///
/// [`Store::Error`] if the store fails; the server answers 500 then.
pub fn handle<S: Store>(
    config: &Config,
    request: Request,
    now: UnixMillis,
    rng: &mut impl Rng,
    store: &mut S,
) -> Result<Response, S::Error> {
    let (path, query) = request.path_and_query();
    let Some(path) = path.strip_prefix('/') else {
        let text = "Invalid v4 onion request";
        return Ok(Response::new(400, json::TEXT, text));
    };
    let parts: Vec<&str> = path.split('/').collect();
    let newest = config.generation == Generation::Newest;
    match (request.method, parts.as_slice()) {
        (Method::Post, ["file"]) => upload(config, request, now, rng, store),
        (Method::Post, ["files"]) => upload_legacy(config, &request, now, rng, store),
        (Method::Get, ["file", id]) => match id.parse() {
            Ok(id) => download(config, &id, now, store),
            Err(_) => Ok(json::status(404)),
        },
        (Method::Get, ["files", id]) => match id.parse() {
            Ok(id) => download_legacy(&id, now, store),
            Err(_) => Ok(json::status(404)),
        },
        (Method::Get, ["file", id, "info"]) => Ok(match id.parse() {
            Ok(id) => live(store, &id, now)?.map_or_else(|| json::status(404), info),
            Err(_) => json::status(404),
        }),
        (Method::Post, ["file", id, "extend"]) if newest => match id.parse() {
            Ok(id) => extend(config, &request, &id, now, store),
            Err(_) => Ok(json::status(404)),
        },
        (Method::Get, ["session_version"]) => Ok(session_version(config, &request, query, now)),
        (Method::Get, ["token_info"]) if newest => Ok(token_info(config, query)),
        (
            _,
            ["file" | "files"] | ["file" | "files", _] | ["file", _, "info"] | ["session_version"],
        ) => Ok(json::status(405)),
        _ => Ok(json::status(404)),
    }
}

/// Returns the time to live that a request asks for, or `None` if the header is refused.
fn ttl(config: &Config, request: &Request) -> Option<Duration> {
    let asked = request.header(TTL_HEADER);
    match (config.generation, config.max_ttl, asked) {
        (Generation::Newest, Some(max), Some(text)) => {
            let ttl = Duration::from_secs(text.parse().ok()?);
            (ttl <= max).then_some(ttl)
        }
        _ => Some(config.ttl),
    }
}

fn upload<S: Store>(
    config: &Config,
    request: Request,
    now: UnixMillis,
    rng: &mut impl Rng,
    store: &mut S,
) -> Result<Response, S::Error> {
    let ttl = ttl(config, &request);
    Ok(match put(config, request.body, ttl, now, rng, store)? {
        Err(status) => json::status(status),
        Ok((id, meta)) => json::reply(
            200,
            &match config.generation {
                Generation::V2024 => json!({ "id": id.as_str() }),
                Generation::Newest => {
                    json!({ "id": id.as_str(), "expires": meta.expires.as_secs_f64() })
                }
            },
        ),
    })
}

fn upload_legacy<S: Store>(
    config: &Config,
    request: &Request,
    now: UnixMillis,
    rng: &mut impl Rng,
    store: &mut S,
) -> Result<Response, S::Error> {
    #[derive(Deserialize)]
    struct Fields {
        file: String,
    }
    let fields = serde_json::from_slice(&request.body).ok();
    let Some(content) = fields.and_then(|Fields { file }| base64::decode(file)) else {
        return Ok(json::status(400));
    };
    Ok(
        match put(config, content, Some(config.ttl), now, rng, store)? {
            Err(status) => json::status(status),
            Ok((id, _)) => {
                let result = match id.as_str().parse::<u64>() {
                    Ok(number) if !id.is_extendable() => json!(number),
                    _ => json!(id.as_str()),
                };
                json::reply(200, &json!({ "result": result, "status_code": 200 }))
            }
        },
    )
}

/// Stores a file. The inner error is a status.
pub(crate) fn put<S: Store>(
    config: &Config,
    content: Vec<u8>,
    ttl: Option<Duration>,
    now: UnixMillis,
    rng: &mut impl Rng,
    store: &mut S,
) -> Result<Result<(FileId, Meta), u16>, S::Error> {
    let size = match u64::try_from(content.len()) {
        Ok(size) if size > 0 && content.len() <= config.max_size => size,
        _ => return Ok(Err(413)),
    };
    let Some(ttl) = ttl else {
        return Ok(Err(400));
    };
    let mut hasher = match config.ids {
        IdRule::Http => IdHasher::http(),
        IdRule::Quic => IdHasher::quic(),
        IdRule::Number => {
            let mut free = None;
            for _ in 0..NUMBER_TRIES {
                let id = FileId::from_number(rng.next_u64());
                if live(store, &id, now)?.is_none() {
                    free = Some(id);
                    break;
                }
            }
            let Some(id) = free else {
                return Ok(Err(507));
            };
            let meta = Meta {
                size,
                uploaded: now,
                expires: now.saturating_add(ttl),
            };
            store.insert(&id, content, meta)?;
            return Ok(Ok((id, meta)));
        }
    };
    hasher.update(&content);
    let id = hasher.finalize();
    let known = live(store, &id, now)?;
    let meta = Meta {
        size,
        uploaded: match (known, config.ids) {
            (Some(known), IdRule::Quic) => known.uploaded,
            _ => now,
        },
        expires: known
            .map_or(UnixMillis::EPOCH, |known| known.expires)
            .max(now.saturating_add(ttl)),
    };
    match known {
        Some(_) => store.update(&id, meta)?,
        None => store.insert(&id, content, meta)?,
    }
    Ok(Ok((id, meta)))
}

fn download<S: Store>(
    config: &Config,
    id: &FileId,
    now: UnixMillis,
    store: &S,
) -> Result<Response, S::Error> {
    let Some(meta) = live(store, id, now)? else {
        return Ok(json::status(404));
    };
    let Some(content) = store.content(id)? else {
        return Ok(json::status(404));
    };
    let response = Response::new(200, json::BYTES, content);
    Ok(match config.generation {
        Generation::V2024 => response,
        Generation::Newest => response.with_header("expires", http::date(meta.expires)),
    })
}

fn download_legacy<S: Store>(
    id: &FileId,
    now: UnixMillis,
    store: &S,
) -> Result<Response, S::Error> {
    let content = match live(store, id, now)? {
        Some(_) => store.content(id)?,
        None => None,
    };
    Ok(match content {
        None => json::status(404),
        Some(content) => {
            let result = base64::encode(content);
            json::reply(200, &json!({ "status_code": 200, "result": result }))
        }
    })
}

fn info(meta: Meta) -> Response {
    json::reply(
        200,
        &json!({
            "size": meta.size,
            "uploaded": meta.uploaded.as_secs_f64(),
            "expires": meta.expires.as_secs_f64(),
        }),
    )
}

fn extend<S: Store>(
    config: &Config,
    request: &Request,
    id: &FileId,
    now: UnixMillis,
    store: &mut S,
) -> Result<Response, S::Error> {
    let Some(mut meta) = live(store, id, now)?.filter(|_| id.is_extendable()) else {
        return Ok(json::status(404));
    };
    let Some(ttl) = ttl(config, request) else {
        return Ok(json::status(400));
    };
    meta.expires = meta.expires.max(now.saturating_add(ttl));
    store.update(id, meta)?;
    Ok(info(meta))
}

fn session_version(config: &Config, request: &Request, query: &str, now: UnixMillis) -> Response {
    if let Err(error) = version::check(request, now) {
        return error.response();
    }
    let platform = parameter(query, "platform");
    let channel = parameter(query, "release_channel").map_or(Some(Channel::Stable), Channel::parse);
    let (Some(platform), Some(channel)) = (platform, channel) else {
        return json::status(404);
    };
    let known = config
        .releases
        .iter()
        .find(|(name, of, _)| name == platform && *of == channel);
    match known {
        Some((_, _, release)) => release.reply(),
        None if config.platforms.iter().any(|name| name == platform) => json::status(502),
        None => json::status(404),
    }
}

fn token_info(config: &Config, query: &str) -> Response {
    let days = parameter(query, "days").and_then(|days| days.parse::<u8>().ok());
    let days = days
        .filter(|days| (1..=MAX_DAYS).contains(days))
        .unwrap_or(7);
    match &config.token {
        None => json::status(502),
        Some(info) => {
            let mut info = info.clone();
            info.history.truncate(usize::from(days));
            info.reply()
        }
    }
}
