//! The place of a node in the chain's list, and its tasks when the list changes (protocol: swarm,
//! section 6.2).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_swarm::SwarmRing;
use session_swarm::record::ServiceNode;
use session_types::{AnyId, SwarmId};

/// A node's view of the network: the list of the chain, and its own swarm.
#[derive(Debug, Clone)]
pub struct Membership {
    own: Ed25519Public,
    nodes: BTreeMap<Ed25519Public, ServiceNode>,
    ring: SwarmRing,
    swarm: SwarmId,
}

/// Messages to push to other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The recipients; at least one node.
    pub to: Vec<ServiceNode>,
    which: Which,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    All,
    /// The messages of accounts in this swarm of the new ring; `None` for all messages.
    Of(SwarmId, SwarmRing),
}

impl Handover {
    /// Returns whether the messages of an account are among them.
    #[must_use]
    pub fn covers(&self, account: &AnyId) -> bool {
        match &self.which {
            Which::All => true,
            Which::Of(swarm, ring) => ring.swarm_of(account) == Some(*swarm),
        }
    }
}

impl Membership {
    /// Creates the view of the node with this key. It is in no swarm and knows no other node.
    #[must_use]
    pub fn new(own: Ed25519Public) -> Self {
        Self {
            own,
            nodes: BTreeMap::new(),
            ring: SwarmRing::default(),
            swarm: SwarmId::UNASSIGNED,
        }
    }

    /// Applies a new list of the chain. A known node whose new record has no address keeps its old
    /// one.
    ///
    /// Returns which of the stored messages the node must push to which nodes:
    ///
    /// - none if the node is, or was, in no swarm;
    /// - none if it moved to another swarm and its old one still exists;
    /// - if its old swarm no longer exists, each message to the swarm of its account;
    /// - otherwise all messages to the new members of its swarm, and to each new swarm the messages
    ///   of its accounts.
    pub fn update(&mut self, list: impl IntoIterator<Item = ServiceNode>) -> Vec<Handover> {
        let with_address = |node: ServiceNode| {
            let known = self.nodes.get(&node.ed25519);
            known.map_or(node, |known| node.keeping_address_of(known))
        };
        let nodes: BTreeMap<_, _> = list
            .into_iter()
            .map(|node| (node.ed25519, with_address(node)))
            .collect();
        let ring = nodes.values().map(|node| node.swarm_id).collect();
        let own = nodes.get(&self.own);
        let swarm = own.map_or(SwarmId::UNASSIGNED, |own| own.swarm_id);
        let before = core::mem::replace(
            self,
            Self {
                own: self.own,
                nodes,
                ring,
                swarm,
            },
        );
        let mut handovers = self.handovers(&before);
        handovers.retain(|handover| !handover.to.is_empty());
        handovers
    }

    fn handovers(&self, before: &Self) -> Vec<Handover> {
        if !self.swarm.is_assigned() || !before.swarm.is_assigned() {
            return Vec::new();
        }
        if self.swarm != before.swarm {
            // Somebody stays behind who keeps the messages of the old swarm, unless it is gone.
            let is_dissolved = !self.ring.contains(before.swarm);
            let swarms = self.ring.ids().filter(|_| is_dissolved);
            return swarms.map(|swarm| self.to_swarm(swarm)).collect();
        }
        let known: BTreeSet<_> = before
            .members(before.swarm)
            .map(|node| node.ed25519)
            .collect();
        let mut newcomers = self.others(self.swarm);
        newcomers.retain(|node| !known.contains(&node.ed25519));
        let to_newcomers = Handover {
            to: newcomers,
            which: Which::All,
        };
        let new_swarms = self.ring.ids().filter(|id| !before.ring.contains(*id));
        let to_swarms = new_swarms.map(|swarm| self.to_swarm(swarm));
        core::iter::once(to_newcomers).chain(to_swarms).collect()
    }

    fn to_swarm(&self, swarm: SwarmId) -> Handover {
        Handover {
            to: self.others(swarm),
            which: Which::Of(swarm, self.ring.clone()),
        }
    }

    fn others(&self, swarm: SwarmId) -> Vec<ServiceNode> {
        let others = self.members(swarm).filter(|node| node.ed25519 != self.own);
        others.copied().collect()
    }

    /// Returns the node's own swarm; [`SwarmId::UNASSIGNED`] if it has none or is not in the list.
    #[must_use]
    pub const fn swarm(&self) -> SwarmId {
        self.swarm
    }

    /// Returns the swarms.
    #[must_use]
    pub const fn ring(&self) -> &SwarmRing {
        &self.ring
    }

    /// Returns a node of the list.
    #[must_use]
    pub fn node(&self, key: &Ed25519Public) -> Option<&ServiceNode> {
        self.nodes.get(key)
    }

    /// Returns the members of a swarm, in the order of their keys.
    pub fn members(&self, swarm: SwarmId) -> impl Iterator<Item = &ServiceNode> {
        let nodes = self.nodes.values();
        nodes.filter(move |node| node.swarm_id == swarm)
    }

    /// Returns whether the node is in the swarm of an account. Otherwise it answers with status
    /// 421.
    #[must_use]
    pub fn serves(&self, account: &AnyId) -> bool {
        self.swarm.is_assigned() && self.ring.swarm_of(account) == Some(self.swarm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use session_swarm::record::Version;

    fn node(number: u8, swarm: u64) -> ServiceNode {
        ServiceNode {
            ed25519: Ed25519Public::from_bytes([number; 32]),
            x25519: None,
            legacy: None,
            ip: [1, 1, 1, number].into(),
            https_port: 123,
            omq_port: 456,
            version: Version::default(),
            swarm_id: SwarmId::new(swarm),
            requested_unlock_height: 0,
        }
    }

    fn account(position: u64) -> AnyId {
        let mut id = [0; 33];
        id[25..].copy_from_slice(&position.to_be_bytes());
        AnyId::from_bytes(id)
    }

    /// Returns the pushes of node 1 when the list changes: numbers of nodes, and those of the
    /// positions 100, 200, 300, 400 and 500 that go there.
    fn pushes(before: &[(u8, u64)], after: &[(u8, u64)]) -> Vec<(Vec<u8>, Vec<u64>)> {
        let list = |list: &[(u8, u64)]| {
            let nodes = list.iter().map(|(number, swarm)| node(*number, *swarm));
            nodes.collect::<Vec<_>>()
        };
        let mut membership = Membership::new(Ed25519Public::from_bytes([1; 32]));
        assert_eq!(membership.update(list(before)), []);
        let handovers = membership.update(list(after));
        let to = |handover: &Handover| {
            let keys = handover.to.iter().map(|node| node.ed25519.as_bytes()[0]);
            let positions = [100, 200, 300, 400, 500];
            let positions = positions
                .into_iter()
                .filter(|at| handover.covers(&account(*at)));
            (keys.collect(), positions.collect())
        };
        handovers.iter().map(to).collect()
    }

    const NONE: u64 = u64::MAX;

    #[test]
    fn nothing_is_pushed_into_or_out_of_no_swarm() {
        assert_eq!(pushes(&[(2, 100)], &[(1, 100), (2, 100)]), []);
        assert_eq!(
            pushes(&[(1, NONE), (2, 100)], &[(1, 100), (2, 100), (3, 100)]),
            []
        );
        assert_eq!(
            pushes(&[(1, 100), (2, 100)], &[(1, NONE), (2, 100), (3, 100)]),
            []
        );
        assert_eq!(pushes(&[(1, 100), (2, 100)], &[(2, 100), (3, 100)]), []);
    }

    #[test]
    fn who_moves_pushes_only_if_nobody_stays_behind() {
        let before = [(1, 100), (2, 100), (3, 300), (4, 500)];
        assert_eq!(
            pushes(&before, &[(1, 300), (2, 100), (3, 300), (4, 500)]),
            []
        );
        let after = [(1, 300), (2, 500), (3, 300), (4, 500)];
        let expected = [
            (vec_of(&[3]), [100, 200, 300, 400].to_vec()),
            (vec_of(&[2, 4]), [500].to_vec()),
        ];
        assert_eq!(pushes(&before, &after), expected);
    }

    fn vec_of(numbers: &[u8]) -> Vec<u8> {
        numbers.to_vec()
    }

    #[test]
    fn new_members_get_everything_and_new_swarms_what_is_theirs() {
        let before = [(1, 100), (2, 100), (3, 500)];
        assert_eq!(pushes(&before, &before), []);
        let all = [100, 200, 300, 400, 500].to_vec();
        // One comes, one leaves, and one comes from another swarm.
        let after = [(1, 100), (3, 100), (4, 100), (5, 500)];
        assert_eq!(pushes(&before, &after), [(vec_of(&[3, 4]), all.clone())]);
        let after = [(1, 100), (2, 100), (3, 500), (4, 300), (5, 300), (6, 100)];
        let expected = [(vec_of(&[6]), all), (vec_of(&[4, 5]), [300, 400].to_vec())];
        assert_eq!(pushes(&before, &after), expected);
    }

    #[test]
    fn a_record_without_an_address_keeps_the_known_one() {
        let mut membership = Membership::new(Ed25519Public::from_bytes([1; 32]));
        let empty = ServiceNode {
            ip: [0; 4].into(),
            https_port: 0,
            omq_port: 0,
            ..node(1, 7)
        };
        let moved = ServiceNode {
            ip: [1, 2, 3, 4].into(),
            ..node(1, 7)
        };
        let key = Ed25519Public::from_bytes([1; 32]);
        for (list, expected) in [
            (empty, empty),
            (node(1, 7), node(1, 7)),
            (empty, node(1, 7)),
            (moved, moved),
        ] {
            membership.update([list]);
            assert_eq!(membership.node(&key), Some(&expected));
        }
    }

    #[test]
    fn a_node_serves_the_accounts_of_its_swarm_alone() {
        let mut membership = Membership::new(Ed25519Public::from_bytes([1; 32]));
        assert!(!membership.serves(&account(100)));
        membership.update([node(1, 100), node(2, 300)]);
        assert!(membership.serves(&account(100)));
        assert!(!membership.serves(&account(300)));
        membership.update([node(1, NONE), node(2, 300)]);
        assert!(!membership.serves(&account(300)));
        assert_eq!(membership.swarm(), SwarmId::UNASSIGNED);
    }

    proptest! {
        /// After any change, every member of the new swarm of an account has its messages, provided
        /// that all nodes push and that leaving nodes stay long enough to push.
        #[test]
        fn nothing_is_lost_when_swarms_come_or_grow(
            old in proptest::collection::vec(0u64..4, 4..12),
            added in proptest::collection::vec(0u64..6, 0..5),
            positions in proptest::collection::vec(any::<u64>(), 1..8),
        ) {
            let swarm = |index: u64| index * (u64::MAX / 6);
            let before: Vec<_> = (0..).zip(&old).map(|(number, index)| node(number, swarm(*index))).collect();
            let mut after = before.clone();
            after.extend((100..).zip(&added).map(|(number, index)| node(number, swarm(*index))));
            let accounts: Vec<_> = positions.iter().map(|position| account(*position)).collect();
            let old_ring: SwarmRing = before.iter().map(|node| node.swarm_id).collect();
            let new_ring: SwarmRing = after.iter().map(|node| node.swarm_id).collect();
            let mut has = BTreeSet::new();
            for account in &accounts {
                let keepers = before.iter().filter(|node| Some(node.swarm_id) == old_ring.swarm_of(account));
                has.extend(keepers.map(|node| (node.ed25519, *account)));
            }
            let held = has.clone();
            for own in &before {
                let mut membership = Membership::new(own.ed25519);
                membership.update(before.clone());
                for handover in membership.update(after.clone()) {
                    for (_, account) in held.iter().filter(|(key, account)| *key == own.ed25519 && handover.covers(account)) {
                        has.extend(handover.to.iter().map(|to| (to.ed25519, *account)));
                    }
                }
            }
            for account in &accounts {
                for keeper in after.iter().filter(|node| Some(node.swarm_id) == new_ring.swarm_of(account)) {
                    prop_assert!(has.contains(&(keeper.ed25519, *account)));
                }
            }
        }
    }
}
