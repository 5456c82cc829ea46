//! The network is hurt while clients talk: nothing that was acknowledged is lost, and every message
//! arrives once.
#![allow(clippy::disallowed_methods, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use client::network::Options;
use client::session::Client;
use localnet::admin::Order;
use localnet::network::{Network, Plan};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use session_identity::{Account, Seed};
use session_types::AnyId;

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

fn order(action: &str, node: &str, value: &str) -> Order {
    Order {
        action: action.into(),
        node: Some(node.into()),
        value: Some(value.into()),
        swarm: None,
    }
}

/// Fetches until nothing new has come several times, as a client does that asks one member after
/// the other; every message once. A copy that a member did not take is brought to it again after half
/// a second, and later, so it takes its time.
async fn texts(receiver: &Client) -> BTreeSet<String> {
    let (mut last_hashes, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let (mut texts, mut idle) = (BTreeSet::new(), 0);
    while idle < 30 {
        idle += 1;
        if idle > 12 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let Ok(fetched) = receiver.receive(&mut last_hashes).await else {
            continue;
        };
        for message in fetched.messages {
            let text = message.text.unwrap().as_untrusted().to_owned();
            if seen.insert(message.key) {
                assert!(texts.insert(text.clone()), "twice: {text}");
                idle = 0;
            }
        }
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_while_the_network_is_hurt() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan::new(folder.path());
    let network = Network::start(&plan).await.unwrap();
    let (sender, to) = (connect(&network, 1).await, account(2));
    let storage = AnyId::from_bytes(*to.id().as_bytes());
    let keepers = network.admin.keepers(&storage);
    let name = |index: usize| keepers[index].name();

    let mut acknowledged = BTreeSet::new();
    let mut number = 0;
    for phase in 0..4 {
        match phase {
            // One member of the swarm is dead, one drops what it says it keeps.
            1 => {
                network
                    .admin
                    .obey(&order("down", &name(0), ""))
                    .await
                    .unwrap();
                network
                    .admin
                    .obey(&order("lie", &name(1), "drop"))
                    .await
                    .unwrap();
            }
            // The dead one is back, without what it missed; a node joins the swarm.
            2 => {
                network
                    .admin
                    .obey(&order("up", &name(0), ""))
                    .await
                    .unwrap();
                network
                    .admin
                    .obey(&order("lie", &name(1), "honest"))
                    .await
                    .unwrap();
                let swarm = network.chain.swarm_of(&storage).unwrap().to_string();
                let other = network
                    .nodes
                    .iter()
                    .find(|node| keepers.iter().all(|keeper| keeper.name() != node.name()))
                    .unwrap();
                network
                    .admin
                    .obey(&order("move", &other.name(), &swarm))
                    .await
                    .unwrap();
            }
            // The swarm is dissolved: its messages move to others.
            3 => {
                let swarm = network.chain.swarm_of(&storage).unwrap().to_string();
                let dissolve = Order {
                    action: "dissolve".into(),
                    node: None,
                    value: None,
                    swarm: Some(swarm.clone()),
                };
                network.admin.obey(&dissolve).await.unwrap();
                assert_ne!(network.chain.swarm_of(&storage).unwrap().to_string(), swarm);
            }
            _ => {}
        }
        // A client that was there before the change, and one that comes after it.
        let fresh = connect(&network, 1).await;
        for index in 0..4 {
            number += 1;
            let text = format!("message {number}");
            let by = if index % 2 == 0 { &sender } else { &fresh };
            match by.send(to.id(), &text, None).await {
                Ok(sent) => {
                    assert!(!sent.stored_on.is_empty());
                    acknowledged.insert(text);
                }
                // A client with an old list may fail, but it must say so.
                Err(error) => eprintln!("phase {phase}: {error}"),
            }
        }
        assert!(
            acknowledged.len() > phase,
            "nothing got through in phase {phase}"
        );
    }
    let receiver = connect(&network, 2).await;
    let got = texts(&receiver).await;
    assert_eq!(
        got.intersection(&acknowledged).count(),
        acknowledged.len(),
        "{got:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_down_gets_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let network = Network::start(&Plan::new(folder.path())).await.unwrap();
    let (sender, to) = (connect(&network, 1).await, account(2));
    let storage = AnyId::from_bytes(*to.id().as_bytes());
    let missing = network.admin.keepers(&storage).swap_remove(0);
    let has_it = || !missing.store().all().unwrap().is_empty();

    let down = order("down", &missing.name(), "");
    network.admin.obey(&down).await.unwrap();
    sender.send(to.id(), "missed", None).await.unwrap();
    assert!(!has_it());
    let up = order("up", &missing.name(), "");
    network.admin.obey(&up).await.unwrap();
    let caught_up = async {
        while !has_it() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, caught_up).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_fetch_ended_is_remembered_of_the_node_that_answered_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        nodes: 8,
        swarms: 2,
        ..Plan::new(folder.path())
    };
    let network = Network::start(&plan).await.unwrap();
    let (sender, to) = (connect(&network, 1).await, account(2));
    sender.send(to.id(), "hello", None).await.unwrap();
    let storage = AnyId::from_bytes(*to.id().as_bytes());
    let moved = network.admin.keepers(&storage).swap_remove(0);
    // The client knows the list from before a member left the swarm: that one sends it to another one,
    // which has an order of its own.
    let receiver = connect(&network, 2).await;
    let swarms = network.chain.swarms().into_iter();
    let elsewhere = swarms
        .filter(|swarm| Some(*swarm) != network.chain.swarm_of(&storage))
        .map(|swarm| swarm.to_string())
        .next();
    let away = order("move", &moved.name(), &elsewhere.unwrap());
    network.admin.obey(&away).await.unwrap();
    let (mut last_hashes, mut got) = (BTreeMap::new(), 0);
    for _ in 0..8 {
        if let Ok(fetched) = receiver.receive(&mut last_hashes).await {
            got += fetched.messages.len();
        }
    }
    assert!(got > 0 && !last_hashes.is_empty());
    assert!(!last_hashes.contains_key(&moved.name()), "{last_hashes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_owned();
    let plan = Plan {
        nodes: 4,
        swarms: 1,
        ..Plan::new(data_dir)
    };
    let network = Network::start(&plan).await.unwrap();
    let node = network.nodes[0].name();
    for (order, sentence) in [
        (order("down", "nobody", ""), "no node"),
        (order("down", "", ""), "no node"),
        (order("slow", &node, "soon"), "not a time"),
        (order("slow", &node, "60001"), "at most"),
        (order("lie", &node, "sometimes"), "not a lie"),
        (order("clock", &node, "x"), "not a time"),
        (order("move", &node, "xyz"), "not a swarm id"),
        (order("move", &node, "ffffffffffffffff"), "no swarm"),
        (order("explode", &node, ""), "not an order"),
        (order("dissolve", &node, "0"), "no other one"),
    ] {
        let said = network.admin.obey(&order).await.unwrap_err();
        assert!(said.contains(sentence), "{order:?}: {said}");
    }
    let shifted = order("clock", &node, "-5000");
    assert!(
        network
            .admin
            .obey(&shifted)
            .await
            .unwrap()
            .contains("-5000")
    );
}

/// A network in a process of its own.
struct Serving {
    process: Child,
    options: Options,
}

fn serve(data_dir: &Path) -> Serving {
    let mut process = Command::new(env!("CARGO_BIN_EXE_localnet"))
        .args(["--json", "serve", "--data-dir"])
        .arg(data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    let pem = std::fs::read(data_dir.join("seed.pem")).unwrap();
    let options = Options {
        seeds: vec![event["seed_url"].as_str().unwrap().to_owned()],
        pins: CertificateDer::pem_slice_iter(&pem)
            .map(Result::unwrap)
            .collect(),
        ..Options::default()
    };
    Serving { process, options }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_network_serves_what_it_acknowledged_when_it_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for run in 0..2 {
        let mut serving = serve(folder.path());
        let sender = Client::connect(account(1), &serving.options, |_| {})
            .await
            .unwrap();
        for index in 0..5 {
            let text = format!("run {run}, message {index}");
            sender.send(account(2).id(), &text, None).await.unwrap();
            acknowledged.insert(text);
        }
        // On Unix this is kill -9.
        serving.process.kill().unwrap();
        serving.process.wait().unwrap();
    }
    let mut serving = serve(folder.path());
    let receiver = Client::connect(account(2), &serving.options, |_| {})
        .await
        .unwrap();
    assert_eq!(texts(&receiver).await, acknowledged);
    serving.process.kill().unwrap();
    serving.process.wait().unwrap();
}
