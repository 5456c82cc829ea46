//! Many clients that connect at once: every TLS handshake is completed, with a second network and the
//! servers beside it.
#![allow(missing_docs)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use client::http::{Http, Trust};
use localnet::network::{Network, Plan};

const CLIENTS: usize = 64;
/// New connections of each client.
const ROUNDS: usize = 22;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_handshake_is_dropped_under_64_new_connections() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |name: &str| Plan {
        nodes: 10,
        swarms: 2,
        ..Plan::new(folder.path().join(name))
    };
    let first = Network::start(&plan("first")).await.unwrap();
    let second = Network::start(&plan("second")).await.unwrap();
    assert!(first.servers.is_some() && second.servers.is_some());
    let urls: Vec<String> = second
        .nodes
        .iter()
        .map(|node| format!("https://{}/ping_test/v1", node.address()))
        .collect();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let urls = urls.clone();
            tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                for round in 0..ROUNDS {
                    // A client of its own for each request, so that no connection is used again.
                    let http = Http::new(Trust::Any, None);
                    let (url, body) = (&urls[(client + round) % urls.len()], Bytes::new());
                    let (began, limit) = (Instant::now(), Duration::from_secs(60));
                    let answer = http.post(url, "application/json", body, limit).await;
                    answer.unwrap_or_else(|error| panic!("{client}, {round}: {error}"));
                    slowest = slowest.max(began.elapsed());
                }
                slowest
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for client in clients {
        slowest = slowest.max(client.await.unwrap());
    }
    let count = CLIENTS * ROUNDS;
    println!("{count} handshakes, none dropped, the slowest request took {slowest:?}");
}
