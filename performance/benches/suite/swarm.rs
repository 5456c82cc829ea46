//! Swarms, node lists, paths, answers.

use std::time::Duration;

use rand_chacha::rand_core::Rng;
use session_crypto::{Ed25519PublicExt, Ed25519Secret};
use session_network::types::MonotonicTime;
use session_network::{Config, Network, Now, Target};
use session_storage::value::Value;
use session_storage::{
    Call, Entry, Info, Request, ServiceNodesRequest, ServiceNodesState, Signer, Stamp, Store,
    StoreEntry, SwarmAnswer, SwarmCall,
};
use session_swarm::record::{
    AddressPolicy, NodeList, ReadOptions, Version, read_binary, write_binary,
};
use session_swarm::{ServiceNode, SwarmRing};
use session_types::{AccountId, AnyId, Namespace, SealedMessage, SwarmId, UnixMillis};

use crate::Suite;
use crate::crypto::rng;
use crate::floors::{Primitives, SHORT};

pub fn nodes(count: u64) -> Vec<ServiceNode> {
    let mut rng = rng();
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

pub fn ring(swarms: usize) -> SwarmRing {
    let mut rng = rng();
    (0..swarms).map(|_| SwarmId::new(rng.next_u64())).collect()
}

pub fn accounts() -> Vec<AnyId> {
    let mut rng = rng();
    (0..1024)
        .map(|_| {
            let mut id = [5; 33];
            rng.fill_bytes(&mut id[1..]);
            AnyId::from_bytes(id)
        })
        .collect()
}

/// The answer of a seed node with these nodes, and how a client reads it.
pub fn seed_answer(nodes: &[ServiceNode]) -> (Vec<u8>, ReadOptions) {
    let state = ServiceNodesState {
        nodes,
        height: 1,
        block_hash: "",
        hardfork: 19,
    };
    let options = ReadOptions {
        addresses: AddressPolicy::Public,
        ..ReadOptions::default()
    };
    (
        ServiceNodesRequest::default().to_seed_answer(&state),
        options,
    )
}

pub fn run(suite: &mut Suite) {
    const GROUP: &str = "swarms";
    let ring = ring(300);
    let accounts = accounts();
    let mut next = accounts.iter().cycle();
    suite
        .operation(GROUP, "choose a swarm among 300")
        .run(|| ring.swarm_of(next.next().unwrap()));

    let nodes = nodes(2_000);
    let (json, options) = seed_answer(&nodes);
    suite
        .operation(GROUP, "parse 2,000 nodes, JSON")
        .floor("a tree of JSON values", &mut || {
            let tree = serde_json::from_slice::<serde_json::Value>(&json);
            std::hint::black_box(tree.unwrap());
        })
        .bytes(json.len())
        .run(|| NodeList::from_json(&json, &options).unwrap());
    let binary = write_binary(&nodes);
    suite
        .operation(GROUP, "parse 2,000 nodes, binary")
        .bytes(binary.len())
        .run(|| read_binary(&binary).unwrap());
    let mut rng = rng();
    let now = Now::new(MonotonicTime::ORIGIN, UnixMillis::new(1_800_000_000_000));
    let mut config = Config::default();
    config.path.test_guards = false;
    let mut network = Network::new(config, Vec::new());
    network.set_nodes(nodes, now, &mut rng);
    suite
        .operation(GROUP, "route and seal a request among 2,000")
        .run(|| {
            let request = network.request(Target::AnyNode, Info, now);
            let post = network.poll(now, &mut rng).unwrap();
            network.cancel(request);
            post
        });
    requests(suite);
}

fn requests(suite: &mut Suite) {
    const GROUP: &str = "storage requests";
    let primitives = Primitives::new();
    let secret = Ed25519Secret::from_seed(&[1; 32]);
    let account = AccountId::from_x25519(&secret.x25519_public());
    let signer = Signer::user(&secret);
    let time = UnixMillis::new(1);
    let message = SealedMessage {
        namespace: Namespace::CONTACTS,
        ttl: Duration::from_secs(100),
        data: vec![7; 1_000],
    };
    let make = || Store::new(account, message.clone(), time).unwrap();
    let store = make().sign(time, &signer);
    let mut answer = SwarmAnswer::new(Stamp::default());
    let entry = StoreEntry {
        hash: store.hash(),
        expiry: UnixMillis::new(5),
        already: false,
    };
    let secrets: Vec<_> = (0..10)
        .map(|seed| Ed25519Secret::from_seed(&[seed; 32]))
        .collect();
    for secret in &secrets {
        let signed = store.sign_entry(secret, entry);
        answer.entries.insert(secret.public(), Entry::Done(signed));
    }
    let body = answer.to_value(&secrets[0].public()).to_json();
    suite
        .operation(GROUP, "read and verify a store answer of 10")
        .floor("10 verifications", &mut || {
            for _ in 0..10 {
                primitives.verify();
            }
        })
        .run(|| {
            let body = Value::from_json(&body).unwrap();
            let answer = store.read_answer(&body).unwrap();
            assert_eq!(answer.verify(&store, |_| true).done.len(), 10);
        });
    suite
        .operation(GROUP, "build a signed store of 1 KB")
        .floor("signature", &mut || primitives.sign(SHORT))
        .run(|| make().sign(time, &signer).to_json());
    let json = store.to_json();
    suite
        .operation(GROUP, "parse a store of 1 KB")
        .run(|| Request::from_json(&json).unwrap());
}
