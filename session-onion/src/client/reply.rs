//! Opens the answer to a packet (protocol: onion, section 8).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64Unpadded, Encoding};
use session_crypto::{DecryptError, Ed25519Public};

use crate::cipher::Cipher;
use crate::client::build::LayerSecret;
use crate::json::{self, JsonError, fields};

/// What form the answer will have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Storage { base64: bool },
}

/// A header of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
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

/// Why there is no answer of the destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// A node of the path answered in plain text: nobody vouches for it.
    #[error("path answered {status} in plain text")]
    Plain {
        /// The status.
        status: u16,
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
    /// The body is neither from the destination nor from a hop of the path.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// The destination's answer is not what it should be.
    #[error(transparent)]
    Json(#[from] JsonError),
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
    destination: LayerSecret,
    node: Option<Ed25519Public>,
    hops: Vec<(Ed25519Public, LayerSecret)>,
}

impl fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ReplyKey({:?}, {} hops, ..)",
            self.expected,
            self.hops.len()
        )
    }
}

impl ReplyKey {
    pub(crate) const fn new(
        expected: Expected,
        destination: LayerSecret,
        node: Option<Ed25519Public>,
        hops: Vec<(Ed25519Public, LayerSecret)>,
    ) -> Self {
        Self {
            expected,
            destination,
            node,
            hops,
        }
    }

    /// Opens the answer: the status and the body that the guard gave.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if it is not an answer of the destination.
    pub fn open(self, status: u16, body: &[u8]) -> Result<Reply, ReplyError> {
        if !(200..300).contains(&status) {
            return Err(ReplyError::Plain {
                status,
                text: String::from_utf8_lossy(body).into_owned(),
            });
        }
        if body.is_empty() {
            return Err(ReplyError::Empty);
        }
        match self.expected {
            Expected::Storage { base64 } => {
                let decoded = core::str::from_utf8(body)
                    .ok()
                    .and_then(|text| unwrap_base64(text));
                let sealed = if base64 {
                    decoded.as_deref().ok_or(DecryptError)?
                } else {
                    body
                };
                match self.open_destination(sealed) {
                    Ok(plaintext) => read_storage(&plaintext),
                    Err(error) => Err(self.hop_error(decoded.as_deref(), error)),
                }
            }
        }
    }

    /// A server may answer a request in xchacha20 with aes-gcm, never the other way round.
    fn open_destination(&self, sealed: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let layer = &self.destination;
        let opened = layer.key(layer.cipher).open(sealed);
        match layer.cipher {
            Cipher::XChaCha20 => opened.or_else(|_| layer.key(Cipher::AesGcm).open(sealed)),
            _ => opened,
        }
    }

    /// The refusal of a hop, if the answer is one. It is always base64.
    fn hop_error(&self, sealed: Option<&[u8]>, error: DecryptError) -> ReplyError {
        let opened = sealed.and_then(|sealed| {
            self.hops.iter().enumerate().find_map(|(hop, (_, layer))| {
                let plaintext = layer.key(layer.cipher).open(sealed).ok()?;
                Some((hop, read_storage(&plaintext)))
            })
        });
        match opened {
            None => error.into(),
            Some((_, Err(error))) => error,
            Some((hop, Ok(reply))) => ReplyError::Hop {
                hop,
                status: reply.status,
                text: String::from_utf8_lossy(&reply.body.unwrap_or_default()).into_owned(),
            },
        }
    }
}

/// The base64 text of an answer, decoded; some servers wrap it as `{"result":"…"}`. Padding may be
/// left out.
fn unwrap_base64(text: &str) -> Option<Vec<u8>> {
    let wrapped = text
        .trim_start()
        .starts_with('{')
        .then(|| fields(text, ["result"]));
    let wrapped = match wrapped {
        Some(Ok([result])) => result.text().ok().flatten(),
        _ => None,
    };
    let text = wrapped.as_deref().unwrap_or(text);
    let bare = match text.len() % 4 {
        0 => text
            .strip_suffix("==")
            .or_else(|| text.strip_suffix('='))
            .unwrap_or(text),
        _ => text,
    };
    Base64Unpadded::decode_vec(bare).ok()
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
    let headers = headers.text_map()?.into_iter();
    let body = match body.text() {
        Ok(Some(body)) => body.into_owned(),
        _ => json::canonical(text)?,
    };
    Ok(Reply {
        status: u16::try_from(status).map_err(|_| ReplyError::Status)?,
        headers: headers
            .map(|(name, value)| Header { name, value })
            .collect(),
        body: Some(body.into_bytes()),
    })
}
