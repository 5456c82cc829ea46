//! Clients over QUIC: which transport they take, how soon they hear of messages, and what the TLS handshake says.
#![cfg(feature = "quic")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::quic::{ClientConnection, Connection, KeyChange, ServerConnection, Version};
use session_crypto::Ed25519Secret;
use session_localnet::network::{Network, Plan};
use session_proto::stream::tls::{ALPN_CLIENT, SPKI_PREFIX};
use session_sdk::quic::{
    Clients, Connect, Link, Listener, Offer, Shown, client_endpoint, connect, tls,
};
use session_sdk::{Account, Client, Event, Seed};

const LIMIT: Duration = Duration::from_secs(20);

async fn network() -> (tempfile::TempDir, Network) {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = Plan::new(folder.path());
    plan.servers = false;
    let network = Network::start(&plan).await.unwrap();
    (folder, network)
}

fn builder(network: &Network) -> session_sdk::Builder {
    let pins = vec![network.seed_certificate().to_vec()];
    Client::builder(Account::random().unwrap())
        .created()
        .seeds([Seed::new(network.seed_url(), pins)])
        .test_network()
}

async fn message(events: &mut session_sdk::Events) -> String {
    let next = async {
        loop {
            if let Event::Message(message) = events.next().await.unwrap() {
                return message.text().unwrap_or_default().to_owned();
            }
        }
    };
    tokio::time::timeout(LIMIT, next).await.unwrap()
}

fn quic_connections(network: &Network) -> usize {
    network.nodes.iter().map(|node| node.connections().0).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_over_quic_and_over_https_where_udp_is_blocked() {
    let (_folder, network) = network().await;
    for blocked in [false, true] {
        for node in &network.nodes {
            node.faults.change(|fault| fault.udp_blocked = blocked);
        }
        let alice = builder(&network).connect().await.unwrap();
        let bob = builder(&network).connect().await.unwrap();
        let mut events = bob.events();
        let began = Instant::now();
        alice
            .conversation(*bob.id())
            .send("over any transport")
            .await
            .unwrap();
        assert_eq!(message(&mut events).await, "over any transport");
        println!("UDP blocked: {blocked}; delivered in {:?}", began.elapsed());
        match blocked {
            false => assert!(
                quic_connections(&network) >= 2,
                "each client has its guards"
            ),
            true => assert_eq!(quic_connections(&network), 0),
        }
        drop((alice, bob, events));
        let until = Instant::now() + LIMIT;
        while quic_connections(&network) > 0 {
            assert!(
                Instant::now() < until,
                "a client that has stopped closes its connections"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // Without QUIC nothing goes over it.
    for node in &network.nodes {
        node.faults.change(|fault| fault.udp_blocked = false);
    }
    let carol = builder(&network).without_quic().connect().await.unwrap();
    let events = carol.events();
    carol.conversation(*carol.id()).send("note").await.unwrap();
    tokio::time::timeout(LIMIT, carol.flush())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(quic_connections(&network), 0);
    drop(events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_nodes_tell_of_messages_has_them_at_once() {
    let (_folder, network) = network().await;
    let bob = builder(&network).told_by_nodes().connect().await.unwrap();
    let mut events = bob.events();
    let storage = session_client::types::AnyId::from(bob.id());
    let keepers = network.admin.keepers(&storage);
    let until = Instant::now() + LIMIT;
    while keepers.iter().all(|node| node.subscriptions() == 0) {
        assert!(Instant::now() < until, "no subscription");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The first fetches of a new client are over, and it fetches once a minute from now on.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let alice = builder(&network).connect().await.unwrap();
    alice.conversation(*bob.id()).send("warm").await.unwrap();
    assert_eq!(message(&mut events).await, "warm");
    let mut times = Vec::new();
    for number in 0..10 {
        let text = format!("message {number}");
        let most = || {
            keepers
                .iter()
                .map(|node| node.store().count().unwrap())
                .max()
        };
        let before = most();
        alice.conversation(*bob.id()).send(&text).await.unwrap();
        let stored = async {
            // When a member of the swarm has it.
            while most() <= before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Instant::now()
        };
        let (stored, text_of) = tokio::join!(stored, async {
            let text = message(&mut events).await;
            (text, Instant::now())
        });
        assert_eq!(text_of.0, text);
        times.push(text_of.1.saturating_duration_since(stored));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    times.sort_unstable();
    println!(
        "from the store to the event: median {:?}, longest {:?}",
        times[5], times[9]
    );
    assert!(
        times[9] < Duration::from_secs(2),
        "told, not polled: {times:?}"
    );
}

/// The ClientHello, the answer of the server, and the end of the client.
type Transcript = (Vec<u8>, Vec<u8>, Vec<u8>);

/// Handshake bytes of both sides, in clear, as they travel in CRYPTO frames.
fn transcript(
    client: rustls::ClientConfig,
    server: rustls::ServerConfig,
) -> Result<Transcript, rustls::Error> {
    let name = ServerName::try_from("node").unwrap();
    let mut client = Connection::Client(
        ClientConnection::new(Arc::new(client), Version::V1, name, b"client".to_vec()).unwrap(),
    );
    let mut server = Connection::Server(
        ServerConnection::new(Arc::new(server), Version::V1, b"server".to_vec()).unwrap(),
    );
    // A message must end where its keys do.
    let drain = |side: &mut Connection| {
        let mut parts = Vec::new();
        loop {
            let mut part = Vec::new();
            let change: Option<KeyChange> = side.write_hs(&mut part);
            if change.is_none() && part.is_empty() {
                return parts;
            }
            parts.push(part);
        }
    };
    let feed = |side: &mut Connection, parts: &[Vec<u8>]| {
        let mut parts = parts.iter().filter(|part| !part.is_empty());
        parts.try_for_each(|part| side.read_hs(part))
    };
    let hello = drain(&mut client);
    feed(&mut server, &hello)?;
    let answer = drain(&mut server);
    feed(&mut client, &answer)?;
    let end = drain(&mut client);
    feed(&mut server, &end)?;
    // Tickets, as far as the server hands any out.
    let tickets = drain(&mut server);
    feed(&mut client, &tickets)?;
    Ok((hello.concat(), answer.concat(), end.concat()))
}

/// The body of an extension of a ClientHello.
fn extension(hello: &[u8], number: u16) -> Option<Vec<u8>> {
    let length = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum * 256 + usize::from(*byte))
    };
    // Kind, length, version and random; then three vectors, and the length of the extensions.
    let mut rest = &hello[4 + 2 + 32..];
    for digits in [1, 2, 1] {
        rest = &rest[digits + length(&rest[..digits])..];
    }
    rest = &rest[2..];
    while rest.len() > 4 {
        let (head, body) = rest.split_at(4);
        let (body, after) = body.split_at(length(&head[2..]));
        if head[..2] == number.to_be_bytes() {
            return Some(body.to_vec());
        }
        rest = after;
    }
    None
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_handshake_says_what_the_protocol_asks_for() {
    let node = Ed25519Secret::from_seed(&[1; 32]);
    let own = Ed25519Secret::from_seed(&[2; 32]);
    let client = tls::client(node.public(), Some(&own), ALPN_CLIENT).unwrap();
    let server = tls::server(&node, ALPN_CLIENT, Some(Clients::Any)).unwrap();
    let (hello, answer, end) = transcript(client, server).unwrap();
    // ClientHello: the application protocol, raw keys alone for both sides, Ed25519 alone, no name, no ticket, and
    // nothing in 0-RTT.
    assert_eq!(extension(&hello, 16).unwrap(), b"\x00\x0c\x0boxenstorage");
    assert_eq!(
        extension(&hello, 19).unwrap(),
        [1, 2],
        "client_certificate_type"
    );
    assert_eq!(
        extension(&hello, 20).unwrap(),
        [1, 2],
        "server_certificate_type"
    );
    assert_eq!(
        extension(&hello, 13).unwrap(),
        [0, 2, 8, 7],
        "signature_algorithms"
    );
    assert_eq!(extension(&hello, 43).unwrap(), [2, 3, 4], "TLS 1.3");
    assert_eq!(extension(&hello, 0), None, "server_name");
    assert_eq!(extension(&hello, 41), None, "pre_shared_key");
    assert_eq!(extension(&hello, 42), None, "early_data");
    // EncryptedExtensions and Certificate of the node.
    assert!(contains(
        &answer,
        b"\x00\x10\x00\x0e\x00\x0c\x0boxenstorage"
    ));
    assert!(
        contains(&answer, b"\x00\x13\x00\x01\x02"),
        "client_certificate_type: raw"
    );
    assert!(
        contains(&answer, b"\x00\x14\x00\x01\x02"),
        "server_certificate_type: raw"
    );
    let shown = |key: &Ed25519Secret| {
        // No context, a list of 49 bytes: one entry of 44 and no extensions.
        let spki = [&SPKI_PREFIX[..], key.public().as_bytes()].concat();
        [&[0, 0, 49, 0, 0, 44][..], &spki, &[0, 0]].concat()
    };
    assert!(contains(&answer, &shown(&node)), "the key of the node");
    assert!(contains(&end, &shown(&own)), "our key");
    assert_eq!(
        SPKI_PREFIX,
        *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"
    );
}

#[test]
fn another_key_of_the_node_fails_the_handshake() {
    let (node, other) = (
        Ed25519Secret::from_seed(&[1; 32]),
        Ed25519Secret::from_seed(&[3; 32]),
    );
    let client = tls::client(other.public(), None, ALPN_CLIENT).unwrap();
    let server = tls::server(&node, ALPN_CLIENT, None).unwrap();
    let error = transcript(client, server).unwrap_err();
    let wrong = rustls::CertificateError::ApplicationVerificationFailure;
    assert_eq!(error, rustls::Error::InvalidCertificate(wrong));
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A node that listens for clients, and where.
fn listening(node: &Ed25519Secret) -> (Listener, SocketAddr) {
    let offer = Offer {
        alpn: ALPN_CLIENT,
        clients: Clients::Any,
    };
    let listener = Listener::bind(loopback(), node, offer, [], LIMIT).unwrap();
    let address = listener.address().unwrap();
    (listener, address)
}

/// The public key of one and the secret key of another.
fn stolen(shown: &Ed25519Secret, held: &Ed25519Secret) -> Arc<rustls::sign::CertifiedKey> {
    use rustls::pki_types::PrivatePkcs8KeyDer;
    let prefix = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    let pkcs8 = [&prefix[..], held.expose_seed()].concat();
    let key = PrivatePkcs8KeyDer::from(pkcs8);
    let key = rustls::crypto::ring::sign::any_eddsa_type(&key).unwrap();
    let spki = [&SPKI_PREFIX[..], shown.public().as_bytes()].concat();
    Arc::new(rustls::sign::CertifiedKey::new(vec![spki.into()], key))
}

#[test]
fn whoever_shows_a_key_must_hold_it() {
    use rustls::CertificateError::BadSignature;
    use rustls::client::AlwaysResolvesClientRawPublicKeys;
    use rustls::server::AlwaysResolvesServerRawPublicKeys;
    let (node, thief) = (
        Ed25519Secret::from_seed(&[1; 32]),
        Ed25519Secret::from_seed(&[3; 32]),
    );
    let key = stolen(&node, &thief);
    let client = tls::client(node.public(), None, ALPN_CLIENT).unwrap();
    let mut server = tls::server(&thief, ALPN_CLIENT, None).unwrap();
    server.cert_resolver = Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::clone(&key)));
    let error = transcript(client, server).unwrap_err();
    assert_eq!(error, rustls::Error::InvalidCertificate(BadSignature));
    let mut client = tls::client(thief.public(), Some(&thief), ALPN_CLIENT).unwrap();
    client.client_auth_cert_resolver = Arc::new(AlwaysResolvesClientRawPublicKeys::new(key));
    let server = tls::server(&thief, ALPN_CLIENT, Some(Clients::Any)).unwrap();
    let error = transcript(client, server).unwrap_err();
    assert_eq!(error, rustls::Error::InvalidCertificate(BadSignature));
}

/// Both ends of a connection, with what the second is asked.
async fn pair() -> (
    Link,
    Link,
    tokio::sync::mpsc::Receiver<session_sdk::quic::Command>,
) {
    let node = Ed25519Secret::from_seed(&[1; 32]);
    let (listener, address) = listening(&node);
    let endpoint = client_endpoint(loopback()).unwrap();
    let how = Connect::client(node.public());
    let (connection, incoming) = tokio::join!(connect(&endpoint, address, how), async {
        let incoming = Listener::handshake(listener.accept().await.unwrap(), LIMIT);
        incoming.await.unwrap()
    });
    let (asks, _) = Link::opening(connection.unwrap(), 1).await.unwrap();
    let (serves, commands) = Link::accepting(incoming.connection);
    tokio::spawn(async move {
        let _both = (listener, endpoint);
        tokio::time::sleep(LIMIT * 10).await;
    });
    (asks, serves, commands)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_read_than_64_mib_that_wait_for_an_answer() {
    const SIZE: usize = 9_000_000;
    let (asks, _serves, mut commands) = pair().await;
    for _ in 0..10 {
        let asks = asks.clone();
        tokio::spawn(async move { asks.request(0, b"x", vec![0; SIZE], LIMIT).await });
    }
    let mut open = Vec::new();
    let second = Duration::from_secs(3);
    while let Ok(Some(command)) = tokio::time::timeout(second, commands.recv()).await {
        assert_eq!(command.body.len(), SIZE);
        open.push(command);
    }
    assert_eq!(open.len(), (64 << 20) / SIZE);
    // An answer makes room for one more.
    let answer = session_sdk::quic::Answer::Reply(Vec::new());
    open.pop().unwrap().answer.send(answer);
    let next = tokio::time::timeout(LIMIT, commands.recv()).await.unwrap();
    assert!(next.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_nothing_is_not_told_without_end() {
    let (asks, _serves, _commands) = pair().await;
    // Nobody takes commands: streams are read until so many wait.
    let mut told = 0;
    let refused = loop {
        match asks.notify(0, b"notify", vec![0; 1_000_000]) {
            Ok(()) => told += 1,
            Err(refused) => break refused,
        }
        assert!(told < 1_000, "{told} MB");
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    println!("{told} MB, then {refused}");
    assert_eq!(refused, session_sdk::quic::LinkError::Busy);
}

/// A server that hands out tickets and takes early data: a client that connects again sends none.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_in_0_rtt_whatever_the_server_offers() {
    let node = Ed25519Secret::from_seed(&[1; 32]);
    let mut server = tls::server(&node, ALPN_CLIENT, None).unwrap();
    server.max_early_data_size = u32::MAX;
    server.send_tls13_tickets = 4;
    let server = Arc::new(server);
    // The extensions with a ticket and with the announcement of early data, where one configuration
    // connects twice.
    let second_hello = |client: &rustls::ClientConfig| {
        transcript(client.clone(), (*server).clone()).unwrap();
        let (hello, _, _) = transcript(client.clone(), (*server).clone()).unwrap();
        [41, 42].map(|number| extension(&hello, number).is_some())
    };
    let client = Arc::new(tls::client(node.public(), None, ALPN_CLIENT).unwrap());
    assert_eq!(second_hello(&client), [false, false]);
    // Another client would take what this server offers.
    let mut other = (*client).clone();
    other.resumption = rustls::client::Resumption::default();
    other.enable_early_data = true;
    assert_eq!(second_hello(&other), [true, true]);
    let config = quinn_client(client);
    let (listener, address) = listening(&node);
    tokio::spawn(async move {
        while let Some(incoming) = listener.accept().await {
            let incoming = Listener::handshake(incoming, LIMIT).await.unwrap();
            incoming.connection.closed().await;
        }
    });
    let endpoint = client_endpoint(loopback()).unwrap();
    for _ in 0..2 {
        let connecting = endpoint
            .connect_with(config.clone(), address, "node")
            .unwrap();
        let Err(connecting) = connecting.into_0rtt() else {
            panic!("0-RTT is possible");
        };
        connecting.await.unwrap().close(0u32.into(), b"");
    }
}

fn quinn_client(config: Arc<rustls::ClientConfig>) -> session_sdk::quic::quinn::ClientConfig {
    use session_sdk::quic::quinn::crypto::rustls::QuicClientConfig;
    let crypto = QuicClientConfig::try_from(config).unwrap();
    session_sdk::quic::quinn::ClientConfig::new(Arc::new(crypto))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_connection_shows_a_key_of_its_own() {
    let node = Ed25519Secret::from_seed(&[1; 32]);
    let (listener, address) = listening(&node);
    let endpoint = client_endpoint(loopback()).unwrap();
    let mut keys = Vec::new();
    for number in 0..3 {
        let mut how = Connect::client(node.public());
        if number == 2 {
            how.shown = Shown::Nothing;
        }
        let (connection, incoming) = tokio::join!(connect(&endpoint, address, how), async {
            Listener::handshake(listener.accept().await.unwrap(), LIMIT)
                .await
                .unwrap()
        });
        let _link = Link::opening(connection.unwrap(), 1).await.unwrap();
        assert_eq!(incoming.alpn, ALPN_CLIENT);
        keys.push(incoming.key);
    }
    assert!(
        keys[0].is_some() && keys[1].is_some() && keys[0] != keys[1],
        "{keys:?}"
    );
    assert_eq!(keys[2], None);
}
