//! Mistakes that compile, agree with themselves, and are wrong on the wire or unsafe. Each test
//! fails with the wrong behaviour. Those of signatures, Diffie-Hellman and attachments are in the
//! files of these names.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::{EdwardsPoint, Scalar};
use session_crypto::Ed25519PublicExt;
use session_crypto::X25519PublicExt;
use session_crypto::blake2b::Blake2b;
use session_crypto::config::{self, Domain};
use session_crypto::multi::Party;
use session_crypto::{
    BlindedSecret, Blinding, DecryptError, Ed25519Public, Ed25519Secret, Ed25519Signature,
    EncryptError, SymmetricKey, X25519Public, X25519Secret, blind, direct, group, hash, inbox,
    push, sealed_box, xchacha, xed25519,
};
use sha2::{Digest, Sha512};
use testkit::rng;

/// Accounts of both signs, half of each.
fn accounts() -> Vec<Ed25519Secret> {
    let all: Vec<Ed25519Secret> = (0..64)
        .map(|byte| Ed25519Secret::from_seed(&[byte; 32]))
        .collect();
    let negative = all
        .iter()
        .filter(|account| account.public().is_negative())
        .count();
    assert!((16..=48).contains(&negative), "{negative} of 64");
    all
}

fn server() -> X25519Public {
    X25519Public::from_bytes([0x77; 32])
}

#[test]
fn a_sender_outside_the_subgroup_is_refused_though_the_signature_verifies() {
    // A = [a]B + T with T of order 8: the signature verifies where the challenge is divisible by 8.
    let (a, r) = (Scalar::from(1000_u64), Scalar::from(77_u64));
    let sender = (EdwardsPoint::mul_base(&a) + EIGHT_TORSION[1])
        .compress()
        .to_bytes();
    let recipient = X25519Secret::from_bytes([9; 32]);
    let recipient_public = recipient.public();
    let big_r = EdwardsPoint::mul_base(&r).compress().to_bytes();
    let mut accepted = 0;
    for counter in 0_u8..64 {
        let signed = [&[counter], sender.as_slice(), recipient_public.as_bytes()].concat();
        let k = Sha512::new()
            .chain_update(big_r)
            .chain_update(sender)
            .chain_update(&signed)
            .finalize();
        let s = r + Scalar::from_bytes_mod_order_wide(&k.into()) * a;
        let signature: [u8; 64] = [big_r, s.to_bytes()].concat().try_into().unwrap();
        let verified = Ed25519Public::from_bytes(sender)
            .verify(&signed, &Ed25519Signature::from_bytes(signature));
        accepted += u32::from(verified.is_ok());
        let inner = [&[counter], sender.as_slice(), &signature].concat();
        let sealed = sealed_box::seal(&mut rng(), &recipient_public, &inner).unwrap();
        let opened = direct::open(&recipient, &recipient_public, &sealed);
        assert_eq!(opened.err(), Some(DecryptError));
    }
    assert!(accepted > 0, "no signature that verifies was made");
}

#[test]
fn signs_are_right_for_all_accounts_and_not_for_half_of_them() {
    for account in accounts() {
        let (public, x25519) = (account.public(), account.to_x25519());
        // 15: the real id is one of two candidates, and the real sign decides which.
        let own = BlindedSecret::new(Blinding::Blind15, &account, &server()).unwrap();
        assert_eq!(
            Blinding::Blind15.key_of(&public, &server()),
            Ok(own.public())
        );
        let candidates = blind::candidates15(&x25519.public(), &server()).unwrap();
        assert_eq!(candidates[usize::from(public.is_negative())], own.public());
        // 25: there is only one.
        let own = BlindedSecret::new(Blinding::Blind25, &account, &server()).unwrap();
        assert_eq!(
            Blinding::Blind25.key_of(&public, &server()),
            Ok(own.public())
        );
        assert_eq!(blind::key25(&x25519.public(), &server()), Ok(own.public()));
        // XEd25519: the positive key signs, whichever the account's is.
        let positive = x25519.public().to_ed25519_positive();
        assert_eq!(positive, public.with_sign(false));
        let signature = xed25519::sign(&mut rng(), &x25519, b"message");
        assert_eq!(
            xed25519::verify(&x25519.public(), b"message", &signature),
            Ok(())
        );
        // The account's own signature verifies there only if its key is the positive one.
        let plain = account.sign(b"message");
        let verified = xed25519::verify(&x25519.public(), b"message", &plain).is_ok();
        assert_eq!(verified, !public.is_negative());
    }
}

#[test]
fn blinded_signatures_verify_for_all_accounts() {
    for account in accounts() {
        for (prefix, blinding) in [(0x15, Blinding::Blind15), (0x25, Blinding::Blind25)] {
            assert_eq!(blinding.prefix(), prefix);
            assert_eq!(Blinding::from_prefix(prefix), Some(blinding));
            let own = BlindedSecret::new(blinding, &account, &server()).unwrap();
            let signature = own.sign(b"message");
            assert_eq!(own.public().verify(b"message", &signature), Ok(()));
            let other_sign = own.public().with_other_sign();
            assert!(other_sign.verify(b"message", &signature).is_err());
            assert!(own.public().verify(b"massage", &signature).is_err());
        }
    }
}

#[test]
fn blinding_factors_are_not_clamped() {
    let account = Ed25519Secret::from_seed(&[1; 32]);
    let factor = blind::factor15(&server());
    let clamped = curve25519_dalek::scalar::clamp_integer(*factor.expose_bytes());
    assert_ne!(clamped, *factor.expose_bytes());
    let point = curve25519_dalek::edwards::CompressedEdwardsY(account.public().to_bytes())
        .decompress()
        .unwrap();
    let unclamped = point * Scalar::from_bytes_mod_order(*factor.expose_bytes());
    let key = Blinding::Blind15
        .key_of(&account.public(), &server())
        .unwrap();
    assert_eq!(key.to_bytes(), unclamped.compress().to_bytes());
    assert_ne!(
        key.to_bytes(),
        point.mul_clamped(clamped).compress().to_bytes()
    );
}

#[test]
fn a_message_to_a_15_key_computed_from_an_account_id_is_lost_for_half_of_the_accounts() {
    let sender = Ed25519Secret::from_seed(&[0xaa; 32]);
    let (mut opened, mut lost) = (0, 0);
    for account in accounts() {
        let sender = BlindedSecret::new(Blinding::Blind15, &sender, &server()).unwrap();
        let own = BlindedSecret::new(Blinding::Blind15, &account, &server()).unwrap();
        let computed = blind::candidates15(&account.to_x25519().public(), &server()).unwrap()[0];
        let sealed = inbox::seal(&mut rng(), &sender, &computed, b"message").unwrap();
        match inbox::open(&own, &sender.public(), &computed, &sealed) {
            Ok(_) => opened += 1,
            Err(_) => lost += 1,
        }
        // To the real key it always arrives.
        let sealed = inbox::seal(&mut rng(), &sender, &own.public(), b"message").unwrap();
        assert!(inbox::open(&own, &sender.public(), &own.public(), &sealed).is_ok());
        // And so it does with prefix 25, where there is nothing to confuse.
        let secret = Ed25519Secret::from_seed(&[0xaa; 32]);
        let sender = BlindedSecret::new(Blinding::Blind25, &secret, &server()).unwrap();
        let own = BlindedSecret::new(Blinding::Blind25, &account, &server()).unwrap();
        let computed = blind::key25(&account.to_x25519().public(), &server()).unwrap();
        let sealed = inbox::seal(&mut rng(), &sender, &computed, b"message").unwrap();
        assert!(inbox::open(&own, &sender.public(), &computed, &sealed).is_ok());
    }
    assert!(opened >= 16 && lost >= 16, "{opened} {lost}");
}

#[test]
fn blake2b_lengths_keys_and_personalisations_are_parameters() {
    let long = Blake2b::<64>::new().chain(b"message").finalize();
    let short = Blake2b::<32>::new().chain(b"message").finalize();
    assert_ne!(long[..32], short);
    let keyed = Blake2b::<32>::keyed(b"key").chain(b"message").finalize();
    let prefixed = Blake2b::<32>::new()
        .chain(b"key")
        .chain(b"message")
        .finalize();
    assert_ne!(keyed, prefixed);
    let personal = Blake2b::<32>::personal(b"0123456789abcdef")
        .chain(b"message")
        .finalize();
    let keyed = Blake2b::<32>::keyed(b"0123456789abcdef")
        .chain(b"message")
        .finalize();
    assert!(personal != keyed && personal != short);
    // A key is used at its length: zeros behind it are another key.
    let zero = Blake2b::<32>::keyed(b"key\0").chain(b"message").finalize();
    assert_ne!(
        zero,
        Blake2b::<32>::keyed(b"key").chain(b"message").finalize()
    );
}

#[test]
fn blake2b_never_panics_over_the_length_of_a_key() {
    // The library underneath panics for keys of 65 to 128 bytes.
    for length in 0..300 {
        let key = vec![1; length];
        assert_eq!(hash::hash(32, b"message", &key).is_ok(), length <= 64);
        let cut = Blake2b::<32>::keyed_prefix(&key)
            .chain(b"message")
            .finalize();
        let kept = &key[..length.min(64)];
        assert_eq!(cut.to_vec(), hash::hash(32, b"message", kept).unwrap());
    }
    for length in [0, 1, 15, 65, 128, usize::MAX] {
        assert!(hash::hash(length, b"message", b"").is_err());
    }
}

#[test]
fn the_sealed_box_nonce_hashes_the_ephemeral_key_first() {
    let recipient = X25519Secret::from_bytes([9; 32]).public();
    let sealed = sealed_box::seal(&mut rng(), &recipient, b"message").unwrap();
    let (ephemeral, _) = sealed.split_at_checked(32).unwrap();
    // The other order would make another box of the same ephemeral key; the vectors fix this one.
    let right = Blake2b::<24>::new()
        .chain(ephemeral)
        .chain(recipient.as_bytes())
        .finalize();
    let wrong = Blake2b::<24>::new()
        .chain(recipient.as_bytes())
        .chain(ephemeral)
        .finalize();
    assert_ne!(right, wrong);
    let secret = X25519Secret::from_bytes([9; 32]);
    let shared = secret
        .diffie_hellman(&ephemeral.try_into().unwrap())
        .unwrap();
    assert!(open_box(shared.expose_bytes(), &right, &sealed[32..]));
    assert!(!open_box(shared.expose_bytes(), &wrong, &sealed[32..]));
}

/// Returns whether a secretbox under HSalsa20 of the shared secret opens.
fn open_box(shared: &[u8; 32], nonce: &[u8; 24], sealed: &[u8]) -> bool {
    use poly1305::universal_hash::KeyInit;
    use salsa20::cipher::{KeyIvInit, StreamCipher, consts::U10};
    let key = salsa20::hsalsa::<U10>(shared.into(), &[0; 16].into());
    let mut mac_key = [0; 32];
    salsa20::XSalsa20::new(&key, nonce.into()).apply_keystream(&mut mac_key);
    let tag = poly1305::Poly1305::new(&mac_key.into()).compute_unpadded(&sealed[16..]);
    tag.as_slice() == &sealed[..16]
}

fn key(byte: u8) -> SymmetricKey {
    SymmetricKey::from_bytes([byte; 32])
}

#[test]
fn the_nonce_stands_in_front_for_groups_and_behind_for_configs_and_inboxes() {
    let nonce = [7; 24];
    let draw = || testkit::Replay::new([nonce.to_vec()]);
    let sealed = group::encrypt(&mut draw(), &key(1), b"content", 0).unwrap();
    assert_eq!(sealed[..24], nonce);
    let sealed = xchacha::encrypt(&mut draw(), &key(1), b"content").unwrap();
    assert_eq!(sealed[..24], nonce);
    assert_eq!(**push::decrypt(&key(1), &sealed).unwrap(), *b"content");

    let (alice, bob) = (
        Ed25519Secret::from_seed(&[1; 32]),
        Ed25519Secret::from_seed(&[2; 32]),
    );
    let alice = BlindedSecret::new(Blinding::Blind15, &alice, &server()).unwrap();
    let bob = BlindedSecret::new(Blinding::Blind15, &bob, &server()).unwrap();
    let sealed = inbox::seal(&mut draw(), &alice, &bob.public(), b"content").unwrap();
    assert_eq!(sealed[sealed.len() - 24..], nonce);
    assert_eq!(sealed[0], 0);

    let domain = Domain::new("Contacts").unwrap();
    let sealed = config::encrypt(&key(1), domain, b"content").unwrap();
    let expected = Blake2b::<24>::keyed(b"libsessionutil-config-encrypted-Contacts")
        .chain(b"content")
        .finalize();
    assert_eq!(sealed[sealed.len() - 24..], expected);
}

#[test]
fn multi_recipient_keys_hash_the_sender_first_on_both_sides() {
    let (sender, recipient) = (
        X25519Secret::from_bytes([1; 32]),
        X25519Secret::from_bytes([2; 32]),
    );
    let shared = sender.diffie_hellman(&recipient.public()).unwrap();
    let key = |first: &X25519Secret, second: &X25519Secret| {
        Blake2b::<32>::keyed(b"domain")
            .chain(shared.expose_bytes())
            .chain(first.public().as_bytes())
            .chain(second.public().as_bytes())
            .finalize()
    };
    let expected = key(&sender, &recipient);
    assert_ne!(expected, key(&recipient, &sender));
    let (a, b) = (
        Party::new(&sender, b"domain"),
        Party::new(&recipient, b"domain"),
    );
    assert_eq!(a.key_to(b.public()).unwrap().expose_bytes(), &expected);
    assert_eq!(b.key_from(a.public()).unwrap().expose_bytes(), &expected);
    assert_ne!(b.key_to(a.public()).unwrap().expose_bytes(), &expected);
}

#[test]
fn one_nonce_is_never_used_for_two_messages_to_one_recipient() {
    let sender = X25519Secret::from_bytes([1; 32]);
    let party = Party::new(&sender, b"domain");
    let keys = [2, 3, 2].map(|byte| X25519Secret::from_bytes([byte; 32]).public());
    let repeated = party.seal_to_all(&keys, &[0; 24], &[b"one", b"two", b"three"]);
    assert_eq!(repeated, Err(EncryptError::RepeatedRecipient));
    // The same message twice gives the same ciphertext, which tells nothing.
    assert!(
        party
            .seal_to_all(&keys, &[0; 24], &[b"one", b"two", b"one"])
            .is_ok()
    );
    let all = party.seal_to_all(&keys, &[0; 24], &[b"one"]).unwrap();
    assert!(all[0] == all[2] && all[0] != all[1]);
    for count in [0, 2, 4] {
        let messages = vec![b"one".as_slice(); count];
        let refused = party.seal_to_all(&keys, &[0; 24], &messages).unwrap_err();
        assert_eq!(
            refused,
            EncryptError::MessageCount {
                recipients: 3,
                got: count
            }
        );
    }
}

#[test]
fn only_64_bytes_of_a_multi_recipient_domain_count() {
    let (sender, recipient) = (
        X25519Secret::from_bytes([1; 32]),
        X25519Secret::from_bytes([2; 32]),
    );
    let key = |domain: &[u8]| {
        let key = Party::new(&sender, domain).key_to(&recipient.public());
        *key.unwrap().expose_bytes()
    };
    assert_eq!(key(&[7; 64]), key(&[7; 65]));
    assert_ne!(key(&[7; 63]), key(&[7; 64]));
    assert_ne!(key(b""), key(b"\0"));
}

#[test]
fn padding_stands_where_each_construct_has_it() {
    // Groups: zeros behind, a multiple of 256 with nonce and tag, none where it fits already.
    for (length, multiple, expected) in [
        (0, 256, 256),
        (1, 256, 256),
        (216, 256, 256),
        (217, 256, 512),
        (5, 0, 45),
        (5, 1, 45),
    ] {
        let content = vec![1; length];
        let sealed = group::encrypt(&mut rng(), &key(1), &content, multiple).unwrap();
        assert_eq!(sealed.len(), expected);
        assert_eq!(
            *group::decrypt([&key(1)], &sealed).unwrap().content,
            content
        );
        let plain = xchacha::decrypt(&key(1), &sealed).unwrap();
        assert!(plain[..length] == content && plain[length..].iter().all(|byte| *byte == 0));
    }
    let error = group::encrypt(&mut rng(), &key(1), b"x", usize::MAX).unwrap_err();
    // 2^32 - 1 blocks less one byte, where there are so many addresses.
    let (max, got) = (274_877_906_879, 1);
    assert_eq!(error, EncryptError::TooLong { max, got });
    // Configs: zeros in front.
    let padded = config::pad(b"dmessage").unwrap();
    assert_eq!((padded.len(), padded.ends_with(b"\0dmessage")), (216, true));
    assert_eq!(config::unpad(&padded), b"dmessage");
    assert_eq!(config::padded_size(usize::MAX - 39, 40), None);
    assert_eq!(config::padded_size(usize::MAX - 50, 40), None);
    // Push: zeros behind, but nothing is removed where there is nothing else.
    for (plain, expected) in [
        (b"ab\0\0".as_slice(), b"ab".as_slice()),
        (b"\0\0", b"\0\0"),
        (b"", b""),
        (b"\0a", b"\0a"),
    ] {
        let sealed = xchacha::encrypt(&mut rng(), &key(1), plain).unwrap();
        assert_eq!(**push::decrypt(&key(1), &sealed).unwrap(), *expected);
    }
}

#[test]
fn namespace_0_does_not_enter_the_hash_of_a_message() {
    let owner = [5; 33];
    let zero = hash::message_hash(&session_types::AnyId::from_bytes(owner), 0.into(), b"data");
    let joined = hash::JoinedHash::new()
        .bytes(&owner)
        .bytes(b"data")
        .finalize_base64();
    assert_eq!(zero.as_str(), joined);
    assert_ne!(
        zero.as_str(),
        hash::JoinedHash::new()
            .bytes(&owner)
            .integer(0)
            .bytes(b"data")
            .finalize_base64()
    );
    let negative = hash::message_hash(
        &session_types::AnyId::from_bytes(owner),
        (-10).into(),
        b"data",
    );
    let joined = hash::JoinedHash::new()
        .bytes(&owner)
        .bytes(b"-10data")
        .finalize_base64();
    assert_eq!(negative.as_str(), joined);
}

#[test]
fn the_signature_of_a_one_to_one_message_covers_the_recipient() {
    // The recipient of a message cannot seal it again to somebody else.
    let sender = Ed25519Secret::from_seed(&[1; 32]);
    let (first, second) = (
        X25519Secret::from_bytes([2; 32]),
        X25519Secret::from_bytes([3; 32]),
    );
    let sealed = direct::seal(&mut rng(), &sender, &first.public(), b"message").unwrap();
    let inner = sealed_box::open(&first, &first.public(), &sealed).unwrap();
    let again = sealed_box::seal(&mut rng(), &second.public(), &inner).unwrap();
    assert_eq!(
        direct::open(&second, &second.public(), &again).err(),
        Some(DecryptError)
    );
    let again = sealed_box::seal(&mut rng(), &first.public(), &inner).unwrap();
    assert!(direct::open(&first, &first.public(), &again).is_ok());
}

#[test]
fn an_inbox_message_cannot_be_read_by_others_or_in_the_other_direction() {
    for blinding in [Blinding::Blind15, Blinding::Blind25] {
        let [alice, bob, carol] = [1, 2, 3].map(|byte| {
            BlindedSecret::new(blinding, &Ed25519Secret::from_seed(&[byte; 32]), &server()).unwrap()
        });
        let (a, b, c) = (alice.public(), bob.public(), carol.public());
        let sealed = inbox::seal(&mut rng(), &alice, &b, b"message").unwrap();
        assert!(inbox::open(&bob, &a, &b, &sealed).is_ok());
        assert!(inbox::open(&alice, &a, &b, &sealed).is_ok());
        assert!(inbox::open(&carol, &a, &b, &sealed).is_err());
        assert!(inbox::open(&bob, &b, &a, &sealed).is_err());
        assert!(inbox::open(&bob, &c, &b, &sealed).is_err());
        // A message that names somebody else inside is refused, though its key is right.
        let shared = alice_key_for(blinding, &b);
        let inner = [b"message".as_slice(), carol.account().as_bytes()].concat();
        let sealed = [b"\0".as_slice(), &seal_behind(shared, &inner)].concat();
        assert!(inbox::open(&bob, &a, &b, &sealed).is_err());
        let inner = [b"message".as_slice(), alice.account().as_bytes()].concat();
        let sealed = [b"\0".as_slice(), &seal_behind(shared, &inner)].concat();
        assert!(inbox::open(&bob, &a, &b, &sealed).is_ok());
    }
}

/// The key of messages from the account of seed 1 to `peer`, computed by hand.
fn alice_key_for(blinding: Blinding, peer: &Ed25519Public) -> [u8; 32] {
    let alice = Ed25519Secret::from_seed(&[1; 32]);
    let blinded = BlindedSecret::new(blinding, &alice, &server()).unwrap();
    let product = match blinding {
        Blinding::Blind15 => alice.to_scalar().multiply_point(peer).unwrap(),
        Blinding::Blind25 => blinded.scalar().multiply_point(peer).unwrap(),
    };
    Blake2b::<32>::new()
        .chain(product.as_bytes())
        .chain(blinded.public().as_bytes())
        .chain(peer.as_bytes())
        .finalize()
}

/// XChaCha20-Poly1305 with the nonce behind.
fn seal_behind(key: [u8; 32], message: &[u8]) -> Vec<u8> {
    let mut buffer = message.to_vec();
    let tag =
        xchacha::encrypt_detached(&SymmetricKey::from_bytes(key), &[4; 24], &mut buffer).unwrap();
    [buffer.as_slice(), &tag, &[4; 24]].concat()
}

#[test]
fn secrets_are_not_printed() {
    let account = Ed25519Secret::from_seed(&[0xab; 32]);
    let own = BlindedSecret::new(Blinding::Blind15, &account, &server()).unwrap();
    let x25519 = account.to_x25519();
    let shared = x25519
        .diffie_hellman(&account.to_x25519().public())
        .unwrap();
    for text in [
        format!("{account:?}"),
        format!("{own:?}"),
        format!("{x25519:?}"),
        format!("{shared:?}"),
        format!("{:?}", own.scalar()),
        format!("{:?}", Blake2b::<32>::keyed(&[0xab; 32])),
    ] {
        let name: String = text
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        assert!(text.len() <= name.len() + " { .. }".len(), "{text}");
    }
}
