//! Accounts and phrases, each beside the primitives that it cannot do without.
#![allow(missing_docs, clippy::unwrap_used)]

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use curve25519_dalek::EdwardsPoint;
use session_crypto::{Ed25519Secret, X25519Public};
use session_identity::subaccount::{AuthData, Permissions};
use session_identity::{Account, AccountId, AnyId, Language, Seed, phrase};

const EN: Language = Language::English;

fn seed() -> Seed {
    Seed::from_short(b"0123456789abcdef")
}

fn accounts(c: &mut Criterion) {
    let seed = seed();
    let mut group = c.benchmark_group("account");
    group.bench_function("from seed", |b| {
        b.iter(|| Account::from_seed(black_box(&seed)));
    });
    group.bench_function("floor: base multiplication and conversion", |b| {
        let scalar = *seed.expose_full();
        b.iter(|| EdwardsPoint::mul_base_clamped(black_box(scalar)).to_montgomery());
    });

    let account = Account::from_seed(&seed);
    let server = X25519Public::from_bytes([9; 32]);
    let text = account.id().to_string();
    group.bench_function("id from text", |b| {
        b.iter(|| black_box(&text).parse::<AnyId>().unwrap());
    });
    group.bench_function("id to text", |b| {
        b.iter(|| black_box(account.id()).to_string())
    });
    group.bench_function("25-id from account id", |b| {
        b.iter(|| black_box(account.id()).blinded25(&server).unwrap());
    });
    group.bench_function("15-id matches account id", |b| {
        let key = account.ed25519_public();
        let id = session_identity::BlindedId15::of_account(&key, &server).unwrap();
        b.iter(|| {
            account
                .id()
                .matches(&black_box(id).into(), &server)
                .unwrap()
        });
    });
    let admin = Ed25519Secret::from_seed(&[7; 32]);
    let member: AccountId = *account.id();
    let auth = AuthData::create(&admin, &member, Permissions::MEMBER).unwrap();
    group.bench_function("subaccount: create auth data", |b| {
        b.iter(|| AuthData::create(&admin, black_box(&member), Permissions::MEMBER).unwrap());
    });
    group.bench_function("subaccount: sign a request", |b| {
        b.iter(|| {
            auth.sign(&account, black_box(b"retrieve1234567890000"))
                .unwrap()
        });
    });
    group.finish();
}

fn phrases(c: &mut Criterion) {
    let seed = seed();
    let mut group = c.benchmark_group("phrase");
    for language in Language::ALL.iter().copied() {
        let text = seed.to_phrase(language);
        group.bench_function(format!("decode {language}"), |b| {
            b.iter(|| Seed::from_phrase(black_box(&text), language).unwrap());
        });
    }
    let text = seed.to_phrase(EN);
    group.bench_function("encode", |b| b.iter(|| black_box(&seed).to_phrase(EN)));
    group.bench_function("detect", |b| {
        b.iter(|| phrase::detect(black_box(&text)).unwrap());
    });
    let mistyped = text.replacen(' ', "x ", 1).replacen('a', "ei", 1);
    group.bench_function("unknown word with suggestions", |b| {
        b.iter(|| Seed::from_phrase(black_box(&mistyped), EN).unwrap_err());
    });
    let flood = "abbey ".repeat(180_000);
    group.bench_function("a megabyte of words", |b| {
        b.iter(|| Seed::from_phrase(black_box(&flood), EN).unwrap_err());
    });
    group.finish();
}

criterion_group!(benches, accounts, phrases);
criterion_main!(benches);
