//! What a client makes of what comes back, and what it does not believe.

use base64ct::{Base64, Encoding};
use session_crypto::{Ed25519Public, X25519Secret};
use session_onion::client::{self, Hop, Reply, ReplyError, ReplyKey, Request, Server};
use session_onion::node::{Arrival, Node};
use session_onion::packet::Layer;
use session_onion::payload::v4;
use session_onion::status::{Blame, PlainKind, ReplyKind};
use session_onion::{Cipher, LayerKey};

use crate::support::{frame, hex_of, hop, layer_for, node, rng, text};

/// A request through nodes 1, 2 and 3 to node 4 or to a server.
fn reply_key(to_server: bool) -> ReplyKey {
    let path = [hop(1), hop(2), hop(3)];
    let destination = hop(4);
    let server = Server::new(*hop(4).x25519(), "https", "example.org").unwrap();
    let request = if to_server {
        Request::server(&server, v4::Request::get("/"))
    } else {
        Request::storage(&destination, b"{}")
    };
    client::seal(&mut rng(), &path, &request).unwrap().reply_key
}

fn plain(to_server: bool, status: u16, text: &str) -> (PlainKind, Blame) {
    match reply_key(to_server)
        .open(status, text.as_bytes())
        .unwrap_err()
    {
        ReplyError::Plain { plain, text: given } => {
            assert_eq!(plain.status, status);
            let shown = format!("path answered {status} in plain text");
            assert_eq!(plain.to_string(), shown);
            assert_eq!(given, text);
            assert_eq!(plain.kind, PlainKind::of(status, text));
            (plain.kind, plain.blame)
        }
        other => panic!("{other:?}"),
    }
}

fn key(number: u8) -> Ed25519Public {
    *node(number).ed25519()
}

#[test]
fn plain_answers_blame_those_whom_the_path_may_blame() {
    let hex = |number| hex_of(&node(number));
    let missing = |number| format!("Next node not found: {}", hex(number));
    let unreachable = |number| format!("Next node is currently unreachable: {}", hex(number));
    let not_ready = |number| format!("Snode not ready: {}", hex(number));
    use PlainKind as Kind;
    for (status, text, kind, blame) in [
        (500, String::new(), Kind::Other, Blame::Nobody),
        (
            500,
            "Invalid response from snode".into(),
            Kind::InvalidResponse,
            Blame::Path,
        ),
        (
            502,
            missing(2),
            Kind::NodeNotFound(key(2)),
            Blame::HopGone(1),
        ),
        (
            502,
            missing(3),
            Kind::NodeNotFound(key(3)),
            Blame::HopGone(2),
        ),
        (
            502,
            missing(4),
            Kind::NodeNotFound(key(4)),
            Blame::DestinationGone,
        ),
        // Nobody asks for the guard, and nobody was asked for node 9.
        (502, missing(1), Kind::NodeNotFound(key(1)), Blame::Path),
        (502, missing(9), Kind::NodeNotFound(key(9)), Blame::Path),
        (
            502,
            unreachable(2),
            Kind::NodeUnreachable(key(2)),
            Blame::HopGone(1),
        ),
        (
            502,
            format!("502 Bad Gateway\n\n{}", missing(2)),
            Kind::NodeNotFound(key(2)),
            Blame::HopGone(1),
        ),
        (
            502,
            format!("{}\nmore", missing(2)),
            Kind::NodeNotFound(key(2)),
            Blame::HopGone(1),
        ),
        (502, format!("{}x", missing(2)), Kind::Other, Blame::Nobody),
        (
            502,
            "Next node not found: ".into(),
            Kind::Other,
            Blame::Nobody,
        ),
        (
            502,
            format!("Next node not found:  {}", hex(2)),
            Kind::Other,
            Blame::Nobody,
        ),
        (500, missing(2), Kind::Other, Blame::Nobody),
        (
            502,
            "oxend returned unparsable data".into(),
            Kind::DestinationBroken,
            Blame::DestinationGone,
        ),
        (502, "Failed to connect".into(), Kind::Other, Blame::Nobody),
        (503, not_ready(1), Kind::NodeNotReady(key(1)), Blame::Hop(0)),
        (503, not_ready(3), Kind::NodeNotReady(key(3)), Blame::Hop(2)),
        (
            503,
            not_ready(4),
            Kind::NodeNotReady(key(4)),
            Blame::Destination,
        ),
        (503, not_ready(9), Kind::NodeNotReady(key(9)), Blame::Path),
        (
            503,
            "Service node is not ready: not in any swarm\n".into(),
            Kind::GuardNotReady,
            Blame::Hop(0),
        ),
        (
            503,
            "Server busy, try again later".into(),
            Kind::GuardBusy,
            Blame::Hop(0),
        ),
        (504, "Request time out".into(), Kind::TimedOut, Blame::Path),
        (400, "Invalid ciphertext".into(), Kind::Other, Blame::Nobody),
        (406, String::new(), Kind::Unauthenticated, Blame::Nobody),
        (
            421,
            "{\"snodes\":[]}".into(),
            Kind::Unauthenticated,
            Blame::Nobody,
        ),
        (425, String::new(), Kind::Unauthenticated, Blame::Nobody),
        (301, String::new(), Kind::Other, Blame::Nobody),
        (199, String::new(), Kind::Other, Blame::Nobody),
    ] {
        assert_eq!(
            plain(false, status, &text),
            (kind, blame),
            "{status} {text}"
        );
    }
    assert_eq!(plain(false, 504, "Gateway Time-out").0, Kind::Other);
    // A server may be down without any node being at fault.
    assert_eq!(
        plain(true, 504, "Request time out"),
        (Kind::TimedOut, Blame::Nobody)
    );
    assert_eq!(
        plain(true, 502, "oxend returned unparsable data").1,
        Blame::Nobody
    );
    assert_eq!(plain(true, 502, &missing(4)).1, Blame::Path);
    assert_eq!(plain(true, 502, &missing(3)).1, Blame::HopGone(2));
}

/// The ephemeral secret with which every layer of a made request is the same.
fn fixed() -> (Node, X25519Secret, LayerKey) {
    let (node, client) = (node(4), X25519Secret::from_bytes([6; 32]));
    let key =
        LayerKey::for_client(Cipher::XChaCha20, &client, &client.public(), node.x25519()).unwrap();
    (node, client, key)
}

/// Opens what the destination has sealed.
fn open(plaintext: &[u8], form: impl Fn(&str) -> String) -> Result<Reply, ReplyError> {
    let (node, client, key) = fixed();
    let to = Hop::new(*node.ed25519(), *node.x25519());
    let secret = client.expose_bytes().to_vec();
    let mut draws = testkit::Replay::new([secret, vec![0; 24]]);
    let sealed = client::seal(&mut draws, &[], &Request::storage(&to, b"")).unwrap();
    let reply = key.seal(&mut rng(), plaintext).unwrap();
    sealed
        .reply_key
        .open(200, form(&Base64::encode_string(&reply)).as_bytes())
}

#[test]
fn an_answer_may_be_wrapped_and_without_padding() {
    let plaintext = br#"{"status":200,"body":"x"}"#;
    for form in [
        |text: &str| text.to_owned(),
        |text: &str| text.trim_end_matches('=').to_owned(),
        |text: &str| format!(r#" {{ "other" : 1, "result" : "{text}" }} "#),
        |text: &str| {
            format!(
                r#"{{"result":"{}"}}"#,
                text.trim_end_matches('=').replace('/', "\\/")
            )
        },
    ] {
        assert_eq!(open(plaintext, form).unwrap().body.unwrap(), b"x");
    }
    for form in [
        |text: &str| format!("{text}="),
        |text: &str| format!("{text}\n"),
        |text: &str| format!("*{text}"),
        |text: &str| format!(r#"{{"result":"{text}"}}x"#),
        |text: &str| format!(r#"{{"result":["{text}"]}}"#),
        |text: &str| format!(r#"{{"other":"{text}"}}"#),
        |text: &str| text.replace('A', "-"),
    ] {
        assert_eq!(open(plaintext, form).unwrap_err(), ReplyError::NotBase64);
    }
}

#[test]
fn the_status_is_an_integer_and_status_code_comes_first() {
    let status = |json: &str| open(json.as_bytes(), str::to_owned).map(|reply| reply.status);
    assert_eq!(status(r#"{"status_code":404,"status":200}"#), Ok(404));
    assert_eq!(status(r#"{"status_code":"404","status":200}"#), Ok(200));
    assert_eq!(status(r#"{"status":0}"#), Ok(0));
    for json in [
        r#"{"status":"200"}"#,
        r#"{"status":200.5}"#,
        r#"{"status":-1}"#,
        r#"{"status":65536}"#,
        r#"{"status":null}"#,
        r#"{"status":200}{}"#,
        r#"{"status":200,"status":404}"#,
        r#"{"status":200,"headers":{"a":1}}"#,
        r#"{"status":200,"headers":[]}"#,
        r#"[{"status":200}]"#,
        r#"["200"]"#,
        "200",
        "",
    ] {
        status(json).unwrap_err();
    }
}

#[test]
fn an_answer_without_a_text_is_written_again_in_the_canonical_form() {
    let json = " { \"z\" : [ 1 , -2.50, {\"b\":null,\"a\":true} , [] ], \"body\" : { \"t\" : 18446744073709551615 },\n \
                \"status\" : 200, \"é\" : \"\\u00e9\\/\\u0001\\u007f\\n\", \"z\\u0061\" : {} } ";
    let expected = "{\"body\":{\"t\":18446744073709551615},\"status\":200,\
                    \"z\":[1,-2.50,{\"a\":true,\"b\":null},[]],\"za\":{},\
                    \"é\":\"é/\\u0001\u{7f}\\n\"}";
    let reply = open(json.as_bytes(), str::to_owned).unwrap();
    assert_eq!(String::from_utf8(reply.body.unwrap()).unwrap(), expected);
}

#[test]
fn a_refusal_of_a_hop_is_told_apart_from_an_answer_of_the_destination() {
    // Node 2 cannot make sense of its layer: the client has to have its key to read that.
    let path = [hop(1), hop(2), hop(3)];
    for to_server in [false, true] {
        let server = Server::new(*hop(4).x25519(), "https", "example.org").unwrap();
        let destination = hop(4);
        let request = if to_server {
            Request::server(&server, v4::Request::get("/"))
        } else {
            Request::storage(&destination, b"{}")
        };
        let mut draws =
            testkit::Replay::new((1..=4u8).flat_map(|byte| [vec![byte; 32], vec![byte; 24]]));
        let sealed = client::seal(&mut draws, &path, &request).unwrap();
        // The third layer that was made is that of node 2. It could also try to pass for the
        // destination, even with a success.
        let secret = X25519Secret::from_bytes([3; 32]);
        let second = node(2);
        let key = LayerKey::for_client(
            Cipher::XChaCha20,
            &secret,
            &secret.public(),
            second.x25519(),
        );
        let forged = br#"{"body":"Invalid json","status":400}"#;
        let forged = key.unwrap().seal(&mut rng(), forged).unwrap();
        let error = sealed
            .reply_key
            .open(200, Base64::encode_string(&forged).as_bytes());
        assert_eq!(
            error.unwrap_err(),
            ReplyError::Hop {
                hop: 1,
                status: 400,
                text: "Invalid json".into()
            }
        );
    }
}

#[test]
fn a_refusal_that_a_node_has_made_is_read() {
    // A layer for the guard alone, with nonsense in it.
    let guard = node(1);
    let made = layer_for(&guard, Cipher::XChaCha20, &frame(b"", "{}"));
    let arrival = Arrival::https(&made.packet).unwrap();
    let refused = guard.peel(&mut rng(), &arrival, &[]).unwrap_err();
    let draws = [vec![1; 32], vec![1; 24], vec![0x42; 32], vec![0; 24]];
    let to = hop(4);
    let sealed = client::seal(
        &mut testkit::Replay::new(draws),
        &[hop(1)],
        &Request::storage(&to, b""),
    );
    let layer = Layer::from_packet(&made.packet).unwrap();
    let sealed = sealed.unwrap();
    assert_eq!(
        Layer::from_packet(&sealed.packet).unwrap().ephemeral_key,
        layer.ephemeral_key
    );
    let (status, body) = text(&refused.answer);
    let error = sealed.reply_key.open(status, body.as_bytes()).unwrap_err();
    assert!(
        matches!(
            error,
            ReplyError::Hop {
                hop: 0,
                status: 400,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn an_aes_gcm_request_is_not_answered_in_xchacha20() {
    let (node, client, _) = fixed();
    let keys =
        |cipher| LayerKey::for_client(cipher, &client, &client.public(), node.x25519()).unwrap();
    for (asked, answered, believed) in [
        (Cipher::XChaCha20, Cipher::AesGcm, true),
        (Cipher::AesGcm, Cipher::XChaCha20, false),
    ] {
        let to = Hop::new(*node.ed25519(), *node.x25519()).with_cipher(asked);
        let secret = client.expose_bytes().to_vec();
        let mut draws = testkit::Replay::new([secret, vec![0; asked.nonce_length()]]);
        let sealed = client::seal(&mut draws, &[], &Request::storage(&to, b"")).unwrap();
        let reply = keys(answered)
            .seal(&mut rng(), br#"{"status":200}"#)
            .unwrap();
        let reply = sealed
            .reply_key
            .open(200, Base64::encode_string(&reply).as_bytes());
        assert_eq!(reply.is_ok(), believed);
    }
}

#[test]
fn nothing_short_is_an_answer() {
    assert_eq!(
        reply_key(false).open(200, b"").unwrap_err(),
        ReplyError::Empty
    );
    for length in 0..100 {
        for to_server in [false, true] {
            let zeros = vec![0; length];
            let base64 = Base64::encode_string(&zeros);
            reply_key(to_server).open(200, &zeros).unwrap_err();
            reply_key(to_server)
                .open(200, base64.as_bytes())
                .unwrap_err();
        }
    }
}

#[test]
fn answers_of_the_destination_say_what_they_say() {
    for (status, body, kind) in [
        (200, "", ReplyKind::Success),
        (299, "", ReplyKind::Success),
        (300, "", ReplyKind::Refused),
        (400, "invalid json", ReplyKind::Refused),
        (401, "", ReplyKind::Unauthorized),
        (403, "", ReplyKind::Refused),
        (404, "", ReplyKind::NotFound),
        (406, "", ReplyKind::ClockOutOfSync),
        (425, "", ReplyKind::ClockOutOfSync),
        (421, "", ReplyKind::WrongSwarm),
        (429, "", ReplyKind::RateLimited),
        (502, "x oxend returned unparsable data y", ReplyKind::Broken),
        (502, "other", ReplyKind::Refused),
        (
            502,
            "another text, as long as the one above",
            ReplyKind::Refused,
        ),
        (503, "Snode not ready", ReplyKind::NotReady),
    ] {
        let reply = Reply {
            status,
            headers: Vec::new(),
            body: Some(body.into()),
        };
        assert_eq!(reply.kind(), kind);
    }
}

#[test]
fn a_batch_has_a_status_if_all_its_results_have_failed_alike() {
    let status = |body: &str| {
        let reply = Reply {
            status: 200,
            headers: Vec::new(),
            body: Some(body.into()),
        };
        reply.batch_status()
    };
    let results = |codes: &[&str]| {
        let results: Vec<_> = codes
            .iter()
            .map(|code| format!(r#"{{"body":{{}},"code":{code}}}"#))
            .collect();
        format!(r#"{{"results":[{}]}}"#, results.join(","))
    };
    assert_eq!(status(&results(&["421", "421"])), Some(421));
    assert_eq!(status(&results(&["406"])), Some(406));
    for body in [
        results(&["421", "200"]),
        results(&["200", "200"]),
        results(&["421", "401"]),
        results(&["421", "\"421\""]),
        results(&["421", "-1"]),
        results(&[]),
        "{}".into(),
        "x".into(),
        r#"{"results":{"code":421}}"#.into(),
        r#"{"results":[421]}"#.into(),
        r#"{"results":[{}]}"#.into(),
    ] {
        assert_eq!(status(&body), None, "{body}");
    }
}
