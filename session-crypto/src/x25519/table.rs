//! Multiples of a point: a table, or without `precomputed-tables` the point alone.

#[cfg(feature = "precomputed-tables")]
use alloc::boxed::Box;

use curve25519_dalek::EdwardsPoint;
#[cfg(feature = "precomputed-tables")]
use curve25519_dalek::{edwards::EdwardsBasepointTable, traits::BasepointTable};

/// Multiples of a point.
#[cfg(feature = "precomputed-tables")]
pub(super) struct Table(Box<EdwardsBasepointTable>);

#[cfg(feature = "precomputed-tables")]
impl Table {
    /// Not constant-time: the point is public.
    pub(super) fn new(point: &EdwardsPoint) -> Self {
        Self(Box::new(EdwardsBasepointTable::create(point)))
    }

    /// Multiplies by a secret, which is clamped. Constant-time.
    pub(super) fn mul_clamped(&self, secret: [u8; 32]) -> EdwardsPoint {
        self.0.mul_base_clamped(secret)
    }
}

/// The point.
#[cfg(not(feature = "precomputed-tables"))]
pub(super) struct Table(EdwardsPoint);

#[cfg(not(feature = "precomputed-tables"))]
impl Table {
    pub(super) const fn new(point: &EdwardsPoint) -> Self {
        Self(*point)
    }

    /// Multiplies by a secret, which is clamped. Constant-time.
    pub(super) fn mul_clamped(&self, secret: [u8; 32]) -> EdwardsPoint {
        self.0.mul_clamped(secret)
    }
}
