//! Constructs with a shared key, and hashes.

use session_crypto::config::{self, Domain};
use session_crypto::{SymmetricKey, group, hash, push};
use session_types::{AnyId, base64};
use testkit::{Case, Replay, Vectors};

fn key(case: Case<'_>, field: &str) -> SymmetricKey {
    SymmetricKey::from_bytes(case.array(field))
}

#[test]
fn config_encrypt() {
    let vectors = Vectors::load("config_encrypt");
    vectors.each("encrypt", |case| {
        let domain = Domain::new(case.text("domain")).unwrap();
        let (key, plaintext) = (key(case, "key"), case.hex("plaintext"));
        let ciphertext = config::encrypt(&key, domain, &plaintext).unwrap();
        assert_eq!(ciphertext, case.hex("ciphertext"));
        assert_eq!(
            *config::decrypt(&key, domain, &ciphertext).unwrap(),
            plaintext
        );
    });
    vectors.each("decrypt_checks", |case| {
        let opened = Domain::new(case.text("domain")).ok().and_then(|domain| {
            let key = SymmetricKey::try_from(case.hex("key").as_slice()).ok()?;
            config::decrypt(&key, domain, &case.hex("ciphertext")).ok()
        });
        assert_eq!(opened.is_some(), case.flag("ok"));
        if let (Some(opened), Some(plaintext)) = (opened, case.opt_hex("plaintext")) {
            assert_eq!(*opened, plaintext);
        }
    });
    vectors.each("padded_size", |case| {
        let number = |field| usize::try_from(case.number(field)).unwrap();
        let padded = config::padded_size(number("size"), number("overhead"));
        assert_eq!(padded, Some(number("padded_size")));
    });
}

fn strip(padded: &[u8]) -> &[u8] {
    let zeros = padded.iter().rev().take_while(|byte| **byte == 0).count();
    &padded[..padded.len() - zeros]
}

#[test]
fn group_symmetric_layer() {
    let vectors = Vectors::load("group_encrypt");
    vectors.each("encrypt", |case| {
        let ciphertext = case.hex("ciphertext");
        let opened = group::decrypt([key(case, "encryption_key")], &ciphertext).unwrap();
        if let Some(inner) = case.opt_hex("inner") {
            assert_eq!(*opened.content, strip(&inner));
        }
        let multiple = usize::try_from(case.number("padding")).unwrap();
        let mut rng = Replay::new(case.hexes("random"));
        let key = key(case, "encryption_key");
        let again = group::encrypt(&mut rng, &key, &opened.content, multiple).unwrap();
        assert_eq!(again, ciphertext);
    });
    vectors.each("decrypt_checks", |case| {
        let keys: Vec<SymmetricKey> = case
            .hexes("group_keys")
            .into_iter()
            .map(|key| key.as_slice().try_into().unwrap())
            .collect();
        let opened = group::decrypt(&keys, &case.hex("ciphertext"));
        // What is wrong with the content of the others is found by the layer above.
        match case.opt_hex("inner") {
            Some(inner) => assert_eq!(*opened.unwrap().content, strip(&inner)),
            None if case.flag("ok") => assert!(opened.is_ok()),
            None => assert!(opened.is_err()),
        }
    });
}

#[test]
fn push_notifications() {
    Vectors::load("push_notification").each("decrypt", |case| {
        let opened = SymmetricKey::try_from(case.hex("enc_key").as_slice())
            .ok()
            .and_then(|key| push::decrypt(&key, &case.hex("payload")).ok());
        assert_eq!(opened.is_some(), case.flag("ok"));
        if let Some(opened) = opened {
            assert_eq!(*opened, case.hex("plaintext"));
        }
    });
}

#[test]
fn hashes() {
    let vectors = Vectors::load("hash");
    vectors.each("blake2b", |case| {
        let size = usize::try_from(case.number("size")).unwrap();
        let key = case.opt_hex("key").unwrap_or_default();
        let made = hash::hash(size, &case.hex("message"), &key);
        assert_eq!(made.is_ok(), case.flag("ok"));
        if let Ok(made) = made {
            assert_eq!(made, case.hex("hash"));
        }
    });
    vectors.each("storage_message_hash", |case| {
        let namespace = i16::try_from(case.signed("namespace")).unwrap();
        let data = base64::decode(case.text("data_base64"))
            // One case is a lone padding character, which stands for no data.
            .unwrap_or_else(|| {
                assert_eq!(case.text("data_base64"), "=");
                Vec::new()
            });
        let made = hash::message_hash(
            &AnyId::from_bytes(case.array("pubkey")),
            namespace.into(),
            &data,
        );
        assert_eq!(made.as_str(), case.text("hash"));
    });
}

#[test]
fn storage_server_message_hashes() {
    Vectors::load("storage_rpc").each("message_hash", |case| {
        let namespace = i16::try_from(case.signed("namespace")).unwrap();
        let data = base64::decode(case.text("data_base64")).unwrap();
        let made = hash::message_hash(
            &AnyId::from_bytes(case.array("pubkey")),
            namespace.into(),
            &data,
        );
        assert_eq!(made.as_str(), case.text("hash"));
    });
}
