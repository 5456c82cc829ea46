//! Requests to the file server, signed under an id that does not reveal the account.
//!
//! The key pair is derived from the account's seed and is the same for all requests (protocol:
//! identity, section 6.6). A request carries three headers: `X-FS-Pubkey` is the id, `X-FS-Timestamp`
//! the Unix time in seconds, in decimal, and `X-FS-Signature` the signature in padded base64. The
//! signed bytes are
//!
//! ```text
//! timestamp in decimal | METHOD | path, with its query if there is one | body part
//! ```

use alloc::string::{String, ToString};
use core::fmt;

use session_crypto::{Blake2b, Ed25519PublicExt, Ed25519Secret, SignatureError, blind};
use session_types::{Ed25519Signature, VersionId, base64};
use zeroize::ZeroizeOnDrop;

use crate::Account;

/// Name of the header with the id.
pub const PUBKEY_HEADER: &str = "X-FS-Pubkey";
/// Name of the header with the time.
pub const TIMESTAMP_HEADER: &str = "X-FS-Timestamp";
/// Name of the header with the signature.
pub const SIGNATURE_HEADER: &str = "X-FS-Signature";
/// Maximum difference between the time of a request and that of the server, in seconds: 24 hours.
pub const TIME_TOLERANCE: u64 = 24 * 60 * 60;

/// The version-blinded key pair of an account.
///
/// Zeroized on drop, never printed; it cannot be cloned.
pub struct VersionKey {
    secret: Ed25519Secret,
    id: VersionId,
}

// The secret zeroizes itself.
impl ZeroizeOnDrop for VersionKey {}

impl VersionKey {
    /// Returns the id, prefix `07`.
    #[must_use]
    pub const fn id(&self) -> &VersionId {
        &self.id
    }

    /// Returns the key pair.
    #[must_use]
    pub const fn secret(&self) -> &Ed25519Secret {
        &self.secret
    }

    /// Signs a request with `body_part` as the last part of the signed bytes.
    ///
    /// The file server expects the hash of the body there: [`sign_request`](Self::sign_request).
    #[must_use]
    pub fn sign_raw(
        &self,
        timestamp: u64,
        method: &str,
        path: &str,
        body_part: &[u8],
    ) -> Ed25519Signature {
        self.secret
            .sign_parts(&signed(&timestamp.to_string(), method, path, body_part))
    }

    /// Signs a request to the file server. `timestamp` is in Unix seconds; `path` includes `?` and
    /// the query if there is one.
    ///
    /// The signature covers the 64-byte BLAKE2b hash of the body, or nothing if the body is empty.
    ///
    /// ```
    /// use session_identity::{Account, Seed, version};
    ///
    /// let account = Account::from_seed(&Seed::from_short(&[1; 16]));
    /// let key = account.version_key();
    /// let signature = key.sign_request(1_754_971_101, "GET", "/file/1/info", b"");
    /// version::verify_request(key.id(), 1_754_971_101, "GET", "/file/1/info", b"", &signature)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sign_request(
        &self,
        timestamp: u64,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Ed25519Signature {
        match body_hash(body) {
            Some(hash) => self.sign_raw(timestamp, method, path, &hash),
            None => self.sign_raw(timestamp, method, path, &[]),
        }
    }

    /// Signs a request for the newest version, a `GET` of [`Platform::path`].
    #[must_use]
    pub fn sign_version_check(&self, timestamp: u64, platform: Platform) -> Ed25519Signature {
        self.sign_request(timestamp, "GET", platform.path(), &[])
    }
}

impl Account {
    /// Returns the key pair with which the account signs requests to the file server.
    #[must_use]
    pub fn version_key(&self) -> VersionKey {
        let secret = blind::version_key(self.ed25519());
        VersionKey {
            id: VersionId::from_ed25519(&secret.public()),
            secret,
        }
    }
}

/// Verifies a signature of [`VersionKey::sign_request`], as the file server does.
///
/// The caller must compare `timestamp` with its clock: [`TIME_TOLERANCE`].
///
/// # Errors
///
/// [`SignatureError`] if the signature does not verify.
pub fn verify_request(
    id: &VersionId,
    timestamp: u64,
    method: &str,
    path: &str,
    body: &[u8],
    signature: &Ed25519Signature,
) -> Result<(), SignatureError> {
    let timestamp = timestamp.to_string();
    let hash = body_hash(body);
    let body_part = hash.as_ref().map_or(&[][..], |hash| hash.as_slice());
    id.ed25519()
        .verify_parts(&signed(&timestamp, method, path, body_part), signature)
}

/// Returns the text of a signature in its header: padded base64, 88 characters.
#[must_use]
pub fn signature_header(signature: &Ed25519Signature) -> String {
    base64::encode(signature)
}

fn signed<'a>(
    timestamp: &'a str,
    method: &'a str,
    path: &'a str,
    body_part: &'a [u8],
) -> [&'a [u8]; 4] {
    [
        timestamp.as_bytes(),
        method.as_bytes(),
        path.as_bytes(),
        body_part,
    ]
}

fn body_hash(body: &[u8]) -> Option<[u8; 64]> {
    (!body.is_empty()).then(|| Blake2b::<64>::new().chain(body).finalize())
}

/// The clients whose newest version the file server knows.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    /// Android.
    Android,
    /// Linux, macOS, Windows.
    Desktop,
    /// iOS.
    Ios,
}

impl Platform {
    /// Returns the path, with its query, of a request for the newest version.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Android => "/session_version?platform=android",
            Self::Desktop => "/session_version?platform=desktop",
            Self::Ios => "/session_version?platform=ios",
        }
    }
}

impl fmt::Debug for VersionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
