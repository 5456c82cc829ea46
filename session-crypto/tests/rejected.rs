//! Every truncation and every flipped bit of every kind of sealed message is refused with the one
//! error, and so is every key of small order.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use core::fmt::Debug;
use session_crypto::Ed25519PublicExt;
use session_types::ParseError;

use curve25519_dalek::constants::EIGHT_TORSION;
use proptest::prelude::*;
use session_crypto::config::{self, Domain};
use session_crypto::multi::Party;
use session_crypto::{
    Blake2b, BlindedSecret, Blinding, DecryptError, Ed25519Public, Ed25519Secret, EncryptError,
    KeyError, SymmetricKey, X25519Public, X25519Secret, direct, group, inbox, push, sealed_box,
    xchacha,
};
use testkit::rng;

/// Opens what was sealed, and nothing that differs from it in length or in one bit.
fn check<T: Debug>(sealed: &[u8], open: impl Fn(&[u8]) -> Result<T, DecryptError>) {
    assert!(open(sealed).is_ok());
    for length in 0..sealed.len() {
        assert_eq!(
            open(&sealed[..length]).err(),
            Some(DecryptError),
            "cut to {length}"
        );
        assert_eq!(
            open(&sealed[length + 1..]).err(),
            Some(DecryptError),
            "cut behind {length}"
        );
    }
    for bit in 0..8 * sealed.len() {
        let mut changed = sealed.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&changed).err(), Some(DecryptError), "bit {bit}");
    }
    assert_eq!(open(&[sealed, &[0]].concat()).err(), Some(DecryptError));
}

fn pair() -> (X25519Secret, X25519Public) {
    let secret = X25519Secret::from_bytes([2; 32]);
    let public = secret.public();
    (secret, public)
}

#[test]
fn sealed_boxes() {
    let (secret, public) = pair();
    for message in [b"".as_slice(), b"message"] {
        let sealed = sealed_box::seal(&mut rng(), &public, message).unwrap();
        assert_eq!(sealed.len(), message.len() + sealed_box::OVERHEAD);
        check(&sealed, |sealed| sealed_box::open(&secret, &public, sealed));
    }
}

#[test]
fn one_to_one_messages() {
    let (secret, public) = pair();
    let sender = Ed25519Secret::from_seed(&[1; 32]);
    for message in [b"".as_slice(), b"message"] {
        let sealed = direct::seal(&mut rng(), &sender, &public, message).unwrap();
        assert_eq!(sealed.len(), message.len() + direct::OVERHEAD);
        check(&sealed, |sealed| direct::open(&secret, &public, sealed));
        let sealed = direct::seal_deterministic(&sender, &public, message).unwrap();
        check(&sealed, |sealed| direct::open(&secret, &public, sealed));
    }
}

#[test]
fn the_inside_of_one_to_one_messages() {
    // What reaches the signature check is authentic as a box, so change it before sealing.
    let (secret, public) = pair();
    let sender = Ed25519Secret::from_seed(&[1; 32]);
    let sealed = direct::seal(&mut rng(), &sender, &public, b"m").unwrap();
    let inner = sealed_box::open(&secret, &public, &sealed).unwrap();
    check(&inner, |inner| {
        let sealed = sealed_box::seal(&mut rng(), &public, inner).unwrap();
        direct::open(&secret, &public, &sealed)
    });
}

#[test]
fn group_messages() {
    let keys = [1, 2, 3].map(key);
    let sealed = group::encrypt(&mut rng(), &keys[1], b"content", 64).unwrap();
    check(&sealed, |sealed| group::decrypt(&keys, sealed));
    assert_eq!(group::decrypt(&keys, &sealed).unwrap().key_index, 1);
    assert_eq!(
        group::decrypt(&keys[2..], &sealed).err(),
        Some(DecryptError)
    );
    assert_eq!(
        group::decrypt([] as [SymmetricKey; 0], &sealed).err(),
        Some(DecryptError)
    );
}

#[test]
fn configs() {
    let domain = Domain::new("Contacts").unwrap();
    for message in [b"".as_slice(), b"message"] {
        let sealed = config::encrypt(&key(1), domain, message).unwrap();
        check(&sealed, |sealed| config::decrypt(&key(1), domain, sealed));
        let other = Domain::new("Contact").unwrap();
        assert_eq!(
            config::decrypt(&key(1), other, &sealed).err(),
            Some(DecryptError)
        );
        assert_eq!(
            config::decrypt(&key(2), domain, &sealed).err(),
            Some(DecryptError)
        );
    }
    assert_eq!(Domain::new("").unwrap_err().got, 0);
    assert_eq!(
        Domain::new("a domain of 25 bytes long").unwrap_err().got,
        25
    );
    assert!(Domain::new("a domain of 24 bytes lon").is_ok());
}

#[test]
fn push_payloads_and_the_plain_form() {
    for message in [b"".as_slice(), b"message"] {
        let sealed = xchacha::encrypt(&mut rng(), &key(1), message).unwrap();
        check(&sealed, |sealed| xchacha::decrypt(&key(1), sealed));
        check(&sealed, |sealed| push::decrypt(&key(1), sealed));
    }
}

#[test]
fn overheads_are_those_of_the_specification() {
    assert_eq!(sealed_box::OVERHEAD, 48);
    assert_eq!(direct::OVERHEAD, 144);
    assert_eq!(group::OVERHEAD, 40);
    assert_eq!(inbox::OVERHEAD, 73);
    assert_eq!(config::OVERHEAD, 40);
    assert_eq!(xchacha::OVERHEAD, 40);
    assert_eq!(session_crypto::multi::OVERHEAD, 16);
}

#[test]
fn inbox_messages() {
    let server = X25519Public::from_bytes([0x77; 32]);
    for blinding in [Blinding::Blind15, Blinding::Blind25] {
        let [alice, bob] = [1, 2].map(|byte| {
            BlindedSecret::new(blinding, &Ed25519Secret::from_seed(&[byte; 32]), &server).unwrap()
        });
        let (a, b) = (alice.public(), bob.public());
        let sealed = inbox::seal(&mut rng(), &alice, &b, b"m").unwrap();
        check(&sealed, |sealed| inbox::open(&bob, &a, &b, sealed));
    }
}

#[test]
fn messages_for_many() {
    let (secret, public) = pair();
    let sender = X25519Secret::from_bytes([3; 32]);
    let (sender, recipient) = (
        Party::new(&sender, b"domain"),
        Party::new(&secret, b"domain"),
    );
    let sealed = sender.seal_to(&public, &[4; 24], b"message").unwrap();
    check(&sealed, |sealed| {
        recipient.open_from(sender.public(), &[4; 24], [sealed])
    });
    let none: [&[u8]; 0] = [];
    assert!(
        recipient
            .open_from(sender.public(), &[4; 24], none)
            .is_err()
    );
    // Short entries are passed over, and the right one is found behind others.
    let entries = [b"".as_slice(), b"short", &[0; 40], &sealed, &sealed];
    let opened = recipient
        .open_from(sender.public(), &[4; 24], entries)
        .unwrap();
    assert_eq!(**opened, *b"message");
}

/// Both encodings with the sign or unused bit, of every point of small order.
fn small_order() -> Vec<[u8; 32]> {
    let mut keys = Vec::new();
    for point in EIGHT_TORSION {
        for bytes in [
            point.compress().to_bytes(),
            point.to_montgomery().to_bytes(),
        ] {
            let mut flipped = bytes;
            flipped[31] ^= 0x80;
            keys.extend([bytes, flipped]);
        }
    }
    keys
}

fn key(byte: u8) -> SymmetricKey {
    SymmetricKey::from_bytes([byte; 32])
}

/// An entry for many with this key and a nonce of zeros.
fn encrypted_with(key: &SymmetricKey) -> Vec<u8> {
    let mut entry = b"m".to_vec();
    let tag = xchacha::encrypt_detached(key, &[0; 24], &mut entry).unwrap();
    entry.extend(tag);
    entry
}

/// A sealed box of "m" under a shared secret that is given.
fn sealed_with(shared: &[u8; 32], ephemeral: &X25519Public, recipient: &X25519Public) -> Vec<u8> {
    use poly1305::universal_hash::KeyInit;
    use salsa20::cipher::{KeyIvInit, StreamCipher, consts::U10};
    let nonce = Blake2b::<24>::new()
        .chain(ephemeral.as_bytes())
        .chain(recipient.as_bytes())
        .finalize();
    let key = salsa20::hsalsa::<U10>(shared.into(), &[0; 16].into());
    let mut stream = [[0; 32].as_slice(), b"m"].concat();
    salsa20::XSalsa20::new(&key, &nonce.into()).apply_keystream(&mut stream);
    let (mac_key, text) = stream.split_first_chunk::<32>().unwrap();
    let tag = poly1305::Poly1305::new(mac_key.into()).compute_unpadded(text);
    [ephemeral.as_bytes(), tag.as_slice(), text].concat()
}

#[test]
fn what_is_made_by_hand_opens_where_the_shared_secret_is_right() {
    let [ephemeral, recipient] = [3, 4].map(|n| X25519Secret::from_bytes([n; 32]));
    let public = recipient.public();
    let shared = ephemeral.diffie_hellman(&public).unwrap();
    let sealed = sealed_with(shared.expose_bytes(), &ephemeral.public(), &public);
    assert_eq!(
        **sealed_box::open(&recipient, &public, &sealed).unwrap(),
        *b"m"
    );
    let party = Party::new(&recipient, b"domain");
    let entry = encrypted_with(&party.key_from(&ephemeral.public()).unwrap());
    let opened = party.open_from(&ephemeral.public(), &[0; 24], [&*entry]);
    assert_eq!(**opened.unwrap(), *b"m");
}

#[test]
fn keys_of_small_order_and_all_zero_are_refused_by_every_operation() {
    let sender = Ed25519Secret::from_seed(&[1; 32]);
    let x25519 = sender.to_x25519();
    let refused = Err(EncryptError::Key(KeyError::NonContributory));
    for point in EIGHT_TORSION {
        let key = X25519Public::from_bytes(point.to_montgomery().to_bytes());
        assert_eq!(sealed_box::seal(&mut rng(), &key, b"m"), refused);
        assert_eq!(direct::seal(&mut rng(), &sender, &key, b"m"), refused);
        assert_eq!(direct::seal_deterministic(&sender, &key, b"m"), refused);
        let party = Party::new(&x25519, b"domain");
        let encrypted = party.seal_to(&key, &[0; 24], b"m");
        assert_eq!(encrypted, Err(EncryptError::Key(KeyError::NonContributory)));
        // With a key of small order the shared secret is all zero, which everybody knows.
        let known = Blake2b::<32>::keyed(b"domain")
            .chain(&[0; 32])
            .chain(key.as_bytes())
            .chain(party.public().as_bytes())
            .finalize();
        let entry = encrypted_with(&SymmetricKey::from_bytes(known));
        assert!(party.open_from(&key, &[0; 24], [&*entry]).is_err());
        let sealed = sealed_with(&[0; 32], &key, &x25519.public());
        assert!(sealed_box::open(&x25519, &x25519.public(), &sealed).is_err());
        assert!(sealed_box::open_in_place(&x25519, &x25519.public(), &mut sealed.clone()).is_err());
    }
    let server = X25519Public::from_bytes([0x77; 32]);
    for bytes in small_order() {
        let key = Ed25519Public::from_bytes(bytes);
        assert!(key.to_x25519().is_err());
        for blinding in [Blinding::Blind15, Blinding::Blind25] {
            assert!(blinding.key_of(&key, &server).is_err());
            let own = BlindedSecret::new(blinding, &sender, &server).unwrap();
            assert!(inbox::seal(&mut rng(), &own, &key, b"m").is_err());
        }
        let key = X25519Public::from_bytes(bytes);
        if x25519.diffie_hellman(&key).is_err() {
            assert!(session_crypto::blind::candidates15(&key, &server).is_err());
            assert!(session_crypto::blind::key25(&key, &server).is_err());
        }
    }
}

#[test]
fn keys_of_another_length_are_refused_with_both_lengths() {
    for got in [0, 1, 31, 33, 64] {
        let bytes = vec![1; got];
        let expected = KeyError::Length { expected: 32, got };
        let length = ParseError::Length { expected: 32, got };
        assert_eq!(X25519Public::try_from(bytes.as_slice()), Err(length));
        assert_eq!(Ed25519Public::try_from(bytes.as_slice()), Err(length));
        assert_eq!(
            X25519Secret::try_from(bytes.as_slice()).err(),
            Some(expected)
        );
    }
}

proptest! {
    #[test]
    fn bytes_of_strangers_are_refused_without_a_panic(bytes: Vec<u8>) {
        let (secret, public) = pair();
        let server = X25519Public::from_bytes([0x77; 32]);
        let own = Ed25519Secret::from_seed(&[1; 32]);
        let own = BlindedSecret::new(Blinding::Blind25, &own, &server).unwrap();
        prop_assert!(sealed_box::open(&secret, &public, &bytes).is_err());
        prop_assert!(direct::open(&secret, &public, &bytes).is_err());
        prop_assert!(group::decrypt([&key(1)], &bytes).is_err());
        prop_assert!(config::decrypt(&key(1), Domain::new("x").unwrap(), &bytes).is_err());
        prop_assert!(push::decrypt(&key(1), &bytes).is_err());
        prop_assert!(inbox::open(&own, &own.public(), &own.public(), &bytes).is_err());
    }

    #[test]
    fn messages_of_every_length_come_back(message: Vec<u8>) {
        let (secret, public) = pair();
        let sender = Ed25519Secret::from_seed(&[1; 32]);
        let sealed = direct::seal(&mut rng(), &sender, &public, &message).unwrap();
        let opened = direct::open(&secret, &public, &sealed).unwrap();
        prop_assert_eq!(&*opened.message, &message);
        prop_assert_eq!(opened.sender, sender.public());
        let domain = Domain::new("Contacts").unwrap();
        let sealed = config::encrypt(&key(1), domain, &message).unwrap();
        prop_assert_eq!(&*config::decrypt(&key(1), domain, &sealed).unwrap(), &message);
    }
}
