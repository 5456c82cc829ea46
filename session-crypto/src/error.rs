//! The few ways in which an operation of this crate can fail.

use subtle::Choice;

/// A key that cannot be used.
///
/// Keys are public data or come from the caller's own store, so the reason is told in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes given are not as many as the key has.
    #[error("expected a key of {expected} bytes, got {got}")]
    Length {
        /// Bytes that a key of this type has.
        expected: usize,
        /// Bytes that were given.
        got: usize,
    },
    /// The bytes are not the canonical encoding of a point of the curve.
    #[error("key is not the canonical encoding of a curve point")]
    NotAPoint,
    /// The point has small order, or a component of small order.
    #[error("key is a point of small order or outside the prime-order subgroup")]
    NotPrimeOrder,
    /// A 64-byte secret whose public half does not belong to its secret half.
    #[error("the public half of the key does not belong to its secret half")]
    Mismatch,
    /// A Diffie-Hellman with this key would give the all-zero output, known to everybody.
    #[error("key of small order: the shared secret would be all zero")]
    NonContributory,
    /// A product with the number 0, which is the identity whatever the point is.
    #[error("scalar is zero: the product would be the identity")]
    ZeroScalar,
}

/// A message that is longer than its cipher or its place allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected at most {max} bytes, got {got}")]
pub struct LengthError {
    /// Bytes that are allowed.
    pub max: usize,
    /// Bytes that were given.
    pub got: usize,
}

/// A message that cannot be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The recipient's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The message is too long.
    #[error(transparent)]
    Length(#[from] LengthError),
    /// There are neither one message for all recipients nor one for each.
    #[error("expected 1 or {recipients} messages, got {got}")]
    MessageCount {
        /// Recipients that were given.
        recipients: usize,
        /// Messages that were given.
        got: usize,
    },
    /// One recipient is to get two different messages, which would be encrypted with one key and
    /// nonce and so give each other away.
    #[error("a recipient is given twice, with different messages for one nonce")]
    RepeatedRecipient,
}

/// The one error for every failure to open, decrypt or authenticate.
///
/// It does not say why, so that it cannot become an oracle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("decryption failed")]
pub struct DecryptError;

/// The one place where the outcome of a comparison of secrets becomes a branch.
///
/// `Ok` if the tag was right, which is public from here on. The constant-time check allows a branch
/// here and none before.
pub(crate) fn authentic(tag_is_right: Choice) -> Result<(), DecryptError> {
    if bool::from(tag_is_right) {
        Ok(())
    } else {
        Err(DecryptError)
    }
}

/// A signature that does not verify.
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
