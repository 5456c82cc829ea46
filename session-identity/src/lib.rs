#![doc = include_str!("../README.md")]
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
pub mod id;
pub mod phrase;
mod seed;

pub use account::{Account, RestoreError};
pub use id::{
    AccountId, AnyId, BlindedId15, BlindedId25, GroupId, IdError, UnblindedId, VersionId,
};
pub use phrase::{Language, PhraseError};
pub use seed::{Seed, SeedLengthError};
