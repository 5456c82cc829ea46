//! The answers of a node.

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use session_types::base64;

use crate::cipher::LayerKey;
use crate::json::push_text;

/// The answer of a node: a status and a body, plain text or encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, as in HTTP.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Creates an answer in plain text.
    pub(crate) fn plain(status: u16, text: impl fmt::Display) -> Self {
        Self {
            status,
            body: alloc::format!("{text}").into_bytes(),
        }
    }

    /// Returns the parts of the answer to another node: the status in decimal, and the body.
    #[must_use]
    pub fn to_parts(&self) -> [Vec<u8>; 2] {
        [
            alloc::format!("{}", self.status).into_bytes(),
            self.body.clone(),
        ]
    }

    /// Creates the answer of a guard with a full queue.
    #[must_use]
    pub fn busy() -> Self {
        Self::plain(503, "Server busy, try again later")
    }
}

/// The reason why a node is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotReady {
    /// The chain has not reached this hard fork, major and minor.
    Hardfork(u8, u8),
    /// The node belongs to no swarm.
    NoSwarm,
    /// The node is still syncing.
    Syncing,
    /// The node is about to stop.
    ShuttingDown,
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hardfork(major, minor) => write!(f, "not yet on hardfork {major}.{minor}"),
            Self::NoSwarm => f.write_str("not in any swarm"),
            Self::Syncing => f.write_str("not done syncing"),
            Self::ShuttingDown => f.write_str("shutting down"),
        }
    }
}

/// The result of a storage request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyBody<'a> {
    /// Text, as errors are.
    Text(&'a str),
    /// Bytes, sent as base64.
    Binary(&'a [u8]),
    /// Compact JSON, sent as text or embedded, as the client asked for.
    Json(&'a str),
}

/// Encrypts the one answer to a layer for the client.
#[derive(Debug)]
pub struct Replier {
    key: LayerKey,
    json: bool,
    base64: bool,
}

impl Replier {
    pub(crate) const fn new(key: LayerKey, json: bool, base64: bool) -> Self {
        Self { key, json, base64 }
    }

    /// Returns whether the client asked to embed a JSON result instead of sending it as text.
    #[must_use]
    pub const fn wants_json(&self) -> bool {
        self.json
    }

    /// Returns whether the client asked for base64.
    #[must_use]
    pub const fn wants_base64(&self) -> bool {
        self.base64
    }

    /// Encrypts a status and a result. The status of the answer itself is 200 in any case (protocol:
    /// onion, section 7.1).
    #[must_use]
    pub fn reply(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        status: u16,
        body: ReplyBody<'_>,
    ) -> Answer {
        let encoded;
        let (text, embed) = match body {
            ReplyBody::Json(json) => (json, self.json),
            ReplyBody::Text(text) => (text, false),
            ReplyBody::Binary(bytes) => {
                encoded = base64::encode(bytes);
                (encoded.as_str(), false)
            }
        };
        let nonce = self.key.cipher().nonce_length();
        // JSON becomes longer as text, because its quotes are escaped.
        let length = text.len().saturating_add(text.len() / 4);
        let mut buffer = Vec::with_capacity(length.saturating_add(128));
        buffer.resize(nonce, 0);
        buffer.extend_from_slice(b"{\"body\":");
        if embed {
            buffer.extend_from_slice(text.as_bytes());
        } else {
            push_text(&mut buffer, text);
        }
        buffer.extend_from_slice(alloc::format!(",\"status\":{status}}}").as_bytes());
        self.seal(rng, buffer, nonce)
    }

    /// Encrypts the answer that the node is not ready, if that is found only when the request runs.
    #[must_use]
    pub fn not_ready(self, rng: &mut (impl CryptoRng + ?Sized)) -> Answer {
        self.reply(rng, 503, ReplyBody::Text("Snode not ready"))
    }

    fn seal(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        mut buffer: Vec<u8>,
        start: usize,
    ) -> Answer {
        if self.key.seal_tail(rng, &mut buffer, start).is_err() {
            // Only for a result of 64 GiB or more.
            return Answer::plain(500, "Internal Server Error");
        }
        Answer {
            status: 200,
            body: if self.base64 {
                base64::encode(&buffer).into_bytes()
            } else {
                buffer
            },
        }
    }
}
