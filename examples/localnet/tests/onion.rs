//! Onion requests to nodes that are up: every layer cipher, exits to servers outside, and what the
//! table of the observed onion answers says (protocol: observed storage server).
#![allow(missing_docs)]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64ct::{Base64, Encoding};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use localnet::fault::now_ms;
use localnet::node::Node;
use localnet::server::{Call, Reply, serve};
use localnet::tls::self_signed;
use serde_json::{Value as Json, json};
use session_crypto::X25519Secret;
use session_onion::client::{Request, Server, seal};
use session_onion::payload::v4;
use session_onion::server::ServerKeys;
use session_onion::{Cipher, LayerKey};
use session_types::SwarmId;
use support::{World, frame, hop, layer, packet, through};
use tokio::sync::watch;

const CIPHERS: [Cipher; 3] = [Cipher::XChaCha20, Cipher::AesGcm, Cipher::AesCbc];
const INFO: &[u8] = br#"{"method":"info","params":{}}"#;
const LAST: &str = r#"{"headers":{}}"#;

fn opened(key: &LayerKey, body: &str) -> Json {
    let sealed = Base64::decode_vec(body).unwrap_or_else(|_| panic!("not base64: {body}"));
    let text = key.open(&sealed).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mix_of_the_layer_ciphers_is_taken() {
    let world = World::start(|_| {}).await;
    let mut count = 0;
    for first in CIPHERS {
        for middle in CIPHERS {
            for last in CIPHERS {
                let at = |place: usize| world.node((count + place) % 12);
                let path = [(at(0), first), (at(1), middle), (at(2), last)];
                let (packet, key) = through(&path, &frame(INFO, LAST));
                let (status, body) = world.post(at(0), "/onion_req/v2", &packet).await;
                assert_eq!(status, 200, "{first} {middle} {last}: {body}");
                let answer = opened(&key, &body);
                assert_eq!(answer["status"], 200);
                let inner: Json = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
                assert_eq!(inner["version"], json!([2, 8, 0]));
                count += 1;
            }
        }
    }
    assert_eq!(count, 27);

    // Without a name it is aes-gcm.
    let node = world.node(0);
    let (sealed, ephemeral, key) = layer(node, Cipher::AesGcm, &frame(INFO, LAST));
    let outer = json!({"ephemeral_key": ephemeral}).to_string();
    let (status, body) = world
        .post(node, "/onion_req/v2", &frame(&sealed, &outer))
        .await;
    assert_eq!((status, &opened(&key, &body)["status"]), (200, &json!(200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_the_form_that_is_asked_for() {
    let world = World::start(|_| {}).await;
    let node = world.node(3);
    let ask = async |options: &str| {
        let (sealed, ephemeral, key) = layer(node, Cipher::XChaCha20, &frame(INFO, options));
        let url = format!("https://{}/onion_req/v2", node.address());
        let body = packet(&sealed, &ephemeral, Cipher::XChaCha20, "");
        let http = client::http::Http::new(client::http::Trust::Any, None);
        let kind = "application/octet-stream";
        let answer = http
            .post(&url, kind, body.into(), support::LIMIT)
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
        (answer.body.to_vec(), key)
    };
    let (raw, key) = ask(r#"{"headers":{},"base64":false,"json":true}"#).await;
    let answer: Json = serde_json::from_slice(&key.open(&raw).unwrap()).unwrap();
    assert_eq!(
        (&answer["status"], &answer["body"]["hf"]),
        (&json!(200), &json!([19, 4]))
    );
    let (text, key) = ask(r#"{"headers":{},"base64":true,"json":false}"#).await;
    let answer = opened(&key, std::str::from_utf8(&text).unwrap());
    assert!(answer["body"].is_string());
}

/// What a server outside was sent.
type Posted = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A server outside the network, with a certificate that nobody has signed.
struct Outside {
    keys: ServerKeys,
    address: SocketAddr,
    posted: Posted,
    _stop: watch::Sender<bool>,
}

/// Answers `/oxen/v4/lsrpc` and `/loki/v3/lsrpc` as a server does, `/…/teapot/lsrpc` with 418.
async fn outside() -> Outside {
    let keys = || ServerKeys::new(X25519Secret::from_bytes([9; 32]));
    let identity = self_signed("127.0.0.1".parse().unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let posted = Posted::default();
    let log = Arc::clone(&posted);
    let handler = move |call: Call| {
        let kind = call.headers["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "application/octet-stream");
        assert_eq!(call.headers["user-agent"], "Oxen Storage Server/2.8.0");
        assert_eq!(call.headers["accept"], "*/*");
        assert_eq!(call.method, hyper::Method::POST);
        let entry = (call.path.clone(), call.body.to_vec());
        log.lock().unwrap().push(entry);
        let rng = &mut UnwrapErr(SysRng);
        let reply = match call.path.as_str() {
            "/oxen/teapot/lsrpc" | "/loki/teapot/lsrpc" => Reply::text(418, "short and stout"),
            "/loki/v3/lsrpc" => {
                let opened = keys().open(&call.body).unwrap();
                let answer = opened.answer_v3(rng, |_| (200, b"{\"v\":3}".to_vec()));
                Reply::text(200, answer.unwrap())
            }
            _ => {
                let opened = keys().open(&call.body).unwrap();
                let answer = opened.answer_v4(rng, |request| {
                    let body = [request.endpoint.as_bytes(), b" of ", &request.body].concat();
                    v4::Response {
                        code: 200,
                        headers: &[],
                        body: &body,
                    }
                    .encode()
                });
                Reply::text(200, answer.unwrap())
            }
        };
        std::future::ready(reply)
    };
    tokio::spawn(serve(
        listener,
        identity.config,
        "outside",
        handler,
        stopped,
    ));
    Outside {
        keys: keys(),
        address,
        posted,
        _stop: stop,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outside_is_reached_and_answers() {
    let (world, server) = (World::start(|_| {}).await, outside().await);
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        let to = Server::new(*server.keys.public(), "https", "127.0.0.1").unwrap();
        let to = to.with_port(server.address.port()).with_cipher(cipher);
        let body = vec![b'b'; 100_000];
        let request = v4::Request::post("/rooms", &body);
        let nodes: Vec<_> = (0..3).map(|at| hop(world.node(at), cipher)).collect();
        let sealed = seal(
            &mut UnwrapErr(SysRng),
            &nodes,
            &Request::server(&to, request),
        )
        .unwrap();
        let url = format!("https://{}/onion_req/v2", world.node(0).address());
        let http = client::http::Http::new(client::http::Trust::Any, None);
        let kind = "application/octet-stream";
        let answer = http
            .post(&url, kind, sealed.packet.into(), support::LIMIT)
            .await
            .unwrap();
        let reply = sealed.reply_key.open(answer.status, &answer.body).unwrap();
        assert_eq!(reply.status, 200);
        assert_eq!(
            reply.body.unwrap(),
            [b"/rooms of ".as_slice(), &body].concat()
        );
        assert_eq!(
            server.posted.lock().unwrap().pop().unwrap().0,
            "/oxen/v4/lsrpc"
        );
    }
}

/// The packet for a server behind three nodes, with the JSON for the last of them.
fn to_server(world: &World, json: &Json) -> (Vec<u8>, LayerKey, Vec<u8>) {
    let at = |place: usize| (world.node(place), Cipher::XChaCha20);
    let inner = frame(b"what the server gets", &json.to_string());
    let (packet, key) = through(&[at(0), at(1), at(2)], &inner);
    (packet, key, inner)
}

#[tokio::test(flavor = "multi_thread")]
async fn exits_are_to_the_two_kinds_of_targets_only() {
    let (world, server) = (World::start(|_| {}).await, outside().await);
    let port = server.address.port();
    let target = |target: &str| {
        json!({"host": "127.0.0.1", "port": port, "protocol": "https", "target": target,
            "method": "POST", "ephemeral_key": "00", "enc_type": "xchacha20"})
    };
    for good in ["/oxen/teapot/lsrpc", "/loki/teapot/lsrpc"] {
        let json = target(good);
        let (packet, _, inner) = to_server(&world, &json);
        // What the server says is lost among the statuses that nodes pass on, but not its body.
        let (status, body) = world.post(world.node(0), "/onion_req/v2", &packet).await;
        assert_eq!((status, body.as_str()), (500, "short and stout"));
        // It was posted the whole layer, to the byte.
        let posted = server.posted.lock().unwrap().pop().unwrap();
        assert_eq!(posted, (good.to_owned(), inner));
    }
    let mut v3 = json!({"host": "127.0.0.1", "port": port, "target": "/loki/v3/lsrpc"});
    v3["protocol"] = "https".into();
    let secret = X25519Secret::from_bytes([4; 32]);
    let key = LayerKey::for_client(
        Cipher::AesGcm,
        &secret,
        &secret.public(),
        server.keys.public(),
    );
    let plain = json!({"method": "GET", "endpoint": "rooms", "headers": {}, "body": null});
    let key = key.unwrap();
    let sealed = key
        .seal(&mut UnwrapErr(SysRng), plain.to_string().as_bytes())
        .unwrap();
    v3["ephemeral_key"] = const_hex::encode(secret.public().as_bytes()).into();
    let at = |place: usize| (world.node(place), Cipher::AesGcm);
    let (packet, _) = through(&[at(0), at(1)], &frame(&sealed, &v3.to_string()));
    let (status, body) = world.post(world.node(0), "/onion_req/v2", &packet).await;
    assert_eq!(status, 200, "{body}");
    let text = key.open(&Base64::decode_vec(&body).unwrap()).unwrap();
    assert_eq!(text, b"{\"v\":3}");
    server.posted.lock().unwrap().clear();

    let mut wrong: Vec<Json> = [
        "/",
        "",
        "/oxen/v4/lsrpcx",
        "/other/v4/lsrpc",
        "/oxen/v4/lsrpc?a=b",
    ]
    .map(target)
    .into();
    let mut other = target("/oxen/v4/lsrpc");
    other["protocol"] = "ftp".into();
    wrong.push(other);
    for json in wrong {
        let (packet, key, _) = to_server(&world, &json);
        let (status, body) = world.post(world.node(0), "/onion_req/v2", &packet).await;
        assert_eq!(status, 200, "{json}: {body}");
        assert_eq!(
            opened(&key, &body),
            json!({"body": "Invalid url", "status": 400}),
            "{json}"
        );
    }
    assert!(server.posted.lock().unwrap().is_empty());

    // Nobody is there.
    let mut nobody = target("/oxen/v4/lsrpc");
    nobody["port"] = 1.into();
    let (packet, _, _) = to_server(&world, &nobody);
    let (status, body) = world.post(world.node(0), "/onion_req/v2", &packet).await;
    let text = "Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server";
    assert_eq!((status, body.as_str()), (502, text));
}

/// A request to a node behind the first, as it comes out of the first one's layer.
fn behind(first: &Node, next: &str, cipher: &str, key: &str) -> Vec<u8> {
    let json = json!({"destination": next, "ephemeral_key": key, "enc_type": cipher});
    let inner = frame(&[7; 100], &json.to_string());
    let (sealed, ephemeral, _) = layer(first, Cipher::XChaCha20, &inner);
    packet(&sealed, &ephemeral, Cipher::XChaCha20, "")
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_packets_get_the_observed_answers() {
    let world = World::start(|_| {}).await;
    let (first, second, third) = (world.node(0), world.node(1), world.node(2));
    let ask = async |body: &[u8]| world.post(first, "/onion_req/v2", body).await;
    let parsing = |text: &str| (400, format!("Error parsing onion request: {text}"));
    let good_key = const_hex::encode(X25519Secret::from_bytes([5; 32]).public().as_bytes());
    let size = "Unexpected payload size; expected ciphertext size";
    assert_eq!(ask(b"").await, parsing(size));
    assert_eq!(ask(b"abc").await, parsing(size));
    let long = [&0x7fff_ffff_u32.to_le_bytes()[..], b"abc"].concat();
    assert_eq!(
        ask(&long).await,
        parsing("Unexpected payload size 3, expected >= 2147483647")
    );
    let outer = |json: &Json| frame(&[7; 100], &json.to_string());
    let unnamed = outer(&json!({"ephemeral_key": good_key, "enc_type": "rot13"}));
    assert_eq!(
        ask(&unnamed).await,
        parsing("Invalid encryption type rot13")
    );
    let no_hex = outer(&json!({"ephemeral_key": "x".repeat(64), "enc_type": "xchacha20"}));
    assert_eq!(
        ask(&no_hex).await,
        parsing("Hex key data is invalid: data is not hex")
    );
    for broken in [
        frame(&[7; 100], "{"),
        outer(&json!({"enc_type": "xchacha20"})),
    ] {
        let (status, body) = ask(&broken).await;
        assert_eq!(status, 400);
        assert!(body.starts_with("Error parsing onion request: "), "{body}");
    }

    // No node can decrypt it: the first, the second, the third.
    let invalid = (400, "Invalid ciphertext".to_owned());
    let no_secret = outer(&json!({"ephemeral_key": good_key, "enc_type": "xchacha20"}));
    assert_eq!(ask(&no_secret).await, invalid);
    assert_eq!(
        ask(&behind(first, &second.name(), "xchacha20", &good_key)).await,
        invalid
    );
    let inner =
        json!({"destination": third.name(), "ephemeral_key": good_key, "enc_type": "aes-gcm"});
    let inner = frame(&[7; 100], &inner.to_string());
    let path = [(first, Cipher::AesGcm), (second, Cipher::AesGcm)];
    assert_eq!(ask(&through(&path, &inner).0).await, invalid);

    // The next one is not in the list, or is down.
    let nobody = "ab".repeat(32);
    let answer = ask(&behind(first, &nobody, "xchacha20", &good_key)).await;
    assert_eq!(answer, (502, format!("Next node not found: {nobody}")));
    third.down();
    let answer = ask(&behind(first, &third.name(), "xchacha20", &good_key)).await;
    assert_eq!(answer, (504, "Request time out".to_owned()));
    third.up().await.unwrap();

    // The layer opens, but says nothing of use: answered with the key of the layer.
    for (inner, text) in [
        (frame(b"x", "{"), "Invalid json"),
        (frame(b"x", "{}"), "Invalid json"),
        (frame(b"no json", LAST), "invalid json"),
    ] {
        let (packet, key) = through(
            &[(first, Cipher::AesGcm), (second, Cipher::XChaCha20)],
            &inner,
        );
        let (status, body) = ask(&packet).await;
        assert_eq!(status, 200);
        assert_eq!(opened(&key, &body), json!({"body": text, "status": 400}));
    }

    // The path is too long: 13 at the entry passes with three nodes, 14 does not.
    let path = [first, second, third].map(|node| (node, Cipher::XChaCha20));
    for (hop_no, expected) in [
        (-5, 200),
        (13, 200),
        (14, 400),
        (15, 400),
        (4_000_000_000_i64, 400),
    ] {
        let (sealed, ephemeral, _) = support::sealed_through(&path, &frame(INFO, LAST));
        let counted = packet(
            &sealed,
            &ephemeral,
            Cipher::XChaCha20,
            &format!(",\"hop_no\":{hop_no}"),
        );
        let (status, body) = ask(&counted).await;
        assert_eq!(status, expected, "{hop_no}: {body}");
        if status == 400 {
            assert_eq!(body, "onion request max path length exceeded");
        }
    }

    // The same packet twice, and the same node twice in a path.
    let path = [first, second, first].map(|node| (node, Cipher::XChaCha20));
    let (again, key) = through(&path, &frame(INFO, LAST));
    for _ in 0..2 {
        let (status, body) = ask(&again).await;
        assert_eq!((status, &opened(&key, &body)["status"]), (200, &json!(200)));
    }

    // A node that is in no swarm.
    assert!(
        world
            .network
            .chain
            .move_node(second.public(), SwarmId::UNASSIGNED)
    );
    let text = "Service node is not ready: not in any swarm\n";
    let (direct, _) = through(&[(second, Cipher::XChaCha20)], &frame(INFO, LAST));
    let answer = world.post(second, "/onion_req/v2", &direct).await;
    assert_eq!(answer, (503, text.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_says_inside_of_the_onion_is_for_the_client_alone() {
    let world = World::start(|_| {}).await;
    // A wrong swarm inside, with the outer status 200.
    let account = format!("05{}", "00".repeat(32));
    let store = json!({"method": "store", "params": {"pubkey": account, "data": "eA==",
        "ttl": 60_000, "timestamp": now_ms(0)}});
    let mut statuses = [0, 0];
    for node in &world.network.nodes {
        let body = store.to_string();
        let (status, body) = world.onion(node, body.as_bytes(), Cipher::XChaCha20).await;
        let body: Json = serde_json::from_str(&body).unwrap();
        match status {
            200 => statuses[0] += 1,
            421 => {
                statuses[1] += 1;
                let members = body["snodes"].as_array().unwrap();
                assert_eq!(members.len(), 4);
                assert!(
                    members
                        .iter()
                        .all(|member| member["pubkey_ed25519"] != node.name())
                );
            }
            other => panic!("{other}: {body}"),
        }
    }
    assert_eq!(statuses, [4, 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_real_delays_a_dead_node_is_noticed_when_its_time_is_over() {
    let world = World::start(|plan| plan.real_delays = true).await;
    let account = format!("05{}", "00".repeat(32));
    let member = world.network.admin.keepers(&account.parse().unwrap());
    member[1].down();
    let store = json!({"method": "store", "params": {"pubkey": account, "data": "eA==",
        "ttl": 60_000, "timestamp": now_ms(0)}});
    let began = std::time::Instant::now();
    let (status, body) = world.direct(&member[0], store.to_string().as_bytes()).await;
    assert!(began.elapsed().as_secs() >= 5);
    let body: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    let expected = json!({"failed": true, "timeout": true});
    assert_eq!(body["swarm"][member[1].name()], expected);
}
