//! Keys that travel inside of messages.

use alloc::vec::Vec;
use core::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A key inside of a message: wiped when dropped, never printed, compared in constant time.
///
/// It can be cloned with the message that it is a part of.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl ZeroizeOnDrop for Secret {}

impl Secret {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The secret bytes.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes bytes of a given length.
    pub(super) fn of_length(
        bytes: Vec<u8>,
        expected: usize,
        field: &'static str,
    ) -> Result<Self, super::ContentError> {
        let secret = Self::new(bytes);
        secret.check_length(expected, field)?;
        Ok(secret)
    }

    pub(super) fn check_length(
        &self,
        expected: usize,
        field: &'static str,
    ) -> Result<(), super::ContentError> {
        if self.0.len() != expected {
            return Err(super::ContentError::Length {
                field,
                expected,
                got: self.0.len(),
            });
        }
        Ok(())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(other.0.iter());
        let difference = pairs.fold(0, |sum, (a, b)| core::hint::black_box(sum | (a ^ b)));
        self.0.len() == other.0.len() && difference == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
