//! The values of the protocol's text, P1 to P11 and the table of sizes (protocol: protocol-v2, section 12).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::float_cmp,
    missing_docs
)]

use session_config::devices::account_keys::rotation_delay;
use session_config::devices::{DeviceId, payload};
use session_crypto::v2::device_group::{Draft, Packet, Slots, crypt_group_id, kicked_entry};
use session_crypto::v2::message::{self, Message};
use session_crypto::v2::{AccountKeys, DeviceKeys, KeySeed, PublicKeys, link};
use session_crypto::{Blake2b, Ed25519Secret, SymmetricKey, X25519Public, X25519Secret, xchacha};
use session_identity::link_sas::Sas;
use session_identity::{Account, Seed};
use session_message::v2::layer;
use testkit::Replay;

fn hash(bytes: &[u8]) -> String {
    hex(&Blake2b::<32>::new().chain(bytes).finalize())
}

fn hex(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::from_full(&[byte; 32]))
}

fn ephemeral(byte: u8) -> X25519Public {
    X25519Secret::from_bytes([byte; 32]).public()
}

fn p1() -> AccountKeys {
    AccountKeys::from_seed(&KeySeed::from_bytes([1; 32]))
}

fn p2() -> DeviceKeys {
    DeviceKeys::from_seed(&KeySeed::from_bytes([1; 32]))
}

const CONTENT: &str = "0a070a0568656c6c6f78c8aeb7e38933";

fn keys(public: &PublicKeys, x25519: &X25519Secret) -> [String; 4] {
    [
        hex(x25519.expose_bytes()),
        hex(public.x25519.as_bytes()),
        hex(&public.kem.as_bytes()[..32]),
        hash(public.kem.as_bytes()),
    ]
}

#[test]
fn p1_account_keys() {
    let keys = keys(p1().public(), p1().x25519());
    assert_eq!(
        keys,
        [
            "0d61aa951b43d3ee679735525afa8b0820c326feb380619c52f352e52ec12fd4",
            "97fba6eb8ba5361ca8a2d6a432319deae755a7f15343a64c674ed922b02efb76",
            "27f0579782a266e7211f16483561a9c62448bed0409b1a861f8611473aa1b3fa",
            "0939a14917a8fa7d1f9db2078caf3d2c74807ff83e28d493cf13437c2d74c9d1",
        ]
    );
}

#[test]
fn p2_device_keys() {
    let keys = keys(p2().public(), p2().x25519());
    assert_eq!(
        keys,
        [
            "7f98beabcbdfc991aef9739c5dcd3099da3e4cd3b79270eb4b68c35d55f4a295",
            "6c9d9f14d8ad872a2a138e246d74c8eb4e32787ed4c1af12212d69a1a7be9903",
            "3ea61a7a5098ef628c355881f6a63ca1e417f05c6c95e939dbba704b4c195356",
            "5942042c01fdc8d40ed16f650baa06b82233a753b82295073ae71910c641bbb2",
        ]
    );
}

#[test]
fn p3_one_to_one_with_forward_secrecy() {
    let (sender, recipient) = (account(2), account(3));
    assert_eq!(
        sender.id().to_string(),
        "0560346e7c911a5f6ba154129174cafe75b294ac3bbd5549632f48cec6266f8410"
    );
    assert_eq!(
        recipient.id().to_string(),
        "0575e270df2952c57ba8367ba8618c178f9fe50db2799d304e74e918d985686146"
    );
    let content = const_hex::decode(CONTENT).unwrap();
    let inner = layer::write(sender.ed25519(), recipient.id(), &content, None);
    assert_eq!(
        hex(&inner),
        "64313a5333323a8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394\
         313a6331363a0a070a0568656c6c6f78c8aeb7e38933313a7e36343acfb610fb9e66124ee50da0392da64668\
         f0b75d3707312321408e145188fc806603221eacc549c846c7835fa6155bb3e47a8543d50410ef354f3a5d7e\
         aba0c50b65"
    );
    let mut rng = Replay::new([vec![4; 32], vec![5; 32]]);
    let to = recipient.id().x25519();
    let sealed = message::seal(&mut rng, &to, p1().public(), &inner).unwrap();
    assert_eq!(sealed.len(), 1536);
    assert_eq!(
        hex(&sealed[..40]),
        "00025e3fac01b2209e86354fb853237b5de0f4fab13c7fcbf433a61c019369617fecf10bc771b522"
    );
    assert_eq!(
        hex(&sealed[1504..]),
        "0cc91fb164052b02bbb6e7d75a421de2f9bcc2280b55e9a6da072842550bb83c"
    );
    assert_eq!(
        hash(&sealed),
        "c843637cad00a0a550da1babb1b65818677c456ff275d9cbc61542969ad5e2ca"
    );
    let parsed = Message::parse(&sealed).unwrap();
    assert_eq!(*parsed.open(&p1()).unwrap(), *inner);
}

#[test]
fn p4_one_to_one_without_forward_secrecy() {
    let (sender, recipient) = (account(2), account(3));
    let content = const_hex::decode(CONTENT).unwrap();
    let inner = layer::write(sender.ed25519(), recipient.id(), &content, None);
    let mut rng = Replay::new([vec![4; 32], vec![0xaa, 0xbb], vec![6; 1088]]);
    let to = recipient.id().x25519();
    let sealed = message::seal_without_keys(&mut rng, &to, &inner).unwrap();
    assert_eq!(
        hash(&sealed),
        "6d48eec3d4196b669f1b73fa9aadf54f7ec35ebc32c4f0ca1e2ffdc337ca121c"
    );
    assert_eq!(
        hex(&sealed[1504..]),
        "d2621c32e2ce268e0d1cb8b1fdb7da8846e35bc1b8d869739419714a654abfbf"
    );
}

#[test]
fn p5_sizes() {
    let (sender, recipient) = (account(2), account(3));
    let pro = Ed25519Secret::from_seed(&[9; 32]);
    for (content, inner, total, with_pro) in [
        (0, 115, 1536, 1536),
        (16, 132, 1536, 1536),
        (200, 317, 1536, 1536),
        (253, 370, 1536, 1792),
        (500, 617, 1792, 2048),
        (1000, 1118, 2304, 2560),
    ] {
        let content = vec![7; content];
        let write = |pro| layer::write(sender.ed25519(), recipient.id(), &content, pro);
        assert_eq!(write(None).len(), inner);
        assert_eq!(write(Some(&pro)).len(), inner + 71);
        let mut rng = Replay::new([vec![4; 32], vec![5; 32], vec![4; 32], vec![5; 32]]);
        for (pro, expected) in [(None, total), (Some(&pro), with_pro)] {
            let (from, to, keys) = (sender.ed25519(), recipient.id(), p1());
            let keys = Some(keys.public());
            let sealed = layer::seal(&mut rng, from, to, keys, &content, pro).unwrap();
            assert_eq!(sealed.len(), expected);
            assert_eq!(message::sealed_length(write(pro).len()), expected);
        }
    }
    // Payloads: 2300 for keys, 6400 for four devices.
    for (length, padded) in [
        (0, 8700),
        (2300, 8700),
        (8700, 8700),
        (8701, 15_100),
        (15_100, 15_100),
        (15_101, 21_500),
    ] {
        assert_eq!(payload::padded_length(length), padded);
    }
}

#[test]
fn p6_id_of_a_group() {
    let account = Ed25519Secret::from_seed(&[7; 32]);
    let a = ephemeral(8);
    assert_eq!(
        hex(a.as_bytes()),
        "31d4ab6aceec961137917037936e60716fac573afe94d9da84a8020448dfc112"
    );
    let id: [u8; 8] = const_hex::decode_to_array("1555b001deadbeef").unwrap();
    let encrypted = crypt_group_id(&account, &a, id);
    assert_eq!(hex(&encrypted), "d41723beb61daaf6");
    assert_eq!(crypt_group_id(&account, &a, encrypted), id);
    assert_eq!(
        Sas::of_group(&id).indices(),
        [
            58, 23, 28, 45, 46, 8, 12, 51, 61, 51, 26, 62, 42, 28, 54, 11, 10, 45, 25, 33, 2
        ]
    );
}

#[test]
fn p7_entry_of_a_removed_device() {
    let account = Ed25519Secret::from_seed(&[7; 32]);
    let entry = kicked_entry(&account, &ephemeral(8), &[9; 32]);
    assert_eq!(hex(&entry), "013edffb2190c1a149f2bd624de5ea72");
}

#[test]
fn p8_short_authentication_string() {
    let sas = Sas::of_request(b"test link request plaintext").unwrap();
    assert_eq!(
        sas.indices(),
        [
            31, 49, 61, 38, 0, 2, 43, 57, 36, 41, 43, 14, 47, 42, 9, 10, 22, 26, 16, 16, 50
        ]
    );
}

#[test]
fn p9_link_request() {
    let to = account(3).x25519_public();
    let mut rng = Replay::new([vec![4; 32]]);
    let link_key = p1().public().x25519;
    let request = link::seal(&mut rng, &to, &link_key, b"inner").unwrap();
    assert_eq!(hex(&request.indicator), "eab5");
    let key = "08b2570bf42b9df511cbef20fe6c7c5f647904aa1554cc66369747839f9bd530";
    let nonce = "69ace231ea56dd089e03a97ea2d50fbbe16807724e7ba3ee";
    let key = SymmetricKey::from_bytes(const_hex::decode_to_array(key).unwrap());
    let nonce: [u8; 24] = const_hex::decode_to_array(nonce).unwrap();
    let mut plain = b"inner".to_vec();
    let tag = xchacha::encrypt_detached(&key, &nonce, &mut plain).unwrap();
    assert_eq!(request.ciphertext, [plain.as_slice(), &tag].concat());
}

#[test]
fn p10_group_message() {
    let account = Ed25519Secret::from_seed(&[7; 32]);
    let mut payload = b"d1:Dde1:Klee".to_vec();
    payload.resize(payload::padded_length(payload.len()), 0);
    let device = p2();
    let devices = [device.public()];
    let draft = Draft {
        account: &account,
        group_id: [1; 8],
        devices: &devices,
        kicked: &[],
        payload: &payload,
    };
    let mut draws = vec![vec![8; 32], vec![10; 32]];
    draws.extend(std::iter::repeat_n(vec![11; 1088], 3));
    draws.push(vec![12; 32]);
    draws.extend(std::iter::repeat_n([vec![0; 2], vec![0; 32]], 3).flatten());
    let mut rng = Replay::new(draws);
    let slots = Slots::from_positions(&[0, 1, 2, 3]).unwrap();
    let none = Slots::from_positions(&[]).unwrap();
    let sealed = draft.seal_in(&mut rng, &slots, &none).unwrap();
    assert_eq!(sealed.payload.len(), 8716);
    assert_eq!(
        hash(&sealed.payload),
        "7983cb972691cc8b019d1d5207c7fa71670105b9e1130aeeff0e32214cc887c1"
    );
    assert_eq!(
        hex(&sealed.keys[..34]),
        "bedca06b418936b02d00881101b0939e33415b3ce64f31152d1e66fb1d0dbc384546"
    );
    let (c, k) = (&sealed.ciphertexts, &sealed.keys);
    let packet = Packet::new(sealed.ephemeral, c, k, &sealed.payload).unwrap();
    assert_eq!(*packet.open(&device).unwrap(), payload);
    // Ciphertexts that are too short, too long, or not as many as keys.
    for (c, k) in [
        (&c[..1087], &k[..34]),
        (&c[..1089], &k[..34]),
        (&c[..1088], &k[..33]),
        (&c[..1088], &k[..68]),
        (&c[..2176], &k[..34]),
    ] {
        assert!(Packet::new(sealed.ephemeral, c, k, &sealed.payload).is_err());
    }
    assert!(Packet::new(sealed.ephemeral, c, k, &sealed.payload[..16]).is_err());
}

#[test]
fn p11_rotation() {
    let (seed, device) = (KeySeed::from_bytes([1; 32]), DeviceId::from_bytes([9; 32]));
    for (devices, seconds) in [
        (1, 41_116.986_775_695_65),
        (2, 42_314.355_651_721_075),
        (4, 44_005.415_941_771_3),
    ] {
        let delay = rotation_delay(&seed, &device, devices);
        assert!((delay - seconds).abs() < 1e-6, "{devices}: {delay}");
    }
}

/// Whatever is wrong up to the tag, there is one error, and the second key agreement is always made.
#[test]
fn failures_up_to_the_tag_look_the_same() {
    let (sender, recipient) = (account(2), account(3));
    let mut rng = Replay::new([vec![4; 32], vec![5; 32]]);
    let (from, to, p1) = (sender.ed25519(), recipient.id(), p1());
    let keys = Some(p1.public());
    let sealed = layer::seal(&mut rng, from, to, keys, b"content", None).unwrap();
    let held = || [AccountKeys::from_seed(&KeySeed::from_bytes([1; 32]))];
    assert!(
        layer::open(&recipient, &held(), &sealed)
            .unwrap()
            .key
            .is_some()
    );
    // Ephemeral key, ML-KEM ciphertext (which is rejected implicitly), payload, tag; another key set.
    for at in [10, 36, 700, 1123, 1200, 1535] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        let refused = layer::open(&recipient, &held(), &changed).unwrap_err();
        assert_eq!(refused, layer::LayerError::NoKey, "{at}");
        assert!(Message::parse(&changed).unwrap().open(&p1).is_err());
    }
    let other = [AccountKeys::from_seed(&KeySeed::from_bytes([2; 32]))];
    let refused = layer::open(&recipient, &other, &sealed).unwrap_err();
    assert_eq!(refused, layer::LayerError::NoKey);
    // The indicator only says which key to try.
    let mut changed = sealed.clone();
    changed[2] ^= 1;
    assert_eq!(
        layer::open(&recipient, &held(), &changed).unwrap_err(),
        layer::LayerError::NoKey
    );
    // Every cut is refused, and what is too short is not looked at.
    for length in 0..sealed.len() {
        let refused = layer::open(&recipient, &held(), &sealed[..length]);
        assert!(
            matches!(refused, Err(layer::LayerError::Decrypt(_))),
            "{length}"
        );
    }
}

/// Each bit of a message counts: but for the indicator and the slot of the form without forward secrecy.
#[test]
fn every_changed_bit_is_noticed() {
    let (sender, recipient) = (account(2), account(3));
    let mut rng = Replay::new([vec![4; 32], vec![5; 32]]);
    let (from, to, p1) = (sender.ed25519(), recipient.id(), p1());
    let keys = Some(p1.public());
    let mut sealed = layer::seal(&mut rng, from, to, keys, b"content", None).unwrap();
    let held = [AccountKeys::from_seed(&KeySeed::from_bytes([1; 32]))];
    for bit in (0..sealed.len() * 8).step_by(5) {
        sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(layer::open(&recipient, &held, &sealed).is_err(), "{bit}");
        sealed[bit / 8] ^= 1 << (bit % 8);
    }
    let mut rng = Replay::new([vec![4; 32], vec![0xaa, 0xbb], vec![6; 1088]]);
    let mut sealed = layer::seal(&mut rng, from, to, None, b"content", None).unwrap();
    for bit in (0..sealed.len() * 8).step_by(5) {
        sealed[bit / 8] ^= 1 << (bit % 8);
        let is_free = (2..4).contains(&(bit / 8)) || (36..1124).contains(&(bit / 8));
        assert_eq!(
            layer::open(&recipient, &held, &sealed).is_ok(),
            is_free,
            "{bit}"
        );
        sealed[bit / 8] ^= 1 << (bit % 8);
    }
}
