//! One-to-one encryption, version 2: X25519 and ML-KEM-768 in the manner of X-Wing.
//!
//! ```text
//! 00 02 | key indicator (2) | ephemeral key E (32) | ML-KEM ciphertext (1088) |
//!     XChaCha20-Poly1305 of: inner dict | zeros
//! ```
//!
//! The length is a multiple of 256 bytes and at least [`MIN_LENGTH`]. The inner dict, which contains
//! content, sender and signature, is made by the layer above; it ends with the byte `e`, so that the
//! zeros behind it are no part of it.
//!
//! Two forms look the same from outside. [`seal`] encrypts to the published keys of an account, and has
//! forward secrecy. [`seal_without_keys`] encrypts to the account's long-term key, for accounts that have
//! published none, and fills the places of the key indicator and the ML-KEM ciphertext with random bytes.
//!
//! Protocol: protocol-v2, section 4.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::expand::{key_and_nonce, sha3};
use super::kem::{CIPHERTEXT_LENGTH, KemCiphertext};
use super::keys::{AccountKeys, PublicKeys};
use crate::bytes::{split_first, without_trailing_zeros};
use crate::x25519::{SharedSecret, X25519Public, X25519Secret};
use crate::xchacha::{self, TAG_LENGTH};
use crate::{Blake2b, DecryptError, EncryptError};

/// First two bytes of every message: a zero, which no version 1 message begins with, and the version.
pub const VERSION: [u8; 2] = [0, 2];
/// Length of everything before the ciphertext of the dict, in bytes.
pub const HEADER_LENGTH: usize = 36 + CIPHERTEXT_LENGTH;
/// Overhead of a message without padding, in bytes: header and tag.
pub const OVERHEAD: usize = HEADER_LENGTH + TAG_LENGTH;
/// Minimum length of a message in bytes.
pub const MIN_LENGTH: usize = 1536;
/// The length of a message is a multiple of this.
pub const LENGTH_MULTIPLE: usize = 256;

/// The label of X-Wing: `\.//^\`.
const LABEL: &[u8; 6] = br"\.//^\";

/// Length of the message that contains a dict of `inner` bytes.
#[must_use]
pub const fn sealed_length(inner: usize) -> usize {
    let length = inner
        .saturating_add(OVERHEAD)
        .saturating_add(LENGTH_MULTIPLE - 1);
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "the remainder is at most the number"
    )]
    let length = length - length % LENGTH_MULTIPLE;
    if length < MIN_LENGTH {
        MIN_LENGTH
    } else {
        length
    }
}

/// Hides two bytes of the recipient's key: `H_2(E || S; key = DH(e, S))`.
fn mask(shared: &SharedSecret, ephemeral: &X25519Public, recipient: &X25519Public) -> [u8; 2] {
    Blake2b::<2>::keyed_personal(shared.expose_bytes(), b"Session-Msg-KISS")
        .chain(ephemeral.as_bytes())
        .chain(recipient.as_bytes())
        .finalize()
}

fn xor([a, b]: [u8; 2], [c, d]: [u8; 2]) -> [u8; 2] {
    [a ^ c, b ^ d]
}

/// Shared secret of the form with forward secrecy.
fn combine(
    kem: &[u8; 32],
    x25519: &SharedSecret,
    ephemeral: &X25519Public,
    key: &X25519Public,
) -> Zeroizing<[u8; 32]> {
    sha3(&[
        kem,
        x25519.expose_bytes(),
        ephemeral.as_bytes(),
        key.as_bytes(),
        LABEL,
    ])
}

/// Shared secret of the form without forward secrecy. Here the recipient comes before the ephemeral key.
fn combine_without_keys(
    shared: &SharedSecret,
    recipient: &X25519Public,
    ephemeral: &X25519Public,
) -> Zeroizing<[u8; 32]> {
    sha3(&[
        shared.expose_bytes(),
        recipient.as_bytes(),
        ephemeral.as_bytes(),
        b"SessionV2NonPFS",
    ])
}

const WITH_KEYS: &[u8] = b"SessionV2MessageSS";
const WITHOUT_KEYS: &[u8] = b"SessionV2NonPFSSS";

/// Encrypts `inner` to the published keys of an account.
///
/// `recipient` is the account's long-term X25519 key. Draws 32 bytes for the ephemeral key and 32 for
/// ML-KEM. Constant-time in the message.
///
/// # Errors
///
/// [`EncryptError::Key`] if the recipient's key or a published key is not usable.
/// [`EncryptError::TooLong`] if the message does not fit into memory.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::X25519Secret;
/// use session_crypto::v2::message::{self, Message};
/// use session_crypto::v2::{AccountKeys, KeySeed};
///
/// let bob = X25519Secret::generate(rng);
/// let keys = AccountKeys::from_seed(&KeySeed::generate(rng));
/// let sealed = message::seal(rng, &bob.public(), keys.public(), b"d1:ci0ee")?;
/// assert_eq!(sealed.len(), 1536);
///
/// let message = Message::parse(&sealed)?;
/// assert_eq!(message.key_prefix(&bob, &bob.public())?, keys.public().kem.prefix());
/// assert_eq!(message.open(&keys)?.as_slice(), b"d1:ci0ee");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    recipient: &X25519Public,
    keys: &PublicKeys,
    inner: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let secret = X25519Secret::generate(rng);
    let ephemeral = secret.public();
    let hidden = secret.diffie_hellman(recipient)?;
    let indicator = xor(keys.kem.prefix(), mask(&hidden, &ephemeral, recipient));
    let shared = secret.diffie_hellman(&keys.x25519)?;
    let (ciphertext, kem) = keys.kem.encapsulate(rng)?;
    let combined = combine(kem.expose_bytes(), &shared, &ephemeral, &keys.x25519);
    write(
        &Header {
            indicator,
            ephemeral,
            ciphertext: &ciphertext,
        },
        WITH_KEYS,
        &combined,
        inner,
    )
}

/// Encrypts `inner` to the long-term key of an account that has published no keys.
///
/// Draws 32 bytes for the ephemeral key, 2 for the key indicator and 1088 for the place of the ML-KEM
/// ciphertext. There is no forward secrecy. Constant-time in the message.
///
/// # Errors
///
/// As [`seal`].
pub fn seal_without_keys(
    rng: &mut (impl CryptoRng + ?Sized),
    recipient: &X25519Public,
    inner: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let secret = X25519Secret::generate(rng);
    let ephemeral = secret.public();
    let mut indicator = [0; 2];
    rng.fill_bytes(&mut indicator);
    let mut ciphertext = [0; CIPHERTEXT_LENGTH];
    rng.fill_bytes(&mut ciphertext);
    let shared = secret.diffie_hellman(recipient)?;
    let combined = combine_without_keys(&shared, recipient, &ephemeral);
    write(
        &Header {
            indicator,
            ephemeral,
            ciphertext: &ciphertext,
        },
        WITHOUT_KEYS,
        &combined,
        inner,
    )
}

struct Header<'a> {
    indicator: [u8; 2],
    ephemeral: X25519Public,
    ciphertext: &'a KemCiphertext,
}

fn write(
    header: &Header<'_>,
    domain: &[u8],
    shared: &[u8; 32],
    inner: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let (key, nonce) = key_and_nonce(domain, shared);
    let mut head = Vec::with_capacity(HEADER_LENGTH);
    head.extend_from_slice(&VERSION);
    head.extend_from_slice(&header.indicator);
    head.extend_from_slice(header.ephemeral.as_bytes());
    head.extend_from_slice(header.ciphertext);
    let padding = sealed_length(inner.len())
        .saturating_sub(OVERHEAD)
        .saturating_sub(inner.len());
    xchacha::encrypt_between(&key, &nonce, &head, &[inner], padding, &[])
}

/// A message as received. Only its form is checked.
///
/// A reader tries [`open`](Self::open) with every key set whose public half begins with
/// [`key_prefix`](Self::key_prefix), the current one first, and then
/// [`open_without_keys`](Self::open_without_keys).
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    indicator: [u8; 2],
    ephemeral: X25519Public,
    ciphertext: &'a KemCiphertext,
    sealed: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes a message apart.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if it does not begin with [`VERSION`] or has fewer than [`MIN_LENGTH`] bytes.
    pub fn parse(data: &'a [u8]) -> Result<Self, DecryptError> {
        if data.len() < MIN_LENGTH {
            return Err(DecryptError);
        }
        let (version, rest) = split_first::<2>(data).ok_or(DecryptError)?;
        let (indicator, rest) = split_first::<2>(rest).ok_or(DecryptError)?;
        let (ephemeral, rest) = split_first::<32>(rest).ok_or(DecryptError)?;
        let (ciphertext, sealed) = split_first::<CIPHERTEXT_LENGTH>(rest).ok_or(DecryptError)?;
        if *version != VERSION {
            return Err(DecryptError);
        }
        Ok(Self {
            indicator: *indicator,
            ephemeral: X25519Public::from_bytes(*ephemeral),
            ciphertext,
            sealed,
        })
    }

    /// Returns the first two bytes of the ML-KEM key that the message is for.
    ///
    /// `secret` and `public` are the account's long-term X25519 keys. Nothing authenticates the
    /// result: in a message without forward secrecy it is random.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the ephemeral key has small order. No key opens the message then.
    pub fn key_prefix(
        &self,
        secret: &X25519Secret,
        public: &X25519Public,
    ) -> Result<[u8; 2], DecryptError> {
        let shared = secret.diffie_hellman(&self.ephemeral)?;
        Ok(xor(self.indicator, mask(&shared, &self.ephemeral, public)))
    }

    /// Decrypts a message with a key set of the account, and returns the dict without its padding.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the message is for another key or fails authentication. Both take the same
    /// time.
    pub fn open(&self, keys: &AccountKeys) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let shared = keys.x25519().diffie_hellman(&self.ephemeral)?;
        let kem = keys.kem().decapsulate(self.ciphertext);
        let own = &keys.public().x25519;
        let combined = combine(kem.expose_bytes(), &shared, &self.ephemeral, own);
        self.decrypt(WITH_KEYS, &combined)
    }

    /// Decrypts a message without forward secrecy, and returns the dict without its padding.
    ///
    /// `secret` and `public` are the account's long-term X25519 keys.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the message is for another recipient or fails authentication.
    pub fn open_without_keys(
        &self,
        secret: &X25519Secret,
        public: &X25519Public,
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let shared = secret.diffie_hellman(&self.ephemeral)?;
        let combined = combine_without_keys(&shared, public, &self.ephemeral);
        self.decrypt(WITHOUT_KEYS, &combined)
    }

    fn decrypt(
        &self,
        domain: &[u8],
        shared: &[u8; 32],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        let (key, nonce) = key_and_nonce(domain, shared);
        let mut inner = xchacha::open(&key, &nonce, self.sealed)?;
        let length = without_trailing_zeros(&inner).len();
        inner.truncate(length);
        Ok(inner)
    }
}
