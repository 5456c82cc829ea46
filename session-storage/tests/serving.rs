//! Serving on a node: permissions, answers, and their parsing by clients in either encoding.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use core::time::Duration;

use session_crypto::{Ed25519PublicExt, Ed25519Secret};
use session_storage::value::Value;
use session_storage::*;
use session_swarm::ServiceNode;
use session_swarm::record::{ReadOptions, Version};
use session_types::{AnyId, Ed25519Public, GroupId, Namespace, SealedMessage, SwarmId, UnixMillis};

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

/// A node that is alone in its swarm.
struct Alone {
    secret: Ed25519Secret,
    storage: MemoryStorage,
}

impl Host for Alone {
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
            version: [2, 8, 0],
            height: 5,
        }
    }

    fn serves(&self, _: &AnyId) -> bool {
        true
    }

    fn swarm_of(&self, _: &AnyId) -> SwarmInfo {
        SwarmInfo {
            swarm: SwarmId::new(1),
            nodes: Vec::new(),
        }
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

fn alone() -> Alone {
    Alone {
        secret: Ed25519Secret::from_seed(&[9; 32]),
        storage: MemoryStorage::new(),
    }
}

fn message(namespace: Namespace, data: &[u8]) -> SealedMessage {
    SealedMessage {
        namespace,
        ttl: Duration::from_secs(60),
        data: data.to_vec(),
    }
}

fn store(account: impl Into<AnyId>, data: &[u8]) -> Store {
    Store::new(account, message(Namespace::DEFAULT, data), NOW).unwrap()
}

/// The key of a `05` account must belong to its id. With another key a thief would read the mailbox.
#[test]
fn a_key_that_does_not_belong_to_the_account_opens_nothing() {
    let [victim, thief] = [1, 2].map(|seed| Ed25519Secret::from_seed(&[seed; 32]));
    let account = victim.public().to_account_id().unwrap();
    let mut node = alone();
    let stored = serve(&store(account, b"for the victim").into(), &mut node);
    assert_eq!(stored.status, 200);
    let retrieve = |signer: &Signer<'_>| {
        Request::from(Retrieve::new(account, Namespace::DEFAULT).sign(NOW, signer))
    };
    let delete = |signer: &Signer<'_>| {
        Request::from(DeleteAll::new(account, Namespace::DEFAULT).sign(NOW, signer))
    };
    for request in [
        retrieve(&Signer::user(&thief)),
        retrieve(&Signer::group(&thief)),
        retrieve(&Signer::group(&victim)),
        delete(&Signer::user(&thief)),
    ] {
        assert_eq!(serve(&request, &mut node).status, 401, "{request:?}");
    }
    // The same key by way of a subaccount of the thief's own.
    let token = Token::from_bytes({
        let mut token = [0; 36];
        token[..2].copy_from_slice(&[5, Permissions::READ.bits()]);
        token[4..].copy_from_slice(thief.public().as_bytes());
        token
    });
    let proof = SubaccountProof::new(token, &thief);
    let signer = Signer::subaccount(&thief, proof, Some(thief.public()));
    assert_eq!(serve(&retrieve(&signer), &mut node).status, 401);
    assert_eq!(
        serve(&retrieve(&Signer::user(&victim)), &mut node).status,
        200
    );
}

/// Members of a bencoded batch hold base64, as on deployed nodes; a message without bytes is `=`.
#[test]
fn batches_hold_base64_in_both_encodings() {
    let secret = Ed25519Secret::from_seed(&[1; 32]);
    let account = secret.public().to_account_id().unwrap();
    let empty = store(account, b"");
    let full = store(account, b"x");
    let retrieve = Retrieve::new(account, Namespace::DEFAULT).sign(NOW, &Signer::user(&secret));
    let requests = [
        Request::from(empty.clone()),
        full.clone().into(),
        retrieve.clone().into(),
    ];
    let batch = Batch::new(requests).unwrap();
    let response = serve(&batch.clone().into(), &mut alone());
    let (json, bencoded) = (response.json_body(), response.bencoded_body());
    let holds = |part: &[u8]| bencoded.windows(part.len()).any(|found| found == part);
    assert!(holds(b"4:data4:eA==") && holds(b"4:data1:=") && holds(b"9:signature88:"));
    let json_text = String::from_utf8(json.clone()).unwrap();
    assert!(json_text.contains(r#""data":"=""#), "{json_text}");
    for body in [
        Value::from_json(&json).unwrap(),
        Value::from_bencode(&bencoded).unwrap(),
    ] {
        let answer = batch.read_answer(&body).unwrap();
        let bodies: Vec<&Value> = answer
            .results
            .iter()
            .map(|result| match &result.body {
                Body::Structure(body) => body,
                other => panic!("{other:?}"),
            })
            .collect();
        for (store, body) in [&empty, &full].into_iter().zip(&bodies) {
            let stored = store.read_answer(body).unwrap().verify(store, |_| true);
            assert_eq!(stored.done.len(), 1);
        }
        let found = retrieve.read_answer(bodies[2]).unwrap();
        assert_eq!(found.malformed, 0);
        let data: Vec<_> = found
            .messages
            .iter()
            .map(|message| &message.data[..])
            .collect();
        assert_eq!(data, [b"".as_slice(), b"x"]);
        let namespace = Namespace::DEFAULT;
        assert!(
            found
                .messages
                .iter()
                .all(|message| message.is_intact(&account.into(), namespace))
        );
    }
    // By itself a bencoded answer holds raw bytes.
    let mut node = alone();
    serve(&empty.into(), &mut node);
    let body = serve(&retrieve.clone().into(), &mut node).bencoded_body();
    let found = retrieve.read_answer(&Value::from_bencode(&body).unwrap());
    assert_eq!(found.unwrap().messages[0].data, b"");
}

#[test]
fn the_branch_is_chosen_by_the_state_of_the_node() {
    let with = |condition| {
        let choice = IfElse::new(condition, Info).unwrap();
        let account = GroupId::from_ed25519(&Ed25519Public::from_bytes([3; 32])).into();
        let request = choice.otherwise(GetSwarm { account });
        let response = serve(&request.clone().into(), &mut alone());
        let Body::Structure(body) = &response.body else {
            panic!("{response:?}");
        };
        let answer = request.read_answer(body).unwrap();
        let Some(Response {
            body: Body::Structure(result),
            ..
        }) = answer.result
        else {
            panic!("{response:?}");
        };
        assert_eq!(answer.condition, result.get("version").is_some());
        answer.condition
    };
    let none = Condition::default();
    for (condition, holds) in [
        (
            Condition {
                hf_at_least: Some([19, 4]),
                ..none
            },
            true,
        ),
        (
            Condition {
                hf_at_least: Some([19, 5]),
                ..none
            },
            false,
        ),
        (
            Condition {
                hf_before: Some([19, 4]),
                ..none
            },
            false,
        ),
        (
            Condition {
                version_at_least: Some([2, 8, 0]),
                ..none
            },
            true,
        ),
        (
            Condition {
                version_before: Some([2, 8, 0]),
                ..none
            },
            false,
        ),
        (
            Condition {
                height_at_least: Some(5),
                ..none
            },
            true,
        ),
        (
            Condition {
                height_before: Some(5),
                ..none
            },
            false,
        ),
        (
            Condition {
                hf_at_least: Some([19, 4]),
                height_before: Some(5),
                ..none
            },
            false,
        ),
    ] {
        assert_eq!(with(condition), holds, "{condition:?}");
    }
    assert_eq!(
        IfElse::new(none, Info).err(),
        Some(ParamError::IfElseNoCondition)
    );
}

#[test]
fn a_sequence_ends_at_the_first_failure_and_a_batch_does_not() {
    let account = AnyId::from_bytes([3; 33]);
    let unsigned = || Request::from(Retrieve::new(account, Namespace::CONTACTS));
    let batch = Batch::new([Request::from(Info), unsigned(), Info.into()]).unwrap();
    let statuses = |request: Request| {
        let response = serve(&request, &mut alone());
        let Body::Structure(body) = &response.body else {
            panic!("{response:?}");
        };
        let results = batch.read_answer(body).unwrap().results;
        results
            .iter()
            .map(|result| result.status)
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(Request::Batch(batch.clone())), [200, 401, 200]);
    assert_eq!(statuses(Request::Sequence(batch.clone())), [200, 401]);
}

#[test]
fn what_nodes_would_reject_cannot_be_built() {
    let account = AnyId::from_bytes([3; 33]);
    let batch = |count| Batch::new(vec![Request::from(Info); count]).err();
    assert_eq!(batch(0), Some(ParamError::BatchEmpty));
    assert_eq!((batch(1), batch(20)), (None, None));
    assert_eq!(batch(21), Some(ParamError::BatchTooLong));
    let inner = Batch::new([Info]).unwrap();
    assert_eq!(Batch::new([inner]).err(), Some(ParamError::BatchNested));
    assert_eq!(Delete::new(account, []).err(), Some(ParamError::NoHashes));
    assert_eq!(
        GetExpiries::new(account, []).err(),
        Some(ParamError::NoHashes)
    );
    assert_eq!(
        Expire::new(account, [], NOW).err(),
        Some(ParamError::NoHashes)
    );
    let tokens = vec![Token::from_bytes([3; 36]); 51];
    let revoke = RevokeSubaccount::new(account, tokens);
    assert_eq!(revoke.err(), Some(ParamError::TooManyTokens));
    let long = message(Namespace::DEFAULT, &[0; 76_801]);
    assert_eq!(
        Store::new(account, long, NOW).err(),
        Some(ParamError::DataTooLong)
    );
}

#[test]
fn an_answer_of_too_many_entries_is_an_error_and_malformed_ones_are_counted() {
    let store = store(AnyId::from_bytes([5; 33]), b"a");
    let entries = |count: usize| {
        let entries = (0..count).map(|number| (format!("{number:064x}"), Value::Uint(1)));
        let entries = Value::Dict(entries.collect());
        let hf = Value::List(vec![19u64.into(), 4u64.into()]);
        Value::dict([("swarm", entries), ("hf", hf), ("t", 1u64.into())])
    };
    let most = store.read_answer(&entries(MAX_ENTRIES)).unwrap();
    assert_eq!((most.malformed, most.entries.len()), (MAX_ENTRIES, 0));
    let more = store.read_answer(&entries(MAX_ENTRIES + 1));
    assert_eq!(more.err(), Some(AnswerError::TooLong(MAX_ENTRIES)));
}

#[test]
fn a_refusal_over_oxenmq_is_text_although_it_begins_like_a_dictionary() {
    let text = b"delete_msgs signature verification failed";
    let read = omq::unwrap(&[b"401".as_slice(), text]).unwrap();
    let text = String::from_utf8_lossy(text).into_owned();
    assert_eq!((read.status, read.body), (401, Body::Text(text)));
    let refused = Response::refuse(&RpcError::Signature(Method::Delete));
    let parts = omq::wrap(&refused, Encoding::Bencode);
    assert_eq!(omq::unwrap(&parts), Ok(refused));
    assert_eq!(
        omq::unwrap(&[b"x".as_slice(), b"y"]),
        Err(AnswerError::Encoding)
    );
    assert_eq!(omq::unwrap::<&[u8]>(&[]), Err(AnswerError::Encoding));
}

/// Deployed clients ask for the list of nodes in bencoding when they speak QUIC.
#[test]
fn the_bencoded_list_of_nodes_is_read_like_the_one_in_json() {
    let request = OxendRequest::service_nodes();
    let parsed = Request::from_body("oxend_request", &request.to_body(Encoding::Bencode))
        .unwrap()
        .0;
    assert_eq!(parsed, request.clone().into());
    let nodes = (1..=3).map(|number| ServiceNode {
        ed25519: Ed25519Secret::from_seed(&[number; 32]).public(),
        x25519: None,
        legacy: None,
        ip: [45, 0, number, 1].into(),
        https_port: 22021,
        omq_port: 22020,
        version: Version([2, 8, 0]),
        // Beyond what a number of JavaScript holds.
        swarm_id: SwarmId::new(u64::MAX - u64::from(number)),
        requested_unlock_height: 0,
    });
    let nodes: Vec<ServiceNode> = nodes.collect();
    let state = ServiceNodesState {
        nodes: &nodes,
        height: 5,
        block_hash: "00",
        hardfork: 19,
    };
    let told = Value::from_json(&ServiceNodesRequest::default().to_seed_answer(&state)).unwrap();
    let stamp = Stamp {
        t: NOW,
        hf: [19, 4],
    };
    let result = told.get("result").unwrap().clone();
    let response = Response::ok(OxendAnswer { result, stamp }.to_value());
    let bencoded = response.bencoded_body();
    assert!(bencoded.starts_with(b"d") && response.json_body().starts_with(b"{"));
    for body in [
        Value::from_bencode(&bencoded).unwrap(),
        Value::from_json(&response.json_body()).unwrap(),
    ] {
        let list = request.read_answer(&body).unwrap();
        let list = list.node_list(&ReadOptions::default()).unwrap();
        let places = |nodes: &[ServiceNode]| {
            let mut places: Vec<_> = nodes
                .iter()
                .map(|node| {
                    (
                        node.ed25519,
                        node.ip,
                        node.https_port,
                        node.omq_port,
                        node.swarm_id,
                    )
                })
                .collect();
            places.sort();
            places
        };
        assert_eq!(places(&list.nodes), places(&nodes));
        assert_eq!(list.skipped.total(), 0);
    }
}
