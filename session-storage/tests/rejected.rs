//! Malformed requests and answers: skipped and counted, or a typed error; never a panic.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_core,
    missing_docs
)]

use core::time::Duration;

use proptest::prelude::*;
use session_crypto::hash::message_hash;
use session_crypto::{Ed25519PublicExt, Ed25519Secret};
use session_storage::value::Value;
use session_storage::*;
use session_types::{
    AnyId, Ed25519Public, GroupId, Namespace, Namespaces, SealedMessage, UnixMillis,
};

#[test]
fn deep_requests_are_an_error_and_no_overflow() {
    let json = |depth: usize, open: &str, close: &str| {
        let inner = [open.repeat(depth), "1".to_owned(), close.repeat(depth)].concat();
        format!(r#"{{"method":"info","params":{{"x":{inner}}}}}"#)
    };
    assert!(Request::from_json(json(100, "[", "]").as_bytes()).is_ok());
    for depth in [200, 1_000_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let error = Request::from_json(json(depth, open, close).as_bytes());
            assert_eq!(error, Err(RpcError::Json), "{depth}");
        }
    }
    let deep = "d2:if".repeat(1_000_000);
    assert!(Request::from_body("ifelse", deep.as_bytes()).is_err());
    // Branches in branches end where the encoding does.
    let mut nested = Request::from(Info);
    for _ in 0..200 {
        nested = Request::from(IfElse {
            condition: Condition {
                height_at_least: Some(0),
                ..Condition::default()
            },
            then: Some(Box::new(nested)),
            otherwise: None,
        });
    }
    assert!(Request::from_json(&nested.to_json()).is_err());
    assert!(Request::from_body("ifelse", &nested.to_bencode()).is_err());
}

#[test]
fn entries_of_strangers_liars_and_other_messages_do_not_count() {
    let account = AnyId::from_bytes([5; 33]);
    let store = message(account, Namespace::DEFAULT, b"a".to_vec());
    let other = message(account, Namespace::DEFAULT, b"b".to_vec());
    let node = Ed25519Secret::from_seed(&[1; 32]);
    let entry = |store: &Store| StoreEntry {
        hash: store.hash(),
        expiry: UnixMillis::new(9),
        already: false,
    };
    let verify = |signed: Signed<StoreEntry>, member: bool| {
        let mut answer = SwarmAnswer::new(Stamp::default());
        answer.entries.insert(node.public(), Entry::Done(signed));
        answer.verify(&store, |_| member)
    };
    assert!(verify(store.sign_entry(&node, entry(&store)), true).is_success());
    assert_eq!(
        verify(store.sign_entry(&node, entry(&store)), false).strangers,
        [node.public()]
    );
    // Signed well, but for another message.
    assert_eq!(
        verify(other.sign_entry(&node, entry(&other)), true).forged,
        [node.public()]
    );
    let liar = Ed25519Secret::from_seed(&[2; 32]);
    assert_eq!(
        verify(store.sign_entry(&liar, entry(&store)), true).forged,
        [node.public()]
    );
    // An answer to something else is none.
    let info = Value::from_json(br#"{"version":[1,2,3],"timestamp":1,"t":1,"hf":[1,2]}"#).unwrap();
    assert_eq!(
        store.read_answer(&info).err(),
        Some(AnswerError::Field("swarm"))
    );
}

fn message(account: AnyId, namespace: Namespace, data: Vec<u8>) -> Store {
    let ttl = Duration::from_secs(60);
    let message = SealedMessage {
        namespace,
        ttl,
        data,
    };
    Store::new(account, message, NOW).unwrap()
}

fn account_and_signer(seed: [u8; 32], user: bool) -> (AnyId, Ed25519Secret) {
    let secret = Ed25519Secret::from_seed(&seed);
    let account = if user {
        secret.public().to_account_id().unwrap().into()
    } else {
        GroupId::from_ed25519(&secret.public()).into()
    };
    (account, secret)
}

fn token(prefix: u8, permissions: Permissions, key: &Ed25519Public) -> Token {
    let head = [prefix, permissions.bits(), 0, 0];
    Token::try_from([&head, &key.as_bytes()[..]].concat().as_slice()).unwrap()
}

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

/// One signed request of every method.
fn every_request(
    account: AnyId,
    signer: &Signer<'_>,
    namespace: Namespace,
    data: Vec<u8>,
) -> Vec<Request> {
    let hash = message_hash(&account, namespace, &data);
    let hashes = [hash, message_hash(&account, namespace, b"")];
    let later = NOW.saturating_add(Duration::from_millis(1));
    let key = Ed25519Public::from_bytes([3; 32]);
    let token = token(account.prefix(), Permissions::READ, &key);
    let all = Namespaces::All;
    let two = || Expire::each(account, hashes.into_iter().zip([NOW, later])).unwrap();
    let one = || Expire::new(account, hashes, NOW).unwrap();
    let revoke = RevokeSubaccount::new(account, [token]).unwrap();
    let unrevoke = UnrevokeSubaccount::new(account, [token, token]).unwrap();
    vec![
        message(account, namespace, data).sign(NOW, signer).into(),
        Retrieve::new(account, namespace)
            .after(Some(hash))
            .sign(NOW, signer)
            .into(),
        Delete::new(account, hashes)
            .unwrap()
            .sign(NOW, signer)
            .into(),
        DeleteAll::new(account, all).sign(NOW, signer).into(),
        DeleteAll::new(account, namespace).sign(NOW, signer).into(),
        DeleteBefore::new(account, namespace, NOW)
            .sign(NOW, signer)
            .into(),
        ExpireAll::new(account, all, NOW).sign(NOW, signer).into(),
        two().extend().sign(NOW, signer).into(),
        one().shorten().sign(NOW, signer).into(),
        GetExpiries::new(account, hashes)
            .unwrap()
            .sign(NOW, signer)
            .into(),
        revoke.sign(NOW, signer).into(),
        unrevoke.sign(NOW, signer).into(),
        GetSwarm { account }.into(),
        Info.into(),
        OxendRequest::service_nodes().into(),
        ActiveNodesBin.into(),
    ]
}

proptest! {
    #[test]
    fn what_a_client_builds_a_node_parses_and_verifies(
        seed in any::<[u8; 32]>(),
        user in any::<bool>(),
        number in any::<i16>(),
        data in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let (account, secret) = account_and_signer(seed, user);
        let signer = if user { Signer::user(&secret) } else { Signer::group(&secret) };
        let mut requests = every_request(account, &signer, Namespace::new(number), data.clone());
        if !user {
            requests.push(RevokedSubaccounts::new(account).sign(NOW, &signer).into());
        }
        let member = Ed25519Secret::from_seed(&[9; 32]);
        let everything = Permissions::READ | Permissions::WRITE | Permissions::DELETE;
        let token = token(account.prefix(), everything, &member.public());
        let owner = user.then(|| secret.public());
        let proof = SubaccountProof::new(token, &secret);
        let by_member = Signer::subaccount(&member, proof, owner);
        let member_requests = every_request(account, &by_member, Namespace::new(number), data);
        let checks = Checks {
            now: NOW,
            hf: [19, 4],
            forwarded: false,
            serves: &|_| true,
            is_revoked: &|_, _| false,
        };
        for request in &requests {
            prop_assert_eq!(&Request::from_json(&request.to_json()).unwrap(), request);
            let name = request.method().name();
            let parsed = Request::from_body(name, &request.to_bencode()).unwrap().0;
            prop_assert_eq!(&parsed, request);
            prop_assert_eq!(parsed.check(&checks), Ok(()));
        }
        for request in &member_requests {
            let parsed = Request::from_json(&request.to_json()).unwrap();
            let only_main = matches!(
                parsed,
                Request::RevokeSubaccount(_) | Request::UnrevokeSubaccount(_)
            );
            prop_assert_eq!(parsed.check(&checks).is_ok(), !only_main);
        }
        let refused = Checks { is_revoked: &|_, _| true, ..checks };
        let revoked = member_requests[2].check(&refused);
        prop_assert_eq!(revoked, Err(RpcError::Signature(Method::Delete)));
        // All of them in one batch and in one ifelse.
        let batch = Request::from(Batch::new(requests.clone()).unwrap());
        prop_assert_eq!(&Request::from_json(&batch.to_json()).unwrap(), &batch);
        let choice = Request::from(IfElse {
            condition: Condition { hf_at_least: Some([19, 0]), ..Condition::default() },
            then: Some(Box::new(batch.clone())),
            otherwise: Some(Box::new(Info.into())),
        });
        prop_assert_eq!(&Request::from_json(&choice.to_json()).unwrap(), &choice);
        let body = choice.to_bencode();
        prop_assert_eq!(Request::from_body("ifelse", &body).unwrap().0, choice);
    }

    #[test]
    fn no_request_of_a_stranger_panics(
        method in "(store|retrieve|expire|batch|ifelse|delete|monitor)",
        body in proptest::collection::vec(any::<u8>(), 0..80),
        prefix in "(d|\\{|l|)",
    ) {
        let body = [prefix.as_bytes(), &body].concat();
        let _ = Request::from_json(&body);
        let _ = Request::from_body(&method, &body);
        let _ = monitor::MonitorRequests::parse(&body);
        let _ = monitor::Notice::from_bencode(&body);
    }
}

#[test]
fn a_long_list_of_subscriptions_is_refused_as_a_whole() {
    let list = |count: usize| [b"l".as_slice(), &b"de".repeat(count), b"e"].concat();
    let parsed = monitor::MonitorRequests::parse(&list(monitor::MAX_REQUESTS));
    assert_eq!(parsed.requests.len(), monitor::MAX_REQUESTS);
    let parsed = monitor::MonitorRequests::parse(&list(monitor::MAX_REQUESTS + 1));
    assert_eq!(parsed.requests.len(), 1);
    assert!(parsed.requests[0].is_err());
}
