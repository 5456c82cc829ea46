//! The swarm of an account as nodes report it: result of `get_swarm`, body of a 421 (protocol:
//! swarm, section 3.5).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use session_crypto::{Ed25519Public, X25519Public};
use session_swarm::ServiceNode;
use session_swarm::record::Version;
use session_types::{SwarmId, base32z, hex};

use crate::value::{Dict, Value};
use crate::{AnswerError, Stamp};

/// Maximum number of members.
const MAX_MEMBERS: usize = 1_000;

/// A swarm and its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmInfo {
    /// The id of the swarm; [`SwarmId::UNASSIGNED`] if the node knows no swarm.
    pub swarm: SwarmId,
    /// The members.
    pub nodes: Vec<ServiceNode>,
}

impl SwarmInfo {
    /// Returns the body. Answers end with a stamp; the body of a 421 has none.
    #[must_use]
    pub fn to_value(&self, stamp: Option<Stamp>) -> Value {
        let mut out = Dict::new();
        out.insert("swarm".into(), self.swarm.to_string().into());
        let nodes = self.nodes.iter().map(write_node).collect();
        out.insert("snodes".into(), Value::List(nodes));
        if let Some(stamp) = stamp {
            stamp.write(&mut out);
        }
        Value::Dict(out)
    }

    /// Parses the body. Members without a key or address are left out.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the body is malformed.
    pub fn from_value(body: &Value) -> Result<Self, AnswerError> {
        let nodes = body.get("snodes").and_then(Value::as_list);
        let nodes = nodes.ok_or(AnswerError::Field("snodes"))?;
        if nodes.len() > MAX_MEMBERS {
            return Err(AnswerError::TooLong(MAX_MEMBERS));
        }
        let swarm = body.get("swarm").and_then(Value::as_text);
        let swarm = swarm.and_then(|swarm| swarm.parse().ok());
        let swarm = swarm.ok_or(AnswerError::Field("swarm"))?;
        let nodes = nodes
            .iter()
            .filter_map(|node| read_node(node, swarm))
            .collect();
        Ok(Self { swarm, nodes })
    }
}

fn write_node(node: &ServiceNode) -> Value {
    let key = |bytes: &[u8; 32]| Value::Text(hex::encode(bytes));
    let mut out = Dict::new();
    if let Some(legacy) = &node.legacy {
        let mut address: String = base32z::encode(legacy);
        address.push_str(".snode");
        out.insert("address".into(), address.into());
        out.insert("pubkey_legacy".into(), key(legacy));
    }
    if let Ok(x25519) = node.x25519.map_or_else(|| node.onion_key(), Ok) {
        out.insert("pubkey_x25519".into(), key(x25519.as_bytes()));
    }
    out.insert("pubkey_ed25519".into(), key(node.ed25519.as_bytes()));
    out.insert("port".into(), node.https_port.to_string().into());
    out.insert("port_https".into(), u64::from(node.https_port).into());
    out.insert("port_omq".into(), u64::from(node.omq_port).into());
    out.insert("port_quic".into(), u64::from(node.omq_port).into());
    out.insert("ip".into(), node.ip.to_string().into());
    Value::Dict(out)
}

fn read_node(node: &Value, swarm_id: SwarmId) -> Option<ServiceNode> {
    let key = |name| hex::decode(node.get(name)?.as_text()?);
    let port = |name| u16::try_from(node.get(name)?.as_u64()?).ok();
    let ip: Ipv4Addr = node.get("ip")?.as_text()?.parse().ok()?;
    if ip.is_unspecified() {
        return None;
    }
    Some(ServiceNode {
        ed25519: Ed25519Public::from_bytes(key("pubkey_ed25519")?),
        x25519: key("pubkey_x25519").map(X25519Public::from_bytes),
        legacy: key("pubkey_legacy"),
        ip,
        https_port: port("port_https").unwrap_or(0),
        omq_port: port("port_omq").unwrap_or(0),
        version: Version::default(),
        swarm_id,
        requested_unlock_height: 0,
    })
}
