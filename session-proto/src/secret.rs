//! Keys inside messages.

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Index, RangeFull};

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A key inside a message: zeroized on drop, never printed, compared in constant time.
///
/// It can be cloned, as the message that contains it can. Its length is not secret.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl ZeroizeOnDrop for Secret {}

impl Secret {
    /// Takes the bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// Returns the secret bytes.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Zeroizes and removes the bytes.
    pub(crate) fn clear(&mut self) {
        self.0.zeroize();
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

/// The bytes, for the accessors of [`schema`](crate::schema).
impl Index<RangeFull> for Secret {
    type Output = [u8];

    fn index(&self, _: RangeFull) -> &[u8] {
        self.expose_bytes()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(other.0.iter());
        let difference = pairs.fold(0, |sum, (a, b)| core::hint::black_box(sum | (a ^ b)));
        self.len() == other.len() && difference == 0
    }
}

impl Eq for Secret {}

impl core::hash::Hash for Secret {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.expose_bytes().hash(state);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_equal_if_all_bytes_are() {
        let secret = Secret::new([1, 2, 3]);
        assert_eq!(secret, Secret::from(secret.expose_bytes().to_vec()));
        for other in [&[1, 2, 4][..], &[1, 2], &[1, 2, 3, 0], &[]] {
            assert_ne!(secret, Secret::new(other));
        }
        assert_eq!(std::format!("{secret:?}"), "Secret(..)");
    }

    #[test]
    fn clearing_leaves_nothing() {
        let mut secret = Secret::new([7; 32]);
        secret.clear();
        assert!(secret.is_empty());
        assert_eq!(secret, Secret::default());
    }
}
