//! Session Pro: keys, the proofs of its backend, and the order of a receiver's checks.
//!
//! The backend signs that a *rotating key* is entitled until an expiry. A sender also signs their
//! messages with that key (protocol: crypto, section 13). Two generations of proofs exist:
//! [`Proof`] signs a message, [`HashProof`] of the earlier releases signs a hash.
//!
//! ```text
//! Proof signs      "ProProof_v0_____" | revocation tag (32) | rotating key (32) | expiry, decimal seconds
//! HashProof signs  BLAKE2b-32(pers = "ProProof________";
//!                             version (1) | index hash (32) | rotating key (32) | expiry, u64 little-endian ms)
//! ```
//!
//! The caller supplies the backend's public key.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::ed25519::{Ed25519Public, Ed25519PublicExt, Ed25519Secret, Ed25519Signature};
use crate::{Blake2b, SignatureError};

/// Lifetime of a rotating key in seconds: seven days.
pub const ROTATION_PERIOD_SECONDS: u64 = 604_800;

/// Derives the master key pair of an account. Constant-time.
#[must_use]
pub fn master_key(account: &Ed25519Secret) -> Ed25519Secret {
    let seed = Zeroizing::new(
        Blake2b::<32>::keyed(b"SessionProRandom")
            .chain(account.expose_seed())
            .finalize(),
    );
    Ed25519Secret::from_seed(&seed)
}

/// Derives the rotating key pair at a time, in seconds since 1970. It is the same for a whole
/// period.
///
/// `master` is the pair of [`master_key`], not the account's. Constant-time in the key.
#[must_use]
pub fn rotating_key(master: &Ed25519Secret, unix_seconds: u64) -> Ed25519Secret {
    let start = unix_seconds.saturating_sub(unix_seconds % ROTATION_PERIOD_SECONDS);
    let seed = Zeroizing::new(
        Blake2b::<32>::personal(b"ProRotatingSeed_")
            .chain(master.expose_seed())
            .chain(start.to_string().as_bytes())
            .finalize(),
    );
    Ed25519Secret::from_seed(&seed)
}

/// The backend's statement that a rotating key is entitled until an expiry. Newest generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The tag by which the backend can revoke the proof.
    pub revocation_tag: [u8; 32],
    /// The key that signs messages.
    pub rotating_key: Ed25519Public,
    /// Expiry in **seconds** since 1970.
    pub expiry_seconds: u64,
    /// The backend's signature.
    pub signature: Ed25519Signature,
}

impl Proof {
    /// Returns the bytes that the backend signs: `ProProof_v0_____ || tag || key || decimal expiry`.
    #[must_use]
    pub fn signed_message(&self) -> Vec<u8> {
        SignedMessage::new(b"ProProof_v0_____")
            .raw(&self.revocation_tag)
            .raw(self.rotating_key.as_bytes())
            .integer(self.expiry_seconds)
            .finish()
    }

    /// Verifies the backend's signature. [`check_message`] checks the expiry.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if it does not verify.
    pub fn verify(&self, backend: &Ed25519Public) -> Result<(), SignatureError> {
        backend.verify(&self.signed_message(), &self.signature)
    }

    /// Returns whether the proof is valid at a time in milliseconds since 1970, rounded down to
    /// seconds. It is valid in the second of its expiry.
    #[must_use]
    pub const fn is_current(&self, unix_milliseconds: u64) -> bool {
        unix_milliseconds / 1000 <= self.expiry_seconds
    }
}

/// The proof of the releases of 2025 and early 2026: the backend signs a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashProof {
    /// Version of the proof, 0.
    pub version: u8,
    /// The tag by which the backend can revoke the proof.
    pub gen_index_hash: [u8; 32],
    /// The key that signs messages.
    pub rotating_key: Ed25519Public,
    /// Expiry in **milliseconds** since 1970.
    pub expiry_milliseconds: u64,
    /// The backend's signature.
    pub signature: Ed25519Signature,
}

impl HashProof {
    /// Returns the hash that the backend signs.
    #[must_use]
    pub fn signed_hash(&self) -> [u8; 32] {
        Blake2b::<32>::personal(b"ProProof________")
            .chain(&[self.version])
            .chain(&self.gen_index_hash)
            .chain(self.rotating_key.as_bytes())
            .chain(&self.expiry_milliseconds.to_le_bytes())
            .finalize()
    }

    /// Verifies the backend's signature.
    ///
    /// # Errors
    ///
    /// [`SignatureError`] if it does not verify.
    pub fn verify(&self, backend: &Ed25519Public) -> Result<(), SignatureError> {
        backend.verify(&self.signed_hash(), &self.signature)
    }

    /// Returns whether the proof is valid at a time in milliseconds since 1970.
    #[must_use]
    pub const fn is_current(&self, unix_milliseconds: u64) -> bool {
        unix_milliseconds <= self.expiry_milliseconds
    }
}

/// The status of a message that carries a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// The backend has not signed this proof.
    InvalidProof,
    /// The rotating key has not signed this message.
    InvalidUserSignature,
    /// All signatures verify, but the message was sent after the expiry.
    Expired,
    /// All checks succeed.
    Valid,
}

/// Checks a message in the order of all clients: the backend's signature over the proof, the
/// rotating key's signature over the message, then the expiry.
///
/// `signed` are the bytes that the rotating key signs, which differ between kinds of conversations:
/// the encrypted content one to one, the plain content in groups, the padded content without its
/// signature in communities. `sent_milliseconds` is the time in the content. The caller must check
/// whether the proof was revoked.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::pro::{self, Proof, Status};
/// use session_crypto::{Ed25519Secret, Ed25519Signature};
///
/// let (backend, rotating) = (Ed25519Secret::generate(rng), Ed25519Secret::generate(rng));
/// let mut proof = Proof {
///     revocation_tag: [0x11; 32],
///     rotating_key: rotating.public(),
///     expiry_seconds: 1_756_000_000,
///     signature: Ed25519Signature::from_bytes([0; 64]),
/// };
/// proof.signature = backend.sign(&proof.signed_message());
/// let signature = rotating.sign(b"what was sent");
/// let check = |sent_ms| {
///     pro::check_message(&proof, &backend.public(), b"what was sent", &signature, sent_ms)
/// };
/// assert_eq!(check(1_754_971_101_000), Status::Valid);
/// assert_eq!(check(1_757_000_000_000), Status::Expired);
/// ```
#[must_use]
pub fn check_message(
    proof: &Proof,
    backend: &Ed25519Public,
    signed: &[u8],
    signature: &Ed25519Signature,
    sent_milliseconds: u64,
) -> Status {
    let current = proof.is_current(sent_milliseconds);
    status(
        proof.verify(backend),
        proof.rotating_key,
        signed,
        signature,
        current,
    )
}

/// As [`check_message`], with a proof of the earlier generation.
#[must_use]
pub fn check_message_with_hash_proof(
    proof: &HashProof,
    backend: &Ed25519Public,
    signed: &[u8],
    signature: &Ed25519Signature,
    sent_milliseconds: u64,
) -> Status {
    let current = proof.is_current(sent_milliseconds);
    status(
        proof.verify(backend),
        proof.rotating_key,
        signed,
        signature,
        current,
    )
}

fn status(
    proof: Result<(), SignatureError>,
    rotating_key: Ed25519Public,
    signed: &[u8],
    signature: &Ed25519Signature,
    current: bool,
) -> Status {
    if proof.is_err() {
        Status::InvalidProof
    } else if rotating_key.verify(signed, signature).is_err() {
        Status::InvalidUserSignature
    } else if current {
        Status::Valid
    } else {
        Status::Expired
    }
}

/// Returns the bytes to sign, with master **and** rotating key, to ask the backend for a proof.
#[must_use]
pub fn generate_proof_request(
    master: &Ed25519Public,
    rotating: &Ed25519Public,
    unix_seconds: u64,
) -> Vec<u8> {
    SignedMessage::new(b"ProGenerateProof")
        .raw(master.as_bytes())
        .raw(rotating.as_bytes())
        .integer(unix_seconds)
        .finish()
}

/// Returns the bytes to sign with the master key to ask for the state of a subscription.
#[must_use]
pub fn status_request(master: &Ed25519Public, unix_seconds: u64) -> Vec<u8> {
    SignedMessage::new(b"ProGetProStatus_")
        .raw(master.as_bytes())
        .integer(unix_seconds)
        .finish()
}

/// Returns the bytes to sign with the master key to ask for payments before a cursor, which may be
/// empty.
#[must_use]
pub fn payments_request(
    master: &Ed25519Public,
    unix_seconds: u64,
    limit: u64,
    before: &str,
) -> Vec<u8> {
    SignedMessage::new(b"ProGetPayDetails")
        .raw(master.as_bytes())
        .integer(unix_seconds)
        .integer(limit)
        .text(before)
        .finish()
}

/// A signed message of the backend's protocol: a domain of 16 bytes, then fields. A zero byte
/// separates two adjacent fields of variable length.
struct SignedMessage {
    bytes: Vec<u8>,
    ends_variable: bool,
}

impl SignedMessage {
    fn new(domain: &[u8; 16]) -> Self {
        Self {
            bytes: domain.to_vec(),
            ends_variable: false,
        }
    }

    fn raw(mut self, field: &[u8; 32]) -> Self {
        self.bytes.extend_from_slice(field);
        self.ends_variable = false;
        self
    }

    fn integer(self, field: u64) -> Self {
        let digits: String = field.to_string();
        self.text(&digits)
    }

    fn text(mut self, field: &str) -> Self {
        if self.ends_variable {
            self.bytes.push(0);
        }
        self.bytes.extend_from_slice(field.as_bytes());
        self.ends_variable = true;
        self
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
