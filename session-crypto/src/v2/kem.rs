//! ML-KEM-768 (FIPS 203), with keys from seeds.

use alloc::boxed::Box;
use core::fmt;

use ml_kem::kem::{Encapsulate, KeyExport};
use ml_kem::ml_kem_768::{Ciphertext, DecapsulationKey, EncapsulationKey};
use ml_kem::{Decapsulate, Key};
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::KeyError;

/// Length of a public key in bytes.
pub const PUBLIC_LENGTH: usize = 1184;
/// Length of a ciphertext in bytes.
pub const CIPHERTEXT_LENGTH: usize = 1088;
/// Length of the seed of a key pair in bytes: `d || z` of FIPS 203.
pub const SEED_LENGTH: usize = 64;

/// An ML-KEM-768 ciphertext.
pub type KemCiphertext = [u8; CIPHERTEXT_LENGTH];

/// An ML-KEM-768 public key as received; not validated.
#[derive(Clone, PartialEq, Eq)]
pub struct KemPublic(Box<[u8; PUBLIC_LENGTH]>);

impl KemPublic {
    /// Length in bytes.
    pub const LENGTH: usize = PUBLIC_LENGTH;

    /// Wraps the bytes of a key. [`validate`](Self::validate) says whether it is one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; PUBLIC_LENGTH]) -> Self {
        Self(Box::new(*bytes))
    }

    /// Returns the bytes of the key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; PUBLIC_LENGTH] {
        &self.0
    }

    /// Returns the first two bytes, which tell key sets apart before a message is decrypted.
    #[must_use]
    pub const fn prefix(&self) -> [u8; 2] {
        let [first, second, ..] = *self.0;
        [first, second]
    }

    /// Checks that every coefficient of the key is reduced (FIPS 203, section 7.2).
    ///
    /// # Errors
    ///
    /// [`KeyError::NotKem`] if one is not.
    pub fn validate(&self) -> Result<(), KeyError> {
        self.to_encapsulation_key().map(|_| ())
    }

    fn to_encapsulation_key(&self) -> Result<EncapsulationKey, KeyError> {
        let bytes: &Key<EncapsulationKey> = (&*self.0).into();
        EncapsulationKey::new(bytes).map_err(|_| KeyError::NotKem)
    }

    /// Encapsulates a new shared secret, with 32 random bytes.
    ///
    /// Constant-time in the random bytes, as far as `ml-kem` is.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotKem`] if the key is not valid. No randomness is drawn then.
    pub fn encapsulate(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Box<KemCiphertext>, KemShared), KeyError> {
        let key = self.to_encapsulation_key()?;
        let (ciphertext, mut shared) = key.encapsulate_with_rng(rng);
        let secret = KemShared(Zeroizing::new(shared.into()));
        shared.zeroize();
        Ok((Box::new(ciphertext.into()), secret))
    }
}

impl TryFrom<&[u8]> for KemPublic {
    type Error = KeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes: &[u8; PUBLIC_LENGTH] = bytes.try_into().map_err(|_| KeyError::Length {
            expected: PUBLIC_LENGTH,
            got: bytes.len(),
        })?;
        Ok(Self::from_bytes(bytes))
    }
}

impl AsRef<[u8]> for KemPublic {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl fmt::Debug for KemPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.prefix();
        write!(f, "KemPublic({first:02x}{second:02x}..)")
    }
}

/// An ML-KEM-768 shared secret: 32 bytes. Hash it before use.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct KemShared(Zeroizing<[u8; 32]>);

impl KemShared {
    /// Returns the secret bytes.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KemShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemShared(..)")
    }
}

/// An ML-KEM-768 key pair. It is zeroized on drop and never printed.
pub struct KemSecret(DecapsulationKey);

impl KemSecret {
    /// Derives the key pair of a seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_LENGTH]) -> Self {
        Self(DecapsulationKey::from_seed((*seed).into()))
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> KemPublic {
        KemPublic(Box::new(self.0.encapsulation_key().to_bytes().into()))
    }

    /// Returns the shared secret of a ciphertext.
    ///
    /// Infallible: a ciphertext that was not made for this key yields a secret that nobody knows
    /// (implicit rejection). Constant-time, as far as `ml-kem` is.
    #[must_use]
    pub fn decapsulate(&self, ciphertext: &KemCiphertext) -> KemShared {
        let ciphertext: &Ciphertext = ciphertext.into();
        let mut shared = self.0.decapsulate(ciphertext);
        let secret = KemShared(Zeroizing::new(shared.into()));
        shared.zeroize();
        secret
    }
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSecret(..)")
    }
}
