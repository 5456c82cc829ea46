//! Receipts: which members of a swarm have signed what was done, and when they are enough (protocol:
//! [swarm, section 7.4]).
//!
//! A member that lies signs for itself and its friends, and says that all others are silent. So what
//! it says of others counts for nothing: two thirds of the swarm must have signed, or each member
//! that has not must have answered itself, or have been found silent by ourselves.
//!
//! [swarm, section 7.4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-7.4

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::Ed25519Public;
use session_storage::Info;
use session_swarm::ServiceNode;

use super::belief::Belief;
use super::{Network, Pending, Why};
use crate::exchange::{Reply, RequestError, RequestId, StorageReply, Target};
use crate::onion::Onion;
use crate::time::Instant;

impl<O: Onion> Network<O> {
    /// An answer is believed. If members have to sign what was done and too few have, the next member
    /// is asked to do it too, and those that have not signed are asked whether they are up.
    pub(super) fn believed(
        &mut self,
        id: RequestId,
        mut reply: StorageReply,
        belief: Belief,
        now: Instant,
    ) {
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        let Some(signers) = belief.signers else {
            self.finish(id, Ok(Reply::Storage(reply)));
            return;
        };
        pending.signers.extend(signers);
        reply.signers = pending.signers.clone();
        if !matches!(pending.target, Target::SwarmOf(_)) {
            self.finish(id, Ok(Reply::Storage(reply)));
            return;
        }
        pending.best = Some(reply);
        if self.settle(id, now) {
            return;
        }
        let is_left = self.requests.get(&id).is_some_and(|pending| {
            let mut members = self.members_of(pending);
            members.any(|member| {
                let key = &member.ed25519;
                !pending.asked.contains(key) && !pending.signers.contains(key)
            })
        });
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        if is_left {
            pending.try_at = Some(now);
        } else if pending.open == 0 {
            // All have been asked, and of some nothing is known: once more.
            pending.checked.clear();
            self.retry(id, RequestError::NoUsableAnswer, now);
        }
    }

    /// Ends a request if enough members have signed. Returns whether it has ended.
    pub(super) fn settle(&mut self, id: RequestId, now: Instant) -> bool {
        let Some(pending) = self.requests.get(&id) else {
            return true;
        };
        let Some(best) = &pending.best else {
            return false;
        };
        if !self.is_receipt(pending, now) {
            return false;
        }
        let reply = StorageReply {
            signers: pending.signers.clone(),
            ..best.clone()
        };
        self.finish(id, Ok(Reply::Storage(reply)));
        true
    }

    /// Ends the requests for which it is known now that nobody else can sign.
    pub(super) fn settle_all(&mut self, now: Instant) {
        let requests = self.requests.iter();
        let waiting = requests.filter(|(_, pending)| pending.best.is_some());
        let waiting: Vec<RequestId> = waiting.map(|(id, _)| *id).collect();
        for id in waiting {
            self.settle(id, now);
        }
    }

    /// Whether two thirds of the swarm have signed, or all members but those that answered something
    /// else themselves and those that we found silent.
    fn is_receipt(&self, pending: &Pending, now: Instant) -> bool {
        let (mut members, mut signed) = (0usize, 0usize);
        let mut is_all = true;
        for member in self.members_of(pending) {
            let key = &member.ed25519;
            let has_signed = pending.signers.contains(key);
            members = members.saturating_add(1);
            signed = signed.saturating_add(has_signed.into());
            is_all &= has_signed || pending.answered.contains(key) || self.is_silent(key, now);
        }
        let needed = members.saturating_mul(2).div_ceil(3);
        signed > 0 && (is_all || signed >= needed)
    }

    /// The members of the swarm that a request is for, as the pool has it.
    fn members_of(&self, pending: &Pending) -> impl Iterator<Item = &ServiceNode> {
        let account = match &pending.target {
            Target::SwarmOf(account) => Some(account),
            _ => None,
        };
        let members = account.map(|account| self.pool.swarm_of(account));
        members.into_iter().flatten()
    }

    /// Whether a member did not answer us within the last hour, through two last hops on paths that
    /// work, or rests and has not worked since.
    fn is_silent(&self, member: &Ed25519Public, now: Instant) -> bool {
        self.suspicions.is_silent(member, now) || self.strikes.has_rested(member)
    }

    /// Asks the members that have not signed whether they are up.
    pub(super) fn check_members(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let requests = self.requests.iter();
        let waiting = requests.filter(|(_, pending)| pending.best.is_some());
        let open = waiting.flat_map(|(id, pending)| {
            let members = self.members_of(pending);
            let unknown = members.filter(|member| {
                let key = &member.ed25519;
                !pending.signers.contains(key)
                    && !pending.checked.contains(key)
                    && !self.is_silent(key, now)
            });
            unknown.map(|member| (*id, *member))
        });
        let open: Vec<(RequestId, ServiceNode)> = open.collect();
        for (id, member) in open {
            self.check_member(id, &member, now, rng);
        }
    }

    /// Asks a member through two paths if there are as many, and through a last hop of its own each
    /// time: the last hop sees for whom the question is.
    fn check_member(
        &mut self,
        id: RequestId,
        member: &ServiceNode,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some(pending) = self.requests.get_mut(&id) else {
            return;
        };
        let purpose = pending.purpose;
        pending.checked.insert(member.ed25519);
        let Some(node) = self.pool.with_onion_key(member) else {
            return;
        };
        let (mut except, mut tried) = (alloc::vec![node.ed25519], Vec::new());
        for _ in 0..2 {
            let chosen = self.choose_path(purpose, Some(&node.ed25519), false, &tried, rng);
            let Some((path, hops)) = chosen else {
                return;
            };
            tried.push(path);
            let hops = self.with_last_hop(hops, &except, now, rng);
            except.extend(hops.last().map(|hop| hop.ed25519));
            let why = Why::Member(id);
            self.send_question(why, path, hops, node, &Info, "info", now, rng);
        }
    }

    /// Replaces the last hop of a path by a random node, as far as there is one.
    fn with_last_hop(
        &mut self,
        mut hops: Vec<ServiceNode>,
        except: &[Ed25519Public],
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Vec<ServiceNode> {
        let Some((_, first)) = hops.split_last() else {
            return hops;
        };
        let Some(guard) = first.first() else {
            return hops;
        };
        let may = |node: &ServiceNode| {
            let key = &node.ed25519;
            let is_apart = |hop: &ServiceNode| {
                hop.ed25519 != *key
                    && (!self.config.path.distinct_subnets || hop.subnet() != node.subnet())
            };
            node.is_reachable()
                && !except.contains(key)
                && first.iter().all(is_apart)
                && !self.guards.is_suspect(key)
                && !self.suspicions.is_noted(key, Some(&guard.ed25519), now)
                && !self.comes_last(key, now)
        };
        let other = self.some_nodes(1, now, rng, may).pop();
        let other = other.and_then(|node| self.pool.with_onion_key(&node));
        if let (Some(other), Some(last)) = (other, hops.last_mut()) {
            *last = other;
        }
        hops
    }
}
