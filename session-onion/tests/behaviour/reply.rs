//! Replies on the client: results, claims and evidence.

use base64ct::{Base64, Encoding};
use session_crypto::{Ed25519Public, X25519Secret};
use session_onion::client::{
    self, Hop, HopRefusal, MalformedReply, Reply, ReplyError, ReplyKey, Request, Server,
};
use session_onion::node::{Arrival, Node};
use session_onion::packet::Layer;
use session_onion::payload::v4;
use session_onion::status::{Claim, Evidence, Hearsay, Position, ReplyKind};
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

fn hearsay(error: ReplyError) -> Hearsay {
    assert_eq!(error.evidence(), Evidence::Hearsay);
    match error {
        ReplyError::Hearsay(hearsay) => hearsay,
        other => panic!("{other:?}"),
    }
}

fn plain(to_server: bool, status: u16, text: &str) -> (Claim, Option<Position>) {
    let error = reply_key(to_server).open(status, text.as_bytes());
    let hearsay = hearsay(error.unwrap_err());
    assert_eq!(hearsay.status, Some(status));
    let shown = match text {
        "" => format!("path answered {status} in plain text"),
        text => format!("path answered {status} in plain text: {text}"),
    };
    assert_eq!(hearsay.to_string(), shown);
    assert_eq!(hearsay.text, text);
    assert_eq!(hearsay.claim, Claim::of(status, text));
    (hearsay.claim, hearsay.about)
}

fn key(number: u8) -> Ed25519Public {
    *node(number).ed25519()
}

#[test]
fn plain_answers_are_claims_about_nodes_of_the_path() {
    let hex = |number| hex_of(&node(number));
    let missing = |number| format!("Next node not found: {}", hex(number));
    let unreachable = |number| format!("Next node is currently unreachable: {}", hex(number));
    let not_ready = |number| format!("Snode not ready: {}", hex(number));
    let hop = |hop| Some(Position::Hop(hop));
    let destination = Some(Position::Destination);
    for (status, text, claim, about) in [
        (500, String::new(), Claim::Other, None),
        (
            500,
            "Invalid response from snode".into(),
            Claim::InvalidResponse,
            None,
        ),
        (502, missing(2), Claim::NodeNotFound(key(2)), hop(1)),
        (502, unreachable(3), Claim::NodeUnreachable(key(3)), hop(2)),
        (502, missing(4), Claim::NodeNotFound(key(4)), destination),
        (502, missing(1), Claim::NodeNotFound(key(1)), hop(0)),
        (502, missing(9), Claim::NodeNotFound(key(9)), None),
        (
            502,
            format!("502 Bad Gateway\n\n{}", missing(2)),
            Claim::NodeNotFound(key(2)),
            hop(1),
        ),
        (
            502,
            format!("{}\n", missing(2)),
            Claim::NodeNotFound(key(2)),
            hop(1),
        ),
        (
            502,
            format!("{} and more", missing(2)),
            Claim::NodeNotFound(key(2)),
            hop(1),
        ),
        (502, format!("{}x", missing(2)), Claim::Other, None),
        (502, "Next node not found: ".into(), Claim::Other, None),
        (502, "Next node not found: 12".into(), Claim::Other, None),
        (500, missing(2), Claim::Other, None),
        (
            502,
            "oxend returned unparsable data".into(),
            Claim::DestinationBroken,
            None,
        ),
        (502, "Failed to connect".into(), Claim::Other, None),
        (503, not_ready(1), Claim::NodeNotReady(key(1)), hop(0)),
        (503, not_ready(3), Claim::NodeNotReady(key(3)), hop(2)),
        (503, not_ready(4), Claim::NodeNotReady(key(4)), destination),
        (503, not_ready(9), Claim::NodeNotReady(key(9)), None),
        (
            503,
            "Service node is not ready: not in any swarm; not done syncing\n".into(),
            Claim::GuardNotReady,
            None,
        ),
        (
            503,
            "Server busy, try again later".into(),
            Claim::GuardBusy,
            None,
        ),
        (504, "Request time out".into(), Claim::TimedOut, None),
        (504, "Gateway Time-out".into(), Claim::Other, None),
        (400, "Invalid ciphertext".into(), Claim::Other, None),
        (406, String::new(), Claim::Unauthenticated, None),
        (421, missing(2), Claim::Unauthenticated, None),
        (425, String::new(), Claim::Unauthenticated, None),
        (301, String::new(), Claim::Other, None),
        (199, String::new(), Claim::Other, None),
    ] {
        assert_eq!(
            plain(false, status, &text),
            (claim, about),
            "{status} {text}"
        );
    }
    // A server has no place on the path.
    assert_eq!(plain(true, 502, &missing(4)).1, None);
    assert_eq!(plain(true, 502, &missing(3)).1, hop(2));
}

#[test]
fn a_success_in_which_nothing_is_authentic_is_hearsay() {
    for (to_server, body, claim, shown) in [
        (false, &b""[..], Claim::Empty, "reply is empty"),
        (true, b"", Claim::Empty, "reply is empty"),
        (false, b"*", Claim::NotBase64, "reply is not base64"),
        (
            false,
            b"AAAA",
            Claim::Undecryptable,
            "reply does not decrypt",
        ),
        (true, b"*", Claim::Undecryptable, "reply does not decrypt"),
        (
            true,
            b"AAAA",
            Claim::Undecryptable,
            "reply does not decrypt",
        ),
    ] {
        let error = reply_key(to_server).open(201, body).unwrap_err();
        assert_eq!(error.to_string(), shown);
        let hearsay = hearsay(error);
        assert_eq!(hearsay.claim, claim);
        assert_eq!((hearsay.status, hearsay.about), (Some(201), None));
        assert!(hearsay.text.is_empty());
    }
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
        let error = open(plaintext, form).unwrap_err();
        assert_eq!(hearsay(error).claim, Claim::NotBase64);
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
        let error = status(json).unwrap_err();
        assert!(matches!(error, ReplyError::Malformed(_)), "{error:?}");
        assert_eq!(error.evidence(), Evidence::Destination);
    }
    let error = status(r#"{"status":65536}"#).unwrap_err();
    assert_eq!(error, MalformedReply::Status.into());
    // Deployed clients read no numbers as header values of a storage server.
    assert_eq!(status(r#"{"status":200,"headers":null}"#), Ok(200));
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
        let error = error.unwrap_err();
        assert_eq!(error.evidence(), Evidence::Hop(1));
        assert_eq!(error.to_string(), "hop 1 answered 400: Invalid json");
        let refusal = HopRefusal {
            hop: 1,
            status: Some(400),
            text: "Invalid json".into(),
        };
        assert_eq!(error, refusal.into());
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
    let ReplyError::Refused(refusal) = error else {
        panic!("{error:?}");
    };
    assert_eq!((refusal.hop, refusal.status), (0, Some(400)));
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
