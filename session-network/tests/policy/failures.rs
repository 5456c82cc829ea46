//! Answers that look wrong and are honest: what deployed nodes are known for.

use core::time::Duration;

use session_crypto::hash::message_hash;
use session_storage::value::Value;
use session_storage::*;
use session_types::{GroupId, Namespaces, SealedMessage};

use crate::world::*;

pub fn owner() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[77; 32])
}

pub fn account() -> AnyId {
    GroupId::from_ed25519(&owner().public()).into()
}

pub fn store(namespace: Namespace) -> Store {
    let message = SealedMessage {
        namespace,
        ttl: Duration::from_secs(60),
        data: b"data".to_vec(),
    };
    let time = UnixMillis::new(START);
    let store = Store::new(account(), message, time).unwrap();
    store.sign(time, &Signer::group(&owner()))
}

/// The answer of a node that says that each of `nodes` failed.
pub fn all_failed(nodes: &[ServiceNode]) -> Value {
    let mut answer = SwarmAnswer::<StoreEntry>::new(Stamp::default());
    for node in nodes {
        let failure = Failure {
            query_failure: true,
            reason: Some("FOREIGN KEY constraint failed".into()),
            ..Failure::default()
        };
        answer.entries.insert(node.ed25519, Entry::Failed(failure));
    }
    answer.to_value(&nodes[0].ed25519)
}

/// What became of a request to the swarm of the account to which all nodes answer the same, and how
/// many were asked.
pub fn answered(
    request: impl Into<Request>,
    status: u16,
    body: impl Fn(&World) -> Vec<u8>,
) -> (Result<StorageReply, RequestError>, usize, World) {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(12, config);
    let target = Target::SwarmOf(account());
    world.client.request(target, request.into(), world.now);
    let mut asked = Vec::new();
    loop {
        for sent in world.attempts() {
            asked.push(sent.destination.ed25519);
            let body = body(&world);
            world.answer(&sent, status, &body);
        }
        if let Some(event) = world.client.next_event() {
            let count = asked.len();
            asked.sort();
            asked.dedup();
            assert_eq!(asked.len(), count, "a node was asked twice");
            return (storage(event), count, world);
        }
        world.pass(Duration::from_secs(10));
    }
}

fn failed_body(world: &World) -> Vec<u8> {
    let members = world.members(&account());
    Response::ok(all_failed(&members)).json_body()
}

#[test]
fn a_store_that_failed_on_all_members_is_told_after_a_second_node_said_so() {
    for status in [200, 500] {
        let store = store(Namespace::ACCOUNT_PUBLIC_KEYS);
        let (result, asked, world) = answered(store.clone(), status, failed_body);
        let reply = result.unwrap();
        let Body::Structure(body) = &reply.response.body else {
            panic!("{reply:?}");
        };
        let verified = store.read_answer(body).unwrap().verify(&store, |_| true);
        assert!(!verified.is_success());
        assert_eq!(verified.failed.len(), 6);
        assert_eq!((asked, world.total_strikes()), (2, 0));
    }
}

#[test]
fn a_store_that_failed_does_not_void_its_batch() {
    let batch = Batch::new([
        store(Namespace::ACCOUNT_PUBLIC_KEYS).into(),
        Request::from(Info),
    ])
    .unwrap();
    let (result, asked, world) = answered(batch, 200, |world| {
        let members = world.members(&account());
        let info = InfoAnswer {
            version: Version([2, 8, 0]),
            timestamp: UnixMillis::new(START),
            stamp: Stamp::default(),
        };
        let results = [all_failed(&members), info.to_value()];
        let results = results.map(Response::ok).to_vec();
        Response::ok(BatchAnswer { results }.to_value()).json_body()
    });
    assert!(result.is_ok());
    assert_eq!((asked, world.total_strikes()), (2, 0));
}

#[test]
fn one_node_that_says_that_all_failed_is_not_enough() {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(12, config);
    let store = store(Namespace::CONTACTS);
    let target = Target::SwarmOf(account());
    world.client.request(target, store.clone(), world.now);
    let sent = world.attempts().pop().unwrap();
    let body = failed_body(&world);
    let status = 200;
    world.answer(&sent, status, &body);
    world.pass(Duration::from_secs(1));
    let sent = world.attempts().pop().unwrap();
    let key = sent.destination.ed25519;
    let mut answer = SwarmAnswer::new(Stamp::default());
    for member in world.members(&account()) {
        let number = world.nodes.iter().position(|node| *node == member);
        let entry = StoreEntry {
            hash: store.hash(),
            expiry: store.expiry(),
            already: false,
        };
        let signed = store.sign_entry(&secret(number.unwrap() as u8), entry);
        answer.entries.insert(member.ed25519, Entry::Done(signed));
    }
    let body = Response::ok(answer.to_value(&key)).json_body();
    world.answer(&sent, status, &body);
    assert!(world.client.next_event().unwrap().result.is_ok());
    assert_eq!(world.total_strikes(), 0);
}

#[test]
fn failures_beside_a_forged_entry_or_of_strangers_are_lies() {
    let forged = |world: &World| {
        let members = world.members(&account());
        let mut body = all_failed(&members);
        let stranger = Ed25519Secret::from_seed(&[200; 32]);
        let store = store(Namespace::CONTACTS);
        let entry = StoreEntry {
            hash: store.hash(),
            expiry: store.expiry(),
            already: false,
        };
        let done = Entry::Done(store.sign_entry(&stranger, entry)).to_value(true);
        if let Value::Dict(body) = &mut body
            && let Some(Value::Dict(swarm)) = body.get_mut("swarm")
        {
            swarm.insert(members[0].ed25519.to_string(), done);
        }
        Response::ok(body).json_body()
    };
    let strangers = |_: &World| Response::ok(all_failed(&[node(200)])).json_body();
    let store = || store(Namespace::CONTACTS);
    for (result, asked, world) in [
        answered(store(), 200, forged),
        answered(store(), 200, strangers),
    ] {
        assert_eq!(result.err(), Some(RequestError::NoUsableAnswer));
        assert_eq!((asked, world.total_strikes()), (3, 3));
    }
}

#[test]
fn the_500_of_delete_before_in_all_namespaces_is_no_strike() {
    let delete = |namespaces: Namespaces| -> Request {
        let time = UnixMillis::new(START);
        DeleteBefore::new(account(), namespaces, time)
            .sign(time, &Signer::group(&owner()))
            .into()
    };
    let failed = |_: &World| b"request failed".to_vec();
    for request in [
        delete(Namespaces::All),
        Batch::new([Request::from(Info), delete(Namespaces::All)])
            .unwrap()
            .into(),
    ] {
        let (result, asked, world) = answered(request, 500, failed);
        assert_eq!(result.unwrap().response.status, 500);
        assert_eq!((asked, world.total_strikes()), (2, 0));
    }
    let one = delete(Namespace::CONTACTS.into());
    let (result, _, world) = answered(one, 500, failed);
    assert_eq!(result.err(), Some(RequestError::NoUsableAnswer));
    assert_eq!(world.total_strikes(), 3);
}

/// Asks for the messages of one namespace; the answer has one with the hash of another.
fn retrieved(asked: Namespace, hashed: Namespace) -> (bool, usize) {
    let retrieve =
        Retrieve::new(account(), asked).sign(UnixMillis::new(START), &Signer::group(&owner()));
    let answer = RetrieveAnswer {
        messages: vec![StoredMessage {
            hash: message_hash(&account(), hashed, b"data"),
            timestamp: UnixMillis::new(START),
            expiration: UnixMillis::new(START + 60_000),
            data: b"data".to_vec(),
        }],
        malformed: 0,
        more: false,
        stamp: Stamp::default(),
    };
    let body = Response::ok(answer.to_value()).json_body();
    let (result, _, world) = answered(retrieve, 200, |_| body.clone());
    (result.is_ok(), world.total_strikes())
}

#[test]
fn messages_that_lost_their_namespace_are_taken_in_namespace_0_alone() {
    let (zero, contacts) = (Namespace::DEFAULT, Namespace::CONTACTS);
    assert_eq!(retrieved(zero, zero), (true, 0));
    assert_eq!(retrieved(contacts, contacts), (true, 0));
    assert_eq!(retrieved(zero, contacts), (true, 0));
    assert_eq!(
        retrieved(zero, Namespace::REVOKED_GROUP_MESSAGES),
        (true, 0)
    );
    assert_eq!(retrieved(zero, Namespace::new(999)), (false, 3));
    assert_eq!(retrieved(contacts, zero), (false, 3));
    assert_eq!(retrieved(Namespace::USER_GROUPS, contacts), (false, 3));
}
