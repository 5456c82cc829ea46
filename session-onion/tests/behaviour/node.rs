//! Every refusal of a node, with the text and the status of a deployed one.

use session_onion::client::{self, Request};
use session_onion::node::{Answer, Arrival, NotReady, Peeled, Reason, ReplyBody};
use session_onion::packet::Layer;
use session_onion::{Cipher, MAX_HOP_NO, MAX_PACKET_LENGTH};

use crate::support::{Made, decrypt, frame, hex_of, hop, layer_for, node, peel, rng, text};

const HEX: &str = "0000111122223333444455556666777788889999000011112222333344445555";

fn refused_packet(packet: &[u8]) -> (u16, String) {
    let refused = Arrival::https(packet).unwrap_err();
    assert!(matches!(refused.reason, Reason::Packet(_)));
    assert_eq!(Arrival::quic(packet).unwrap_err(), refused);
    let (status, text) = text(&refused.answer);
    (status, text.to_owned())
}

#[test]
fn packets_that_cannot_be_read_are_refused_in_plain_text() {
    let outer = |json: &str| refused_packet(&frame(b"x", json));
    let error = |detail: &str| (400, format!("Error parsing onion request: {detail}"));
    let short = error("Unexpected payload size; expected ciphertext size");
    assert_eq!(refused_packet(b""), short);
    assert_eq!(refused_packet(b"\0\0\0"), short);
    assert_eq!(
        refused_packet(b"\xff\xff\xff\x7fabc"),
        error("Unexpected payload size 3, expected >= 2147483647")
    );
    assert_eq!(
        refused_packet(b"\xff\xff\xff\xff"),
        error("Unexpected payload size 0, expected >= 4294967295")
    );
    assert_eq!(
        outer(&format!(
            r#"{{"ephemeral_key":"{HEX}","enc_type":"rot13"}}"#
        )),
        error("Invalid encryption type rot13")
    );
    let not_hex = HEX.replace('1', "g");
    assert_eq!(
        outer(&format!(r#"{{"ephemeral_key":"{not_hex}"}}"#)),
        error("Hex key data is invalid: data is not hex")
    );
    for json in [
        "",
        "{",
        "[]",
        "null",
        r#"["0000"]"#,
        "{}",
        r#"{"ephemeral_key":null}"#,
        r#"{"ephemeral_key":5}"#,
        r#"{"ephemeral_key":""}"#,
        &format!(r#"{{"ephemeral_key":"0x{}"}}"#, &HEX[2..]),
        &format!(r#"{{"ephemeral_key":"0x{HEX}"}}"#),
        &format!(r#"{{"ephemeral_key":"{HEX}00"}}"#),
        &format!(r#"{{"ephemeral_key":"{HEX}"}} x"#),
        &format!(r#"{{"ephemeral_key":"{HEX}","ephemeral_key":"{HEX}"}}"#),
        &format!(r#"{{"ephemeral_key":"{HEX}","enc_type":null}}"#),
        &format!(r#"{{"ephemeral_key":"{HEX}","enc_type":"XCHACHA20"}}"#),
        &format!(r#"{{"ephemeral_key":"{HEX}","enc_type":""}}"#),
        &format!(r#"{{"ephemeral_key":"{HEX}","hop_no":"1"}}"#),
        &format!(r#"{{"ephemeral_key":"{HEX}","hop_no":null}}"#),
    ] {
        let (status, text) = outer(json);
        assert_eq!(status, 400, "{json}");
        assert!(text.starts_with("Error parsing onion request: "), "{text}");
    }
}

#[test]
fn a_cipher_that_is_not_named_is_aes_gcm() {
    let packet = frame(b"x", &format!(r#" {{ "ephemeral_key" : "{HEX}" }} "#));
    assert_eq!(
        Arrival::https(&packet).unwrap().layer().cipher,
        Cipher::AesGcm
    );
    let message = format!("d4:data1:x13:ephemeral_key32:{}e", "k".repeat(32));
    let arrival = Arrival::node(message.as_bytes()).unwrap();
    assert_eq!(arrival.layer().cipher, Cipher::AesGcm);
    assert_eq!(arrival.layer().hop_no, 1);
}

#[test]
fn aes_cbc_is_known_with_its_feature_only() {
    for name in ["aes-cbc", "cbc"] {
        let json = format!(r#"{{"ephemeral_key":"{HEX}","enc_type":"{name}"}}"#);
        let arrival = Arrival::https(&frame(b"x", &json)).map(|arrival| arrival.layer().cipher);
        assert_eq!(arrival.is_ok(), cfg!(feature = "aes-cbc"));
        assert_eq!(name.parse::<Cipher>().is_ok(), cfg!(feature = "aes-cbc"));
    }
}

#[test]
fn hex_keys_may_have_either_case() {
    let packet = frame(
        b"x",
        &format!(r#"{{"ephemeral_key":"{}"}}"#, "Ab".repeat(32)),
    );
    assert_eq!(
        Arrival::https(&packet)
            .unwrap()
            .layer()
            .ephemeral_key
            .to_bytes(),
        [0xab; 32]
    );
}

#[test]
fn hop_numbers_are_read_as_deployed_nodes_read_them() {
    for (json, expected) in [
        ("-5", 0),
        ("0", 0),
        ("13", 13),
        ("4294967296", u32::MAX),
        ("1.5", 1),
        ("2.99e1", 29),
        ("-0.5", 0),
        ("1e300", u32::MAX),
        ("true", 1),
        ("false", 0),
    ] {
        let packet = frame(
            b"",
            &format!(r#"{{"ephemeral_key":"{HEX}","hop_no":{json}}}"#),
        );
        assert_eq!(Arrival::https(&packet).unwrap().layer().hop_no, expected);
    }
    let key = "k".repeat(32);
    for (number, expected) in [
        ("-5", 1),
        ("0", 1),
        ("1", 1),
        ("7", 7),
        ("4294967296", u32::MAX),
    ] {
        let message = format!("d4:data0:13:ephemeral_key32:{key}6:hop_noi{number}ee");
        assert_eq!(
            Arrival::node(message.as_bytes()).unwrap().layer().hop_no,
            expected
        );
    }
}

#[test]
fn messages_of_nodes_that_cannot_be_read_are_refused_in_plain_text() {
    let key = "k".repeat(32);
    for message in [
        String::new(),
        "le".into(),
        "de".into(),
        format!("d4:data1:x13:ephemeral_key31:{}e", "k".repeat(31)),
        format!("d4:data1:x8:enc_type5:rot1313:ephemeral_key32:{key}e"),
        format!("d4:datai1e13:ephemeral_key32:{key}e"),
        format!("d13:ephemeral_key32:{key}e"),
        format!("d4:data1:x13:ephemeral_key32:{key}6:hop_no1:1e"),
        format!("d4:data1:x13:ephemeral_key32:{key}ex"),
        format!("d13:ephemeral_key32:{key}4:data1:xe"),
    ] {
        let refused = Arrival::node(message.as_bytes()).unwrap_err();
        let (status, text) = text(&refused.answer);
        assert_eq!(status, 400);
        assert!(
            text.starts_with("Invalid internal onion request: "),
            "{text}"
        );
    }
}

#[test]
fn a_packet_that_is_too_long_is_refused() {
    let packet = vec![0; MAX_PACKET_LENGTH + 1];
    for arrival in [Arrival::https, Arrival::quic, Arrival::node] {
        let refused = arrival(&packet).unwrap_err();
        assert_eq!(refused.reason, Reason::TooLarge);
        assert_eq!(text(&refused.answer), (413, "Request body too large"));
        let longest = arrival(&packet[1..]).unwrap_err();
        assert_ne!(longest.reason, Reason::TooLarge);
    }
}

#[test]
fn a_node_that_is_not_ready_says_so_in_plain_text() {
    let node = node(1);
    let made = layer_for(&node, Cipher::XChaCha20, &frame(b"{}", r#"{"headers":{}}"#));
    let reasons = [
        NotReady::Hardfork(19, 3),
        NotReady::NoSwarm,
        NotReady::Syncing,
        NotReady::ShuttingDown,
    ];
    let refused = |arrival: &Arrival<'_>, reasons: &[NotReady]| {
        let refused = node.peel(&mut rng(), arrival, reasons).unwrap_err();
        assert_eq!(refused.reason, Reason::NotReady);
        let (status, text) = text(&refused.answer);
        (status, text.to_owned())
    };
    let https = Arrival::https(&made.packet).unwrap();
    assert_eq!(
        refused(&https, &reasons),
        (
            503,
            "Service node is not ready: not yet on hardfork 19.3; not in any swarm; \
             not done syncing; shutting down\n"
                .to_owned()
        )
    );
    let plain = (503, format!("Snode not ready: {}", hex_of(&node)));
    assert_eq!(
        refused(&Arrival::node(&made.message).unwrap(), &reasons[1..2]),
        plain
    );
    assert_eq!(
        refused(&Arrival::quic(&made.packet).unwrap(), &reasons[1..2]),
        plain
    );
    assert_eq!(text(&Answer::busy()), (503, "Server busy, try again later"));
}

#[test]
fn the_hop_limit_holds_between_nodes_only() {
    let node = node(1);
    let made = layer_for(&node, Cipher::AesGcm, &frame(b"{}", r#"{"headers":{}}"#));
    let arrival = Arrival::node(&made.message).unwrap();
    let layer = arrival.layer();
    for (hop_no, passes) in [
        (MAX_HOP_NO, true),
        (MAX_HOP_NO + 1, false),
        (u32::MAX, false),
    ] {
        let layer = Layer { hop_no, ..*layer };
        let message = layer.to_message();
        let peeled = node.peel(&mut rng(), &Arrival::node(&message).unwrap(), &[]);
        assert_eq!(peeled.is_ok(), passes);
        if let Err(refused) = peeled {
            assert_eq!(refused.reason, Reason::TooManyHops);
            assert_eq!(
                text(&refused.answer),
                (400, "onion request max path length exceeded")
            );
        }
        let packet = layer.to_packet().unwrap();
        node.peel(&mut rng(), &Arrival::https(&packet).unwrap(), &[])
            .unwrap();
    }
}

#[test]
fn the_hop_number_grows_by_one_and_never_wraps() {
    let node = node(1);
    let json = format!(r#"{{"destination":"{HEX}","ephemeral_key":"{HEX}"}}"#);
    let made = layer_for(&node, Cipher::AesGcm, &frame(b"x", &json));
    for (hop_no, next) in [(0, 1), (3, 4), (u32::MAX, u32::MAX)] {
        let layer = *Arrival::https(&made.packet).unwrap().layer();
        let packet = Layer { hop_no, ..layer }.to_packet().unwrap();
        let arrival = Arrival::https(&packet).unwrap();
        let Ok(Peeled::Relay(relay)) = node.peel(&mut rng(), &arrival, &[]) else {
            panic!("no relay");
        };
        assert_eq!(relay.layer().hop_no, next);
        assert_eq!(
            Layer::from_message(&relay.message()).unwrap(),
            relay.layer()
        );
    }
}

#[test]
fn a_layer_for_somebody_else_is_refused_in_plain_text() {
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        let Made { packet, .. } = layer_for(&node(1), cipher, &frame(b"", r#"{"headers":{}}"#));
        let arrival = Arrival::https(&packet).unwrap();
        let refused = node(2).peel(&mut rng(), &arrival, &[]).unwrap_err();
        assert_eq!(refused.reason, Reason::Decrypt);
        assert_eq!(text(&refused.answer), (400, "Invalid ciphertext"));
    }
}

#[test]
fn an_ephemeral_key_of_small_order_is_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    for key in [[0; 32], one] {
        let json = format!(r#"{{"ephemeral_key":"{}"}}"#, const_hex::encode(key));
        let packet = frame(&[0; 60], &json);
        let arrival = Arrival::https(&packet).unwrap();
        let refused = node(1).peel(&mut rng(), &arrival, &[]).unwrap_err();
        assert_eq!(text(&refused.answer), (400, "Invalid ciphertext"));
    }
}

#[test]
fn a_layer_that_makes_no_sense_is_refused_under_its_own_key() {
    let node = node(1);
    let relay = |key: &str, value: &str| {
        let mut fields = vec![
            ("destination", format!("\"{HEX}\"")),
            ("ephemeral_key", format!("\"{HEX}\"")),
        ];
        fields.retain(|(name, _)| *name != key);
        if !value.is_empty() {
            fields.push((key, value.to_owned()));
        }
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        frame(b"blob", &format!("{{{}}}", fields.join(",")))
    };
    let json = |json: &str| frame(b"blob", json);
    for plaintext in [
        vec![],
        b"\0\0\0".to_vec(),
        b"\xff\xff\xff\xff{}".to_vec(),
        json(""),
        json("{"),
        json("{}"),
        json("[]"),
        json(r#"{"headers":{}}x"#),
        json(r#"{"headers":{}}{}"#),
        json(r#"{"headers":{},"headers":{}}"#),
        json(r#"{"headers":{},"json":"true"}"#),
        json(r#"{"headers":{},"json":1}"#),
        json(r#"{"headers":{},"base64":null}"#),
        json(r#"{"host":"h"}"#),
        json(r#"{"host":5,"target":"/loki/v3/lsrpc"}"#),
        json(r#"{"host":null,"target":"/loki/v3/lsrpc"}"#),
        json(r#"{"host":"h","target":5}"#),
        json(r#"{"host":"h","target":"/loki/v3/lsrpc","port":65536}"#),
        json(r#"{"host":"h","target":"/loki/v3/lsrpc","port":-1}"#),
        json(r#"{"host":"h","target":"/loki/v3/lsrpc","port":"443"}"#),
        json(r#"{"host":"h","target":"/loki/v3/lsrpc","port":443.0}"#),
        json(r#"{"host":"h","target":"/loki/v3/lsrpc","port":1e2}"#),
        json(r#"{"host":"h","target":"/loki/v3/lsrpc","port":99999999999999999999999}"#),
        json(r#"{"host":"h","target":"/loki/v3/lsrpc","protocol":7}"#),
        relay("destination", ""),
        relay("ephemeral_key", ""),
        relay("destination", "5"),
        relay("destination", "\"00\""),
        relay("ephemeral_key", "null"),
        // Only servers take keys in base64.
        relay(
            "ephemeral_key",
            "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
        ),
        relay("enc_type", "\"rot13\""),
        relay("enc_type", "5"),
        [&frame(b"blob", "")[..], b"\xff\xfe"].concat(),
        frame(b"blob", r#"{"headers":"\ud800"}"#),
    ] {
        let made = layer_for(&node, Cipher::XChaCha20, &plaintext);
        for arrival in [Arrival::https(&made.packet), Arrival::node(&made.message)] {
            let refused = node.peel(&mut rng(), &arrival.unwrap(), &[]).unwrap_err();
            assert!(matches!(refused.reason, Reason::Content(_)));
            assert_eq!(
                decrypt(&made.key, &refused.answer),
                r#"{"body":"Invalid json","status":400}"#
            );
        }
    }
}

#[test]
fn headers_come_before_host_and_host_before_relay() {
    let node = node(1);
    let all = format!(
        r#"{{"destination":"{HEX}","ephemeral_key":"{HEX}","host":"h","target":"/loki/v3/lsrpc","headers":null}}"#
    );
    assert!(matches!(
        peel(&node, &frame(b"", &all)),
        Ok(Peeled::Deliver(_))
    ));
    let without = all.replace("headers", "Headers");
    assert!(matches!(
        peel(&node, &frame(b"", &without)),
        Ok(Peeled::Exit(_))
    ));
    let without = without.replace("\"host\"", "\"Host\"");
    assert!(matches!(
        peel(&node, &frame(b"", &without)),
        Ok(Peeled::Relay(_))
    ));
}

#[test]
fn fields_of_other_roles_are_not_looked_at() {
    let json = r#"{"headers":"","host":5,"port":"x","destination":[],"enc_type":0,"body":null}"#;
    assert!(matches!(
        peel(&node(1), &frame(b"", json)),
        Ok(Peeled::Deliver(_))
    ));
    let json = r#"{"host":"h","target":"/oxen/v4/lsrpc","json":7,"destination":[],"enc_type":0}"#;
    assert!(matches!(
        peel(&node(1), &frame(b"", json)),
        Ok(Peeled::Exit(_))
    ));
}

#[test]
fn a_node_posts_to_nothing_but_onion_endpoints() {
    let node = node(1);
    let exit = |host: &str, target: &str, protocol: &str| {
        let json = format!(r#"{{"host":{host:?},"target":{target:?},"protocol":{protocol:?}}}"#);
        frame(b"", &json)
    };
    for (host, target, protocol) in [
        ("h", "/not_loki/v3/lsrpc", "https"),
        ("h", "/loki/v3", "https"),
        ("h", "/loki/v3/lsrpc?foo=bar", "https"),
        ("h", "/loki/?/lsrpc", "https"),
        ("h", "loki/v3/lsrpc", "https"),
        ("h", "/lsrpc", "https"),
        ("h", "", "https"),
        ("h", "/loki/v3/lsrpc/", "https"),
        ("h", "/loki/ HTTP/1.1/lsrpc", "https"),
        ("h", "/loki/#/lsrpc", "https"),
        ("h", "/loki/\r\nX: y/lsrpc", "https"),
        ("h", "/loki/v3/lsrpc", "ftp"),
        ("h", "/loki/v3/lsrpc", "HTTPS"),
        ("h", "/loki/v3/lsrpc", "https://"),
        ("h", "/loki/v3/lsrpc", ""),
        ("", "/loki/v3/lsrpc", "https"),
        ("evil.example/x?", "/loki/v3/lsrpc", "https"),
        ("user@evil.example", "/loki/v3/lsrpc", "https"),
        ("h\r\nX: y", "/loki/v3/lsrpc", "https"),
        // A port of its own, and what only looks like an address of version 6.
        ("example.org:22", "/loki/v3/lsrpc", "https"),
        ("::1", "/loki/v3/lsrpc", "https"),
        ("[::1]:22", "/loki/v3/lsrpc", "https"),
        ("[::1", "/loki/v3/lsrpc", "https"),
        ("::1]", "/loki/v3/lsrpc", "https"),
        ("[[::1]]", "/loki/v3/lsrpc", "https"),
        ("[]", "/loki/v3/lsrpc", "https"),
        ("[h:22]", "/loki/v3/lsrpc", "https"),
    ] {
        let made = layer_for(&node, Cipher::AesGcm, &exit(host, target, protocol));
        let arrival = Arrival::https(&made.packet).unwrap();
        let refused = node.peel(&mut rng(), &arrival, &[]).unwrap_err();
        assert_eq!(refused.reason, Reason::Url, "{host} {target} {protocol}");
        assert_eq!(
            decrypt(&made.key, &refused.answer),
            r#"{"body":"Invalid url","status":400}"#
        );
    }
    for (protocol, port, url) in [
        ("https", None, "https://[::1]/oxen/v4/lsrpc"),
        ("https", Some(443), "https://[::1]/oxen/v4/lsrpc"),
        ("https", Some(80), "https://[::1]:80/oxen/v4/lsrpc"),
        ("http", Some(80), "http://[::1]/oxen/v4/lsrpc"),
        ("http", Some(0), "http://[::1]:0/oxen/v4/lsrpc"),
        // The port is 443 if it is not given, for http too.
        ("http", None, "http://[::1]:443/oxen/v4/lsrpc"),
    ] {
        let port = port.map_or(String::new(), |port| format!(r#","port":{port}"#));
        let json = format!(
            r#"{{"host":"[::1]","target":"/oxen/v4/lsrpc","protocol":"{protocol}"{port}}}"#
        );
        let Ok(Peeled::Exit(exit)) = peel(&node, &frame(b"", &json)) else {
            panic!("no exit");
        };
        assert_eq!(exit.url(), url);
    }
}

#[test]
fn what_a_relay_answers_is_what_deployed_nodes_answer() {
    let to = node(2);
    let json = format!(
        r#"{{"destination":"{}","ephemeral_key":"{HEX}"}}"#,
        hex_of(&to)
    );
    let Ok(Peeled::Relay(relay)) = peel(&node(1), &frame(b"x", &json)) else {
        panic!("no relay");
    };
    let key = hex_of(&to);
    assert_eq!(relay.next, *to.ed25519());
    assert_eq!(
        text(&relay.not_found()),
        (502, format!("Next node not found: {key}").as_str())
    );
    assert_eq!(
        text(&relay.unreachable()),
        (
            502,
            format!("Next node is currently unreachable: {key}").as_str()
        )
    );
    assert_eq!(text(&relay.timed_out()), (504, "Request time out"));

    let invalid = (500, "Invalid response from snode");
    for parts in [
        &[][..],
        &[b"200".as_slice()],
        &[b"".as_slice(), b"x"],
        &[b"+200".as_slice(), b"x"],
        &[b" 200".as_slice(), b"x"],
        &[b"20x".as_slice(), b"x"],
        &[b"65536".as_slice(), b"x"],
        &[b"\xff".as_slice(), b"x"],
    ] {
        assert_eq!(text(&relay.answered(parts)), invalid, "{parts:?}");
    }
    let passed = [
        200, 400, 401, 403, 404, 406, 410, 413, 421, 429, 502, 503, 504,
    ];
    for status in 0..=1000u16 {
        let decimal = status.to_string();
        let answer = relay.answered(&[decimal.as_bytes(), b"body", b"third"]);
        let expected = if passed.contains(&status) {
            status
        } else {
            500
        };
        assert_eq!(text(&answer), (expected, "body"));
        assert_eq!(
            answer.to_parts(),
            [expected.to_string().into_bytes(), b"body".to_vec()]
        );
    }
}

#[test]
fn what_an_exit_answers_is_what_the_server_answered() {
    let json = r#"{"host":"h","target":"/oxen/v4/lsrpc"}"#;
    let Ok(Peeled::Exit(exit)) = peel(&node(1), &frame(b"x", json)) else {
        panic!("no exit");
    };
    assert_eq!(exit.payload, frame(b"x", json));
    assert_eq!(text(&exit.answered(418, b"tea".to_vec())), (418, "tea"));
    assert_eq!(text(&exit.failed("refused")), (502, "refused"));
    assert_eq!(text(&exit.timed_out("late")), (504, "late"));
}

#[test]
fn replies_have_the_form_that_was_asked_for() {
    let node = node(1);
    let reply = |options: &str, status: u16, body: ReplyBody<'_>| {
        let plaintext = frame(b"{}", &format!(r#"{{"headers":""{options}}}"#));
        let made = layer_for(&node, Cipher::XChaCha20, &plaintext);
        let arrival = Arrival::https(&made.packet).unwrap();
        let Ok(Peeled::Deliver(deliver)) = node.peel(&mut rng(), &arrival, &[]) else {
            panic!("not delivered");
        };
        let base64 = deliver.replier.wants_base64();
        let wants_json = options.contains("\"json\":true");
        assert_eq!(deliver.replier.wants_json(), wants_json, "{options}");
        let answer = deliver.reply(&mut rng(), status, body);
        if base64 {
            decrypt(&made.key, &answer)
        } else {
            String::from_utf8(made.key.open(&answer.body).unwrap()).unwrap()
        }
    };
    let json = ReplyBody::Json(r#"{"t":1}"#);
    assert_eq!(reply("", 200, json), r#"{"body":"{\"t\":1}","status":200}"#);
    assert_eq!(
        reply(r#","json":true"#, 200, json),
        r#"{"body":{"t":1},"status":200}"#
    );
    assert_eq!(
        reply(r#","json":true,"base64":false"#, 421, json),
        r#"{"body":{"t":1},"status":421}"#
    );
    for options in ["", r#","json":true"#, r#","base64":false"#] {
        assert_eq!(
            reply(options, 401, ReplyBody::Text("a \"b\"\n\u{1}é/\u{7f}")),
            "{\"body\":\"a \\\"b\\\"\\n\\u0001é/\u{7f}\",\"status\":401}"
        );
        assert_eq!(
            reply(options, 200, ReplyBody::Binary(b"\xff\xfe\xfd\xfc")),
            r#"{"body":"//79/A==","status":200}"#
        );
    }
}

#[test]
fn a_node_may_find_late_that_it_is_not_ready() {
    let made = layer_for(
        &node(1),
        Cipher::XChaCha20,
        &frame(b"{}", r#"{"headers":""}"#),
    );
    let arrival = Arrival::https(&made.packet).unwrap();
    let Ok(Peeled::Deliver(deliver)) = node(1).peel(&mut rng(), &arrival, &[]) else {
        panic!("not delivered");
    };
    assert_eq!(
        decrypt(&made.key, &deliver.replier.not_ready(&mut rng())),
        r#"{"body":"Snode not ready","status":503}"#
    );
}

#[test]
fn a_packet_may_come_twice() {
    let destination = hop(2);
    let request = Request::storage(&destination, b"{}");
    let sealed = client::seal(&mut rng(), &[], &request).unwrap();
    for _ in 0..2 {
        let arrival = Arrival::https(&sealed.packet).unwrap();
        node(2).peel(&mut rng(), &arrival, &[]).unwrap();
    }
}
