//! Lists of nodes and storage requests, both sides.

use core::time::Duration;

use session_crypto::Ed25519Secret;
use session_crypto::hash::message_hash;
use session_storage::monitor::{self, MonitorRequests, Notice};
use session_storage::value::Value;
use session_storage::{
    Call, Checks, Delete, DeleteAll, DeleteBefore, Encoding, Expire, ExpireAll, GetExpiries,
    Method, ParamError, Permissions, Request, Response, Retrieve, RevokeSubaccount,
    RevokedSubaccounts, ServiceNodesRequest, Signer, Store, SubaccountProof, SwarmInfo, Token,
    UnrevokeSubaccount, omq, quic,
};
use session_swarm::record::{
    AddressPolicy, NodeList, ReadOptions, Transport, read_binary_with, write_binary,
};
use session_swarm::ring::SwarmRing;
use session_types::{AnyId, GroupId, Namespace, Namespaces, SealedMessage, SwarmId, UnixMillis};

use crate::input::{Input, account, group};

const NOW: u64 = 1_795_377_199_099;

fn store(
    account: AnyId,
    namespace: Namespace,
    data: &[u8],
    time: UnixMillis,
    ttl: Duration,
) -> Result<Store, ParamError> {
    let message = SealedMessage {
        namespace,
        ttl,
        data: data.to_vec(),
    };
    Store::new(account, message, time)
}

/// What a node makes sure of.
fn check(request: &Request) -> bool {
    let checks = Checks {
        now: UnixMillis::new(NOW),
        hf: [19, 4],
        forwarded: false,
        serves: &|_| true,
        is_revoked: &|_, _| false,
    };
    let outcome = request.check(&checks);
    if let Err(error) = &outcome {
        let response = Response::refuse(error);
        let _ = (
            response.json_body(),
            response.bencoded_body(),
            quic::refuse(error),
        );
    }
    outcome.is_ok()
}

/// Written again, a request is read as the same. Bencoding takes times that JSON refuses: those that
/// are too small to be in milliseconds.
fn rewrite(request: &Request, read_from: Encoding) {
    // Parameters that are no JSON are kept as null, which is not written.
    if matches!(request, Request::OxendRequest(oxend) if oxend.params == Some(Value::Null)) {
        return;
    }
    let json = Request::from_json(&request.to_json());
    if read_from == Encoding::Json || json.is_ok() {
        assert_eq!(json.as_ref(), Ok(request));
    }
    let (bencoded, encoding) =
        Request::from_body(request.method().name(), &request.to_bencode()).expect("ours");
    assert_eq!((&bencoded, encoding), (request, Encoding::Bencode));
}

/// Requests over HTTPS.
pub fn rpc_json(data: &[u8]) {
    match Request::from_json(data) {
        Ok(request) => {
            check(&request);
            rewrite(&request, Encoding::Json);
        }
        Err(error) => drop(error.to_string()),
    }
    if let Some(request) = ServiceNodesRequest::from_seed_json(data) {
        let written = request.to_seed_json();
        assert_eq!(ServiceNodesRequest::from_seed_json(&written), Some(request));
    }
}

/// Requests over OxenMQ and QUIC, from clients and from other nodes.
pub fn rpc_body(data: &[u8]) {
    let mut input = Input::new(data);
    let method = Method::ALL[usize::from(input.byte()) % Method::ALL.len()].name();
    let body = input.rest();
    if let Ok((request, encoding)) = Request::from_body(method, body) {
        check(&request);
        rewrite(&request, encoding);
    }
    let _ = Request::from_peer(method, body);
}

/// Client against node: every request that a client can make, a node reads and accepts.
pub fn rpc_client_node(data: &[u8]) {
    let mut input = Input::new(data);
    let (user, (group_secret, _)) = (account(1), group());
    let is_user = input.flag();
    let (account, secret) = match is_user {
        true => (AnyId::from(user.id()), user.ed25519()),
        false => (
            GroupId::from_ed25519(&group_secret.public()).into(),
            &group_secret,
        ),
    };
    let method = input.byte();
    let bits = input.byte();
    let subaccount_key = Ed25519Secret::from_seed(&[4; 32]);
    let everything = Permissions::READ | Permissions::WRITE | Permissions::DELETE;
    let mut token = [0; 36];
    token[..2].copy_from_slice(&[account.prefix(), everything.bits()]);
    token[4..].copy_from_slice(subaccount_key.public().as_bytes());
    let token = Token::from_bytes(token);
    let own = match is_user {
        true => Signer::user(secret),
        false => Signer::group(secret),
    };
    let by_subaccount = Signer::subaccount(
        &subaccount_key,
        SubaccountProof::new(token, secret),
        is_user.then(|| secret.public()),
    );
    // Only the account itself may revoke.
    let signer = match bits & 1 == 0 || method % 12 >= 9 {
        true => &own,
        false => &by_subaccount,
    };
    let namespace = Namespace::new(i16::from_le_bytes(input.array()));
    let namespaces = match bits & 2 == 0 {
        true => Namespaces::One(namespace),
        false => Namespaces::All,
    };
    let time = UnixMillis::new(NOW - input.number() % 10_000);
    let ttl = Duration::from_millis(60_000 + input.number() % 1_000_000);
    let expiry = UnixMillis::new(NOW).saturating_add(ttl);
    let hash = message_hash(&account, namespace, input.piece());
    let request: Request = match method % 12 {
        0 => match store(account, namespace, input.rest(), time, ttl) {
            Ok(store) => store.sign(time, signer).into(),
            // Too long: no node would take it.
            Err(_) => return,
        },
        1 => Retrieve::new(account, namespace)
            .after(Some(hash))
            .sign(time, signer)
            .into(),
        2 => Delete::new(account, [hash])
            .expect("one hash")
            .sign(time, signer)
            .into(),
        3 => DeleteAll::new(account, namespaces)
            .sign(time, signer)
            .into(),
        4 => DeleteBefore::new(account, namespaces, time)
            .sign(time, signer)
            .into(),
        5 => {
            let expire = Expire::new(account, [hash], expiry).expect("one hash");
            let expire = match bits >> 2 & 3 {
                0 => expire.shorten(),
                1 => expire.extend(),
                _ => expire,
            };
            expire.sign(time, signer).into()
        }
        6 => ExpireAll::new(account, namespaces, expiry)
            .sign(time, signer)
            .into(),
        7 => GetExpiries::new(account, [hash])
            .expect("one hash")
            .sign(time, signer)
            .into(),
        8 => Retrieve::new(account, namespace).sign(time, signer).into(),
        9 => RevokeSubaccount::new(account, [token])
            .expect("one token")
            .sign(time, signer)
            .into(),
        10 => UnrevokeSubaccount::new(account, [token])
            .expect("one token")
            .sign(time, signer)
            .into(),
        _ => RevokedSubaccounts::new(account).sign(time, signer).into(),
    };
    rewrite(&request, Encoding::Json);
    // Nodes take the key in a user's id for an Ed25519 key here, so that no user gets through.
    let is_refused = is_user && matches!(request, Request::RevokedSubaccounts(_));
    assert_eq!(check(&request), !is_refused, "{request:?}");
}

/// Answers to every method, and their wrapping over QUIC.
pub fn rpc_answer(data: &[u8]) {
    let mut input = Input::new(data);
    let method = input.byte();
    let body = input.rest();
    for is_error in [false, true] {
        let reply = quic::Reply {
            is_error,
            body: body.to_vec(),
        };
        let _ = quic::unwrap(&reply);
        let _ = match is_error {
            true => omq::unwrap(&[b"421".as_slice(), body]),
            false => omq::unwrap(&[body]),
        };
    }
    let value = match body {
        [b'd' | b'l', ..] => Value::from_bencode(body),
        _ => Value::from_json(body),
    };
    let Ok(value) = value else {
        return;
    };
    if let Ok(swarm) = SwarmInfo::from_value(&value) {
        assert_eq!(SwarmInfo::from_value(&swarm.to_value(None)), Ok(swarm));
    }
    let user = account(1);
    let (account, signer) = (AnyId::from(user.id()), Signer::user(user.ed25519()));
    let hash = message_hash(&account, Namespace::DEFAULT, b"");
    let now = UnixMillis::new(NOW);
    macro_rules! swarm_answer {
        ($request:expr) => {{
            let request = $request;
            if let Ok(answer) = request.read_answer(&value) {
                let own = user.ed25519_public();
                let written = answer.to_value(&own);
                assert!(request.read_answer(&written).is_ok());
                let _ = answer.verify(&request, |_| true);
            }
        }};
    }
    match method % 11 {
        0 => {
            let ttl = Duration::from_secs(60);
            let empty = store(account, Namespace::DEFAULT, b"", now, ttl);
            swarm_answer!(empty.expect("short"));
        }
        1 => swarm_answer!(
            Delete::new(account, [hash])
                .expect("one hash")
                .sign(now, &signer)
        ),
        2 => swarm_answer!(DeleteAll::new(account, Namespaces::All).sign(now, &signer)),
        3 => swarm_answer!(DeleteBefore::new(account, Namespaces::All, now).sign(now, &signer)),
        4 => swarm_answer!(
            Expire::new(account, [hash], now)
                .expect("one hash")
                .sign(now, &signer)
        ),
        5 => swarm_answer!(ExpireAll::new(account, Namespace::DEFAULT, now).sign(now, &signer)),
        6 => swarm_answer!(
            RevokeSubaccount::new(account, [])
                .expect("few tokens")
                .sign(now, &signer)
        ),
        7 => {
            let request = Retrieve::new(account, Namespace::DEFAULT);
            if let Ok(answer) = request.read_answer(&value) {
                let again = request.read_answer(&answer.to_value()).expect("ours");
                assert_eq!(again.messages, answer.messages);
                for message in &answer.messages {
                    let _ = message.is_intact(&account, Namespace::DEFAULT);
                }
            }
        }
        8 => {
            let expiries = GetExpiries::new(account, [hash]).expect("one hash");
            drop(expiries.sign(now, &signer).read_answer(&value));
        }
        9 => {
            let revoked = RevokedSubaccounts::new(account).sign(now, &signer);
            drop(revoked.read_answer(&value));
        }
        _ => {
            let batch = session_storage::Batch::new([Retrieve::new(account, Namespace::DEFAULT)])
                .expect("one request");
            if let Ok(answer) = batch.read_answer(&value) {
                let _ = (
                    answer.latest_clock(),
                    answer.common_failure(),
                    answer.to_value(),
                );
            }
        }
    }
}

/// Subscriptions, their answers and the notices.
pub fn rpc_monitor(data: &[u8]) {
    let requests = MonitorRequests::parse(data);
    let outcomes: Vec<_> = requests
        .requests
        .iter()
        .map(|request| match request {
            Ok(request) => request.check(UnixMillis::new(NOW), |_| true),
            Err(error) => Err(error.clone()),
        })
        .collect();
    let answer = requests.answer(&outcomes);
    let read = monitor::read_answer(&answer).expect("ours");
    assert_eq!(read.len(), outcomes.len());
    let _ = monitor::read_answer(data);
    if let Ok(notice) = Notice::from_bencode(data) {
        let _ = notice.is_intact();
        assert_eq!(
            Notice::from_bencode(&notice.to_bencode()).as_ref(),
            Ok(&notice)
        );
    }
}

/// Values in JSON and bencoding.
pub fn value(data: &[u8]) {
    if let Ok(value) = Value::from_json(data) {
        let again = Value::from_json(&value.to_json()).expect("ours");
        // bencoding has no fractions, whose last digit JSON may lose.
        assert_eq!(again.to_bencode(), value.to_bencode());
    }
    if let Ok(value) = Value::from_bencode(data) {
        let written = value.to_bencode();
        let again = Value::from_bencode(&written).expect("ours");
        assert_eq!(again.to_bencode(), written);
        let _ = value.to_json();
    }
}

/// Lists of nodes in JSON, from seed nodes and service nodes.
pub fn node_list(data: &[u8]) {
    for transport in [Transport::Https, Transport::Omq] {
        for addresses in [AddressPolicy::Public, AddressPolicy::Any] {
            let options = ReadOptions {
                addresses,
                transport,
                max_nodes: 8,
            };
            let Ok(mut list) = NodeList::from_json(data, &options) else {
                continue;
            };
            assert!(list.nodes.len() <= 8);
            let ring: SwarmRing = list.nodes.iter().map(|node| node.swarm_id).collect();
            assert!(ring.len() <= list.nodes.len());
            for node in &list.nodes {
                let _ = (node.onion_key(), node.is_reachable());
            }
            list.drop_departed(120);
        }
    }
}

/// Lists of nodes in the binary form.
pub fn node_binary(data: &[u8]) {
    let options = ReadOptions {
        addresses: AddressPolicy::Any,
        transport: Transport::Omq,
        ..ReadOptions::default()
    };
    if let Ok((nodes, _)) = read_binary_with(data, &options) {
        let written = write_binary(&nodes);
        let (again, skipped) = read_binary_with(&written, &options).expect("ours");
        assert_eq!((again, skipped.total()), (nodes, 0));
    }
}

/// The choice of a swarm: by search, by interval, and by measuring every distance.
pub fn ring(data: &[u8]) {
    let mut input = Input::new(data);
    let position = input.number();
    let mut ids = Vec::new();
    while !input.is_empty() && ids.len() < 64 {
        // Near to the position, and anywhere.
        let id = input.number();
        ids.push(if id & 1 == 0 {
            id
        } else {
            position.wrapping_add(id >> 48)
        });
    }
    let ring: SwarmRing = ids.iter().copied().map(SwarmId::new).collect();
    let chosen = ring.choose(position);
    // The nearest; of two as near the one below the position.
    let nearest = ids.iter().filter(|id| **id != u64::MAX).min_by_key(|id| {
        let (above, below) = (id.wrapping_sub(position), position.wrapping_sub(**id));
        (above.min(below), above < below)
    });
    assert_eq!(chosen.map(SwarmId::get), nearest.copied());
    for swarm in ring.ids() {
        let interval = ring.interval(swarm).expect("it is one of them");
        assert_eq!(interval.contains(position), chosen == Some(swarm));
    }
}
