//! The vectors of `tests/vectors/`, as far as this crate answers for them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::type_complexity,
    missing_docs
)]

mod device;
mod extra;
mod keys;
mod multipart;
mod ops;
mod scenario;
mod state;
#[cfg(feature = "v2")]
mod v2;

use scenario::Mode;
use session_config::{DumpForm, Rules};
use testkit::Vectors;

/// Replays the scenarios of a file of version 1.2.0, with both compressors.
fn replay_old(topic: &str, config: &str) {
    let vectors = Vectors::load(topic);
    for mode in [Mode::Reference, Mode::Own] {
        let mut replay = scenario::Replay::new(config, Rules::V1_2, DumpForm::V1_2, mode);
        vectors.each("scenarios", |case| replay.run(case));
        replay.report(topic);
    }
}

#[test]
fn config_userprofile() {
    replay_old("config_userprofile", "UserProfile");
}

#[test]
fn config_contacts() {
    replay_old("config_contacts", "Contacts");
}

#[test]
fn config_convo_info_volatile() {
    replay_old("config_convo_info_volatile", "ConvoInfoVolatile");
}

#[test]
fn config_user_groups() {
    replay_old("config_user_groups", "UserGroups");
    Vectors::load("config_user_groups").each("community_urls", extra::community_url);
}

#[test]
fn group_info() {
    replay_old("group_info", "GroupInfo");
}

#[test]
fn group_members() {
    replay_old("group_members", "GroupMembers");
    Vectors::load("group_members").each("status", extra::status);
}

#[test]
fn group_keys() {
    let vectors = Vectors::load("group_keys");
    vectors.each("rekey", keys::rekey);
    vectors.each("supplement", keys::supplement);
    vectors.each("subaccount", keys::subaccount);
    vectors.each("scenarios", keys::scenario);
}

#[test]
fn config_newer_scenarios() {
    let vectors = Vectors::load("config_newer");
    for mode in [Mode::Reference, Mode::Own] {
        let mut replay = scenario::Replay::new("", Rules::Current, DumpForm::Current, mode);
        vectors.each("scenarios", |case| replay.run(case));
        replay.report("config_newer");
    }
}

#[test]
fn config_newer_multipart() {
    let vectors = Vectors::load("config_newer");
    let mut exact = 0;
    vectors.each("multipart", |case| exact += multipart::run(case));
    println!("config_newer: multipart: {exact} stored messages byte for byte");
    assert!(exact > 20);
}

#[test]
fn config_newer_merge() {
    Vectors::load("config_newer").each("merge", extra::merge);
}

#[test]
fn config_newer_dumps() {
    Vectors::load("config_newer").each("dumps", extra::dump);
}

#[test]
fn config_newer_wrapped() {
    Vectors::load("config_newer").each("wrapped", extra::wrapped);
}

#[test]
fn config_newer_hostile() {
    Vectors::load("config_newer").each("hostile", extra::hostile);
}

#[test]
fn config_newer_truncation() {
    Vectors::load("config_newer").each("truncation", extra::truncation);
}

#[test]
fn config_encrypt() {
    let vectors = Vectors::load("config_encrypt");
    vectors.each("encrypt", extra::encrypt);
    vectors.each("decrypt_checks", extra::decrypt);
    vectors.each("padded_size", extra::padded_size);
}
