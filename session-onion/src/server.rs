//! A server's side: open requests that arrive through the network of nodes, and answer them.
//!
//! An exit node posts the whole layer that it opened; the JSON for the node contains the ephemeral
//! key and the cipher of the inner layer (protocol: onion, section 5.1).
//!
//! ```
//! # use session_crypto::X25519Secret;
//! use session_onion::payload::v4;
//! use session_onion::server::ServerKeys;
//! # fn example(rng: &mut impl rand_core::CryptoRng, secret: X25519Secret, posted: &[u8])
//! # -> Result<(u16, Vec<u8>), Box<dyn core::error::Error>> {
//!
//! let keys = ServerKeys::new(secret);
//! let answer = match keys.open(posted) {
//!     Err(error) => (400, error.to_string().into_bytes()),
//!     Ok(opened) => (200, opened.answer_v4(rng, |request| {
//!         assert_eq!(request.endpoint, "/rooms");
//!         v4::Response { code: 200, headers: &[], body: b"[]" }.encode()
//!     })?),
//! };
//! # Ok(answer)
//! # }
//! ```

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::{DecryptError, X25519Public, X25519Secret};
use session_types::base64;

use crate::MAX_PACKET_LENGTH;
use crate::cipher::{LayerKey, TooLong, put_before};
use crate::frame::Frame;
use crate::json::fields;
use crate::key;
use crate::packet::{PacketError, read_cipher};
use crate::payload::{v3, v4};

/// The posted request is rejected. The server responds with HTTP status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The request exceeds [`MAX_PACKET_LENGTH`].
    #[error("expected a request of at most {MAX_PACKET_LENGTH} bytes, got {0}")]
    TooLarge(usize),
    /// The request is malformed.
    #[error("malformed onion request: {0}")]
    Packet(#[from] PacketError),
    /// The ciphertext is malformed or fails authentication.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
}

/// The static key pair of a server.
#[derive(Debug)]
pub struct ServerKeys {
    public: X25519Public,
    secret: X25519Secret,
}

impl ServerKeys {
    /// Creates the key pair of an X25519 secret.
    #[must_use]
    pub fn new(secret: X25519Secret) -> Self {
        Self {
            public: secret.public(),
            secret,
        }
    }

    /// Returns the server's X25519 key, by which clients know it.
    #[must_use]
    pub const fn public(&self) -> &X25519Public {
        &self.public
    }

    /// Opens the request that an exit node has posted. The ephemeral key may be hex, base64 or
    /// base32z.
    ///
    /// The example program `server_v4` of this crate has client, nodes and server.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the request is malformed or fails authentication.
    pub fn open(&self, posted: &[u8]) -> Result<Opened, OpenError> {
        let (frame, key) = self.frame(posted)?;
        Ok(Opened {
            plaintext: key.open(frame.blob)?,
            replier: Replier(key),
        })
    }

    /// Opens the request in its own buffer, which then holds the plaintext: a file is not held twice.
    /// A failure leaves the buffer as it was, so that another key can be tried.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_in_place(&self, posted: &mut Vec<u8>) -> Result<Replier, OpenError> {
        let (frame, key) = self.frame(posted)?;
        let end = Frame::HEAD.saturating_add(frame.blob.len());
        key.open_at(posted, Frame::HEAD..end)?;
        Ok(Replier(key))
    }

    /// Parses the frame and derives the key of the layer.
    fn frame<'p>(&self, posted: &'p [u8]) -> Result<(Frame<'p>, LayerKey), OpenError> {
        if posted.len() > MAX_PACKET_LENGTH {
            return Err(OpenError::TooLarge(posted.len()));
        }
        let frame = Frame::parse(posted).map_err(PacketError::from)?;
        let [ephemeral, cipher] =
            fields(frame.json, ["ephemeral_key", "enc_type"]).map_err(PacketError::from)?;
        let ephemeral = ephemeral.required_text().map_err(PacketError::from)?;
        let ephemeral = key::from_any(&ephemeral).map_err(PacketError::from)?;
        let ephemeral = X25519Public::from_bytes(ephemeral);
        let key =
            LayerKey::for_server(read_cipher(cipher)?, &self.secret, &self.public, &ephemeral)
                .map_err(DecryptError::from)?;
        Ok((frame, key))
    }
}

/// An opened request. The HTTP path of the post determines its version.
#[derive(Debug)]
pub struct Opened {
    /// The plaintext, for [`v4::Received::parse`] or [`v3::Received::parse`].
    pub plaintext: Vec<u8>,
    /// Encrypts the response.
    pub replier: Replier,
}

impl Opened {
    /// Parses a version 4 request, passes it to `answer`, and encrypts the response: the body of an
    /// HTTP response with status 200. The response to a malformed request is
    /// [`v4::Response::INVALID`].
    ///
    /// # Errors
    ///
    /// [`TooLong`] if the response exceeds the limit of the cipher (64 GiB or more).
    pub fn answer_v4(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        answer: impl FnOnce(v4::Received) -> Vec<u8>,
    ) -> Result<Vec<u8>, TooLong> {
        let plaintext = match v4::Received::parse(self.plaintext) {
            Ok(request) => answer(request),
            Err(_) => v4::Response::INVALID.encode(),
        };
        self.replier.seal(rng, &plaintext)
    }

    /// Parses a version 3 request, passes it to `answer`, which returns a status and a body, and
    /// encrypts the response: the body of an HTTP response with status 200. The response to a
    /// malformed request has the status 400.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if the response exceeds the limit of the cipher (64 GiB or more).
    pub fn answer_v3(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        answer: impl FnOnce(v3::Received) -> (u16, Vec<u8>),
    ) -> Result<String, TooLong> {
        let (status, body) = match v3::Received::parse(&self.plaintext) {
            Ok(request) => answer(request),
            Err(_) => (400, Vec::new()),
        };
        // Only a success has a body; otherwise the client learns the status alone.
        let plaintext = if (200..300).contains(&status) {
            body
        } else {
            format!("{{\"status_code\":{status}}}").into_bytes()
        };
        Ok(base64::encode(&self.replier.seal(rng, &plaintext)?))
    }
}

/// Encrypts the one response to a request.
#[derive(Debug)]
pub struct Replier(LayerKey);

impl Replier {
    /// Encrypts the plaintext of a response. A version 4 server sends these bytes as they are, a
    /// version 3 server as base64.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if the plaintext exceeds the limit of the cipher (64 GiB or more).
    pub fn seal(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        plaintext: &[u8],
    ) -> Result<Vec<u8>, TooLong> {
        self.0.seal(rng, plaintext)
    }

    /// Encrypts as [`seal`](Self::seal) does, in the buffer of the plaintext. With a spare capacity of 40
    /// bytes the buffer does not grow.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal).
    pub fn seal_in_place(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        plaintext: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        let nonce = self.0.cipher().nonce_length();
        plaintext.reserve(self.0.cipher().overhead());
        put_before(plaintext, [0; 24].get(..nonce).ok_or(TooLong)?);
        self.0.seal_tail(rng, plaintext, nonce).map(|_| ())
    }
}
