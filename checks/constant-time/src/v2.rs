//! Version 2: the code around ML-KEM.
//!
//! All that comes of a secret seed is secret here, also the public half of a key pair, from which ML-KEM
//! samples its matrix by rejection. That sampling is the one place of the library that `allowed.supp` names.

use std::hint::black_box;

use session_crypto::v2::device_group::{Draft, Packet, Slots, kicked_entry};
use session_crypto::v2::message::{self, Message};
use session_crypto::v2::{AccountKeys, DeviceKeys, KeySeed, link};
use session_crypto::{Ed25519Secret, X25519Secret};

use crate::{Check, PublicRng, SecretRng, account, changed, message as secret_message};
use crate::{peer_public, secret_key};

fn seed() -> KeySeed {
    KeySeed::from_bytes(secret_key())
}

/// The keys of [`seed`], computed without secrets.
fn plain() -> AccountKeys {
    AccountKeys::from_seed(&KeySeed::from_bytes([7; 32]))
}

pub fn check(check: &mut Check) {
    check.clean("v2: key sets of a seed", || {
        black_box(AccountKeys::from_seed(&seed()).x25519());
        black_box(DeviceKeys::from_seed(&seed()).x25519());
    });
    check.clean("v2: one-to-one encrypt", || {
        let (to, keys) = (peer_public(), plain());
        let sealed = message::seal(&mut SecretRng, &to, keys.public(), &secret_message());
        black_box(sealed.unwrap());
        let sealed = message::seal_without_keys(&mut SecretRng, &to, &secret_message());
        black_box(sealed.unwrap());
    });
    check.clean("v2: one-to-one decrypt", || {
        let public = X25519Secret::from_bytes([7; 32]).public();
        let sealed = message::seal(&mut PublicRng, &public, plain().public(), &[1; 100]);
        let sealed = changed(sealed.unwrap());
        let parsed = Message::parse(&sealed).unwrap();
        let secret = X25519Secret::from_bytes(secret_key());
        black_box(parsed.key_prefix(&secret, &public).unwrap());
        let _ = black_box(parsed.open(&AccountKeys::from_seed(&seed())));
        let _ = black_box(parsed.open_without_keys(&secret, &public));
    });
    check.clean("v2: one-to-one decrypt of another key's message", || {
        let public = X25519Secret::from_bytes([7; 32]).public();
        let other = AccountKeys::from_seed(&KeySeed::from_bytes([8; 32]));
        let sealed = message::seal(&mut PublicRng, &public, other.public(), &[1; 100]).unwrap();
        let parsed = Message::parse(&sealed).unwrap();
        let _ = black_box(parsed.open(&AccountKeys::from_seed(&seed())));
    });
    check.clean("v2: link request", || {
        let link_key = plain().public().x25519;
        let made = link::seal(&mut SecretRng, &peer_public(), &link_key, &secret_message());
        black_box(made.unwrap());
        let made = link::seal(&mut PublicRng, &peer_public(), &link_key, &[1; 100]).unwrap();
        let sealed = changed(made.ciphertext);
        let keys = AccountKeys::from_seed(&seed());
        let _ = black_box(link::open(&keys, &made.ephemeral, &sealed));
    });
    check.clean("v2: device group message", || {
        let device = DeviceKeys::from_seed(&KeySeed::from_bytes([7; 32]));
        let draft = |account, payload| Draft {
            account,
            group_id: [1; 8],
            devices: &[],
            kicked: &[],
            payload,
        };
        let (account, payload) = (account(), secret_message());
        let devices = [device.public()];
        let kicked = [&[9; 32]];
        let draft = Draft {
            devices: &devices,
            kicked: &kicked,
            ..draft(&account, &payload)
        };
        let slots = Slots::from_positions(&[2, 0, 1, 3]).unwrap();
        black_box(draft.seal_in(&mut SecretRng, &slots, &slots).unwrap());
        let plain_account = Ed25519Secret::from_seed(&[7; 32]);
        let public = Draft {
            account: &plain_account,
            payload: &[1; 100],
            ..draft
        };
        let sealed = public.seal_in(&mut PublicRng, &slots, &slots).unwrap();
        black_box(kicked_entry(&account, &sealed.ephemeral, &[9; 32]));
        let payload = changed(sealed.payload);
        let packet = Packet::new(
            sealed.ephemeral,
            &sealed.ciphertexts,
            &sealed.keys,
            &payload,
        );
        let _ = black_box(packet.unwrap().open(&DeviceKeys::from_seed(&seed())));
    });
}
