//! One message from one account to another, through all the roles: two clients, a guard, a relay, and
//! the node that stores it. Then configs, a community and a network: every published crate is used.
//! No std: this links into firmware, into a
//! browser and into nothing at all.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod account;
mod generator;

use alloc::vec::Vec;

use generator::Generator;
use session_crypto::Ed25519Secret;
use session_identity::{Account, Language, Seed};
use session_message::{Opener, Sealer, UnixMillis};
use session_message::content::Content;
use session_onion::client::{Hop, Request as Onion, self};
use session_onion::node::{Arrival, Node, Peeled, ReplyBody};
use session_storage::{Call, Checks, Entry, Request, Stamp, Store, StoreEntry, SwarmAnswer, SwarmCall};
use session_storage::value::Value;
use session_swarm::SwarmRing;
use session_types::{AnyId, SwarmId};

const NOW_MS: u64 = 1_795_377_199_099;
const TEXT: &str = "hello from nowhere";

/// The failed step: the exit status of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    Identity = 1,
    Seal,
    Swarm,
    Build,
    Guard,
    Relay,
    Store,
    Reply,
    Answer,
    Open,
    Config,
    Community,
    Other,
}

fn node(number: u8) -> (Ed25519Secret, Node) {
    let secret = Ed25519Secret::from_seed(&[number; 32]);
    let node = Node::new(secret.public(), secret.to_x25519());
    (secret, node)
}

/// Sends a message and receives it.
///
/// # Errors
///
/// The step that failed.
pub fn send_to_self() -> Result<(), Step> {
    let mut rng = Generator::new(*b"not random, and for a check only");

    // Two accounts; the recipient's comes back from its recovery phrase.
    let sender = Account::from_seed(&Seed::generate(&mut rng));
    let seed = Seed::generate(&mut rng);
    let phrase = seed.to_phrase(Language::English);
    let recipient = Account::from_seed(&seed);
    let recipient =
        Account::restore(&phrase, Language::English, recipient.id()).map_err(|_| Step::Identity)?;

    // The sender seals, and finds the swarm.
    let content = Content::text(TEXT);
    let sealed = Sealer::new(&sender)
        .seal_direct(&mut rng, recipient.id(), &content, UnixMillis::new(NOW_MS))
        .map_err(|_| Step::Seal)?;
    let account = AnyId::from_bytes(recipient.id().to_bytes());
    let ring: SwarmRing = [3, 1 << 62, 1 << 63]
        .map(SwarmId::new)
        .into_iter()
        .collect();
    let swarm = ring.swarm_of(&account).ok_or(Step::Swarm)?;
    let store = Store::new(account, sealed, UnixMillis::new(NOW_MS)).map_err(|_| Step::Store)?;

    // Through two nodes to a third.
    let [guard, relay, destination] = [1, 2, 3].map(node);
    let hop = |node: &Node| Hop::new(*node.ed25519(), *node.x25519());
    let path = [hop(&guard.1), hop(&relay.1)];
    let (last, body) = (hop(&destination.1), store.to_json());
    let onion =
        client::seal(&mut rng, &path, &Onion::storage(&last, &body)).map_err(|_| Step::Build)?;
    let arrival = Arrival::https(&onion.packet).map_err(|_| Step::Guard)?;
    let Ok(Peeled::Relay(to_relay)) = guard.1.peel(&mut rng, &arrival, &[]) else {
        return Err(Step::Guard);
    };
    let message = to_relay.message();
    let arrival = Arrival::node(&message).map_err(|_| Step::Relay)?;
    let Ok(Peeled::Relay(to_last)) = relay.1.peel(&mut rng, &arrival, &[]) else {
        return Err(Step::Relay);
    };
    let message = to_last.message();
    let arrival = Arrival::node(&message).map_err(|_| Step::Store)?;
    let Ok(Peeled::Deliver(deliver)) = destination.1.peel(&mut rng, &arrival, &[]) else {
        return Err(Step::Store);
    };

    // The node checks the request, stores, and signs that it did.
    let (stored, answer) = serve(&deliver.body, &ring, swarm, &destination.0).ok_or(Step::Store)?;
    let text = answer.to_json_text();
    let reply = deliver.reply(&mut rng, 200, ReplyBody::Text(&text));

    // The sender verifies the signature of the node.
    let reply = onion
        .reply_key
        .open(reply.status, &reply.body)
        .map_err(|_| Step::Reply)?;
    let body = Value::from_json(&reply.body.unwrap_or_default()).map_err(|_| Step::Answer)?;
    let answer = store.read_answer(&body).map_err(|_| Step::Answer)?;
    let verified = answer.verify(&store, |key| *key == destination.0.public());
    if !verified.is_success() || verified.done.len() != 1 {
        return Err(Step::Answer);
    }

    // The recipient opens what the node has stored.
    let opened = Opener::new(&recipient).open_direct(&stored).map_err(|_| Step::Open)?;
    if opened.sender != *sender.id() || opened.content.as_text() != Some(TEXT) {
        return Err(Step::Open);
    }

    // What else an account has.
    let now = UnixMillis::new(NOW_MS);
    account::post(&recipient, &mut rng, now).ok_or(Step::Community)?;
    account::sync(recipient, &sender, now).ok_or(Step::Config)?;
    account::others(&mut rng, now).ok_or(Step::Other)
}

/// The work of a storage node: what it stores and what it answers.
fn serve(
    body: &[u8],
    ring: &SwarmRing,
    swarm: SwarmId,
    node: &Ed25519Secret,
) -> Option<(Vec<u8>, Value)> {
    let Ok(Request::Store(store)) = Request::from_json(body) else {
        return None;
    };
    let checks = Checks {
        now: UnixMillis::new(NOW_MS),
        hf: [19, 4],
        forwarded: false,
        serves: &|account| ring.swarm_of(account) == Some(swarm),
        is_revoked: &|_, _| false,
    };
    store.check(&checks).ok()?;
    let entry = StoreEntry {
        hash: store.hash(),
        expiry: store.expiry(),
        already: false,
    };
    let mut answer = SwarmAnswer::new(Stamp {
        t: UnixMillis::new(NOW_MS),
        hf: [19, 4],
    });
    let signed = store.sign_entry(node, entry);
    answer.entries.insert(node.public(), Entry::Done(signed));
    Some((store.data, answer.to_value(&node.public())))
}
