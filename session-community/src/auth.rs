//! The four `X-SOGS-*` headers: signing a request, and checking it (protocol: community, section 3;
//! sogs, section 2).
//!
//! ```text
//! X-SOGS-Pubkey     15, 25 or 00 and the Ed25519 key, in hex
//! X-SOGS-Nonce      16 random bytes, in base64
//! X-SOGS-Timestamp  Unix seconds in decimal
//! X-SOGS-Signature  base64 of the signature over
//!                   server key | nonce | timestamp | METHOD | path?query | BLAKE2b-64(body)
//! ```
//!
//! The path is signed with its percent escapes decoded, the query as it is sent. The body hash is
//! absent without a body.

use alloc::string::String;
use core::time::Duration;

use session_crypto::{Blake2b, Ed25519PublicExt, Ed25519Signature, X25519Public};
use session_types::http::{Request, Response, percent_decode};
use session_types::{AnyId, Ed25519Public, UnixMillis, base64, hex};

use crate::Signer;
use crate::json::TEXT;

/// Name of the header with the id.
pub const PUBKEY: &str = "X-SOGS-Pubkey";
/// Name of the header with the nonce.
pub const NONCE: &str = "X-SOGS-Nonce";
/// Name of the header with the time.
pub const TIMESTAMP: &str = "X-SOGS-Timestamp";
/// Name of the header with the signature.
pub const SIGNATURE: &str = "X-SOGS-Signature";
/// Maximum difference between the time of a request and the server's clock.
pub const TIME_TOLERANCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Length of a nonce in bytes.
pub const NONCE_LENGTH: usize = 16;

/// The path as it is signed. A path whose escapes are malformed is signed as it is.
fn signed_path(request: &Request) -> String {
    let (path, query) = request.path_and_query();
    let decoded = percent_decode(path);
    let mut signed = decoded.unwrap_or_else(|| path.into());
    if !query.is_empty() {
        signed.push('?');
        signed.push_str(query);
    }
    signed
}

fn body_hash(body: &[u8]) -> Option<[u8; 64]> {
    (!body.is_empty()).then(|| Blake2b::<64>::new().chain(body).finalize())
}

/// Signs a request as of `now`, with a nonce of 16 random bytes that is never used again.
#[must_use]
pub fn sign(
    request: Request,
    signer: &Signer<'_>,
    nonce: &[u8; NONCE_LENGTH],
    now: UnixMillis,
) -> Request {
    let timestamp = alloc::format!("{}", now.as_secs());
    let (path, hash) = (signed_path(&request), body_hash(&request.body));
    let signature = signer.sign_request(&[
        signer.server().as_bytes(),
        nonce,
        timestamp.as_bytes(),
        request.method.as_str().as_bytes(),
        path.as_bytes(),
        hash.as_ref().map_or(&[], |hash| hash.as_slice()),
    ]);
    request
        .with_header(PUBKEY, hex::encode(signer.request_id().as_bytes()))
        .with_header(NONCE, base64::encode(nonce))
        .with_header(TIMESTAMP, timestamp)
        .with_header(SIGNATURE, base64::encode(signature.as_bytes()))
}

/// Rejected authentication headers, or a missing authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Some of the four headers are there, others are not.
    #[error("Invalid authentication headers: missing {missing}/4 required X-SOGS-* headers")]
    Missing {
        /// Number of missing headers.
        missing: usize,
    },
    /// The id is neither 66 hex digits nor base64 of 33 bytes.
    #[error("Invalid authentication: X-SOGS-Pubkey is not a valid 66-hex digit id")]
    Pubkey,
    /// The prefix is not 00 or 15, on a server that knows no 25.
    #[error("Invalid authentication: X-SOGS-Pubkey must be 00- or 15- prefixed")]
    Prefix15,
    /// The prefix is not 00, 15 or 25.
    #[error("Invalid authentication: X-SOGS-Pubkey must be 00-, 15-, or 25- prefixed")]
    Prefix25,
    /// The key is not a usable Ed25519 key.
    #[error("Invalid authentication: given X-SOGS-Pubkey is not a valid Ed25519 pubkey")]
    Key,
    /// The server requires blinded ids of another kind.
    #[error("Invalid authentication: this server requires the use of blinded ids")]
    NotBlinded,
    /// The nonce is not 16 bytes in base64 or hex.
    #[error("Invalid authentication: X-SOGS-Nonce must be 16 bytes (encoded as base64 or hex)")]
    Nonce,
    /// The signature is not 64 bytes in base64 or hex.
    #[error("Invalid authentication: X-SOGS-Signature is not base64[88]")]
    SignatureText,
    /// The timestamp is not an integer.
    #[error("Invalid authentication: X-SOGS-Timestamp is not a valid timestamp")]
    Timestamp,
    /// The timestamp is more than 24 hours from the server's clock.
    #[error("Invalid authentication: X-SOGS-Timestamp is too far from current time")]
    Clock,
    /// The user is banned from the whole server. Checked before nonce and signature.
    #[error("Banned")]
    Banned,
    /// The user has used this nonce before. A nonce is spent even if the signature is wrong.
    #[error("Invalid authentication: X-SOGS-Nonce cannot be reused")]
    NonceReused,
    /// The signature does not verify.
    #[error("Invalid authentication: X-SOGS-Signature verification failed")]
    Signature,
    /// The endpoint needs a user.
    #[error("X-SOGS-* request authentication required")]
    Required,
    /// The endpoint needs a blinded user.
    #[error("This endpoint requires blinded pubkeys be used")]
    BlindedRequired,
}

impl AuthError {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Clock | Self::NonceReused => 425,
            Self::Banned => 403,
            Self::Signature | Self::Required | Self::BlindedRequired => 401,
            _ => 400,
        }
    }

    /// Returns the response of the server.
    #[must_use]
    pub fn response(self) -> Response {
        Response::new(self.status(), TEXT, alloc::format!("{self}"))
    }
}

/// Which ids a server accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// 00 and 15; blinding is not required.
    Any15,
    /// 15 alone: capability `blind`.
    Blinded15,
    /// 00, 15 and 25.
    Any25,
    /// 25 alone: newest servers.
    Blinded25,
}

/// The headers of a request, well-formed, of an accepted id and a time close enough. The signature
/// is not verified yet: see [`Claim::verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The id in the request.
    pub id: AnyId,
    /// The id under which others see the user: `05` for `00`.
    pub public_id: AnyId,
    /// The nonce. Spend it before verifying the signature.
    pub nonce: [u8; NONCE_LENGTH],
    key: Ed25519Public,
    timestamp: u64,
    signature: Ed25519Signature,
}

/// Decodes hex or base64, told apart by the length.
fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    match N.checked_mul(2) {
        Some(digits) if digits == text.len() => hex::decode(text),
        _ => base64::decode_array(text),
    }
}

impl Claim {
    /// Reads the headers and checks them in the order of the server. `None` for a request without
    /// any of them.
    ///
    /// # Errors
    ///
    /// [`AuthError`] of the first check that fails.
    pub fn read(
        request: &Request,
        accepted: Accepted,
        now: UnixMillis,
    ) -> Result<Option<Self>, AuthError> {
        let headers = [PUBKEY, NONCE, TIMESTAMP, SIGNATURE].map(|name| request.header(name));
        let headers = headers.map(|value| value.filter(|text| !text.is_empty()));
        let [Some(pubkey), Some(nonce), Some(timestamp), Some(signature)] = headers else {
            return match headers.iter().filter(|value| value.is_none()).count() {
                4 => Ok(None),
                missing => Err(AuthError::Missing { missing }),
            };
        };
        let id = AnyId::from_bytes(decode(pubkey).ok_or(AuthError::Pubkey)?);
        let knows_25 = matches!(accepted, Accepted::Any25 | Accepted::Blinded25);
        match (id.prefix(), knows_25) {
            (0x00 | 0x15, _) | (0x25, true) => {}
            (_, true) => return Err(AuthError::Prefix25),
            (_, false) => return Err(AuthError::Prefix15),
        }
        let key = Ed25519Public::from_bytes(*id.key_bytes());
        // The main subgroup: a conversion checks it.
        let account = key.to_account_id().map_err(|_| AuthError::Key)?;
        let refused = match accepted {
            Accepted::Any15 | Accepted::Any25 => false,
            Accepted::Blinded15 => id.prefix() == 0x00,
            Accepted::Blinded25 => id.prefix() != 0x25,
        };
        if refused {
            return Err(AuthError::NotBlinded);
        }
        let nonce = decode(nonce).ok_or(AuthError::Nonce)?;
        let signature = decode::<64>(signature).ok_or(AuthError::SignatureText)?;
        if !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AuthError::Timestamp);
        }
        let seconds = timestamp.parse().map_err(|_| AuthError::Timestamp)?;
        if now.abs_diff(UnixMillis::from_secs(seconds)) > TIME_TOLERANCE {
            return Err(AuthError::Clock);
        }
        Ok(Some(Self {
            id,
            public_id: match id.prefix() {
                0x00 => account.into(),
                _ => id,
            },
            nonce,
            key,
            timestamp: seconds,
            signature: signature.into(),
        }))
    }

    /// Verifies the signature over the request from which the claim was read.
    ///
    /// # Errors
    ///
    /// [`AuthError::Signature`] if it does not verify.
    pub fn verify(&self, request: &Request, server: &X25519Public) -> Result<(), AuthError> {
        // The timestamp is signed as it was sent.
        let timestamp = request.header(TIMESTAMP).ok_or(AuthError::Signature)?;
        if timestamp.parse() != Ok(self.timestamp) {
            return Err(AuthError::Signature);
        }
        let (path, hash) = (signed_path(request), body_hash(&request.body));
        let message = [
            server.as_bytes().as_slice(),
            &self.nonce,
            timestamp.as_bytes(),
            request.method.as_str().as_bytes(),
            path.as_bytes(),
            hash.as_ref().map_or(&[], |hash| hash.as_slice()),
        ];
        self.key
            .verify_parts(&message, &self.signature)
            .map_err(|_| AuthError::Signature)
    }
}
