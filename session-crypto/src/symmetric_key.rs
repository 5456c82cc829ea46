//! The keys of symmetric ciphers.

use subtle::{Choice, ConstantTimeEq};

use crate::KeyError;

secret_bytes! {
    /// A key of XChaCha20-Poly1305, 32 bytes: of a group, of a config, of push notifications.
    ///
    /// It is zeroized on drop and never printed. It can be neither cloned nor compared, except in constant
    /// time ([`ConstantTimeEq`]).
    SymmetricKey, 32
}

impl TryFrom<&[u8]> for SymmetricKey {
    type Error = KeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, KeyError> {
        crate::key_bytes(bytes).map(Self)
    }
}

impl ConstantTimeEq for SymmetricKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}
