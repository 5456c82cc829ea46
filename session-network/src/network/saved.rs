//! Saves the state of a client, and restores it.

use alloc::vec::Vec;

use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use super::{Errand, Network, Why};
use crate::clock::Clock;
use crate::config::Config;
use crate::endpoint::Seed;
use crate::guard::{Guard, Guards, Middle};
use crate::last_hash::LastHashes;
use crate::onion::{Encrypted, Onion};
use crate::path::Health;
use crate::pool::Pool;
use crate::state::{SavedGuard, SavedMark, SavedPath, SavedState};
use crate::strikes::Mark;
use crate::time::Now;

impl<O: Onion> Network<O> {
    /// Returns what to keep on disk: the pool, guards and second hops, what is held against nodes,
    /// the paths, how
    /// long answers take, the clock, and how far messages were read.
    #[must_use]
    pub fn save(&self, last_hashes: &LastHashes, now: Now) -> SavedState {
        let guard = |guard: &Guard| SavedGuard {
            node: guard.node,
            since: now.wall_of(guard.since),
            until: now.wall_of(guard.until),
            missing: guard.missing.map(|since| now.wall_of(since)),
            paths: [guard.built, guard.worked],
            suspect: guard.suspect,
            proven: guard.proven && !self.paths.is_doubted(&guard.node.ed25519),
        };
        let marks = self.strikes.iter().map(|(node, mark)| SavedMark {
            node: *node,
            strikes: mark.strikes.iter().map(|at| now.wall_of(*at)).collect(),
            rest: mark.rest.map(|(until, times)| (now.wall_of(until), times)),
        });
        let noted = self.suspicions.iter();
        let noted = noted.map(|(node, guard, at)| (*node, Some(*guard), now.wall_of(at)));
        let at = now.instant();
        let unanswered = self.suspicions.unanswered(at);
        let unanswered = unanswered.map(|(node, at)| (*node, None, now.wall_of(at)));
        let silent = self.silent_destinations();
        let silent = silent.filter(|node| !self.suspicions.is_avoided_at(node, at));
        let silent = silent.map(|node| (node, None, now.wall));
        let paths = self.paths.live().iter();
        let paths = paths.map(|path| SavedPath {
            purpose: path.purpose,
            built: now.wall_of(path.built),
            in_doubt: path.is_in_doubt(),
            hops: path.hops.iter().map(|hop| hop.ed25519).collect(),
        });
        let middles = self.guards.middle_records().iter();
        let suspicions = noted.chain(unanswered).chain(silent);
        SavedState {
            nodes: self.pool.nodes().to_vec(),
            updated: self.pool.updated().map(|at| now.wall_of(at)),
            usual: self.health.usual().map(whole_milliseconds),
            clock: self.clock.is_known().then(|| self.clock.offset()),
            guards: self.guards.list().iter().map(guard).collect(),
            middles: middles
                .map(|middle| (middle.key, now.wall_of(middle.until)))
                .collect(),
            strikes: marks.collect(),
            suspicions: suspicions.collect(),
            lately: self.lately.iter().copied().collect(),
            paths: paths.collect(),
            last_hashes: last_hashes.clone(),
        }
    }
}

impl<O: Onion> Network<O> {
    /// The destinations that have not answered until now, through paths that have worked since.
    /// Their tests would have shown it, had there been time.
    fn silent_destinations(&self) -> impl Iterator<Item = Ed25519Public> {
        self.sent.values().filter_map(|sent| {
            let Errand::Onion {
                why: Why::Attempt(_),
                path,
                route,
            } = &sent.errand
            else {
                return None;
            };
            let worked = self.paths.get(*path).and_then(|path| path.worked);
            let has_worked = worked.is_some_and(|at| at > sent.sent);
            // One that may still wait for others is not held to be silent.
            let is_silent = sent.is_slow && sent.patience.is_none();
            let node = route.node.map(|node| node.ed25519);
            node.filter(|_| is_silent && has_worked)
        })
    }
}

impl Network {
    /// Makes a client of what one kept. Paths of which a node cannot be used any more are forgotten.
    ///
    /// What is from the future, of a clock that was set back since, is taken for as old as `now`, or
    /// it would stay young for ever.
    #[must_use]
    pub fn restore(config: Config, seeds: Vec<Seed>, state: &SavedState, now: Now) -> Self {
        Self::restore_with_onion(config, seeds, Encrypted, state, now)
    }
}

impl<O: Onion> Network<O> {
    /// As [`restore`](Network::restore), with packets built by other means.
    #[must_use]
    pub fn restore_with_onion(
        config: Config,
        seeds: Vec<Seed>,
        onion: O,
        state: &SavedState,
        now: Now,
    ) -> Self {
        let mut network = Self::with_onion(config, seeds, onion);
        network.latest = now.instant();
        network.lately = state.lately.iter().copied().collect();
        if let Some(usual) = state.usual {
            network.health = Health::restored(usual);
        }
        if let Some(offset) = state.clock {
            network.clock = Clock::restored(offset, now);
        }
        let updated = state.updated.map(|at| now.instant_of(at));
        network.pool = Pool::from_ordered(state.nodes.clone(), updated);
        for mark in &state.strikes {
            let strikes = mark.strikes.iter().map(|at| now.instant_of(*at));
            let rest = mark.rest.map(|(until, times)| {
                let left = until.since(now.wall).min(crate::strikes::LONGEST_REST);
                (now.instant().after(left), times)
            });
            let restored = Mark {
                strikes: strikes.collect(),
                rest,
            };
            network.strikes.restore(mark.node, restored);
        }
        for (node, guard, at) in &state.suspicions {
            let at = now.instant_of(*at);
            match guard {
                Some(guard) => network.suspicions.restore(*node, *guard, at),
                None => network.suspicions.restore_unanswered(*node, at),
            }
        }
        for guard in &state.guards {
            network.restore_guard(guard, now);
        }
        for (key, until) in &state.middles {
            let left = until.since(now.wall);
            let until = now.instant().after(left.min(config.path.middle_lifetime));
            network.guards.restore_middle(Middle::new(*key, until));
        }
        network.guards.update(&network.pool, now.instant());
        for path in &state.paths {
            network.restore_path(path, now);
        }
        network
    }

    fn restore_guard(&mut self, saved: &SavedGuard, now: Now) {
        let config = &self.config.path;
        let left = saved.until.since(now.wall).min(config.guard_lifetime);
        let (since, until) = (now.instant_of(saved.since), now.instant().after(left));
        let mut guard = Guards::saved(saved.node, since, until, now.instant(), config);
        guard.missing = saved.missing.map(|since| now.instant_of(since));
        [guard.built, guard.worked] = saved.paths;
        guard.suspect = saved.suspect;
        guard.proven = saved.proven;
        self.guards.restore(guard);
    }

    fn restore_path(&mut self, path: &SavedPath, now: Now) {
        let config = self.config.path;
        let guard = path.hops.first().and_then(|key| self.guards.get(key));
        let Some(guard) = guard.filter(|guard| !guard.suspect).map(|guard| guard.node) else {
            return;
        };
        let hops = path.hops.iter().enumerate().map(|(place, key)| {
            // A guard may be in no list.
            let listed = self.pool.get(key).copied();
            let node = listed.or(Some(guard).filter(|_| place == 0))?;
            let node = self.pool.with_onion_key(&node)?;
            let is_out = self.strikes.is_out_at(key, now.instant());
            (node.is_reachable() && !is_out).then_some(node)
        });
        let Some(hops) = hops.collect::<Option<Vec<ServiceNode>>>() else {
            return;
        };
        let mut exclusions = self.paths.exclusions(None);
        let are_free = hops.iter().all(|hop| {
            let is_free = exclusions.allow(hop, &config);
            exclusions.add(hop);
            is_free
        });
        if hops.len() == config.hops && are_free {
            let built = now.instant_of(path.built);
            let id = self.paths.push(path.purpose, hops, built, &config);
            if let Some(restored) = self.paths.get_mut(id) {
                restored.doubt = path.in_doubt;
            }
        }
    }
}

/// A time as it is saved.
fn whole_milliseconds(time: core::time::Duration) -> core::time::Duration {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    core::time::Duration::from_millis(millis)
}
