//! The vectors of `tests/vectors/onion.json`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use session_crypto::{Blake2b, Ed25519Public, X25519Public, X25519Secret};
use session_onion::client::{self, Hop, Request, Sealed, Server};
use session_onion::frame::Frame;
use session_onion::node::{Arrival, Exit, Node, Peeled};
use session_onion::packet::Layer;
use session_onion::payload::{Header, v4};
use session_onion::server::ServerKeys;
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

fn node(case: Case<'_>) -> Node {
    let node = Node::new(ed25519(case), secret(case, "x25519_sk"));
    assert_eq!(*node.x25519(), public(case, "x25519_pk"));
    node
}

/// Some of the packets are built with prepared hops: it must make no difference.
fn hop(case: Case<'_>, cipher: Cipher, prepared: bool) -> Hop {
    let hop = Hop::from_ed25519(ed25519(case))
        .unwrap()
        .with_cipher(cipher);
    assert_eq!(*hop.x25519(), public(case, "x25519_pk"));
    if prepared { hop.prepare() } else { hop }
}

fn pairs(case: Case<'_>, field: &str) -> Vec<(String, String)> {
    let pairs = case.value(field).as_array().map(Vec::as_slice);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let pair = |pair: &serde_json::Value| (text(&pair[0]), text(&pair[1]));
    pairs.unwrap_or_default().iter().map(pair).collect()
}

fn seal_for_server(
    case: Case<'_>,
    path: &[Hop],
    prepared: bool,
    body: Option<&[u8]>,
    rng: &mut Replay,
) -> Sealed {
    let to = case.object("destination");
    let key = public(to, "x25519_pk");
    let mut server = Server::new(key, to.text("protocol"), to.text("host"))
        .unwrap()
        .with_cipher(cipher(case));
    if to.has("port") {
        server = server.with_port(u16::try_from(to.number("port")).unwrap());
    }
    if prepared {
        server = server.prepare();
    }
    let headers = pairs(to, "headers");
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let request = v4::Request {
        method: to.text("method"),
        endpoint: to.text("endpoint"),
        headers: &headers,
        body,
    };
    assert_eq!(const_hex::encode(request.encode()), case.text("payload"));
    client::seal(rng, path, &Request::server(&server, request)).unwrap()
}

/// Bytes that are given, or of which the length and a hash are given.
fn check_bytes(case: Case<'_>, field: &str, bytes: &[u8]) {
    if case.has(field) {
        assert_eq!(const_hex::encode(bytes), case.text(field));
    } else {
        assert_eq!(bytes.len() as u64, case.number(&format!("{field}_size")));
        let hash = Blake2b::<32>::new().chain(bytes).finalize();
        assert_eq!(hash, case.array(&format!("{field}_blake2b_32")));
    }
}

fn open(layer: &Layer<'_>, secret: &X25519Secret) -> Vec<u8> {
    LayerKey::for_server(layer.cipher, secret, &secret.public(), &layer.ephemeral_key)
        .unwrap()
        .open(layer.ciphertext)
        .unwrap()
}

fn build(case: Case<'_>, prepared: bool) {
    let cipher = cipher(case);
    let hops = case.list("hops");
    let path: Vec<Hop> = hops
        .iter()
        .map(|case| hop(*case, cipher, prepared))
        .collect();
    let to = case.object("destination");
    let is_node = to.text("type") == "snode";
    let body = case.opt_hex("body");

    let mut rng = Replay::new(case.hexes("random"));
    let sealed = if is_node {
        let node = hop(to, cipher, prepared);
        let body = body.as_deref().unwrap_or_default();
        client::seal(&mut rng, &path, &Request::storage(&node, body)).unwrap()
    } else {
        seal_for_server(case, &path, prepared, body.as_deref(), &mut rng)
    };
    assert!(rng.is_used_up());
    assert_eq!(const_hex::encode(&sealed.packet), case.text("onion"));

    // Each node of the path opens its layer and passes the one inside on.
    let mut arrived = sealed.packet;
    let mut posted = None;
    for (index, (hop, expected)) in hops.iter().zip(case.list("layers")).enumerate() {
        let arrival = if index == 0 {
            Arrival::https(&arrived).unwrap()
        } else {
            Arrival::node(&arrived).unwrap()
        };
        let plaintext = open(arrival.layer(), &secret(*hop, "x25519_sk"));
        check_bytes(expected, "plaintext", &plaintext);
        assert_eq!(
            Frame::parse(&plaintext).unwrap().json,
            expected.text("routing")
        );
        match node(*hop)
            .peel(&mut Replay::new([]), &arrival, &[])
            .unwrap()
        {
            Peeled::Relay(relay) => {
                let next = hops.get(index + 1).copied().unwrap_or(to);
                assert_eq!(relay.next, ed25519(next));
                arrived = relay.message();
            }
            Peeled::Exit(exit) => {
                check_url(&exit, to);
                assert_eq!(exit.payload, plaintext);
                posted = Some(exit.payload);
            }
            Peeled::Deliver(_) => panic!("delivered on the way"),
        }
    }

    if is_node {
        let arrival = if hops.is_empty() {
            Arrival::https(&arrived).unwrap()
        } else {
            Arrival::node(&arrived).unwrap()
        };
        assert_eq!(
            arrival.layer().ephemeral_key,
            public(case, "final_x25519_pk")
        );
        let plaintext = open(arrival.layer(), &secret(to, "x25519_sk"));
        check_bytes(case, "final_plaintext", &plaintext);
        assert_eq!(
            Frame::parse(&plaintext).unwrap().json,
            case.text("final_control")
        );
        let peeled = node(to).peel(&mut Replay::new([]), &arrival, &[]).unwrap();
        let Peeled::Deliver(deliver) = peeled else {
            panic!("not delivered");
        };
        assert_eq!(deliver.body, body.unwrap_or_default());
        assert!(deliver.replier.wants_base64() && !deliver.replier.wants_json());
    } else {
        let keys = ServerKeys::new(secret(to, "x25519_sk"));
        assert_eq!(*keys.public(), public(to, "x25519_pk"));
        let opened = keys.open(posted.as_ref().unwrap_or(&arrived)).unwrap();
        check_bytes(case, "final_plaintext", &opened.plaintext);
        if !matches!(to.text("method"), "GET" | "DELETE") {
            let request = v4::Received::parse(opened.plaintext).unwrap();
            assert_eq!(request.method, to.text("method"));
            assert_eq!(request.endpoint, to.text("endpoint"));
            assert_eq!(request.body, body.unwrap_or_default());
        }
    }

    if case.has("reply_plaintext") {
        let client = secret(case, "final_x25519_sk");
        let server = secret(to, "x25519_sk");
        let (ephemeral, key) = (client.public(), server.public());
        let plaintext = case.hex("reply_plaintext");
        let mut rng = Replay::new(case.hexes("reply_random"));
        let at_server = LayerKey::for_server(cipher, &server, &key, &ephemeral).unwrap();
        let sealed = at_server.seal(&mut rng, &plaintext).unwrap();
        assert_eq!(sealed, case.hex("reply_encrypted"));
        let at_client = LayerKey::for_client(cipher, &client, &ephemeral, &key).unwrap();
        assert_eq!(at_client.open(&sealed).unwrap(), plaintext);
    }
}

fn check_url(exit: &Exit, server: Case<'_>) {
    let protocol = server.text("protocol").trim_end_matches("://");
    let default = if protocol == "http" { 80 } else { 443 };
    let port = server.value("port").as_u64().unwrap_or(default);
    assert_eq!(exit.protocol, protocol);
    assert_eq!(exit.host, server.text("host"));
    assert_eq!(u64::from(exit.port), port);
    assert_eq!(exit.target, "/oxen/v4/lsrpc");
    let port = if port == default {
        String::new()
    } else {
        format!(":{port}")
    };
    let host = &exit.host;
    assert_eq!(
        exit.url(),
        format!("{protocol}://{host}{port}/oxen/v4/lsrpc")
    );
}

fn response(case: Case<'_>) {
    let key = public(case, "destination_x25519_pk");
    let secret = case.hex("final_x25519_sk");
    let nonce = vec![0; cipher(case).nonce_length()];
    let mut rng = Replay::new([secret, nonce]);
    let (sealed, status, body) = match case.number("version") {
        3 => {
            let node = Hop::new(Ed25519Public::from_bytes([0; 32]), key).with_cipher(cipher(case));
            let sealed = client::seal(&mut rng, &[], &Request::storage(&node, b"")).unwrap();
            (sealed, 200, case.text("response_text").as_bytes().to_vec())
        }
        4 => {
            let server = Server::new(key, "https", "example.org").unwrap();
            let server = server.with_cipher(cipher(case));
            let request = Request::server(&server, v4::Request::get("/"));
            let sealed = client::seal(&mut rng, &[], &request).unwrap();
            (sealed, 200, case.hex("response"))
        }
        other => panic!("version {other}"),
    };
    let reply = sealed.reply_key.open(status, &body);
    assert_eq!(reply.is_ok(), case.flag("ok"), "{reply:?}");
    if let Ok(reply) = reply {
        assert_eq!(u64::from(reply.status), case.number("status"));
        let headers = pairs(case, "headers");
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| Header { name, value })
            .collect();
        assert_eq!(reply.headers, headers);
        assert_eq!(reply.body, case.opt_hex("body"));
    }
}

#[test]
fn onion() {
    let vectors = Vectors::load("onion");
    let mut index = 0u32;
    vectors.each("build", |case| {
        index += 1;
        build(case, index.is_multiple_of(4));
    });
    vectors.each("response", response);
    vectors.each("hop_parse", |case| {
        let opened = ServerKeys::new(secret(case, "hop_x25519_sk")).open(&case.hex("request"));
        assert_eq!(opened.is_ok(), case.flag("ok"), "{opened:?}");
        if let Ok(opened) = opened {
            assert_eq!(opened.plaintext, case.hex("plaintext"));
        }
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
        let cipher = cipher(case);
        let at_server = LayerKey::for_server(cipher, &server, &server_pk, &client_pk).unwrap();
        let at_client = LayerKey::for_client(cipher, &client, &client_pk, &server_pk).unwrap();
        for (field, key) in [
            ("client_to_server", &at_server),
            ("server_to_client", &at_client),
        ] {
            let sealed = case.hex(field);
            assert_eq!(key.open(&sealed).unwrap(), plaintext);
            // The same key and nonce give the same bytes.
            let nonce = sealed[..cipher.nonce_length()].to_vec();
            assert_eq!(
                key.seal(&mut Replay::new([nonce]), &plaintext).unwrap(),
                sealed
            );
        }
    });
}
