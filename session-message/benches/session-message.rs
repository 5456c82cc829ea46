//! Speed of sealing and opening, each beside the cryptography that it cannot avoid.
#![allow(clippy::unwrap_used, missing_docs)]

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_crypto::{Ed25519Public, Ed25519Signature};
use session_identity::{Account, GroupId, Seed};
use session_message::content::{Content, Profile};
use session_message::group::Key;
use session_message::{community, direct, group};
use session_proto::envelope::{self, Envelope};
use session_proto::padding;

const TIME: u64 = 1_754_971_101_000;

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

fn one_to_one(c: &mut Criterion) {
    let mut group = c.benchmark_group("one-to-one text");
    let (alice, bob) = (account(1), account(2));
    let content = Content::text("a text of ordinary length, as people write them")
        .with_profile(Profile::named("Alice"));
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let sealed = direct::seal(&mut rng, &alice, bob.id(), &content, TIME).unwrap();
    let ciphertext = Envelope::parse(envelope::unwrap(&sealed.data).unwrap())
        .unwrap()
        .content
        .unwrap();
    let mut padded = content.encode(TIME, None).unwrap();
    padding::pad(&mut padded);

    group.bench_function("open", |b| {
        b.iter(|| direct::open(&bob, black_box(&sealed.data)).unwrap());
    });
    group.bench_function("open, its cryptography alone", |b| {
        let public = bob.x25519_public();
        b.iter(|| session_crypto::direct::decrypt(bob.x25519(), &public, ciphertext).unwrap());
    });
    group.bench_function("seal", |b| {
        b.iter(|| direct::seal(&mut rng, &alice, bob.id(), black_box(&content), TIME).unwrap());
    });
    group.bench_function("seal, its cryptography alone", |b| {
        b.iter(|| {
            let to = bob.id().x25519();
            let sealed =
                session_crypto::direct::encrypt(&mut rng, alice.ed25519(), &to, black_box(&padded));
            (sealed.unwrap(), Ed25519Signature::decoy(&mut rng))
        });
    });
    group.finish();
}

fn groups(c: &mut Criterion) {
    let mut bench = c.benchmark_group("group");
    let alice = account(1);
    let id = Ed25519Public::from_bytes(*account(9).ed25519_public().as_bytes());
    let id = GroupId::from_ed25519(&id);
    let key = Key::from_bytes(&[9; 32]);
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    for (name, text) in [
        ("short text", "a text of ordinary length".to_owned()),
        ("long text", "and the same again, ".repeat(100)),
    ] {
        let content = Content::text(text);
        let sealed = group::seal(&mut rng, &alice, &id, &key, &content, TIME).unwrap();
        bench.bench_function(format!("seal {name}"), |b| {
            b.iter(|| group::seal(&mut rng, &alice, &id, &key, black_box(&content), TIME).unwrap());
        });
        bench.bench_function(format!("open {name}"), |b| {
            b.iter(|| group::open(&id, [&key], black_box(&sealed.data)).unwrap());
        });
    }
    bench.finish();
}

fn communities(c: &mut Criterion) {
    let content = Content::text("a text of ordinary length");
    let data = community::seal(&content, TIME, None).unwrap();
    c.bench_function("community open", |b| {
        b.iter(|| community::open(black_box(&data), TIME, TIME).unwrap());
    });
}

criterion_group!(benches, one_to_one, groups, communities);
criterion_main!(benches);
