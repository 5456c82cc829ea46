//! The paths in use, those that wait for their guard, and the guards.

use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_swarm::record::ServiceNode;

use super::{Exclusions, Guard, Path, PathConfig, PathId, Purpose, pick};
use crate::pool::Pool;
use crate::random;
use crate::strikes::Strikes;

/// All paths.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    live: Vec<Path>,
    /// Paths whose guards have not answered yet.
    pending: Vec<Path>,
    guards: Vec<Guard>,
    /// Guards to which a connection failed after they had worked.
    doubtful: Vec<Ed25519Public>,
    next_id: u64,
}

impl Paths {
    /// The live paths.
    #[must_use]
    pub fn live(&self) -> &[Path] {
        &self.live
    }

    /// The guards, the latest last.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    pub(crate) fn set_guards(&mut self, guards: Vec<Guard>) {
        self.guards = guards;
    }

    /// Whether a node is a hop of a path, live or about to be.
    #[must_use]
    pub fn is_in_use(&self, key: &Ed25519Public) -> bool {
        self.all().any(|path| path.contains(key))
    }

    /// Whether there is no path of any purpose, and none about to be.
    pub(crate) const fn is_empty(&self) -> bool {
        self.live.is_empty() && self.pending.is_empty()
    }

    /// The paths of a purpose, live or about to be.
    pub(crate) fn count(&self, purpose: Purpose) -> usize {
        self.all().filter(|path| path.purpose == purpose).count()
    }

    /// Whether a path of a purpose waits for its guard.
    pub(crate) fn is_pending(&self, purpose: Purpose) -> bool {
        self.pending.iter().any(|path| path.purpose == purpose)
    }

    /// The times that it keeps.
    pub(crate) fn times(&mut self) -> impl Iterator<Item = &mut u64> {
        let paths = self.live.iter_mut().chain(&mut self.pending);
        let guards = self.guards.iter_mut().map(|guard| &mut guard.since_ms);
        paths.map(|path| &mut path.built_ms).chain(guards)
    }

    fn all(&self) -> impl Iterator<Item = &Path> {
        self.live.iter().chain(&self.pending)
    }

    fn exclusions(&self, except: Option<PathId>) -> Exclusions {
        let mut exclusions = Exclusions::default();
        let paths = self.all().filter(|path| Some(path.id) != except);
        for node in paths.flat_map(|path| &path.hops) {
            exclusions.add(node);
        }
        exclusions
    }

    /// The hops of another path: its guard is one of earlier, if one is free.
    pub(crate) fn plan(
        &self,
        pool: &Pool,
        strikes: &Strikes,
        now_ms: u64,
        config: &PathConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        let guard = self.free_guard(pool, strikes, now_ms, config);
        let exclusions = self.exclusions(None);
        pick(pool, strikes, now_ms, guard, &exclusions, config, rng)
    }

    /// A guard of earlier that is in the pool, young, not struck out and in no path.
    fn free_guard(
        &self,
        pool: &Pool,
        strikes: &Strikes,
        now_ms: u64,
        config: &PathConfig,
    ) -> Option<ServiceNode> {
        let exclusions = self.exclusions(None);
        self.guards.iter().find_map(|guard| {
            let node = pool.get(&guard.key)?;
            let is_good = is_young(guard, now_ms, config)
                && !strikes.is_out(&guard.key, now_ms)
                && !pool.has_bad_key(node);
            (is_good && node.is_reachable() && exclusions.allow(node, config)).then_some(*node)
        })
    }

    /// Whether a guard has answered before and not failed since.
    pub(crate) fn is_proven(&self, key: &Ed25519Public) -> bool {
        self.guards.iter().any(|guard| guard.key == *key) && !self.doubtful.contains(key)
    }

    /// A connection to a guard failed: it has to answer before it is used again, and all paths
    /// through it are nothing.
    pub(crate) fn guard_failed(&mut self, key: &Ed25519Public) {
        self.live
            .retain(|path| path.guard().is_none_or(|guard| guard.ed25519 != *key));
        if !self.doubtful.contains(key) {
            self.doubtful.push(*key);
        }
    }

    /// Whether no path but one has any of the hops, or a hop in one of their networks.
    pub(crate) fn are_free(
        &self,
        hops: &[ServiceNode],
        except: PathId,
        config: &PathConfig,
    ) -> bool {
        let exclusions = self.exclusions(Some(except));
        hops.iter().all(|hop| exclusions.allow(hop, config))
    }

    const fn id(&mut self) -> PathId {
        let id = PathId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        id
    }

    /// Adds a path whose guard has to answer first. Its hops are taken from now on.
    pub(crate) fn reserve(
        &mut self,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
        now_ms: u64,
    ) -> PathId {
        let id = self.id();
        self.pending.push(Path::new(id, purpose, hops, now_ms));
        id
    }

    /// Takes out a path that waits for its guard.
    #[expect(clippy::disallowed_methods, reason = "the index was found just before")]
    pub(crate) fn take_pending(&mut self, id: PathId) -> Option<Path> {
        let index = self.pending.iter().position(|path| path.id == id)?;
        Some(self.pending.swap_remove(index))
    }

    /// Adds a path, and its guard to the guards.
    pub(crate) fn push(&mut self, purpose: Purpose, hops: Vec<ServiceNode>, now_ms: u64) -> PathId {
        if let Some(guard) = hops.first() {
            let key = guard.ed25519;
            self.doubtful.retain(|doubtful| *doubtful != key);
            if !self.guards.iter().any(|known| known.key == key) {
                let since_ms = now_ms;
                self.guards.push(Guard { key, since_ms });
            }
        }
        let id = self.id();
        self.live.push(Path::new(id, purpose, hops, now_ms));
        id
    }

    /// Adds a path of an earlier run, if its guard is known and its hops may be together.
    pub(crate) fn restore(
        &mut self,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
        built_ms: u64,
        config: &PathConfig,
    ) {
        let mut exclusions = self.exclusions(None);
        let are_free = hops.iter().all(|hop| {
            let is_free = exclusions.allow(hop, config);
            exclusions.add(hop);
            is_free
        });
        let is_proven = hops
            .first()
            .is_some_and(|guard| self.is_proven(&guard.ed25519));
        if hops.len() == config.hops && are_free && is_proven {
            self.push(purpose, hops, built_ms);
        }
    }

    /// The path for a request: of its purpose, without its destination, if possible not the one
    /// that it failed on, with the fewest requests on their way, random among equals.
    pub fn choose(
        &self,
        purpose: Purpose,
        destination: &Ed25519Public,
        failed_on: Option<PathId>,
        config: &PathConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<&Path> {
        let of_purpose = || self.live.iter().filter(move |path| path.purpose == purpose);
        let mut usable: Vec<&Path> = of_purpose()
            .filter(|path| !path.contains(destination))
            .collect();
        if usable.is_empty() && config.allow_destination_in_path {
            usable = of_purpose().collect();
        }
        random::shuffle(rng, &mut usable);
        let order = |path: &&Path| (Some(path.id) == failed_on, path.in_flight);
        usable.into_iter().min_by_key(order)
    }

    pub(crate) fn started(&mut self, id: PathId) {
        if let Some(path) = self.get_mut(id) {
            path.in_flight = path.in_flight.saturating_add(1);
        }
    }

    pub(crate) fn finished(&mut self, id: PathId) {
        if let Some(path) = self.get_mut(id) {
            path.in_flight = path.in_flight.saturating_sub(1);
        }
    }

    pub(crate) fn succeeded(&mut self, id: PathId) {
        if let Some(path) = self.get_mut(id) {
            path.strikes = 0;
            path.failures = 0;
            path.blamed.clear();
        }
    }

    /// Notes that a request failed on a path, whoever is to blame. A path that does nothing else
    /// any more is dropped.
    pub(crate) fn failed(&mut self, id: PathId, config: &PathConfig) {
        let Some(path) = self.get_mut(id) else {
            return;
        };
        path.failures = path.failures.saturating_add(1);
        if path.failures >= config.failures {
            self.remove(id);
        }
    }

    /// Notes that a hop was blamed by name.
    pub(crate) fn blamed(&mut self, id: PathId, key: &Ed25519Public) {
        if let Some(path) = self.get_mut(id)
            && !path.blamed.contains(key)
        {
            path.blamed.push(*key);
        }
    }

    /// Counts a failure of a path. With too many the path is dropped, and each of its nodes that
    /// was not blamed by name gets a strike.
    pub(crate) fn strike(
        &mut self,
        id: PathId,
        strikes: &mut Strikes,
        now_ms: u64,
        config: &PathConfig,
    ) {
        let Some(path) = self.get_mut(id) else {
            return;
        };
        path.strikes = path.strikes.saturating_add(1);
        if path.strikes >= config.strikes {
            for hop in &path.hops {
                if !path.blamed.contains(&hop.ed25519) {
                    strikes.add(&hop.ed25519, now_ms);
                }
            }
            self.remove(id);
        }
    }

    /// Drops a path.
    pub(crate) fn remove(&mut self, id: PathId) {
        self.live.retain(|path| path.id != id);
    }

    fn get_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.live.iter_mut().find(|path| path.id == id)
    }

    /// The next hop of a live path that is struck out, by its place.
    pub(crate) fn broken(&self, strikes: &Strikes, now_ms: u64) -> Option<(PathId, usize)> {
        let is_out = |hop: &ServiceNode| strikes.is_out(&hop.ed25519, now_ms);
        let mut paths = self.live.iter();
        paths.find_map(|path| Some((path.id, path.hops.iter().position(is_out)?)))
    }

    /// A node that can take the place of a hop. The path keeps its other hops and the requests that
    /// are on their way. `None` for the guard, and if there is no such node.
    pub(crate) fn replacement(
        &self,
        (id, place): (PathId, usize),
        pool: &Pool,
        strikes: &Strikes,
        now_ms: u64,
        config: &PathConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<ServiceNode> {
        if place == 0 {
            return None;
        }
        let one = PathConfig { hops: 1, ..*config };
        let mut exclusions = self.exclusions(Some(id));
        let path = self.live.iter().find(|path| path.id == id)?;
        for (_, hop) in path.hops.iter().enumerate().filter(|(at, _)| *at != place) {
            exclusions.add(hop);
        }
        pick(pool, strikes, now_ms, None, &exclusions, &one, rng)?.pop()
    }

    /// Puts a node in the place of a hop.
    pub(crate) fn replace_hop(&mut self, (id, place): (PathId, usize), node: ServiceNode) {
        let path = self.get_mut(id);
        if let Some(hop) = path.and_then(|path| path.hops.get_mut(place)) {
            *hop = node;
        }
    }

    /// After a new list: drops paths with nodes that are gone or moved, and guards that are gone.
    pub(crate) fn retain_known(&mut self, pool: &Pool) {
        let is_same = |path: &Path| path.hops.iter().all(|hop| pool.is_where_it_was(hop));
        self.live.retain(is_same);
        self.pending.retain(is_same);
        self.guards.retain(|guard| pool.get(&guard.key).is_some());
        self.doubtful.retain(|key| pool.get(key).is_some());
    }

    /// Forgets guards that are struck out.
    pub(crate) fn drop_guards(&mut self, strikes: &Strikes, now_ms: u64) {
        self.guards
            .retain(|guard| !strikes.is_out(&guard.key, now_ms));
    }

    /// The hops that would replace a path that is due: the same guard unless it is too old or
    /// struck out.
    pub(crate) fn rotated(
        &self,
        path: &Path,
        pool: &Pool,
        strikes: &Strikes,
        now_ms: u64,
        config: &PathConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<Vec<ServiceNode>> {
        let guard = path.guard().copied().filter(|guard| {
            let known = self.guards.iter().find(|known| known.key == guard.ed25519);
            known.is_some_and(|known| is_young(known, now_ms, config))
                && !strikes.is_out(&guard.ed25519, now_ms)
        });
        let exclusions = self.exclusions(Some(path.id));
        pick(pool, strikes, now_ms, guard, &exclusions, config, rng)
    }

    /// The path that has been due the longest.
    pub(crate) fn due(&self, now_ms: u64, config: &PathConfig) -> Option<&Path> {
        let age = |path: &&Path| now_ms.saturating_sub(path.built_ms);
        let due = self
            .live
            .iter()
            .filter(|path| age(path) >= config.rotation_ms);
        due.min_by_key(|path| path.built_ms)
    }

    /// Puts off the rotation of a path.
    pub(crate) fn put_off(&mut self, id: PathId, now_ms: u64, config: &PathConfig) {
        let delay = config.rotation_ms.saturating_sub(config.rotation_retry_ms);
        if let Some(path) = self.get_mut(id) {
            path.built_ms = now_ms.saturating_sub(delay);
        }
    }
}

const fn is_young(guard: &Guard, now_ms: u64, config: &PathConfig) -> bool {
    now_ms.saturating_sub(guard.since_ms) < config.guard_lifetime_ms
}
