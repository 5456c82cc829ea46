//! QUIC: endpoints, requests between nodes, subscriptions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]
#![allow(missing_docs)]

use core::time::Duration;

use session_crypto::{Ed25519PublicExt, Ed25519Secret};
use session_storage::monitor::{MAX_ACCOUNTS, Monitor, MonitorEnded, Subscriptions};
use session_storage::quic::{self, ClientEndpoint, NodeEndpoint, Reply};
use session_storage::value::Value;
use session_storage::*;
use session_swarm::ServiceNode;
use session_swarm::record::Version;
use session_types::limits::MONITOR_LIFETIME;
use session_types::{
    AnyId, Ed25519Public, MonotonicTime, Namespace, SealedMessage, SwarmId, UnixMillis,
};

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

struct Member {
    secret: Ed25519Secret,
    storage: MemoryStorage,
    serves: bool,
}

fn swarm() -> SwarmInfo {
    SwarmInfo {
        swarm: SwarmId::new(7),
        nodes: vec![ServiceNode {
            ed25519: Ed25519Secret::from_seed(&[4; 32]).public(),
            x25519: None,
            legacy: None,
            ip: [127, 0, 4, 1].into(),
            https_port: 1,
            omq_port: 2,
            version: Version([2, 12, 0]),
            swarm_id: SwarmId::new(7),
            requested_unlock_height: 0,
        }],
    }
}

impl Host for Member {
    type Storage = MemoryStorage;

    fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    fn storage_mut(&mut self) -> &mut MemoryStorage {
        &mut self.storage
    }

    fn now(&self) -> UnixMillis {
        NOW
    }

    fn secret(&self) -> &Ed25519Secret {
        &self.secret
    }

    fn state(&self) -> NetworkState {
        NetworkState {
            hf: [19, 4],
            version: [2, 12, 0],
            height: 5,
        }
    }

    fn serves(&self, _: &AnyId) -> bool {
        self.serves
    }

    fn swarm_of(&self, _: &AnyId) -> SwarmInfo {
        swarm()
    }

    fn peers(&self) -> Vec<Ed25519Public> {
        Vec::new()
    }

    fn nodes(&self) -> Vec<ServiceNode> {
        Vec::new()
    }

    fn daemon(&self, _: &OxendRequest) -> Value {
        Value::Null
    }
}

fn member(serves: bool) -> Member {
    Member {
        secret: Ed25519Secret::from_seed(&[9; 32]),
        storage: MemoryStorage::new(),
        serves,
    }
}

fn account(seed: u8) -> AnyId {
    let secret = Ed25519Secret::from_seed(&[seed; 32]);
    secret.public().to_account_id().unwrap().into()
}

fn store() -> Store {
    let message = SealedMessage {
        namespace: Namespace::DEFAULT,
        ttl: Duration::from_secs(60),
        data: b"data".to_vec(),
    };
    Store::new(account(1), message, NOW).unwrap()
}

fn failure(text: &str) -> Reply {
    Reply {
        is_error: true,
        body: text.into(),
    }
}

#[test]
fn each_protocol_has_its_endpoints() {
    for method in Method::ALL {
        let endpoint = ClientEndpoint::parse(method.name().as_bytes());
        assert_eq!(endpoint, Some(ClientEndpoint::Rpc(*method)));
        assert_eq!(NodeEndpoint::parse(method.name().as_bytes()), None);
    }
    assert_eq!(
        ClientEndpoint::parse(b"monitor"),
        Some(ClientEndpoint::Monitor)
    );
    assert_eq!(
        ClientEndpoint::parse(b"onion_req"),
        Some(ClientEndpoint::OnionReq)
    );
    assert_eq!(
        ClientEndpoint::parse(b"snode_ping"),
        Some(ClientEndpoint::Ping)
    );
    for (name, streams) in [
        ("snode_ping", 0..1),
        ("data", 1..2),
        ("data_ready", 0..1),
        ("storage_cc", 0..1),
        ("onion_request", 2..6),
    ] {
        let endpoint = NodeEndpoint::parse(name.as_bytes()).unwrap();
        assert_eq!((endpoint.name(), endpoint.streams()), (name, streams));
        let is_for_both = endpoint == NodeEndpoint::Ping;
        assert_eq!(
            ClientEndpoint::parse(name.as_bytes()).is_some(),
            is_for_both,
            "{name}"
        );
    }
    for name in [&b""[..], b"Store", b"notify", b"sn.data", b"\xff"] {
        assert_eq!(
            (ClientEndpoint::parse(name), NodeEndpoint::parse(name)),
            (None, None)
        );
    }
}

#[test]
fn a_forwarded_request_is_served_and_its_entry_read() {
    let params = store().to_body(Encoding::Bencode);
    let body = quic::forward("store", &params);
    let head = format!("l5:store{}:d", params.len());
    assert!(
        body.starts_with(head.as_bytes()),
        "{}",
        String::from_utf8_lossy(&body)
    );
    let reply = quic::serve_forward(&body, &mut member(true));
    assert!(!reply.is_error && reply.body.starts_with(b"li200ed"));
    let entry = serve_peer("store", &params, &mut member(true)).unwrap();
    assert_eq!(quic::read_forwarded(&reply), PeerOutcome::Answered(entry));
}

#[test]
fn what_cannot_be_forwarded_is_refused_with_the_texts_of_nodes() {
    let params = store().to_body(Encoding::Bencode);
    for body in [
        &b""[..],
        b"d1:ai1ee",
        b"le",
        b"l5:storee",
        b"l5:stored1:ai1eee",
        b"li1e2:dee",
        b"l2:\xff\xff2:dee",
        b"l5:store2:de0:e",
    ] {
        let reply = quic::serve_forward(body, &mut member(true));
        let text = String::from_utf8(reply.body).unwrap();
        assert!(
            reply.is_error && text.starts_with("Invalid forwarded request: "),
            "{text}"
        );
    }
    let reply = quic::serve_forward(&quic::forward("nope", &params), &mut member(true));
    assert_eq!(reply, failure("Unknown forwarded command nope"));
    let outcome = PeerOutcome::Refused(400, "Unknown forwarded command nope".into());
    assert_eq!(quic::read_forwarded(&reply), outcome);
    // A method that is not for swarms, and parameters that are none.
    for (method, params) in [("info", &b"de"[..]), ("store", b"de"), ("store", b"x")] {
        let reply = quic::serve_forward(&quic::forward(method, params), &mut member(true));
        let text = String::from_utf8(reply.body.clone()).unwrap();
        assert!(
            reply.is_error && text.starts_with("400 Bad Request\n\n"),
            "{text}"
        );
        assert!(matches!(
            quic::read_forwarded(&reply),
            PeerOutcome::Refused(400, _)
        ));
    }
    let reply = quic::serve_forward(&quic::forward("store", &params), &mut member(false));
    assert!(
        reply.is_error
            && reply
                .body
                .starts_with(b"421 Misdirected Request\n\nli421ed")
    );
    assert_eq!(
        quic::read_forwarded(&reply),
        PeerOutcome::Refused(421, String::new())
    );
    assert!(matches!(
        quic::read_forwarded(&quic::unknown_endpoint("storage_cc")),
        PeerOutcome::Refused(404, _)
    ));
}

#[test]
fn the_end_of_a_subscription_names_the_new_swarm() {
    let ended = MonitorEnded::moved(account(1), swarm());
    let bytes = ended.to_bencode();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.starts_with("d1:@33:") && text.ends_with("5:swarm1:7e"),
        "{text}"
    );
    assert!(
        text.contains("7:errcodei6e5:error11:Wrong swarm6:snodesld"),
        "{text}"
    );
    let read = MonitorEnded::from_bencode(&bytes).unwrap();
    assert_eq!((read.account, read.reason), (ended.account, ended.reason));
    assert_eq!(read.swarm.nodes[0].ed25519, swarm().nodes[0].ed25519);
    let nowhere = SwarmInfo {
        swarm: SwarmId::UNASSIGNED,
        nodes: Vec::new(),
    };
    let bytes = MonitorEnded::moved(account(1), nowhere.clone()).to_bencode();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.ends_with("6:snodesle5:swarm16:ffffffffffffffffe"),
        "{text}"
    );
    assert_eq!(MonitorEnded::from_bencode(&bytes).unwrap().swarm, nowhere);
    for end in 0..bytes.len() {
        assert!(MonitorEnded::from_bencode(&bytes[..end]).is_err(), "{end}");
    }
}

fn request(account: AnyId, namespaces: &[i16], with_data: bool) -> Monitor {
    let namespaces: Vec<Namespace> = namespaces.iter().copied().map(Namespace::new).collect();
    let monitor = Monitor::new(account, namespaces);
    let monitor = match with_data {
        true => monitor.with_data(),
        false => monitor,
    };
    monitor.sign(NOW, &Signer::user(&Ed25519Secret::from_seed(&[1; 32])))
}

fn at(seconds: u64) -> MonotonicTime {
    MonotonicTime::new(Duration::from_secs(seconds))
}

#[test]
fn renewals_add_namespaces_and_data_stays_asked_for() {
    let mut all: Subscriptions<u8> = Subscriptions::default();
    let (one, other) = (account(1), account(2));
    let listeners = |all: &Subscriptions<u8>, account: &AnyId, namespace: i16, now: u64| {
        all.listeners(account, Namespace::new(namespace), at(now))
    };
    all.subscribe(1, &request(one, &[0, 2], true), at(0))
        .unwrap();
    all.subscribe(1, &request(one, &[5], false), at(60))
        .unwrap();
    all.subscribe(2, &request(one, &[0], false), at(60))
        .unwrap();
    all.subscribe(2, &request(other, &[0], false), at(60))
        .unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(listeners(&all, &one, 0, 61), [(1, true), (2, false)]);
    assert_eq!(listeners(&all, &one, 5, 61), [(1, true)]);
    assert_eq!(listeners(&all, &one, 3, 61), []);
    assert_eq!(listeners(&all, &other, 0, 61), [(2, false)]);
    // 65 minutes from the renewal.
    let end = 60 + MONITOR_LIFETIME.as_secs();
    assert_eq!(listeners(&all, &one, 0, end - 1).len(), 2);
    assert_eq!(listeners(&all, &one, 0, end), []);
    // What has run out does not come back with a new request.
    all.subscribe(1, &request(one, &[3], false), at(end))
        .unwrap();
    assert_eq!(listeners(&all, &one, 0, end), []);
    assert_eq!(listeners(&all, &one, 3, end), [(1, false)]);
    all.expire(at(end));
    assert_eq!(all.len(), 1);
    all.remove(1);
    assert!(all.is_empty());
}

#[test]
fn closed_connections_and_moved_accounts_are_forgotten() {
    let mut all: Subscriptions<u8> = Subscriptions::default();
    let (stays, moves) = (account(1), account(2));
    for connection in 0..3 {
        all.subscribe(connection, &request(stays, &[0], false), at(0))
            .unwrap();
        all.subscribe(connection, &request(moves, &[0], false), at(0))
            .unwrap();
    }
    all.remove(1);
    all.remove(1);
    assert_eq!(all.len(), 4);
    assert_eq!(
        all.end(|account| *account == stays),
        [(0, moves), (2, moves)]
    );
    assert_eq!(all.end(|account| *account == stays), []);
    let left = all.listeners(&stays, Namespace::DEFAULT, at(1));
    assert_eq!(left, [(0, false), (2, false)]);
    assert_eq!(all.listeners(&moves, Namespace::DEFAULT, at(1)), []);
}

#[test]
fn a_connection_has_bounded_subscriptions() {
    let mut all: Subscriptions<u8> = Subscriptions::default();
    let mut template = request(account(1), &[0], false);
    for number in 0..MAX_ACCOUNTS {
        let mut id = *account(1).as_bytes();
        id[1..9].copy_from_slice(&(number as u64).to_be_bytes());
        template.account = AnyId::from_bytes(id);
        all.subscribe(1, &template, at(0)).unwrap();
    }
    // A renewal is one more request, not one more subscription.
    all.subscribe(1, &template, at(1)).unwrap();
    let error = all.subscribe(1, &request(account(3), &[0], false), at(1));
    assert_eq!(error.unwrap_err().code, 1);
    all.subscribe(2, &request(account(3), &[0], false), at(1))
        .unwrap();
    assert_eq!(all.len(), MAX_ACCOUNTS + 1);
}
