//! One private message across the network: the main job.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

use client::error::ClientError;
use client::network::{Options, Route};
use client::session::{Client, Step};
use serde_json::{Value, json};
use session_crypto::Ed25519Public;
use session_identity::phrase::Language;
use session_identity::{Account, Seed};
use session_swarm::record::ServiceNode;
use session_types::{AnyId, SwarmId};

use crate::network::{Network, Plan};
use crate::node::StartError;
use crate::report::{Row, Secrets, Table};
use crate::ui::Steps;

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
    /// A client failed.
    #[error(transparent)]
    Client(#[from] ClientError),
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

/// What a client did.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Deeds>>);

/// The nodes that it tried as guards, and the routes that it took, in order.
#[derive(Debug, Clone, Default)]
struct Deeds {
    guards: Vec<Ed25519Public>,
    routes: Vec<(&'static str, Route)>,
}

impl Log {
    fn watch(&self) -> impl Fn(&Step) + Send + Sync + 'static {
        let log = self.clone();
        move |step| {
            let mut deeds = log.0.lock().unwrap_or_else(PoisonError::into_inner);
            match step {
                Step::Guard { node } => deeds.guards.push(node.ed25519),
                Step::Request { method, route } => deeds.routes.push((method, (**route).clone())),
                _ => {}
            }
        }
    }

    fn deeds(&self) -> Deeds {
        let deeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        deeds.clone()
    }
}

/// Makes an account, by way of its recovery phrase.
fn make_account(who: &str, steps: &Steps) -> Result<Account, DemoError> {
    let seed = Seed::random().map_err(|_| DemoError::Random)?;
    let made = Account::from_seed(&seed);
    let phrase = seed.to_phrase(Language::English);
    let restored = Seed::from_phrase(&phrase, Language::English).map_err(ClientError::from)?;
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

    let options = |from| Options {
        seeds: vec![network.seed_url()],
        pins: vec![network.seed_certificate()],
        from: place(from),
    };
    steps.doing("Alice asks the seed node for the service nodes, then one of them for the time");
    let (sending, receiving) = (Log::default(), Log::default());
    let sender = Client::connect(alice, &options(SENDER), sending.watch()).await?;
    steps.done("Alice knows the nodes, and the network's time, asked for through three hops.");

    steps.doing("Alice sends");
    let sent = sender.send(&to, text, Some("Alice")).await?;
    let [guard, middle, exit] = &sent.route.path;
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
        short(&sent.route.destination)
    ));
    steps.done(format!(
        "Bob's swarm {} keeps it: {} nodes have signed for it, {} failed.",
        sent.swarm,
        sent.stored_on.len(),
        sent.failed.len()
    ));
    emit(
        json!({"event": "stored", "hash": sent.hash.to_string(), "swarm": sent.swarm.to_string(),
        "stored_on": sent.stored_on.iter().map(Ed25519Public::to_string).collect::<Vec<_>>()}),
    );

    steps.doing("Bob comes online and asks his swarm, by a path of his own");
    let receiver = Client::connect(bob, &options(RECEIVER), receiving.watch()).await?;
    let fetched = receiver.receive(&mut BTreeMap::new()).await?;
    let [guard, middle, exit] = &fetched.route.path;
    steps.done(format!(
        "Bob fetched it by another path: {} → {} → {} → {}",
        short(guard),
        short(middle),
        short(exit),
        short(&fetched.route.destination)
    ));
    if let Some((hash, reason)) = fetched.unreadable.first() {
        return Err(DemoError::Wrong(format!(
            "message {hash} cannot be read: {reason}"
        )));
    }
    let [message] = fetched.messages.as_slice() else {
        return Err(DemoError::Wrong(format!(
            "{} messages",
            fetched.messages.len()
        )));
    };
    if message.from != from {
        return Err(DemoError::Wrong(format!("it is from {}", message.from)));
    }
    if message.text != Some(text.into()) || message.sent_ms != sent.sent_ms {
        return Err(DemoError::Wrong("another text or time".to_owned()));
    }
    steps.done(format!(
        "Bob read \"{text}\" and knows from the signature inside that it is from\n           {from}"
    ));

    let receiver_swarm = network.chain.swarm_of(&AnyId::from_bytes(*to.as_bytes()));
    let table = table(
        &network,
        &sending.deeds(),
        &receiving.deeds(),
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
        "from": message.from.to_string(),
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
            add(
                route.destination.ed25519,
                format!("answered {who}'s {method}"),
            );
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
