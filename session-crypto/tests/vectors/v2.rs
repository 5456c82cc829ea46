//! Version 2: keys and messages.

use session_crypto::v2::device_group::{self, Draft, Packet, Slots};
use session_crypto::v2::kem::KemSecret;
use session_crypto::v2::{AccountKeys, DeviceKeys, KemPublic, KeySeed, link, message};
use session_crypto::{Blake2b, Ed25519Secret, X25519Public, X25519Secret};
use testkit::{Case, Replay, Vectors};

fn seed(case: Case<'_>, field: &str) -> KeySeed {
    KeySeed::from_bytes(case.array(field))
}

fn digest(bytes: &[u8]) -> Vec<u8> {
    Blake2b::<32>::new().chain(bytes).finalize().to_vec()
}

#[test]
fn keys() {
    let vectors = Vectors::load("protocol_v2");
    vectors.each("device_keys", |case| {
        let keys = DeviceKeys::from_seed(&seed(case, "key_seed"));
        assert_eq!(*keys.x25519().expose_bytes(), case.array("x25519_sk"));
        assert_eq!(keys.public().x25519.to_bytes(), case.array("x25519_pk"));
        assert_eq!(keys.public().kem.as_ref(), case.hex("mlkem_pk"));
        assert_eq!(
            KemSecret::from_seed(&case.array("mlkem_seed")).public(),
            keys.public().kem
        );
    });
    vectors.each("account_keys", |case| {
        let keys = AccountKeys::from_seed(&seed(case, "key_seed"));
        assert_eq!(*keys.x25519().expose_bytes(), case.array("x25519_sk"));
        assert_eq!(keys.public().x25519.to_bytes(), case.array("x25519_pk"));
        assert_eq!(keys.public().kem.as_ref(), case.hex("mlkem_pk"));
        assert_eq!(
            KemSecret::from_seed(&case.array("mlkem_seed")).public(),
            keys.public().kem
        );
    });
    vectors.each("mlkem768", |case| {
        let secret = KemSecret::from_seed(&case.array("mlkem_seed"));
        let ciphertext = case.array("ciphertext");
        let shared = secret.decapsulate(&ciphertext);
        assert_eq!(*shared.expose_bytes(), case.array("shared_secret"));
        if let Some(coins) = case.opt_hex("coins") {
            let mut rng = Replay::new([coins]);
            let (made, shared) = secret.public().encapsulate(&mut rng).unwrap();
            assert_eq!(*made, ciphertext);
            assert_eq!(*shared.expose_bytes(), case.array("shared_secret"));
        }
    });
}

#[test]
fn messages() {
    let vectors = Vectors::load("protocol_v2");
    vectors.each("seal_pfs", |case| {
        let keys = AccountKeys::from_seed(&seed(case, "account_key_seed"));
        let recipient = Ed25519Secret::from_seed(&case.array("recipient_seed")).to_x25519();
        let public = recipient.public();
        let sealed = case.hex("message");
        let view = message::Message::parse(&sealed).unwrap();
        let prefix = view.key_prefix(&recipient, &public).unwrap();
        assert_eq!(prefix, keys.public().kem.prefix());
        let inner = view.open(&keys).unwrap();
        assert_eq!(inner.len() as u64, case.number("inner_size"));
        assert_eq!(message::sealed_length(inner.len()), sealed.len());
        let mut rng = Replay::new(case.hexes("random"));
        let ours = message::seal(&mut rng, &public, keys.public(), &inner).unwrap();
        assert!(rng.is_used_up());
        assert_eq!(ours, sealed);
        assert!(view.open_without_keys(&recipient, &public).is_err());
    });
    vectors.each("seal_no_pfs", |case| {
        let recipient = Ed25519Secret::from_seed(&case.array("recipient_seed")).to_x25519();
        let public = recipient.public();
        let sealed = case.hex("message");
        let view = message::Message::parse(&sealed).unwrap();
        let inner = view.open_without_keys(&recipient, &public).unwrap();
        let mut rng = Replay::new(case.hexes("random"));
        let ours = message::seal_without_keys(&mut rng, &public, &inner).unwrap();
        assert!(rng.is_used_up());
        assert_eq!(ours, sealed);
    });
}

#[test]
fn device_groups() {
    let vectors = Vectors::load("protocol_v2");
    vectors.each("kicked_entry", |case| {
        let account = Ed25519Secret::from_seed(&case.array("account_seed"));
        let ephemeral = X25519Public::from_bytes(case.array("A"));
        let entry = device_group::kicked_entry(&account, &ephemeral, &case.array("device_id"));
        assert_eq!(entry.as_slice(), case.hex("entry"));
    });
    vectors.each("group_id", |case| {
        let account = Ed25519Secret::from_seed(&case.array("account_seed"));
        let ephemeral = X25519Public::from_bytes(case.array("A"));
        let id = case.array("group_id");
        let encrypted = device_group::crypt_group_id(&account, &ephemeral, id);
        assert_eq!(encrypted.as_slice(), case.hex("encrypted_id"));
        assert_eq!(
            device_group::crypt_group_id(&account, &ephemeral, encrypted),
            id
        );
    });
    vectors.each("group_encrypt", |case| {
        let positions = |field: &str| -> Vec<usize> {
            let list = case.value(field).as_array().unwrap();
            list.iter()
                .map(|n| usize::try_from(n.as_u64().unwrap()).unwrap())
                .collect()
        };
        // The vectors name the places of the used entries only.
        let whole = |mut used: Vec<usize>| {
            let count = used.len().next_multiple_of(4);
            let unused: Vec<usize> = (0..count).filter(|n| !used.contains(n)).collect();
            used.extend(unused);
            Slots::from_positions(&used).unwrap()
        };
        let account = Ed25519Secret::from_seed(&case.array("account_seed"));
        let devices = case.list("devices");
        let with_state = |state: &str| -> Vec<Case<'_>> {
            let mut found: Vec<_> = devices
                .iter()
                .copied()
                .filter(|d| d.text("state") == state)
                .collect();
            found.sort_by_key(|d| d.text("id"));
            found
        };
        let registered: Vec<DeviceKeys> = with_state("registered")
            .iter()
            .map(|d| DeviceKeys::from_seed(&seed(*d, "key_seed")))
            .collect();
        let public: Vec<_> = registered.iter().map(DeviceKeys::public).collect();
        let kicked: Vec<[u8; 32]> = with_state("kicked").iter().map(|d| d.array("id")).collect();
        let mut payload = case.hex("payload");
        let blocks = payload.len().saturating_sub(2300).div_ceil(6400).max(1);
        payload.resize(2300 + 6400 * blocks, 0);
        let draft = Draft {
            account: &account,
            group_id: case.array("group_id"),
            devices: &public,
            kicked: &kicked.iter().collect::<Vec<_>>(),
            payload: &payload,
        };
        let slots = Slots::from_positions(&positions("slots")).unwrap();
        let mut rng = Replay::new(case.hexes("random"));
        let sealed = draft
            .seal_in(&mut rng, &slots, &whole(positions("kicked_slots")))
            .unwrap();
        assert!(rng.is_used_up());
        let expected = case.hex("message");
        let contains = |part: &[u8]| expected.windows(part.len()).any(|window| window == part);
        for part in [&sealed.ciphertexts, &sealed.keys, &sealed.payload] {
            assert!(contains(part));
        }
        assert!(contains(sealed.ephemeral.as_bytes()) && contains(&sealed.group_id));
        assert!(sealed.kicked.as_deref().is_none_or(contains));
        assert_eq!(sealed.kicked.is_some(), !kicked.is_empty());
        let packet = Packet::new(
            sealed.ephemeral,
            &sealed.ciphertexts,
            &sealed.keys,
            &sealed.payload,
        )
        .unwrap();
        for keys in &registered {
            assert_eq!(*packet.open(keys).unwrap(), payload);
        }
        let other = DeviceKeys::from_seed(&KeySeed::from_bytes([9; 32]));
        assert!(packet.open(&other).is_err());
    });
}

#[test]
fn link_requests() {
    let vectors = Vectors::load("protocol_v2");
    vectors.each("link_request", |case| {
        let account = Ed25519Secret::from_seed(&case.array("account_seed")).to_x25519();
        let keys = AccountKeys::from_seed(&seed(case, "group_account_key_seed"));
        let link_key = X25519Public::from_bytes(case.array("link_x25519"));
        assert_eq!(keys.public().x25519, link_key);
        let inner = case.hex("inner");
        let mut rng = Replay::new(case.hexes("random"));
        let request = link::seal(&mut rng, &account.public(), &link_key, &inner).unwrap();
        let message = case.hex("message");
        assert!(
            message
                .windows(request.ciphertext.len())
                .any(|w| w == request.ciphertext)
        );
        assert!(message.ends_with(&[b"1:i2:", request.indicator.as_slice(), b"e"].concat()));
        let prefix = link::key_prefix(
            &account,
            &account.public(),
            &request.ephemeral,
            request.indicator,
        );
        assert_eq!(prefix.unwrap(), link_key.as_bytes()[..2]);
        let opened = link::open(&keys, &request.ephemeral, &request.ciphertext).unwrap();
        assert_eq!(*opened, inner);
    });
}

/// Section 12 of the specification: P1 and P3.
#[test]
fn values_of_the_specification() {
    let keys = AccountKeys::from_seed(&KeySeed::from_bytes([1; 32]));
    assert_eq!(
        const_hex::encode(digest(keys.public().kem.as_ref())),
        "0939a14917a8fa7d1f9db2078caf3d2c74807ff83e28d493cf13437c2d74c9d1"
    );
    let device = DeviceKeys::from_seed(&KeySeed::from_bytes([1; 32]));
    assert_eq!(
        const_hex::encode(digest(device.public().kem.as_ref())),
        "5942042c01fdc8d40ed16f650baa06b82233a753b82295073ae71910c641bbb2"
    );
    let recipient = Ed25519Secret::from_seed(&[3; 32]).to_x25519();
    let inner = const_hex::decode(
        "64313a5333323a8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394313a\
         6331363a0a070a0568656c6c6f78c8aeb7e38933313a7e36343acfb610fb9e66124ee50da0392da646\
         68f0b75d3707312321408e145188fc806603221eacc549c846c7835fa6155bb3e47a8543d50410ef35\
         4f3a5d7eaba0c50b65",
    )
    .unwrap();
    let mut rng = Replay::new([vec![4; 32], vec![5; 32]]);
    let sealed = message::seal(&mut rng, &recipient.public(), keys.public(), &inner).unwrap();
    assert_eq!(
        const_hex::encode(digest(&sealed)),
        "c843637cad00a0a550da1babb1b65818677c456ff275d9cbc61542969ad5e2ca"
    );
    let mut rng = Replay::new([vec![4; 32], vec![0xaa, 0xbb], vec![6; 1088]]);
    let sealed = message::seal_without_keys(&mut rng, &recipient.public(), &inner).unwrap();
    assert_eq!(
        const_hex::encode(digest(&sealed)),
        "6d48eec3d4196b669f1b73fa9aadf54f7ec35ebc32c4f0ca1e2ffdc337ca121c"
    );
}

/// Section 12 of the specification: P5.
#[test]
fn lengths() {
    for (inner, total) in [
        (115, 1536),
        (132, 1536),
        (370, 1536),
        (617, 1792),
        (1118, 2304),
    ] {
        assert_eq!(message::sealed_length(inner), total, "{inner}");
    }
    assert_eq!(message::sealed_length(396), 1536);
    assert_eq!(message::sealed_length(397), 1792);
}

#[test]
fn unusable_keys_are_rejected() {
    let keys = AccountKeys::from_seed(&KeySeed::from_bytes([1; 32]));
    let zero = X25519Public::from_bytes([0; 32]);
    let recipient = X25519Secret::from_bytes([7; 32]).public();
    let draws = || Replay::new([vec![4; 32], vec![5; 32]]);
    assert!(message::seal(&mut draws(), &zero, keys.public(), b"").is_err());
    let mut public = keys.public().clone();
    public.x25519 = zero;
    assert!(message::seal(&mut draws(), &recipient, &public, b"").is_err());
    let mut public = keys.public().clone();
    public.kem = KemPublic::from_bytes(&[0xff; 1184]);
    assert!(message::seal(&mut draws(), &recipient, &public, b"").is_err());
    // An ephemeral key of small order is rejected before any key is tried.
    let mut sealed = message::seal(&mut draws(), &recipient, keys.public(), b"").unwrap();
    sealed[4..36].fill(0);
    let view = message::Message::parse(&sealed).unwrap();
    let secret = X25519Secret::from_bytes([7; 32]);
    assert!(view.key_prefix(&secret, &recipient).is_err());
    assert!(view.open(&keys).is_err());
}

#[test]
fn every_change_of_a_message_is_noticed() {
    let keys = AccountKeys::from_seed(&KeySeed::from_bytes([1; 32]));
    let recipient = X25519Secret::from_bytes([7; 32]);
    let mut rng = Replay::new([vec![4; 32], vec![5; 32]]);
    let sealed = message::seal(&mut rng, &recipient.public(), keys.public(), b"inner").unwrap();
    for place in (0..sealed.len()).filter(|n| *n < 60 || n % 37 == 0) {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        let opened = message::Message::parse(&changed).and_then(|view| view.open(&keys));
        // The key indicator is only a hint, and is not authenticated.
        assert_eq!(opened.is_ok(), (2..4).contains(&place), "{place}");
    }
    for length in (0..sealed.len()).step_by(61) {
        let opened = message::Message::parse(&sealed[..length]).and_then(|view| view.open(&keys));
        assert!(opened.is_err(), "{length}");
    }
}
