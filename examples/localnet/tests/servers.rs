//! The servers beside the nodes: by onion requests of both versions and by plain HTTP, with faults and
//! hostile clients.
#![allow(missing_docs)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use client::http::{Http, Trust};
use client::network::Options;
use client::session::{Client, Draft};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use http_body_util::Full;
use hyper::Request as HttpRequest;
use localnet::admin::Order;
use localnet::servers::{Kind, Server};
use serde_json::{Value, json};
use session_crypto::{SymmetricKey, X25519Secret};
use session_identity::{Account, Seed};
use session_network::{Purpose, RequestError};
use session_onion::{Cipher, LayerKey};
use session_services::file::client::{self as files, Download, Uploaded};
use session_services::push::client::{self as push, ACCOUNT_NAMESPACES, Outcome};
use session_services::push::payload::Notification;
use session_services::push::{Device, Signer};
use session_types::Namespace;
use session_types::http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

mod support;
use support::{LIMIT, World, frame, through};

fn server(world: &World, kind: Kind) -> Arc<Server> {
    Arc::clone(world.network.servers.as_ref().unwrap().get(kind))
}

async fn order(
    world: &World,
    action: &str,
    node: Option<&str>,
    value: &str,
) -> Result<String, String> {
    let order = Order {
        action: action.to_owned(),
        node: node.map(str::to_owned),
        value: Some(value.to_owned()),
        swarm: None,
    };
    world.network.admin.obey(&order).await
}

/// A request to a server by plain HTTP.
async fn plain(server: &Server, request: Request) -> Response {
    let mut made = HttpRequest::builder()
        .method(request.method.as_str())
        .uri(format!("{}{}", server.url(), request.path));
    for (name, value) in &request.headers {
        made = made.header(name, value);
    }
    let made = made.body(Full::new(request.body.into())).unwrap();
    let answer = Http::new(Trust::Any, None).send(made, LIMIT).await.unwrap();
    let kind = answer.content_type.unwrap_or_default();
    Response::new(answer.status, &kind, answer.body.to_vec())
}

async fn connect(world: &World, account: Account) -> Client {
    let options = Options {
        seeds: vec![world.network.seed_url()],
        pins: vec![world.network.seed_certificate()],
        from: None,
    };
    Client::connect(account, &options, |_| {}).await.unwrap()
}

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::from_short(&[byte; 16]))
}

fn address(server: &Server) -> SocketAddr {
    server
        .url()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap()
}

/// The server as a client of the network knows it.
fn target(server: &Server) -> session_network::Server {
    session_network::Server::new(&server.url().parse().unwrap(), *server.x25519()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_comes_by_every_way() {
    let world = World::start(|_| {}).await;
    let file = server(&world, Kind::File);
    let client = connect(&world, account(1)).await;
    let content: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let request = files::upload(content.clone(), None).unwrap();
    let to_server = target(&file);
    let asked = client.ask_server(Purpose::File, &to_server, request, true);
    let uploaded = Uploaded::from_reply(&asked.await.unwrap()).unwrap();
    assert!(uploaded.expires.is_some());
    // Through onions, and with the older key.
    let older = world
        .network
        .urls()
        .servers
        .clone()
        .unwrap()
        .file
        .older_pubkey_x25519
        .unwrap();
    let older =
        session_crypto::X25519Public::from_bytes(const_hex::decode_to_array(older).unwrap());
    let older = session_network::Server::new(&file.url().parse().unwrap(), older).unwrap();
    for to in [target(&file), older] {
        let asked = client.ask_server(Purpose::File, &to, files::download(&uploaded.id), true);
        let download = Download::from_reply(asked.await.unwrap()).unwrap();
        assert!(download.content == content);
        // The header has whole seconds.
        let expires = download.expires.unwrap().as_secs();
        assert_eq!(expires, uploaded.expires.unwrap().as_secs());
    }
    // By plain HTTP, in both generations of paths.
    let reply = plain(&file, files::download(&uploaded.id)).await;
    assert!(reply.body == content);
    let reply = plain(&file, Request::get(format!("/files/{}", uploaded.id))).await;
    let legacy: Value = serde_json::from_slice(&reply.body).unwrap();
    assert!(Base64::decode_vec(legacy["result"].as_str().unwrap()).unwrap() == content);
    // By a version 3 onion request, with a path as old clients write it.
    let secret = X25519Secret::from_bytes([4; 32]);
    let key =
        LayerKey::for_client(Cipher::AesGcm, &secret, &secret.public(), file.x25519()).unwrap();
    let ask = async |method: &str, endpoint: &str, body: Value| {
        let plain = json!({"method": method, "endpoint": endpoint, "headers": {}, "body": body});
        let rng = &mut UnwrapErr(SysRng);
        let sealed = key.seal(rng, plain.to_string().as_bytes()).unwrap();
        let v3 = json!({"host": "127.0.0.1", "port": address(&file).port(), "protocol": "http",
            "target": "/loki/v3/lsrpc", "ephemeral_key": secret.public().to_string()});
        let at = |place: usize| (world.node(place), Cipher::AesGcm);
        let (packet, _) = through(&[at(0), at(1), at(2)], &frame(&sealed, &v3.to_string()));
        let (status, body) = world.post(world.node(0), "/onion_req/v2", &packet).await;
        assert_eq!(status, 200, "{body}");
        let opened = key.open(&Base64::decode_vec(&body).unwrap()).unwrap();
        serde_json::from_slice::<Value>(&opened).unwrap()
    };
    let body = json!({"file": Base64::encode_string(b"an old file")}).to_string();
    let posted = ask("POST", "files", body.into()).await;
    let id = posted["result"].as_str().unwrap();
    let read = ask("GET", &format!("files/{id}"), Value::Null).await;
    assert_eq!(read["result"], Base64::encode_string(b"an old file"));
    assert_eq!(
        ask("GET", "files/12", Value::Null).await["status_code"],
        404
    );
    // What the page and the command line show.
    let answer = Http::new(Trust::Pinned(vec![world.network.seed_certificate()]), None)
        .post(
            &format!("{}/status", world.network.seed_url()),
            "text/plain",
            vec![].into(),
            LIMIT,
        )
        .await
        .unwrap();
    let status: Value = serde_json::from_slice(&answer.body).unwrap();
    let names: Vec<&str> = status["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["file", "community", "push"]);
    assert_eq!(status["servers"][0]["kept"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_told_once_of_every_message_that_it_asked_for() {
    let world = World::start(|_| {}).await;
    let pushing = server(&world, Kind::Push);
    let (alice, bob) = (account(1), account(2));
    let key = SymmetricKey::from_bytes([7; 32]);
    let token = "device-of-bob-0123456789abcdefghij";
    let device = Device {
        service: "dummy".to_owned(),
        token: token.to_owned(),
    };
    let client = connect(&world, alice).await;
    let now = client.network_time().await;
    let item = push::subscribe(
        &Signer::Account(&bob),
        &ACCOUNT_NAMESPACES,
        true,
        &device,
        &key,
        now,
    )
    .unwrap();
    let request = push::subscribe_request(vec![item]);
    let to_server = target(&pushing);
    let asked = client.ask_server(Purpose::Standard, &to_server, request, false);
    assert_eq!(
        push::outcomes(&asked.await.unwrap(), 1),
        Ok(vec![Outcome::Added])
    );

    let to = *bob.id();
    client.deliver(&Draft::text(&to, "wake up")).await.unwrap();
    let queue = async || {
        let servers = world.network.servers.as_ref().unwrap();
        let all = servers.notifications(token, 0).await.unwrap();
        all.as_array().unwrap().clone()
    };
    let until = Instant::now() + LIMIT;
    while queue().await.is_empty() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // All four members of the swarm have stored it; one notification comes.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let all = queue().await;
    assert_eq!(all.len(), 1, "{all:?}");
    let payload = all[0]["enc_payload"].as_str().unwrap();
    let notification = Notification::open_base64(&key, payload).unwrap();
    assert_eq!(
        (notification.id.to_string(), notification.namespace),
        (to.to_string(), Namespace::DEFAULT)
    );
    let opened = client::message::open(&bob, &notification.message.unwrap()).unwrap();
    assert_eq!(opened.text.unwrap().as_untrusted(), "wake up");
    // By the control port too.
    let url = format!("{}/notifications/{token}", world.network.seed_url());
    let request = HttpRequest::get(&url).body(Full::default()).unwrap();
    let pinned = Http::new(Trust::Pinned(vec![world.network.seed_certificate()]), None);
    let answer = pinned.send(request, LIMIT).await.unwrap();
    let read: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(read["notifications"], Value::Array(all));

    // Unsubscribed: nothing more comes.
    let item = push::unsubscribe(&Signer::Account(&bob), &device, now).unwrap();
    let reply = plain(&pushing, push::unsubscribe_request(vec![item])).await;
    assert_eq!(
        push::outcomes(&reply, 1),
        Ok(vec![Outcome::Removed {
            was_subscribed: true
        }])
    );
    client.deliver(&Draft::text(&to, "again")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(queue().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_hurt_and_heal() {
    let world = World::start(|_| {}).await;
    let [file, community, pushing] =
        [Kind::File, Kind::Community, Kind::Push].map(|kind| server(&world, kind));
    let client = connect(&world, account(1)).await;
    let upload = || files::upload(b"content".to_vec(), None).unwrap();
    let status = async |to: &Server, request: Request| plain(to, request).await.status;

    order(&world, "full", Some("file"), "on").await.unwrap();
    assert_eq!(status(&file, upload()).await, 507);
    order(&world, "full", Some("file"), "off").await.unwrap();
    assert_eq!(status(&file, upload()).await, 200);

    order(&world, "down", Some("file"), "").await.unwrap();
    let until = Instant::now() + LIMIT;
    while TcpStream::connect(address(&file)).await.is_ok() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(TcpStream::connect(address(&file)).await.is_err());
    // The exit node says that the server is not there; nothing is believed to be its answer.
    let to_server = target(&file);
    let asked = client.ask_server(Purpose::File, &to_server, upload(), true);
    assert!(asked.await.is_err());
    order(&world, "up", Some("file"), "").await.unwrap();
    assert_eq!(status(&file, upload()).await, 200);

    order(&world, "slow", Some("file"), "700").await.unwrap();
    let before = Instant::now();
    assert_eq!(status(&file, upload()).await, 200);
    assert!(before.elapsed() >= Duration::from_millis(700));
    order(&world, "slow", Some("file"), "0").await.unwrap();

    // A file that lives for 14 days is gone when the clock says so.
    let reply = plain(&file, upload()).await;
    let id = Uploaded::from_reply(&reply).unwrap().id;
    order(
        &world,
        "clock",
        Some("file"),
        &(15 * 24 * 60 * 60 * 1000_i64).to_string(),
    )
    .await
    .unwrap();
    assert_eq!(status(&file, files::download(&id)).await, 404);
    order(&world, "clock", Some("file"), "0").await.unwrap();

    // A community server two days ahead finds every signature too old.
    order(&world, "room", None, "lounge").await.unwrap();
    let key = *community.x25519();
    let me = account(1);
    let signer =
        session_community::Signer::blinded(session_crypto::Blinding::Blind15, &me, &key).unwrap();
    let mut nonce = 0_u8;
    let mut signed = |request: Request| {
        nonce += 1;
        let now = session_types::UnixMillis::new(localnet::fault::now_ms(0));
        session_community::auth::sign(request, &signer, &[nonce; 16], now)
    };
    let room = "lounge".parse().unwrap();
    order(&world, "clock", Some("community"), "172800000")
        .await
        .unwrap();
    assert_eq!(
        status(&community, signed(session_community::request::room(&room))).await,
        425
    );
    order(&world, "clock", Some("community"), "0")
        .await
        .unwrap();
    let request = signed(session_community::request::room(&room));
    assert_eq!(status(&community, request.clone()).await, 200);
    // Its nonce is spent, through another door too, and after a restart of the server.
    assert_eq!(status(&community, request.clone()).await, 425);
    order(&world, "down", Some("community"), "").await.unwrap();
    order(&world, "up", Some("community"), "").await.unwrap();
    let to_server = target(&community);
    let asked = client.ask_server(Purpose::Standard, &to_server, request, false);
    let refused = asked.await.unwrap_err();
    assert!(matches!(
        refused,
        client::error::ClientError::Request(RequestError::ClockOutOfSync)
    ));
    let post = session_community::post::NewPost::new(vec![1; 160], &signer, &mut UnwrapErr(SysRng));
    order(&world, "full", Some("community"), "on")
        .await
        .unwrap();
    assert_eq!(
        status(
            &community,
            signed(session_community::request::send(&room, &post))
        )
        .await,
        500
    );
    order(&world, "full", Some("community"), "off")
        .await
        .unwrap();
    assert_eq!(
        status(
            &community,
            signed(session_community::request::send(&room, &post))
        )
        .await,
        201
    );

    order(&world, "full", Some("push"), "on").await.unwrap();
    let device = Device {
        service: "dummy".to_owned(),
        token: "t".repeat(32),
    };
    let (me, device_key) = (account(2), SymmetricKey::from_bytes([1; 32]));
    let now = client.network_time().await;
    let item = push::subscribe(
        &Signer::Account(&me),
        &ACCOUNT_NAMESPACES,
        false,
        &device,
        &device_key,
        now,
    );
    let reply = plain(&pushing, push::subscribe_request(vec![item.unwrap()])).await;
    let Ok([Outcome::Refused { code: 5, .. }]) = push::outcomes(&reply, 1).as_deref() else {
        panic!("{reply:?}");
    };

    // Orders that make no sense name what there is.
    for (action, node, value, said) in [
        ("full", Some("file"), "maybe", "neither on nor off"),
        ("lie", Some("file"), "drop", "not an order to a server"),
        ("slow", Some("push"), "60001", "at most"),
        ("room", None, "a b/c", ""),
        ("room", None, "lounge", "already"),
        ("room", None, "no/slash", "no name of a room"),
        ("admin", None, "attic 15", "not an id"),
        ("ban", None, "bob", "not an id"),
    ] {
        let outcome = order(&world, action, node, value).await;
        if said.is_empty() {
            outcome.unwrap();
        } else {
            assert!(
                outcome.clone().unwrap_err().contains(said),
                "{action} {value}: {outcome:?}"
            );
        }
    }
}

/// Sends a head without a body, and returns the status of the answer.
async fn head(server: &Server, path: &str, length: &str) -> (u16, Duration) {
    let mut stream = TcpStream::connect(address(server)).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    let before = Instant::now();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    let read = tokio::time::timeout(LIMIT, stream.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    (answer[9..12].parse().unwrap(), before.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_are_too_large_are_refused_before_they_are_read() {
    let world = World::start(|_| {}).await;
    let [file, community, pushing] =
        [Kind::File, Kind::Community, Kind::Push].map(|kind| server(&world, kind));
    order(&world, "room", None, "lounge").await.unwrap();
    for (to, path, length, status) in [
        (&file, "/file", "10000001", 413),
        (&file, "/file", "100000000", 413),
        (&file, "/file", "99999999999999999999999", 400),
        (&file, "/file", "-1", 400),
        (&community, "/room/lounge/file", "10000001", 413),
        // The push server answers 200 to everything.
        (&pushing, "/subscribe", "100001", 200),
        (&file, "/oxen/v4/lsrpc", "10485761", 413),
    ] {
        let (got, after) = head(to, path, length).await;
        assert_eq!(got, status, "{path} {length}");
        assert!(after < Duration::from_secs(5), "{path} {length}: {after:?}");
    }
    // Exactly the limit is taken, and comes back.
    let whole = vec![7; 10_000_000];
    let reply = plain(&file, files::upload(whole.clone(), None).unwrap()).await;
    let id = Uploaded::from_reply(&reply).unwrap().id;
    assert!(plain(&file, files::download(&id)).await.body == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slow_clients_hold_nobody_up() {
    let world = World::start(|_| {}).await;
    for kind in Kind::ALL {
        let to = server(&world, kind);
        let mut slow = Vec::new();
        for number in 0..1000 {
            let mut stream = TcpStream::connect(address(&to)).await.unwrap();
            // Some say nothing, some half a head, some a head and a byte of a body that never comes.
            let said: &[u8] = match number % 3 {
                0 => b"",
                1 => b"POST /file HTTP/1.1\r\nHo",
                _ => b"POST /file HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\nx",
            };
            stream.write_all(said).await.unwrap();
            slow.push(stream);
        }
        let before = Instant::now();
        let status = plain(&to, Request::get("/capabilities")).await.status;
        assert!(matches!(status, 200 | 404 | 405), "{status}");
        assert!(
            before.elapsed() < Duration::from_secs(5),
            "{:?}",
            before.elapsed()
        );
    }
}
