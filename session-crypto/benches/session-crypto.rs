//! Each operation beside its floor: the primitives that it cannot avoid, in the same run.
//!
//! The last benches of each group are named `floor`; the ratio to them is what counts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use core::hint::black_box;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use curve25519_dalek::{EdwardsPoint, MontgomeryPoint, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::attachment::{self, Decryptor, Encryptor, FileKey, Kind};
use session_crypto::multi::Party;
use session_crypto::x25519::PreparedPublic;
use session_crypto::{
    BlindedSecret, Blinding, Ed25519Secret, X25519Public, X25519Secret, direct, group, inbox,
    xed25519,
};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn secret(byte: u8) -> Ed25519Secret {
    Ed25519Secret::from_seed(&[byte; 32])
}

/// XChaCha20-Poly1305 and nothing else.
fn raw_xchacha(buffer: &mut [u8]) {
    let cipher = XChaCha20Poly1305::new(&[7; 32].into());
    black_box(
        cipher
            .encrypt_inout_detached(&[7; 24].into(), &[], buffer.into())
            .unwrap(),
    );
}

fn primitives(c: &mut Criterion) {
    let mut group = c.benchmark_group("primitives");
    let (alice, bob) = (secret(1), secret(2));
    let (x, y) = (alice.to_x25519(), bob.to_x25519().public());
    let prepared = PreparedPublic::new(y);
    group.bench_function("x25519", |b| {
        b.iter(|| x.diffie_hellman(black_box(&y)).unwrap())
    });
    group.bench_function("x25519 prepared", |b| {
        b.iter(|| x.diffie_hellman_prepared(black_box(&prepared)).unwrap());
    });
    group.bench_function("x25519 ladder", |b| {
        b.iter(|| MontgomeryPoint(y.to_bytes()).mul_clamped(black_box(*x.expose_bytes())));
    });
    group.bench_function("x25519 public", |b| b.iter(|| black_box(&x).public()));
    let signature = alice.sign(&[0; 200]);
    group.bench_function("ed25519 sign", |b| {
        b.iter(|| alice.sign(black_box(&[0; 200])))
    });
    group.bench_function("ed25519 verify", |b| {
        b.iter(|| {
            alice
                .public()
                .verify(black_box(&[0; 200]), &signature)
                .unwrap()
        });
    });
    let verifier = alice.public().prepare().unwrap();
    group.bench_function("ed25519 verify prepared", |b| {
        b.iter(|| verifier.verify(black_box(&[0; 200]), &signature).unwrap());
    });
    let dalek = ed25519_dalek::VerifyingKey::from_bytes(alice.public().as_bytes()).unwrap();
    let dalek_signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    group.bench_function("ed25519 verify prepared, floor (dalek)", |b| {
        b.iter(|| {
            dalek
                .verify_strict(black_box(&[0; 200]), &dalek_signature)
                .unwrap()
        });
    });
    group.bench_function("ed25519 to x25519", |b| {
        b.iter(|| black_box(alice.public()).to_x25519().unwrap());
    });
    let point = curve25519_dalek::edwards::CompressedEdwardsY(alice.public().to_bytes())
        .decompress()
        .unwrap();
    group.bench_function("torsion check", |b| {
        b.iter(|| black_box(&point).is_torsion_free())
    });
    group.bench_function("torsion check, variable time", |b| {
        b.iter(|| {
            let minus = EdwardsPoint::vartime_double_scalar_mul_basepoint(
                &-Scalar::ONE,
                black_box(&point),
                &Scalar::ZERO,
            );
            minus == -point
        });
    });
    group.finish();
}

fn one_to_one(c: &mut Criterion) {
    let mut group = c.benchmark_group("one-to-one");
    let (alice, bob) = (secret(1), secret(2));
    let (x, y) = (bob.to_x25519(), bob.to_x25519().public());
    let message = [0x42; 200];
    let mut rng = rng();
    let sealed = direct::encrypt(&mut rng, &alice, &y, &message).unwrap();
    group.bench_function("encrypt 200 B", |b| {
        b.iter(|| direct::encrypt(&mut rng, &alice, &y, black_box(&message)).unwrap());
    });
    group.bench_function("encrypt 200 B, floor", |b| {
        let ephemeral = X25519Secret::from_bytes([9; 32]);
        let mut buffer = [0; 296];
        b.iter(|| {
            black_box(alice.sign(&buffer[..264]));
            black_box(ephemeral.public());
            black_box(ephemeral.diffie_hellman(&y).unwrap());
            raw_xchacha(&mut buffer);
        });
    });
    group.bench_function("decrypt 200 B", |b| {
        b.iter(|| direct::decrypt(&x, &y, black_box(&sealed)).unwrap());
    });
    group.bench_function("decrypt 200 B, floor", |b| {
        let mut buffer = [0; 296];
        let signature = alice.sign(&buffer[..264]);
        b.iter(|| {
            black_box(x.diffie_hellman(&y).unwrap());
            buffer[..264].fill(0);
            let verifier = alice.public().prepare().unwrap();
            verifier.verify(&buffer[..264], &signature).unwrap();
            black_box(verifier.to_x25519().unwrap());
            raw_xchacha(&mut buffer);
        });
    });
    group.finish();
}

fn blinding(c: &mut Criterion) {
    let mut group = c.benchmark_group("blinding");
    let (alice, bob) = (secret(1), secret(2));
    let server = X25519Public::from_bytes([9; 32]);
    let message = [0x42; 200];
    let mut rng = rng();
    for blinding in [Blinding::Blind15, Blinding::Blind25] {
        let own = BlindedSecret::new(blinding, &alice, &server).unwrap();
        let peer = BlindedSecret::new(blinding, &bob, &server).unwrap();
        let name = |what| format!("{blinding:?} {what}");
        group.bench_function(name("key"), |b| {
            b.iter(|| BlindedSecret::new(blinding, black_box(&alice), &server).unwrap());
        });
        group.bench_function(name("sign"), |b| b.iter(|| own.sign(black_box(&message))));
        group.bench_function(name("sign, key and all"), |b| {
            b.iter(|| {
                BlindedSecret::new(blinding, &alice, &server)
                    .unwrap()
                    .sign(black_box(&message))
            });
        });
        let account = alice.public();
        group.bench_function(name("id of an Ed25519 key"), |b| {
            b.iter(|| blinding.key_of(black_box(&account), &server).unwrap());
        });
        let sealed = inbox::encrypt(&mut rng, &own, &peer.public(), &message).unwrap();
        group.bench_function(name("inbox encrypt"), |b| {
            b.iter(|| inbox::encrypt(&mut rng, &own, &peer.public(), &message).unwrap());
        });
        group.bench_function(name("inbox decrypt"), |b| {
            b.iter(|| inbox::decrypt(&peer, &own.public(), &peer.public(), &sealed).unwrap());
        });
    }
    group.bench_function("sign, floor (Ed25519)", |b| {
        b.iter(|| alice.sign(black_box(&message)))
    });
    group.bench_function("key, floor (base point)", |b| {
        b.iter(|| EdwardsPoint::mul_base(black_box(&Scalar::from(7_u64))).compress());
    });
    let x25519 = alice.to_x25519();
    group.bench_function("XEd25519 sign", |b| {
        b.iter(|| xed25519::sign(&mut rng, &x25519, black_box(&message)));
    });
    group.finish();
}

fn many(c: &mut Criterion) {
    let mut group = c.benchmark_group("many recipients");
    group.sample_size(20);
    let recipients: Vec<X25519Public> = (0..100)
        .map(|index| secret(index).to_x25519().public())
        .collect();
    let sender = secret(200).to_x25519();
    group.bench_function("encrypt to 100", |b| {
        b.iter(|| {
            let party = Party::new(&sender, b"SessionGroupKickedMessage");
            party
                .encrypt_to_all(&recipients, &[1; 24], &[black_box(&[0; 48])])
                .unwrap()
        });
    });
    group.bench_function("encrypt to 100, floor", |b| {
        b.iter(|| {
            for recipient in &recipients {
                black_box(sender.diffie_hellman(recipient).unwrap());
                raw_xchacha(&mut [0; 48]);
            }
        });
    });
    group.finish();
}

fn group_messages(c: &mut Criterion) {
    let mut benches = c.benchmark_group("group layer");
    let mut rng = rng();
    for length in [1_000, 60_000] {
        let content = vec![0x42; length];
        let sealed = group::encrypt(&mut rng, &[7; 32], &content, 256).unwrap();
        benches.throughput(Throughput::Bytes(length as u64));
        benches.bench_function(format!("encrypt {length} B"), |b| {
            b.iter(|| group::encrypt(&mut rng, &[7; 32], black_box(&content), 256).unwrap());
        });
        benches.bench_function(format!("decrypt {length} B"), |b| {
            // Without the wiping of the content, which comes when the caller drops it.
            b.iter_with_large_drop(|| group::decrypt([&[7; 32]], black_box(&sealed)).unwrap());
        });
        let mut buffer = vec![0; sealed.len() - 40];
        benches.bench_function(format!("{length} B, floor"), |b| {
            b.iter(|| raw_xchacha(black_box(&mut buffer)));
        });
    }
    benches.finish();
}

fn attachments(c: &mut Criterion) {
    let mut group = c.benchmark_group("attachment");
    let content = vec![0x42; 1 << 20];
    let file_key = FileKey::derive(&secret(1), Kind::Attachment, &content);
    let file = attachment::encrypt(&file_key, &content).unwrap();
    group.throughput(Throughput::Bytes(content.len() as u64));
    group.bench_function("encrypt 1 MiB by 64 KiB", |b| {
        let mut out = Vec::with_capacity(1 << 18);
        b.iter(|| {
            out.clear();
            let size = content.len() as u64;
            let mut encryptor = Encryptor::new(&file_key, size, &mut out).unwrap();
            for piece in content.chunks(1 << 16) {
                out.clear();
                encryptor.update(black_box(piece), &mut out).unwrap();
            }
            encryptor.finish().unwrap();
        });
    });
    group.bench_function("decrypt 1 MiB by 64 KiB", |b| {
        let mut out = Vec::with_capacity(1 << 18);
        b.iter(|| {
            let mut decryptor = Decryptor::new(&file_key.key);
            for piece in file.chunks(1 << 16) {
                out.clear();
                decryptor.update(black_box(piece), &mut out).unwrap();
            }
            decryptor.finish(&mut out).unwrap();
        });
    });
    let mut buffer = content.clone();
    group.bench_function("1 MiB by 64 KiB, floor", |b| {
        b.iter(|| {
            buffer
                .chunks_mut(1 << 16)
                .for_each(|piece| raw_xchacha(black_box(piece)))
        });
    });
    group.bench_function("derive the key of 1 MiB", |b| {
        b.iter(|| FileKey::derive(&secret(1), Kind::Attachment, black_box(&content)));
    });
    group.finish();
}

criterion_group!(
    benches,
    primitives,
    one_to_one,
    blinding,
    many,
    group_messages,
    attachments
);
criterion_main!(benches);
