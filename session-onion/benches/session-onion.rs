//! Each operation beside its floor: the primitives that it cannot avoid, in the same run.
//!
//! The floor of a build is one base point multiplication and one Diffie-Hellman for each layer, and
//! the encryption of as many bytes as the layers have; that of a peel is one Diffie-Hellman and one
//! decryption.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use core::hint::black_box;

use aes_gcm::Aes256Gcm;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::x25519::PreparedPublic;
use session_crypto::{Ed25519Secret, X25519Secret};
use session_onion::Cipher;
use session_onion::client::{self, Hop, Request};
use session_onion::node::{Arrival, Node, Peeled, ReplyBody};

const SIZES: [(&str, usize); 2] = [("1 KB", 1024), ("60 KB", 60 * 1024)];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn node(byte: u8) -> Node {
    let secret = Ed25519Secret::from_seed(&[byte; 32]);
    Node::new(secret.public(), secret.to_x25519())
}

fn hop(node: &Node, cipher: Cipher) -> Hop {
    Hop::new(*node.ed25519(), *node.x25519()).with_cipher(cipher)
}

fn encrypt(cipher: Cipher, buffer: &mut [u8]) {
    match cipher {
        Cipher::AesGcm => {
            let cipher = Aes256Gcm::new(&[7; 32].into());
            black_box(cipher.encrypt_inout_detached(&[7; 12].into(), &[], buffer.into())).unwrap();
        }
        _ => {
            let cipher = XChaCha20Poly1305::new(&[7; 32].into());
            black_box(cipher.encrypt_inout_detached(&[7; 24].into(), &[], buffer.into())).unwrap();
        }
    }
}

fn build(c: &mut Criterion) {
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        for (name, size) in SIZES {
            let mut group = c.benchmark_group(format!("build {cipher}, 3 hops, {name}"));
            let nodes = [node(1), node(2), node(3), node(4)];
            let body = vec![b'a'; size];
            for (kind, prepared) in [("plain", false), ("prepared", true)] {
                let mut hops: Vec<Hop> = nodes.iter().map(|node| hop(node, cipher)).collect();
                if prepared {
                    hops = hops.into_iter().map(Hop::prepare).collect();
                }
                let destination = hops.pop().unwrap();
                let request = Request::storage(&destination, &body);
                let mut rng = rng();
                group.bench_function(kind, |b| {
                    b.iter(|| client::seal(&mut rng, black_box(&hops), &request).unwrap());
                });
            }
            let secret = X25519Secret::from_bytes([5; 32]);
            let peer = *nodes[0].x25519();
            let prepared = PreparedPublic::new(peer);
            let mut buffer = body.clone();
            group.bench_function("plain floor", |b| {
                b.iter(|| {
                    for layer in 0..4 {
                        black_box(black_box(&secret).public());
                        black_box(secret.diffie_hellman(black_box(&peer)).unwrap());
                        buffer.resize(size + layer * 220, 0);
                        encrypt(cipher, &mut buffer);
                    }
                });
            });
            group.bench_function("prepared floor", |b| {
                b.iter(|| {
                    for layer in 0..4 {
                        black_box(black_box(&secret).public());
                        black_box(
                            secret
                                .diffie_hellman_prepared(black_box(&prepared))
                                .unwrap(),
                        );
                        buffer.resize(size + layer * 220, 0);
                        encrypt(cipher, &mut buffer);
                    }
                });
            });
            group.finish();
        }
    }
}

fn peel(c: &mut Criterion) {
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        for (name, size) in SIZES {
            let mut group = c.benchmark_group(format!("peel {cipher}, {name}"));
            let (guard, destination) = (node(1), node(2));
            let body = vec![b'a'; size];
            let to = hop(&destination, cipher);
            let request = Request::storage(&to, &body);
            let sealed = client::seal(&mut rng(), &[hop(&guard, cipher)], &request).unwrap();
            let mut rng = rng();
            group.bench_function("relay", |b| {
                b.iter(|| {
                    let arrival = Arrival::https(black_box(&sealed.packet)).unwrap();
                    guard.peel(&mut rng, &arrival, &[]).unwrap()
                });
            });
            let arrival = Arrival::https(&sealed.packet).unwrap();
            let Ok(Peeled::Relay(relay)) = guard.peel(&mut rng, &arrival, &[]) else {
                return;
            };
            let message = relay.message();
            group.bench_function("deliver", |b| {
                b.iter(|| {
                    let arrival = Arrival::node(black_box(&message)).unwrap();
                    destination.peel(&mut rng, &arrival, &[]).unwrap()
                });
            });
            let secret = X25519Secret::from_bytes([5; 32]);
            let peer = *guard.x25519();
            let mut buffer = vec![0; size + 220];
            group.bench_function("floor", |b| {
                b.iter(|| {
                    black_box(secret.diffie_hellman(black_box(&peer)).unwrap());
                    encrypt(cipher, &mut buffer);
                });
            });
            group.finish();
        }
    }
}

/// Both ends of the answer. Neither needs a Diffie-Hellman: the keys are kept.
fn answer(c: &mut Criterion) {
    for (name, size) in SIZES {
        let mut group = c.benchmark_group(format!("answer xchacha20, {name}"));
        let destination = node(1);
        let to = hop(&destination, Cipher::XChaCha20);
        let request = Request::storage(&to, b"{}");
        let result = "a".repeat(size);
        let sealed = || client::seal(&mut rng(), &[], &request).unwrap();
        let deliver = |packet: &[u8]| {
            let arrival = Arrival::https(packet).unwrap();
            match destination.peel(&mut rng(), &arrival, &[]) {
                Ok(Peeled::Deliver(deliver)) => deliver,
                other => panic!("{other:?}"),
            }
        };
        let packet = sealed().packet;
        group.bench_function("reply", |b| {
            b.iter_batched(
                || deliver(&packet),
                |deliver| deliver.reply(&mut rng(), 200, ReplyBody::Text(&result)),
                BatchSize::SmallInput,
            );
        });
        let answer = deliver(&packet).reply(&mut rng(), 200, ReplyBody::Text(&result));
        group.bench_function("open", |b| {
            b.iter_batched(
                || sealed().reply_key,
                |key| key.open(answer.status, &answer.body).unwrap(),
                BatchSize::SmallInput,
            );
        });
        let mut buffer = vec![0; size];
        group.bench_function("floor", |b| {
            b.iter(|| encrypt(Cipher::XChaCha20, &mut buffer));
        });
        group.finish();
    }
}

criterion_group!(benches, build, peel, answer);
criterion_main!(benches);
