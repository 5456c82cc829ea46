//! Requests that a server accepts, and its answers.

use base64ct::{Base64, Base64Unpadded, Encoding};
use session_crypto::X25519Secret;
use session_onion::client::{Server, ServerError};
use session_onion::payload::{v3, v4};
use session_onion::server::{OpenError, ServerKeys};
use session_onion::{Cipher, LayerKey, MAX_PACKET_LENGTH};

use crate::support::{frame, rng};

fn keys() -> ServerKeys {
    ServerKeys::new(X25519Secret::from_bytes([0x77; 32]))
}

/// Returns the body that an exit node posts for a plaintext, and the key of the layer.
fn posted(plaintext: &[u8], spell: impl Fn(&[u8; 32]) -> String) -> (Vec<u8>, LayerKey) {
    let ephemeral = X25519Secret::from_bytes([6; 32]);
    let public = ephemeral.public();
    let key = LayerKey::for_client(Cipher::AesGcm, &ephemeral, &public, keys().public()).unwrap();
    let sealed = key.seal(&mut rng(), plaintext).unwrap();
    let json = format!(
        r#"{{"ephemeral_key":"{}","host":7}}"#,
        spell(public.as_bytes())
    );
    (frame(&sealed, &json), key)
}

fn base32z(bytes: &[u8; 32]) -> String {
    let mut digits = String::new();
    let (mut bits, mut have) = (0u32, 0);
    for byte in bytes.iter().chain([&0]) {
        bits = bits << 8 | u32::from(*byte);
        have += 8;
        while have >= 5 && digits.len() < 52 {
            have -= 5;
            let digit = (bits >> have & 31) as usize;
            digits.push(char::from(b"ybndrfg8ejkmcpqxot1uwisza345h769"[digit]));
        }
    }
    digits
}

#[test]
fn the_ephemeral_key_may_be_hex_base64_or_base32z() {
    let good: [fn(&[u8; 32]) -> String; 5] = [
        |key| const_hex::encode(key),
        |key| const_hex::encode_upper(key),
        |key| Base64::encode_string(key),
        |key| Base64Unpadded::encode_string(key),
        base32z,
    ];
    for spell in good {
        assert_eq!(
            keys().open(&posted(b"hello", spell).0).unwrap().plaintext,
            b"hello"
        );
    }
    let last = |text: String, change: fn(char) -> char| {
        let mut text: Vec<char> = text.chars().collect();
        let at = text.len() - 1;
        text[at] = change(text[at]);
        text.into_iter().collect::<String>()
    };
    // Unused bits that are set, other lengths, other alphabets.
    let set_bit = |alphabet: &'static str, text: String| {
        let at = alphabet.find(text.chars().next_back().unwrap()).unwrap();
        let other = alphabet.chars().nth(at + 1).unwrap();
        format!("{}{other}", &text[..text.len() - 1])
    };
    const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const BASE32Z: &str = "ybndrfg8ejkmcpqxot1uwisza345h769";
    let bad: Vec<Box<dyn Fn(&[u8; 32]) -> String>> = vec![
        Box::new(|_| String::new()),
        Box::new(|key| format!("0x{}", &const_hex::encode(key)[2..])),
        Box::new(|key| const_hex::encode(&key[1..])),
        Box::new(move |key| last(const_hex::encode(key), |_| 'g')),
        Box::new(|key| set_bit(BASE64, Base64Unpadded::encode_string(key))),
        Box::new(|key| format!("{}=", set_bit(BASE64, Base64Unpadded::encode_string(key)))),
        Box::new(|key| format!("{}A", Base64Unpadded::encode_string(key))),
        Box::new(|key| set_bit(BASE32Z, base32z(key))),
        Box::new(|key| base32z(key).to_uppercase()),
        Box::new(|key| base32z(key)[1..].to_owned()),
        Box::new(|_| "é".repeat(32)),
        Box::new(|_| "é".repeat(26)),
    ];
    for (index, spell) in bad.iter().enumerate() {
        let error = keys().open(&posted(b"hello", spell).0).unwrap_err();
        assert!(matches!(error, OpenError::Packet(_)), "{index}: {error}");
    }
}

#[test]
fn the_shortest_ciphertext_is_that_of_nothing() {
    let secret = X25519Secret::from_bytes([6; 32]);
    for (cipher, overhead) in [(Cipher::XChaCha20, 24 + 16), (Cipher::AesGcm, 12 + 16)] {
        let key = LayerKey::for_client(cipher, &secret, &secret.public(), keys().public());
        let key = key.unwrap();
        assert_eq!(format!("{key:?}"), format!("LayerKey({cipher}, ..)"));
        let sealed = key.seal(&mut rng(), b"").unwrap();
        assert_eq!(cipher.to_string(), cipher.name());
        assert_eq!((cipher.overhead(), sealed.len()), (overhead, overhead));
    }
}

#[test]
fn the_largest_request_is_bounded() {
    assert_eq!(MAX_PACKET_LENGTH, 10_485_760);
    let longest = keys().open(&vec![0; MAX_PACKET_LENGTH]).unwrap_err();
    assert!(!matches!(longest, OpenError::TooLarge(_)));
    let error = keys().open(&vec![0; MAX_PACKET_LENGTH + 1]).unwrap_err();
    assert_eq!(error, OpenError::TooLarge(MAX_PACKET_LENGTH + 1));
}

#[test]
fn a_request_that_makes_no_sense_is_answered_under_the_same_key() {
    for plaintext in [
        &b""[..],
        b"le",
        b"de",
        b"{}",
        b"l2:{}e",
        b"l2:{}e ",
        br#"l31:{"method":"GET","endpoint":"x"}e"#,
        br#"l32:{"method":"GET","endpoint":"/x"}1:be"#,
        br#"l35:{"method":"DELETE","endpoint":"/x"}1:be"#,
        br#"l32:{"method":"GET","endpoint":"/x"}0:0:e"#,
        br#"l32:{"method":"GET","endpoint":"/x"}i1ee"#,
        br#"l45:{"method":"GET","endpoint":"/x","headers":[]}e"#,
        br#"l29:{"method":1,"endpoint":"/x"}e"#,
    ] {
        let (request, key) = posted(plaintext, |key| const_hex::encode(key));
        let opened = keys().open(&request).unwrap();
        let answer = opened
            .answer_v4(&mut rng(), |request| panic!("{request:?}"))
            .unwrap();
        assert_eq!(
            key.open(&answer).unwrap(),
            br#"l67:{"code":400,"headers":{"content-type":"text/plain; charset=utf-8"}}24:Invalid v4 onion requeste"#
        );
    }
}

#[test]
fn an_empty_body_and_no_body_are_the_same_to_a_server() {
    for plaintext in [
        &br#"l32:{"method":"GET","endpoint":"/x"}0:e"#[..],
        br#"l33:{"method":"POST","endpoint":"/x"}e"#,
        br#"l33:{"method":"POST","endpoint":"/x"}0:e"#,
    ] {
        let request = v4::Received::parse(plaintext.to_vec()).unwrap();
        assert_eq!((request.body.len(), request.headers.len()), (0, 0));
    }
}

#[test]
fn the_client_writes_headers_as_other_clients_do() {
    let head = |headers: &[(&str, &str)], body: Option<&[u8]>| {
        let request = v4::Request {
            method: "POST",
            endpoint: "x?y=1",
            headers,
            body,
        };
        String::from_utf8(request.encode()).unwrap()
    };
    assert_eq!(
        head(&[], None),
        r#"l50:{"endpoint":"/x?y=1","headers":{},"method":"POST"}e"#
    );
    assert_eq!(
        head(&[], Some(b"")),
        r#"l83:{"endpoint":"/x?y=1","headers":{"Content-Type":"application/json"},"method":"POST"}0:e"#
    );
    let headers = [
        ("content-type", "a"),
        ("User-Agent", "b"),
        ("user-agent", "c"),
        ("USER-AGENT", "f"),
        ("X", "d"),
        ("X", "e"),
        ("b", "1"),
        ("A", "2"),
        ("B", "3"),
    ];
    // Names have no case: one of each, in the last spelling, and no second Content-Type.
    assert_eq!(
        head(&headers, Some(b"x")),
        r#"l92:{"endpoint":"/x?y=1","headers":{"A":"2","B":"3","X":"e","content-type":"a"},"method":"POST"}1:xe"#
    );
    // The bytes of a header are kept where the case is the usual one.
    assert_eq!(
        head(&[("X-A", "ü"), ("Content-Type", "text/plain")], Some(b"")),
        "l88:{\"endpoint\":\"/x?y=1\",\"headers\":{\"Content-Type\":\"text/plain\",\"X-A\":\"ü\"},\"method\":\"POST\"}0:e"
    );
    assert!(head(&[("Content-Type", "z")], Some(b"x")).contains(r#"{"Content-Type":"z"}"#));
}

#[test]
fn version_3_requests_are_read_as_old_clients_wrote_them() {
    let parse = |json: &str| v3::Received::parse(json.as_bytes());
    let request = parse(
        r#"{"endpoint":"rooms/x","method":"POST","body":"{}","auth_code":"abc","headers":{"A":"b"}}"#,
    )
    .unwrap();
    assert_eq!(request.endpoint, "/legacy/rooms/x");
    assert_eq!(request.body, "{}");
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|h| (h.name.as_str(), h.value.as_str()))
        .collect();
    assert_eq!(headers, [("A", "b"), ("Authorization", "abc")]);

    // The code is for legacy endpoints only, and null is nothing.
    let request =
        parse(r#"{"endpoint":"/x","method":"GET","auth_code":"abc","body":"null","headers":null}"#);
    let request = request.unwrap();
    assert_eq!((request.headers.len(), request.body.len()), (0, 0));
    assert_eq!(
        parse(r#"{"endpoint":"/x","method":"PUT","body":"null"}"#)
            .unwrap()
            .body,
        "null"
    );
    assert_eq!(
        parse(r#"{"endpoint":"/x","method":"PUT"}"#).unwrap().body,
        ""
    );

    assert_eq!(
        parse(r#"{"endpoint":"/x","method":"GET","body":"b"}"#),
        Err(v3::V3Error::Body)
    );
    for json in [
        "",
        " {\"endpoint\":\"/x\",\"method\":\"GET\"}",
        "[]",
        r#"{"endpoint":"/x"}"#,
        r#"{"method":"GET"}"#,
        r#"{"endpoint":"/x","method":"PUT","body":5}"#,
        r#"{"endpoint":"/x","method":"GET","headers":{"a":1}}"#,
        r#"{"endpoint":"/x","method":"GET"}x"#,
    ] {
        assert!(matches!(parse(json), Err(v3::V3Error::Json(_))), "{json}");
    }
}

#[test]
fn version_3_answers_are_base64_and_have_a_body_on_success_only() {
    let answer = |plaintext: &[u8], status: u16| {
        let (request, key) = posted(plaintext, |key| const_hex::encode(key));
        let opened = keys().open(&request).unwrap();
        let answer = opened
            .answer_v3(&mut rng(), |_| (status, b"raw".to_vec()))
            .unwrap();
        String::from_utf8(key.open(&Base64::decode_vec(&answer).unwrap()).unwrap()).unwrap()
    };
    let good = br#"{"endpoint":"/x","method":"GET"}"#;
    assert_eq!(answer(good, 200), "raw");
    assert_eq!(answer(good, 404), r#"{"status_code":404}"#);
    assert_eq!(answer(b"x", 200), r#"{"status_code":400}"#);
}

#[test]
fn a_destination_that_no_node_would_post_to_is_not_made() {
    let key = *keys().public();
    let new = |protocol, host| Server::new(key, protocol, host).err();
    assert_eq!(new("https", "example.org"), None);
    assert_eq!(new("http://", "[::1]"), None);
    assert_eq!(new("ftp", "example.org"), Some(ServerError::Protocol));
    assert_eq!(new("https:/", "example.org"), Some(ServerError::Protocol));
    assert_eq!(new("https", ""), Some(ServerError::Host));
    assert_eq!(new("https", "a/b"), Some(ServerError::Host));
    assert_eq!(new("https", "é"), Some(ServerError::Host));
    let target = |target| {
        Server::new(key, "https", "h")
            .unwrap()
            .with_target(target)
            .err()
    };
    assert_eq!(target("/loki/v3/lsrpc"), None);
    assert_eq!(target("/x/lsrpc"), Some(ServerError::Target));
    assert_eq!(target("/oxen/v4/lsrpc?x"), Some(ServerError::Target));
}

#[test]
fn header_names_are_read_without_case() {
    let metadata = r#"{"method":"GET","endpoint":"/x","headers":{"CONTENT-LENGTH":"5","X-a":"1","x-A":"2","c":"3"}}"#;
    let request = v4::Received::parse(format!("l{}:{metadata}e", metadata.len()).into_bytes());
    let request = request.unwrap();
    let headers: Vec<_> = request
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    // The last spelling counts.
    assert_eq!(headers, [("c", "3"), ("x-A", "2")]);
    assert_eq!(request.header("X-A"), Some("2"));
    assert_eq!(request.header("C"), Some("3"));
    assert_eq!(request.header("content-length"), None);

    let json =
        r#"{"endpoint":"x","method":"GET","auth_code":"new","headers":{"AUTHORIZATION":"old"}}"#;
    let request = v3::Received::parse(json.as_bytes()).unwrap();
    assert_eq!(request.header("authorization"), Some("new"));
    assert_eq!(request.headers.len(), 1);

    let headers = [("Content-Type", "a"), ("content-type", "b")];
    let response = v4::Response {
        code: 200,
        headers: &headers,
        body: b"",
    };
    assert_eq!(
        response.encode(),
        br#"l43:{"code":200,"headers":{"content-type":"b"}}0:e"#
    );
}

#[test]
fn headers_of_a_response_may_be_null_and_have_numbers() {
    let parse = |headers: &str| {
        let json = format!(r#"{{"code":200,"headers":{headers}}}"#);
        v4::ReceivedResponse::parse(format!("l{}:{json}e", json.len()).into_bytes())
    };
    assert_eq!(parse("null").unwrap().headers, []);
    let response = parse(r#"{"Content-Length":12,"x":-1.50e3,"Y":"z"}"#).unwrap();
    let headers: Vec<_> = response
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    assert_eq!(
        headers,
        [("Content-Length", "12"), ("Y", "z"), ("x", "-1.50e3")]
    );
    for headers in [
        "[]",
        "1",
        r#""""#,
        r#"{"a":null}"#,
        r#"{"a":true}"#,
        r#"{"a":[]}"#,
    ] {
        parse(headers).unwrap_err();
    }
}

/// The body that an exit node posts, with a layer of this cipher.
fn posted_by(cipher: Cipher, plaintext: &[u8]) -> (Vec<u8>, LayerKey) {
    let ephemeral = X25519Secret::from_bytes([6; 32]);
    let public = ephemeral.public();
    let key = LayerKey::for_client(cipher, &ephemeral, &public, keys().public()).unwrap();
    let sealed = key.seal(&mut rng(), plaintext).unwrap();
    let json = format!(r#"{{"ephemeral_key":"{public}","enc_type":"{cipher}"}}"#);
    (frame(&sealed, &json), key)
}

#[test]
fn a_request_is_opened_and_answered_in_its_own_buffer() {
    let other = ServerKeys::new(X25519Secret::from_bytes([0x78; 32]));
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        for plaintext in [vec![], vec![7; 100_000]] {
            let (mut buffer, key) = posted_by(cipher, &plaintext);
            let (before, place) = (buffer.clone(), buffer.as_ptr());
            // With another key, and with a changed byte, nothing happens to the buffer.
            assert!(other.open_in_place(&mut buffer).is_err());
            assert_eq!(buffer, before);
            let tag = before.len() - r#"{"ephemeral_key":"","enc_type":""}"#.len();
            let tag = tag - 64 - cipher.name().len() - 1;
            buffer[tag] ^= 1;
            let changed = buffer.clone();
            assert!(keys().open_in_place(&mut buffer).is_err());
            assert_eq!(buffer, changed);
            buffer[tag] ^= 1;

            let replier = keys().open_in_place(&mut buffer).unwrap();
            assert_eq!(buffer, plaintext);
            assert_eq!(buffer, keys().open(&before).unwrap().plaintext);
            buffer.reserve(100);
            let place = if plaintext.is_empty() {
                buffer.as_ptr()
            } else {
                place
            };
            v4::Response::encode_in_place(200, &[("Name", "value")], &mut buffer);
            let response = v4::Response {
                code: 200,
                headers: &[("Name", "value")],
                body: &plaintext,
            };
            assert_eq!(buffer, response.encode());
            replier.seal_in_place(&mut rng(), &mut buffer).unwrap();
            assert_eq!(buffer.as_ptr(), place);
            assert_eq!(key.open(&buffer).unwrap(), response.encode());
        }
    }
    for bad in [&b""[..], b"\x01\0\0\0", b"\x28\0\0\0{}"] {
        assert!(keys().open_in_place(&mut bad.to_vec()).is_err());
    }
}
