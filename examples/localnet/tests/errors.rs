//! Every error text of the tables of what was observed (protocol: observed storage server), from
//! nodes that are up: each by a request that provokes it, directly and through onions.
#![allow(missing_docs)]

mod support;

use base64ct::{Base64, Encoding};
use hyper::Request;
use localnet::fault::now_ms;
use serde_json::{Value as Json, json};
use session_crypto::Ed25519Secret;
use session_onion::Cipher;
use session_storage::{Call, Delete, DeleteBefore, Signer, Store};
use session_types::{
    AnyId, MessageHash, Namespace, Namespaces, SealedMessage, SwarmId, UnixMillis,
};
use support::World;

/// A signature of the right form that nobody made.
fn forged() -> String {
    Base64::encode_string(&[1; 64])
}

/// A hash of the right form.
fn hash() -> String {
    "a".repeat(43)
}

fn secret() -> Ed25519Secret {
    Ed25519Secret::from_seed(&[7; 32])
}

fn group() -> String {
    format!("03{}", const_hex::encode(secret().public().as_bytes()))
}

/// Parameters that would do, but for what is changed in them.
fn with(base: &Json, changes: Json) -> Json {
    let mut params = base.clone();
    for (key, value) in changes.as_object().unwrap() {
        if value == "absent" {
            params.as_object_mut().unwrap().remove(key);
        } else {
            params[key] = value.clone();
        }
    }
    params
}

/// Method, parameters, status and text.
type Row = (&'static str, Json, u16, String);

fn invalid(method: &'static str, params: Json, text: &str) -> Row {
    (method, params, 400, format!("invalid request: {text}"))
}

fn refused(method: &'static str, params: Json, status: u16, text: &str) -> Row {
    (method, params, status, text.to_owned())
}

/// What any method can say.
fn common() -> Vec<Row> {
    let now = now_ms(0);
    let store = json!({"pubkey": group(), "data": "eA==", "ttl": 60_000, "timestamp": now});
    let signed = with(&store, json!({"namespace": 11, "signature": forged()}));
    let all = json!({"pubkey": group(), "timestamp": now, "signature": forged()});
    let retrieve = all.clone();
    let key = "00".repeat(32);
    let token = Base64::encode_string(&[3; 36]);
    vec![
        refused("", json!({}), 400, "no method "),
        refused("nope", json!({}), 400, "no method nope"),
        invalid(
            "store",
            with(&store, json!({"timestamp": "absent"})),
            "Required field 'timestamp' missing",
        ),
        invalid("get_swarm", json!({}), "Required field 'pubkey' missing"),
        invalid(
            "store",
            with(&store, json!({"data": 5})),
            "Invalid value given for 'data': expected string",
        ),
        invalid(
            "retrieve",
            with(&retrieve, json!({"max_count": "5"})),
            "Invalid value given for 'max_count': expected integer",
        ),
        invalid(
            "retrieve",
            with(&retrieve, json!({"timestamp": "x"})),
            "Invalid value given for 'timestamp': expected integer timestamp (in milliseconds)",
        ),
        invalid(
            "retrieve",
            with(&retrieve, json!({"timestamp": 999_999_999})),
            "Invalid timestamp for 'timestamp': timestamp must be in milliseconds",
        ),
        invalid(
            "store",
            with(&store, json!({"pubkey": "05"})),
            "Pubkey must be 66 hex digits (33 bytes) long",
        ),
        invalid(
            "get_swarm",
            json!({"pubkey": "05"}),
            "Pubkey must be 66 hex digits/33 bytes long",
        ),
        invalid(
            "store",
            with(&store, json!({"pubKey": group()})),
            "Cannot specify both 'pubkey' and 'pubKey'",
        ),
        invalid(
            "retrieve",
            with(
                &retrieve,
                json!({"pubkey": format!("05{key}"), "pubkey_ed25519": "00"}),
            ),
            "Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey",
        ),
        invalid(
            "retrieve",
            with(
                &retrieve,
                json!({"pubkey": format!("05{key}"), "pubkey_ed25519": "zz".repeat(32)}),
            ),
            "invalid pubkey_ed25519: value is not hex",
        ),
        invalid(
            "retrieve",
            with(&retrieve, json!({"pubkey_ed25519": key})),
            "pubkey_ed25519 is only permitted for 05[...] pubkeys",
        ),
        invalid(
            "store",
            with(&signed, json!({"signature": "AAAA"})),
            "invalid signature: expected base64 encoded Ed25519 signature",
        ),
        invalid(
            "store",
            with(
                &signed,
                json!({"subaccount": token, "subaccount_sig": "AAAA"}),
            ),
            "invalid subaccount signature: expected base64 encoded Ed25519 signature",
        ),
        invalid(
            "store",
            with(
                &signed,
                json!({"subaccount": "AAAA", "subaccount_sig": forged()}),
            ),
            "invalid subaccount: expected base64 or hex-encoded subaccount token",
        ),
        invalid(
            "store",
            with(&signed, json!({"subaccount": token})),
            "invalid subaccount: subaccount_sig is required when using subaccount",
        ),
        invalid(
            "store",
            with(&store, json!({"namespace": "0"})),
            "Invalid value given for 'namespace': expected 16-bit integer",
        ),
        invalid(
            "store",
            with(&store, json!({"namespace": 32_768})),
            "Invalid value given for 'namespace': value out of range",
        ),
        invalid(
            "delete_all",
            with(&all, json!({"namespace": "none"})),
            "Invalid value given for 'namespace': expected integer or \"all\"",
        ),
    ]
}

fn storing_and_fetching() -> Vec<Row> {
    let now = now_ms(0);
    let store = json!({"pubkey": group(), "data": "eA==", "ttl": 60_000, "timestamp": now});
    let signed = with(&store, json!({"namespace": 11, "signature": forged()}));
    let retrieve = json!({"pubkey": group(), "timestamp": now, "signature": forged()});
    let long = Base64::encode_string(&vec![0; 76_801]);
    let day = 86_400_000_u64;
    vec![
        invalid(
            "store",
            with(&store, json!({"expiry": now + 60_000})),
            "Cannot specify both 'expiry' and 'ttl'",
        ),
        invalid(
            "store",
            with(&store, json!({"ttl": "absent"})),
            "Required field 'expiry' or 'ttl' missing",
        ),
        invalid(
            "store",
            with(&store, json!({"ttl": -1})),
            "Invalid value given for 'ttl': expected positive integer",
        ),
        invalid(
            "store",
            with(&store, json!({"ttl": [60_000]})),
            "Invalid value given for 'ttl': expected positive integer",
        ),
        invalid(
            "store",
            with(&store, json!({"timestamp": true})),
            "Invalid value given for 'timestamp': expected integer",
        ),
        refused(
            "store",
            with(&store, json!({"timestamp": -1})),
            406,
            "Timestamp error: check your clock",
        ),
        // Of several faults those of key and signature come first.
        invalid(
            "store",
            with(&store, json!({"data": 5, "ttl": "absent", "pubkey": "05"})),
            "Pubkey must be 66 hex digits (33 bytes) long",
        ),
        invalid(
            "store",
            with(
                &signed,
                json!({"data": 5, "timestamp": "absent", "signature": "AAAA"}),
            ),
            "invalid signature: expected base64 encoded Ed25519 signature",
        ),
        invalid(
            "retrieve",
            with(&retrieve, json!({"last_hash": "a", "signature": "AAAA"})),
            "invalid signature: expected base64 encoded Ed25519 signature",
        ),
        refused(
            "retrieve",
            with(&retrieve, json!({"timestamp": "absent"})),
            406,
            "retrieve timestamp too far from current time",
        ),
        invalid(
            "store",
            with(&store, json!({"ttl": "abc"})),
            "Invalid value given for 'ttl': \"abc\"",
        ),
        invalid(
            "store",
            with(&store, json!({"timestamp": "abc"})),
            "Invalid value given for 'timestamp': \"abc\"",
        ),
        invalid(
            "store",
            with(&store, json!({"data": "ä"})),
            "Invalid 'data' value: not base64 encoded",
        ),
        invalid(
            "store",
            with(&store, json!({"data": long})),
            "Message body exceeds maximum allowed length of 76800 bytes",
        ),
        refused(
            "store",
            with(&store, json!({"ttl": 9_999})),
            403,
            "Provided expiry/TTL is not valid.",
        ),
        refused(
            "store",
            with(&store, json!({"ttl": 14 * day + 1})),
            403,
            "Provided expiry/TTL is not valid.",
        ),
        refused(
            "store",
            with(&signed, json!({"ttl": 30 * day + 1})),
            403,
            "Provided expiry/TTL is not valid.",
        ),
        refused(
            "store",
            with(&store, json!({"timestamp": now + 20_000})),
            406,
            "Timestamp error: check your clock",
        ),
        refused(
            "store",
            with(&store, json!({"timestamp": now - day})),
            406,
            "Timestamp error: check your clock",
        ),
        refused(
            "store",
            with(&signed, json!({"sig_timestamp": now - 100_000})),
            406,
            "store signature timestamp too far from current time",
        ),
        refused(
            "store",
            with(&store, json!({"namespace": 2})),
            401,
            "store: signature required to store to namespace 2",
        ),
        refused(
            "store",
            signed.clone(),
            401,
            "store signature verification failed",
        ),
        invalid(
            "retrieve",
            json!({"pubkey": group(), "namespace": 11}),
            "Required field 'signature' missing",
        ),
        invalid(
            "retrieve",
            with(&retrieve, json!({"last_hash": "a"})),
            "Invalid last_hash: expected base64 (43 chars)",
        ),
        invalid(
            "retrieve",
            with(&retrieve, json!({"last_hash": "!".repeat(43)})),
            "Invalid last_hash: not base64",
        ),
        refused(
            "retrieve",
            json!({"pubkey": group()}),
            401,
            "retrieve: request signature required",
        ),
        refused(
            "retrieve",
            retrieve.clone(),
            401,
            "retrieve signature verification failed",
        ),
        refused(
            "retrieve",
            with(&retrieve, json!({"timestamp": now - 100_000})),
            406,
            "retrieve timestamp too far from current time",
        ),
    ]
}

fn deleting_and_expiring() -> Vec<Row> {
    let now = now_ms(0);
    let (early, late) = (now - 100_000, now + 100_000);
    let some = json!({"pubkey": group(), "messages": [hash()], "signature": forged()});
    let all = json!({"pubkey": group(), "timestamp": now, "signature": forged()});
    let before = with(&all, json!({"before": now}));
    let expiry = with(&all, json!({"expiry": now}));
    let expire = with(&some, json!({"expiry": now}));
    let expiries = with(&some, json!({"timestamp": now}));
    let no_hashes = "messages does not contain any message hashes";
    vec![
        invalid("delete", with(&some, json!({"messages": []})), no_hashes),
        invalid(
            "delete",
            with(&some, json!({"messages": ["x"]})),
            "invalid message hash: x",
        ),
        refused(
            "delete",
            some.clone(),
            401,
            "delete_msgs signature verification failed",
        ),
        refused(
            "delete_all",
            all.clone(),
            401,
            "delete_all signature verification failed",
        ),
        refused(
            "delete_all",
            with(&all, json!({"timestamp": early})),
            406,
            "delete_all timestamp too far from current time",
        ),
        refused(
            "delete_before",
            with(&before, json!({"before": late})),
            401,
            "delete_before timestamp too far in the future",
        ),
        refused(
            "delete_before",
            before.clone(),
            401,
            "delete_before signature verification failed",
        ),
        refused(
            "expire_all",
            expiry.clone(),
            401,
            "expire_all signature verification failed",
        ),
        refused(
            "expire_all",
            with(&expiry, json!({"expiry": early})),
            406,
            "expire_all timestamp should be >= current time",
        ),
        invalid(
            "expire",
            with(&expire, json!({"shorten": true, "extend": true})),
            "cannot specify both 'shorten' and 'extend'",
        ),
        invalid(
            "expire",
            with(&expire, json!({"expiry": [now, now]})),
            "'expiry' must be a single expiry, or the same length as 'messages'",
        ),
        invalid(
            "expire",
            with(&expire, json!({"expiry": []})),
            "'expiry' does not contain any expiration timestamps",
        ),
        invalid("expire", with(&expire, json!({"messages": []})), no_hashes),
        invalid(
            "expire",
            with(&expire, json!({"messages": ["x"]})),
            "invalid message hash: x",
        ),
        refused(
            "expire",
            with(&expire, json!({"expiry": early})),
            401,
            "expire: timestamp should be >= current time",
        ),
        refused(
            "expire",
            expire.clone(),
            401,
            "expire: signature verification failed",
        ),
        invalid(
            "get_expiries",
            with(&expiries, json!({"messages": []})),
            no_hashes,
        ),
        refused(
            "get_expiries",
            expiries.clone(),
            401,
            "get_expiries signature verification failed",
        ),
        refused(
            "get_expiries",
            with(&expiries, json!({"timestamp": late})),
            406,
            "get_expiries timestamp too far from current time",
        ),
    ]
}

fn subaccounts_and_the_chain() -> Vec<Row> {
    let now = now_ms(0);
    let token = Base64::encode_string(&[3; 36]);
    let mut rows = Vec::new();
    for (method, field) in [
        ("revoke_subaccount", "revoke"),
        ("unrevoke_subaccount", "unrevoke"),
    ] {
        let call =
            json!({"pubkey": group(), field: token, "timestamp": now, "signature": forged()});
        let text = format!("invalid {field}: expected base64 or hex-encoded subaccount tag");
        rows.push(invalid(method, with(&call, json!({field: "AAAA"})), &text));
        let text = format!("{method} signature verification failed");
        rows.push(refused(method, call.clone(), 401, &text));
        let text = format!("{method} timestamp too far from current time");
        rows.push(refused(
            method,
            with(&call, json!({"timestamp": 1_000_000_000_000_u64})),
            406,
            &text,
        ));
    }
    let many = json!({"pubkey": group(), "revoke": vec![token; 51], "timestamp": now, "signature": forged()});
    rows.push(invalid(
        "revoke_subaccount",
        many,
        "invalid revoke: cannot revoke more than 50 subaccounts at once",
    ));
    rows.push(invalid(
        "oxend_request",
        json!({"endpoint": "get_info"}),
        "Invalid oxend endpoint 'get_info'",
    ));
    rows
}

fn several_at_once() -> Vec<Row> {
    let info = json!({"method": "info", "params": {}});
    let nested = json!({"method": "batch", "params": {"requests": [info]}});
    let mut rows = Vec::new();
    for method in ["batch", "sequence"] {
        for (requests, text) in [
            (json!("x"), "request: no valid \"requests\" field"),
            (
                json!(vec![info.clone(); 21]),
                "request: subrequest limit exceeded",
            ),
            (json!([5]), "request: requests must be objects"),
            (
                json!([{"method": "info"}]),
                "request: subrequests must have method/params keys",
            ),
            (
                json!([{"method": "nope", "params": {}}]),
                "subrequest: invalid method \"nope\"",
            ),
            (
                json!([{"method": "batch", "params": {}}]),
                "request: no valid \"requests\" field",
            ),
            (
                json!([{"method": "sequence", "params": {"requests": []}}]),
                "request: no valid \"requests\" field",
            ),
            (
                json!([nested]),
                "subrequest: subrequests may not contain meta-requests",
            ),
        ] {
            let text = format!("Invalid batch {text}");
            rows.push(invalid(method, json!({"requests": requests}), &text));
        }
    }
    let condition = json!({"hf_at_least": [19, 0]});
    for (params, text) in [
        (json!({"then": info}), ": no valid \"if\" field"),
        (
            json!({"if": {}, "then": info}),
            ": must specify at least one \"if\" condition",
        ),
        (
            json!({"if": condition}),
            ": at least one of \"then\"/\"else\" required",
        ),
        (
            json!({"if": condition, "then": []}),
            ": then must be an object",
        ),
        (
            json!({"if": condition, "then": null, "else": info}),
            ": then must be an object",
        ),
        (
            json!({"if": condition, "then": info, "else": null}),
            ": else must be an object",
        ),
        (
            json!({"if": condition, "else": []}),
            ": else must be an object",
        ),
        (
            json!({"if": condition, "then": {}}),
            ": then must have method/params keys",
        ),
        (
            json!({"if": condition, "else": {}}),
            ": else must have method/params keys",
        ),
        (
            json!({"if": condition, "then": {"method": "nope", "params": {}}}),
            " method \"then\"",
        ),
        (
            json!({"if": condition, "else": {"method": "nope", "params": {}}}),
            " method \"else\"",
        ),
    ] {
        rows.push(invalid(
            "ifelse",
            params,
            &format!("Invalid ifelse request{text}"),
        ));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_text_of_the_client_methods_comes_as_it_was_observed() {
    let world = World::start(|plan| (plan.nodes, plan.swarms) = (5, 1)).await;
    let groups = [
        common(),
        storing_and_fetching(),
        deleting_and_expiring(),
        subaccounts_and_the_chain(),
        several_at_once(),
    ];
    let mut count = 0;
    for (method, params, status, text) in groups.into_iter().flatten() {
        let body = json!({"method": method, "params": params}).to_string();
        let node = world.node(count % 5);
        let expected = (status, text);
        let shown: String = body.chars().take(300).collect();
        assert_eq!(
            world.direct(node, body.as_bytes()).await,
            expected,
            "{shown}"
        );
        let through = world.onion(node, body.as_bytes(), Cipher::AesGcm).await;
        assert_eq!(through, expected, "{shown}");
        count += 1;
    }
    println!("{count} error texts");

    for (body, text) in [
        ("", "invalid json"),
        ("{", "invalid json"),
        ("{\"method\":\"info\",\"params\":{},}", "invalid json"),
        ("[]", "invalid json: no `method` field"),
        (
            "{\"method\":5,\"params\":{}}",
            "invalid json: no `method` field",
        ),
        ("{\"method\":\"info\"}", "invalid json: no `params` field"),
        (
            "{\"method\":\"info\",\"params\":[]}",
            "invalid json: no `params` field",
        ),
    ] {
        let answer = world.direct(world.node(0), body.as_bytes()).await;
        assert_eq!(answer, (400, text.to_owned()), "{body}");
        let answer = world
            .onion(world.node(0), body.as_bytes(), Cipher::XChaCha20)
            .await;
        assert_eq!(answer, (400, text.to_owned()), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_need_more_than_a_wrong_request() {
    let world = World::start(|plan| (plan.nodes, plan.swarms) = (5, 1)).await;
    let node = world.node(0);
    let (secret, now) = (secret(), now_ms(0));
    let signer = Signer::group(&secret);
    let account: AnyId = group().parse().unwrap();
    let send =
        async |request: session_storage::Request| world.direct(node, &request.to_json()).await;

    // Nothing is there to be deleted, although it is required.
    let hash: MessageHash = hash().parse().unwrap();
    let time = UnixMillis::new(now);
    let delete = Delete::new(account, [hash]).unwrap().required();
    let delete = delete.sign(time, &signer);
    let (status, body) = send(delete.into()).await;
    assert_eq!(status, 404);
    let body: Json = serde_json::from_str(&body).unwrap();
    assert_eq!(body["swarm"].as_object().unwrap().len(), 5);
    assert_eq!(body["swarm"][node.name()]["deleted"], json!([]));

    // In all namespaces: done, and yet refused; refused no more when there is nothing.
    let soon = UnixMillis::new(now + 1_000);
    let before = DeleteBefore::new(account, Namespaces::All, soon).sign(time, &signer);
    let store = |data: &[u8]| {
        let message = SealedMessage {
            namespace: Namespace::DEFAULT,
            ttl: std::time::Duration::from_secs(60),
            data: data.to_vec(),
        };
        Store::new(account, message, time).unwrap()
    };
    assert_eq!(send(store(b"x").into()).await.0, 200);
    assert_eq!(node.store().count().unwrap(), 1);
    assert_eq!(
        send(before.clone().into()).await,
        (500, "request failed".to_owned())
    );
    assert_eq!(node.store().count().unwrap(), 0);
    assert_eq!(send(store(b"y").into()).await.0, 200);
    let params: Json = serde_json::from_slice(&Call::to_json(&before)).unwrap();
    let batch = json!({"method": "batch", "params": {"requests": [params]}});
    let answer = world.direct(node, batch.to_string().as_bytes()).await;
    assert_eq!(answer, (500, "request failed".to_owned()), "as a whole");
    assert_eq!(send(before.into()).await.0, 200);

    // A header of old clients.
    let old = Request::post("/storage_rpc/v1").header("x-loki-long-poll", "1");
    let answer = world.send(node, old, b"{}").await;
    let text = "long polling is no longer supported, client upgrade required";
    assert_eq!(answer, (410, text.to_owned()));
    let empty = Request::post("/storage_rpc/v1").header("x-loki-long-poll", "");
    let answer = world
        .send(node, empty, br#"{"method":"info","params":{}}"#)
        .await;
    assert_eq!(answer.0, 200, "{answer:?}");

    // A member without the right to delete may not shorten.
    let member = Ed25519Secret::from_seed(&[8; 32]);
    let body = shortened(&secret, &member, now);
    let text = "expire: shorten parameter cannot be used with this subaccount token (missing delete access)";
    assert_eq!(
        world.direct(node, body.as_bytes()).await,
        (400, text.to_owned())
    );

    // A node in no swarm.
    let info = json!({"method": "info", "params": {}}).to_string();
    assert!(
        world
            .network
            .chain
            .move_node(node.public(), SwarmId::UNASSIGNED)
    );
    let not_ready = (
        503,
        "Service node is not ready: not in any swarm\n".to_owned(),
    );
    assert_eq!(world.direct(node, info.as_bytes()).await, not_ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_read_its_revocations_lets_no_member_in() {
    let world = World::start(|plan| (plan.nodes, plan.swarms) = (4, 1)).await;
    let (owner, member) = (secret(), Ed25519Secret::from_seed(&[8; 32]));
    let mut token = vec![3, 3, 0, 0];
    token.extend(member.public().as_bytes());
    let retrieve = async |node: &localnet::node::Node| {
        let now = now_ms(0);
        let message = format!("retrieve11{now}");
        let body = json!({"method": "retrieve", "params": {
            "pubkey": group(),
            "namespace": 11,
            "timestamp": now,
            "subaccount": Base64::encode_string(&token),
            "subaccount_sig": Base64::encode_string(&owner.sign(&token).to_bytes()),
            "signature": Base64::encode_string(&member.sign(message.as_bytes()).to_bytes()),
        }});
        world.direct(node, body.to_string().as_bytes()).await
    };
    for node in [0, 1] {
        let (status, said) = retrieve(world.node(node)).await;
        assert_eq!(status, 200, "{said}");
    }
    let file = world.folder.path().join("node-001.sqlite");
    let db = rusqlite::Connection::open(file).unwrap();
    db.execute_batch("DROP TABLE revocations").unwrap();
    let (status, said) = retrieve(world.node(0)).await;
    assert_eq!(status, 401, "{said}");
    assert_eq!(retrieve(world.node(1)).await.0, 200, "others can");
}

/// `expire` with `shorten` by a member that may read and write.
fn shortened(owner: &Ed25519Secret, member: &Ed25519Secret, expiry: u64) -> String {
    let mut token = vec![3, 3, 0, 0];
    token.extend(member.public().as_bytes());
    let message = format!("expireshorten{expiry}{}", hash());
    json!({"method": "expire", "params": {
        "pubkey": group(),
        "messages": [hash()],
        "expiry": expiry,
        "shorten": true,
        "subaccount": Base64::encode_string(&token),
        "subaccount_sig": Base64::encode_string(&owner.sign(&token).to_bytes()),
        "signature": Base64::encode_string(&member.sign(message.as_bytes()).to_bytes()),
    }})
    .to_string()
}
