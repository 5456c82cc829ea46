//! Nodes that join and leave, and packets as the nodes opened them.
#![allow(missing_docs)]

mod support;

use std::time::Duration;

use client::network::Options;
use client::session::Client;
use localnet::admin::Order;
use localnet::network::{Network, Plan};
use localnet::node::StartError;
use serde_json::{Value, json};
use session_identity::{Account, Seed};
use session_onion::Cipher;
use session_types::AnyId;
use support::{World, hop};

fn order(action: &str, node: Option<String>) -> Order {
    Order {
        action: action.into(),
        node,
        value: None,
        swarm: None,
    }
}

fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_short(&[number; 16]))
}

async fn connect(network: &Network, number: u8) -> Client {
    let options = Options {
        seeds: vec![network.seed_url()],
        pins: vec![network.seed_certificate()],
        ..Options::default()
    };
    Client::connect(account(number), &options, |_| {})
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_left_is_not_found_and_one_that_joins_gets_the_messages() {
    let world = World::start(|plan| (plan.nodes, plan.swarms) = (6, 1)).await;
    let network = &world.network;
    let storage = AnyId::from_bytes(*account(2).id().as_bytes());
    let sent = connect(network, 1)
        .await
        .send(account(2).id(), "hello", None)
        .await
        .unwrap();
    assert_eq!(sent.stored_on.len(), 6);

    let left = world.node(5);
    let name = left.name();
    let obey = async |action: &str, node: Option<&str>| {
        network
            .admin
            .obey(&order(action, node.map(str::to_owned)))
            .await
    };
    obey("leave", Some(&name)).await.unwrap();
    assert_eq!(network.chain.nodes().len(), 5);
    assert!(
        obey("leave", Some(&name))
            .await
            .unwrap_err()
            .contains("not in the list")
    );
    // It is up, and says why it does not serve.
    let info = br#"{"method":"info","params":{}}"#;
    let (status, said) = world.direct(left, info).await;
    assert_eq!(
        (status, &*said),
        (503, "Service node is not ready: not in any swarm\n")
    );
    // As the next hop it is unknown.
    let (guard, hops) = world.path(left, Cipher::XChaCha20);
    let destination = hop(left, Cipher::XChaCha20);
    let request = session_onion::client::Request::storage(&destination, info);
    let rng = &mut getrandom::rand_core::UnwrapErr(getrandom::SysRng);
    let sealed = session_onion::client::seal(rng, &hops, &request).unwrap();
    let (status, said) = world.post(&guard, "/onion_req/v2", &sealed.packet).await;
    assert_eq!(
        (status, said),
        (502, format!("Next node not found: {name}"))
    );
    // It comes back, and a new one comes, which gets what is stored.
    obey("join", Some(&name)).await.unwrap();
    assert!(
        obey("join", Some(&name))
            .await
            .unwrap_err()
            .contains("already")
    );
    let said = obey("join", None).await.unwrap();
    assert!(said.contains("127.0.7.1"), "{said}");
    let keepers = network.admin.keepers(&storage);
    assert_eq!(keepers.len(), 7);
    for keeper in keepers {
        assert_eq!(keeper.store().count().unwrap(), 1, "{}", keeper.address());
    }
    let sent = connect(network, 1)
        .await
        .send(account(2).id(), "again", None)
        .await
        .unwrap();
    assert_eq!(sent.stored_on.len(), 7);
    // All of it is so after a restart.
    let stays = obey("leave", Some(&name)).await;
    assert!(stays.is_ok());
    let before: Vec<_> = network
        .chain
        .nodes()
        .iter()
        .map(|node| node.ed25519)
        .collect();
    network.stop();
    let folder = world.folder;
    drop(world.network);
    // The directory is free when everything has ended.
    let plan = Plan::new(folder.path());
    let again = loop {
        match Network::start(&plan).await {
            Err(StartError::Busy(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            again => break again.unwrap(),
        }
    };
    let after: Vec<_> = again
        .chain
        .nodes()
        .iter()
        .map(|node| node.ed25519)
        .collect();
    assert_eq!((before.len(), before), (6, after));
    assert_eq!(again.nodes.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_a_swarm_and_the_last_four_stay() {
    let world = World::start(|plan| (plan.nodes, plan.swarms) = (5, 5)).await;
    let admin = &world.network.admin;
    let leave = order("leave", Some(world.node(0).name()));
    assert!(
        admin
            .obey(&leave)
            .await
            .unwrap_err()
            .contains("last node of swarm")
    );
    let world = World::start(|plan| (plan.nodes, plan.swarms) = (4, 1)).await;
    let leave = order("leave", Some(world.node(0).name()));
    assert!(
        world
            .network
            .admin
            .obey(&leave)
            .await
            .unwrap_err()
            .contains("at least 4")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_are_written_as_they_were_opened() {
    let folder = tempfile::tempdir().unwrap();
    let packets = folder.path().join("packets");
    let world = World::start(|plan| plan.capture = Some(packets.clone())).await;
    let sender = connect(&world.network, 1).await;
    sender.send(account(2).id(), "hello", None).await.unwrap();
    // One that no node can open.
    let (status, _) = world.post(world.node(0), "/onion_req/v2", b"x").await;
    assert_eq!(status, 400);
    let mut kinds: std::collections::BTreeMap<String, Vec<Value>> = Default::default();
    for file in std::fs::read_dir(&packets).unwrap() {
        let file = file.unwrap();
        let packet: Value = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
        let kind = packet["kind"].as_str().unwrap().to_owned();
        let name = file.file_name().into_string().unwrap();
        assert!(name.ends_with(&format!("-{kind}.json")), "{name}");
        kinds.entry(kind).or_default().push(packet);
    }
    let key = account(2).id().to_string();
    let stored = kinds["deliver"].iter().filter(|packet| {
        let body = packet["body"].as_str().unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or(json!(null));
        body["method"] == "store" && body["params"]["pubkey"] == key.as_str()
    });
    assert_eq!(stored.count(), 1);
    // Three relays before each answer.
    assert!(
        kinds["relay"].len() >= 3 * kinds["deliver"].len() - 2,
        "{kinds:?}"
    );
    let relay = &kinds["relay"][0];
    assert_eq!(relay["next"].as_str().unwrap().len(), 64);
    assert_eq!(relay["enc_type"], "xchacha20");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_address_that_asks_too_much_is_refused() {
    let world = World::start(|plan| (plan.nodes, plan.swarms) = (4, 1)).await;
    let (node, info) = (world.node(0), br#"{"method":"info","params":{}}"#);
    assert_eq!(world.direct(node, info).await.0, 200);
    // All its requests for now, and by a clock that is ahead, so that none are added meanwhile.
    let ahead = localnet::fault::monotonic().saturating_add(Duration::from_secs(3_600));
    while node.rate.admits("127.0.0.1".parse().unwrap(), ahead) {}
    let (status, said) = world.direct(node, info).await;
    assert_eq!((status, &*said), (429, "Too Many Requests\n"));
    assert_eq!(world.direct(world.node(1), info).await.0, 200);
}
