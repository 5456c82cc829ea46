//! Which code multiplies points of the curve.
//!
//! `curve25519-dalek` does, unless the feature `graviola` is on and the processor has what `graviola`
//! needs: assembly that was proved correct (s2n-bignum), which takes half to two thirds of the time.
//! Both give the same bytes and reject the same input.

#[cfg_attr(
    all(
        feature = "graviola",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ),
    path = "backend/graviola.rs"
)]
#[cfg_attr(
    not(all(
        feature = "graviola",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    path = "backend/none.rs"
)]
pub(crate) mod fast;

/// The code that multiplies points of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// `curve25519-dalek`.
    Dalek,
    /// `graviola`: verified assembly. Requires the feature of this name, and a processor with AES and
    /// carry-less multiplication, on x86-64 also AVX2, BMI2 and ADX.
    Graviola,
}

impl Backend {
    /// Returns the backend of this processor.
    #[must_use]
    pub fn detect() -> Self {
        match fast::is_supported() {
            true => Self::Graviola,
            false => Self::Dalek,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Backend, fast};
    use crate::{Ed25519Secret, X25519Public};

    /// Whatever is tested here is tested with the backend that the features and the processor give.
    #[test]
    fn a_supported_backend_computes_and_another_does_not() {
        let is_used = Backend::detect() == Backend::Graviola;
        if cfg!(not(feature = "graviola")) {
            assert!(!is_used);
        }
        let peer = X25519Public::from_bytes([9; 32]);
        assert_eq!(fast::x25519_public(&[7; 32]).is_some(), is_used);
        assert_eq!(fast::x25519(&[7; 32], &peer).is_some(), is_used);
        let signer = fast::Signer::new();
        assert_eq!(signer.sign(&[7; 32], &[b"a"]).is_some(), is_used);
        let signature = Ed25519Secret::from_seed(&[7; 32]).sign(b"a");
        if let Some(bytes) = signer.sign(&[7; 32], &[b"a"]) {
            assert_eq!(bytes, signature.to_bytes());
        }
    }
}
