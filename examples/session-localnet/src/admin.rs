//! Hurting the network on purpose, and looking at it: the status page and its orders.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use session_types::{AnyId, SwarmId};
use tokio::sync::Mutex;

use crate::chain::{Chain, Change};
use crate::fault::{parse_clock, parse_slow};
use crate::founding::Founder;
use crate::ledger::{LEAST, Ledger, Urls};
use crate::node::Node;
use crate::push::follow;
use crate::server::{Call, Reply};
use crate::servers::Servers;
use crate::token::Access;
use crate::traffic::Traffic;

/// The status page.
const PAGE: &str = include_str!("status.html");

/// An order to the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// `down`, `up`, `slow`, `lie`, `clock`, `udp`, `move`, `dissolve`, `join` or `leave`; for a server `full` too;
    /// for communities `room`, `admin`, `moderator`, `ban` or `unban`.
    pub action: String,
    /// The node: its address, or the beginning of its Ed25519 key in hex. For `join` none is a new one. Or a
    /// server: `file`, `community` or `push`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// For `slow` and `clock` ms, for `lie` the lie or nothing, for `udp` `block` or `pass`, for `move` the swarm in hex, for `join`
    /// the same or nothing, for `full` `on` or `off`, for `room` its token and name, for `admin` and
    /// `moderator` the room and an id, for `ban` and `unban` an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// For `dissolve` the swarm in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swarm: Option<String>,
}

/// Everything that an order can be about.
#[derive(Debug, Clone)]
pub struct Admin {
    chain: Arc<Chain>,
    nodes: Nodes,
    traffic: Arc<Traffic>,
    ledger: Arc<Ledger>,
    founder: Arc<Founder>,
    urls: Urls,
    access: Access,
    servers: Option<Arc<Servers>>,
    /// One change of the list after the other.
    changing: Arc<Mutex<()>>,
}

/// The nodes that run, those that have joined or left included.
#[derive(Debug, Clone, Default)]
pub struct Nodes(Arc<RwLock<Vec<Arc<Node>>>>);

impl Nodes {
    /// All of them.
    pub fn all(&self) -> Vec<Arc<Node>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One more.
    pub fn add(&self, node: Arc<Node>) {
        let mut nodes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        nodes.push(node);
    }
}

impl Admin {
    /// The admin of a network.
    #[expect(
        clippy::too_many_arguments,
        reason = "everything that an order can be about"
    )]
    pub(crate) fn new(
        chain: Arc<Chain>,
        nodes: Nodes,
        traffic: Arc<Traffic>,
        ledger: Arc<Ledger>,
        founder: Arc<Founder>,
        urls: Urls,
        access: Access,
        servers: Option<Arc<Servers>>,
    ) -> Self {
        Self {
            chain,
            nodes,
            traffic,
            ledger,
            founder,
            urls,
            access,
            servers,
            changing: Arc::default(),
        }
    }

    /// Token that authorizes orders.
    pub const fn access(&self) -> &Access {
        &self.access
    }

    /// The nodes that run, those that have joined or left included.
    pub fn nodes(&self) -> Vec<Arc<Node>> {
        self.nodes.all()
    }

    /// Answers a request to the status page. None if the path is another one.
    pub async fn handle(&self, call: &Call) -> Option<Reply> {
        let device = call.path.strip_prefix("/notifications/");
        let is_page = matches!(call.path.as_str(), "/" | "/status" | "/ctl") || device.is_some();
        if is_page && !self.access.is_host(&call.headers) {
            return Some(Reply::text(421, "this is not the host of the status page"));
        }
        Some(match (&call.method, call.path.as_str()) {
            (&Method::GET, "/") => Reply {
                content_type: "text/html; charset=utf-8",
                ..Reply::text(200, PAGE)
            },
            (&Method::GET | &Method::POST, "/status") => {
                let since = call
                    .query
                    .strip_prefix("since=")
                    .and_then(|text| text.parse().ok());
                Reply::json(200, self.status(since.unwrap_or(0)).await.to_string())
            }
            (&Method::GET, _) if device.is_some() => {
                let since = call.query.strip_prefix("since=");
                let since = since.and_then(|text| text.parse().ok()).unwrap_or(0);
                self.notifications(device?, since).await
            }
            (&Method::POST, "/ctl") => {
                // A page of another origin can send a form, but not this type without asking first.
                let kind = call.headers.get(hyper::header::CONTENT_TYPE);
                if kind.is_none_or(|kind| kind != "application/json") {
                    let said = json!({"said": "application/json is expected"});
                    return Some(Reply::json(415, said.to_string()));
                }
                if let Some(said) = self.access.refusal(&call.headers) {
                    return Some(Reply::json(403, json!({ "said": said }).to_string()));
                }
                let outcome = match serde_json::from_slice::<Order>(&call.body) {
                    Ok(order) => self.obey(&order).await,
                    Err(error) => Err(format!("not an order: {error}")),
                };
                match outcome {
                    Ok(said) => Reply::json(200, json!({ "said": said }).to_string()),
                    Err(said) => Reply::json(400, json!({ "said": said }).to_string()),
                }
            }
            _ => return None,
        })
    }

    /// The state of the network, with the traffic after step `since`.
    async fn status(&self, since: u64) -> Value {
        let servers = match &self.servers {
            Some(servers) => servers.status().await,
            None => vec![],
        };
        let (seq, traffic) = self.traffic.since(since);
        let mut per_swarm: BTreeMap<SwarmId, (usize, u64)> = self
            .chain
            .swarms()
            .into_iter()
            .map(|id| (id, (0, 0)))
            .collect();
        let running = self.nodes.all();
        let nodes: Vec<Value> = running
            .iter()
            .map(|node| {
                let fault = node.faults.now();
                let stored = node.store().count().unwrap_or(0);
                let connections = node.connections();
                let record = self.chain.node(node.public());
                let swarm = record.map(|record| record.swarm_id);
                let swarm = swarm.filter(|swarm| swarm.is_assigned());
                if let Some((members, messages)) = swarm.and_then(|id| per_swarm.get_mut(&id)) {
                    *members += 1;
                    // All members should keep the same; the fullest is what there is.
                    *messages = stored.max(*messages);
                }
                json!({
                    "ed25519": node.name(),
                    "address": node.address().to_string(),
                    "swarm": swarm.map(|swarm| swarm.to_string()),
                    "listed": record.is_some(),
                    "up": node.is_up(),
                    "slow_ms": u64::try_from(fault.slow.as_millis()).unwrap_or(u64::MAX),
                    "lie": fault.lie,
                    "clock_ms": fault.clock_ms,
                    "udp_blocked": fault.udp_blocked,
                    "quic": {"clients": connections.0, "nodes": connections.1,
                        "subscriptions": node.subscriptions()},
                    "stored": stored,
                    "onions": node.onions(),
                })
            })
            .collect();
        let swarms: Vec<Value> = per_swarm
            .iter()
            .map(|(id, (members, messages))| {
                json!({"id": id.to_string(), "nodes": members, "messages": messages})
            })
            .collect();
        let onions: u64 = running.iter().map(|node| node.onions()).sum();
        json!({"seq": seq, "traffic": traffic, "nodes": nodes, "swarms": swarms, "onions": onions,
            "servers": servers})
    }

    /// The notifications for a device. Its token is its name for the push server and what it must show here.
    async fn notifications(&self, device: &str, since: u64) -> Reply {
        let Some(servers) = &self.servers else {
            return Reply::text(404, "Not Found");
        };
        match servers.notifications(device, since).await {
            Ok(queue) => Reply::json(200, json!({ "notifications": queue }).to_string()),
            Err(error) => Reply::text(500, error),
        }
    }

    fn find(&self, name: Option<&str>) -> Result<Arc<Node>, String> {
        let name = name.ok_or("which node?")?;
        let address: Option<IpAddr> = name.parse().ok();
        let fits = |node: &&Arc<Node>| match address {
            Some(address) => node.address().ip() == address,
            None => {
                node.address().to_string() == name
                    || (!name.is_empty() && node.name().starts_with(&name.to_ascii_lowercase()))
            }
        };
        let nodes = self.nodes.all();
        let mut found = nodes.iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(node), None) => Ok(Arc::clone(node)),
            (None, _) => {
                let known = nodes.iter().map(|node| node.address().to_string());
                let known = known.collect::<Vec<_>>().join(", ");
                Err(format!("there is no node `{name}`; there are {known}"))
            }
            (Some(_), Some(_)) if address.is_some() => {
                Err(format!("several nodes are at {name}: add the port"))
            }
            (Some(_), Some(_)) => Err(format!("`{name}` is the beginning of several keys")),
        }
    }

    /// Carries out an order and says what happened.
    ///
    /// # Errors
    ///
    /// A sentence that says why it cannot be carried out.
    pub async fn obey(&self, order: &Order) -> Result<String, String> {
        let value = order.value.as_deref().unwrap_or("");
        if order.action == "dissolve" {
            let swarm = parse_swarm(order.swarm.as_deref().unwrap_or(value))?;
            return if self.change_chain(Change::Dissolve(swarm)).await? {
                Ok(format!(
                    "swarm {swarm} is dissolved; its messages have moved"
                ))
            } else {
                Err(format!("there is no swarm {swarm}, or no other one"))
            };
        }
        if order.action == "join" {
            return self.join(order.node.as_deref(), value).await;
        }
        if Servers::is_for_community(&order.action) {
            let servers = self.servers.as_ref();
            let servers = servers.ok_or("no servers run in this network")?;
            return servers.govern(&order.action, value).await;
        }
        let server = self.servers.as_ref().zip(order.node.as_deref());
        if let Some(server) = server.and_then(|(servers, name)| servers.named(name)) {
            return server.obey(&order.action, value).await;
        }
        let node = self.find(order.node.as_deref())?;
        let name: String = node.name().chars().take(12).collect();
        match order.action.as_str() {
            "down" => {
                node.down();
                Ok(format!("node {name} is down"))
            }
            "up" => {
                node.up().await.map_err(|error| error.to_string())?;
                Ok(format!("node {name} is up"))
            }
            "slow" => {
                let slow = parse_slow(value)?;
                node.faults.change(|fault| fault.slow = slow);
                let ms = slow.as_millis();
                Ok(format!("node {name} waits {ms} ms before it answers"))
            }
            "lie" => {
                let lie = match value {
                    "" | "honest" => None,
                    lie => Some(lie.parse()?),
                };
                node.faults.change(|fault| fault.lie = lie);
                Ok(match lie {
                    Some(lie) => format!("node {name} lies: {lie}"),
                    None => format!("node {name} is honest"),
                })
            }
            "clock" => {
                let ms = parse_clock(value)?;
                node.faults.change(|fault| fault.clock_ms = ms);
                Ok(format!("the clock of node {name} is shifted by {ms} ms"))
            }
            "udp" => {
                let blocked = match value {
                    "block" => true,
                    "pass" => false,
                    _ => return Err("`udp` takes block or pass".to_owned()),
                };
                node.faults.change(|fault| fault.udp_blocked = blocked);
                Ok(match blocked {
                    true => format!("UDP of clients does not reach node {name}"),
                    false => format!("UDP of clients reaches node {name}"),
                })
            }
            "move" => {
                let swarm = parse_swarm(value)?;
                let node = *node.public();
                if !self.change_chain(Change::Move { node, swarm }).await? {
                    return Err(format!("node {name} is not in the list"));
                }
                Ok(format!(
                    "node {name} is in swarm {swarm}; messages have followed"
                ))
            }
            "leave" => {
                self.may_leave(&node)?;
                if !self.change_chain(Change::Leave(*node.public())).await? {
                    return Err(format!("node {name} is not in the list"));
                }
                Ok(format!("node {name} has left the list"))
            }
            other => Err(format!(
                "`{other}` is not an order; there are down, up, slow, lie, clock, udp, move, dissolve, join and \
                 leave, for servers full, and for communities room, admin, moderator, ban and unban"
            )),
        }
    }

    /// Brings a node into the list: one that has left it, or a new one.
    async fn join(&self, name: Option<&str>, swarm: &str) -> Result<String, String> {
        let swarm = match swarm {
            "" => self.chain.smallest_swarm().ok_or("there is no swarm")?,
            swarm => parse_swarm(swarm)?,
        };
        let node = match name {
            Some(name) => self.find(Some(name))?,
            None => {
                let made = self.founder.found(&self.ledger).await;
                let node = made.map_err(|error| error.to_string())?;
                self.nodes.add(Arc::clone(&node));
                node
            }
        };
        let short: String = node.name().chars().take(12).collect();
        let record = node.record_in(swarm);
        if !self.change_chain(Change::Join(record)).await? {
            return Err(format!("node {short} is in the list already"));
        }
        let address = node.address();
        Ok(format!(
            "node {short} at {address} is in the list, in swarm {swarm}"
        ))
    }

    /// A network needs a path, and a swarm a member that keeps its messages.
    fn may_leave(&self, node: &Node) -> Result<(), String> {
        let nodes = self.chain.nodes();
        if nodes.len() <= LEAST {
            return Err(format!("a network has at least {LEAST} nodes"));
        }
        let own = nodes.iter().find(|other| other.ed25519 == *node.public());
        let is_member = |swarm| nodes.iter().filter(|other| other.swarm_id == swarm).count();
        match own.map(|own| own.swarm_id) {
            Some(swarm) if swarm.is_assigned() && is_member(swarm) == 1 => Err(format!(
                "it is the last node of swarm {swarm}: move another one there, or dissolve it first"
            )),
            _ => Ok(()),
        }
    }

    /// Changes the list of nodes and lets the messages follow. False if nothing can change so.
    async fn change_chain(&self, change: Change) -> Result<bool, String> {
        let _one = self.changing.lock().await;
        let before = self.chain.nodes();
        let Some(after) = change.apply(&before) else {
            return Ok(false);
        };
        let unwritten = |error: io::Error| format!("the change cannot be written down: {error}");
        self.ledger.begin(&before, &after).map_err(unwritten)?;
        self.chain.replace(after.clone());
        self.nodes.all().iter().for_each(|node| node.list_changed());
        follow(&self.nodes.all(), &before, &after).await;
        self.ledger.finish().map_err(unwritten)?;
        let published = self.ledger.publish(&self.urls, &after);
        published.map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// The nodes that keep the messages of an account now.
    pub fn keepers(&self, account: &AnyId) -> Vec<Arc<Node>> {
        let swarm = self.chain.swarm_of(account);
        let is_member = |node: &&Arc<Node>| {
            let record = self.chain.node(node.public());
            swarm.is_some() && record.map(|record| record.swarm_id) == swarm
        };
        self.nodes.all().iter().filter(is_member).cloned().collect()
    }
}

fn parse_swarm(text: &str) -> Result<SwarmId, String> {
    let swarm: SwarmId = text
        .parse()
        .map_err(|_| format!("`{text}` is not a swarm id in hex"))?;
    if !swarm.is_assigned() {
        return Err("no swarm can have this id".to_owned());
    }
    Ok(swarm)
}
