//! Key sets: an X25519 and an ML-KEM-768 key pair from one seed of 32 bytes.
//!
//! ```text
//! SHAKE256("SessionAccountKeys" || seed) = X25519 secret (32) | ML-KEM-768 seed d || z (64)
//! ```
//!
//! Protocol: protocol-v2, section 2.

use core::fmt;

use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::expand::expand;
use super::kem::{KemPublic, KemSecret, SEED_LENGTH};
use crate::KeyError;
use crate::x25519::{X25519Public, X25519Secret};

const ACCOUNT_DOMAIN: &[u8] = b"SessionAccountKeys";
const DEVICE_DOMAIN: &[u8] = b"SessionDeviceKeys";

/// The seed of a key set: 32 random bytes.
///
/// It is zeroized on drop and never printed. [`expose_bytes`](Self::expose_bytes) is for storing it.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct KeySeed([u8; 32]);

impl KeySeed {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Wraps the bytes of a seed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws a random seed of 32 bytes.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut seed = Self([0; 32]);
        rng.fill_bytes(&mut seed.0);
        seed
    }

    /// Returns the secret bytes.
    #[must_use]
    pub const fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns a copy of the seed.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0)
    }
}

impl TryFrom<&[u8]> for KeySeed {
    type Error = KeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, KeyError> {
        crate::key_bytes(bytes).map(Self)
    }
}

impl ConstantTimeEq for KeySeed {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for KeySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySeed(..)")
    }
}

/// The public half of a key set, as received; not validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeys {
    /// The X25519 key, 32 bytes.
    pub x25519: X25519Public,
    /// The ML-KEM-768 key, 1184 bytes.
    pub kem: KemPublic,
}

/// Both key pairs of a set.
struct Pair {
    x25519: X25519Secret,
    kem: KemSecret,
    public: PublicKeys,
}

impl Pair {
    fn derive(domain: &[u8], seed: &KeySeed) -> Self {
        let (x25519, kem) = expand::<32, SEED_LENGTH>(domain, &seed.0);
        let x25519 = X25519Secret::from_bytes(*x25519);
        let kem = KemSecret::from_seed(&kem);
        let public = PublicKeys {
            x25519: x25519.public(),
            kem: kem.public(),
        };
        Self {
            x25519,
            kem,
            public,
        }
    }
}

macro_rules! key_set {
    ($(#[$docs:meta])* $name:ident, $domain:ident) => {
        $(#[$docs])*
        pub struct $name(Pair);

        impl $name {
            /// Derives the keys of a seed. This takes about the time of two Diffie-Hellmans.
            #[must_use]
            pub fn from_seed(seed: &KeySeed) -> Self {
                Self(Pair::derive($domain, seed))
            }

            /// Returns the public half.
            #[must_use]
            pub const fn public(&self) -> &PublicKeys {
                &self.0.public
            }

            /// Returns the X25519 secret, not clamped.
            #[must_use]
            pub const fn x25519(&self) -> &X25519Secret {
                &self.0.x25519
            }

            /// Returns the ML-KEM-768 key pair.
            #[must_use]
            pub const fn kem(&self) -> &KemSecret {
                &self.0.kem
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("public", &self.0.public)
                    .finish_non_exhaustive()
            }
        }
    };
}

key_set! {
    /// A key set of an account, which all of its devices hold. Messages to the account are encrypted to
    /// its public half.
    ///
    /// The secrets are zeroized on drop and never printed.
    AccountKeys, ACCOUNT_DOMAIN
}

key_set! {
    /// The key set of one device, which never leaves it. Group messages of the account's devices are
    /// encrypted to its public half.
    ///
    /// The secrets are zeroized on drop and never printed. The seed must be independent of the seeds of
    /// account keys.
    DeviceKeys, DEVICE_DOMAIN
}
