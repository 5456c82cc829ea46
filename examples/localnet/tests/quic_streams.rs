//! Streams without end. Alone in its process, whose memory is looked at.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use session_sdk::quic::Connect;
use support::World;
use support::quic::join;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_streams_take_bounded_memory_and_are_all_served() {
    const STREAMS: u32 = 100_000;
    let network = World::start(|plan| plan.servers = false).await;
    let node = &network.network.nodes[0];
    let connection = join(node, Connect::client(*node.public())).await.unwrap();
    // 32 are open at a time; a client that wants more waits.
    let mut held = Vec::new();
    for _ in 0..32 {
        let (mut send, recv) = connection.open_bi().await.unwrap();
        send.write_all(b"1").await.unwrap();
        held.push((send, recv));
    }
    let more = tokio::time::timeout(Duration::from_millis(300), connection.open_bi()).await;
    assert!(more.is_err(), "a 33rd stream");
    drop(held);
    let memory = session_localnet::load::resident_mib();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let connection = connection.clone();
        workers.spawn(async move {
            for _ in 0..STREAMS / 16 {
                let (mut send, mut recv) = connection.open_bi().await.unwrap();
                send.write_all(b"23:l1:Ci0e10:snode_ping0:e").await.unwrap();
                send.finish().unwrap();
                let answer = recv.read_to_end(100).await.unwrap();
                assert_eq!(answer, b"14:l1:Ri0e4:ponge");
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
    if let (Some(before), Some(after)) = (memory, session_localnet::load::resident_mib()) {
        println!("{before} MiB before, {after} MiB after");
        assert!(
            after < before + 64,
            "{before} MiB before, {after} MiB after"
        );
    }
}
