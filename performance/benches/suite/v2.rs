//! Version 2 of the protocol: one-to-one messages with X25519 and ML-KEM-768.

use std::hint::black_box;

use ml_kem::kem::{Encapsulate, KeyExport};
use ml_kem::ml_kem_768::{Ciphertext, DecapsulationKey, EncapsulationKey};
use ml_kem::{Decapsulate, Key};
use session_crypto::v2::message::{self, Message};
use session_crypto::v2::{AccountKeys, KeySeed};
use session_identity::{Account, Seed};
use session_message::content::{Content, Profile};
use session_message::v2::Format;
use session_message::{Opener, Sealer, UnixMillis};

use crate::Suite;
use crate::crypto::rng;
use crate::floors::{Primitives, xchacha};

const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

pub fn run(suite: &mut Suite) {
    const GROUP: &str = "version 2";
    let mut random = rng();
    let (alice, bob) = (account(1), account(2));
    let keys = AccountKeys::from_seed(&KeySeed::from_bytes([3; 32]));
    let primitives = Primitives::new();
    let secret = DecapsulationKey::from_seed([4; 64].into());
    let public: Key<EncapsulationKey> = secret.encapsulation_key().to_bytes();
    let mut coins = rng();
    let (ciphertext, _) = secret.encapsulation_key().encapsulate_with_rng(&mut coins);
    // The key is given as its bytes, and is checked.
    let encapsulate = |coins: &mut _| {
        let key = EncapsulationKey::new(black_box(&public)).unwrap();
        black_box(key.encapsulate_with_rng(coins));
    };
    let decapsulate = |ciphertext: &Ciphertext| {
        black_box(secret.decapsulate(black_box(ciphertext)));
    };

    let inner = [0x42; 317];
    let to = bob.x25519_public();
    let sealed = message::seal(&mut random, &to, keys.public(), &inner).unwrap();
    let mut buffer = vec![0; sealed.len() - message::OVERHEAD];
    suite
        .operation(GROUP, "seal 317 B")
        .floor("3 multiplications, ML-KEM, cipher", &mut || {
            primitives.base();
            primitives.dh();
            primitives.dh();
            encapsulate(&mut coins);
            xchacha(&mut buffer);
        })
        .run(|| message::seal(&mut random, &to, keys.public(), &inner).unwrap());
    let mut buffer = vec![0; sealed.len() - message::OVERHEAD];
    suite
        .operation(GROUP, "open 317 B")
        .floor("2 multiplications, ML-KEM, cipher", &mut || {
            primitives.dh();
            primitives.dh();
            decapsulate(&ciphertext);
            xchacha(&mut buffer);
        })
        .run(|| {
            let message = Message::parse(&sealed).unwrap();
            let prefix = message.key_prefix(bob.x25519(), &to).unwrap();
            assert_eq!(prefix, keys.public().kem.prefix());
            message.open(&keys).unwrap()
        });

    let text = "a text of ordinary length, as people write them";
    let content = Content::text(text).with_profile(Profile::named("Alice"));
    let sealer = Sealer::new(&alice);
    let format = Format::V2(keys.public());
    let sealed = sealer.seal_direct_as(&mut random, bob.id(), &content, TIME, format);
    let sealed = sealed.unwrap();
    let mut buffer = vec![0; sealed.data.len() - message::OVERHEAD];
    let mut coins = rng();
    suite
        .operation(GROUP, "one-to-one text, seal")
        .floor("signature, 3 multiplications, ML-KEM, cipher", &mut || {
            primitives.sign(&[0; 64]);
            primitives.base();
            primitives.dh();
            primitives.dh();
            encapsulate(&mut coins);
            xchacha(&mut buffer);
        })
        .run(|| {
            let sealed = sealer.seal_direct_as(&mut random, bob.id(), &content, TIME, format);
            sealed.unwrap()
        });
    let mut opener = Opener::new(&bob).remembering(0);
    opener.set_account_keys([AccountKeys::from_seed(&KeySeed::from_bytes([3; 32]))]);
    let mut buffer = vec![0; sealed.data.len() - message::OVERHEAD];
    suite
        .operation(GROUP, "one-to-one text, open")
        .floor(
            "2 multiplications, ML-KEM, cipher, key check, verification",
            &mut || {
                primitives.dh();
                primitives.dh();
                decapsulate(&ciphertext);
                xchacha(&mut buffer);
                primitives.verify_prepared(crate::floors::SHORT);
                primitives.decompress_checked();
            },
        )
        .run(|| opener.open_direct(&sealed.data).unwrap());
}
