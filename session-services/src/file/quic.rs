//! The QUIC file protocol, both sides, without I/O (protocol: file-server, section 4; its status is `upcoming`).
//!
//! Stream 0 of a connection is a request stream with the endpoints [`INFO`] and [`EXTEND`]; each further stream is one
//! transfer, which begins with a [`Block`]:
//!
//! ```text
//! PUT  len:d 1:! 3:PUT 1:s size [1:t seconds] e | bytes | FIN  ->  d 1:# id 1:u time 1:x time e | FIN
//! GET  len:d 1:! 3:GET 1:# id e | FIN                          ->  len:d 1:s size 1:u time 1:x time e | bytes | FIN
//! ```
//!
//! Times are Unix seconds. A transfer that fails is closed with a [`code`].

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::Rng;
use serde::Deserialize;
use serde_json::json;
use session_proto::bt::{self, Dict};
use session_types::UnixMillis;

use crate::file::server::{Config, Meta, Store, live, put};
use crate::file::{FileId, IdRule};

/// The UDP port of the deployed servers.
pub const PORT: u16 = 11_235;
/// Maximum size of a file in bytes: 9.75 MiB.
pub const MAX_SIZE: usize = 10_223_616;
/// The least time to live of an upload.
pub const MIN_TTL: Duration = Duration::from_secs(30);
/// Maximum length of the dict of a block, in bytes.
pub const MAX_BLOCK: usize = 9_999;
/// The endpoint that returns size and times of a file.
pub const INFO: &[u8] = b"file_info";
/// The endpoint that extends the expiry of a file.
pub const EXTEND: &[u8] = b"file_extend";

/// Application codes with which a stream is closed.
pub mod code {
    /// The block or its dict cannot be read, or bytes follow where there are none.
    pub const BAD_REQUEST: u32 = 400;
    /// There is no such file.
    pub const NOT_FOUND: u32 = 404;
    /// The command is neither `PUT` nor `GET`.
    pub const UNKNOWN: u32 = 405;
    /// A `PUT` without a size.
    pub const NO_SIZE: u32 = 450;
    /// A size of zero, or above the limit.
    pub const BAD_SIZE: u32 = 451;
    /// Fewer bytes than announced.
    pub const TOO_SHORT: u32 = 452;
    /// More bytes than announced.
    pub const TOO_LONG: u32 = 453;
    /// The server cannot store or read the file.
    pub const STORE: u32 = 480;
    /// A client has stopped a download.
    pub const STOPPED: u32 = 499;
    /// Anything else.
    pub const INTERNAL: u32 = 500;
}

/// What a transfer begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// An upload.
    Put {
        /// Number of bytes that follow.
        size: usize,
        /// The time to live that is asked for.
        ttl: Option<Duration>,
    },
    /// A download.
    Get(FileId),
}

/// Splits a length prefix and so many bytes off. `None` if there are not enough bytes yet.
fn prefixed(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, u32> {
    let digits = bytes
        .iter()
        .take(5)
        .take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    let Some((length, rest)) = bytes.split_at_checked(digits) else {
        return Err(code::BAD_REQUEST);
    };
    if digits > 4 || length.starts_with(b"0") {
        return Err(code::BAD_REQUEST);
    }
    match rest {
        [] => return Ok(None),
        [b':', ..] if digits > 0 => {}
        _ => return Err(code::BAD_REQUEST),
    }
    let length = core::str::from_utf8(length).ok();
    let length: usize = length
        .and_then(|length| length.parse().ok())
        .ok_or(code::BAD_REQUEST)?;
    let start = digits.saturating_add(1);
    let end = start.saturating_add(length);
    Ok(bytes.get(start..end).map(|dict| (dict, end)))
}

fn with_prefix(dict: &[u8]) -> Vec<u8> {
    let mut out = dict.len().to_string().into_bytes();
    out.push(b':');
    out.extend_from_slice(dict);
    out
}

/// Whether a dict has these keys alone.
fn has_only(dict: Dict<'_>, keys: &[&[u8]]) -> bool {
    dict.iter().all(|entry| keys.contains(&entry.key))
}

fn id_of(bytes: &[u8]) -> Option<FileId> {
    core::str::from_utf8(bytes).ok()?.parse().ok()
}

impl Block {
    /// Encodes the block.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        with_prefix(&bt::dict(|d| match self {
            Self::Put { size, ttl } => {
                d.bytes(b"!", b"PUT").int(b"s", *size as u64);
                if let Some(ttl) = ttl {
                    d.int(b"t", ttl.as_secs());
                }
            }
            Self::Get(id) => {
                d.bytes(b"!", b"GET").bytes(b"#", id.as_str().as_bytes());
            }
        }))
    }

    /// Parses the block at the beginning of a stream and returns it with its length, or `None` if it is incomplete.
    ///
    /// # Errors
    ///
    /// The [`code`] to close the stream with.
    pub fn read(bytes: &[u8], max_size: usize) -> Result<Option<(Self, usize)>, u32> {
        let Some((dict, taken)) = prefixed(bytes)? else {
            return Ok(None);
        };
        let dict = bt::parse_dict(dict).map_err(|_| code::BAD_REQUEST)?;
        let block = match dict.bytes("!").map_err(|_| code::BAD_REQUEST)? {
            b"PUT" if has_only(dict, &[b"!", b"s", b"t"]) => {
                let size = dict.get(b"s").ok_or(code::NO_SIZE)?;
                let size = size.as_int().ok_or(code::BAD_REQUEST)?;
                let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
                let size = size.filter(|size| (1..=max_size).contains(size));
                let ttl = match dict.get(b"t") {
                    None => None,
                    Some(ttl) => {
                        let seconds = ttl.as_int().ok_or(code::BAD_REQUEST)?;
                        // A negative one is clamped like one that is too short.
                        Some(Duration::from_secs(seconds.as_u64().unwrap_or(0)))
                    }
                };
                Self::Put {
                    size: size.ok_or(code::BAD_SIZE)?,
                    ttl,
                }
            }
            b"GET" if has_only(dict, &[b"!", b"#"]) => {
                let id = dict.bytes("#").map_err(|_| code::BAD_REQUEST)?;
                // What is no id is the id of no file.
                Self::Get(id_of(id).ok_or(code::NOT_FOUND)?)
            }
            b"PUT" | b"GET" => return Err(code::BAD_REQUEST),
            _ => return Err(code::UNKNOWN),
        };
        Ok(Some((block, taken)))
    }
}

/// The reply to an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The id. Opaque: the rule is not that of the HTTP server.
    pub id: FileId,
    /// Time of the first upload, in Unix seconds.
    pub uploaded: u64,
    /// Expiry, in Unix seconds.
    pub expires: u64,
}

impl Stored {
    /// Encodes the reply, which has no length in front.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        bt::dict(|d| {
            d.bytes(b"#", self.id.as_str().as_bytes())
                .int(b"u", self.uploaded)
                .int(b"x", self.expires);
        })
    }

    /// Parses the whole reply, with a length in front or without. `None` if it is malformed.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let dict = match bytes.first()? {
            b'd' => bytes,
            _ => match prefixed(bytes).ok()?? {
                (dict, taken) if taken == bytes.len() => dict,
                _ => return None,
            },
        };
        let dict = bt::parse_dict(dict).ok()?;
        Some(Self {
            id: id_of(dict.bytes("#").ok()?)?,
            uploaded: dict.u64("u").ok()?,
            expires: dict.u64("x").ok()?,
        })
    }
}

/// The head of a download, after which the bytes follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of bytes.
    pub size: usize,
    /// Time of the upload, in Unix seconds.
    pub uploaded: u64,
    /// Expiry, in Unix seconds.
    pub expires: u64,
}

impl Head {
    /// Returns the head of a file.
    #[must_use]
    pub fn of(meta: &Meta, size: usize) -> Self {
        Self {
            size,
            uploaded: meta.uploaded.as_secs(),
            expires: meta.expires.as_secs(),
        }
    }

    /// Encodes the head.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        with_prefix(&bt::dict(|d| {
            d.int(b"s", self.size as u64)
                .int(b"u", self.uploaded)
                .int(b"x", self.expires);
        }))
    }

    /// Parses the head at the beginning of a reply and returns it with its length, or `None` if it is incomplete. A
    /// download is complete only if exactly [`size`](Self::size) bytes follow.
    ///
    /// # Errors
    ///
    /// The [`code`] to close the stream with.
    pub fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, u32> {
        let Some((dict, taken)) = prefixed(bytes)? else {
            return Ok(None);
        };
        let dict = bt::parse_dict(dict).map_err(|_| code::BAD_REQUEST)?;
        let number = |key| dict.u64(key).map_err(|_| code::BAD_REQUEST);
        let size = usize::try_from(number("s")?).map_err(|_| code::BAD_REQUEST)?;
        if size > MAX_SIZE {
            return Err(code::BAD_SIZE);
        }
        let head = Self {
            size,
            uploaded: number("u")?,
            expires: number("x")?,
        };
        Ok(Some((head, taken)))
    }
}

/// Stores an upload whose bytes are all there.
///
/// # Errors
///
/// [`Store::Error`] if the store fails; the server closes the stream with [`code::STORE`] then.
pub fn upload<S: Store>(
    config: &Config,
    content: Vec<u8>,
    ttl: Option<Duration>,
    now: UnixMillis,
    rng: &mut impl Rng,
    store: &mut S,
) -> Result<Result<Stored, u32>, S::Error> {
    let config = Config {
        ids: IdRule::Quic,
        max_size: MAX_SIZE,
        ..config.clone()
    };
    let longest = config.max_ttl.unwrap_or(config.ttl);
    let ttl = ttl
        .unwrap_or(config.ttl)
        .clamp(MIN_TTL, longest.max(MIN_TTL));
    let stored = put(&config, content, Some(ttl), now, rng, store)?;
    Ok(stored.map_err(|_| code::BAD_SIZE).map(|(id, meta)| Stored {
        id,
        uploaded: meta.uploaded.as_secs(),
        expires: meta.expires.as_secs(),
    }))
}

/// The head of a download and the bytes that follow, or the code to close the stream with.
pub type Download = Result<(Head, Vec<u8>), u32>;

/// Returns a file with the head of its reply, or the code to close the stream with.
///
/// # Errors
///
/// [`Store::Error`] if the store fails.
pub fn download<S: Store>(id: &FileId, now: UnixMillis, store: &S) -> Result<Download, S::Error> {
    let Some(meta) = live(store, id, now)? else {
        return Ok(Err(code::NOT_FOUND));
    };
    Ok(match store.content(id)? {
        None => Err(code::NOT_FOUND),
        Some(content) => Ok((Head::of(&meta, content.len()), content)),
    })
}

/// The answer to a command on stream 0: a reply, or the text of an error.
pub type CommandAnswer = Result<Vec<u8>, Vec<u8>>;

/// A command, in either of its two forms.
struct Asked {
    id: Option<FileId>,
    ttl: Option<Duration>,
    is_json: bool,
}

fn read_command(body: &[u8], takes_ttl: bool) -> Option<Asked> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Fields {
        id: String,
        ttl: Option<u64>,
    }
    if body.starts_with(b"{") {
        let fields: Fields = serde_json::from_slice(body).ok()?;
        return Some(Asked {
            id: fields.id.parse().ok(),
            ttl: fields.ttl.filter(|_| takes_ttl).map(Duration::from_secs),
            is_json: true,
        });
    }
    let dict = bt::parse_dict(body).ok()?;
    let ttl = match dict.get(b"t") {
        Some(ttl) if takes_ttl => Some(Duration::from_secs(ttl.as_int()?.as_u64()?)),
        _ => None,
    };
    Some(Asked {
        id: id_of(dict.bytes("#").ok()?),
        ttl,
        is_json: false,
    })
}

/// Answers a command on stream 0, or returns `None` for an unknown endpoint.
///
/// # Errors
///
/// [`Store::Error`] if the store fails; the server answers `INTERNAL_ERROR` then.
pub fn command<S: Store>(
    config: &Config,
    endpoint: &[u8],
    body: &[u8],
    now: UnixMillis,
    store: &mut S,
) -> Result<Option<CommandAnswer>, S::Error> {
    if endpoint != INFO && endpoint != EXTEND {
        return Ok(None);
    }
    let Some(asked) = read_command(body, endpoint == EXTEND) else {
        return Ok(Some(Err(b"BAD_REQUEST".to_vec())));
    };
    let meta = match &asked.id {
        Some(id) => live(store, id, now)?,
        None => None,
    };
    let (Some(id), Some(mut meta)) = (&asked.id, meta) else {
        let text: &[u8] = match asked.is_json {
            true => br#"{"error":"NOT_FOUND"}"#,
            false => b"NOT_FOUND",
        };
        return Ok(Some(Err(text.to_vec())));
    };
    if endpoint == EXTEND {
        let longest = config.max_ttl.unwrap_or(config.ttl);
        let least = Duration::from_secs(1);
        let ttl = asked
            .ttl
            .unwrap_or(config.ttl)
            .clamp(least, longest.max(least));
        meta.expires = meta.expires.max(now.saturating_add(ttl));
        store.update(id, meta)?;
    }
    let (uploaded, expires) = (meta.uploaded.as_secs(), meta.expires.as_secs());
    let (name, size) = (id.as_str(), meta.size);
    let body = match (asked.is_json, endpoint == EXTEND) {
        (false, extends) => bt::dict(|d| {
            d.bytes(b"#", name.as_bytes());
            if !extends {
                d.int(b"s", size);
            }
            d.int(b"u", uploaded).int(b"x", expires);
        }),
        (true, false) => {
            json!({"id": name, "size": size, "uploaded": uploaded, "expires": expires})
                .to_string()
                .into_bytes()
        }
        (true, true) => json!({"id": name, "uploaded": uploaded, "expires": expires})
            .to_string()
            .into_bytes(),
    };
    Ok(Some(Ok(body)))
}
