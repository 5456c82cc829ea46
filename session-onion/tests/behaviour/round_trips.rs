//! A client against nodes and a server, through the whole path and back.

use proptest::prelude::*;
use session_crypto::X25519Secret;
use session_onion::client::{self, BuildError, Hop, Request, Sealed, Server, StorageOptions};
use session_onion::node::{Answer, Arrival, Node, Peeled, ReplyBody};
use session_onion::payload::v4;
use session_onion::server::ServerKeys;
use session_onion::{Cipher, MAX_PACKET_LENGTH};

use crate::support::{hop, node, rng};

/// Sends what a client has sealed through nodes 1, 2, … until somebody answers, and passes the
/// answer back through all of them, as nodes do.
fn send(
    packet: &[u8],
    nodes: &[Node],
    mut run: impl FnMut(&[u8]) -> (u16, String),
    mut post: impl FnMut(&[u8]) -> (u16, Vec<u8>),
) -> Answer {
    let mut arrived = packet.to_vec();
    let mut relays = Vec::new();
    let find = |key| nodes.iter().find(|node| *node.ed25519() == key);
    let mut at = &nodes[0];
    let mut answer = loop {
        let arrival = if relays.is_empty() {
            Arrival::https(&arrived)
        } else {
            Arrival::node(&arrived)
        };
        match arrival.and_then(|arrival| at.peel(&mut rng(), &arrival, &[])) {
            Err(refused) => break refused.answer,
            Ok(Peeled::Deliver(deliver)) => {
                let (status, text) = run(&deliver.body);
                break deliver.reply(&mut rng(), status, ReplyBody::Text(&text));
            }
            Ok(Peeled::Exit(exit)) => {
                let (status, body) = post(&exit.payload);
                break exit.answered(status, body);
            }
            Ok(Peeled::Relay(relay)) => match find(relay.next) {
                None => break relay.not_found(),
                Some(node) => {
                    at = node;
                    arrived = relay.message();
                    relays.push(relay);
                }
            },
        }
    };
    for relay in relays.iter().rev() {
        let [status, body] = answer.to_parts();
        answer = relay.answered(&[&status, &body]);
    }
    answer
}

fn nodes(count: usize) -> Vec<Node> {
    (1..).take(count).map(node).collect()
}

fn path(ciphers: &[Cipher]) -> Vec<Hop> {
    let hops = (1..).zip(ciphers);
    hops.map(|(number, cipher)| hop(number).with_cipher(*cipher))
        .collect()
}

fn nobody(_: &[u8]) -> (u16, Vec<u8>) {
    panic!("posted")
}

fn cipher() -> impl Strategy<Value = Cipher> {
    prop_oneof![Just(Cipher::XChaCha20), Just(Cipher::AesGcm)]
}

fn mixes() -> impl Strategy<Value = Vec<Cipher>> {
    prop::collection::vec(cipher(), 1..=9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_storage_request_comes_through_and_its_answer_back(
        ciphers in mixes(),
        body in prop::collection::vec(any::<u8>(), 0..3000),
        status in 0u16..1000,
        text in any::<String>(),
        base64 in any::<bool>(),
        json in any::<bool>(),
    ) {
        let mut path = path(&ciphers);
        let destination = path.pop().unwrap();
        let options = StorageOptions { json, base64 };
        let request = Request::Storage { node: &destination, body: &body, options };
        let sealed = client::seal(&mut rng(), &path, &request).unwrap();
        assert_eq!(format!("{:?}", sealed.reply_key), "ReplyKey(..)");
        let run = |came: &[u8]| {
            assert_eq!(came, body);
            (status, text.clone())
        };
        let answer = send(&sealed.packet, &nodes(ciphers.len()), run, nobody);
        prop_assert_eq!(answer.status, 200);
        let reply = sealed.reply_key.open(answer.status, &answer.body).unwrap();
        prop_assert_eq!(reply.status, status);
        prop_assert_eq!(reply.body.unwrap(), text.into_bytes());
    }

    #[test]
    fn a_server_request_comes_through_and_its_answer_back(
        ciphers in mixes(),
        body in prop::option::of(prop::collection::vec(any::<u8>(), 0..3000)),
        endpoint in "/[ -~]{0,40}",
        headers in prop::collection::btree_map("X-[a-zA-Z]{1,8}", any::<String>(), 0..4),
        code in any::<u16>(),
        answer in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let keys = ServerKeys::new(X25519Secret::from_bytes([0x77; 32]));
        let mut path = path(&ciphers);
        let cipher = ciphers[ciphers.len() - 1];
        path.pop();
        let server = Server::new(*keys.public(), "http://", "example.org").unwrap();
        let server = server.with_cipher(cipher).with_port(8080);
        let headers: Vec<_> = headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let request = v4::Request { method: "POST", endpoint: &endpoint, headers: &headers, body: body.as_deref() };
        let sealed = client::seal(&mut rng(), &path, &Request::server(&server, request)).unwrap();
        let post = |posted: &[u8]| {
            let opened = keys.open(posted).unwrap();
            (200, opened.answer_v4(&mut rng(), |came| {
                assert_eq!(came.method, "POST");
                assert_eq!(came.endpoint, endpoint);
                assert_eq!(came.body, body.clone().unwrap_or_default());
                for (name, value) in &headers {
                    assert!(came.headers.iter().any(|came| came.name == *name && came.value == *value));
                }
                let kind = came.headers.iter().find(|came| came.name == "Content-Type");
                assert_eq!(kind.is_some(), body.is_some());
                v4::Response { code, headers: &[("A", "b")], body: &answer }.encode()
            }).unwrap())
        };
        let (status, sent) = if path.is_empty() {
            post(&sealed.packet)
        } else {
            let run = |_: &[u8]| -> (u16, String) { panic!("delivered") };
            let answer = send(&sealed.packet, &nodes(path.len()), run, post);
            (answer.status, answer.body)
        };
        let reply = sealed.reply_key.open(status, &sent).unwrap();
        prop_assert_eq!(reply.status, code);
        prop_assert_eq!(reply.headers[0].name.as_str(), "a");
        prop_assert_eq!(reply.body.unwrap(), answer);
    }
}

#[test]
fn large_bodies_come_through() {
    for size in [65_535, 65_536, 1 << 20, 10_000_000] {
        let body = vec![b'x'; size];
        let mut path = path(&[Cipher::XChaCha20, Cipher::AesGcm, Cipher::XChaCha20]);
        let destination = path.pop().unwrap();
        let request = Request::storage(&destination, &body);
        let sealed = client::seal(&mut rng(), &path, &request).unwrap();
        let run = |came: &[u8]| {
            assert_eq!(came.len(), size);
            (200, "y".repeat(size / 2))
        };
        let answer = send(&sealed.packet, &nodes(3), run, nobody);
        let reply = sealed.reply_key.open(answer.status, &answer.body).unwrap();
        assert_eq!(reply.body.unwrap().len(), size / 2);
    }
}

#[test]
fn no_packet_is_longer_than_a_node_takes() {
    let destination = hop(1);
    let length = |body: usize| {
        let body = vec![0; body];
        let sealed = client::seal(
            &mut rng(),
            &[hop(2)],
            &Request::storage(&destination, &body),
        );
        sealed.map(|sealed| sealed.packet.len())
    };
    let around = length(0).unwrap();
    assert_eq!(length(MAX_PACKET_LENGTH - around), Ok(MAX_PACKET_LENGTH));
    let too_long = length(MAX_PACKET_LENGTH - around + 1);
    assert_eq!(too_long, Err(BuildError::TooLong(MAX_PACKET_LENGTH + 1)));
    let too_long = length(MAX_PACKET_LENGTH + 1);
    assert!(matches!(too_long, Err(BuildError::TooLong(_))));
}

#[test]
fn one_buffer_is_enough_for_a_packet() {
    for hops in 0..=15u8 {
        for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
            let path: Vec<Hop> = (0..hops)
                .map(|number| hop(number).with_cipher(cipher))
                .collect();
            let destination = hop(99).with_cipher(cipher);
            let sealed = client::seal(&mut rng(), &path, &Request::storage(&destination, b"x"));
            // A buffer that had grown would have twice the capacity.
            let packet = sealed.unwrap().packet;
            assert!(packet.capacity() - packet.len() < 60 * (usize::from(hops) + 2));

            let server = Server::new(*hop(99).x25519(), "https", &"h".repeat(200)).unwrap();
            let server = server.with_target(&format!("/loki/{}/lsrpc", "\"".repeat(300)));
            let server = server.unwrap().with_cipher(cipher);
            let request = Request::server(&server, v4::Request::get("/"));
            let packet = client::seal(&mut rng(), &path, &request).unwrap().packet;
            assert!(packet.capacity() - packet.len() < 60 * (usize::from(hops) + 2) + 1100);
        }
    }
}

#[test]
fn a_path_has_at_most_sixteen_nodes() {
    let hops: Vec<Hop> = (1..=16).map(hop).collect();
    let destination = hop(16);
    let storage = Request::storage(&destination, b"{}");
    let seal = |hops: &[Hop], request: &Request<'_>| client::seal(&mut rng(), hops, request);

    // The longest that is built is also the longest that comes through.
    let sealed = seal(&hops[..15], &storage).unwrap();
    let answer = send(&sealed.packet, &nodes(16), |_| (200, String::new()), nobody);
    assert_eq!(
        sealed
            .reply_key
            .open(answer.status, &answer.body)
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        seal(&hops, &storage).unwrap_err(),
        BuildError::TooManyNodes(17)
    );

    let server = Server::new(*hop(1).x25519(), "https", "example.org").unwrap();
    let request = Request::server(&server, v4::Request::get("/"));
    assert!(seal(&hops, &request).is_ok());
    let seventeen: Vec<Hop> = (1..=17).map(hop).collect();
    assert_eq!(
        seal(&seventeen, &request).unwrap_err(),
        BuildError::TooManyNodes(17)
    );
}

#[test]
fn a_key_of_small_order_is_named() {
    let bad = |number: u8| {
        Hop::new(
            *hop(number).ed25519(),
            session_crypto::X25519Public::from_bytes([0; 32]),
        )
    };
    let seal = |path: &[Hop], destination: &Hop| {
        client::seal(&mut rng(), path, &Request::storage(destination, b"")).unwrap_err()
    };
    assert_eq!(seal(&[hop(1), hop(2)], &bad(3)), BuildError::Key(2));
    assert_eq!(seal(&[hop(1), bad(2)], &hop(3)), BuildError::Key(1));
    assert_eq!(
        seal(&[bad(1).prepare(), hop(2)], &hop(3)),
        BuildError::Key(0)
    );
}

#[test]
fn no_ephemeral_key_is_used_twice() {
    let destination = hop(4);
    let path = path(&[Cipher::XChaCha20; 3]);
    let request = Request::storage(&destination, b"");
    let Sealed { packet, .. } = client::seal(&mut rng(), &path, &request).unwrap();
    let mut keys = Vec::new();
    let mut arrived = packet;
    for (index, node) in nodes(4).iter().enumerate() {
        let arrival = if index == 0 {
            Arrival::https(&arrived).unwrap()
        } else {
            Arrival::node(&arrived).unwrap()
        };
        assert!(!keys.contains(&arrival.layer().ephemeral_key));
        keys.push(arrival.layer().ephemeral_key);
        if let Peeled::Relay(relay) = node.peel(&mut rng(), &arrival, &[]).unwrap() {
            arrived = relay.message();
        }
    }
    assert_eq!(keys.len(), 4);
}

#[cfg(feature = "aes-cbc")]
#[test]
fn a_client_sends_no_layer_without_authentication() {
    let weak = hop(1).with_cipher(Cipher::AesCbc);
    let request = Request::storage(&weak, b"");
    assert_eq!(
        client::seal(&mut rng(), &[], &request).unwrap_err(),
        BuildError::Cipher
    );
    let good = hop(2);
    let request = Request::storage(&good, b"");
    assert_eq!(
        client::seal(&mut rng(), &[weak], &request).unwrap_err(),
        BuildError::Cipher
    );
}

#[cfg(feature = "aes-cbc")]
#[test]
fn a_layer_of_an_old_client_is_taken_and_answered_in_kind() {
    use crate::support::{decrypt, frame, layer_for};
    let node = node(1);
    for size in 0..40 {
        let body = vec![b'x'; size];
        let made = layer_for(&node, Cipher::AesCbc, &frame(&body, r#"{"headers":{}}"#));
        let arrival = Arrival::https(&made.packet).unwrap();
        let Ok(Peeled::Deliver(deliver)) = node.peel(&mut rng(), &arrival, &[]) else {
            panic!("not delivered");
        };
        assert_eq!(deliver.body, body);
        let answer = deliver.reply(&mut rng(), 200, ReplyBody::Text("ok"));
        assert_eq!(decrypt(&made.key, &answer), r#"{"body":"ok","status":200}"#);
    }
}
