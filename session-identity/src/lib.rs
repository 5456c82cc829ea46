#![cfg_attr(feature = "english", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "english"),
    doc = "Accounts, ids and recovery phrases of the Session messenger protocol."
)]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
pub mod base32z;
pub mod blinded;
mod bytes;
pub mod community;
pub mod group;
pub mod name;
pub mod phrase;
mod seed;
pub mod subaccount;
pub mod version;

pub use account::{Account, RestoreError};
pub use blinded::AccountIdExt;
pub use group::Group;
pub use phrase::{Language, PhraseError};
pub use seed::{Seed, SeedLengthError};
pub use session_types::{
    AccountId, AnyId, BlindedId15, BlindedId25, GroupId, IdError, IdKind, UnblindedId, VersionId,
};
