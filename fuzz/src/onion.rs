//! Onion requests, both sides. Every layer key is known here, so that anything can stand inside of
//! a layer, and inside of an answer, with a right tag.

use session_crypto::{Ed25519Secret, X25519Secret};
use session_onion::client::{self, Hop, Reply, ReplyError, Request, Server, StorageOptions};
use session_onion::frame::Frame;
use session_onion::node::{Arrival, Node, Peeled, ReplyBody};
use session_onion::packet::Layer;
use session_onion::payload::{v3, v4};
use session_onion::quic::{self, Message};
use session_onion::server::ServerKeys;
use session_onion::status::{Claim, ReplyKind};
use session_onion::{Cipher, LayerKey};

use crate::input::{Input, rng};

fn node(number: u8) -> Node {
    let secret = Ed25519Secret::from_seed(&[number; 32]);
    Node::new(secret.public(), secret.to_x25519())
}

fn hop(number: u8) -> Hop {
    let node = node(number);
    Hop::new(*node.ed25519(), *node.x25519())
}

/// The server that an exit posts to.
fn server_keys() -> ServerKeys {
    ServerKeys::new(X25519Secret::from_bytes([0x33; 32]))
}

const fn sent_cipher(number: u8) -> Cipher {
    if number & 1 == 0 {
        Cipher::XChaCha20
    } else {
        Cipher::AesGcm
    }
}

const fn any_cipher(number: u8) -> Cipher {
    match number % 3 {
        0 => Cipher::XChaCha20,
        1 => Cipher::AesGcm,
        _ => Cipher::AesCbc,
    }
}

/// The outermost layer in its two forms, and the frame.
pub fn layer(data: &[u8]) {
    if let Ok(frame) = Frame::parse(data) {
        assert_eq!(
            frame.blob.len() + frame.json.len() + Frame::HEAD,
            data.len()
        );
    }
    if let Ok(layer) = Layer::from_packet(data) {
        let written = layer.to_packet().expect("it is short");
        assert_eq!(Layer::from_packet(&written), Ok(layer));
    }
    if let Ok(layer) = Layer::from_message(data) {
        assert_eq!(Layer::from_message(&layer.to_message()), Ok(layer));
    }
}

/// What strangers send to a node, by each of the three ways.
pub fn peel(data: &[u8]) {
    for arrival in [
        Arrival::https(data),
        Arrival::quic(data),
        Arrival::node(data),
    ] {
        if let Ok(arrival) = arrival {
            let _ = node(1).peel(&mut rng(), &arrival, &[]);
        }
    }
}

/// A layer for node 1 that a client has made by hand.
fn layer_for(cipher: Cipher, plaintext: &[u8]) -> (Vec<u8>, Vec<u8>, LayerKey) {
    let ephemeral = X25519Secret::from_bytes([0x42; 32]);
    let public = ephemeral.public();
    let key =
        LayerKey::for_client(cipher, &ephemeral, &public, node(1).x25519()).expect("good keys");
    let layer = Layer {
        ciphertext: &key.seal(&mut rng(), plaintext).expect("it is short"),
        ephemeral_key: public,
        cipher,
        hop_no: 0,
    };
    (
        layer.to_packet().expect("it is short"),
        layer.to_message(),
        key,
    )
}

/// Anything inside of a layer: the routing JSON above all. With an even first byte the frame's
/// length is made right, so that the JSON is reached.
pub fn peel_inside(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let mut plaintext = Vec::new();
    if flags & 1 == 0 {
        let blob = input.piece();
        plaintext.extend_from_slice(&(blob.len() as u32).to_le_bytes());
        plaintext.extend_from_slice(blob);
    }
    plaintext.extend_from_slice(input.rest());
    let (packet, message, key) = layer_for(any_cipher(flags >> 1), &plaintext);
    let by_packet = Arrival::https(&packet).expect("ours");
    let by_message = Arrival::node(&message).expect("ours");
    for arrival in [by_packet, by_message] {
        match node(1).peel(&mut rng(), &arrival, &[]) {
            Ok(Peeled::Relay(relay)) => {
                let forwarded = relay.message();
                assert_eq!(Layer::from_message(&forwarded), Ok(relay.layer()));
                let _ = (relay.not_found(), relay.unreachable(), relay.timed_out());
                let _ = relay.answered(&[data]);
            }
            Ok(Peeled::Exit(exit)) => {
                let url = exit.url();
                assert!(url.starts_with("http://") || url.starts_with("https://"));
                let _ = (exit.failed("error"), exit.timed_out("error"));
            }
            Ok(Peeled::Deliver(deliver)) => {
                assert!(
                    plaintext
                        .windows(deliver.body.len().max(1))
                        .any(|piece| piece == deliver.body)
                        || deliver.body.is_empty()
                );
                let _ = deliver.reply(&mut rng(), 200, ReplyBody::Text("answer"));
            }
            Err(refused) if refused.answer.status == 200 => {
                // A refusal in the key of the layer is not plain text.
                let _ = key.open(&refused.answer.body);
            }
            Err(_) => {}
        }
    }
}

/// Answers as a guard gives them, and answers that the destination made of anything.
pub fn reply(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let body = input.rest();
    let _ = (
        Claim::of(502, &String::from_utf8_lossy(body)),
        ReplyKind::of(200, body),
    );

    let secret = Ed25519Secret::from_seed(&[5; 32]).to_x25519();
    let destination = hop(5).with_cipher(sent_cipher(flags));
    let options = StorageOptions {
        json: flags & 2 == 2,
        base64: flags & 4 == 4,
    };
    let storage = Request::Storage {
        node: &destination,
        body: b"request",
        options,
    };
    let keys = server_keys();
    let server = Server::new(*keys.public(), "https", "example.com").expect("a good host");
    let server = server.with_cipher(sent_cipher(flags));
    let external = Request::server(&server, v4::Request::get("/"));
    for (request, secret) in [
        (storage, secret),
        (external, X25519Secret::from_bytes([0x33; 32])),
    ] {
        let seal = || client::seal(&mut rng(), &[hop(1)], &request).expect("good keys");
        // As it is, with whatever status.
        for status in [200, 500, 502, 503, 421] {
            finish(seal().reply_key.open(status, body));
        }
        // Without a path the packet shows the ephemeral key of the destination's layer; the
        // generator is the same, so it is the same key. With one hop, its refusals can be made.
        let direct = client::seal(&mut rng(), &[], &request).expect("good keys");
        let layer = Layer::from_packet(&direct.packet).expect("ours");
        let public = secret.public();
        let key = LayerKey::for_server(layer.cipher, &secret, &public, &layer.ephemeral_key);
        let sealed = key
            .expect("good keys")
            .seal(&mut rng(), body)
            .expect("it is short");
        let answer = match options.base64 && matches!(request, Request::Storage { .. }) {
            true => base64(&sealed),
            false => sealed,
        };
        finish(direct.reply_key.open(200, &answer));
    }
}

fn finish(outcome: Result<Reply, ReplyError>) {
    match outcome {
        Ok(reply) => {
            let _ = (reply.kind(), reply.batch_status());
        }
        Err(error) => drop((error.to_string(), error.evidence())),
    }
}

/// Padded base64, written here so that a mistake in the crates would show.
pub(crate) fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|index| u32::from(chunk.get(index).copied().unwrap_or(0)));
        let group = a << 16 | b << 8 | c;
        for index in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= chunk.len() { digit } else { b'=' });
        }
    }
    out
}

/// Client against nodes: a request through 0 to 3 hops arrives as it was, and so does its answer.
pub fn roundtrip(data: &[u8]) {
    let mut input = Input::new(data);
    let (flags, ciphers) = (input.byte(), input.byte());
    let status = u16::from_le_bytes(input.array());
    let path: Vec<Hop> = (0..flags % 4)
        .map(|index| hop(index + 1).with_cipher(sent_cipher(ciphers >> index)))
        .collect();
    let answer = String::from_utf8_lossy(input.piece()).into_owned();
    let destination = hop(5).with_cipher(sent_cipher(ciphers >> 7));
    let body = input.rest();
    let request = Request::Storage {
        node: &destination,
        body,
        options: StorageOptions {
            json: flags & 16 == 16,
            base64: flags & 32 == 32,
        },
    };
    let sealed = client::seal(&mut rng(), &path, &request).expect("good keys");
    let mut arrived = sealed.packet;
    let mut next = if path.is_empty() { node(5) } else { node(1) };
    let mut is_guard = true;
    let deliver = loop {
        let arrival = match is_guard {
            true => Arrival::https(&arrived),
            false => Arrival::node(&arrived),
        };
        is_guard = false;
        match next
            .peel(&mut rng(), &arrival.expect("ours"), &[])
            .expect("ours")
        {
            Peeled::Relay(relay) => {
                let numbers = [1, 2, 3, 5];
                let number = numbers
                    .into_iter()
                    .find(|number| *node(*number).ed25519() == relay.next);
                next = node(number.expect("one of the path"));
                arrived = relay.message();
            }
            Peeled::Deliver(deliver) => break deliver,
            Peeled::Exit(_) => panic!("not a server"),
        }
    };
    assert_eq!(deliver.body, body);
    let reply = deliver.reply(&mut rng(), status, ReplyBody::Text(&answer));
    let reply = sealed
        .reply_key
        .open(reply.status, &reply.body)
        .expect("ours");
    assert_eq!(reply.status, status);
    assert_eq!(reply.body.as_deref(), Some(answer.as_bytes()));
}

/// What an exit posts to a server: from strangers, and rightly sealed.
pub fn server(data: &[u8]) {
    let keys = server_keys();
    let _ = keys.open(data);
    let ephemeral = X25519Secret::from_bytes([0x42; 32]);
    let public = ephemeral.public();
    let key = LayerKey::for_client(Cipher::XChaCha20, &ephemeral, &public, keys.public());
    let layer = Layer {
        ciphertext: &key
            .expect("good keys")
            .seal(&mut rng(), data)
            .expect("it is short"),
        ephemeral_key: public,
        cipher: Cipher::XChaCha20,
        hop_no: 0,
    };
    let posted = layer.to_packet().expect("it is short");
    let answer = |_: v4::Received| v4::Response::INVALID.encode();
    keys.open(&posted)
        .expect("ours")
        .answer_v4(&mut rng(), answer)
        .expect("it is short");
    let answer = |received: v3::Received| (200, received.body.into_bytes());
    keys.open(&posted)
        .expect("ours")
        .answer_v3(&mut rng(), answer)
        .expect("it is short");
}

/// Requests to servers, version 4: parsed, and built and parsed.
pub fn v4(data: &[u8]) {
    let _ = v4::Received::parse(data.to_vec());
    let mut input = Input::new(data);
    let has_body = input.flag();
    let texts = [(); 4].map(|()| String::from_utf8_lossy(input.piece()).into_owned());
    let [method, endpoint, name, value] = &texts;
    let body = input.rest();
    let request = v4::Request {
        method,
        endpoint,
        headers: &[(name, value)],
        body: has_body.then_some(body),
    };
    if let Ok(received) = v4::Received::parse(request.encode()) {
        assert_eq!(received.method, *method);
        assert_eq!(received.body, if has_body { body } else { &[] });
    }
}

/// Requests to servers, version 3.
pub fn v3(data: &[u8]) {
    let _ = v3::Received::parse(data);
}

/// Messages of a QUIC stream.
pub fn quic(data: &[u8]) {
    let _ = quic::error_status(data);
    let Ok(Some((message, length))) = Message::read(data) else {
        return;
    };
    assert!(length <= data.len());
    let written = message.encode().expect("its length is one of ours");
    let (again, whole) = Message::read(&written).expect("ours").expect("it is whole");
    assert_eq!((again, whole), (message, written.len()));
    let node = hop(5);
    let request = Request::storage(&node, b"request");
    let sealed = client::seal(&mut rng(), &[hop(1)], &request).expect("good keys");
    finish(sealed.reply_key.open_quic(&message));
}
