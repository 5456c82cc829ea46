//! The request for all nodes to the chain daemon, of a seed or behind a node, and its answer
//! (protocol: swarm, sections 3.1 to 3.3).

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use session_swarm::ServiceNode;
use session_types::hex;

use crate::value::{Dict, Value};

/// The fields of a node that clients use.
const CLIENT_FIELDS: [&str; 8] = [
    "pubkey_ed25519",
    "pubkey_x25519",
    "public_ip",
    "requested_unlock_height",
    "storage_lmq_port",
    "storage_port",
    "storage_server_version",
    "swarm_id",
];

/// The fields of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeFields {
    /// All.
    All,
    /// These fields.
    Only(BTreeSet<String>),
    /// All fields except these.
    Except(BTreeSet<String>),
}

impl NodeFields {
    fn contains(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(fields) => fields.contains(field),
            Self::Except(fields) => !fields.contains(field),
        }
    }

    /// Parses the old form, an object of truth values, and the new one, a list of names. In a list
    /// `all` stands for all fields, and a leading `-` excludes a field.
    fn from_value(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Dict(fields)) => {
                let wanted = fields
                    .iter()
                    .filter(|(_, wanted)| **wanted == Value::Bool(true));
                Self::Only(wanted.map(|(field, _)| field.clone()).collect())
            }
            Some(Value::List(fields)) => {
                let names: Vec<&str> = fields.iter().filter_map(Value::as_text).collect();
                let without = names.iter().filter_map(|name| name.strip_prefix('-'));
                let without: BTreeSet<String> = without.map(ToString::to_string).collect();
                if names.contains(&"all") {
                    return Self::Except(without);
                }
                let wanted = names.iter().filter(|name| !without.contains(**name));
                Self::Only(wanted.map(|name| (*name).into()).collect())
            }
            _ => Self::All,
        }
    }
}

/// `get_n_service_nodes` of a seed, `get_service_nodes` behind a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceNodesRequest {
    /// Whether to answer only nodes that are funded and not decommissioned.
    pub active_only: bool,
    /// The fields to answer.
    pub fields: NodeFields,
    /// The hash of a block: if it is the top block, the answer only states that nothing changed.
    pub poll_block_hash: Option<String>,
}

impl Default for ServiceNodesRequest {
    /// Asks for all active nodes with the fields that a client uses.
    fn default() -> Self {
        let fields = CLIENT_FIELDS.iter().copied().chain(["height"]);
        Self {
            active_only: true,
            fields: NodeFields::Only(fields.map(ToString::to_string).collect()),
            poll_block_hash: None,
        }
    }
}

impl ServiceNodesRequest {
    /// Returns the parameters.
    #[must_use]
    pub fn params(&self) -> Value {
        let mut out = Dict::new();
        out.insert("active_only".into(), self.active_only.into());
        match &self.fields {
            NodeFields::All => {}
            NodeFields::Only(fields) => {
                let fields = fields.iter().map(|field| (field.as_str(), true.into()));
                out.insert("fields".into(), Value::dict(fields));
            }
            NodeFields::Except(fields) => {
                let without = fields.iter().map(|field| alloc::format!("-{field}"));
                let names = core::iter::once("all".to_string()).chain(without);
                let names = names.map(Value::Text).collect();
                out.insert("fields".into(), Value::List(names));
            }
        }
        if let Some(hash) = &self.poll_block_hash {
            out.insert("poll_block_hash".into(), hash.as_str().into());
        }
        Value::Dict(out)
    }

    /// Parses the parameters. A parameter of the wrong type counts as absent.
    #[must_use]
    pub fn from_params(params: Option<&Value>) -> Self {
        let get = |name| params.and_then(|params| params.get(name));
        Self {
            active_only: get("active_only").and_then(Value::as_bool).unwrap_or(false),
            fields: NodeFields::from_value(get("fields")),
            poll_block_hash: get("poll_block_hash")
                .and_then(Value::as_text)
                .map(ToString::to_string),
        }
    }

    /// Encodes the body to send to `/json_rpc` of a seed.
    #[must_use]
    pub fn to_seed_json(&self) -> Vec<u8> {
        let body = Value::dict([
            ("jsonrpc", "2.0".into()),
            ("method", "get_n_service_nodes".into()),
            ("params", self.params()),
        ]);
        body.to_json()
    }

    /// Parses a body that was sent to `/json_rpc` of a seed. Returns `None` if it is another
    /// request.
    #[must_use]
    pub fn from_seed_json(body: &[u8]) -> Option<Self> {
        let body = Value::from_json(body).ok()?;
        match body.get("method")?.as_text()? {
            "get_service_nodes" | "get_n_service_nodes" | "get_all_service_nodes" => {
                Some(Self::from_params(body.get("params")))
            }
            _ => None,
        }
    }

    /// Returns the result of the daemon.
    #[must_use]
    pub fn result(&self, state: &ServiceNodesState<'_>) -> Value {
        let mut out = Dict::new();
        out.insert("status".into(), "OK".into());
        let mut put = |name: &str, value: Value| {
            if self.fields.contains(name) {
                out.insert(name.into(), value);
            }
        };
        put("height", state.height.into());
        put("block_hash", state.block_hash.into());
        put("hardfork", state.hardfork.into());
        if self.poll_block_hash.as_deref() == Some(state.block_hash) {
            out.insert("unchanged".into(), true.into());
            return Value::Dict(out);
        }
        let nodes = state.nodes.iter().map(|node| self.write(node)).collect();
        out.insert("service_node_states".into(), Value::List(nodes));
        Value::Dict(out)
    }

    /// Encodes the answer of a seed.
    #[must_use]
    pub fn to_seed_answer(&self, state: &ServiceNodesState<'_>) -> Vec<u8> {
        let body = Value::dict([("jsonrpc", "2.0".into()), ("result", self.result(state))]);
        body.to_json()
    }

    fn write(&self, node: &ServiceNode) -> Value {
        let key = |bytes: &[u8; 32]| Value::Text(hex::encode(bytes));
        let mut out = Dict::new();
        let mut put = |name: &str, value: Value| {
            if self.fields.contains(name) {
                out.insert(name.into(), value);
            }
        };
        put("active", true.into());
        put("funded", true.into());
        put("pubkey_ed25519", key(node.ed25519.as_bytes()));
        if let Some(x25519) = &node.x25519 {
            put("pubkey_x25519", key(x25519.as_bytes()));
        }
        if let Some(legacy) = &node.legacy {
            put("service_node_pubkey", key(legacy));
        }
        put("public_ip", node.ip.to_string().into());
        put("storage_port", u64::from(node.https_port).into());
        put("storage_lmq_port", u64::from(node.omq_port).into());
        put("storage_server_version", Value::version(node.version));
        put("swarm_id", node.swarm_id.get().into());
        put("swarm", node.swarm_id.to_string().into());
        put(
            "requested_unlock_height",
            node.requested_unlock_height.into(),
        );
        Value::Dict(out)
    }
}

/// The state of the chain as a daemon knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceNodesState<'a> {
    /// The active nodes.
    pub nodes: &'a [ServiceNode],
    /// Number of the newest block.
    pub height: u64,
    /// Hash of the newest block, in hex.
    pub block_hash: &'a str,
    /// The major hard fork.
    pub hardfork: u64,
}
