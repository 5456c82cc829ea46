//! X25519 Diffie-Hellman that can fail.
//!
//! A peer's public key of small order gives the all-zero output whatever the secret is. libsodium
//! refuses it, and so does [`X25519Secret::diffie_hellman`]: there is no way to get such a shared
//! secret out of this module.
//!
//! The multiplication goes over the Edwards form of the curve, which takes about two thirds of the
//! time of the Montgomery ladder and gives the same bytes. A u-coordinate that is not on the curve
//! but on its twist (half of all strings are) has no Edwards form; then the ladder takes over. The
//! choice depends on the public key alone. Both are constant time in the secret.

mod batch;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use curve25519_dalek::edwards::EdwardsBasepointTable;
use curve25519_dalek::traits::BasepointTable;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::bytes::split_first;
use crate::ed25519::{Ed25519Public, require_prime_order};
use crate::{KeyError, field};

pub use batch::{Agreement, Peer, agree_all};

pub use session_types::X25519Public;

/// What can be done with an X25519 public key as received.
pub trait X25519PublicExt: sealed::Sealed {
    /// Returns the positive one of the two Ed25519 keys of this X25519 key: `edabs` of the
    /// specification (protocol: identity, section 7).
    ///
    /// For half of all accounts the Ed25519 key is the other one, with the sign bit set. The result
    /// is not validated: if this key is not on the curve, the result is not a point, and is rejected
    /// on use. Not constant-time: the key is public.
    fn to_ed25519_positive(&self) -> Ed25519Public;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for session_types::X25519Public {}
}

impl X25519PublicExt for X25519Public {
    fn to_ed25519_positive(&self) -> Ed25519Public {
        Ed25519Public::from_bytes(field::edwards_y(self.as_bytes()))
    }
}

/// Returns the positive Edwards point of a key, in the prime-order subgroup and not the identity.
pub(crate) fn to_point(key: &X25519Public) -> Result<EdwardsPoint, KeyError> {
    let point = MontgomeryPoint(key.to_bytes())
        .to_edwards(0)
        .ok_or(KeyError::NotAPoint)?;
    require_prime_order(&point)?;
    Ok(point)
}

/// An X25519 secret key: 32 bytes, clamped where they are used.
///
/// Wiped when dropped, never printed; it cannot be cloned.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct X25519Secret([u8; 32]);

impl X25519Secret {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Takes the bytes as a key. They need not be clamped.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws a key of 32 bytes.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut secret = Self([0; 32]);
        rng.fill_bytes(&mut secret.0);
        secret
    }

    /// The secret bytes, for the caller's own store.
    #[must_use]
    pub const fn expose_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key. Constant time.
    #[must_use]
    pub fn public(&self) -> X25519Public {
        X25519Public::from_bytes(
            EdwardsPoint::mul_base_clamped(self.0)
                .to_montgomery()
                .to_bytes(),
        )
    }

    /// The shared secret with `peer`. Constant time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`] if `peer` has small order, so that the output would be zero.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_crypto::{X25519Public, X25519Secret};
    ///
    /// let (alice, bob) = (X25519Secret::generate(rng), X25519Secret::generate(rng));
    /// let shared = alice.diffie_hellman(&bob.public())?;
    /// assert_eq!(shared.expose_bytes(), bob.diffie_hellman(&alice.public())?.expose_bytes());
    /// // A key of small order makes a secret that everybody knows. It is refused.
    /// assert!(alice.diffie_hellman(&X25519Public::from_bytes([0; 32])).is_err());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn diffie_hellman(&self, peer: &X25519Public) -> Result<SharedSecret, KeyError> {
        let peer = MontgomeryPoint(peer.to_bytes());
        match peer.to_edwards(0) {
            Some(peer) => SharedSecret::from_edwards(peer.mul_clamped(self.0)),
            None => SharedSecret::checked(peer.mul_clamped(self.0)),
        }
    }

    /// The public key, and the shared secret with `peer`: both in less time than one after the other.
    ///
    /// Constant time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`], as [`diffie_hellman`](Self::diffie_hellman).
    pub fn agree(&self, peer: Peer<'_>) -> Result<(X25519Public, SharedSecret), KeyError> {
        batch::agree(self, peer)
    }

    /// The shared secret with each of `peers`, in their order, sooner than one by one.
    ///
    /// Constant time in the secret.
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

    /// The shared secret with a peer whose table is ready. Constant time in the secret.
    ///
    /// # Errors
    ///
    /// [`KeyError::NonContributory`], as [`diffie_hellman`](Self::diffie_hellman).
    pub fn diffie_hellman_prepared(&self, peer: &PreparedPublic) -> Result<SharedSecret, KeyError> {
        match &peer.table {
            Some(table) => SharedSecret::from_edwards(table.mul_base_clamped(self.0)),
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

impl fmt::Debug for X25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519Secret(..)")
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

    /// The secret bytes.
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

/// A public key with a table of its multiples, for a peer that is met often.
///
/// Making one takes about as long as twenty Diffie-Hellmans and 30 KiB of memory; each use then
/// takes less than half the time. A key on the twist has no table and works all the same.
pub struct PreparedPublic {
    public: X25519Public,
    table: Option<Box<EdwardsBasepointTable>>,
}

impl PreparedPublic {
    /// Makes the table. Not constant time: the key is public.
    #[must_use]
    pub fn new(public: X25519Public) -> Self {
        let table = MontgomeryPoint(public.to_bytes())
            .to_edwards(0)
            .map(|point| Box::new(EdwardsBasepointTable::create(&point)));
        Self { public, table }
    }

    /// The key itself.
    #[must_use]
    pub const fn public(&self) -> &X25519Public {
        &self.public
    }
}

impl fmt::Debug for PreparedPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::fmt_public(f, "PreparedPublic", self.public.as_bytes())
    }
}

/// Splits a public key off the front of `bytes`.
pub(crate) fn split_public(bytes: &[u8]) -> Option<(X25519Public, &[u8])> {
    let (key, rest) = split_first::<32>(bytes)?;
    Some((X25519Public::from_bytes(*key), rest))
}
