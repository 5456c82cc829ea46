//! What the operations of this crate cost, beside their floors.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    missing_docs
)]

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::Ed25519Secret;
use session_swarm::path::{Exclusions, PathConfig, pick};
use session_swarm::pool::Pool;
use session_swarm::record::{
    AddressPolicy, NodeList, ReadOptions, ServiceNodesRequest, ServiceNodesState, Version,
    read_binary, write_binary,
};
use session_swarm::rpc::{
    Call, Entry, Request, Signer, Stamp, Store, StoreEntry, SwarmAnswer, SwarmCall,
};
use session_swarm::value::Value;
use session_swarm::{Namespace, ServiceNode, StorageAccount, Strikes, SwarmId, SwarmRing};

fn nodes(count: u64) -> Vec<ServiceNode> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let make = |index: u64| {
        let public = Ed25519Secret::generate(&mut rng).public();
        let [.., b, c] = (index / 2).to_be_bytes();
        ServiceNode {
            ed25519: public,
            x25519: Some(public.to_x25519().unwrap()),
            legacy: None,
            ip: [45, b, c, 1].into(),
            https_port: 22021,
            omq_port: 22020,
            version: Version([2, 8, 0]),
            swarm_id: SwarmId::new(index % 300 * (u64::MAX / 300)),
            requested_unlock_height: 0,
        }
    };
    (0..count).map(make).collect()
}

fn ring(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let ring: SwarmRing = (0..300).map(|_| SwarmId::new(rng.next_u64())).collect();
    let mut id = [5; 33];
    rng.fill_bytes(&mut id[1..]);
    let account = StorageAccount::from_bytes(id);
    c.bench_function("choose a swarm among 300", |b| {
        b.iter(|| ring.swarm_of(black_box(&account)));
    });
}

fn records(c: &mut Criterion) {
    let nodes = nodes(2_000);
    let state = ServiceNodesState {
        nodes: &nodes,
        height: 1,
        block_hash: "",
        hardfork: 19,
    };
    let json = ServiceNodesRequest::default().to_seed_answer(&state);
    let options = ReadOptions {
        addresses: AddressPolicy::Public,
        ..ReadOptions::default()
    };
    assert_eq!(
        NodeList::from_json(&json, &options).unwrap().nodes.len(),
        2_000
    );
    c.bench_function("parse 2,000 node records, JSON", |b| {
        b.iter(|| NodeList::from_json(black_box(&json), &options).unwrap());
    });
    c.bench_function(
        "parse 2,000 node records, JSON: floor (tree of values)",
        |b| {
            b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&json)).unwrap());
        },
    );
    let binary = write_binary(&nodes);
    c.bench_function("parse 2,000 node records, binary", |b| {
        b.iter(|| read_binary(black_box(&binary)).unwrap());
    });
    paths(c, nodes);
}

fn paths(c: &mut Criterion, nodes: Vec<ServiceNode>) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut pool = Pool::new(nodes, 0, &mut rng);
    let (mut strikes, excluded) = (Strikes::default(), Exclusions::default());
    let config = PathConfig::default();
    c.bench_function("pick a path of 3", |b| {
        b.iter(|| pick(&pool, &strikes, 0, None, &excluded, &config, &mut rng).unwrap());
    });
    // Every second node is struck out, and the hops of three other paths are taken.
    for node in pool.nodes().iter().step_by(2) {
        strikes.strike_out(&node.ed25519, 0);
    }
    let mut excluded = Exclusions::default();
    for node in pool.nodes().iter().skip(1).step_by(2).take(9) {
        excluded.add(node);
    }
    c.bench_function(
        "pick a path of 3 where half of the nodes are struck out",
        |b| {
            b.iter(|| pick(&pool, &strikes, 0, None, &excluded, &config, &mut rng).unwrap());
        },
    );
    let hops: Vec<ServiceNode> = pool.nodes().iter().take(3).copied().collect();
    c.bench_function("onion keys of 3 hops", |b| {
        b.iter(|| {
            for hop in &hops {
                black_box(pool.with_onion_key(black_box(hop)).unwrap());
            }
        });
    });
    c.bench_function(
        "onion keys of 3 hops: floor of the first use (3 conversions)",
        |b| {
            b.iter(|| {
                for hop in &hops {
                    black_box(black_box(&hop.ed25519).to_x25519().unwrap());
                }
            });
        },
    );
}

fn rpc(c: &mut Criterion) {
    let secret = Ed25519Secret::from_seed(&[1; 32]);
    let account = StorageAccount::user(&secret.public().to_x25519().unwrap());
    let signer = Signer::user(&secret);
    let make = || Store::new(account, Namespace::CONTACTS, vec![7; 1_000], 1, 100_000);
    let store = make().sign(&signer);
    let secrets: Vec<_> = (0..10)
        .map(|seed| Ed25519Secret::from_seed(&[seed; 32]))
        .collect();
    let mut answer = SwarmAnswer::new(Stamp::default());
    let entry = StoreEntry {
        hash: store.hash(),
        expiry: 5,
        already: false,
    };
    for secret in &secrets {
        let signed = store.sign_entry(secret, entry);
        answer.entries.insert(secret.public(), Entry::Done(signed));
    }
    let own = secrets[0].public();
    let body = answer.to_value(&own).to_json();
    c.bench_function("read and verify a store answer of 10", |b| {
        b.iter(|| {
            let body = Value::from_json(black_box(&body)).unwrap();
            let answer = store.read_answer(&body).unwrap();
            assert_eq!(answer.verify(&store, |_| true).done.len(), 10);
        });
    });
    let signatures: Vec<_> = secrets
        .iter()
        .map(|secret| (secret.public(), secret.sign(entry.hash.as_bytes())))
        .collect();
    c.bench_function(
        "read and verify a store answer of 10: floor (10 verifications)",
        |b| {
            b.iter(|| {
                for (key, signature) in &signatures {
                    key.verify(black_box(entry.hash.as_bytes()), signature)
                        .unwrap();
                }
            });
        },
    );
    c.bench_function("build a signed store of 1 KB", |b| {
        b.iter(|| make().sign(&signer).to_json());
    });
    c.bench_function("build a signed store of 1 KB: floor (1 signature)", |b| {
        b.iter(|| secret.sign(black_box(b"store31")));
    });
    let json = store.to_json();
    c.bench_function("parse a store of 1 KB", |b| {
        b.iter(|| Request::from_json(black_box(&json)).unwrap());
    });
}

criterion_group!(benches, ring, records, rpc);
criterion_main!(benches);
