//! The vectors of `tests/vectors/`, as far as this crate answers for them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    missing_docs
)]

use session_crypto::multi::Party;
use session_crypto::{Ed25519Public, Ed25519Secret, X25519Public, X25519Secret};
use session_identity::GroupId;
use session_message::SymmetricKey;
use session_message::group::layer::{self, Options};
use session_message::multi::{self, Junk};
use testkit::{Case, Replay, Vectors};

fn group(case: Case<'_>) -> GroupId {
    GroupId::from_ed25519(&Ed25519Public::from_bytes(case.array("group_ed25519_pk")))
}

fn keys(case: Case<'_>) -> Vec<SymmetricKey> {
    case.hexes("group_keys")
        .iter()
        .map(|key| SymmetricKey::try_from(key.as_slice()).unwrap())
        .collect()
}

#[test]
fn group_encrypt() {
    let vectors = Vectors::load("group_encrypt");
    let mut exact = 0;
    vectors.each("encrypt", |case| {
        let plain = case.hex("plaintext");
        let sender = Ed25519Secret::from_seed(&case.array("sender_seed"));
        let key = SymmetricKey::from_bytes(case.array("encryption_key"));
        let options = Options {
            compress: case.flag("compress"),
            padding: usize::try_from(case.number("padding")).unwrap(),
        };
        let mut rng = Replay::new(case.hexes("random"));
        let sealed = layer::seal(&mut rng, &sender, &group(case), &key, &plain, options);
        let opened = layer::open(&group(case), &keys(case), &case.hex("ciphertext"));
        if plain.is_empty() {
            // The reference makes what nobody opens.
            assert!(!case.flag("decrypt_ok"));
            assert!(sealed.is_err() && opened.is_err());
            return;
        }
        let sealed = sealed.unwrap();
        assert_eq!(sealed.len() % options.padding.max(1), 0);
        if !case.flag("stored_compressed") {
            exact += 1;
            assert_eq!(sealed, case.hex("ciphertext"));
        }
        let ours = layer::open(&group(case), &keys(case), &sealed).unwrap();
        for opened in [opened.unwrap(), ours] {
            assert_eq!(*opened.plain, plain);
            assert_eq!(opened.sender.to_string(), case.text("sender_session_id"));
            assert_eq!(opened.sender_ed25519, sender.public());
        }
    });
    println!("group_encrypt: {exact} of them byte for byte");
    assert!(exact > 10);
    vectors.each("decrypt_checks", |case| {
        let opened = layer::open(&group(case), &keys(case), &case.hex("ciphertext"));
        if case.opt_flag("informational") || case.opt_flag("order2_component") {
            // The reference is more lenient here; being stricter is right.
            assert!(opened.is_ok() <= case.flag("ok"));
            return;
        }
        assert_eq!(opened.is_ok(), case.flag("ok"), "{opened:?}");
        if let Ok(opened) = opened {
            assert_eq!(*opened.plain, case.hex("plaintext"));
            assert_eq!(opened.sender.to_string(), case.text("sender_session_id"));
        }
    });
}

#[test]
fn multi_encrypt() {
    let vectors = Vectors::load("multi_encrypt");
    vectors.each("encrypt_simple", |case| {
        let domain = case.text("domain").as_bytes();
        let secret = Ed25519Secret::from_seed(&case.array("sender_seed")).to_x25519();
        let sender = Party::new(&secret, domain);
        let secrets: Vec<_> = case
            .list("recipients")
            .iter()
            .map(|recipient| Ed25519Secret::from_seed(&recipient.array("seed")).to_x25519())
            .collect();
        let recipients: Vec<_> = secrets.iter().map(|secret| secret.public()).collect();
        let messages = if case.flag("one_message_each") {
            let list = case.list("recipients");
            list.iter().map(|r| r.hex("plaintext")).collect()
        } else {
            vec![case.hex("plaintext")]
        };
        let slices: Vec<_> = messages.iter().map(Vec::as_slice).collect();
        let mut rng = Replay::new(case.hexes("random"));
        let pad = usize::try_from(case.number("pad")).unwrap();
        let encoded = multi::seal(
            &mut rng,
            &sender,
            &case.array("nonce"),
            &recipients,
            &slices,
            Junk::MultipleAsDeployed(pad),
        )
        .unwrap();
        assert!(rng.is_used_up());
        assert_eq!(encoded, case.hex("encoded"));

        let open = |secret: &X25519Secret, domain: &[u8], sender: &X25519Public| {
            multi::open(&Party::new(secret, domain), sender, &encoded)
        };
        for (index, secret) in secrets.iter().enumerate() {
            let opened = open(secret, domain, sender.public()).unwrap();
            // Equal keys find the first entry that is theirs.
            let first = recipients.iter().position(|key| *key == secret.public());
            let expected = messages.get(first.unwrap()).unwrap_or(&messages[0]);
            assert_eq!(*opened, *expected, "recipient {index}");
        }
        let other = Ed25519Secret::from_seed(&case.array("non_recipient_seed")).to_x25519();
        let flags = [
            (
                open(&other, domain, sender.public()).is_ok(),
                "non_recipient_decrypts",
            ),
            (
                secrets.first().is_some_and(|secret| {
                    open(secret, &[domain, b"x"].concat(), sender.public()).is_ok()
                }),
                "wrong_domain_decrypts",
            ),
            (
                secrets
                    .first()
                    .is_some_and(|secret| open(secret, domain, &other.public()).is_ok()),
                "wrong_sender_decrypts",
            ),
        ];
        for (decrypts, flag) in flags {
            assert_eq!(decrypts, case.flag(flag), "{flag}");
        }
    });
    vectors.each("decode_checks", |case| {
        let secret = Ed25519Secret::from_seed(&case.array("recipient_seed")).to_x25519();
        let party = Party::new(&secret, case.text("domain").as_bytes());
        let sender = X25519Public::from_bytes(case.array("sender_x25519_pk"));
        let opened = multi::open(&party, &sender, &case.hex("encoded"));
        if case.opt_flag("informational") {
            assert!(opened.is_ok() <= case.flag("ok"));
            return;
        }
        assert_eq!(
            opened.is_ok(),
            case.flag("ok"),
            "{:?}",
            case.opt_text("note")
        );
        if let Ok(opened) = opened {
            assert_eq!(*opened, case.hex("plaintext"));
        }
    });
}

#[cfg(feature = "v2")]
#[path = "vectors/v2.rs"]
mod v2;
