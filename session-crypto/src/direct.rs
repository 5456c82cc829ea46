//! One-to-one encryption, version 1: signed, then sealed.
//!
//! ```text
//! sealed box to the recipient's X25519 key Y of:
//!     message M | sender's Ed25519 key A (32) | Ed25519 signature by A over M || A || Y (64)
//! ```
//!
//! Protocol: crypto, section 2. The layer above pads and unpads `M`. The signature covers the
//! recipient, so that they cannot pass the message on as a message to another account.

mod senders;

use alloc::vec::Vec;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::bytes::{split_array, split_last};
use crate::ed25519::{
    Ed25519Public, Ed25519PublicExt, Ed25519Secret, Ed25519Signature, VerifyingKey,
};
use crate::sha512::sha512;
use crate::x25519::{Peer, X25519Public, X25519Secret};
use crate::{Blake2b, DecryptError, EncryptError, KeyError, sealed_box};

pub use crate::opened::Opened;
pub use senders::Senders;

/// Overhead of a sealed message in bytes: sealed box (48), key (32), signature (64).
pub const OVERHEAD: usize = 144;

/// Seals `message` from `sender` to `recipient` with a random ephemeral key.
///
/// The recipient is an [`X25519Public`] or, faster, a
/// [`PreparedPublic`](crate::x25519::PreparedPublic). The result is [`OVERHEAD`] bytes longer than the
/// message. Constant-time in the sender's secret, the ephemeral key and the message.
///
/// # Errors
///
/// [`EncryptError::Key`] if the recipient's key has small order.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{Ed25519Secret, direct};
///
/// let (alice, bob) = (Ed25519Secret::generate(rng), Ed25519Secret::generate(rng));
/// let bob_id = bob.x25519_public();
/// let sealed = direct::seal(rng, &alice, &bob_id, b"padded content")?;
/// let opened = direct::open(&bob.to_x25519(), &bob_id, &sealed)?;
/// assert_eq!(opened.message.as_slice(), b"padded content");
/// assert_eq!(opened.sender, alice.public());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal<'a>(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Ed25519Secret,
    recipient: impl Into<Peer<'a>>,
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let ephemeral = X25519Secret::generate(rng);
    seal_with(&ephemeral, sender, recipient.into(), message)
}

/// Seals `message` without randomness: the same sender, recipient and message yield the same bytes.
///
/// For content that several devices of one account write and that must not multiply. Receivers cannot
/// distinguish it from the output of [`seal`], but two of them reveal whether they carry the same
/// message. Constant-time as [`seal`].
///
/// # Errors
///
/// [`EncryptError::Key`] if the recipient's key has small order.
pub fn seal_deterministic(
    sender: &Ed25519Secret,
    recipient: &X25519Public,
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let seed = Zeroizing::new(
        Blake2b::<32>::keyed(b"SessionBoxEphemeralHashKey")
            .chain(sender.expose_seed())
            .chain(recipient.as_bytes())
            .chain(message)
            .finalize(),
    );
    let hash = sha512([seed.as_slice()]);
    let (ephemeral, _) = split_array::<64, 32, 32>(&hash);
    let ephemeral = X25519Secret::from_bytes(*ephemeral);
    seal_with(&ephemeral, sender, recipient.into(), message)
}

fn seal_with(
    ephemeral: &X25519Secret,
    sender: &Ed25519Secret,
    recipient: Peer<'_>,
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let public = sender.public();
    let to = recipient.public().as_bytes();
    let signature = sender.sign_parts(&[message, public.as_bytes(), to]);
    let parts = [message, public.as_bytes().as_slice(), signature.as_bytes()];
    sealed_box::seal_parts(ephemeral, recipient, &parts)
}

/// Opens a sealed message with the recipient's key pair, and verifies its sender.
///
/// The caller must take the sender from here and from nowhere else, and unpad the message. This layer
/// does not detect replays.
///
/// Constant-time in the recipient's secret. The sender's key and signature are verified in variable
/// time, as public data.
///
/// # Errors
///
/// [`DecryptError`] if the ciphertext is malformed or fails authentication, if the signature does not
/// verify, or if the sender's key is not a valid account key.
pub fn open(
    secret: &X25519Secret,
    public: &X25519Public,
    ciphertext: &[u8],
) -> Result<Opened, DecryptError> {
    let (opened, _) = open_checking(secret, public, ciphertext, Sender::check)?;
    Ok(opened)
}

/// Opens as [`open`] does, and remembers the sender's key, so that opening their next message takes
/// about a third less time.
///
/// # Errors
///
/// [`DecryptError`], as [`open`]. Nothing is remembered then.
pub fn open_remembering(
    senders: &mut Senders,
    secret: &X25519Secret,
    public: &X25519Public,
    ciphertext: &[u8],
) -> Result<Opened, DecryptError> {
    let known = |key: &Ed25519Public| match senders.get(key) {
        Some(sender) => Ok(sender.clone()),
        None => Sender::check(key),
    };
    let (opened, sender) = open_checking(secret, public, ciphertext, known)?;
    senders.insert(sender);
    Ok(opened)
}

/// Opens what an account sealed to itself, such as its shared configs. Takes about a third less time than
/// [`open`], because the sender's key is known to be valid.
///
/// `secret` and `public` are the X25519 key pair of `account`.
///
/// # Errors
///
/// [`DecryptError`], as [`open`], and if the sender is another account.
pub fn open_own(
    account: &Ed25519Secret,
    secret: &X25519Secret,
    public: &X25519Public,
    ciphertext: &[u8],
) -> Result<Opened, DecryptError> {
    let is_own = |key: &Ed25519Public| match *key == account.public() {
        true => Ok(Sender {
            verifier: account.verifying_key(),
            x25519: account.x25519_public(),
        }),
        false => Err(KeyError::Mismatch),
    };
    let (opened, _) = open_checking(secret, public, ciphertext, is_own)?;
    Ok(opened)
}

/// Opens as [`open`] does; `check` accepts the sender's key as that of an account, or rejects it.
fn open_checking(
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

/// An opened one-to-one message in its own buffer, with its verified sender.
#[derive(Debug)]
pub struct OpenedInPlace<'m> {
    /// The sender's Ed25519 key. Its signature over the message has been verified.
    pub sender: Ed25519Public,
    /// The sender's X25519 key: the account id without its prefix.
    pub sender_x25519: X25519Public,
    /// The message as given to [`seal`]: still padded if it was padded.
    pub message: &'m mut [u8],
}

/// Opens as [`open`] does, but in the buffer of the ciphertext. The caller must zeroize the buffer.
///
/// # Errors
///
/// [`DecryptError`], as [`open`]. The buffer then holds the ciphertext or, if only the sender was
/// rejected, the decrypted bytes.
pub fn open_in_place<'m>(
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
        // A key with a component of small order can pass a signature check, but no account has one.
        let x25519 = verifier.to_x25519()?;
        Ok(Self { verifier, x25519 })
    }
}

/// Verifies the content of a sealed box to `public`. Returns the length of the message and the sender.
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
