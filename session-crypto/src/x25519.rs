//! X25519 Diffie-Hellman that can fail.
//!
//! With a public key of small order every secret yields the all-zero output. libsodium rejects such a
//! key, and so does [`X25519Secret::diffie_hellman`]: this module never returns such a shared secret.
//!
//! The multiplication uses the Edwards form of the curve, which takes about two thirds of the time of
//! the Montgomery ladder and yields the same bytes. A u-coordinate on the twist of the curve (half of
//! all strings) has no Edwards form; then the ladder of `x25519-dalek` takes over. The choice depends on
//! the public key only. Both are constant-time in the secret. With the feature `graviola` its ladder
//! takes the place of both, where the [`Backend`](crate::Backend) is supported.

mod batch;
#[cfg(feature = "x25519-dalek")]
mod dalek;
mod table;

use alloc::vec::Vec;
use core::fmt;

use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use subtle::ConstantTimeEq;
use x25519_dalek::x25519;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::backend::fast;
use crate::{KeyError, field};
use table::Table;

pub use batch::{Agreement, Peer, agree_all};

#[cfg(feature = "x25519-dalek")]
pub use dalek::X25519DalekExt;
pub use session_types::X25519Public;

/// Operations on an X25519 public key as received.
pub trait X25519PublicExt: sealed::Sealed {
    /// Returns the positive one of the two Ed25519 keys of this X25519 key: `edabs` of the
    /// specification (protocol: identity, section 7).
    ///
    /// For half of all accounts the Ed25519 key is the other one, with the sign bit set. The result
    /// is not validated: if this key is not on the curve, the result is not a point, and is rejected
    /// on use. Not constant-time: the key is public.
    fn to_ed25519_positive(&self) -> session_types::Ed25519Public;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for session_types::X25519Public {}
}

impl X25519PublicExt for X25519Public {
    fn to_ed25519_positive(&self) -> session_types::Ed25519Public {
        session_types::Ed25519Public::from_bytes(field::edwards_y(self.as_bytes()))
    }
}

secret_bytes! {
    /// An X25519 secret key: 32 bytes, clamped on use. The bytes need not be clamped.
    ///
    /// It is zeroized on drop and never printed, and cannot be cloned.
    X25519Secret, 32
}

impl X25519Secret {
    /// Returns the public key. Constant-time.
    #[must_use]
    pub fn public(&self) -> X25519Public {
        let fast = fast::x25519_public(&self.0);
        let plain = || EdwardsPoint::mul_base_clamped(self.0).to_montgomery().0;
        X25519Public::from_bytes(fast.unwrap_or_else(plain))
    }

    /// Returns the shared secret with `peer`. Constant-time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] if `peer` has small order.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_crypto::{X25519Public, X25519Secret};
    ///
    /// let (alice, bob) = (X25519Secret::generate(rng), X25519Secret::generate(rng));
    /// let shared = alice.diffie_hellman(&bob.public())?;
    /// assert_eq!(shared.expose_bytes(), bob.diffie_hellman(&alice.public())?.expose_bytes());
    /// // With a key of small order everybody would know the secret. It is rejected.
    /// assert!(alice.diffie_hellman(&X25519Public::from_bytes([0; 32])).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn diffie_hellman(&self, peer: &X25519Public) -> Result<SharedSecret, KeyError> {
        if let Some(shared) = fast::x25519(&self.0, peer) {
            return SharedSecret::checked(MontgomeryPoint(shared));
        }
        match MontgomeryPoint(peer.to_bytes()).to_edwards(0) {
            Some(point) => SharedSecret::from_edwards(point.mul_clamped(self.0)),
            None => SharedSecret::checked(MontgomeryPoint(x25519(self.0, peer.to_bytes()))),
        }
    }

    /// Returns the public key and the shared secret with `peer`, faster than two calls.
    ///
    /// Constant-time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`], as [`diffie_hellman`](Self::diffie_hellman).
    pub fn agree(&self, peer: Peer<'_>) -> Result<(X25519Public, SharedSecret), KeyError> {
        batch::agree(self, peer)
    }

    /// Returns the shared secret with each of `peers`, in their order, faster than one call for each.
    ///
    /// Constant-time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] for each peer whose key has small order.
    #[must_use]
    pub fn diffie_hellman_all(
        &self,
        peers: &[X25519Public],
    ) -> Vec<Result<SharedSecret, KeyError>> {
        batch::diffie_hellman_all(self, peers)
    }

    /// Returns the shared secret with a peer whose table is precomputed. Constant-time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`], as [`diffie_hellman`](Self::diffie_hellman).
    pub fn diffie_hellman_prepared(&self, peer: &PreparedPublic) -> Result<SharedSecret, KeyError> {
        match &peer.table {
            Some(table) => SharedSecret::from_edwards(table.mul_clamped(self.0)),
            None => self.diffie_hellman(&peer.public),
        }
    }
}

impl TryFrom<&[u8]> for X25519Secret {
    type Error = KeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, KeyError> {
        crate::key_bytes(bytes).map(Self)
    }
}

/// The output of a Diffie-Hellman: 32 bytes, never all zero. Hash it before use.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SharedSecret([u8; 32]);

impl SharedSecret {
    fn from_edwards(mut point: EdwardsPoint) -> Result<Self, KeyError> {
        let u = point.to_montgomery();
        point.zeroize();
        Self::checked(u)
    }

    fn checked(mut point: MontgomeryPoint) -> Result<Self, KeyError> {
        let secret = Self(point.0);
        point.0.zeroize();
        if bool::from(secret.0.ct_eq(&[0; 32])) {
            return Err(KeyError::NonContributory);
        }
        Ok(secret)
    }

    /// Returns the secret bytes.
    #[must_use]
    pub const fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// A public key with a precomputed table of its multiples, for a frequent peer.
///
/// The table costs the time of about twenty Diffie-Hellmans and 30 KiB of memory; each use then takes
/// less than half the time. A key on the twist has no table, and works without it. Without the feature
/// `precomputed-tables` no key has one, and this saves the conversion of the key alone.
pub struct PreparedPublic {
    public: X25519Public,
    table: Option<Table>,
}

impl PreparedPublic {
    /// Precomputes the table. Not constant-time: the key is public.
    #[must_use]
    pub fn new(public: X25519Public) -> Self {
        let table = MontgomeryPoint(public.to_bytes())
            .to_edwards(0)
            .map(|point| Table::new(&point));
        Self { public, table }
    }

    /// Returns the key.
    #[must_use]
    pub const fn public(&self) -> &X25519Public {
        &self.public
    }
}

impl fmt::Debug for PreparedPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PreparedPublic({:x})", self.public)
    }
}
