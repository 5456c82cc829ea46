#![cfg_attr(
    all(feature = "english", feature = "getrandom"),
    doc = include_str!("../README.md")
)]
#![cfg_attr(
    not(all(feature = "english", feature = "getrandom")),
    doc = "Accounts, ids and recovery phrases of the Session messenger protocol."
)]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
pub mod blinded;
mod bytes;
pub mod community;
pub mod group;
#[cfg(feature = "v2")]
pub mod link_sas;
pub mod name;
pub mod phrase;
mod seed;
#[cfg(feature = "serde")]
mod serde;
pub mod subaccount;
pub mod version;

pub use account::{Account, RestoreError};
pub use blinded::AccountIdExt;
#[cfg(feature = "getrandom")]
pub use getrandom;
pub use group::Group;
pub use phrase::{Language, PhraseError};
pub use seed::{Seed, SeedLengthError};
pub use session_types::{
    AccountId, AnyId, BlindedId15, BlindedId25, GroupId, IdError, IdKind, UnblindedId, VersionId,
};
pub use {rand_core, session_crypto, session_types, subtle, zeroize};
