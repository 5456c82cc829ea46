//! What stands in for the chain: the list of service nodes with their swarms.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use session_crypto::{Blake2b, Ed25519Public};
use session_swarm::StorageAccount;
use session_swarm::record::{ServiceNode, ServiceNodesRequest, ServiceNodesState, SwarmInfo};
use session_swarm::ring::{SwarmId, SwarmRing};
use session_swarm::rpc::NetworkState;
use session_swarm::value::Value;

/// The hard fork of the network, major and minor.
pub const HARD_FORK: [u64; 2] = [19, 4];
/// The version of the storage server whose answers the nodes give.
pub const VERSION: [u16; 3] = [2, 8, 0];

/// The chain. It grows by a block whenever the list changes.
#[derive(Debug)]
pub struct Chain(RwLock<Block>);

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
        Self(RwLock::new(Block {
            height: 1,
            nodes,
            ring,
        }))
    }

    fn top(&self) -> RwLockReadGuard<'_, Block> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn top_mut(&self) -> RwLockWriteGuard<'_, Block> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
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

    /// The swarm of an account.
    pub fn swarm_of(&self, account: &StorageAccount) -> Option<SwarmId> {
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
    pub fn swarm_info(&self, account: &StorageAccount, lie: bool) -> SwarmInfo {
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
        self.with_state(|state| request.result(state))
    }

    /// Hands the state of the daemon to `read`.
    pub fn with_state<T>(&self, read: impl FnOnce(&ServiceNodesState<'_>) -> T) -> T {
        let top = self.top();
        let hash = Blake2b::<32>::personal(b"localnet_block__").chain(&top.height.to_be_bytes());
        read(&ServiceNodesState {
            nodes: &top.nodes,
            height: top.height,
            block_hash: &const_hex::encode(hash.finalize()),
            hardfork: HARD_FORK[0],
        })
    }

    /// Puts a node into a swarm, which is made if it is not there. False if there is no such node.
    pub fn move_node(&self, key: &Ed25519Public, swarm: SwarmId) -> bool {
        self.change(|nodes| {
            let node = nodes.iter_mut().find(|node| node.ed25519 == *key);
            node.map(|node| node.swarm_id = swarm).is_some()
        })
    }

    /// Takes a swarm away; its nodes go to the remaining swarms, one after the other to the
    /// smallest. False if there is no such swarm, or no other one.
    pub fn dissolve(&self, swarm: SwarmId) -> bool {
        self.change(|nodes| {
            let mut others: Vec<SwarmId> = nodes.iter().map(|node| node.swarm_id).collect();
            others.sort_unstable();
            others.dedup();
            let before = others.len();
            others.retain(|id| *id != swarm && id.is_assigned());
            if others.is_empty() || others.len() == before {
                return false;
            }
            for index in 0..nodes.len() {
                if nodes[index].swarm_id == swarm {
                    let size =
                        |id: &SwarmId| nodes.iter().filter(|node| node.swarm_id == *id).count();
                    let smallest = others.iter().copied().min_by_key(size);
                    nodes[index].swarm_id = smallest.unwrap_or(SwarmId::UNASSIGNED);
                }
            }
            true
        })
    }

    fn change(&self, change: impl FnOnce(&mut Vec<ServiceNode>) -> bool) -> bool {
        let mut top = self.top_mut();
        let changed = change(&mut top.nodes);
        if changed {
            top.height += 1;
            top.ring = ring_of(&top.nodes);
        }
        changed
    }
}

fn ring_of(nodes: &[ServiceNode]) -> SwarmRing {
    nodes.iter().map(|node| node.swarm_id).collect()
}
