#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

extern crate alloc;
#[cfg(any(
    test,
    all(
        feature = "graviola",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )
))]
extern crate std;

#[macro_use]
mod secret_bytes;

mod backend;
mod bytes;
mod error;
mod field;
mod opened;
mod point;
mod sha512;
mod short_tag;
mod symmetric_key;

pub mod attachment;
pub mod blake2b;
pub mod blind;
pub mod config;
pub mod direct;
pub mod ed25519;
pub mod group;
pub mod group_keys;
pub mod hash;
pub mod inbox;
pub mod multi;
pub mod pro;
pub mod push;
pub mod scalar;
pub mod sealed_box;
pub mod secretstream;
#[cfg(feature = "v2")]
pub mod v2;
pub mod x25519;
pub mod xchacha;
pub mod xed25519;

pub use backend::Backend;
pub use blake2b::Blake2b;
pub use blind::{BlindedSecret, Blinding};
pub use ed25519::{Ed25519PublicExt, Ed25519Secret, VerifyingKey};
pub use error::{DecryptError, EncryptError, KeyError, SignatureError};
pub use scalar::SecretScalar;
pub use session_types::{Ed25519Public, Ed25519Signature, X25519Public};
pub use symmetric_key::SymmetricKey;
#[cfg(feature = "x25519-dalek")]
pub use x25519::X25519DalekExt;
pub use x25519::{X25519PublicExt, X25519Secret};

// The crates whose types are part of this interface.
#[cfg(feature = "ed25519-dalek")]
pub use ed25519_dalek;
#[cfg(feature = "getrandom")]
pub use getrandom;
pub use rand_core;
pub use session_types;
pub use subtle;
#[cfg(feature = "x25519-dalek")]
pub use x25519_dalek;
pub use zeroize;

/// Converts exactly `N` bytes.
fn key_bytes<const N: usize>(bytes: &[u8]) -> Result<[u8; N], KeyError> {
    bytes.try_into().map_err(|_| KeyError::Length {
        expected: N,
        got: bytes.len(),
    })
}
