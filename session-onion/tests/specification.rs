//! The vectors of the protocol specification itself: onion, section 11, and the request that a
//! deployed storage server has accepted.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use base64ct::{Base64, Encoding};
use session_crypto::{Ed25519Public, Ed25519Secret, X25519Public, X25519Secret};
use session_onion::client::{self, Hop, Request, Server};
use session_onion::node::{Arrival, Deliver, Node, Peeled, ReplyBody};
use session_onion::packet::Layer;
use session_onion::payload::{Header, v4};
use session_onion::server::ServerKeys;
use session_onion::{Cipher, LayerKey};
use sha2::{Digest, Sha256};
use testkit::{Replay, array, hex};

fn secret(text: &str) -> X25519Secret {
    X25519Secret::from_bytes(array(text))
}

fn public(text: &str) -> X25519Public {
    X25519Public::from_bytes(array(text))
}

/// A node that takes a layer as a guard would.
fn peel(node: &Node, packet: &[u8]) -> Peeled {
    let arrival = Arrival::https(packet).unwrap();
    node.peel(&mut Replay::new([]), &arrival, &[]).unwrap()
}

fn deliver(node: &Node, packet: &[u8]) -> Deliver {
    match peel(node, packet) {
        Peeled::Deliver(deliver) => deliver,
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_and_layers_of_section_11_1() {
    let a = public("bbdfc83022d0aff084a6f0c529a93d1c4d728bf7e41199afed0e01ae70d20540");
    let b = public("caea52c5b0c316d85ffb53ea536826618b13dee40685f166f632653114526a78");
    let secret = secret("8fcd8ad3a15c76f76f1c56dff0c529999f8c59b4acda79e05666e54d5727dca1");
    assert_eq!(secret.public(), b);
    let gcm = LayerKey::for_server(Cipher::AesGcm, &secret, &b, &a).unwrap();
    let xchacha20 = LayerKey::for_server(Cipher::XChaCha20, &secret, &b, &a).unwrap();
    assert_eq!(
        const_hex::encode(gcm.expose_bytes()),
        "4f310f62c43f14d7fea7c084819a4e394d9fc7005919275ac18d9eb8bf3e4231"
    );
    assert_eq!(
        const_hex::encode(xchacha20.expose_bytes()),
        "37a3af90eb276c0b4069998e97edf956b6933bd3c77d330a072cdf274e757ab5"
    );

    let wire = "1eb6ae1cd72f60999486365749bd5dc15cc0b6a2a44d7d063daa5e93722f0c025fd00306403b61";
    assert_eq!(gcm.open(&hex(wire)).unwrap(), b"Hello world");
    for wrong in [
        "1eb6ae1cd72f60999486365759bd5dc15cc0b6a2a44d7d063daa5e93722f0c025fd00306403b61",
        "1eb6ae1cd72f60999486365749bd5dc15cc0b6a2a44d7d063daa5e93722f0c025fd00306403b69",
    ] {
        gcm.open(&hex(wrong)).unwrap_err();
    }
    let wire = "9e1a3abe60eff3ea5c23556cc7e225b6f94355315f7281f66ecf4dbb06e7899a\
                52b863e03cde3b287d1638d765db75de02b032";
    assert_eq!(xchacha20.open(&hex(wire)).unwrap(), b"Hello world");
    for wrong in [
        "9e1a3abe60eff3ea5c23556cc7e225b6f94355315f7281f66ecf4dbb06e7899a\
         52b863e03cde3b287d1638d765db75de02b033",
        "9e1a3abe60eff3ea5c23556ccfe225b6f94355315f7281f66ecf4dbb06e7899a\
         52b863e03cde3b287d1638d765db75de02b032",
    ] {
        xchacha20.open(&hex(wrong)).unwrap_err();
    }
}

const GCM_REQUEST: &str = "\
     270000009525d587d188c92a966eef0e7162bef99a6171a124575b998072a8ee7eb265e0b6f0930e\
     d965047b22656e635f74797065223a20226165732d67636d222c2022657068656d6572616c5f6b65\
     79223a20223831363765393736373230303563363639613438383538633639383935663339356361\
     3233353231396163336637613432313030323262316639313065363532227d";
const XCHACHA20_REQUEST: &str = "\
     33000000e440bc244ddcafd947b86fc5a964aa58de54a6d75cc0f0f3840db14b6c1176a8e2e0a04d\
     5fbdf98f23adee1edc8362ab99b10b7b22656e635f74797065223a2022786368616368613230222c\
     2022657068656d6572616c5f6b6579223a2022383136376539373637323030356336363961343838\
     35386336393839356633393563613233353231396163336637613432313030323262316639313065\
     363532227d";

#[test]
fn server_of_section_11_2_opens_and_answers() {
    let a = secret("d2ee09e1a557a077d385fcb69a11ffb6909ecdcc8348def3e0e4172c8a1431c1");
    let b = secret("2f4d1c0d28e137777ec0a316e9f4f763e3e66662a6c51994c6315c9ef34b6deb");
    let (client, server) = (a.public(), b.public());
    assert_eq!(
        client,
        public("8167e97672005c669a48858c69895f395ca235219ac3f7a4210022b1f910e652")
    );
    assert_eq!(
        server,
        public("8388de69bc0d4b6196133233ad9a46ba0473474bc67718aad96a3a33c257f726")
    );
    let keys = ServerKeys::new(b);
    for (request, cipher, length, key) in [
        (
            GCM_REQUEST,
            Cipher::AesGcm,
            41,
            "6215038efa8c2735db1aa5a086f75b51e972b8bdcf6926480bdec488cd4db99d",
        ),
        (
            XCHACHA20_REQUEST,
            Cipher::XChaCha20,
            53,
            "539091d458c3ba5ec79e5d2784452698e7c5f44138cdfeafca72e19c322e8fe5",
        ),
    ] {
        let opened = keys.open(&hex(request)).unwrap();
        assert_eq!(opened.plaintext, b"Hello world");
        let nonce = vec![7; cipher.nonce_length()];
        let reply = opened
            .replier
            .seal(&mut Replay::new([nonce]), b"Goodbye world")
            .unwrap();
        assert_eq!(reply.len(), length);
        let at_client = LayerKey::for_client(cipher, &a, &client, &server).unwrap();
        assert_eq!(const_hex::encode(at_client.expose_bytes()), key);
        assert_eq!(at_client.open(&reply).unwrap(), b"Goodbye world");
    }
}

const ALICE: &str = "7d446468c186d6fb3c83365ab77a37b1f9fa3e59eb9788a40ae2e9560f196f30";
const BOB: &str = "f512f68e81a932aa2ff6d8723baa260a43a6f789d61c91b71f73e4f284e3600a";

#[test]
fn layers_of_section_11_3() {
    let (alice, bob) = (secret(ALICE), secret(BOB));
    let (a, b) = (alice.public(), bob.public());
    let mut cases = vec![
        (
            Cipher::AesGcm,
            28,
            "3bb5fc9d718d88fa673d69829e737b97b4a0e4be2915fc7ef8a5f5d0776c1e6f",
            "000102030405060708090a0b254141d0fb10f0f25e1e316f3f47bf675d49eb6c\
             238bd3c18b86df3fc8d5687cc64c7a",
        ),
        (
            Cipher::XChaCha20,
            40,
            "489bc44da3522e9acd6fb1b4c6cbf42d1d2739de64466dfafa819a9f8c21c403",
            "000102030405060708090a0b0c0d0e0f101112131415161743bd01f11b8bad57\
             f5bfa27b8099befc22decd241a149281a9ded1f14697c78bfb3c5d",
        ),
    ];
    #[cfg(feature = "aes-cbc")]
    cases.push((
        Cipher::AesCbc,
        29,
        "82febb47d580439e5b71d2784f87a6946a898d71fed262aeb5bf03c2447f6069",
        "000102030405060708090a0b0c0d0e0f80d66ce43084f282f4df7277fa443af2\
         69dcb556f3a7886f2c1d248076915cc7",
    ));
    for (cipher, overhead, key, wire) in cases.drain(..) {
        let client = LayerKey::for_client(cipher, &alice, &a, &b).unwrap();
        let server = LayerKey::for_server(cipher, &bob, &b, &a).unwrap();
        assert_eq!(const_hex::encode(client.expose_bytes()), key);
        assert_eq!(client.expose_bytes(), server.expose_bytes());

        let nonce = (0..).take(cipher.nonce_length()).collect();
        let sealed = client
            .seal(&mut Replay::new([nonce]), b"Grumpy cat says no!")
            .unwrap();
        assert_eq!(sealed.len(), 19 + overhead);
        assert_eq!(const_hex::encode(&sealed), wire);
        assert_eq!(server.open(&sealed).unwrap(), b"Grumpy cat says no!");
    }
}

#[test]
fn who_mistakes_his_role_has_another_key() {
    let (alice, bob) = (secret(ALICE), secret(BOB));
    let (a, b) = (alice.public(), bob.public());
    let both_client = LayerKey::for_client(Cipher::XChaCha20, &bob, &b, &a).unwrap();
    assert_eq!(
        const_hex::encode(both_client.expose_bytes()),
        "f5b79c7f5c1cf13036b5eb885ab064bddb371a1416894134ac72d5a2ee823e25"
    );
    let client = LayerKey::for_client(Cipher::XChaCha20, &alice, &a, &b).unwrap();
    let sealed = client.seal(&mut Replay::new([vec![0; 24]]), b"no").unwrap();
    both_client.open(&sealed).unwrap_err();
}

/// A node and a packet for it with a given plaintext, and the key of the layer.
fn packet_of(plaintext: &[u8]) -> (Node, Vec<u8>, LayerKey) {
    let node = Node::new(Ed25519Public::from_bytes([5; 32]), secret(BOB));
    let alice = secret(ALICE);
    let key = LayerKey::for_client(Cipher::AesGcm, &alice, &alice.public(), node.x25519()).unwrap();
    let layer = Layer {
        ciphertext: &key
            .seal(&mut Replay::new([vec![0; 12]]), plaintext)
            .unwrap(),
        ephemeral_key: alice.public(),
        cipher: Cipher::AesGcm,
        hop_no: 0,
    };
    let packet = layer.to_packet().unwrap();
    (node, packet, key)
}

fn frame(json: &str) -> Vec<u8> {
    [b"\x0a\0\0\0ciphertext", json.as_bytes()].concat()
}

#[test]
fn roles_of_section_11_4() {
    let (node, packet, _) = packet_of(&frame("{\n  \"headers\": \"something\"\n}"));
    assert_eq!(deliver(&node, &packet).body, b"ciphertext");

    for (json, port, protocol) in [
        (
            r#"{ "host": "host", "target": "/loki/v3/lsrpc" }"#,
            443,
            "https",
        ),
        (
            "{\n\"host\": \"host\",\n\"target\": \"/loki/v3/lsrpc\",\n\"port\": 80,\n\"protocol\": \"http\"}\n",
            80,
            "http",
        ),
    ] {
        let (node, packet, _) = packet_of(&frame(json));
        let Peeled::Exit(exit) = peel(&node, &packet) else {
            panic!("no exit");
        };
        assert_eq!((exit.port, exit.protocol.as_str()), (port, protocol));
        assert_eq!(
            (exit.host.as_str(), exit.target.as_str()),
            ("host", "/loki/v3/lsrpc")
        );
        assert_eq!(exit.payload, frame(json));
    }

    let (node, packet, _) = packet_of(&frame(
        "{\n \"destination\": \"ffffeeeeddddccccbbbbaaaa9999888877776666555544443333222211110000\",\n \
         \"ephemeral_key\": \"0000111122223333444455556666777788889999000011112222333344445555\"\n}\n",
    ));
    let Peeled::Relay(relay) = peel(&node, &packet) else {
        panic!("no relay");
    };
    let layer = relay.layer();
    assert_eq!(layer.ciphertext, b"ciphertext");
    assert_eq!(layer.cipher, Cipher::AesGcm);
    assert_eq!(
        const_hex::encode(relay.next.as_bytes()),
        "ffffeeeeddddccccbbbbaaaa9999888877776666555544443333222211110000"
    );
    assert_eq!(
        layer.ephemeral_key,
        public("0000111122223333444455556666777788889999000011112222333344445555")
    );
}

#[test]
fn targets_of_section_11_4() {
    for target in ["/loki/v3/lsrpc", "/loki/oxen/v4/lsrpc", "/oxen/v3/lsrpc"] {
        let json = format!(r#"{{"host":"host","target":"{target}"}}"#);
        let (node, packet, _) = packet_of(&frame(&json));
        assert!(matches!(peel(&node, &packet), Peeled::Exit(_)));
    }
    for target in [
        "/not_loki/v3/lsrpc",
        "/loki/v3",
        "/loki/v3/lsrpc?foo=bar",
        "target",
    ] {
        let json = format!(r#"{{"host":"host","target":"{target}"}}"#);
        let (node, packet, key) = packet_of(&frame(&json));
        let arrival = Arrival::https(&packet).unwrap();
        let mut rng = Replay::new([vec![3; 12]]);
        let refused = node.peel(&mut rng, &arrival, &[]).unwrap_err();
        assert_eq!(refused.answer.status, 200);
        let sealed = Base64::decode_vec(core::str::from_utf8(&refused.answer.body).unwrap());
        assert_eq!(
            key.open(&sealed.unwrap()).unwrap(),
            br#"{"body":"Invalid url","status":400}"#
        );
    }
}

const THREE_HOPS: &str = "\
     0f030000a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a11d9c762688053da8f0440845\
     3f7f4acdb4dcfc1731f62f620cb0bdce93cdcf343f3499e06a9c6009c8824460482ec52adb99e059\
     d16644ef3cccfbc7d3345b14695c8b5a12aa513be74fe564ec90281808d3e2ee0cc70e4f06e00999\
     d31f8b5e4f2770ff562df404142f2ae143a1ccfddf5c82da2921d164ab42a4ec04683fffd0bc4025\
     be4a9fe2ee7c68cc28cee1c24dd13d20495ccf52ebb1a1a141367a3765981f8e50541d8c9619a1b9\
     b27e404dc1a517bb2c80d821bc2e878f84bd60b887c388ee0321287e6a2e9de188176fa6a5c65721\
     070f179285c426c18f96317837cceeeda30a730a6e23c5347a40284f890e4e0a934d7f5cb8c540aa\
     39d2bf40415378be4a1437bbe66fa64fa15347d4a50f1e83e07c12a1da2ebc64b1f839fa7e1fd057\
     1953bb3ed156a811d9774215bc21e5a752807b843eaec634e05851f22ab4f367ea25b2591f2370b0\
     d0ab718b801bb07228cbe3d158c9aa4a9e1ea09b9d4e7afce4a65a50e6bb9864632866d8dc42505e\
     32efc5b393c24196d177939a1b41207aa7c38ed8c734bfd140c85578bf93b553a87fa418eabf8e36\
     0adf0b9a718d424f3608768144accac7e3b088a4eb368576941946bc5e721be0647d51cb1955f1a6\
     cb091257fb1eaa2cfd2838b624f31b6b9f000f7b93c6dd14f9377bc4e9678ff4a035035da09e926f\
     4d90774f334aee72fbed104ffeaef2d3db70c587348553fac9dd7d702d73193d53e8ac7439e55404\
     2a4f3cbf13b69073e38d9290bdf66029573641c328e2a085ff37034c57867966de67035563bc1eec\
     aed5f8c0159bb404b3554055b8cc98f4d22f0e8de1e0ea9e7c099745f7c2e4cacd3d475da0d2d892\
     b99ec3eeb1c8a50997025a83d0140f371f296bef9384759f6f524d1c30f8f5ec4716db740ea4b4c4\
     a61792c060479eb4e06bc006973526a26b1c6d004be43ff9c12f1aab58e7450beaff98377ba84fa0\
     55d4f0e97511614c02d14472edbc5e9ea5bb01bba5f6403dcbce452606b6944e303f1b61b976729e\
     8d51356cb6d350393e7bcee9fb9de7e1f71e57efb32ee0a526fb217b22656e635f74797065223a22\
     786368616368613230222c22657068656d6572616c5f6b6579223a22376234653930396262653766\
     66653434633436356132323030333764363038656533353839376433316566393732663037663734\
     383932636230663733663133227d";

#[test]
fn three_hops_of_section_11_5() {
    let seed = |byte| Ed25519Secret::from_seed(&[byte; 32]);
    let node = |byte| Node::new(seed(byte).public(), seed(byte).to_x25519());
    let hop = |byte| Hop::from_ed25519(seed(byte).public()).unwrap();
    let path = [hop(1), hop(2), hop(3)];
    let destination = hop(4);
    let draws = [0x14, 0x13, 0x12, 0x11].map(|byte: u8| [vec![byte; 32], vec![byte + 0x90; 24]]);
    let mut rng = Replay::new(draws.into_iter().flatten());
    let body = br#"{"method":"info","params":{}}"#;
    let sealed = client::seal(&mut rng, &path, &Request::storage(&destination, body)).unwrap();
    assert_eq!(const_hex::encode(&sealed.packet), THREE_HOPS);
    assert_eq!(sealed.packet.len(), 894);
    assert_eq!(
        const_hex::encode(Sha256::digest(&sealed.packet)),
        "f10551d7c4a6eafc2040d7dfb747e017d0e52d29d44d0dddbd69527e5f994678"
    );

    let mut arrived = sealed.packet;
    for (index, byte) in (1..=3u8).enumerate() {
        let arrival = match index {
            0 => Arrival::https(&arrived).unwrap(),
            _ => Arrival::node(&arrived).unwrap(),
        };
        let Peeled::Relay(relay) = node(byte)
            .peel(&mut Replay::new([]), &arrival, &[])
            .unwrap()
        else {
            panic!("no relay");
        };
        assert_eq!(relay.next, seed(byte + 1).public());
        assert_eq!(relay.layer().hop_no, u32::from(byte));
        arrived = relay.message();
    }
    let arrival = Arrival::node(&arrived).unwrap();
    assert_eq!(
        const_hex::encode(arrival.layer().ciphertext),
        "a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4b9aaba2d8a5326a0\
         64623e987143824202db41ec4a0464577aee5639d7238178c5f88e896b8d843c\
         a34243370a9df7206cdd7503e5f142627d889edfdf326a"
    );
    let Peeled::Deliver(deliver) = node(4).peel(&mut Replay::new([]), &arrival, &[]).unwrap()
    else {
        panic!("not delivered");
    };
    assert_eq!(deliver.body, body);
    let mut rng = Replay::new([vec![0xb1; 24]]);
    let answer = deliver.reply(&mut rng, 200, ReplyBody::Json(r#"{"t":1}"#));
    assert_eq!(answer.status, 200);
    let expected = "sbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxxONBLbUKQvmNtvGlDyQpwAK7DrIa\
                    lB7xBbHRueGB54a8pY3lF73LMjxjJIdTWluWkA==";
    assert_eq!(core::str::from_utf8(&answer.body).unwrap(), expected);

    let reply = sealed.reply_key.open(answer.status, &answer.body).unwrap();
    assert_eq!(
        (reply.status, reply.body.as_deref()),
        (200, Some(&b"{\"t\":1}"[..]))
    );
}

#[test]
fn v4_payloads_of_section_11_6() {
    let get =
        br#"l79:{"method":"GET","endpoint":"/room/some-room","headers":{"Some-Header":"12345"}}e"#;
    let request = v4::Received::parse(get.to_vec()).unwrap();
    assert_eq!(
        (request.method.as_str(), request.endpoint.as_str()),
        ("GET", "/room/some-room")
    );
    assert_eq!((request.headers.len(), request.body.len()), (1, 0));
    assert_eq!(request.headers[0].name, "Some-Header");
    assert_eq!(request.headers[0].value, "12345");

    let post = br#"l72:{"method":"POST","endpoint":"/some/thing","headers":{"Some-Header":"a"}}14:post body heree"#;
    let request = v4::Received::parse(post.to_vec()).unwrap();
    assert_eq!(
        (request.method.as_str(), request.endpoint.as_str()),
        ("POST", "/some/thing")
    );
    assert_eq!(request.body, b"post body here");

    let response = v4::Response {
        code: 200,
        headers: &[
            ("Content-Type", "application/json"),
            ("Content-Length", "11"),
        ],
        body: br#"{"id": 123}"#,
    };
    let expected =
        br#"l58:{"code":200,"headers":{"content-type":"application/json"}}11:{"id": 123}e"#;
    assert_eq!(response.encode(), expected);
}

const POSTED: &str = "\
     7c000000a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a4a429a64493362ebc815c3c9d4a\
     9b978fd4a18dad93393e7c86aaca84a714a469a6f171b23ac5b3ff5469ee043f7768e825cf35ce75\
     a6544e806d5b738838b8edb12ca3d7bebbf2103da68d2674fbd1b6ecbb83ecb4855dd818d3059d98\
     8c02dfe3a447224a7b22656e635f74797065223a22786368616368613230222c22657068656d6572\
     616c5f6b6579223a2231386136663863316137666464663232626434313031333866373966373239\
     386364333864316430613534326434323636643535366265383630396438383632222c22686f7374\
     223a22736f67732e6578616d706c652e6f7267222c226d6574686f64223a22504f5354222c22706f\
     7274223a3434332c2270726f746f636f6c223a226874747073222c22746172676574223a222f6f78\
     656e2f76342f6c73727063227d";
const V4_REPLY: &str = "\
     b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b20b7081c78d09f26cee79958a11330488\
     0fabb3a0d056b35eb8b944dcf7206d8add8b1a4df0086dfe97a54635aac1e92be45119917d8942ef\
     2c4a0ecee5c9d7f2bd413f441579b26a316b59d6460076ab14441787842993a500cd0023d1";

#[test]
fn server_of_section_11_7() {
    let keys = ServerKeys::new(X25519Secret::from_bytes([0x77; 32]));
    assert_eq!(
        *keys.public(),
        public("1cf579aba45a10ba1d1ef06d91fca2aa9ed0a1150515653155405d0b18cb9a67")
    );
    let server = Server::new(*keys.public(), "https", "sogs.example.org").unwrap();
    let request = v4::Request {
        headers: &[("Some-Header", "12345")],
        ..v4::Request::get("room/some-room")
    };
    // The layer of the exit node is not part of the vector: its plaintext is.
    let exit = Node::new(
        Ed25519Public::from_bytes([1; 32]),
        X25519Secret::from_bytes([9; 32]),
    );
    let path = [Hop::new(*exit.ed25519(), *exit.x25519())];
    let mut rng = Replay::new([vec![0x14; 32], vec![0xa4; 24], vec![1; 32], vec![2; 24]]);
    let sealed = client::seal(&mut rng, &path, &Request::server(&server, request)).unwrap();
    let Peeled::Exit(exit) = peel(&exit, &sealed.packet) else {
        panic!("no exit");
    };
    assert_eq!(const_hex::encode(&exit.payload), POSTED);
    assert_eq!(exit.url(), "https://sogs.example.org/oxen/v4/lsrpc");

    let opened = keys.open(&exit.payload).unwrap();
    assert_eq!(
        opened.plaintext,
        br#"l79:{"endpoint":"/room/some-room","headers":{"Some-Header":"12345"},"method":"GET"}e"#
    );
    let answer = opened.answer_v4(&mut Replay::new([vec![0xb2; 24]]), |_| {
        v4::Response {
            code: 200,
            headers: &[("content-type", "application/json")],
            body: br#"{"id": 123}"#,
        }
        .encode()
    });
    let answer = answer.unwrap();
    assert_eq!(const_hex::encode(&answer), V4_REPLY);
    let reply = sealed.reply_key.open(200, &answer).unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body.unwrap(), br#"{"id": 123}"#);
    let header = Header {
        name: "content-type".into(),
        value: "application/json".into(),
    };
    assert_eq!(reply.headers, [header]);
}

const ACCEPTED: &str = "\
     2702000008391a6dd740a06eae8262c3f1196f7c31139e95090f4feffdf0c734bf8f3e25d070bd3c\
     5010c180b9945ff3296606382dc3c92c7ec14422c541d8df41fed86905c4ae6b681f84626d259673\
     dfa9396d28107860effec5b2e5b21025983c30e3369efca2579cbe380fc1414a311d071db0483af2\
     325e2bb3b05d47f07e8c6cdad3511c18b19a9eea3bca1454e1a840fdda5cfe09d9c18d625018997d\
     8233521f5119d42f23dbac42b066d67d7f7e508979703420ef500e4c5cdab2a55f943df5db6cd14b\
     763681cce1273aef5b0d8fb482df209895795f12172513354219c3606d0b9dadb9be914d7744c511\
     fa4d4da2895a3962939e11fe420f3b2322fdf138242931f8d001ca223b3751307d453807f7ef1bd8\
     32c7c2109978d57ac9c0cd294595aac7f8bd760aa2fe782e2b1c3f1b18af089e6c57e9436ae7405d\
     e31511172118d29d00b461f9a500e64bb59f24e61e08cf6d1dce0983975f70693c12ca354389c4b6\
     e3cd6f0e57d602f68ebe0701584f70572176d34941fed1397e50b4b7e70bd233b3e37a97351c79f0\
     e9469b8784a1fb5217b9c314f04ce4be86f032bcb1b62e8f6301093de9410a5965fdf7cab167312e\
     66fdb20f05cba703343d1df02eb5a7f54964f515b9c493b15b09e9f19f6e8080934e8568f195d346\
     a844f080520931dd1ae1e4be6540ae41332e058e47f96c10c712873beb2dfdf3b94828b74eda575a\
     96c22f53f6e0ebe3bd6201d3efb8f2eb239f11c17f7993112792670b8c2d6b773803797b22657068\
     656d6572616c5f6b6579223a22363030653536663537643634303930353332613035393533616138\
     32306261383261386131636232396334366237343962633638373038626165386665633133222c22\
     656e635f74797065223a22786368616368613230227d";

/// The request was accepted by a deployed server. Its JSON is not in the canonical order.
#[test]
fn request_that_a_deployed_server_accepted() {
    let accepted = hex(ACCEPTED);
    assert_eq!(accepted.len(), 662);
    let hops = [
        (
            "1fe8674c6af48a388e36fe2eab48109d942dce48178bc5431c700e874755cf16",
            "5ddb43969103f8a28a524686c303bd761144ad985bc681b99736b3d5b4ce14ea",
            "71682e824984b02ff4220c8b18426f7a689dba9d2fb6bd65c6e5c7eec6998951",
            511,
            Some("2acc59565018f4290215c59969f006d1c80e2f4494f3b16fb5ec288b09f0ca7b"),
        ),
        (
            "cace8a3044ab967d8b8285e40734b5c7f7908f17548e7cfb1d52421c36b8e00c",
            "4405f595e764b38a85f9e93c34a24bcecf33c47037442cc007a0689ee4d8a824",
            "43d3193684fa4f07b485a25f8d7e73352a1d190231a4aa40c3c1956179bec43a",
            279,
            Some("84eccb9696f1ec4494915323f0837ef5450447f57a31c885e1fc4afe2e8bb997"),
        ),
        (
            "36583dc82abf557856dfbc058f1841970f549489a6620adf5addbb4426338826",
            "6b8843d1c6a0a3c94b9cf3bea80ceadaa00b08aec5226b10beff1e541c4a8b17",
            "938159acf9c297bd639173edc212ac5843894356f7b51957989073daa9ea7ebc",
            47,
            None,
        ),
    ];
    let outer = Layer::from_packet(&accepted).unwrap();
    let mut ciphertext = outer.ciphertext.to_vec();
    let (mut ephemeral_key, mut cipher) = (outer.ephemeral_key, outer.cipher);
    for (node, ephemeral, key, length, next) in hops {
        // The nodes' secrets are not known, but the client's are.
        let secret = secret(ephemeral);
        assert_eq!(ephemeral_key, secret.public());
        let for_key = |node: &X25519Public| {
            LayerKey::for_client(cipher, &secret, &secret.public(), node).unwrap()
        };
        let layer_key = for_key(&public(node));
        assert_eq!(const_hex::encode(layer_key.expose_bytes()), key);
        let plaintext = layer_key.open(&ciphertext).unwrap();
        assert_eq!(plaintext.len(), length);
        let nonce = ciphertext[..24].to_vec();
        let again = layer_key.seal(&mut Replay::new([nonce]), &plaintext);
        assert_eq!(again.unwrap(), ciphertext);

        // A stand-in for the node, which only differs in the key.
        let stand_in = Node::new(
            Ed25519Public::from_bytes([2; 32]),
            X25519Secret::from_bytes([2; 32]),
        );
        let sealed = for_key(stand_in.x25519()).seal(&mut Replay::new([vec![0; 24]]), &plaintext);
        let packet = Layer {
            ciphertext: &sealed.unwrap(),
            ephemeral_key,
            cipher,
            hop_no: 0,
        };
        match (peel(&stand_in, &packet.to_packet().unwrap()), next) {
            (Peeled::Relay(relay), Some(next)) => {
                assert_eq!(const_hex::encode(relay.next.as_bytes()), next);
                let layer = relay.layer();
                ciphertext = layer.ciphertext.to_vec();
                (ephemeral_key, cipher) = (layer.ephemeral_key, layer.cipher);
            }
            (Peeled::Deliver(deliver), None) => {
                assert_eq!(deliver.body, br#"{"method":"info","params":{}}"#);
                let live = "fJ/1Uhl2r5xJMnBTP3anJ9gdYlUPkrPV4QRMeP/Db54RZpjqf82/RfQafJMR\
                            3wLGmd7pawi6AwEL2H0FXZm5ywyGlzJC8HI+ITSuyNG5o6kkZtTJO9Qm7tGf\
                            e4j0v95e+vgaAIOe9TDHKZRhczsoSDIh7hGru/MrddR4zuSZkoMGMD/oA2sQ\
                            Zx92geVoEwm0OFB/";
                let live = Base64::decode_vec(live).unwrap();
                assert_eq!(
                    layer_key.open(&live).unwrap(),
                    br#"{"body":"{\"hf\":[19,4],\"t\":1795374144718,\"timestamp\":1795374144718,\"version\":[2,8,0]}","status":200}"#
                );
            }
            (other, _) => panic!("{other:?}"),
        }
    }
}
