//! Malformed input: no panic, a typed error, bounded memory.

use proptest::prelude::*;
use session_crypto::X25519Secret;
use session_onion::client::{self, MalformedReply, ReplyError, Request, Server};
use session_onion::frame::Frame;
use session_onion::node::{Arrival, Node, Peeled, Reason, ReplyBody};
use session_onion::packet::Layer;
use session_onion::payload::{v3, v4};
use session_onion::server::ServerKeys;
use session_onion::status::Claim;
use session_onion::{Cipher, LayerKey};

use crate::support::{frame, hop, layer_for, node, peel, rng};

/// A packet for node 2 behind node 1.
fn packet(cipher: Cipher) -> (Vec<u8>, client::ReplyKey) {
    let path = [hop(1).with_cipher(cipher)];
    let destination = hop(2).with_cipher(cipher);
    let sealed = client::seal(&mut rng(), &path, &Request::storage(&destination, b"{}")).unwrap();
    (sealed.packet, sealed.reply_key)
}

fn at(node: &Node, arrival: &Arrival<'_>) -> Result<Peeled, Reason> {
    let peeled = node.peel(&mut rng(), arrival, &[]);
    peeled.map_err(|refused| refused.reason)
}

#[test]
fn no_truncated_packet_comes_through() {
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        let (packet, _) = packet(cipher);
        for end in 0..packet.len() {
            assert!(matches!(
                Arrival::https(&packet[..end]).unwrap_err().reason,
                Reason::Packet(_)
            ));
        }
    }
}

#[test]
fn no_flipped_bit_comes_through() {
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        let (packet, _) = packet(cipher);
        let guard = node(1);
        let good = *Arrival::https(&packet).unwrap().layer();
        for bit in 0..packet.len() * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(arrival) = Arrival::https(&changed) else {
                continue;
            };
            // A hex digit has two cases, and the ciphers have two names: that changes nothing.
            let layer = arrival.layer();
            if *layer == good {
                continue;
            }
            // X25519 passes over bit 255 of a key, and aes-gcm does not hash the key.
            let mut key = layer.ephemeral_key.to_bytes();
            key[31] ^= 0x80;
            if cipher == Cipher::AesGcm && key == good.ephemeral_key.to_bytes() {
                assert!(at(&guard, &arrival).is_ok());
                continue;
            }
            let error = at(&guard, &arrival).unwrap_err();
            assert_eq!(error, Reason::Decrypt, "bit {bit}");
        }
    }
}

#[test]
fn no_truncated_or_changed_message_comes_through() {
    let (packet, _) = packet(Cipher::XChaCha20);
    let Ok(Peeled::Relay(relay)) = at(&node(1), &Arrival::https(&packet).unwrap()) else {
        panic!("no relay");
    };
    let (message, good, next) = (relay.message(), relay.layer(), node(2));
    for end in 0..message.len() {
        assert!(matches!(
            Arrival::node(&message[..end]).unwrap_err().reason,
            Reason::Packet(_)
        ));
    }
    for bit in 0..message.len() * 8 {
        let mut changed = message.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(arrival) = Arrival::node(&changed) else {
            continue;
        };
        let layer = arrival.layer();
        let same = Layer {
            hop_no: good.hop_no,
            ..*layer
        } == good;
        match at(&next, &arrival) {
            Ok(_) => assert!(same, "bit {bit}"),
            Err(Reason::TooManyHops) => assert!(layer.hop_no > 15),
            Err(error) => assert_eq!(error, Reason::Decrypt),
        }
    }
}

#[test]
fn no_truncated_or_changed_answer_is_believed() {
    let (destination, guard) = (node(2), node(1));
    let answer = |packet: &[u8]| {
        let Ok(Peeled::Relay(relay)) = at(&guard, &Arrival::https(packet).unwrap()) else {
            panic!("no relay");
        };
        let message = relay.message();
        let Ok(Peeled::Deliver(deliver)) = at(&destination, &Arrival::node(&message).unwrap())
        else {
            panic!("not delivered");
        };
        deliver.reply(&mut rng(), 200, ReplyBody::Text("ok"))
    };
    // The generator is the same, so each of these packets is.
    let (first, _) = packet(Cipher::XChaCha20);
    let good = answer(&first).body;
    let text = core::str::from_utf8(&good)
        .unwrap()
        .trim_end_matches('=')
        .len();
    for end in 0..text {
        let (_, key) = packet(Cipher::XChaCha20);
        key.open(200, &good[..end]).unwrap_err();
    }
    for bit in 0..text * 8 {
        let (_, key) = packet(Cipher::XChaCha20);
        let mut changed = good.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        key.open(200, &changed).unwrap_err();
    }
    let (_, key) = packet(Cipher::XChaCha20);
    assert_eq!(key.open(200, &good).unwrap().body.unwrap(), b"ok");
}

#[test]
fn lengths_that_lie_are_refused() {
    let node = node(1);
    for length in [
        1u32,
        2,
        3,
        15,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_fffc,
        0xffff_ffff,
    ] {
        let mut plaintext = length.to_le_bytes().to_vec();
        plaintext.extend_from_slice(br#"{"headers":{}}"#);
        let error = peel(&node, &plaintext).unwrap_err();
        assert!(matches!(error.reason, Reason::Content(_)), "{length}");
        Frame::parse(&plaintext[..4]).unwrap_err();
    }
}

#[test]
fn megabytes_of_white_space_are_nothing() {
    let json = format!(
        "{0}{{{0}\"headers\"{0}:{0}{{}}{0}}}{0}",
        " \t\r\n".repeat(400_000)
    );
    assert!(json.len() > 9_000_000);
    assert!(matches!(
        peel(&node(1), &frame(b"x", &json)),
        Ok(Peeled::Deliver(_))
    ));
    let error = peel(&node(1), &frame(b"x", &" ".repeat(10_000_000))).unwrap_err();
    assert!(matches!(error.reason, Reason::Content(_)));
}

#[test]
fn nesting_is_bounded_wherever_it_is() {
    let node = node(1);
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for (field, role) in [("headers", "x"), ("x", "headers")] {
            let json = |depth| {
                let value = nested(open, close, depth);
                format!(r#"{{"{field}":{value},"{role}":1}}"#)
            };
            peel(&node, &frame(b"", &json(100))).unwrap();
            for depth in [200, 3_000_000 / open.len()] {
                let error = peel(&node, &frame(b"", &json(depth))).unwrap_err();
                assert!(matches!(error.reason, Reason::Content(_)));
            }
        }
        let unclosed = format!(r#"{{"headers":{}"#, open.repeat(1_000_000));
        peel(&node, &frame(b"", &unclosed)).unwrap_err();
    }
    // The whole answer is written again here, which goes down into it.
    let body = nested("[", "]", 200);
    let json = format!(r#"{{"status":200,"body":{body}}}"#);
    let error = open_reply(json.as_bytes()).unwrap_err();
    assert!(
        matches!(error, ReplyError::Malformed(MalformedReply::Json(_))),
        "{error:?}"
    );
    open_reply(format!(r#"{{"status":200,"body":{}}}"#, nested("[", "]", 100)).as_bytes()).unwrap();
}

/// Opens a plaintext that the destination has really sent.
fn open_reply(plaintext: &[u8]) -> Result<client::Reply, ReplyError> {
    let to = hop(2);
    let (secret, nonce) = (vec![9; 32], vec![0; 24]);
    let mut draws = testkit::Replay::new([secret, nonce]);
    let options = client::StorageOptions {
        json: false,
        base64: false,
    };
    let request = Request::Storage {
        node: &to,
        body: b"",
        options,
    };
    let key = client::seal(&mut draws, &[], &request).unwrap().reply_key;
    let client = X25519Secret::from_bytes([9; 32]);
    let layer = LayerKey::for_client(Cipher::XChaCha20, &client, &client.public(), to.x25519());
    key.open(200, &layer.unwrap().seal(&mut rng(), plaintext).unwrap())
}

/// The same for a version 4 answer.
fn open_v4(plaintext: &[u8]) -> Result<client::Reply, ReplyError> {
    let server = Server::new(*hop(2).x25519(), "https", "h").unwrap();
    let mut draws = testkit::Replay::new([vec![9; 32], vec![0; 24]]);
    let request = Request::server(&server, v4::Request::get("/"));
    let key = client::seal(&mut draws, &[], &request).unwrap().reply_key;
    let client = X25519Secret::from_bytes([9; 32]);
    let layer = LayerKey::for_client(
        Cipher::XChaCha20,
        &client,
        &client.public(),
        server.x25519(),
    );
    key.open(200, &layer.unwrap().seal(&mut rng(), plaintext).unwrap())
}

/// Text that is nearly JSON: fragments in any order.
fn nearly_json() -> impl Strategy<Value = String> {
    let fragments = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        " ",
        "\\",
        "\\u00e9",
        "\\ud83d",
        "0",
        "-1",
        "1e9",
        "443",
        "true",
        "null",
        "\"headers\":",
        "\"host\":",
        "\"destination\":",
        "\"ephemeral_key\":",
        "\"enc_type\":",
        "\"xchacha20\"",
        "\"status\":200",
        "\"body\":",
        "\"endpoint\":\"/\"",
        "\"method\":\"GET\"",
        "\"code\":200",
        "é",
        "\u{1}",
        "\u{feff}",
    ]);
    prop::collection::vec(fragments, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Arrival::https(&bytes);
        let _ = Arrival::node(&bytes);
        let _ = ServerKeys::new(X25519Secret::from_bytes([1; 32])).open(&bytes);
        let _ = v4::Received::parse(bytes.clone());
        let _ = v3::Received::parse(&bytes);
        let _ = open_reply(&bytes);
        let _ = open_v4(&bytes);
        let _ = peel(&node(1), &bytes);
        let (_, key) = packet(Cipher::XChaCha20);
        prop_assert!(key.open(200, &bytes).is_err());
    }

    #[test]
    fn nearly_json_is_read_without_a_panic(json in nearly_json(), blob in any::<[u8; 5]>()) {
        let _ = Arrival::https(&frame(&blob, &json));
        let _ = peel(&node(1), &frame(&blob, &json));
        let _ = open_reply(json.as_bytes());
        let list = format!("l{}:{json}{}:xe", json.len(), 1);
        let _ = open_v4(list.as_bytes());
        let _ = v4::Received::parse(list.into_bytes());
        let _ = v3::Received::parse(json.as_bytes());
    }

    /// Another reader of JSON agrees about what an object is.
    #[test]
    fn what_is_delivered_is_json(json in nearly_json()) {
        if peel(&node(1), &frame(b"", &json)).is_ok() {
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert!(value.is_object());
        }
    }

    #[test]
    fn a_packet_written_again_is_the_same(
        ciphertext in prop::collection::vec(any::<u8>(), 0..300),
        key in any::<[u8; 32]>(),
        aes in any::<bool>(),
        hop_no in any::<u32>(),
    ) {
        let layer = Layer {
            ciphertext: &ciphertext,
            ephemeral_key: session_crypto::X25519Public::from_bytes(key),
            cipher: if aes { Cipher::AesGcm } else { Cipher::XChaCha20 },
            hop_no,
        };
        let packet = layer.to_packet().unwrap();
        prop_assert_eq!(Layer::from_packet(&packet), Ok(layer));
        let message = Layer { hop_no: hop_no.max(1), ..layer };
        let written = message.to_message();
        prop_assert_eq!(Layer::from_message(&written), Ok(message));
    }
}

#[test]
fn a_forged_layer_of_somebody_else_is_no_answer() {
    // What the destination says to another client is nothing to this one.
    let made = layer_for(
        &node(2),
        Cipher::XChaCha20,
        &frame(b"{}", r#"{"headers":""}"#),
    );
    let arrival = Arrival::https(&made.packet).unwrap();
    let Ok(Peeled::Deliver(deliver)) = at(&node(2), &arrival) else {
        panic!("not delivered");
    };
    let answer = deliver.reply(&mut rng(), 200, ReplyBody::Text("ok"));
    let (_, key) = packet(Cipher::XChaCha20);
    let error = key.open(answer.status, &answer.body).unwrap_err();
    let ReplyError::Hearsay(hearsay) = error else {
        panic!("{error:?}");
    };
    assert_eq!(hearsay.claim, Claim::Undecryptable);
}
