//! Requests of a new device to be admitted: encrypted to a key of the device group.
//!
//! ```text
//! E   ephemeral X25519 key (32)
//! L   XChaCha20-Poly1305 of the inner dict
//! i   indicator (2): first bytes of the key X, hidden from others
//! ```
//!
//! `X` is the account's X25519 key of the time, which the newest group message shows. Protocol:
//! protocol-v2, section 8.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::keys::AccountKeys;
use crate::bytes::split_array;
use crate::x25519::{SharedSecret, X25519Public, X25519Secret};
use crate::xchacha::{self, NONCE_LENGTH};
use crate::{Blake2b, DecryptError, EncryptError, SymmetricKey};

/// The parts of a request, for the dict of the layer above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The ephemeral key, `E`.
    pub ephemeral: X25519Public,
    /// The encrypted dict, `L`.
    pub ciphertext: Vec<u8>,
    /// The indicator, `i`.
    pub indicator: [u8; 2],
}

fn key(
    shared: &SharedSecret,
    ephemeral: &X25519Public,
    link: &X25519Public,
) -> (SymmetricKey, [u8; NONCE_LENGTH]) {
    let hash = Zeroizing::new(
        Blake2b::<56>::personal(b"SessionDvGrpLink")
            .chain(shared.expose_bytes())
            .chain(ephemeral.as_bytes())
            .chain(link.as_bytes())
            .finalize(),
    );
    let (key, nonce) = split_array::<56, 32, NONCE_LENGTH>(&hash);
    (SymmetricKey::from_bytes(*key), *nonce)
}

/// Hides two bytes of the link key: `H_2(E || S; key = DH(e, S))`.
fn mask(shared: &SharedSecret, ephemeral: &X25519Public, account: &X25519Public) -> [u8; 2] {
    Blake2b::<2>::keyed_personal(shared.expose_bytes(), b"SessionDvGrpKISS")
        .chain(ephemeral.as_bytes())
        .chain(account.as_bytes())
        .finalize()
}

fn prefix(key: &X25519Public) -> [u8; 2] {
    let [first, second, ..] = key.to_bytes();
    [first, second]
}

/// Encrypts a request to the group whose newest message shows the key `link`.
///
/// `account` is the account's long-term X25519 key. Draws 32 bytes. Constant-time in `inner`.
///
/// # Errors
///
/// [`EncryptError::Key`] if a key has small order. [`EncryptError::TooLong`] if the request does not fit
/// into memory.
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    account: &X25519Public,
    link: &X25519Public,
    inner: &[u8],
) -> Result<Request, EncryptError> {
    let secret = X25519Secret::generate(rng);
    let ephemeral = secret.public();
    let shared = secret.diffie_hellman(link)?;
    let (key, nonce) = key(&shared, &ephemeral, link);
    let ciphertext = xchacha::encrypt_between(&key, &nonce, &[], &[inner], 0, &[])?;
    let hidden = secret.diffie_hellman(account)?;
    let [a, b] = prefix(link);
    let [c, d] = mask(&hidden, &ephemeral, account);
    Ok(Request {
        ephemeral,
        ciphertext,
        indicator: [a ^ c, b ^ d],
    })
}

/// Returns the first two bytes of the link key of a request.
///
/// `secret` and `public` are the account's long-term X25519 keys.
///
/// # Errors
///
/// [`DecryptError`] if the ephemeral key has small order.
pub fn key_prefix(
    secret: &X25519Secret,
    public: &X25519Public,
    ephemeral: &X25519Public,
    indicator: [u8; 2],
) -> Result<[u8; 2], DecryptError> {
    let shared = secret.diffie_hellman(ephemeral)?;
    let [a, b] = indicator;
    let [c, d] = mask(&shared, ephemeral, public);
    Ok([a ^ c, b ^ d])
}

/// Decrypts a request with a key set of the account.
///
/// # Errors
///
/// [`DecryptError`] if the request is for another key, is malformed or fails authentication.
pub fn open(
    keys: &AccountKeys,
    ephemeral: &X25519Public,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let shared = keys.x25519().diffie_hellman(ephemeral)?;
    let (key, nonce) = key(&shared, ephemeral, &keys.public().x25519);
    xchacha::open(&key, &nonce, ciphertext)
}
