//! Messages between blinded ids: the inbox of a community.
//!
//! ```text
//! 0x00 | XChaCha20-Poly1305 of: message, sender's Ed25519 key (32) | tag (16) | nonce (24)
//! ```
//!
//! Both sides derive one key from their own secret, the peer's blinded key and the direction
//! (protocol: crypto, section 5). There is no signature: the sender is authentic because only they
//! and the recipient share the key, and because their account's key inside yields the same blinded
//! key. The recipient can forge such a message to themselves.
//!
//! With prefix 15, seal only to a key that the community server named, never to one computed from
//! an account id: see [`crate::blind`].

use alloc::vec::Vec;

use rand_core::CryptoRng;

use crate::blind::BlindedSecret;
use crate::bytes::{split_first, split_last};
use crate::ed25519::Ed25519Public;
use crate::xchacha::{self, NONCE_LENGTH, TAG_LENGTH};
use crate::{Blake2b, DecryptError, EncryptError, KeyError, SymmetricKey, point};

pub use crate::opened::Opened;

/// Overhead of a sealed message in bytes: version, sender's key, tag and nonce.
pub const OVERHEAD: usize = 1 + 32 + TAG_LENGTH + NONCE_LENGTH;

const VERSION: u8 = 0;

/// Returns the key of one direction: `BLAKE2b-32([a or ka]peer || sender || recipient)`.
fn direction_key(
    own: &BlindedSecret,
    peer: &Ed25519Public,
    own_is_sender: bool,
) -> Result<SymmetricKey, KeyError> {
    let shared = own.shared_scalar().shared_point(peer)?;
    let own = own.public();
    let (sender, recipient) = if own_is_sender {
        (&own, peer)
    } else {
        (peer, &own)
    };
    Ok(SymmetricKey::from_bytes(
        Blake2b::<32>::new()
            .chain(shared.as_slice())
            .chain(sender.as_bytes())
            .chain(recipient.as_bytes())
            .finalize(),
    ))
}

/// Seals `message` to the blinded key `recipient` with a random nonce.
///
/// The recipient's key must be of the same community and prefix as the sender's. The result is
/// [`OVERHEAD`] bytes longer than the message. Constant-time in the secret.
///
/// # Errors
///
/// [`EncryptError::Key`] if the recipient's key is not a point of the prime-order subgroup.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{BlindedSecret, Blinding, Ed25519Secret, X25519Secret, inbox};
///
/// let server = X25519Secret::generate(rng).public();
/// let alice = Ed25519Secret::generate(rng);
/// let from = BlindedSecret::new(Blinding::Blind15, &alice, &server)?;
/// let to = BlindedSecret::new(Blinding::Blind15, &Ed25519Secret::generate(rng), &server)?;
/// let sealed = inbox::seal(rng, &from, &to.public(), b"hello")?;
/// // The server names both blinded keys; the message names the account of the sender.
/// let opened = inbox::open(&to, &from.public(), &to.public(), &sealed)?;
/// assert_eq!(opened.sender, alice.public());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &BlindedSecret,
    recipient: &Ed25519Public,
    message: &[u8],
) -> Result<Vec<u8>, EncryptError> {
    let key = direction_key(sender, recipient, true)?;
    let mut nonce = [0; NONCE_LENGTH];
    rng.fill_bytes(&mut nonce);
    let parts = [message, sender.account().as_bytes()];
    xchacha::encrypt_between(&key, &nonce, &[VERSION], &parts, 0, &nonce)
}

/// Opens a message from `sender` to `recipient`, one of which is `own`.
///
/// Both are blinded keys of the same community and prefix, as the community server named them. Own
/// sent messages can be opened too. The caller must unpad the message, and reject keys of different
/// prefixes. Constant-time in the secret; the account's key inside is validated in variable time,
/// as public data.
///
/// # Errors
///
/// [`DecryptError`] if the message is malformed or fails authentication, or if its account does not
/// have the blinded key `sender`.
pub fn open(
    own: &BlindedSecret,
    sender: &Ed25519Public,
    recipient: &Ed25519Public,
    ciphertext: &[u8],
) -> Result<Opened, DecryptError> {
    let (&[version], rest) = split_first::<1>(ciphertext).ok_or(DecryptError)?;
    let (sealed, nonce) = split_last::<NONCE_LENGTH>(rest).ok_or(DecryptError)?;
    if version != VERSION || ciphertext.len() < OVERHEAD {
        return Err(DecryptError);
    }
    let we_sent = own.public() == *sender;
    let peer = if we_sent { recipient } else { sender };
    let key = direction_key(own, peer, we_sent)?;
    let mut message = xchacha::open(&key, nonce, sealed)?;
    let (content, account) = split_last::<32>(&message).ok_or(DecryptError)?;
    let length = content.len();
    let account = Ed25519Public::from_bytes(*account);
    let account_point = point::of_ed25519(&account)?;
    let account_x25519 = point::to_x25519(&account_point);
    let blinding = own.blinding();
    if blinding.key_of_point(&account, &account_point, &account_x25519, own.server())? != *sender {
        return Err(DecryptError);
    }
    message.truncate(length);
    Ok(Opened {
        sender: account,
        sender_x25519: account_x25519,
        message,
    })
}
