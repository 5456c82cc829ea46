//! Version 2 of the protocol: forward secrecy and post-quantum key agreement.
//!
//! This module is upcoming: no released client sends these messages yet. It is outside of this
//! crate's SemVer promises, and exists with the feature `v2` only.
//!
//! Each account publishes a key set (X25519 and ML-KEM-768) that its devices replace about every
//! twelve hours ([`keys`]). A message is encrypted to the current key set ([`message`]), so that a key
//! that leaks later does not open it. The devices of an account share the secret halves, and the list of
//! devices, in group messages of their own ([`device_group`]), and admit new devices by requests
//! ([`link`]). The layers above write the dicts that contain these bytes, and sign them.
//!
//! Both key agreements enter every key: as long as one of them holds, the message is secret.
//! ML-KEM-768 is the implementation of the crate `ml-kem`.
//!
//! Protocol: protocol-v2, sections 2, 4, 6 and 8.

pub mod device_group;
mod expand;
pub mod kem;
pub mod keys;
pub mod link;
pub mod message;

pub use kem::{KemCiphertext, KemPublic};
pub use keys::{AccountKeys, DeviceKeys, KeySeed, PublicKeys};
