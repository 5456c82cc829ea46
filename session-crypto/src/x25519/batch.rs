//! Batches of Diffie-Hellmans, which share their inversions.
//!
//! A single one needs an inversion to convert the peer's u-coordinate to the Edwards form, and one to
//! convert the result back. A batch needs one of each in all. The ladder of a fast
//! [`Backend`](crate::Backend) needs neither.

use alloc::vec::Vec;

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::Identity;
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint};
use x25519_dalek::x25519;
use zeroize::{Zeroize, Zeroizing};

use super::{PreparedPublic, SharedSecret, X25519Public, X25519Secret};
use crate::KeyError;
use crate::backend::fast;
use crate::field::edwards_y_all;

/// The peer of a Diffie-Hellman, with or without a precomputed table.
#[derive(Debug, Clone, Copy)]
pub enum Peer<'a> {
    /// A key.
    Plain(&'a X25519Public),
    /// A key with a precomputed table of its multiples.
    Prepared(&'a PreparedPublic),
}

impl<'a> From<&'a X25519Public> for Peer<'a> {
    fn from(public: &'a X25519Public) -> Self {
        Self::Plain(public)
    }
}

impl<'a> From<&'a PreparedPublic> for Peer<'a> {
    fn from(prepared: &'a PreparedPublic) -> Self {
        Self::Prepared(prepared)
    }
}

impl<'a> Peer<'a> {
    /// Returns the peer's key.
    #[must_use]
    pub const fn public(self) -> &'a X25519Public {
        match self {
            Self::Plain(public) => public,
            Self::Prepared(prepared) => prepared.public(),
        }
    }
}

/// The public key of an ephemeral secret, and its shared secret with a peer.
#[derive(Debug)]
pub struct Agreement {
    /// The public key of the ephemeral secret.
    pub ephemeral: X25519Public,
    /// The shared secret, or [`KeyError::NonContributory`] if the peer's key has small order.
    pub shared: Result<SharedSecret, KeyError>,
}

/// Returns for each ephemeral secret its public key, and the shared secret with its peer.
///
/// The results are those of [`X25519Secret::public`] and [`X25519Secret::diffie_hellman`], faster.
/// Constant-time in the secrets; the time reveals which peers have tables and which keys are on the
/// curve.
#[must_use]
pub fn agree_all(pairs: &[(&X25519Secret, Peer<'_>)]) -> Vec<Agreement> {
    let is_fast = fast::is_supported();
    let plain: Vec<_> = pairs
        .iter()
        .filter_map(|(_, peer)| match peer {
            Peer::Plain(public) if !is_fast => Some(**public),
            _ => None,
        })
        .collect();
    let mut plain = to_edwards_all(&plain).into_iter();
    let products = pairs
        .iter()
        .flat_map(|(secret, peer)| {
            let ephemeral = Product::public(secret);
            let shared = match peer {
                Peer::Prepared(PreparedPublic {
                    table: Some(table), ..
                }) => Product::Edwards(table.mul_clamped(secret.0)),
                Peer::Prepared(PreparedPublic { public, .. }) => Product::ladder(secret, public),
                Peer::Plain(public) => Product::of(secret, public, plain.next().flatten()),
            };
            [ephemeral, shared]
        })
        .collect();
    let points = to_montgomery_all(products);
    let (pairs, _) = points.as_chunks();
    pairs
        .iter()
        .map(|[ephemeral, shared]| Agreement {
            ephemeral: X25519Public::from_bytes(ephemeral.0),
            shared: SharedSecret::checked(*shared),
        })
        .collect()
}

/// See [`X25519Secret::agree`].
pub(super) fn agree(
    secret: &X25519Secret,
    peer: Peer<'_>,
) -> Result<(X25519Public, SharedSecret), KeyError> {
    let mut agreements = agree_all(&[(secret, peer)]);
    let agreement = agreements.pop().ok_or(KeyError::NonContributory)?;
    Ok((agreement.ephemeral, agreement.shared?))
}

/// See [`X25519Secret::diffie_hellman_all`].
pub(super) fn diffie_hellman_all(
    secret: &X25519Secret,
    peers: &[X25519Public],
) -> Vec<Result<SharedSecret, KeyError>> {
    if fast::is_supported() {
        return peers
            .iter()
            .map(|peer| secret.diffie_hellman(peer))
            .collect();
    }
    let products = peers
        .iter()
        .zip(to_edwards_all(peers))
        .map(|(peer, point)| Product::of(secret, peer, point))
        .collect();
    to_montgomery_all(products)
        .iter()
        .map(|point| SharedSecret::checked(*point))
        .collect()
}

/// A multiple of a point, in one of two forms. The form depends on public data.
enum Product {
    Edwards(EdwardsPoint),
    Montgomery(MontgomeryPoint),
}

impl Product {
    fn of(secret: &X25519Secret, peer: &X25519Public, point: Option<EdwardsPoint>) -> Self {
        match point {
            Some(point) => Self::Edwards(point.mul_clamped(secret.0)),
            None => Self::ladder(secret, peer),
        }
    }

    fn public(secret: &X25519Secret) -> Self {
        match fast::x25519_public(&secret.0) {
            Some(public) => Self::Montgomery(MontgomeryPoint(public)),
            None => Self::Edwards(EdwardsPoint::mul_base_clamped(secret.0)),
        }
    }

    fn ladder(secret: &X25519Secret, peer: &X25519Public) -> Self {
        let plain = || x25519(secret.0, peer.to_bytes());
        let product = fast::x25519(&secret.0, peer).unwrap_or_else(plain);
        Self::Montgomery(MontgomeryPoint(product))
    }
}

/// Returns the positive Edwards point of each key on the curve, as `MontgomeryPoint::to_edwards(0)`.
fn to_edwards_all(keys: &[X25519Public]) -> Vec<Option<EdwardsPoint>> {
    // The library's inversion is faster than ours.
    if let [key] = keys {
        return [MontgomeryPoint(key.to_bytes()).to_edwards(0)].into();
    }
    edwards_y_all(keys.iter().map(X25519Public::as_bytes))
        .into_iter()
        .map(|y| CompressedEdwardsY(y?).decompress())
        .collect()
}

fn to_montgomery_all(mut products: Vec<Product>) -> Zeroizing<Vec<MontgomeryPoint>> {
    let edwards: Zeroizing<Vec<_>> = products
        .iter()
        .map(|product| match product {
            Product::Edwards(point) => *point,
            // Replaced below.
            Product::Montgomery(_) => EdwardsPoint::identity(),
        })
        .collect::<Vec<_>>()
        .into();
    let mut points = Zeroizing::new(EdwardsPoint::to_montgomery_batch(&edwards));
    for (point, product) in points.iter_mut().zip(&mut products) {
        match product {
            Product::Edwards(product) => product.zeroize(),
            Product::Montgomery(product) => {
                *point = *product;
                product.zeroize();
            }
        }
    }
    points
}
