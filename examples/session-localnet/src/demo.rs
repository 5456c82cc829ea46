//! One private message across the network: the main job.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use session_crypto::Ed25519Public;
use session_identity::phrase::{Language, PhraseError};
use session_identity::{Account, Seed};
use session_message::SealError;
use session_network::{RequestError, Route};
use session_swarm::record::ServiceNode;
use session_types::{AnyId, SwarmId};

use crate::ledger::HOPS;
use crate::network::{Network, Plan};
use crate::node::StartError;
use crate::report::{Row, Secrets, Table};
use crate::ui::Steps;

mod client;

use client::{Client, Deeds, Start};

/// What the sender writes.
pub const TEXT: &str = "Nobody between us can read this.";
/// Where the sender connects from, so that nodes can tell him from the receiver.
pub const SENDER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 200, 0, 1));
/// Where the receiver connects from.
pub const RECEIVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 200, 0, 2));

/// Why the message was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The network did not start.
    #[error("the network did not start: {0}")]
    Start(#[from] StartError),
    /// The text cannot be sent.
    #[error("the message cannot be sent: {0}")]
    Seal(#[from] SealError),
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A phrase that was just made cannot be read.
    #[error("the recovery phrase cannot be used: {0}")]
    Phrase(#[from] PhraseError),
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// An account did not come back from its phrase.
    #[error("the recovery phrase gave another account")]
    Restore,
    /// What arrived is not what was sent.
    #[error("what arrived is not what was sent: {0}")]
    Wrong(String),
    /// A node saw what no node may see.
    #[error("node {0} saw what no node may see")]
    Leak(String),
}

/// What happened, for whoever wants to check it.
#[derive(Debug)]
pub struct Delivered {
    /// The last object of the JSON output.
    pub event: Value,
    /// Table of what each node could see.
    pub table: Table,
}

fn short(node: &ServiceNode) -> String {
    let key = node.ed25519.to_string();
    let key = key.get(..8).unwrap_or(&key);
    if node.ip == Ipv4Addr::LOCALHOST {
        format!("{key}… at port {}", node.https_port)
    } else {
        format!("{key}… at {}", node.ip)
    }
}

/// The three hops of a route.
fn hops(route: &Route) -> Result<&[ServiceNode; HOPS], DemoError> {
    let hops = route.path.as_slice().try_into();
    hops.map_err(|_| DemoError::Wrong(format!("{} hops", route.path.len())))
}

/// The node that answers.
fn destination(route: &Route) -> Result<&ServiceNode, DemoError> {
    let node = route.node.as_ref();
    node.ok_or_else(|| DemoError::Wrong("it went to no node".to_owned()))
}

/// Makes an account, by way of its recovery phrase.
fn make_account(who: &str, steps: &Steps) -> Result<Account, DemoError> {
    let seed = Seed::random().map_err(|_| DemoError::Random)?;
    let made = Account::from_seed(&seed);
    let phrase = seed.to_phrase(Language::English);
    let restored = Seed::from_phrase(&phrase, Language::English)?;
    let account = Account::from_seed(&restored);
    if account.id() != made.id() {
        return Err(DemoError::Restore);
    }
    let words = phrase.split(' ').count();
    steps.done(format!(
        "{who} made an account: no phone number, no e-mail, only a key pair.\n           \
         {}\n           ({words} recovery words give it back; checked)",
        account.id()
    ));
    Ok(account)
}

/// Byte strings that give an account away: its keys. Its id is one of them with a prefix.
fn traces(account: &Account) -> Vec<Vec<u8>> {
    vec![
        account.x25519_public().to_bytes().to_vec(),
        account.ed25519_public().to_bytes().to_vec(),
    ]
}

/// Runs the demo in a network that it starts in the plan's directory. `emit` is given the events
/// of the JSON output, all but the last.
///
/// # Errors
///
/// [`DemoError`] if the receiver has not read exactly what was sent, from the account that sent it.
pub async fn run(
    plan: &Plan,
    text: &str,
    steps: &Steps,
    mut emit: impl FnMut(Value),
) -> Result<Delivered, DemoError> {
    steps.say("\nA Session network on this machine\n");
    steps.doing("starting the network");
    let network = Network::start(plan).await?;
    let swarms = network.chain.swarms().len();
    let own = if network.one_address {
        "ports"
    } else {
        "addresses"
    };
    steps.done(format!(
        "{} service nodes listen on {own} of their own, in {swarms} swarms, and a seed node\n           \
         that knows them all: {}",
        network.nodes.len(),
        network.seed_url()
    ));
    emit(json!({"event": "network", "seed_url": network.seed_url(),
        "nodes": network.nodes.len(), "swarms": swarms}));

    let alice = make_account("Alice", steps)?;
    let bob = make_account("Bob", steps)?;
    emit(json!({"event": "accounts", "from": alice.id().to_string(), "to": bob.id().to_string()}));
    let (from, to) = (*alice.id(), *bob.id());
    let place = |address| (!network.one_address).then_some(address);
    let secrets = Secrets {
        sender_address: place(SENDER),
        receiver_address: place(RECEIVER),
        sender: traces(&alice),
        receiver: traces(&bob),
        text: text.to_owned(),
    };

    let start = |from| Start {
        seed_url: network.seed_url(),
        seed_certificate: network.seed_certificate(),
        from: place(from),
    };
    steps.doing("Alice asks the seed node for the service nodes, then one of them for the time");
    let mut sender = Client::connect(alice, start(SENDER)).await?;
    steps.done("Alice knows the nodes, and the network's time, asked for through three hops.");

    steps.doing("Alice sends");
    let sent = sender.send(&to, text, "Alice").await?;
    let [guard, middle, exit] = hops(&sent.route)?;
    steps.done(format!(
        "Alice wrote \"{text}\", signed it, sealed it for Bob, and wrapped it in\n           \
         four layers, one for each node that it passes:\n             \
         guard   {}   sees Alice's address, not what for\n             \
         middle  {}   sees its neighbours, nothing else\n             \
         exit    {}   sees which node it goes to, not what it says\n             \
         stores  {}   sees Bob's account and a sealed box",
        short(guard),
        short(middle),
        short(exit),
        short(destination(&sent.route)?)
    ));
    steps.done(format!(
        "Bob's swarm {} keeps it: {} nodes have signed for it, {} failed.",
        sent.swarm,
        sent.stored_on.len(),
        sent.failed
    ));
    emit(
        json!({"event": "stored", "hash": sent.hash.to_string(), "swarm": sent.swarm.to_string(),
        "stored_on": sent.stored_on.iter().map(Ed25519Public::to_string).collect::<Vec<_>>()}),
    );

    steps.doing("Bob comes online and asks his swarm, by a path of his own");
    let mut receiver = Client::connect(bob, start(RECEIVER)).await?;
    let (messages, route) = receiver.receive().await?;
    let [guard, middle, exit] = hops(&route)?;
    steps.done(format!(
        "Bob fetched it by another path: {} → {} → {} → {}",
        short(guard),
        short(middle),
        short(exit),
        short(destination(&route)?)
    ));
    let [message] = messages.as_slice() else {
        return Err(DemoError::Wrong(format!("{} messages", messages.len())));
    };
    if message.sender != from {
        return Err(DemoError::Wrong(format!("it is from {}", message.sender)));
    }
    if message.content.as_text() != Some(text) || message.sent_at != sent.sent_at {
        return Err(DemoError::Wrong("another text or time".to_owned()));
    }
    steps.done(format!(
        "Bob read \"{text}\" and knows from the signature inside that it is from\n           {from}"
    ));

    let receiver_swarm = network.chain.swarm_of(&AnyId::from_bytes(*to.as_bytes()));
    let table = table(
        &network,
        sender.deeds(),
        receiver.deeds(),
        receiver_swarm,
        &secrets,
    );
    for row in &table.0 {
        emit(json!({"event": "node", "saw": row}));
    }
    if let Some(row) = table.0.iter().find(|row| row.text || row.sender_account) {
        return Err(DemoError::Leak(row.node.clone()));
    }
    let path: Vec<String> = sent
        .route
        .path
        .iter()
        .map(|node| node.ed25519.to_string())
        .collect();
    let event = json!({
        "event": "delivered",
        "from": message.sender.to_string(),
        "to": to.to_string(),
        "text": text,
        "path": path,
        "swarm": sent.swarm.to_string(),
        "stored_on": sent.stored_on.len(),
        "elapsed_ms": u64::try_from(steps.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    network.stop();
    Ok(Delivered { event, table })
}

/// The table: every node on a path of either client, and every node of the receiver's swarm.
fn table(
    network: &Network,
    sending: &Deeds,
    receiving: &Deeds,
    swarm: Option<SwarmId>,
    secrets: &Secrets,
) -> Table {
    let mut roles: BTreeMap<Ed25519Public, Vec<String>> = BTreeMap::new();
    let mut add = |key: Ed25519Public, role: String| {
        let roles = roles.entry(key).or_default();
        if !roles.contains(&role) {
            roles.push(role);
        }
    };
    for (who, deeds) in [("Alice", sending), ("Bob", receiving)] {
        for guard in &deeds.guards {
            add(*guard, format!("guard of {who}'s paths"));
        }
        for (method, route) in &deeds.routes {
            for (node, place) in route.path.iter().zip(["guard", "middle", "exit"]) {
                add(node.ed25519, format!("{place} of {who}'s {method}"));
            }
            if let Some(node) = &route.node {
                add(node.ed25519, format!("answered {who}'s {method}"));
            }
        }
    }
    for node in network.chain.nodes() {
        if Some(node.swarm_id) == swarm {
            add(node.ed25519, "Bob's swarm".to_owned());
        }
    }
    let rows = network.nodes.iter().filter_map(|node| {
        let roles = roles.remove(node.public())?;
        let address = node.address();
        let address = if network.one_address {
            address.to_string()
        } else {
            address.ip().to_string()
        };
        Some(Row::new(node.name(), address, roles, &node.seen, secrets))
    });
    Table(rows.collect())
}
