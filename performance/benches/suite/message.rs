//! Whole messages: what a bot opens and what a client sends.

use rand_chacha::rand_core::Rng as _;
use session_identity::{Account, GroupId, Seed};
use session_message::content::{Content, Profile};
use session_message::group::layer::{self, Options};
use session_message::{Opener, Sealer, SymmetricKey, UnixMillis};
use session_proto::padding;

use crate::Suite;
use crate::crypto::rng;
use crate::floors::{Primitives, SHORT, xchacha};

/// Some prose.
const TEXT: &str = "The archive of the town lay under the old granary, and whoever wanted to look something up had to \
    pass the mill first. Grey stones lined the path; in spring the river covered half of them. Nobody remembered who had \
    built the wall, but everybody knew the gap where children climbed through. On Thursdays the keeper opened early, made \
    tea for two, and waited for questions about weddings, debts and borders. Most people asked about houses. ";
const TIME: UnixMillis = UnixMillis::new(1_754_971_101_000);

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

pub fn run(suite: &mut Suite) {
    const GROUP: &str = "whole messages";
    let mut rng = rng();
    let (alice, bob) = (account(1), account(2));
    let text = "a text of ordinary length, as people write them";
    let content = Content::text(text).with_profile(Profile::named("Alice"));
    let mut padded = content.encode(TIME, None).unwrap();
    padding::pad(&mut padded);
    let public = bob.x25519_public();
    let ciphertext =
        session_crypto::direct::seal(&mut rng, alice.ed25519(), &public, &padded).unwrap();
    let (sealer, mut opener) = (Sealer::new(&alice), Opener::new(&bob).remembering(0));
    let sealed = sealer
        .seal_direct(&mut rng, bob.id(), &content, TIME)
        .unwrap();

    let mut decoys = crate::crypto::rng();
    suite
        .operation(GROUP, "one-to-one text, seal")
        .floor("its cryptography", &mut || {
            let key = bob.id().x25519();
            let sealed = session_crypto::direct::seal(&mut decoys, alice.ed25519(), &key, &padded);
            std::hint::black_box((
                sealed.unwrap(),
                session_crypto::ed25519::decoy_signature(&mut decoys),
            ));
        })
        .run(|| {
            sealer
                .seal_direct(&mut rng, bob.id(), &content, TIME)
                .unwrap()
        });
    suite
        .operation(GROUP, "one-to-one text, open")
        .floor("its cryptography", &mut || {
            let opened = session_crypto::direct::open(bob.x25519(), &public, &ciphertext);
            std::hint::black_box(opened.unwrap());
        })
        .run(|| opener.open_direct(&sealed.data).unwrap());

    let mut opener = Opener::new(&bob);
    suite
        .operation(GROUP, "one-to-one text, open, known sender")
        .run(|| opener.open_direct(&sealed.data).unwrap());

    let primitives = Primitives::new();
    let id = GroupId::from_ed25519(&account(9).ed25519_public());
    let key = SymmetricKey::from_bytes([9; 32]);
    let sealed = sealer
        .seal_group(&mut rng, &id, &key, &content, TIME)
        .unwrap();
    let mut buffer = vec![0; sealed.data.len() - 40];
    let mut floor = || {
        primitives.sign(SHORT);
        xchacha(&mut buffer);
    };
    suite
        .operation(GROUP, "group text, seal")
        .floor("signature, cipher", &mut floor)
        .run(|| {
            sealer
                .seal_group(&mut rng, &id, &key, &content, TIME)
                .unwrap()
        });
    let text: Vec<u8> = TEXT.bytes().cycle().take(2_000).collect();
    let mut random = vec![0; 2_000];
    rng.fill_bytes(&mut random);
    for (name, plain, reference) in [
        ("200 B", &text[..200], 33.0),
        ("2 KB of text", &text, 34.0),
        ("2 KB of random bytes", &random, 40.0),
    ] {
        suite
            .operation(GROUP, &format!("group, seal {name}"))
            .floor("signature, cipher", &mut || {
                primitives.sign(plain);
                xchacha(&mut vec![0; plain.len()]);
            })
            .reference(reference)
            .run(|| {
                layer::seal(
                    &mut rng,
                    alice.ed25519(),
                    &id,
                    &key,
                    plain,
                    Options::default(),
                )
                .unwrap()
            });
    }
    let mut buffer = vec![0; sealed.data.len() - 40];
    let mut floor = || {
        primitives.verify_prepared(SHORT);
        primitives.decompress_checked();
        xchacha(&mut buffer);
    };
    suite
        .operation(GROUP, "group text, open")
        .floor("verification, key check, cipher", &mut floor)
        .reference(92.0)
        .run(|| opener.open_group(&id, [&key], &sealed.data).unwrap());
    let data = sealer.seal_post(&content, TIME).unwrap();
    suite
        .operation(GROUP, "community text, open")
        .run(|| opener.open_post(&data, TIME, TIME).unwrap());
}
