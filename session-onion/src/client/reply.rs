//! Opens the reply to a packet (protocol: onion, section 8).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::{DecryptError, Ed25519Public};
use session_types::base64;

use crate::cipher::Cipher;
use crate::client::error::{HopRefusal, MalformedReply, ReplyError};
use crate::client::layers::LayerSecrets;
use crate::json::{self, JsonError, Numbers, fields};
use crate::payload::{Header, v4};
use crate::quic;
use crate::status::{Claim, Hearsay, Position, ReplyKind};

/// The expected form of the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Storage { base64: bool },
    V4,
}

/// The nodes that a packet passes.
pub(crate) struct Route {
    pub(crate) hops: Vec<Ed25519Public>,
    /// `None` if the destination is a server.
    pub(crate) destination: Option<Ed25519Public>,
}

impl Route {
    fn position(&self, node: Ed25519Public) -> Option<Position> {
        let hop = self.hops.iter().position(|hop| *hop == node);
        hop.map(Position::Hop)
            .or_else(|| (self.destination == Some(node)).then_some(Position::Destination))
    }
}

/// A reply that the destination, and nobody else, has encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status. That of the transport is 200 in any case.
    pub status: u16,
    /// The headers, in ascending order of their names. Storage servers send none.
    pub headers: Vec<Header>,
    /// The body; a server's reply may have none.
    ///
    /// For a storage server it is the text of the result. If the request asked to embed the result as
    /// JSON, it is the whole reply, `{"body":…,"status":…}`.
    pub body: Option<Vec<u8>>,
}

impl Reply {
    /// Returns the meaning of the reply.
    #[must_use]
    pub fn kind(&self) -> ReplyKind {
        ReplyKind::of(self.status, self.body.as_deref().unwrap_or(&[]))
    }

    /// Returns the value of a header. Names are compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        Header::find(&self.headers, name)
    }

    /// Returns the status of a batch or sequence as a whole: that of its results, if all have the
    /// same and it is not between 200 and 299.
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

/// Opens the one reply to a packet.
///
/// It keeps the secret of every layer, because a hop that rejects the content of its layer encrypts
/// the refusal with the key of that layer (protocol: onion, section 7.2).
pub struct ReplyKey {
    expected: Expected,
    secrets: LayerSecrets,
    route: Route,
}

impl fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyKey(..)")
    }
}

impl ReplyKey {
    pub(crate) const fn new(expected: Expected, secrets: LayerSecrets, route: Route) -> Self {
        Self {
            expected,
            secrets,
            route,
        }
    }

    /// Opens the reply: the HTTP status and the body that the guard returned.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] if there is no usable reply of the destination. Its variant says who vouches for
    /// that: the destination, one hop, or nobody.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_crypto::Ed25519Secret;
    /// use session_onion::client::{Hop, ReplyError, Request, seal};
    /// use session_onion::status::{Claim, Position};
    ///
    /// let keys = [(); 4].map(|()| Ed25519Secret::generate(rng).public());
    /// let hops: Vec<Hop> = keys.into_iter().map(Hop::from_ed25519).collect::<Result<_, _>>()?;
    /// let sealed = seal(rng, &hops[..3], &Request::storage(&hops[3], b"{}"))?;
    ///
    /// // Any node of the path can write this, so it proves nothing about the second hop.
    /// let text = format!("Next node not found: {}", keys[1]);
    /// match sealed.reply_key.open(502, text.as_bytes()) {
    ///     Ok(reply) => println!("the destination answered {}", reply.status),
    ///     Err(ReplyError::Malformed(error)) => println!("the destination's reply: {error}"),
    ///     Err(ReplyError::Refused(refusal)) => println!("hop {} refused", refusal.hop),
    ///     Err(ReplyError::Hearsay(hearsay)) => {
    ///         assert_eq!(hearsay.claim, Claim::NodeNotFound(keys[1]));
    ///         assert_eq!(hearsay.about, Some(Position::Hop(1)));
    ///     }
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn open(self, status: u16, body: &[u8]) -> Result<Reply, ReplyError> {
        if !(200..300).contains(&status) {
            return Err(self.plain(Some(status), body).into());
        }
        if body.is_empty() {
            return Err(nothing(status, Claim::Empty).into());
        }
        let base64 = matches!(self.expected, Expected::Storage { base64: true });
        // The refusal of a hop is base64 in any case.
        let decoded = if base64 || body.len() <= MAX_REFUSAL {
            decode(body)
        } else {
            None
        };
        let sealed = if base64 {
            decoded
                .as_deref()
                .ok_or_else(|| nothing(status, Claim::NotBase64))?
        } else {
            body
        };
        let Ok(plaintext) = self.open_destination(sealed) else {
            return Err(match decoded.and_then(|decoded| self.refusal(&decoded)) {
                Some(refusal) => refusal.into(),
                None => nothing(status, Claim::Undecryptable).into(),
            });
        };
        let reply = match self.expected {
            Expected::Storage { .. } => read_storage(&plaintext),
            Expected::V4 => read_v4(plaintext),
        };
        Ok(reply?)
    }

    /// Opens the reply that came through a QUIC stream: the body of a reply or of an error.
    ///
    /// # Errors
    ///
    /// [`ReplyError`], as [`open`](Self::open). The status of an error is `None` if it begins with
    /// none of the status lines that clients know.
    pub fn open_quic(self, message: &quic::Message<'_>) -> Result<Reply, ReplyError> {
        match *message {
            quic::Message::Reply { body, .. } => self.open(200, body),
            quic::Message::Error { body, .. } => {
                Err(self.plain(quic::error_status(body), body).into())
            }
            quic::Message::Command { .. } => Err(nothing(200, Claim::Empty).into()),
        }
    }

    fn plain(&self, status: Option<u16>, body: &[u8]) -> Hearsay {
        let text = String::from_utf8_lossy(body).into_owned();
        let claim = status.map_or(Claim::Other, |status| Claim::of(status, &text));
        Hearsay {
            status,
            claim,
            about: claim.node().and_then(|node| self.route.position(node)),
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

    /// Opens the refusal of a hop.
    ///
    /// It is never taken for the destination's reply: each hop could forge one with the key of its
    /// own layer.
    fn refusal(&self, sealed: &[u8]) -> Option<HopRefusal> {
        // The destination's layer is the first, the guard's the last.
        let mut hops = self.secrets.iter().skip(1).rev().enumerate();
        let (hop, plaintext) = hops.find_map(|(hop, layer)| {
            let plaintext = layer.key(layer.cipher).ok()?.open(sealed).ok()?;
            Some((hop, plaintext))
        })?;
        let (status, text) = match read_storage(&plaintext) {
            Ok(reply) => {
                let body = reply.body.as_deref().unwrap_or(&[]);
                (
                    Some(reply.status),
                    String::from_utf8_lossy(body).into_owned(),
                )
            }
            Err(_) => (None, String::new()),
        };
        Some(HopRefusal { hop, status, text })
    }
}

/// A success in which nothing is authentic.
const fn nothing(status: u16, claim: Claim) -> Hearsay {
    Hearsay {
        status: Some(status),
        claim,
        about: None,
        text: String::new(),
    }
}

/// Maximum length in bytes of a hop's refusal where replies are not base64.
const MAX_REFUSAL: usize = 4096;

/// Decodes the base64 text of a reply; some servers wrap it as `{"result":"…"}`. Padding is optional.
fn decode(body: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(body).ok()?;
    let wrapped = if text.trim_ascii_start().starts_with('{') {
        let [result] = fields(text, ["result"]).ok()?;
        result.text().ok()?
    } else {
        None
    };
    base64::decode(wrapped.as_deref().unwrap_or(text))
}

/// Reads the reply of a storage server: status, headers and body of a JSON object.
fn read_storage(plaintext: &[u8]) -> Result<Reply, MalformedReply> {
    let text = core::str::from_utf8(plaintext).map_err(|_| MalformedReply::NotUtf8)?;
    let [status_code, status, headers, body] =
        fields(text, ["status_code", "status", "headers", "body"])?;
    // A value of another type is skipped, unless none is left.
    let status = match status_code.integer() {
        Ok(Some(code)) => code,
        _ => status.integer()?.ok_or(JsonError::Missing("status"))?,
    };
    let headers = headers.or_null().headers(Numbers::Refused)?;
    let body = match body.text() {
        Ok(Some(body)) => body.into_owned(),
        _ => json::canonical(text)?,
    };
    Ok(Reply {
        status: u16::try_from(status).map_err(|_| MalformedReply::Status)?,
        headers,
        body: Some(body.into_bytes()),
    })
}

/// Reads the reply of a server.
fn read_v4(plaintext: Vec<u8>) -> Result<Reply, MalformedReply> {
    let v4::ReceivedResponse {
        code,
        headers,
        body,
    } = v4::ReceivedResponse::parse(plaintext)?;
    Ok(Reply {
        status: code,
        headers,
        body,
    })
}
