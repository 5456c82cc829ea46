//! Actions without a request: deadlines, patience, rotation of paths.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_swarm::ServiceNode;

use super::{Errand, Network, Why};
use crate::endpoint::{Outcome, Ticket};
use crate::exchange::{Purpose, RequestId};
use crate::onion::Onion;
use crate::path::PathId;
use crate::time::{Instant, Now};

impl<O: Onion> Network<O> {
    /// Ends what has taken too long, and loses patience with what is slow.
    pub(super) fn expire(&mut self, now: Now, rng: &mut (impl CryptoRng + ?Sized)) {
        let instant = self.notice(now);
        let late = self.sent.iter();
        let late = late.filter(|(_, sent)| sent.deadline <= instant);
        let late: Vec<Ticket> = late.map(|(ticket, _)| *ticket).collect();
        for ticket in late {
            self.report(ticket, Outcome::TimedOut, now, rng);
        }
        let requests = self.requests.iter();
        let over = requests.filter(|(_, request)| request.deadline <= instant);
        let over: Vec<RequestId> = over.map(|(id, _)| *id).collect();
        for id in over {
            self.give_up(id, instant);
        }
        self.lose_patience(instant, rng);
    }

    /// An attempt is slow: another is started beside it, and its path is tested.
    fn lose_patience(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let mut slow = Vec::new();
        for sent in self.sent.values_mut() {
            if sent.patience.is_none_or(|until| until > now) {
                continue;
            }
            let Errand::Onion { why, path, route } = &sent.errand else {
                // Another guard is tested.
                sent.patience = None;
                sent.is_slow = true;
                if let Errand::Guard { path, .. } = &sent.errand {
                    self.paths.doubt_pending(*path);
                }
                continue;
            };
            let Why::Attempt(id) = why else {
                // Another node is asked for its clock.
                sent.patience = None;
                sent.is_slow = true;
                continue;
            };
            // A node that asks others first may wait for those that are dead. Its path is tested
            // meanwhile.
            let waits = !sent.is_quick && route.node.is_some() && !sent.is_slow;
            let patience = sent.patience.take();
            sent.is_slow = true;
            if waits {
                sent.patience = patience.map(|until| until.after(self.config.member_timeout));
            }
            let accused = route.node.as_ref().map(|node| node.ed25519);
            let accused = accused.filter(|_| !waits);
            let worked = self.paths.get(*path).and_then(|path| path.worked);
            let has_worked = worked.is_some_and(|at| at > sent.sent);
            slow.push((*id, *path, accused, waits, has_worked));
        }
        for (id, path, accused, waits, has_worked) in slow {
            // An answer has come through the path since: there is no need to test it.
            if has_worked {
                if let Some(node) = accused {
                    self.suspicions.note(&node, now);
                }
            } else {
                self.examine(path, accused, false, now, rng);
            }
            // One other attempt is enough where it is known for whom both may be waiting.
            if !waits || self.open_attempts(id) < 2 || !self.has_silent_member(id, now) {
                self.hedge(id, now);
            }
        }
    }

    /// Starts to replace the path that is due.
    pub(super) fn look_after_paths(&mut self, now: Instant, rng: &mut (impl CryptoRng + ?Sized)) {
        let (strikes, paths) = (&self.strikes, &self.paths);
        self.guards.prune(now, strikes, paths, &self.config.path);
        // A guard that is found out while its path is idle is not used any more either.
        let live = self.paths.live().iter();
        let suspect = live.filter(|path| {
            let guard = path.guard();
            guard.is_some_and(|guard| self.guards.is_suspect(&guard.ed25519))
        });
        let suspect: Vec<PathId> = suspect.map(|path| path.id).collect();
        for id in suspect {
            self.paths.remove(id);
            self.release(id, now);
        }
        let is_rotation = |errand: &Errand| {
            matches!(
                errand,
                Errand::Onion {
                    why: Why::Rotation { .. },
                    ..
                }
            )
        };
        if self.sent.values().any(|sent| is_rotation(&sent.errand)) {
            return;
        }
        let Some(path) = self.paths.due(now).cloned() else {
            return;
        };
        let sent = self.plan_rotation(&path, now, rng).is_some_and(|hops| {
            let why = Why::Rotation {
                replaces: path.id,
                purpose: path.purpose,
                hops: hops.clone(),
            };
            self.send_probe(why, path.id, hops, &[], now, rng)
        });
        if !sent {
            self.paths.put_off(path.id, now, &self.config.path);
        }
    }

    /// A new path works, and replaces the old one, or it does not. What is under way on the old one
    /// is still answered.
    #[expect(clippy::too_many_arguments, reason = "what is known of one rotation")]
    pub(super) fn rotation_answered(
        &mut self,
        replaces: PathId,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
        works: bool,
        sent: Instant,
        now: Instant,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let config = self.config.path;
        if let Some(guard) = hops.first().map(|guard| guard.ed25519) {
            self.guards.count(&hops, works, now);
            // The guard has answered since, so what failed is behind it.
            let reached = self.guards.get(&guard).and_then(|guard| guard.reached);
            if !works && reached.is_some_and(|at| at >= sent) {
                self.suspect_behind(&hops, now, rng);
            }
        }
        if self.paths.get(replaces).is_none() {
            return;
        }
        // Meanwhile a list may have come in which a hop is elsewhere, or another path may have
        // taken it.
        let mut behind = hops.iter().skip(1);
        let is_same = behind.all(|hop| self.pool.is_where_it_was(hop));
        let is_free = self.paths.are_free(&hops, replaces, &config);
        if works && is_free && is_same {
            self.paths.remove(replaces);
            let path = self.paths.push(purpose, hops, now, &config);
            if let Some(path) = self.paths.get_mut(path) {
                path.has_worked = true;
            }
        } else {
            self.paths.put_off(replaces, now, &config);
        }
    }
}
