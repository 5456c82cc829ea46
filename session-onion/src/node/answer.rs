//! What a node sends back.

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;

use crate::base64;
use crate::cipher::LayerKey;
use crate::json::push_text;

/// What a node sends back: a status and a body, text or the encrypted answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, as in HTTP.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer in plain text.
    pub(crate) fn plain(status: u16, text: impl fmt::Display) -> Self {
        Self {
            status,
            body: alloc::format!("{text}").into_bytes(),
        }
    }

    /// The parts of the answer to another node: the status in decimal, and the body.
    #[must_use]
    pub fn to_parts(&self) -> [Vec<u8>; 2] {
        [
            alloc::format!("{}", self.status).into_bytes(),
            self.body.clone(),
        ]
    }

    /// What a guard answers whose queue is full.
    #[must_use]
    pub fn busy() -> Self {
        Self::plain(503, "Server busy, try again later")
    }
}

/// Why a node cannot take requests now.
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
    /// Compact JSON, sent as text or as it is, whichever the client asked for.
    Json(&'a str),
}

/// Encrypts the one answer of a layer for the client.
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

    /// Whether the client wants a result that is JSON as JSON, not as text.
    #[must_use]
    pub const fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether the client wants the encrypted answer as base64.
    #[must_use]
    pub const fn wants_base64(&self) -> bool {
        self.base64
    }

    /// Answers with a status and a result. The status of the answer itself is 200 whatever that of
    /// the result is (protocol: onion, section 7.1).
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
        // A result of JSON becomes longer as text, for its quotes are escaped.
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

    /// Answers that the node is not ready, where that shows only when the request is run.
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
            // An answer of 64 GiB: the caller could not even hold it.
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
