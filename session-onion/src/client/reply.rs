//! Opens the answer to a packet (protocol: onion, section 8).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::{DecryptError, Ed25519Public};

use crate::base64;
use crate::cipher::Cipher;
use crate::client::build::LayerSecrets;
use crate::json::{self, JsonError, fields};
use crate::payload::v4::{V4Error, read_response};
use crate::payload::{self, Header};
use crate::quic;
use crate::status::{Plain, PlainKind, ReplyKind, blame};

/// What form the answer will have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Storage { base64: bool },
    V4,
}

/// Whom a packet is seen by.
pub(crate) struct Seen {
    pub(crate) hops: Vec<Ed25519Public>,
    /// None if the destination is a server.
    pub(crate) destination: Option<Ed25519Public>,
}

/// An answer that the destination, and nobody else, has encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status. That of the transport is 200 whatever this one is.
    pub status: u16,
    /// The headers, by name. Storage servers send none.
    pub headers: Vec<Header>,
    /// The body; a server's answer may have none.
    ///
    /// A storage server's is the text of the result. If it was asked to embed the result as JSON,
    /// it is the whole answer, `{"body":…,"status":…}`.
    pub body: Option<Vec<u8>>,
}

impl Reply {
    /// What the answer says.
    #[must_use]
    pub fn kind(&self) -> ReplyKind {
        ReplyKind::of(self.status, self.body.as_deref().unwrap_or_default())
    }

    /// The status of a batch or sequence as a whole: that of its results, if all have the same and
    /// it is not from 200 to 299.
    #[must_use]
    pub fn batch_status(&self) -> Option<u16> {
        let body = core::str::from_utf8(self.body.as_deref()?).ok()?;
        let [results] = fields(body, ["results"]).ok()?;
        let mut codes = results.objects()?.into_iter().map(|result| {
            let [code] = fields(result, ["code"]).ok()?;
            u16::try_from(code.integer().ok()??).ok()
        });
        let first = codes.next()??;
        let failed = !(200..300).contains(&first) && codes.all(|code| code == Some(first));
        failed.then_some(first)
    }
}

/// Why there is no answer of the destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A node of the path, or a server behind it, answered in plain text: nobody vouches for it.
    #[error("{plain}: {text}")]
    Plain {
        /// What it says, and whom it counts against.
        plain: Plain,
        /// The text.
        text: String,
    },
    /// A hop of the path refused the packet and encrypted its refusal.
    #[error("hop {hop} answered {status}: {text}")]
    Hop {
        /// Which hop, from 0, the guard.
        hop: usize,
        /// The status.
        status: u16,
        /// The text.
        text: String,
    },
    /// The body is empty.
    #[error("answer is empty")]
    Empty,
    /// The body is not base64, as it should be.
    #[error("answer is not base64")]
    NotBase64,
    /// The body is neither from the destination nor from a hop of the path.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// The destination's answer is not what it should be.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The server's answer is not what it should be.
    #[error(transparent)]
    V4(#[from] V4Error),
    /// The destination's answer is not UTF-8 where it should be JSON.
    #[error("answer is not UTF-8")]
    NotUtf8,
    /// The status is not from 0 to 65535.
    #[error("status of the answer is out of range")]
    Status,
}

/// Opens the one answer to a packet.
///
/// It keeps the secret of every layer, for a hop that cannot make sense of its layer encrypts its
/// refusal with the key of that layer (protocol: onion, section 7.2).
pub struct ReplyKey {
    expected: Expected,
    secrets: LayerSecrets,
    seen: Seen,
}

impl fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyKey(..)")
    }
}

impl ReplyKey {
    pub(crate) const fn new(expected: Expected, secrets: LayerSecrets, seen: Seen) -> Self {
        Self {
            expected,
            secrets,
            seen,
        }
    }

    /// Opens the answer: the HTTP status and the body that the guard gave.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if it is not an answer of the destination.
    pub fn open(self, status: u16, body: &[u8]) -> Result<Reply, ReplyError> {
        if !(200..300).contains(&status) {
            return Err(self.plain(status, body));
        }
        if body.is_empty() {
            return Err(ReplyError::Empty);
        }
        let base64 = matches!(self.expected, Expected::Storage { base64: true });
        // The refusal of a hop is base64 whatever form the answer should have.
        let decoded = if base64 || body.len() <= MAX_REFUSAL {
            decode(body)
        } else {
            None
        };
        let sealed = if base64 {
            decoded.as_deref().ok_or(ReplyError::NotBase64)?
        } else {
            body
        };
        let Ok(plaintext) = self.open_destination(sealed) else {
            return Err(self.refusal(decoded.as_deref()));
        };
        match self.expected {
            Expected::Storage { .. } => read_storage(&plaintext),
            Expected::V4 => Ok(read_response(plaintext)?),
        }
    }

    /// Opens the answer that came through a QUIC stream, a reply or an error.
    ///
    /// # Errors
    ///
    /// [`ReplyError`], as [`open`](Self::open). An error that begins with none of the status lines
    /// that clients know has the status 0.
    pub fn open_quic(self, message: &quic::Message<'_>) -> Result<Reply, ReplyError> {
        match *message {
            quic::Message::Reply { body, .. } => self.open(200, body),
            quic::Message::Error { body, .. } => {
                Err(self.plain(quic::error_status(body).unwrap_or(0), body))
            }
            quic::Message::Command { .. } => Err(ReplyError::Empty),
        }
    }

    fn plain(&self, status: u16, body: &[u8]) -> ReplyError {
        let text = String::from_utf8_lossy(body).into_owned();
        let kind = PlainKind::of(status, &text);
        let hops = self.seen.hops.iter().copied();
        let blame = blame(kind, hops, self.seen.destination.as_ref());
        ReplyError::Plain {
            plain: Plain {
                status,
                kind,
                blame,
            },
            text,
        }
    }

    /// A server may answer a request in xchacha20 with aes-gcm, never the other way round.
    fn open_destination(&self, sealed: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let layer = self.secrets.iter().next().ok_or(DecryptError)?;
        let opened = layer.key(layer.cipher)?.open(sealed);
        match layer.cipher {
            Cipher::XChaCha20 => opened.or_else(|_| layer.key(Cipher::AesGcm)?.open(sealed)),
            _ => opened,
        }
    }

    /// The refusal of a hop, if the answer is one.
    ///
    /// It is never taken for an answer of the destination: each hop could forge one with the key
    /// of its own layer.
    fn refusal(&self, sealed: Option<&[u8]>) -> ReplyError {
        let opened = sealed.and_then(|sealed| {
            // The destination's is the first, the guard's the last.
            let mut hops = self.secrets.iter().skip(1).rev().enumerate();
            hops.find_map(|(hop, layer)| {
                let plaintext = layer.key(layer.cipher).ok()?.open(sealed).ok()?;
                Some((hop, read_storage(&plaintext)))
            })
        });
        match opened {
            Some((hop, Ok(reply))) => ReplyError::Hop {
                hop,
                status: reply.status,
                text: String::from_utf8_lossy(&reply.body.unwrap_or_default()).into_owned(),
            },
            Some((hop, Err(_))) => ReplyError::Hop {
                hop,
                status: 0,
                text: String::new(),
            },
            None => DecryptError.into(),
        }
    }
}

/// Longest refusal of a hop in bytes that is looked for where answers are not base64.
const MAX_REFUSAL: usize = 4096;

/// The base64 text of an answer, decoded; some servers wrap it as `{"result":"…"}`. Padding may be
/// left out.
fn decode(body: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(body).ok()?;
    let wrapped = if text.trim_ascii_start().starts_with('{') {
        let [result] = fields(text, ["result"]).ok()?;
        result.text().ok()?
    } else {
        None
    };
    base64::decode(wrapped.as_deref().unwrap_or(text).as_bytes())
}

/// Reads the answer of a storage server: status, headers and body of a JSON object.
pub(crate) fn read_storage(plaintext: &[u8]) -> Result<Reply, ReplyError> {
    let text = core::str::from_utf8(plaintext).map_err(|_| ReplyError::NotUtf8)?;
    let [status_code, status, headers, body] =
        fields(text, ["status_code", "status", "headers", "body"])?;
    // A value of another type is passed over, except where none is left.
    let status = match status_code.integer() {
        Ok(Some(code)) => code,
        _ => status.integer()?.ok_or(JsonError::Missing("status"))?,
    };
    let headers = payload::headers(headers.text_map()?);
    let body = match body.text() {
        Ok(Some(body)) => body.into_owned(),
        _ => json::canonical(text)?,
    };
    Ok(Reply {
        status: u16::try_from(status).map_err(|_| ReplyError::Status)?,
        headers,
        body: Some(body.into_bytes()),
    })
}
