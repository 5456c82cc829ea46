//! How fast the servers are through three hops.
//!
//! ```text
//! cargo test --release -p localnet --test servers_speed -- --ignored --nocapture --test-threads 1
//! ```
#![allow(missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::http::{Http, Trust};
use getrandom::SysRng;
use getrandom::rand_core::{Rng, UnwrapErr};
use localnet::admin::Order;
use localnet::servers::Kind;
use session_community::{Signer, auth, request};
use session_crypto::{Blinding, X25519Public};
use session_identity::{Account, Seed};
use session_onion::Cipher;
use session_onion::client::{Hop, Request as Packet, Server, seal};
use session_onion::payload::v4;
use session_services::file::client::{self as files, Uploaded};
use session_types::UnixMillis;
use session_types::http::{Request, Response};

mod support;
use support::{LIMIT, World};

/// A way to a server.
#[derive(Clone)]
struct Way {
    http: Http,
    guard: String,
    hops: Vec<Hop>,
    server: Server,
}

impl Way {
    fn new(world: &World, kind: Kind, turn: usize) -> Self {
        let server = world.network.servers.as_ref().unwrap().get(kind);
        let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
        let key: X25519Public = *server.x25519();
        let nodes: Vec<_> = (0..3).map(|at| world.node((turn + at) % 12)).collect();
        let hop =
            |node: &&Arc<localnet::node::Node>| support::hop(node, Cipher::XChaCha20).prepare();
        Self {
            http: Http::new(Trust::Any, None),
            guard: format!("https://{}/onion_req/v2", nodes[0].address()),
            hops: nodes.iter().map(hop).collect(),
            server: Server::new(key, "http", "127.0.0.1")
                .unwrap()
                .with_port(port)
                .prepare(),
        }
    }

    async fn ask(&self, request: &Request) -> Response {
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let body = (!request.body.is_empty()).then_some(request.body.as_slice());
        let v4 = v4::Request {
            method: request.method.as_str(),
            endpoint: &request.path,
            headers: &headers,
            body,
        };
        let packet = Packet::server(&self.server, v4);
        let sealed = seal(&mut UnwrapErr(SysRng), &self.hops, &packet).unwrap();
        let kind = "application/octet-stream";
        let answer = self
            .http
            .post(&self.guard, kind, sealed.packet.into(), LIMIT)
            .await
            .unwrap();
        let reply = sealed.reply_key.open(answer.status, &answer.body).unwrap();
        Response::new(reply.status, "", reply.body.unwrap_or_default())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn a_file_of_ten_megabytes_through_three_hops() {
    let world = World::start(|_| {}).await;
    let way = Way::new(&world, Kind::File, 0);
    let mut content = vec![0; 10_000_000];
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        UnwrapErr(SysRng).fill_bytes(&mut content[..64]);
        let request = files::upload(content.clone(), None).unwrap();
        let start = Instant::now();
        let reply = way.ask(&request).await;
        up.push(start.elapsed());
        let id = Uploaded::from_reply(&reply).unwrap().id;
        let start = Instant::now();
        let reply = way.ask(&files::download(&id)).await;
        down.push(start.elapsed());
        assert!(reply.body == content);
    }
    up.sort_unstable();
    down.sort_unstable();
    let rate = |time: Duration| 10.0 / time.as_secs_f64();
    println!(
        "10 MB up {:?} ({:.0} MB/s), down {:?} ({:.0} MB/s)",
        up[3],
        rate(up[3]),
        down[3],
        rate(down[3])
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn posts_through_onions() {
    const SECONDS: u64 = 10;
    let world = World::start(|_| {}).await;
    let order = Order {
        action: "room".to_owned(),
        node: None,
        value: Some("lounge".to_owned()),
        swarm: None,
    };
    world.network.admin.obey(&order).await.unwrap();
    let room: session_identity::community::Room = "lounge".parse().unwrap();
    let posted = Arc::new(AtomicU64::new(0));
    let end = Instant::now() + Duration::from_secs(SECONDS);
    let workers: Vec<_> = (0..32_usize)
        .map(|worker| {
            let way = Way::new(&world, Kind::Community, worker);
            let (room, posted) = (room.clone(), Arc::clone(&posted));
            tokio::spawn(async move {
                let mut number = worker as u64;
                while Instant::now() < end {
                    // A user may post five times in 16 s.
                    number += 32;
                    let seed = [(number / 160).to_be_bytes(), (worker as u64).to_be_bytes()];
                    let seed = <[u8; 16]>::try_from(seed.concat()).unwrap();
                    let account = Account::from_seed(&Seed::from_short(&seed));
                    let key = *way.server.x25519();
                    let signer = Signer::blinded(Blinding::Blind15, &account, &key).unwrap();
                    let rng = &mut UnwrapErr(SysRng);
                    let post = session_community::post::NewPost::new(vec![7; 160], &signer, rng);
                    let mut nonce = [0; 16];
                    rng.fill_bytes(&mut nonce);
                    let now = UnixMillis::new(localnet::fault::now_ms(0));
                    let signed = auth::sign(request::send(&room, &post), &signer, &nonce, now);
                    let reply = way.ask(&signed).await;
                    assert_eq!(reply.status, 201);
                    posted.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let posted = posted.load(Ordering::Relaxed);
    println!(
        "{posted} posts in {SECONDS} s: {} a second",
        posted / SECONDS
    );
}
