//! What the client does about failures and lies: the local policy of the protocol (swarm, section
//! 7.4; onion, section 10.9), in small networks where each step can be followed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    missing_docs
)]

#[path = "../../examples/adversary/clear.rs"]
mod clear;

mod clock;
mod dead;
mod failures;
mod guards;
mod hearsay;
mod incomplete;
mod lists;
mod mismatch;
mod one_of;
mod receipts;
mod servers;
mod slow;
mod small;
mod transports;
mod world;
mod wrong_swarm;
