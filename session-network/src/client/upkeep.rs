//! What happens by itself: deadlines, rotation of paths.

use alloc::vec::Vec;

use rand_core::Rng;
use session_storage::{Call, Info};
use session_swarm::record::ServiceNode;

use super::{Client, Errand, Outcome, RequestError, RequestId, Ticket};
use crate::path::{PathId, Purpose};

impl Client {
    /// Ends what has taken too long.
    pub(super) fn expire(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        let late = self.sent.iter();
        let late = late.filter(|(_, sent)| sent.deadline_ms <= now_ms);
        let late: Vec<Ticket> = late.map(|(ticket, _)| *ticket).collect();
        for ticket in late {
            self.report(ticket, Outcome::TimedOut, now_ms, rng);
        }
        let over = self.requests.iter();
        let over = over.filter(|(_, request)| request.deadline_ms <= now_ms);
        let over: Vec<(RequestId, RequestError)> = over
            .map(|(id, request)| (*id, request.last_error))
            .collect();
        for (id, error) in over {
            self.finish(id, Err(error));
        }
    }

    /// Starts to replace the path that is due.
    pub(super) fn look_after_paths(&mut self, now_ms: u64, rng: &mut (impl Rng + ?Sized)) {
        let mut errands = self.sent.values().map(|sent| &sent.errand);
        if errands.any(|errand| matches!(errand, Errand::Probe { .. })) {
            return;
        }
        let config = self.config.path;
        let Some(path) = self.paths.due(now_ms, &config).cloned() else {
            return;
        };
        let hops = self.plan_rotation(&path, now_ms, rng);
        let keys: Vec<_> = hops.iter().flatten().map(|hop| hop.ed25519).collect();
        let target = self.some_node(&keys, now_ms, rng);
        let (Some(hops), Some(target)) = (hops, target) else {
            self.paths.put_off(path.id, now_ms, &config);
            return;
        };
        let errand = Errand::Probe {
            replaces: path.id,
            purpose: path.purpose,
            hops: hops.clone(),
        };
        self.send(errand, hops, target, Info.to_json(), now_ms);
    }

    /// A new path works, and replaces the old one, or it does not. What is under way on the old one
    /// is still answered.
    pub(super) fn probe_answered(
        &mut self,
        replaces: PathId,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
        outcome: Outcome<'_>,
        now_ms: u64,
    ) {
        if !self.paths.live().iter().any(|path| path.id == replaces) {
            return;
        }
        // Meanwhile a list may have come in which a hop is elsewhere, or another path may have
        // taken it.
        let is_same = |hop: &ServiceNode| self.pool.is_where_it_was(hop);
        let is_free = self.paths.are_free(&hops, replaces, &self.config.path);
        let works = matches!(outcome, Outcome::Answer { status: 200, .. });
        if works && is_free && hops.iter().all(is_same) {
            self.paths.remove(replaces);
            self.paths.push(purpose, hops, now_ms);
        } else {
            self.paths.put_off(replaces, now_ms, &self.config.path);
        }
    }
}
