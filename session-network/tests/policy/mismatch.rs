//! Answers to another request are no answers.

use std::collections::BTreeMap;

use session_storage::value::Value;
use session_storage::{MessageHash, *};

use crate::world::*;

fn answered<C: SwarmCall>(node: &Ed25519Secret, call: &C, entry: C::Entry) -> Value {
    let mut answer = SwarmAnswer::new(Stamp::default());
    let signed = call.sign_entry(node, entry);
    answer.entries.insert(node.public(), Entry::Done(signed));
    answer.to_value(&node.public())
}

/// Every request, and what an honest node answers to it.
fn exchanges(
    node: &Ed25519Secret,
    account: StorageAccount,
    owner: &Ed25519Secret,
) -> Vec<(Request, Value)> {
    let signer = Signer::group(owner);
    let space = Namespace::CONTACTS;
    let hash = MessageHash::of(&account, space, b"stored");
    let stamp = Stamp::default();
    let one = || Affected::One(vec![hash]);
    let token = SubaccountToken::new(3, Permissions::READ, &node.public());
    // Where nodes sign nothing but a time, each request has its own.
    let store = Store::new(account, space, b"stored".to_vec(), START, 60_000).sign(&signer);
    let other = Store::new(account, space, b"other".to_vec(), START, 60_000).sign(&signer);
    let delete = Delete::new(account, vec![hash], &signer);
    let delete_all = DeleteAll::new(account, space, START, &signer);
    let delete_before = DeleteBefore::new(account, space, START + 1, &signer);
    let expire_all = ExpireAll::new(account, space, START + 2, &signer);
    let expire = Expire::new(
        account,
        vec![hash],
        vec![START + 3],
        ExpireDirection::Both,
        &signer,
    );
    let revoke = RevokeSubaccount::new(account, vec![token], START + 4, &signer);
    let unrevoke = UnrevokeSubaccount::new(account, vec![token], START + 5, &signer);
    let retrieve = Retrieve::new(account, space).sign(START, &signer);
    let elsewhere = Retrieve::new(account, Namespace::GROUP_INFO).sign(START, &signer);
    let stored = |space, data: &[u8]| {
        let answer = RetrieveAnswer {
            messages: vec![StoredMessage {
                hash: MessageHash::of(&account, space, data),
                timestamp: START,
                expiration: START + 60_000,
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
        timestamp: START,
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
        expiry: Expiries::One(START + 3),
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
            GetExpiries::new(account, &[hash], START, &signer).into(),
            GetExpiries::answer(&BTreeMap::from([(hash, START)])),
        ),
        (
            RevokedSubaccounts::new(account, START, &signer).into(),
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
    let account = StorageAccount::group(&owner.public());
    let member = world.client.swarm_of(&account)[0].ed25519;
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
                .submit(Target::Node(member), request.clone(), world.now);
            let sent = world.sends().pop().unwrap();
            let json = Response::ok(body.clone()).json_body();
            world.report(
                sent.ticket,
                Outcome::Answer {
                    status: 200,
                    body: &json,
                },
            );
            world.actions();
            let event = world.client.next_event();
            let event = event.or_else(|| {
                world.now += 1_000;
                world.actions();
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
