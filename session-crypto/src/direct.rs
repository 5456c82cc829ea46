//! One-to-one encryption, version 1: signed, then sealed.
//!
//! ```text
//! sealed box to the recipient's X25519 key Y of:
//!     message M | sender's Ed25519 key A (32) | Ed25519 signature by A over M || A || Y (64)
//! ```
//!
//! Protocol: [crypto, section 2]. `M` is taken and returned as it is; the layer above pads and
//! unpads it. The signature covers the recipient, so that he cannot pass the message on as if it
//! had been written to somebody else.
//!
//! [crypto, section 2]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/crypto.md#section-2

use alloc::vec::Vec;

use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::bytes::{copy_prefix, split_last};
use crate::ed25519::{Ed25519Public, Ed25519Secret, Ed25519Signature};
use crate::x25519::{X25519Public, X25519Secret};
use crate::{Blake2b, DecryptError, KeyError, sealed_box};

/// Bytes that the ciphertext is longer than the message: sealed box (48), key (32), signature (64).
pub const OVERHEAD: usize = 144;

/// Encrypts `message` from `sender` to `recipient`, with an ephemeral key of the generator.
///
/// The result is [`OVERHEAD`] bytes longer than the message. Constant time in the sender's secret, the
/// ephemeral key and the message.
///
/// # Errors
///
/// [`KeyError::NonContributory`] if the recipient's key has small order.
pub fn encrypt(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Ed25519Secret,
    recipient: &X25519Public,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    encrypt_with(&X25519Secret::generate(rng), sender, recipient, message)
}

/// Encrypts `message` so that the same sender, recipient and message give the same bytes.
///
/// For content that several devices of one account write and that must not multiply. A receiver
/// cannot tell it from the output of [`encrypt`], but whoever sees two of them can tell whether
/// they carry the same message. Constant time as [`encrypt`].
///
/// # Errors
///
/// [`KeyError::NonContributory`] if the recipient's key has small order.
pub fn encrypt_deterministic(
    sender: &Ed25519Secret,
    recipient: &X25519Public,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let seed = Zeroizing::new(
        Blake2b::<32>::keyed(b"SessionBoxEphemeralHashKey")
            .chain(sender.expose_seed())
            .chain(recipient.as_bytes())
            .chain(message)
            .finalize(),
    );
    let mut hash = Sha512::digest(seed.as_slice());
    let mut ephemeral = Zeroizing::new([0; 32]);
    copy_prefix(ephemeral.as_mut_slice(), hash.as_slice());
    hash.as_mut_slice().zeroize();
    encrypt_with(
        &X25519Secret::from_bytes(*ephemeral),
        sender,
        recipient,
        message,
    )
}

fn encrypt_with(
    ephemeral: &X25519Secret,
    sender: &Ed25519Secret,
    recipient: &X25519Public,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let public = sender.public();
    let signature = sender.sign_parts(&[message, public.as_bytes(), recipient.as_bytes()]);
    let parts = [message, public.as_bytes().as_slice(), signature.as_bytes()];
    sealed_box::seal_parts(ephemeral, recipient, &parts)
}

/// What a one-to-one ciphertext contained, with its verified sender.
#[derive(Debug)]
pub struct Opened {
    /// The sender's Ed25519 key. Its signature over the message has been verified.
    pub sender: Ed25519Public,
    /// The sender's X25519 key: the account id without its prefix.
    pub sender_x25519: X25519Public,
    /// The message, as it was given to [`encrypt`]: still padded if it was padded.
    pub message: Zeroizing<Vec<u8>>,
}

/// Decrypts a one-to-one ciphertext with the recipient's key pair, and verifies its sender.
///
/// What a receiver must still do: take the sender from here and from nowhere else, and unpad the
/// message. There is no protection against replay at this layer.
///
/// Constant time in the recipient's secret. The sender's key and signature are verified in variable
/// time, as public data.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong, a signature that does not verify and a sender key that
/// is no account's included.
pub fn decrypt(
    secret: &X25519Secret,
    public: &X25519Public,
    ciphertext: &[u8],
) -> Result<Opened, DecryptError> {
    if ciphertext.len() < OVERHEAD {
        return Err(DecryptError);
    }
    let mut message = sealed_box::open(secret, public, ciphertext)?;
    let (signed, signature) = split_last::<64>(&message).ok_or(DecryptError)?;
    let (content, sender) = split_last::<32>(signed).ok_or(DecryptError)?;
    let length = content.len();
    let sender = Ed25519Public::from_bytes(*sender);
    let verifier = sender.prepare()?;
    verifier.verify_parts(
        &[signed, public.as_bytes()],
        &Ed25519Signature::from_bytes(*signature),
    )?;
    // A key with a component of small order can pass the signature check; it is no account's key.
    let sender_x25519 = verifier.to_x25519()?;
    message.truncate(length);
    Ok(Opened {
        sender,
        sender_x25519,
        message,
    })
}
