//! The bencoded data of `tests/vectors/`: what the deployed library wrote is read, and written
//! again to the byte.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use session_proto::bt;
use testkit::Vectors;

/// Checks that `bytes` is one canonical value that is written as it was read.
fn check(bytes: &[u8]) {
    let value = bt::parse(bytes).unwrap();
    let written = bt::list(|list| {
        list.value(&value);
    });
    assert_eq!(written, [b"l", bytes, b"e"].concat());
}

#[test]
fn config_messages() {
    let mut messages = 0;
    for topic in [
        "config_contacts",
        "config_convo_info_volatile",
        "config_user_groups",
        "config_userprofile",
        "group_info",
        "group_members",
    ] {
        Vectors::load(topic).each("scenarios", |case| {
            for step in case.list("steps") {
                if step.text("step") == "push" {
                    check(&step.hex("plain"));
                    messages += 1;
                }
            }
        });
    }
    println!("{messages} config messages");
    assert!(messages > 0);
}

#[test]
fn group_key_messages() {
    let vectors = Vectors::load("group_keys");
    for array in ["rekey", "supplement"] {
        vectors.each(array, |case| {
            let message = case.hex("message");
            check(&message);
            // The signature is over everything before its key, which is the last one.
            let dict = bt::parse_dict(&message).unwrap();
            assert_eq!(dict.array::<64>("~").unwrap().len(), 64);
            assert!(dict.signed().is_ok());
        });
    }
}

#[test]
fn group_messages() {
    let mut dicts = 0;
    Vectors::load("group_encrypt").each("encrypt", |case| {
        if let Some(inner) = case.opt_hex("inner") {
            let end = inner.iter().rposition(|byte| *byte != 0).unwrap();
            check(&inner[..=end]);
            dicts += 1;
        }
    });
    assert!(dicts > 0);
}
