//! The rules between nodes (protocol: quic, section 8): two connections, a node that leaves, streams that are full.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use session_crypto::Ed25519Secret;
use session_localnet::node::Node;
use session_onion::Cipher;
use session_onion::quic::error_status;
use session_proto::stream::tls::ALPN_NODE;
use session_sdk::quic::quinn::crypto::rustls::QuicServerConfig;
use session_sdk::quic::quinn::{
    Connection, ConnectionError, Endpoint, EndpointConfig, ServerConfig, TokioRuntime,
    TransportConfig, VarInt,
};
use session_sdk::quic::{Answer, Clients, Connect, tls};
use support::quic::{LIMIT, client_of, join, obey, secret_of, until};
use support::{World, through};

/// How long two connections with one node are kept.
const TWO: Duration = Duration::from_secs(20);

/// The application code with which the peer has closed a connection.
async fn code_of(connection: &Connection) -> u64 {
    match connection.closed().await {
        ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        other => panic!("{other}"),
    }
}

/// Listens in place of a node that is down, with its key, and for TCP as well, since nodes look first whether anything
/// does. Streams take `window` bytes.
async fn in_place_of(node: &Node, secret: &Ed25519Secret, window: u32) -> (Endpoint, TcpListener) {
    let config = tls::server(secret, ALPN_NODE, Some(Clients::Any)).unwrap();
    let config = QuicServerConfig::try_from(config).unwrap();
    let mut config = ServerConfig::with_crypto(Arc::new(config));
    let mut transport = TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(window))
        .keep_alive_interval(Some(Duration::from_secs(5)));
    config.transport_config(Arc::new(transport));
    let end = Instant::now() + LIMIT;
    let (socket, tcp) = loop {
        let address = node.address();
        match (UdpSocket::bind(address), TcpListener::bind(address)) {
            (Ok(socket), Ok(tcp)) => break (socket, tcp),
            other => assert!(Instant::now() < end, "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let runtime = Arc::new(TokioRuntime);
    let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket, runtime);
    (endpoint.unwrap(), tcp)
}

/// Lets a node connect to another one: a client sends it an onion whose next hop that is.
async fn provoke(from: &Node, path: [&Arc<Node>; 2], size: usize) -> Answer {
    let path = path.map(|node| (node, Cipher::XChaCha20));
    let (packet, _) = through(&path, &vec![7; size]);
    let (link, _) = client_of(from).await;
    let limit = Duration::from_secs(60);
    link.request(0, b"onion_req", packet, limit).await.unwrap()
}

/// A node and another one have started a connection each. Returns whether the one that the first node has started is
/// closed, and with which code.
async fn two_connections(world: &World, node: &Arc<Node>, other: &Arc<Node>) -> (bool, u64) {
    let secret = secret_of(world, other);
    other.down();
    let (endpoint, _tcp) = in_place_of(other, &secret, 1 << 20).await;
    let (asker, next) = (Arc::clone(node), Arc::clone(other));
    tokio::spawn(async move { provoke(&asker, [&asker, &next], 100).await });
    let theirs = endpoint.accept().await.unwrap().await.unwrap();
    let ours = join(node, Connect::node(*node.public(), &secret))
        .await
        .unwrap();
    let began = Instant::now();
    let (is_theirs, code) = tokio::select! {
        code = code_of(&theirs) => (true, code),
        code = code_of(&ours) => (false, code),
    };
    assert!(began.elapsed() > TWO - Duration::from_secs(2), "too early");
    let stays = if is_theirs { &ours } else { &theirs };
    assert_eq!(stays.close_reason(), None);
    (is_theirs, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_connections_the_one_of_the_higher_key_is_closed_after_a_while() {
    let world = World::start(|plan| plan.servers = false).await;
    let mut nodes: Vec<&Arc<Node>> = world.network.nodes.iter().collect();
    nodes.sort_by_key(|node| *node.public().as_bytes());
    // The first node of a pair is the one that decides.
    let (low_first, high_first) = tokio::join!(
        two_connections(&world, nodes[0], nodes[1]),
        two_connections(&world, nodes[3], nodes[2]),
    );
    assert_eq!(
        low_first,
        (false, 6),
        "that of the other, whose key is higher"
    );
    assert_eq!(high_first, (true, 6), "its own, since its key is higher");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_with_a_node_that_leaves_the_list_is_closed() {
    let world = World::start(|plan| plan.servers = false).await;
    let (node, leaves, stays) = (world.node(0), world.node(1), world.node(2));
    let mut connections = Vec::new();
    for other in [leaves, stays] {
        let secret = secret_of(&world, other);
        let how = Connect::node(*node.public(), &secret);
        connections.push(join(node, how).await.unwrap());
    }
    until("no connections", || node.connections().1 == 2).await;
    obey(&world.network, "leave", leaves, None).await;
    let closed = tokio::time::timeout(LIMIT, code_of(&connections[0]));
    assert_eq!(closed.await.unwrap(), 7);
    assert_eq!(connections[1].close_reason(), None);
    assert_eq!(node.connections().1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_for_a_node_that_takes_nothing_more_is_refused_at_once() {
    const SIZE: usize = 9_000_000;
    let world = World::start(|plan| plan.servers = false).await;
    let (node, other) = (world.node(0), world.node(1));
    let secret = secret_of(&world, other);
    other.down();
    // Its streams take a few bytes, and nobody reads them.
    let (endpoint, _tcp) = in_place_of(other, &secret, 1_000).await;
    let held = tokio::spawn(async move {
        let connection = endpoint.accept().await.unwrap().await.unwrap();
        connection.closed().await
    });
    let mut asked = tokio::task::JoinSet::new();
    let began = Instant::now();
    // Four streams, each with more than 4 MB to send, and what the transport itself keeps.
    let refused = loop {
        assert!(asked.len() < 12, "nothing is refused");
        let (asker, next) = (Arc::clone(node), Arc::clone(other));
        asked.spawn(async move { provoke(&asker, [&asker, &next], SIZE).await });
        let answered = tokio::time::timeout(Duration::from_secs(1), asked.join_next()).await;
        if let Ok(Some(answer)) = answered {
            break answer.unwrap();
        }
    };
    println!(
        "refused after {} layers, {:?}",
        asked.len(),
        began.elapsed()
    );
    let Answer::Error(text) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(error_status(&text), Some(503));
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text, "503 Service Unavailable\n\nNext hop congested");
    held.abort();
}
