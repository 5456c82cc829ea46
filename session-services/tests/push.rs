//! Subscriptions and payloads: what is accepted, and what is refused with which error.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    missing_docs
)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use session_crypto::{SymmetricKey, xchacha};
use session_identity::subaccount::{AuthData, Permissions};
use session_identity::{Account, Group, Seed};
use session_proto::bt;
use session_services::http::{Method, Request, Response};
use session_services::push::client::{
    ACCOUNT_NAMESPACES, GROUP_NAMESPACES, Item, Outcome, outcomes, subscribe, subscribe_request,
    unsubscribe, unsubscribe_request,
};
use session_services::push::payload::{Notification, PayloadError};
use session_services::push::server::{Store, Subscription, handle};
use session_services::push::{Device, Signer};
use session_types::{AnyId, MessageHash, Namespace, UnixMillis, base64};

const NOW: UnixMillis = UnixMillis::new(1_795_799_824_000);

#[derive(Default)]
struct Memory(BTreeMap<(AnyId, Device), Subscription>);

impl Store for Memory {
    type Error = Infallible;

    fn subscribe(&mut self, new: Subscription) -> Result<bool, Infallible> {
        let key = (new.access.id, new.device.clone());
        Ok(self.0.insert(key, new).is_none())
    }

    fn unsubscribe(&mut self, id: &AnyId, device: &Device) -> Result<bool, Infallible> {
        Ok(self.0.remove(&(*id, device.clone())).is_some())
    }
}

fn ask(request: &Request, store: &mut Memory) -> Response {
    handle(&["dummy", "firebase"], request, NOW, store).unwrap()
}

fn account() -> Account {
    Account::from_seed(&Seed::from_full(&[1; 32]))
}

fn device() -> Device {
    Device {
        service: "dummy".to_owned(),
        token: "t".repeat(40),
    }
}

fn key() -> SymmetricKey {
    SymmetricKey::from_bytes([9; 32])
}

fn item(signer: &Signer<'_>, namespaces: &[Namespace], at: UnixMillis) -> Item {
    subscribe(signer, namespaces, true, &device(), &key(), at).unwrap()
}

#[test]
fn accounts_groups_and_members_subscribe_and_unsubscribe() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (account, group) = (account(), Group::generate(&mut rng));
    let auth = AuthData::create(group.ed25519(), account.id(), Permissions::READ).unwrap();
    let member = Signer::Member {
        group: group.id(),
        auth: &auth,
        member: &account,
    };
    let signers = [Signer::Account(&account), Signer::Group(&group), member];
    let mut store = Memory::default();
    let items = |store: &mut Memory| {
        let spaces = [ACCOUNT_NAMESPACES, GROUP_NAMESPACES, GROUP_NAMESPACES];
        let items = signers.iter().zip(spaces).map(|(signer, mut spaces)| {
            // Any order is sorted before it is signed.
            spaces.reverse();
            item(signer, &spaces, NOW)
        });
        let request = subscribe_request(items.collect());
        outcomes(&ask(&request, store), 3).unwrap()
    };
    // The member's subscription is that of the group on the same device.
    assert_eq!(
        items(&mut store),
        [Outcome::Added, Outcome::Added, Outcome::Updated]
    );
    assert_eq!(
        items(&mut store),
        [Outcome::Updated, Outcome::Updated, Outcome::Updated]
    );
    let stored = &store.0[&(account.id().into(), device())];
    assert_eq!(stored.namespaces, ACCOUNT_NAMESPACES);
    assert_eq!(stored.key.expose_bytes(), key().expose_bytes());

    for was_subscribed in [true, false] {
        let item = unsubscribe(&signers[0], &device(), NOW).unwrap();
        let reply = ask(&unsubscribe_request(vec![item]), &mut store);
        assert!(reply.body.starts_with(b"{"), "a single item is sent bare");
        assert_eq!(
            outcomes(&reply, 1).unwrap(),
            [Outcome::Removed { was_subscribed }]
        );
    }
}

/// A valid request, changed.
fn changed(change: impl FnOnce(&mut Value)) -> Request {
    let account = account();
    let mut request = subscribe_request(vec![item(
        &Signer::Account(&account),
        &ACCOUNT_NAMESPACES,
        NOW,
    )]);
    let mut body = serde_json::from_slice(&request.body).unwrap();
    change(&mut body);
    request.body = body.to_string().into_bytes();
    request
}

fn error(request: &Request) -> (i64, String) {
    let mut store = Memory::default();
    let reply = ask(request, &mut store);
    assert!(store.0.is_empty());
    assert_eq!(reply.status, 200);
    match outcomes(&reply, 1).unwrap().pop().unwrap() {
        Outcome::Refused { code, message } => (code, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn bad_parameters_are_refused_with_the_code_of_the_server() {
    for key in [
        "pubkey",
        "session_ed25519",
        "data",
        "sig_ts",
        "signature",
        "service",
        "service_info",
        "enc_key",
    ] {
        let missing = changed(|body| {
            body.as_object_mut().unwrap().remove(key);
        });
        assert_eq!(
            error(&missing),
            (1, "Missing required parameter".to_owned()),
            "{key}"
        );
        for wrong in [json!([]), json!({}), json!("x"), json!(-1), json!(null)] {
            let request = changed(|body| body[key] = wrong);
            let (code, _) = error(&request);
            assert!(matches!(code, 1 | 2), "{key}: {code}");
        }
    }
    let account = account();
    for (namespaces, text) in [
        (json!([]), "Subscription: namespaces missing or empty"),
        (json!(null), "Subscription: namespaces missing or empty"),
        (
            json!([2, 0]),
            "Subscription: namespaces are not sorted numerically",
        ),
        (
            json!([2, 2]),
            "Subscription: namespaces contains duplicates",
        ),
        // Sorted, but not what was signed.
        (json!([0, 2]), "verification failed"),
    ] {
        let request = changed(|body| body["namespaces"] = namespaces);
        assert_eq!(error(&request), (4, text.to_owned()));
    }
    assert_eq!(
        error(&changed(|body| body["namespaces"] = json!([40_000]))).0,
        1
    );
    assert_eq!(error(&changed(|body| body["data"] = json!(false))).0, 4);
    assert_eq!(
        error(&changed(|body| body["pubkey"] = json!("05".repeat(33)))).0,
        4
    );
    assert_eq!(
        error(&changed(
            |body| body["service_info"] = json!({"token": "short"})
        ))
        .0,
        1
    );
    let (code, text) = error(&changed(|body| body["service"] = json!("huawei")));
    assert_eq!(
        (code, text.as_str()),
        (2, "huawei notification service not currently available")
    );
    // A subaccount without its signature, and one that nobody signed.
    assert_eq!(
        error(&changed(|body| body["subaccount"] = json!("00".repeat(36)))).0,
        1
    );
    let forged = changed(|body| {
        body["subaccount"] = json!("05010000".to_owned() + &account.ed25519_public().to_string());
        body["subaccount_sig"] = json!("00".repeat(64));
    });
    assert_eq!(
        error(&forged),
        (
            4,
            "Subaccount main signature verification failed".to_owned()
        )
    );
}

#[test]
fn the_window_of_the_signature_is_exclusive() {
    let account = account();
    let day = Duration::from_secs(86_400);
    let second = Duration::from_secs(1);
    let code = |at| {
        let signer = Signer::Account(&account);
        let request = subscribe_request(vec![item(&signer, &ACCOUNT_NAMESPACES, at)]);
        outcomes(&ask(&request, &mut Memory::default()), 1).unwrap() == [Outcome::Added]
    };
    let oldest = NOW.saturating_sub(14 * day);
    assert!(!code(oldest) && code(oldest.saturating_add(second)));
    let newest = NOW.saturating_add(day);
    assert!(!code(newest) && code(newest.saturating_sub(second)));
}

#[test]
fn bodies_of_every_wrong_shape_are_refused() {
    let post = |body: &[u8]| {
        let request = Request::new(Method::Post, "/subscribe");
        error(&request.with_body("application/json", body.to_vec())).1
    };
    assert_eq!(post(b""), "Invalid request: request body missing");
    assert_eq!(
        post(&vec![b' '; 100_001]),
        "Invalid request: request too large"
    );
    assert_eq!(post(b"{"), "Invalid JSON");
    for body in [&b"1"[..], b"[1]", b"[[]]", b"null"] {
        assert_eq!(
            post(body),
            "Invalid JSON: expected object or array of objects"
        );
    }
    let deep = vec![b'['; 50_000];
    assert_eq!(post(&deep), "Invalid JSON");
    for (method, path, status) in [(Method::Get, "/subscribe", 405), (Method::Post, "/x", 404)] {
        assert_eq!(
            ask(&Request::new(method, path), &mut Memory::default()).status,
            status
        );
    }
    for body in [
        "",
        "null",
        "1",
        "[]",
        "[1]",
        "{}",
        r#"{"success":true}"#,
        r#"[{"added":true}]"#,
    ] {
        let reply = Response::new(200, "application/json", body);
        assert!(outcomes(&reply, 1).is_err(), "{body}");
    }
    // An answer to another request: more outcomes than were asked for.
    let two = r#"[{"success":true,"added":true},{"success":true,"added":true}]"#;
    assert!(outcomes(&Response::new(200, "application/json", two), 1).is_err());
}

fn notification(message: Option<Vec<u8>>) -> Notification {
    Notification {
        id: account().id().into(),
        hash: MessageHash::from_digest(&[3; 32]),
        namespace: Namespace::DEFAULT,
        stored: Some(NOW),
        expiry: Some(NOW.saturating_add(Duration::from_secs(60))),
        message,
        is_too_long: false,
    }
}

#[test]
fn payloads_round_trip_and_long_messages_are_left_out() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for message in [
        None,
        Some(vec![1; 2500]),
        Some(vec![0; 100]),
        Some(Vec::new()),
    ] {
        let sent = notification(message);
        let sealed = sent.seal(&mut rng, &key()).unwrap();
        assert_eq!((sealed.len() - 40) % 256, 0);
        let read = Notification::open_base64(&key(), &base64::encode(&sealed)).unwrap();
        assert_eq!(read, sent);
        let other = SymmetricKey::from_bytes([8; 32]);
        assert!(matches!(
            Notification::open(&other, &sealed),
            Err(PayloadError::Decrypt(_))
        ));
    }
    let sealed = notification(Some(vec![1; 2501]))
        .seal(&mut rng, &key())
        .unwrap();
    let read = Notification::open(&key(), &sealed).unwrap();
    assert!(read.is_too_long && read.message.is_none());
    assert_eq!(
        Notification::open_base64(&key(), "*"),
        Err(PayloadError::Base64)
    );
}

#[test]
fn older_and_malformed_contents() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut open = |content: &[u8]| {
        let sealed = xchacha::encrypt(&mut rng, &key(), content).unwrap();
        Notification::open(&key(), &sealed)
    };
    let sent = notification(None);
    let dict = bt::list(|list| {
        list.dict(|dict| {
            dict.bytes(b"#", sent.hash.as_bytes())
                .bytes(b"@", sent.id.as_bytes())
                .int(b"B", 1)
                .int(b"n", 0)
                .int(b"t", NOW.get())
                .int(b"z", NOW.get());
        });
    });
    let read = open(&dict).unwrap();
    assert!(read.is_too_long && read.id == sent.id && read.stored == Some(NOW));

    let json = |json: &str| {
        bt::list(|list| {
            list.bytes(json.as_bytes()).bytes(b"body").bytes(b"more");
        })
    };
    let good =
        json!({"@": sent.id.to_string(), "#": sent.hash.to_string(), "n": 0, "l": 4, "B": 1});
    let read = open(&json(&good.to_string())).unwrap();
    assert_eq!(
        (read.message.as_deref(), read.is_too_long),
        (Some(&b"body"[..]), true)
    );
    for (field, value) in [
        ("@", json!("05")),
        ("@", json!(5)),
        ("#", json!("x")),
        ("n", json!(70_000)),
        ("l", json!(5)),
        ("l", json!(-1)),
        ("B", json!("yes")),
        ("t", json!("x")),
        ("n", json!(null)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(open(&json(&bad.to_string())).is_err(), "{bad}");
    }
    for bad in [
        &b""[..],
        b"le",
        b"de",
        b"i1e",
        b"l2:{}",
        b"l2:[]e",
        b"ldee",
        b"li1ee",
        b"\0\0",
    ] {
        assert!(open(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_account_is_not_subscribed_by_the_key_of_another() {
    let (victim, other) = (account(), Account::from_seed(&Seed::from_full(&[2; 32])));
    let numbers = ACCOUNT_NAMESPACES.map(|space| space.number().to_string());
    let text = format!(
        "MONITOR{}{}1{}",
        victim.id(),
        NOW.as_secs(),
        numbers.join(",")
    );
    let signed = |account: &Account| {
        changed(|body| {
            body["session_ed25519"] = json!(account.ed25519_public().to_string());
            let signature = account.ed25519().sign(text.as_bytes());
            body["signature"] = json!(signature.to_string());
        })
    };
    assert_eq!(
        error(&signed(&other)),
        (4, "verification failed".to_owned())
    );
    let mut store = Memory::default();
    let reply = ask(&signed(&victim), &mut store);
    assert_eq!(outcomes(&reply, 1).unwrap(), [Outcome::Added]);
}

#[test]
fn members_of_a_group_need_the_permission_to_read() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (account, group) = (account(), Group::generate(&mut rng));
    let outcome = |permissions| {
        let auth = AuthData::create(group.ed25519(), account.id(), permissions).unwrap();
        let member = Signer::Member {
            group: group.id(),
            auth: &auth,
            member: &account,
        };
        let request = subscribe_request(vec![item(&member, &GROUP_NAMESPACES, NOW)]);
        let reply = ask(&request, &mut Memory::default());
        outcomes(&reply, 1).unwrap().pop().unwrap()
    };
    assert_eq!(outcome(Permissions::READ), Outcome::Added);
    let refused = Outcome::Refused {
        code: 4,
        message: "Invalid subaccount: this subaccount does not have read permission".to_owned(),
    };
    assert_eq!(outcome(Permissions::WRITE), refused);
}

#[test]
fn the_end_of_a_subscription_is_signed_and_of_today() {
    let account = account();
    let signer = Signer::Account(&account);
    let mut store = Memory::default();
    let spaces = subscribe_request(vec![item(&signer, &ACCOUNT_NAMESPACES, NOW)]);
    ask(&spaces, &mut store);
    let day = Duration::from_secs(86_400);
    let second = Duration::from_secs(1);
    let end = |at, change: &dyn Fn(&mut Value)| {
        let mut request = unsubscribe_request(vec![unsubscribe(&signer, &device(), at).unwrap()]);
        let mut body = serde_json::from_slice(&request.body).unwrap();
        change(&mut body);
        request.body = body.to_string().into_bytes();
        request
    };
    for (request, text) in [
        (
            end(NOW.saturating_sub(day).saturating_sub(second), &|_| {}),
            "An error occured while processing your request",
        ),
        (
            end(NOW.saturating_add(day).saturating_add(second), &|_| {}),
            "An error occured while processing your request",
        ),
        (
            end(NOW, &|body| body["signature"] = json!("00".repeat(64))),
            "verification failed",
        ),
        (
            end(NOW, &|body| body["sig_ts"] = json!(NOW.as_secs() + 1)),
            "verification failed",
        ),
    ] {
        let reply = ask(&request, &mut store);
        let refused = Outcome::Refused {
            code: 4,
            message: text.to_owned(),
        };
        assert_eq!(outcomes(&reply, 1).unwrap(), [refused]);
        assert_eq!(store.0.len(), 1);
    }
    let reply = ask(&end(NOW.saturating_sub(day), &|_| {}), &mut store);
    let was_subscribed = true;
    assert_eq!(
        outcomes(&reply, 1).unwrap(),
        [Outcome::Removed { was_subscribed }]
    );
}
