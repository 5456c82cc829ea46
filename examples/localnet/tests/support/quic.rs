//! Requests to nodes over QUIC.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use session_crypto::{Ed25519PublicExt, Ed25519Secret};
use session_localnet::admin::Order;
use session_localnet::network::Network;
use session_localnet::node::Node;
use session_sdk::quic::{
    Answer, Command, Connect, ConnectError, Link, client_endpoint, connect, quinn,
};
use session_storage::quic::{Reply, unwrap};
use session_storage::value::Value;
use session_storage::{Body, Call as _, Store};
use session_types::{AnyId, Namespace, SealedMessage, UnixMillis};
use tokio::sync::mpsc;

use super::World;

pub const LIMIT: Duration = Duration::from_secs(5);

pub fn endpoint() -> quinn::Endpoint {
    client_endpoint(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

pub async fn join(node: &Node, how: Connect<'_>) -> Result<quinn::Connection, ConnectError> {
    connect(&endpoint(), node.address(), how.within(LIMIT)).await
}

pub async fn client_of(node: &Node) -> (Link, mpsc::Receiver<Command>) {
    let connection = join(node, Connect::client(*node.public())).await.unwrap();
    Link::opening(connection, 2).await.unwrap()
}

pub async fn ask(link: &Link, endpoint: &str, body: &[u8]) -> Answer {
    let asked = link.request(0, endpoint.as_bytes(), body.to_vec(), LIMIT);
    asked.await.unwrap()
}

pub fn error(text: &str) -> Answer {
    Answer::Error(text.into())
}

pub fn user() -> (Ed25519Secret, AnyId) {
    let secret = Ed25519Secret::from_seed(&[1; 32]);
    let account = secret.public().to_account_id().unwrap();
    (secret, account.into())
}

pub fn now() -> UnixMillis {
    UnixMillis::new(session_localnet::fault::now_ms(0))
}

pub fn store(account: AnyId, text: &str) -> Store {
    let message = SealedMessage {
        namespace: Namespace::DEFAULT,
        ttl: Duration::from_secs(600),
        data: text.into(),
    };
    Store::new(account, message, now()).unwrap()
}

/// A member of the swarm of an account, and a node of another swarm.
pub fn inside_and_outside(network: &Network, account: &AnyId) -> (Arc<Node>, Arc<Node>) {
    let swarm = network.chain.swarm_of(account);
    let is_member = |node: &&Arc<Node>| {
        network
            .chain
            .node(node.public())
            .map(|record| record.swarm_id)
            == swarm
    };
    let inside = network.nodes.iter().find(is_member).unwrap();
    let outside = network.nodes.iter().find(|node| !is_member(node)).unwrap();
    (Arc::clone(inside), Arc::clone(outside))
}

/// Number of members that have provably stored a message, according to the reply to it.
pub fn stored_by(call: &Store, reply: Answer) -> usize {
    let body = structure(reply);
    let answer = call.read_answer(&body).unwrap();
    answer.verify(call, |_| true).done.len()
}

/// What a reply or an error holds.
pub fn structure(answer: Answer) -> Value {
    let (is_error, body) = match answer {
        Answer::Reply(body) => (false, body),
        Answer::Error(body) => (true, body),
    };
    match unwrap(&Reply { is_error, body }).unwrap().body {
        Body::Structure(body) => body,
        other => panic!("{other:?}"),
    }
}

/// Carries out an order about a node.
pub async fn obey(network: &Network, action: &str, node: &Node, value: Option<&str>) {
    let order = Order {
        action: action.into(),
        node: Some(node.name()),
        value: value.map(Into::into),
        swarm: None,
    };
    network.admin.obey(&order).await.unwrap();
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The secret key of a node.
pub fn secret_of(world: &World, node: &Node) -> Ed25519Secret {
    let keys = std::fs::read(world.folder.path().join("keys.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_slice(&keys).unwrap();
    let seeds = keys.as_array().unwrap().iter();
    let seeds = seeds.map(|key| const_hex::decode_to_array(key["seed"].as_str().unwrap()).unwrap());
    let mut secrets = seeds.map(|seed| Ed25519Secret::from_seed(&seed));
    secrets
        .find(|secret| secret.public() == *node.public())
        .unwrap()
}
