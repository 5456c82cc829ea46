//! The published keys of an account: namespace −21, readable by everybody.
//!
//! ```text
//! d 1:M ML-KEM-768 key (1184)  1:X X25519 key (32)  1:~ signature (64) e
//! ```
//!
//! The signature verifies under the account id alone: it is made with the positive one of the two
//! Ed25519 keys of the account's X25519 key. Protocol: protocol-v2, section 3.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::v2::{KemPublic, PublicKeys};
use session_crypto::{Ed25519Signature, SignatureError, X25519Public, xed25519};
use session_identity::{Account, AccountId};
use session_proto::bt;
use session_types::Namespace;

/// The namespace of published keys. Only the owner stores there, and everybody retrieves without a
/// signature. It contains one message: storing replaces it.
pub const NAMESPACE: Namespace = Namespace::new(-21);

/// A publication that is malformed, or that the account did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicationError {
    /// The publication is not canonical bt-encoding.
    #[error(transparent)]
    Encoding(#[from] bt::Error),
    /// A part is missing or has the wrong length.
    #[error(transparent)]
    Field(#[from] bt::FieldError),
    /// The account did not sign the publication.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The ML-KEM key is not valid: nobody could seal to it.
    #[error(transparent)]
    Key(#[from] session_crypto::KeyError),
}

/// Writes the publication of a key set. Store it in namespace [`NAMESPACE`] for 30 days.
///
/// Publish only when every device of the account opens version 2: senders take the publication as the
/// sign that they do.
#[must_use]
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "both keys sort before the key of the signature"
)]
pub fn write(rng: &mut (impl CryptoRng + ?Sized), account: &Account, keys: &PublicKeys) -> Vec<u8> {
    bt::signed_dict(
        |dict| {
            dict.bytes(b"M", keys.kem.as_bytes());
            dict.bytes(b"X", keys.x25519.as_bytes());
        },
        |message| xed25519::sign(rng, account.x25519(), message).to_bytes(),
    )
    .expect("M and X sort before ~")
}

/// Reads and verifies the publication of an account.
///
/// # Errors
///
/// [`PublicationError`] if it is malformed, if the account did not sign it, or if nobody could seal to
/// its ML-KEM key.
pub fn read(account: &AccountId, data: &[u8]) -> Result<PublicKeys, PublicationError> {
    let dict = bt::parse_dict(data)?;
    let kem = KemPublic::from_bytes(dict.array("M")?);
    let x25519 = X25519Public::from_bytes(*dict.array("X")?);
    let signed = dict.signed()?;
    let signature = Ed25519Signature::from_bytes(*signed.signature);
    xed25519::verify(&account.x25519(), signed.message, &signature)?;
    kem.validate()?;
    Ok(PublicKeys { x25519, kem })
}

/// Returns the place and the keys of the last valid one of several publications, in the order in which
/// a node returned them. The others are ignored.
pub fn read_last<'a>(
    account: &AccountId,
    messages: impl IntoIterator<Item = &'a [u8]>,
) -> Option<(usize, PublicKeys)> {
    let mut last = None;
    for (index, message) in messages.into_iter().enumerate() {
        if let Ok(keys) = read(account, message) {
            last = Some((index, keys));
        }
    }
    last
}
