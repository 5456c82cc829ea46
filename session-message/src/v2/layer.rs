//! The dict inside a version 2 message: content, sender and signatures, without their meaning.
//!
//! ```text
//! d  1:S sender's Ed25519 key (32)
//!    1:c Content
//!    1:~ signature by S over H_64(everything before; key = recipient's id) (64)
//!    2:~P signature of the Session Pro key over everything before (64), optional
//! e
//! ```
//!
//! The hash covers the recipient's account id, so that the recipient cannot pass the message on as a
//! message to another account. Protocol: protocol-v2, section 4.2.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::v2::message::{self, Message};
use session_crypto::v2::{AccountKeys, PublicKeys};
use session_crypto::{
    Blake2b, DecryptError, Ed25519Public, Ed25519PublicExt, Ed25519Secret, Ed25519Signature,
    EncryptError,
};
use session_identity::{Account, AccountId};
use session_proto::bt;
use zeroize::{Zeroize, Zeroizing};

/// Room for everything in the dict but the content.
const DICT_OVERHEAD: usize = 256;

fn signed_hash(recipient: &AccountId, body: &[u8]) -> [u8; 64] {
    Blake2b::<64>::keyed_personal(recipient.as_bytes(), b"SessionV2Message")
        .chain(body)
        .finalize()
}

/// Writes and signs the dict. With `pro`, the Session Pro key signs too.
///
/// Any content is accepted; its time is for the caller to set.
#[must_use]
pub fn write(
    sender: &Ed25519Secret,
    recipient: &AccountId,
    content: &[u8],
    pro: Option<&Ed25519Secret>,
) -> Zeroizing<Vec<u8>> {
    let public = sender.public();
    let capacity = content.len().saturating_add(DICT_OVERHEAD);
    let mut dict = Zeroizing::new(bt::dict_with_capacity(capacity, |dict| {
        dict.bytes(b"S", public.as_bytes());
        dict.bytes(b"c", content);
    }));
    dict.pop();
    let signature = sender.sign(&signed_hash(recipient, &dict));
    dict.extend_from_slice(b"1:~64:");
    dict.extend_from_slice(signature.as_bytes());
    if let Some(pro) = pro {
        let signature = pro.sign(&dict);
        dict.extend_from_slice(b"2:~P64:");
        dict.extend_from_slice(signature.as_bytes());
    }
    dict.push(b'e');
    dict
}

/// Signs and encrypts a content. Without `keys` the message has no forward secrecy.
///
/// # Errors
///
/// [`EncryptError`] if a key of the recipient is not usable or the message is too long.
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Ed25519Secret,
    recipient: &AccountId,
    keys: Option<&PublicKeys>,
    content: &[u8],
    pro: Option<&Ed25519Secret>,
) -> Result<Vec<u8>, EncryptError> {
    let inner = write(sender, recipient, content, pro);
    match keys {
        Some(keys) => message::seal(rng, &recipient.x25519(), keys, &inner),
        None => message::seal_without_keys(rng, &recipient.x25519(), &inner),
    }
}

/// A message that was opened, its content not yet read.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The sender's Ed25519 key.
    pub sender_ed25519: Ed25519Public,
    /// The sender.
    pub sender: AccountId,
    /// The content as received.
    pub content: Zeroizing<Vec<u8>>,
    /// The Session Pro signature; not verified.
    pub pro_signature: Option<Ed25519Signature>,
    /// The bytes that the Session Pro signature covers; empty without one.
    pub pro_signed: Zeroizing<Vec<u8>>,
    /// Which of the key sets opened the message; `None` if it has no forward secrecy.
    pub key: Option<usize>,
}

/// Why a version 2 message was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// No key opens the message. It may open after newer keys of the account have come.
    #[error("no key of the account opens the message")]
    NoKey,
    /// The message is malformed or fails authentication. No key will open it.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
}

/// Decrypts a message and verifies its sender.
///
/// `keys` are the key sets of the account, the current one first and then those that were replaced last.
/// Of these, only those whose ML-KEM key begins as the message says are tried, and then the account's
/// long-term key.
///
/// # Errors
///
/// [`LayerError::NoKey`] if all of them fail, [`LayerError::Decrypt`] for every other failure: after one key
/// has decrypted the message, no other is tried.
pub fn open(account: &Account, keys: &[AccountKeys], data: &[u8]) -> Result<Opened, LayerError> {
    let message = Message::parse(data)?;
    let (secret, public) = (account.x25519(), account.x25519_public());
    let prefix = message.key_prefix(secret, &public)?;
    let candidates = keys
        .iter()
        .enumerate()
        .filter(|(_, keys)| keys.public().kem.prefix() == prefix);
    for (index, keys) in candidates {
        if let Ok(inner) = message.open(keys) {
            return Ok(read(account.id(), &inner, Some(index))?);
        }
    }
    match message.open_without_keys(secret, &public) {
        Ok(inner) => Ok(read(account.id(), &inner, None)?),
        Err(DecryptError) => Err(LayerError::NoKey),
    }
}

fn read(recipient: &AccountId, inner: &[u8], key: Option<usize>) -> Result<Opened, DecryptError> {
    let dict = bt::parse_dict(inner).map_err(|_| DecryptError)?;
    let (signed, pro) = dict.signed_twice().map_err(|_| DecryptError)?;
    let sender_ed25519 = Ed25519Public::from_bytes(*dict.array("S").map_err(|_| DecryptError)?);
    let content = dict.bytes("c").map_err(|_| DecryptError)?;
    let verifier = sender_ed25519.to_verifying_key()?;
    // A key with a component of small order can pass a signature check, but no account has one.
    let sender = AccountId::from_x25519(&verifier.to_x25519()?);
    let mut hash = signed_hash(recipient, signed.message);
    verifier.verify(&hash, &Ed25519Signature::from_bytes(*signed.signature))?;
    hash.zeroize();
    Ok(Opened {
        sender_ed25519,
        sender,
        content: Zeroizing::new(content.to_vec()),
        pro_signature: pro.map(|pro| Ed25519Signature::from_bytes(*pro.signature)),
        pro_signed: Zeroizing::new(pro.map_or_else(Vec::new, |pro| pro.message.to_vec())),
        key,
    })
}
