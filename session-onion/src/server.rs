//! A server's side: open requests that come through the network of nodes, and answer them.
//!
//! An exit node posts the whole layer that it opened; the ephemeral key and the cipher of the
//! layer inside stand in the JSON that was meant for the node (protocol: onion, section 5.1).
//!
//! ```
//! # use session_crypto::X25519Secret;
//! use session_onion::payload::v4;
//! use session_onion::server::ServerKeys;
//! # fn example(rng: &mut impl rand_core::CryptoRng, secret: X25519Secret, posted: &[u8]) {
//!
//! let keys = ServerKeys::new(secret);
//! let answer = match keys.open(posted) {
//!     Err(error) => (400, error.to_string().into_bytes()),
//!     Ok(opened) => (200, opened.answer_v4(rng, |request| {
//!         assert_eq!(request.endpoint, "/rooms");
//!         v4::Response { code: 200, headers: &[], body: b"[]" }.encode()
//!     })),
//! };
//! # }
//! ```

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::{DecryptError, X25519Public, X25519Secret};

use crate::MAX_PACKET_LENGTH;
use crate::base64;
use crate::cipher::LayerKey;
use crate::frame::Frame;
use crate::json::fields;
use crate::key;
use crate::packet::{PacketError, read_cipher};
use crate::payload::{v3, v4};

/// Why a server refuses what was posted. It answers with HTTP status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is longer than [`MAX_PACKET_LENGTH`].
    #[error("request of {0} bytes is too large")]
    TooLarge(usize),
    /// It is not what an exit node posts.
    #[error("not an onion request: {0}")]
    Packet(#[from] PacketError),
    /// It is not for this server, or has been changed.
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
    /// The pair of an X25519 secret.
    #[must_use]
    pub fn new(secret: X25519Secret) -> Self {
        Self {
            public: secret.public(),
            secret,
        }
    }

    /// The server's X25519 key, by which clients know it.
    #[must_use]
    pub const fn public(&self) -> &X25519Public {
        &self.public
    }

    /// Opens what an exit node has posted. The ephemeral key may be hex, base64 or base32z.
    ///
    /// A program with client, nodes and server: [`examples/server_v4.rs`](https://github.com/session-crates/session-crates/blob/main/session-onion/examples/server_v4.rs).
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the server answers it with HTTP status 400.
    pub fn open(&self, posted: &[u8]) -> Result<Opened, OpenError> {
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
        Ok(Opened {
            plaintext: key.open(frame.blob)?,
            replier: Replier(key),
        })
    }
}

/// An opened request. Which version it has, the path tells to which it was posted.
#[derive(Debug)]
pub struct Opened {
    /// The plaintext, to be read with [`v4::Received::parse`] or [`v3::Received::parse`].
    pub plaintext: Vec<u8>,
    /// Encrypts the answer.
    pub replier: Replier,
}

impl Opened {
    /// Reads a version 4 request, has it answered, and encrypts the answer: the body of a response
    /// with HTTP status 200. A request that makes no sense is answered with
    /// [`v4::Response::INVALID`].
    pub fn answer_v4(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        answer: impl FnOnce(v4::Received) -> Vec<u8>,
    ) -> Vec<u8> {
        let plaintext = match v4::Received::parse(self.plaintext) {
            Ok(request) => answer(request),
            Err(_) => v4::Response::INVALID.encode(),
        };
        self.replier.seal(rng, &plaintext)
    }

    /// Reads a version 3 request, has it answered with a status and a body, and encrypts the
    /// answer: the body of a response with HTTP status 200. A request that makes no sense is
    /// answered with the status 400.
    pub fn answer_v3(
        self,
        rng: &mut (impl CryptoRng + ?Sized),
        answer: impl FnOnce(v3::Received) -> (u16, Vec<u8>),
    ) -> String {
        let (status, body) = match v3::Received::parse(&self.plaintext) {
            Ok(request) => answer(request),
            Err(_) => (400, Vec::new()),
        };
        // Only a success has a body; of anything else the client learns the status alone.
        let plaintext = if (200..300).contains(&status) {
            body
        } else {
            format!("{{\"status_code\":{status}}}").into_bytes()
        };
        base64::encode(&self.replier.seal(rng, &plaintext))
    }
}

/// Encrypts the one answer to a request.
#[derive(Debug)]
pub struct Replier(LayerKey);

impl Replier {
    /// Encrypts the plaintext of an answer. A version 4 server sends these bytes as they are, a
    /// version 3 server as base64.
    #[must_use]
    pub fn seal(self, rng: &mut (impl CryptoRng + ?Sized), plaintext: &[u8]) -> Vec<u8> {
        // It fails for 64 GiB or more only, and then an empty answer is all that can be said.
        self.0.seal(rng, plaintext).unwrap_or_default()
    }
}
