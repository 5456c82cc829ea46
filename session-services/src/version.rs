//! The `X-FS-*` headers: requests signed under a `07` id, which does not reveal the account
//! (protocol: file-server, section 3).
//!
//! ```text
//! X-FS-Pubkey     07 and the Ed25519 key, in hex
//! X-FS-Timestamp  Unix seconds in decimal
//! X-FS-Signature  base64 of the signature over timestamp | METHOD | path?query | body hash
//! ```
//!
//! The body hash is absent without a body. Sign only requests without one: deployed servers fail on
//! the others.

use core::time::Duration;

use session_crypto::{Ed25519PublicExt, Ed25519Signature};
use session_identity::version::{self, VersionKey};
use session_types::http::{Request, Response};
use session_types::{AnyId, UnixMillis, VersionId};

use crate::json::TEXT;
use crate::text;

/// Signs a request that has no body, as of `now`.
#[must_use]
pub fn sign(request: Request, key: &VersionKey, now: UnixMillis) -> Request {
    let timestamp = now.as_secs();
    let signature = key.sign_request(
        timestamp,
        request.method.as_str(),
        &request.path,
        &request.body,
    );
    request
        .with_header(
            version::PUBKEY_HEADER,
            session_types::hex::encode(key.id().as_bytes()),
        )
        .with_header(version::TIMESTAMP_HEADER, alloc::format!("{timestamp}"))
        .with_header(
            version::SIGNATURE_HEADER,
            version::signature_header(&signature),
        )
}

/// Rejected `X-FS-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Some of the three headers are there, others are not.
    #[error("Invalid authentication: one or more X-FS-* auth headers is missing")]
    Missing,
    /// The key is neither 66 hex digits nor base64 of 33 bytes.
    #[error("Invalid authentication: X-FS-Pubkey is not a valid 66-hex digit id")]
    Pubkey,
    /// The key has another prefix than 07.
    #[error("Invalid authentication: X-FS-Pubkey must be 07- prefixed")]
    Prefix,
    /// The key is not a usable Ed25519 key.
    #[error("Invalid authentication: given X-FS-Pubkey is not a valid Ed25519 pubkey")]
    Key,
    /// The signature is neither hex nor base64 of 64 bytes.
    #[error("Invalid authentication: X-FS-Signature is not base64[86]")]
    SignatureText,
    /// The timestamp is not an integer.
    #[error("Invalid authentication: X-FS-Timestamp is not a valid timestamp")]
    Timestamp,
    /// The timestamp is more than 24 hours from the server's clock.
    #[error("Invalid authentication: X-FS-Timestamp is too far from current time")]
    Clock,
    /// The signature does not verify.
    #[error("Invalid authentication: X-FS-Signature verification failed")]
    Signature,
}

impl AuthError {
    /// Returns the status of the response.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Clock => 425,
            Self::Signature => 401,
            _ => 400,
        }
    }

    /// Returns the response of the server.
    #[must_use]
    pub fn response(self) -> Response {
        Response::new(self.status(), TEXT, alloc::format!("{self}"))
    }
}

/// Checks the headers as the server does. Returns the id, or `None` for a request without them.
///
/// # Errors
///
/// [`AuthError`] of the first check that fails.
pub fn check(request: &Request, now: UnixMillis) -> Result<Option<VersionId>, AuthError> {
    let header = |name| request.header(name);
    let (pubkey, timestamp, signature) = match (
        header(version::PUBKEY_HEADER),
        header(version::TIMESTAMP_HEADER),
        header(version::SIGNATURE_HEADER),
    ) {
        (None, None, None) => return Ok(None),
        (Some(pubkey), Some(timestamp), Some(signature)) => (pubkey, timestamp, signature),
        _ => return Err(AuthError::Missing),
    };
    let id = text::decode::<33>(pubkey).map(AnyId::from_bytes);
    let id = VersionId::try_from(id.ok_or(AuthError::Pubkey)?).map_err(|_| AuthError::Prefix)?;
    id.ed25519()
        .to_verifying_key()
        .map_err(|_| AuthError::Key)?;
    let signature: Ed25519Signature = text::decode::<64>(signature)
        .ok_or(AuthError::SignatureText)?
        .into();
    let digits = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: u64 = timestamp.parse().map_err(|_| AuthError::Timestamp)?;
    if !digits {
        return Err(AuthError::Timestamp);
    }
    let tolerance = Duration::from_secs(version::TIME_TOLERANCE);
    if now.abs_diff(UnixMillis::from_secs(seconds)) > tolerance {
        return Err(AuthError::Clock);
    }
    // The text as sent is signed: "007" is not "7".
    if alloc::format!("{seconds}") != timestamp {
        return Err(AuthError::Signature);
    }
    version::verify_request(
        &id,
        seconds,
        request.method.as_str(),
        &request.path,
        &request.body,
        &signature,
    )
    .map_err(|_| AuthError::Signature)?;
    Ok(Some(id))
}
