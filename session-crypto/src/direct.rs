//! One-to-one encryption, version 1: signed, then sealed.
//!
//! ```text
//! sealed box to the recipient's X25519 key Y of:
//!     message M | sender's Ed25519 key A (32) | Ed25519 signature by A over M || A || Y (64)
//! ```
//!
//! Protocol: crypto, section 2. `M` is taken and returned as it is; the layer above pads and
//! unpads it. The signature covers the recipient, so that he cannot pass the message on as if it
//! had been written to somebody else.

mod senders;

use alloc::vec::Vec;

use rand_core::CryptoRng;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::bytes::{copy_prefix, split_last};
use crate::ed25519::{
    Ed25519Public, Ed25519PublicExt, Ed25519Secret, Ed25519Signature, VerifyingKey,
};
use crate::x25519::{Peer, X25519Public, X25519Secret};
use crate::{Blake2b, DecryptError, KeyError, sealed_box};

pub use senders::Senders;

/// Bytes that the ciphertext is longer than the message: sealed box (48), key (32), signature (64).
pub const OVERHEAD: usize = 144;

/// Encrypts `message` from `sender` to `recipient`, with an ephemeral key of the generator.
///
/// The recipient is an [`X25519Public`] or, in less time, a
/// [`PreparedPublic`](crate::x25519::PreparedPublic). The result is [`OVERHEAD`] bytes longer than the
/// message. Constant time in the sender's secret, the ephemeral key and the message.
///
/// # Errors
///
/// [`KeyError::NonContributory`] if the recipient's key has small order.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{Ed25519Secret, direct};
///
/// let (alice, bob) = (Ed25519Secret::generate(rng), Ed25519Secret::generate(rng));
/// let bob_id = bob.x25519_public();
/// let sealed = direct::encrypt(rng, &alice, &bob_id, b"padded content")?;
/// let opened = direct::decrypt(&bob.to_x25519(), &bob_id, &sealed)?;
/// assert_eq!(opened.message.as_slice(), b"padded content");
/// assert_eq!(opened.sender, alice.public());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encrypt<'a>(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Ed25519Secret,
    recipient: impl Into<Peer<'a>>,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let ephemeral = X25519Secret::generate(rng);
    encrypt_with(&ephemeral, sender, recipient.into(), message)
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
        recipient.into(),
        message,
    )
}

fn encrypt_with(
    ephemeral: &X25519Secret,
    sender: &Ed25519Secret,
    recipient: Peer<'_>,
    message: &[u8],
) -> Result<Vec<u8>, KeyError> {
    let public = sender.public();
    let to = recipient.public().as_bytes();
    let signature = sender.sign_parts(&[message, public.as_bytes(), to]);
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
    let (opened, _) = decrypt_checking(secret, public, ciphertext, Sender::check)?;
    Ok(opened)
}

/// Decrypts as [`decrypt`] does, and remembers the sender's key, so that its next message takes about a
/// third less time.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong. Nothing is remembered then.
pub fn decrypt_remembering(
    senders: &mut Senders,
    secret: &X25519Secret,
    public: &X25519Public,
    ciphertext: &[u8],
) -> Result<Opened, DecryptError> {
    let known = |key: &Ed25519Public| match senders.get(key) {
        Some(sender) => Ok(sender.clone()),
        None => Sender::check(key),
    };
    let (opened, sender) = decrypt_checking(secret, public, ciphertext, known)?;
    senders.insert(sender);
    Ok(opened)
}

/// Decrypts as [`decrypt`] does; `check` takes the sender's key for an account's, or refuses it.
fn decrypt_checking(
    secret: &X25519Secret,
    public: &X25519Public,
    ciphertext: &[u8],
    check: impl FnOnce(&Ed25519Public) -> Result<Sender, KeyError>,
) -> Result<(Opened, Sender), DecryptError> {
    if ciphertext.len() < OVERHEAD {
        return Err(DecryptError);
    }
    let mut message = sealed_box::open(secret, public, ciphertext)?;
    let (length, sender) = verify(public, &message, check)?;
    message.truncate(length);
    let opened = Opened {
        sender: sender.verifier.public(),
        sender_x25519: sender.x25519,
        message,
    };
    Ok((opened, sender))
}

/// What a one-to-one ciphertext contained, in the buffer that it came in, with its verified sender.
#[derive(Debug)]
pub struct OpenedInPlace<'m> {
    /// The sender's Ed25519 key. Its signature over the message has been verified.
    pub sender: Ed25519Public,
    /// The sender's X25519 key: the account id without its prefix.
    pub sender_x25519: X25519Public,
    /// The message, as it was given to [`encrypt`]: still padded if it was padded.
    pub message: &'m mut [u8],
}

/// Decrypts as [`decrypt`] does, but in the buffer of the ciphertext. Wiping it is the caller's.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong. The buffer may then hold the ciphertext or, where only
/// the sender was refused, what was sealed.
pub fn decrypt_in_place<'m>(
    secret: &X25519Secret,
    public: &X25519Public,
    ciphertext: &'m mut [u8],
) -> Result<OpenedInPlace<'m>, DecryptError> {
    if ciphertext.len() < OVERHEAD {
        return Err(DecryptError);
    }
    let message = sealed_box::open_in_place(secret, public, ciphertext)?;
    let (length, sender) = verify(public, message, Sender::check)?;
    Ok(OpenedInPlace {
        sender: sender.verifier.public(),
        sender_x25519: sender.x25519,
        message: message.get_mut(..length).ok_or(DecryptError)?,
    })
}

/// The key of an account, decompressed and converted.
#[derive(Clone)]
struct Sender {
    verifier: VerifyingKey,
    x25519: X25519Public,
}

impl Sender {
    fn check(key: &Ed25519Public) -> Result<Self, KeyError> {
        let verifier = key.to_verifying_key()?;
        // A key with a component of small order could pass a signature check; it is no account's key.
        let x25519 = verifier.to_x25519()?;
        Ok(Self { verifier, x25519 })
    }
}

/// Verifies what was sealed to `public`: the length of the message in it, and who signed it.
fn verify(
    public: &X25519Public,
    sealed: &[u8],
    check: impl FnOnce(&Ed25519Public) -> Result<Sender, KeyError>,
) -> Result<(usize, Sender), DecryptError> {
    let (signed, signature) = split_last::<64>(sealed).ok_or(DecryptError)?;
    let (content, sender) = split_last::<32>(signed).ok_or(DecryptError)?;
    let sender = check(&Ed25519Public::from_bytes(*sender))?;
    sender.verifier.verify_parts(
        &[signed, public.as_bytes()],
        &Ed25519Signature::from_bytes(*signature),
    )?;
    Ok((content.len(), sender))
}
