//! Answers to another request are no answers.

use core::time::Duration;
use std::collections::BTreeMap;

use session_crypto::hash::message_hash;
use session_storage::value::Value;
use session_storage::*;
use session_types::{GroupId, SealedMessage};

use crate::world::*;

fn answered<C: SwarmCall>(node: &Ed25519Secret, call: &C, entry: C::Entry) -> Value {
    let mut answer = SwarmAnswer::new(Stamp::default());
    let signed = call.sign_entry(node, entry);
    answer.entries.insert(node.public(), Entry::Done(signed));
    answer.to_value(&node.public())
}

/// Every request, and what an honest node answers to it.
fn exchanges(node: &Ed25519Secret, account: AnyId, owner: &Ed25519Secret) -> Vec<(Request, Value)> {
    let signer = Signer::group(owner);
    let space = Namespace::CONTACTS;
    let hash = message_hash(&account, space, b"stored");
    let stamp = Stamp::default();
    let one = || Affected::One(vec![hash]);
    let token = Token::from_bytes([3; 36]);
    let start = UnixMillis::new(START);
    // Where nodes sign nothing but a time, each request has its own.
    let later = |ms| UnixMillis::new(START + ms);
    let store = |data: &[u8]| {
        let message = SealedMessage {
            namespace: space,
            ttl: Duration::from_secs(60),
            data: data.to_vec(),
        };
        let store = Store::new(account, message, start).unwrap();
        store.sign(start, &signer)
    };
    let (store, other) = (store(b"stored"), store(b"other"));
    let delete = Delete::new(account, [hash]).unwrap().sign(start, &signer);
    let delete_all = DeleteAll::new(account, space).sign(start, &signer);
    let delete_before = DeleteBefore::new(account, space, later(1)).sign(start, &signer);
    let expire_all = ExpireAll::new(account, space, later(2)).sign(start, &signer);
    let expire = Expire::new(account, [hash], later(3)).unwrap();
    let expire = expire.sign(start, &signer);
    let revoke = RevokeSubaccount::new(account, [token]).unwrap();
    let revoke = revoke.sign(later(4), &signer);
    let unrevoke = UnrevokeSubaccount::new(account, [token]).unwrap();
    let unrevoke = unrevoke.sign(later(5), &signer);
    let expiries = GetExpiries::new(account, [hash]).unwrap();
    let expiries = expiries.sign(start, &signer);
    let retrieve = Retrieve::new(account, space).sign(start, &signer);
    let elsewhere = Retrieve::new(account, Namespace::GROUP_INFO).sign(start, &signer);
    let stored = |space, data: &[u8]| {
        let answer = RetrieveAnswer {
            messages: vec![StoredMessage {
                hash: message_hash(&account, space, data),
                timestamp: start,
                expiration: later(60_000),
                data: data.to_vec(),
            }],
            malformed: 0,
            more: false,
            stamp,
        };
        answer.to_value()
    };
    let store_entry = |store: &Store| StoreEntry {
        hash: store.hash(),
        expiry: store.expiry(),
        already: false,
    };
    let info = InfoAnswer {
        version: Version([2, 8, 0]),
        timestamp: start,
        stamp,
    };
    let swarm = SwarmInfo {
        swarm: SwarmId::new(5),
        nodes: vec![super::world::node(1)],
    };
    let oxend = OxendAnswer {
        result: Value::dict([("height", 5u64.into())]),
        stamp,
    };
    let expire_entry = ExpireEntry {
        expiry: Expiries::One(later(3)),
        updated: vec![hash],
        unchanged: None,
    };
    let deleted = |hashes| DeletedEntry { deleted: hashes };
    let revoked = RevokedAnswer {
        tokens: vec![token],
        stamp,
    };
    vec![
        (
            store.clone().into(),
            answered(node, &store, store_entry(&store)),
        ),
        (
            other.clone().into(),
            answered(node, &other, store_entry(&other)),
        ),
        (
            delete.clone().into(),
            answered(
                node,
                &delete,
                DeleteEntry {
                    deleted: vec![hash],
                },
            ),
        ),
        (
            delete_all.clone().into(),
            answered(node, &delete_all, deleted(one())),
        ),
        (
            delete_before.clone().into(),
            answered(node, &delete_before, deleted(one())),
        ),
        (
            expire_all.clone().into(),
            answered(node, &expire_all, UpdatedEntry { updated: one() }),
        ),
        (expire.clone().into(), answered(node, &expire, expire_entry)),
        (revoke.clone().into(), answered(node, &revoke, RevokedEntry)),
        (
            unrevoke.clone().into(),
            answered(node, &unrevoke, UnrevokedEntry { count: 1 }),
        ),
        (retrieve.into(), stored(space, b"stored")),
        (elsewhere.into(), stored(Namespace::GROUP_INFO, b"stored")),
        (
            expiries.into(),
            GetExpiries::answer(&BTreeMap::from([(hash, start)])),
        ),
        (
            RevokedSubaccounts::new(account).sign(start, &signer).into(),
            revoked.to_value(),
        ),
        (
            GetSwarm { account }.into(),
            GetSwarmAnswer { swarm, stamp }.to_value(),
        ),
        (Info.into(), info.to_value()),
        (OxendRequest::service_nodes().into(), oxend.to_value()),
    ]
}

#[test]
fn an_answer_to_another_request_is_no_answer() {
    let mut config = config();
    // The member may be a hop.
    config.path.allow_destination_in_path = true;
    let world = World::new(12, config);
    let owner = Ed25519Secret::from_seed(&[77; 32]);
    let account = AnyId::from(GroupId::from_ed25519(&owner.public()));
    let member = world.members(&account)[0].ed25519;
    let number = world.nodes.iter().position(|node| node.ed25519 == member);
    let secret = Ed25519Secret::from_seed(&[u8::try_from(number.unwrap()).unwrap(); 32]);
    assert_eq!(secret.public(), member);
    let exchanges = exchanges(&secret, account, &owner);
    for (asked, (request, _)) in exchanges.iter().enumerate() {
        for (given, (other, body)) in exchanges.iter().enumerate() {
            // A client that has been lied to often enough no longer asks.
            let mut world = World::new(12, config);
            let id = world
                .client
                .request(Target::Node(member), request.clone(), world.now);
            let sent = world.attempts().pop().unwrap();
            let json = Response::ok(body.clone()).json_body();
            world.answer(&sent, 200, &json);
            world.posts();
            let event = world.client.next_event();
            let event = event.or_else(|| {
                world.pass(Duration::from_secs(1));
                world.posts();
                world.client.next_event()
            });
            let Event {
                request: ended,
                result,
            } = event.unwrap();
            assert_eq!(ended, id);
            let pair = format!(
                "{} answered as {}",
                request.method().name(),
                other.method().name()
            );
            if asked == given {
                assert!(result.is_ok(), "{pair}");
            } else {
                assert_eq!(result.err(), Some(RequestError::NoUsableAnswer), "{pair}");
            }
        }
    }
}
