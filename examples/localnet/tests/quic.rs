//! Nodes over QUIC: what clients and other nodes get, and who gets nothing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::{CertifiedKey, Signer as Signer_, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use session_crypto::Ed25519Secret;
use session_localnet::node::Node;
use session_proto::stream::tls::{ALPN_CLIENT, ALPN_NODE};
use session_sdk::quic::{
    Answer, Connect, ConnectError, Link, LinkError, Shown, connect, open, quinn, tls,
};
use session_storage::monitor::{Monitor, MonitorEnded, Notice, read_answer};
use session_storage::quic::NODE_STREAMS;
use session_storage::{Call as _, Encoding, GetSwarm, Signer};
use session_types::Namespace;
use support::World;
use support::quic::{
    LIMIT, ask, client_of, endpoint, error, inside_and_outside, join, now, obey, secret_of, store,
    stored_by, structure, until, user,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_answers_in_the_form_of_its_request() {
    let network = World::start(|plan| plan.servers = false).await;
    let (_, account) = user();
    let (inside, outside) = inside_and_outside(&network.network, &account);
    let (link, _) = client_of(&inside).await;
    assert_eq!(
        ask(&link, "snode_ping", b"").await,
        Answer::Reply(b"pong".to_vec())
    );
    assert_eq!(
        ask(&link, "nope", b"{}").await,
        error("Invalid endpoint 'nope'")
    );
    // Endpoints of other nodes are none of a client.
    assert_eq!(
        ask(&link, "storage_cc", b"").await,
        error("Invalid endpoint 'storage_cc'")
    );
    for (body, start) in [
        (&b"{}"[..], &b"[200,{\"hf\":[19,4]"[..]),
        (b"", b"[200,{"),
        (b"de", b"li200ed2:hf"),
    ] {
        let Answer::Reply(info) = ask(&link, "info", body).await else {
            panic!()
        };
        assert!(
            info.starts_with(start),
            "{}",
            String::from_utf8_lossy(&info)
        );
    }
    let Answer::Error(text) = ask(&link, "store", b"x").await else {
        panic!()
    };
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("400 Bad Request\n\n"), "{text}");
    // A store, and all members have it: they have asked each other by QUIC.
    let call = store(account, "over QUIC");
    let stored = ask(&link, "store", &call.to_body(Encoding::Json)).await;
    let done = stored_by(&call, stored);
    assert_eq!(done, network.network.admin.keepers(&account).len());
    assert!(
        inside.connections().1 >= done - 1,
        "connections with the other members"
    );
    // The wrong swarm names the right one.
    let (link, _) = client_of(&outside).await;
    let refused = ask(&link, "store", &call.to_body(Encoding::Json)).await;
    let Answer::Error(body) = &refused else {
        panic!()
    };
    assert!(body.starts_with(b"421 Misdirected Request\n\n[421,{"));
    let swarm = GetSwarm { account }
        .read_answer(&structure(refused))
        .map(|answer| answer.swarm.swarm);
    assert_eq!(
        Some(swarm.unwrap()),
        network.network.chain.swarm_of(&account)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_told_within_50_ms_whichever_member_was_asked() {
    let network = World::start(|plan| plan.servers = false).await;
    let (secret, account) = user();
    let keepers = network.network.admin.keepers(&account);
    let (link, mut commands) = client_of(&keepers[0]).await;
    let monitor = |data: bool| {
        let monitor = Monitor::new(account, [Namespace::DEFAULT]);
        let monitor = if data { monitor.with_data() } else { monitor };
        monitor.sign(now(), &Signer::user(&secret)).to_bencode()
    };
    let Answer::Reply(body) = ask(&link, "monitor", &monitor(true)).await else {
        panic!()
    };
    assert_eq!(read_answer(&body).unwrap(), [Ok(())]);
    assert_eq!(body, b"d7:successi1ee", "no list around it");
    let (other, mut silent) = client_of(&keepers[0]).await;
    ask(&other, "monitor", &monitor(false)).await;
    let (writer, _) = client_of(&keepers[1]).await;
    let mut slowest = Duration::ZERO;
    for number in 0..30 {
        let call = store(account, &format!("message {number}"));
        let began = Instant::now();
        let body = call.to_body(Encoding::Json);
        let stored = ask(&writer, "store", &body);
        let (stored, told) = tokio::join!(stored, commands.recv());
        slowest = slowest.max(began.elapsed());
        assert!(matches!(stored, Answer::Reply(_)));
        let told = told.unwrap();
        assert_eq!((told.stream, told.endpoint.as_slice()), (0, &b"notify"[..]));
        let notice = Notice::from_bencode(&told.body).unwrap();
        assert_eq!((notice.account, notice.hash), (account, call.hash()));
        assert!(notice.is_intact() && notice.data.is_some());
        let quiet = Notice::from_bencode(&silent.recv().await.unwrap().body).unwrap();
        assert_eq!((quiet.hash, quiet.data), (call.hash(), None));
    }
    println!("stored by all members and told within {slowest:?}");
    // The same again is not new.
    let call = store(account, "twice");
    for _ in 0..2 {
        ask(&writer, "store", &call.to_body(Encoding::Json)).await;
    }
    assert!(commands.recv().await.is_some());
    let more = tokio::time::timeout(Duration::from_millis(200), commands.recv()).await;
    assert!(more.is_err(), "told twice");
    // Another swarm subscribes nobody, and a wrong signature neither.
    let (_, outside) = inside_and_outside(&network.network, &account);
    let (stranger, _) = client_of(&outside).await;
    let Answer::Reply(body) = ask(&stranger, "monitor", &monitor(true)).await else {
        panic!()
    };
    assert_eq!(read_answer(&body).unwrap()[0].as_ref().unwrap_err().code, 6);
    let thief = Ed25519Secret::from_seed(&[2; 32]);
    let forged = Monitor::new(account, [Namespace::DEFAULT]).sign(now(), &Signer::user(&thief));
    let Answer::Reply(body) = ask(&link, "monitor", &forged.to_bencode()).await else {
        panic!()
    };
    assert_eq!(read_answer(&body).unwrap()[0].as_ref().unwrap_err().code, 5);
    // A closed connection has no subscriptions.
    assert_eq!(keepers[0].subscriptions(), 2);
    link.close(0, b"");
    other.close(0, b"");
    until("subscriptions stay", || keepers[0].subscriptions() == 0).await;
    // Without optimisation, and beside other tests, it takes longer.
    let bar = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 50 });
    assert!(slowest < bar, "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_moves_ends_its_subscriptions() {
    let network = World::start(|plan| plan.servers = false).await;
    let (secret, account) = user();
    let (inside, outside) = inside_and_outside(&network.network, &account);
    let (link, mut commands) = client_of(&inside).await;
    let monitor = Monitor::new(account, [Namespace::DEFAULT]).sign(now(), &Signer::user(&secret));
    ask(&link, "monitor", &monitor.to_bencode()).await;
    let swarm = network
        .network
        .chain
        .node(outside.public())
        .unwrap()
        .swarm_id;
    obey(&network.network, "move", &inside, Some(&swarm.to_string())).await;
    let told = commands.recv().await.unwrap();
    assert_eq!(told.endpoint, b"monitor_ended");
    let ended = MonitorEnded::from_bencode(&told.body).unwrap();
    assert_eq!((ended.account, ended.reason.code), (account, 6));
    assert_eq!(
        Some(ended.swarm.swarm),
        network.network.chain.swarm_of(&account)
    );
    assert_eq!(inside.subscriptions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_node_itself_and_known_nodes_are_believed() {
    let network = World::start(|plan| plan.servers = false).await;
    let (node, other) = (&network.network.nodes[0], &network.network.nodes[1]);
    // The node has another key than the list says.
    let wrong = join(node, Connect::client(*other.public())).await;
    assert!(matches!(&wrong, Err(ConnectError::Refused(_))), "{wrong:?}");
    // No key is fine for clients.
    let mut nothing = Connect::client(*node.public());
    nothing.shown = Shown::Nothing;
    let (link, _) = Link::opening(join(node, nothing).await.unwrap(), 1)
        .await
        .unwrap();
    assert_eq!(
        ask(&link, "snode_ping", b"").await,
        Answer::Reply(b"pong".to_vec())
    );
    // As a node only a node of the list comes in, and not the node itself.
    let stranger = Ed25519Secret::from_seed(&[77; 32]);
    for shown in [Shown::Nothing, Shown::Fresh, Shown::Own(&stranger)] {
        let what = format!("{shown:?}");
        let mut how = Connect::node(*node.public(), &stranger);
        how.shown = shown;
        assert!(refused(node, how).await, "{what}");
    }
    let itself = secret_of(&network, node);
    assert!(refused(node, Connect::node(*node.public(), &itself)).await);
    // An application protocol that nobody speaks.
    let mut how = Connect::client(*node.public());
    how.alpn = b"h3";
    assert!(refused(node, how).await);
    // A key that is not Ed25519.
    for alpn in [ALPN_CLIENT, ALPN_NODE] {
        let mut config = tls::client(*node.public(), None, alpn).unwrap();
        config.client_auth_cert_resolver = p256_key();
        let opened = open(
            &endpoint(),
            node.address(),
            config,
            quinn::TransportConfig::default(),
            LIMIT,
        )
        .await;
        match opened {
            Err(_) => {}
            Ok(connection) => assert!(is_shut(connection).await),
        }
    }
    // None of this has hurt the node.
    assert_eq!(
        ask(&link, "snode_ping", b"").await,
        Answer::Reply(b"pong".to_vec())
    );
}

/// A raw public key on the curve P-256, which says that it signs with Ed25519: an honest TLS library would not show it.
fn p256_key() -> Arc<dyn rustls::client::ResolvesClientCert> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let der = PrivatePkcs8KeyDer::from(key.serialize_der());
    let signer = ring::sign::any_ecdsa_type(&der.into()).unwrap();
    let spki = signer.public_key().unwrap().into_owned();
    let certified = CertifiedKey::new(vec![spki.to_vec().into()], Arc::new(Pretending));
    Arc::new(AlwaysResolvesClientRawPublicKeys::new(Arc::new(certified)))
}

#[derive(Debug)]
struct Pretending;

impl SigningKey for Pretending {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer_>> {
        Some(Box::new(Self))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer_ for Pretending {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(vec![0; 64])
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// Whether a node refuses a connection: at once, or when it has seen our key.
async fn refused(node: &Node, how: Connect<'_>) -> bool {
    match join(node, how).await {
        Err(error) => matches!(error, ConnectError::Refused(_)),
        Ok(connection) => is_shut(connection).await,
    }
}

/// Whether nothing is served, and the connection is closed by TLS.
async fn is_shut(connection: quinn::Connection) -> bool {
    let Ok((link, _)) = Link::opening(connection.clone(), 1).await else {
        return true;
    };
    let asked = link.request(0, b"snode_ping", Vec::new(), LIMIT).await;
    let closed = connection.close_reason();
    asked == Err(LinkError::Closed)
        && matches!(closed, Some(quinn::ConnectionError::ConnectionClosed(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_clients_have_a_rate_limit_and_a_node_that_has_left_serves_nobody() {
    let network = World::start(|plan| plan.servers = false).await;
    let (node, other) = (network.node(0), network.node(1));
    let (link, _) = client_of(node).await;
    let mut refused = 0;
    for _ in 0..1_500 {
        match ask(&link, "info", b"{}").await {
            Answer::Reply(_) => {}
            Answer::Error(text) => {
                assert!(text.starts_with(b"429 Too Many Requests\n\n"), "{text:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "nothing was refused");
    obey(&network.network, "leave", other, None).await;
    let (link, _) = client_of(other).await;
    let Answer::Error(text) = ask(&link, "info", b"{}").await else {
        panic!()
    };
    assert!(text.starts_with(b"503 Service Unavailable\n\n"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_ask_each_other_and_answer_nothing_else() {
    let network = World::start(|plan| plan.servers = false).await;
    let (node, other) = (&network.network.nodes[0], &network.network.nodes[1]);
    // As the other node, whose key the test knows.
    let secret = secret_of(&network, other);
    let connection = join(node, Connect::node(*node.public(), &secret))
        .await
        .unwrap();
    let (link, _) = Link::opening(connection, NODE_STREAMS).await.unwrap();
    assert_eq!(
        ask(&link, "snode_ping", b"").await,
        Answer::Reply(b"pong".to_vec())
    );
    assert_eq!(
        ask(&link, "data_ready", b"").await,
        Answer::Reply(b"OK".to_vec())
    );
    assert_eq!(ask(&link, "data", b"").await, error("Empty data push"));
    assert_eq!(
        ask(&link, "data", b"\x01le").await,
        error("Empty data push")
    );
    for name in ["info", "store", "monitor", "onion_req", "nope"] {
        let expected = error(&format!("Invalid endpoint '{name}'"));
        assert_eq!(ask(&link, name, b"").await, expected);
    }
    let Answer::Reply(list) = ask(&link, "onion_request", b"x").await else {
        panic!()
    };
    assert!(
        list.starts_with(b"li400e"),
        "{}",
        String::from_utf8_lossy(&list)
    );
    let Answer::Error(text) = ask(&link, "storage_cc", b"x").await else {
        panic!()
    };
    assert!(text.starts_with(b"Invalid forwarded request: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_ends_a_stream_and_not_the_node() {
    let network = World::start(|plan| plan.servers = false).await;
    let node = &network.network.nodes[0];
    let connection = join(node, Connect::client(*node.public())).await.unwrap();
    for bytes in [
        &b"0:"[..],
        b"018:l1:Ci0e4:info2:{}e",
        b"1234567890:",
        b"5:helloworld",
        b"4:l1:x",
    ] {
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        let end = tokio::time::timeout(LIMIT, recv.read_to_end(100))
            .await
            .unwrap();
        assert!(
            matches!(
                end,
                Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(_)))
            ),
            "{end:?}"
        );
    }
    // An id that is in use: the first command waits, since the node is slow.
    node.faults
        .change(|fault| fault.slow = Duration::from_millis(500));
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    send.write_all(b"18:l1:Ci0e4:info2:{}e18:l1:Ci0e4:info2:{}e")
        .await
        .unwrap();
    assert!(recv.read_to_end(1000).await.is_err());
    node.faults.change(|fault| fault.slow = Duration::ZERO);
    // Answers to nothing are ignored.
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    send.write_all(b"11:l1:Ri5e1:xe18:l1:Ci0e4:info2:{}e")
        .await
        .unwrap();
    send.finish().unwrap();
    let answer = recv.read_to_end(10_000).await.unwrap();
    assert!(
        answer.windows(7).any(|part| part == b":[200,{"),
        "answered after the end of our side"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_udp_is_silence_for_clients_and_nothing_for_nodes() {
    let network = World::start(|plan| plan.servers = false).await;
    let (_, account) = user();
    let (inside, _) = inside_and_outside(&network.network, &account);
    let (link, _) = client_of(&inside).await;
    obey(&network.network, "udp", &inside, Some("block")).await;
    let asked = link.request(0, b"info", b"{}".to_vec(), Duration::from_millis(500));
    assert_eq!(asked.await, Err(LinkError::TimedOut));
    let how = Connect::client(*inside.public()).within(Duration::from_millis(500));
    let silent = connect(&endpoint(), inside.address(), how).await;
    assert!(matches!(silent, Err(ConnectError::NoAnswer)), "{silent:?}");
    // The other members still reach it.
    let keepers = network.network.admin.keepers(&account);
    let other = keepers
        .iter()
        .find(|node| node.name() != inside.name())
        .unwrap();
    let (writer, _) = client_of(other).await;
    let call = store(account, "past the firewall");
    let stored = ask(&writer, "store", &call.to_body(Encoding::Json)).await;
    assert_eq!(stored_by(&call, stored), keepers.len());
    obey(&network.network, "udp", &inside, Some("pass")).await;
    let (link, _) = client_of(&inside).await;
    assert_eq!(
        ask(&link, "snode_ping", b"").await,
        Answer::Reply(b"pong".to_vec())
    );
}
