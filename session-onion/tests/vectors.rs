//! The vectors of `tests/vectors/onion.json`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use session_crypto::{Blake2b, Ed25519Public, X25519Public, X25519Secret};
use session_onion::client::{self, Hop, Request};
use session_onion::node::{Arrival, Node, Peeled};
use session_onion::{Cipher, LayerKey};
use testkit::{Case, Replay, Vectors};

fn secret(case: Case<'_>, field: &str) -> X25519Secret {
    X25519Secret::from_bytes(case.array(field))
}

fn public(case: Case<'_>, field: &str) -> X25519Public {
    X25519Public::from_bytes(case.array(field))
}

fn cipher(case: Case<'_>) -> Cipher {
    case.text("enc_type").parse().unwrap()
}

fn ed25519(case: Case<'_>) -> Ed25519Public {
    Ed25519Public::from_bytes(case.array("ed25519_pk"))
}

/// Both ways to give a hop must make the same packet.
fn hop(case: Case<'_>, cipher: Cipher, prepared: bool) -> Hop {
    let hop = Hop::new(ed25519(case), public(case, "x25519_pk")).with_cipher(cipher);
    assert_eq!(
        hop.x25519(),
        Hop::from_ed25519(ed25519(case)).unwrap().x25519()
    );
    if prepared { hop.prepare() } else { hop }
}

fn read(at_guard: bool, arrived: &[u8]) -> Arrival<'_> {
    if at_guard {
        Arrival::https(arrived).unwrap()
    } else {
        Arrival::node(arrived).unwrap()
    }
}

fn build(case: Case<'_>, index: usize) {
    let cipher = cipher(case);
    let prepared = index.is_multiple_of(4);
    let hops = case.list("hops");
    let path: Vec<Hop> = hops
        .iter()
        .map(|case| hop(*case, cipher, prepared))
        .collect();
    let destination = case.object("destination");
    let body = case.opt_hex("body");

    let mut rng = Replay::new(case.hexes("random"));
    let sealed = match destination.text("type") {
        "snode" => {
            let node = hop(destination, cipher, prepared);
            let body = body.clone().unwrap_or_default();
            client::seal(&mut rng, &path, &Request::storage(&node, &body)).unwrap()
        }
        _ => return,
    };
    assert!(rng.is_used_up());
    assert_eq!(const_hex::encode(&sealed.packet), case.text("onion"));

    // Every node of the path, then the destination.
    let mut arrived = sealed.packet;
    let mut at_guard = true;
    for hop in &hops {
        let node = Node::new(ed25519(*hop), secret(*hop, "x25519_sk"));
        let arrival = read(at_guard, &arrived);
        match node.peel(&mut Replay::new([]), &arrival, &[]).unwrap() {
            Peeled::Relay(relay) => arrived = relay.message(),
            other => panic!("{other:?}"),
        }
        at_guard = false;
    }
    let node = Node::new(ed25519(destination), secret(destination, "x25519_sk"));
    let arrival = read(at_guard, &arrived);
    let Peeled::Deliver(deliver) = node.peel(&mut Replay::new([]), &arrival, &[]).unwrap() else {
        panic!("not delivered");
    };
    assert_eq!(deliver.body, body.unwrap_or_default());
}

#[test]
fn onion() {
    let vectors = Vectors::load("onion");
    let mut index = 0;
    vectors.each("build", |case| {
        build(case, index);
        index += 1;
    });
    vectors.each("hop_encryption", |case| {
        let plaintext = case.hex("plaintext");
        let (client, server) = (
            secret(case, "client_x25519_sk"),
            secret(case, "server_x25519_sk"),
        );
        let (client_pk, server_pk) = (
            public(case, "client_x25519_pk"),
            public(case, "server_x25519_pk"),
        );
        let at_server =
            LayerKey::for_server(cipher(case), &server, &server_pk, &client_pk).unwrap();
        let at_client =
            LayerKey::for_client(cipher(case), &client, &client_pk, &server_pk).unwrap();
        assert_eq!(
            at_server.open(&case.hex("client_to_server")).unwrap(),
            plaintext
        );
        assert_eq!(
            at_client.open(&case.hex("server_to_client")).unwrap(),
            plaintext
        );
    });
    let _ = Blake2b::<32>::new();
}
