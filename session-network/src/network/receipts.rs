//! Receipts: which members of a swarm have signed what was done, and when they are enough (protocol:
//! [swarm, section 7.4]).
//!
//! A member that lies signs for itself and its friends, and says that all others are silent. So what
//! it says of others counts for nothing: two thirds of the swarm must have signed, or each member
//! that has not must have answered itself, or have been found silent by [ourselves](super::inquiry).
//!
//! [swarm, section 7.4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/swarm.md#section-7.4

use alloc::vec::Vec;

use session_swarm::ServiceNode;

use super::belief::Belief;
use super::{Network, Pending};
use crate::exchange::{Reply, RequestId, StorageReply, Target};
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
        // When all have been asked, it is left to the questions to them.
        if let Some(pending) = self.requests.get_mut(&id).filter(|_| is_left) {
            pending.try_at = Some(now);
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
            is_all &=
                has_signed || pending.answered.contains(key) || self.suspicions.is_silent(key, now);
        }
        let needed = members.saturating_mul(2).div_ceil(3);
        signed > 0 && (is_all || signed >= needed)
    }

    /// The members of the swarm that a request is for, as the pool has it.
    pub(super) fn members_of(&self, pending: &Pending) -> impl Iterator<Item = &ServiceNode> {
        let account = match &pending.target {
            Target::SwarmOf(account) => Some(account),
            _ => None,
        };
        let members = account.map(|account| self.pool.swarm_of(account));
        members.into_iter().flatten()
    }
}
