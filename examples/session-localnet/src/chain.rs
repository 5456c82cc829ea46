//! What stands in for the chain: the list of service nodes with their swarms.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use getrandom::SysRng;
use getrandom::rand_core::{Rng, UnwrapErr};
use session_crypto::{Blake2b, Ed25519Public};
use session_storage::value::Value;
use session_storage::{NetworkState, ServiceNodesRequest, ServiceNodesState, SwarmInfo};
use session_swarm::record::ServiceNode;
use session_swarm::ring::SwarmRing;
use session_types::{AnyId, SwarmId};

/// The hard fork of the network, major and minor.
pub const HARD_FORK: [u64; 2] = [19, 4];
/// The version of the storage server whose answers the nodes give.
pub const VERSION: [u16; 3] = [2, 8, 0];
/// The height at the start: about that of the deployed chain, which requests can ask for.
const START: u64 = 1_600_000;

/// The chain. It grows by a block whenever the list changes.
#[derive(Debug)]
pub struct Chain {
    top: RwLock<Block>,
    steady: RwLock<()>,
}

#[derive(Debug)]
struct Block {
    height: u64,
    nodes: Vec<ServiceNode>,
    ring: SwarmRing,
}

impl Chain {
    /// A chain with these nodes.
    pub fn new(nodes: Vec<ServiceNode>) -> Self {
        let ring = ring_of(&nodes);
        Self {
            top: RwLock::new(Block {
                height: START,
                nodes,
                ring,
            }),
            steady: RwLock::default(),
        }
    }

    fn top(&self) -> RwLockReadGuard<'_, Block> {
        self.top.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// All nodes.
    pub fn nodes(&self) -> Vec<ServiceNode> {
        self.top().nodes.clone()
    }

    /// A node by its Ed25519 key.
    pub fn node(&self, key: &Ed25519Public) -> Option<ServiceNode> {
        self.top()
            .nodes
            .iter()
            .find(|node| node.ed25519 == *key)
            .copied()
    }

    /// The ids of the swarms, ascending.
    pub fn swarms(&self) -> Vec<SwarmId> {
        self.top().ring.ids().collect()
    }

    /// The swarm with the fewest nodes.
    pub fn smallest_swarm(&self) -> Option<SwarmId> {
        let top = self.top();
        let size = |swarm: &SwarmId| {
            let members = top.nodes.iter();
            members.filter(|node| node.swarm_id == *swarm).count()
        };
        top.ring.ids().min_by_key(size)
    }

    /// The swarm of an account.
    pub fn swarm_of(&self, account: &AnyId) -> Option<SwarmId> {
        self.top().ring.swarm_of(account)
    }

    /// The members of the swarm of a node, without that node.
    pub fn swarm_members(&self, of: &Ed25519Public) -> Vec<ServiceNode> {
        let top = self.top();
        let Some(own) = top.nodes.iter().find(|node| node.ed25519 == *of) else {
            return vec![];
        };
        let is_member = |node: &&ServiceNode| node.swarm_id == own.swarm_id && node.ed25519 != *of;
        top.nodes.iter().filter(is_member).copied().collect()
    }

    /// The swarm of an account with its members; with `lie`, another swarm if there is one.
    pub fn swarm_info(&self, account: &AnyId, lie: bool) -> SwarmInfo {
        let top = self.top();
        let right = top.ring.swarm_of(account);
        let wrong = top.ring.ids().find(|id| lie && Some(*id) != right);
        let swarm = wrong.or(right).unwrap_or(SwarmId::UNASSIGNED);
        let members = top.nodes.iter().filter(|node| node.swarm_id == swarm);
        SwarmInfo {
            swarm,
            nodes: members.copied().collect(),
        }
    }

    /// What conditions of a request can be about.
    pub fn state(&self) -> NetworkState {
        NetworkState {
            hf: HARD_FORK,
            version: VERSION.map(u64::from),
            height: self.top().height,
        }
    }

    /// The chain daemon's answer to a request for the list of nodes.
    pub fn service_nodes(&self, params: Option<&Value>) -> Value {
        let request = ServiceNodesRequest::from_params(params);
        self.with_state(params, |state| request.result(state))
    }

    /// Hands the state of the daemon to `read`, with the nodes that the parameters choose (protocol:
    /// swarm, section 3.1).
    pub fn with_state<T>(
        &self,
        params: Option<&Value>,
        read: impl FnOnce(&ServiceNodesState<'_>) -> T,
    ) -> T {
        let top = self.top();
        let hash = Blake2b::<32>::personal(b"localnet_block__").chain(&top.height.to_be_bytes());
        read(&ServiceNodesState {
            nodes: &chosen(&top.nodes, params),
            height: top.height,
            block_hash: &const_hex::encode(hash.finalize()),
            hardfork: HARD_FORK[0],
        })
    }

    /// Puts a node into a swarm, which is made if it is not there; no message moves. False if there
    /// is no such node.
    pub fn move_node(&self, node: &Ed25519Public, swarm: SwarmId) -> bool {
        let change = Change::Move { node: *node, swarm };
        let after = change.apply(&self.nodes());
        after.map(|after| self.replace(after)).is_some()
    }

    /// Replaces the list, when no node is in the middle of something.
    pub fn replace(&self, nodes: Vec<ServiceNode>) {
        let _steady = self.steady.write().unwrap_or_else(PoisonError::into_inner);
        let mut top = self.top.write().unwrap_or_else(PoisonError::into_inner);
        top.height += 1;
        top.ring = ring_of(&nodes);
        top.nodes = nodes;
    }

    /// Sets the list that there was from the start.
    pub fn found(&self, nodes: Vec<ServiceNode>) {
        let mut top = self.top.write().unwrap_or_else(PoisonError::into_inner);
        top.ring = ring_of(&nodes);
        top.nodes = nodes;
    }

    /// As long as this is held the list stays as it is: what a node stores after it has looked
    /// whether it serves an account, it has stored before the list changes. To be taken once at a
    /// time.
    pub fn steady(&self) -> RwLockReadGuard<'_, ()> {
        self.steady.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A node goes to a swarm, which is made if it is not there.
    Move {
        /// The node.
        node: Ed25519Public,
        /// The swarm.
        swarm: SwarmId,
    },
    /// A swarm is taken away; its nodes go to the remaining ones, one after the other to the
    /// smallest.
    Dissolve(SwarmId),
    /// A node comes into the list.
    Join(ServiceNode),
    /// A node leaves the list.
    Leave(Ed25519Public),
}

impl Change {
    /// The list afterwards; none if there is no such node or swarm, or no other swarm, or if the node
    /// that joins is there already.
    pub fn apply(&self, nodes: &[ServiceNode]) -> Option<Vec<ServiceNode>> {
        let mut nodes = nodes.to_vec();
        match *self {
            Self::Move { node, swarm } => {
                let node = nodes.iter_mut().find(|other| other.ed25519 == node)?;
                node.swarm_id = swarm;
            }
            Self::Dissolve(swarm) => {
                let mut sizes: BTreeMap<SwarmId, usize> = BTreeMap::new();
                for node in nodes.iter().filter(|node| node.swarm_id.is_assigned()) {
                    *sizes.entry(node.swarm_id).or_default() += 1;
                }
                sizes.remove(&swarm)?;
                for node in nodes.iter_mut().filter(|node| node.swarm_id == swarm) {
                    let (smallest, size) = sizes.iter_mut().min_by_key(|(_, size)| **size)?;
                    *size += 1;
                    node.swarm_id = *smallest;
                }
            }
            Self::Join(node) => {
                if nodes.iter().any(|other| other.ed25519 == node.ed25519) {
                    return None;
                }
                nodes.push(node);
            }
            Self::Leave(node) => {
                let index = nodes.iter().position(|other| other.ed25519 == node)?;
                nodes.remove(index);
            }
        }
        Some(nodes)
    }
}

/// The nodes that are asked for by `service_node_pubkeys` and `limit`.
fn chosen(nodes: &[ServiceNode], params: Option<&Value>) -> Vec<ServiceNode> {
    let get = |name| params.and_then(|params| params.get(name));
    let mut nodes = nodes.to_vec();
    if let Some(keys) = get("service_node_pubkeys").and_then(Value::as_list) {
        let keys: Vec<&str> = keys.iter().filter_map(Value::as_text).collect();
        let is_asked = |legacy: [u8; 32]| keys.contains(&const_hex::encode(legacy).as_str());
        nodes.retain(|node| node.legacy.is_some_and(is_asked));
    }
    let limit = get("limit").and_then(Value::as_i64).unwrap_or(0);
    if limit != 0 {
        nodes.sort_by_cached_key(|_| UnwrapErr(SysRng).next_u64());
    }
    if let Ok(limit @ 1..) = usize::try_from(limit) {
        nodes.truncate(limit);
    }
    nodes
}

fn ring_of(nodes: &[ServiceNode]) -> SwarmRing {
    nodes.iter().map(|node| node.swarm_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_swarm::record::Version;

    fn node(number: u8) -> ServiceNode {
        ServiceNode {
            ed25519: Ed25519Public::from_bytes([number; 32]),
            x25519: None,
            legacy: Some([number; 32]),
            ip: [127, 0, number, 1].into(),
            https_port: 1,
            omq_port: 1,
            version: Version(VERSION),
            swarm_id: SwarmId::new(u64::from(number % 2)),
            requested_unlock_height: 0,
        }
    }

    #[test]
    fn a_request_chooses_nodes_by_key_and_number() {
        let nodes: Vec<ServiceNode> = (0..9).map(node).collect();
        let count = |params: &str| {
            let params = Value::from_json(params.as_bytes()).unwrap();
            let mut found = chosen(&nodes, Some(&params));
            found.sort_by_key(|node| node.ed25519);
            found.dedup();
            found.len()
        };
        for (params, expected) in [
            ("{}", 9),
            (r#"{"limit":3}"#, 3),
            (r#"{"limit":30}"#, 9),
            (r#"{"limit":0}"#, 9),
            (r#"{"limit":-1}"#, 9),
            (r#"{"limit":"3"}"#, 9),
            (r#"{"service_node_pubkeys":[]}"#, 0),
        ] {
            assert_eq!(count(params), expected, "{params}");
        }
        let one = format!(r#"{{"service_node_pubkeys":["{}","zz"]}}"#, "03".repeat(32));
        assert_eq!(count(&one), 1);
        // All of them, in another order nearly always.
        let shuffled = Value::from_json(br#"{"limit":-1}"#).unwrap();
        assert!((0..20).any(|_| chosen(&nodes, Some(&shuffled)) != nodes));
    }

    #[test]
    fn nodes_join_and_leave() {
        let nodes: Vec<ServiceNode> = (0..3).map(node).collect();
        let joined = Change::Join(node(3)).apply(&nodes).unwrap();
        assert_eq!(joined.len(), 4);
        assert_eq!(Change::Join(node(3)).apply(&joined), None);
        let left = Change::Leave(node(3).ed25519).apply(&joined).unwrap();
        assert_eq!(left, nodes);
        assert_eq!(Change::Leave(node(3).ed25519).apply(&nodes), None);
        assert_eq!(Chain::new(nodes).smallest_swarm(), Some(SwarmId::new(1)));
    }

    #[test]
    fn the_nodes_of_a_dissolved_swarm_go_to_the_smallest() {
        let mut nodes: Vec<ServiceNode> = (0..6).map(node).collect();
        nodes[5].swarm_id = SwarmId::new(2);
        let dissolve = Change::Dissolve(SwarmId::new(0));
        let after = dissolve.apply(&nodes).unwrap();
        let size = |swarm| {
            let swarm = SwarmId::new(swarm);
            after.iter().filter(|node| node.swarm_id == swarm).count()
        };
        assert_eq!((size(0), size(1), size(2)), (0, 3, 3));
        assert!(dissolve.apply(&after).is_none(), "there is none any more");
        let only: Vec<ServiceNode> = [0, 2, 4].map(node).into();
        assert!(dissolve.apply(&only).is_none(), "there is no other");
    }
}
