//! libsodium's sealed box: anybody can seal to an X25519 key, only the holder of its secret can open.
//!
//! ```text
//! ephemeral public key (32) | Poly1305 tag (16) | XSalsa20 ciphertext (as long as the message)
//! ```
//!
//! The nonce is `BLAKE2b-24(ephemeral public key || recipient)`, the key
//! `HSalsa20(X25519(ephemeral, recipient), 0)` (protocol: crypto, section 2.2).
//!
//! The box does not authenticate its sender: everybody who knows the recipient's public key can make
//! one.

use alloc::vec::Vec;

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use rand_core::CryptoRng;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use salsa20::{XSalsa20, hsalsa};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::bytes::{MAX_ALLOCATION, split_array, split_array_mut, split_first, split_first_mut};
use crate::error::authentic;
use crate::x25519::{Peer, SharedSecret, X25519Public, X25519Secret};
use crate::{Blake2b, DecryptError, EncryptError};

/// Overhead of a sealed box in bytes: ephemeral key (32) and tag (16).
pub const OVERHEAD: usize = 48;
/// Length of the tag in bytes.
const TAG: usize = 16;

fn nonce(ephemeral: &X25519Public, recipient: &X25519Public) -> [u8; 24] {
    Blake2b::<24>::new()
        .chain(ephemeral.as_bytes())
        .chain(recipient.as_bytes())
        .finalize()
}

/// Returns the cipher behind the first 32 bytes of its key stream, and these: the Poly1305 key.
fn secretbox(shared: &SharedSecret, nonce: &[u8; 24]) -> (XSalsa20, Zeroizing<[u8; 32]>) {
    let mut key = hsalsa::<U10>(shared.expose_bytes().into(), &[0; 16].into());
    let mut cipher = XSalsa20::new(&key, nonce.into());
    key.as_mut_slice().zeroize();
    let mut mac_key = Zeroizing::new([0; 32]);
    cipher.apply_keystream(mac_key.as_mut_slice());
    (cipher, mac_key)
}

fn tag(mac_key: &[u8; 32], ciphertext: &[u8]) -> [u8; TAG] {
    Poly1305::new(mac_key.into())
        .compute_unpadded(ciphertext)
        .into()
}

/// Seals `message` to `recipient` with a random ephemeral key.
///
/// The recipient is an [`X25519Public`] or, faster, a
/// [`PreparedPublic`](crate::x25519::PreparedPublic). The result is [`OVERHEAD`] bytes longer than the
/// message. Constant-time in ephemeral key and message.
///
/// # Errors
///
/// [`EncryptError::Key`] if the recipient's key has small order.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{X25519Secret, sealed_box};
///
/// let secret = X25519Secret::generate(rng);
/// let public = secret.public();
/// let sealed = sealed_box::seal(rng, &public, b"hello")?;
/// assert_eq!(sealed_box::open(&secret, &public, &sealed)?.as_slice(), b"hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal<'a>(
    rng: &mut (impl CryptoRng + ?Sized),
    recipient: impl Into<Peer<'a>>,
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let ephemeral = X25519Secret::generate(rng);
    seal_parts(&ephemeral, recipient.into(), &[message])
}

/// Seals the concatenated parts of a message with a given ephemeral key.
///
/// The parts are written straight into the output, without another copy of the message. An ephemeral
/// key must be used once, for one message and recipient.
///
/// # Errors
///
/// [`EncryptError::Key`] if the recipient's key has small order.
pub(crate) fn seal_parts(
    ephemeral: &X25519Secret,
    recipient: Peer<'_>,
    parts: &[&[u8]],
) -> Result<Vec<u8>, EncryptError> {
    let (public, shared) = ephemeral.agree(recipient)?;
    let (mut cipher, mac_key) = secretbox(&shared, &nonce(&public, recipient.public()));

    let length = parts
        .iter()
        .fold(OVERHEAD, |sum, part| sum.saturating_add(part.len()));
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&[0; OVERHEAD]);
    for part in parts {
        out.extend_from_slice(part);
    }
    let too_long = EncryptError::TooLong {
        max: MAX_ALLOCATION,
        got: length,
    };
    // Cannot fail: the head has just been written.
    let (head, ciphertext) = out.split_first_chunk_mut::<OVERHEAD>().ok_or(too_long)?;
    cipher.apply_keystream(ciphertext);
    let (key_place, tag_place) = split_array_mut::<OVERHEAD, 32, TAG>(head);
    *key_place = public.to_bytes();
    *tag_place = tag(&mac_key, ciphertext);
    Ok(out)
}

/// Opens a sealed box with the recipient's key pair.
///
/// The message is zeroized on drop. Constant-time in the secret and in the comparison of the tag.
///
/// # Errors
///
/// [`DecryptError`] if the box is malformed or fails authentication.
pub fn open(
    secret: &X25519Secret,
    public: &X25519Public,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let (head, ciphertext) = split_first::<OVERHEAD>(sealed).ok_or(DecryptError)?;
    let mut cipher = authenticate(secret, public, head, ciphertext)?;
    let mut message = Zeroizing::new(ciphertext.to_vec());
    cipher.apply_keystream(&mut message);
    Ok(message)
}

/// Opens a sealed box in its own buffer, and returns the message in it.
///
/// The caller must zeroize the buffer. Constant-time as [`open`].
///
/// # Errors
///
/// [`DecryptError`] if the box is malformed or fails authentication. The buffer is then unchanged.
pub fn open_in_place<'m>(
    secret: &X25519Secret,
    public: &X25519Public,
    sealed: &'m mut [u8],
) -> Result<&'m mut [u8], DecryptError> {
    let (head, message) = split_first_mut::<OVERHEAD>(sealed).ok_or(DecryptError)?;
    let mut cipher = authenticate(secret, public, head, message)?;
    cipher.apply_keystream(message);
    Ok(message)
}

/// Authenticates a ciphertext and returns its cipher.
fn authenticate(
    secret: &X25519Secret,
    public: &X25519Public,
    head: &[u8; OVERHEAD],
    ciphertext: &[u8],
) -> Result<XSalsa20, DecryptError> {
    let (ephemeral, given) = split_array::<OVERHEAD, 32, TAG>(head);
    let ephemeral = X25519Public::from_bytes(*ephemeral);
    let shared = secret.diffie_hellman(&ephemeral)?;
    let (cipher, mac_key) = secretbox(&shared, &nonce(&ephemeral, public));
    authentic(tag(&mac_key, ciphertext).ct_eq(given))?;
    Ok(cipher)
}
