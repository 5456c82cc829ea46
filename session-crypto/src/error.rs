//! The errors of this crate: one for keys, one for encryption, one opaque error for decryption.

use subtle::Choice;

/// The key is not usable.
///
/// Keys are public data or come from the caller's storage, so the reason is not hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The input has the wrong length.
    #[error("expected a key of {expected} bytes, got {got}")]
    Length {
        /// Length of a key of this type in bytes.
        expected: usize,
        /// Length of the input in bytes.
        got: usize,
    },
    /// The bytes are not the canonical encoding of a point of the curve.
    #[error("key is not the canonical encoding of a curve point")]
    NotAPoint,
    /// The point has small order, or a component of small order.
    #[error("key is a point of small order or outside the prime-order subgroup")]
    NotPrimeOrder,
    /// The public half of a 64-byte secret does not match its secret half.
    #[error("public half of the key does not match its secret half")]
    Mismatch,
    /// A Diffie-Hellman with this key yields the all-zero output, which is public.
    #[error("key has small order: the shared secret would be all zero")]
    NonContributory,
    /// The scalar is 0: its product with any point is the identity.
    #[error("scalar is zero: the product would be the identity")]
    ZeroScalar,
    /// The key is not a valid ML-KEM-768 public key: a coefficient is not reduced.
    #[error("key is not a valid ML-KEM-768 public key")]
    NotKem,
}

/// The message cannot be sealed or encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The recipient's key is not usable.
    #[error("recipient: {0}")]
    Key(#[from] KeyError),
    /// The message exceeds the limit of its cipher or of its format.
    #[error("expected a message of at most {max} bytes, got {got}")]
    TooLong {
        /// Maximum length in bytes.
        max: usize,
        /// Length of the message in bytes.
        got: usize,
    },
    /// There is neither one message for all recipients nor one for each.
    #[error("expected 1 or {recipients} messages, got {got}")]
    MessageCount {
        /// Number of recipients.
        recipients: usize,
        /// Number of messages.
        got: usize,
    },
    /// A recipient occurs twice with different messages. Both would be encrypted with the same key and
    /// nonce, which reveals them.
    #[error("recipient occurs twice with different messages for one nonce")]
    RepeatedRecipient,
    /// The slots of a message to an account's devices are for another number of devices.
    #[error("expected {expected} slots, got {got}")]
    SlotCount {
        /// Required number of slots.
        expected: usize,
        /// Number of slots given.
        got: usize,
    },
}

/// The ciphertext is malformed or fails authentication.
///
/// It is the one error of every function that opens, decrypts or authenticates. It carries no reason,
/// so that it cannot become an oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("decryption failed")]
pub struct DecryptError;

/// Turns the comparison of a tag into a result: the only place where a comparison of secrets becomes a
/// branch.
///
/// From here on it is public whether the tag was right. The constant-time check allows a branch here
/// and none before.
pub(crate) fn authentic(tag_is_right: Choice) -> Result<(), DecryptError> {
    if bool::from(tag_is_right) {
        Ok(())
    } else {
        Err(DecryptError)
    }
}

/// The signature does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
pub struct SignatureError;

impl From<KeyError> for DecryptError {
    fn from(_: KeyError) -> Self {
        Self
    }
}

impl From<SignatureError> for DecryptError {
    fn from(_: SignatureError) -> Self {
        Self
    }
}
