//! What a node answers to clients that talk to it directly.
#![allow(missing_docs)]

use std::time::Duration;

use client::http::{Answer, Http, Trust};
use localnet::network::{Network, Plan};
use serde_json::{Value, json};

async fn post(network: &Network, path: &str, body: &str) -> Answer {
    let url = format!("https://{}{path}", network.nodes[0].address());
    let http = Http::new(Trust::Any, None);
    let limit = Duration::from_secs(10);
    http.post(&url, "application/json", body.to_owned().into(), limit)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_like_a_deployed_one() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_owned();
    let plan = Plan {
        nodes: 8,
        swarms: 2,
        ..Plan::new(data_dir)
    };
    let network = Network::start(&plan).await.unwrap();

    let info = post(
        &network,
        "/storage_rpc/v1",
        r#"{"method":"info","params":{}}"#,
    )
    .await;
    assert_eq!(info.status, 200);
    assert_eq!(info.content_type.as_deref(), Some("application/json"));
    let info: Value = serde_json::from_slice(&info.body).unwrap();
    assert_eq!(
        (&info["version"], &info["hf"]),
        (&json!([2, 8, 0]), &json!([19, 4]))
    );

    // The swarm of an account, from any node; and another one's messages are not kept here.
    let mut wrong = 0;
    for account in [
        format!("05{}", "00".repeat(32)),
        format!("05{}80{}", "00".repeat(24), "00".repeat(7)),
    ] {
        let call = json!({"method": "get_swarm", "params": {"pubkey": account}}).to_string();
        let answer = post(&network, "/storage_rpc/v1", &call).await;
        assert_eq!(answer.status, 200);
        let swarm: Value = serde_json::from_slice(&answer.body).unwrap();
        let members = swarm["snodes"].as_array().unwrap();
        assert_eq!(members.len(), 4);
        let is_member = |node: &Value| node["pubkey_ed25519"] == network.nodes[0].name().as_str();
        let store = json!({"method": "store", "params": {"pubkey": account, "data": "aGk=",
            "ttl": 60_000, "timestamp": localnet::fault::now_ms(0)}});
        let answer = post(&network, "/storage_rpc/v1", &store.to_string()).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        if members.iter().any(is_member) {
            assert_eq!(answer.status, 200);
            assert_eq!(body["swarm"].as_object().unwrap().len(), 4);
        } else {
            assert_eq!(answer.status, 421);
            assert_eq!(body["swarm"], swarm["swarm"]);
            wrong += 1;
        }
    }
    assert_eq!(wrong, 1, "the accounts belong to different swarms");

    for (path, body, status, text) in [
        ("/storage_rpc/v1", "{", 400, "invalid json"),
        (
            "/storage_rpc/v1",
            "{}",
            400,
            "invalid json: no `method` field",
        ),
        (
            "/storage_rpc/v1",
            r#"{"method":"info"}"#,
            400,
            "invalid json: no `params` field",
        ),
        (
            "/storage_rpc/v1",
            r#"{"method":"nope","params":{}}"#,
            400,
            "no method nope",
        ),
        (
            "/storage_rpc/v1",
            r#"{"method":"get_swarm","params":{"pubkey":"05"}}"#,
            400,
            "invalid request: Pubkey must be 66 hex digits/33 bytes long",
        ),
        (
            "/onion_req/v2",
            "abc",
            400,
            "Error parsing onion request: Unexpected payload size; expected ciphertext size",
        ),
        ("/elsewhere", "", 404, "post /elsewhere Not Found"),
        // A stranger's address is not a node's.
        ("/sn/data", "", 404, "post /sn/data Not Found"),
        (
            "/sn/onion_request",
            "",
            404,
            "post /sn/onion_request Not Found",
        ),
    ] {
        let answer = post(&network, path, body).await;
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(
            (answer.status, said.as_str()),
            (status, text),
            "{path} {body}"
        );
    }
    let pinged = post(&network, "/ping_test/v1", "").await;
    assert_eq!((pinged.status, pinged.body.len()), (200, 0));

    // A node that is in no swarm says so.
    let key = *network.nodes[0].public();
    assert!(
        network
            .chain
            .move_node(&key, session_types::SwarmId::UNASSIGNED)
    );
    let refused = post(
        &network,
        "/storage_rpc/v1",
        r#"{"method":"info","params":{}}"#,
    )
    .await;
    assert_eq!(refused.status, 503);
    assert_eq!(
        &refused.body[..],
        b"Service node is not ready: not in any swarm\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_holds_one_network_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        nodes: 4,
        swarms: 1,
        ..Plan::new(folder.path())
    };
    let network = Network::start(&plan).await.unwrap();
    assert!(network.is_new);
    let error = Network::start(&plan).await.unwrap_err().to_string();
    assert!(error.contains("is up already"), "{error}");
    let names = |network: &Network| -> Vec<String> {
        network.nodes.iter().map(|node| node.name()).collect()
    };
    let before = names(&network);
    drop(network);
    // The tasks of the first let go of it one after the other.
    let again = async {
        loop {
            if let Ok(network) = Network::start(&plan).await {
                return network;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(20), again);
    let again = again.await.unwrap();
    assert!(!again.is_new);
    assert_eq!(names(&again), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_forgotten_when_their_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        nodes: 4,
        swarms: 1,
        ..Plan::new(folder.path())
    };
    let network = Network::start(&plan).await.unwrap();
    // A namespace that anybody may read.
    let account = format!("05{}", "11".repeat(32));
    let store = json!({"method": "store", "params": {"pubkey": account, "namespace": -10,
        "data": "aGk=", "ttl": 10_000, "timestamp": localnet::fault::now_ms(0)}});
    let retrieve = json!({"method": "retrieve", "params": {"pubkey": account, "namespace": -10}});
    let answer = post(&network, "/storage_rpc/v1", &store.to_string()).await;
    assert_eq!(answer.status, 200);
    let count = async || {
        let answer = post(&network, "/storage_rpc/v1", &retrieve.to_string()).await;
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["messages"].as_array().unwrap().len()
    };
    assert_eq!(count().await, 1);
    for node in &network.nodes {
        node.faults.change(|fault| fault.clock_ms = 11_000);
    }
    for node in &network.nodes {
        node.tick();
        assert_eq!(node.store().count().unwrap(), 0);
    }
    assert_eq!(count().await, 0);
}
