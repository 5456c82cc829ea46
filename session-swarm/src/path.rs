//! The paths of onion requests (protocol: [onion, section 10]).
//!
//! [onion, section 10]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10

use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;

use crate::limits::{DAY_MS, MINUTE_MS};
use crate::pool::Pool;
use crate::random;
use crate::record::ServiceNode;
use crate::strikes::Strikes;

/// What a path is used for. Requests of one purpose never share a path with those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Everything but files.
    Standard,
    /// Files, whose size would hold up everything else.
    File,
}

/// Rules of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathConfig {
    /// Hops of a path, the guard included.
    pub hops: usize,
    /// Paths kept for each purpose that is in use.
    pub paths: usize,
    /// Failures after which a path is dropped.
    pub strikes: u32,
    /// Age at which a path is replaced by one with the same guard.
    pub rotation_ms: u64,
    /// Time after which a rotation that failed is tried again.
    pub rotation_retry_ms: u64,
    /// Age at which a guard is replaced.
    pub guard_lifetime_ms: u64,
    /// Whether no two hops of all paths may be in the same /24 network.
    pub distinct_subnets: bool,
    /// Whether a request may go through a path that its destination is in, if there is no other.
    pub allow_destination_in_path: bool,
}

impl Default for PathConfig {
    fn default() -> Self {
        Self {
            hops: 3,
            paths: 2,
            strikes: 3,
            rotation_ms: 10 * MINUTE_MS,
            rotation_retry_ms: MINUTE_MS,
            guard_lifetime_ms: 10 * DAY_MS,
            distinct_subnets: true,
            allow_destination_in_path: false,
        }
    }
}

/// The number of a path; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(u64);

/// A live path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Its number.
    pub id: PathId,
    /// What it is used for.
    pub purpose: Purpose,
    /// Its hops; the first is the guard, which knows the client's address.
    pub hops: Vec<ServiceNode>,
    /// When it was built, in milliseconds since 1970.
    pub built_ms: u64,
    /// Requests on their way.
    pub in_flight: u32,
    strikes: u32,
}

impl Path {
    /// Whether a node is one of the hops.
    #[must_use]
    pub fn contains(&self, key: &Ed25519Public) -> bool {
        self.hops.iter().any(|hop| hop.ed25519 == *key)
    }

    /// The first hop.
    #[must_use]
    pub fn guard(&self) -> Option<&ServiceNode> {
        self.hops.first()
    }
}

/// A node that a client connects to, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// Its key.
    pub key: Ed25519Public,
    /// The first connection, in milliseconds since 1970.
    pub since_ms: u64,
}

/// The nodes and networks that a new path must not touch.
#[derive(Debug, Clone, Default)]
pub struct Exclusions {
    keys: Vec<Ed25519Public>,
    subnets: Vec<[u8; 3]>,
}

impl Exclusions {
    /// Excludes a node and its network.
    pub fn add(&mut self, node: &ServiceNode) {
        self.keys.push(node.ed25519);
        self.subnets.push(node.subnet());
    }

    fn allow(&self, node: &ServiceNode, config: &PathConfig) -> bool {
        let is_free_subnet = !config.distinct_subnets || !self.subnets.contains(&node.subnet());
        is_free_subnet && !self.keys.contains(&node.ed25519)
    }
}

/// Picks the hops of a path: a walk through the pool from a random node on, past those that are
/// excluded, struck out, or in a network that has a hop already. `guard` is taken as it is. `None`
/// if there are too few nodes.
pub fn pick(
    pool: &Pool,
    strikes: &Strikes,
    now_ms: u64,
    guard: Option<ServiceNode>,
    exclusions: &Exclusions,
    config: &PathConfig,
    rng: &mut (impl Rng + ?Sized),
) -> Option<Vec<ServiceNode>> {
    let mut excluded = exclusions.clone();
    let mut hops = Vec::with_capacity(config.hops);
    if let Some(guard) = guard {
        excluded.add(&guard);
        hops.push(guard);
    }
    let nodes = pool.nodes();
    let start = random::below(rng, nodes.len());
    let (before, after) = nodes.split_at_checked(start)?;
    for node in after.iter().chain(before) {
        if hops.len() >= config.hops {
            break;
        }
        let is_usable = node.is_reachable() && !strikes.is_out(&node.ed25519, now_ms);
        // The key is tried last: it takes a multiplication.
        if is_usable && excluded.allow(node, config) && node.onion_key().is_ok() {
            excluded.add(node);
            hops.push(*node);
        }
    }
    (hops.len() == config.hops && !hops.is_empty()).then_some(hops)
}

/// All live paths.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    live: Vec<Path>,
    guards: Vec<Guard>,
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

    /// Whether a node is a hop of a live path.
    #[must_use]
    pub fn is_in_use(&self, key: &Ed25519Public) -> bool {
        self.live.iter().any(|path| path.contains(key))
    }

    fn exclusions(&self, except: Option<PathId>) -> Exclusions {
        let mut exclusions = Exclusions::default();
        let paths = self.live.iter().filter(|path| Some(path.id) != except);
        for node in paths.flat_map(|path| &path.hops) {
            exclusions.add(node);
        }
        exclusions
    }

    /// Builds paths of a purpose until there are enough, or nodes run out. Tells whether there is
    /// at least one.
    pub fn fill(
        &mut self,
        purpose: Purpose,
        pool: &Pool,
        strikes: &Strikes,
        now_ms: u64,
        config: &PathConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> bool {
        loop {
            let have = self
                .live
                .iter()
                .filter(|path| path.purpose == purpose)
                .count();
            if have >= config.paths {
                return true;
            }
            let guard = self.free_guard(pool, strikes, now_ms, config);
            let exclusions = self.exclusions(None);
            let hops = pick(pool, strikes, now_ms, guard, &exclusions, config, rng);
            let Some(hops) = hops else {
                return have > 0;
            };
            self.push(purpose, hops, now_ms);
        }
    }

    /// A guard of earlier that is in the pool, young, not struck out and in no live path.
    fn free_guard(
        &self,
        pool: &Pool,
        strikes: &Strikes,
        now_ms: u64,
        config: &PathConfig,
    ) -> Option<ServiceNode> {
        let is_free = |guard: &&Guard| {
            let age = now_ms.saturating_sub(guard.since_ms);
            age < config.guard_lifetime_ms
                && !strikes.is_out(&guard.key, now_ms)
                && !self.is_in_use(&guard.key)
        };
        let mut guards = self.guards.iter().filter(is_free);
        let exclusions = self.exclusions(None);
        guards.find_map(|guard| {
            let node = pool.get(&guard.key)?;
            (node.is_reachable() && exclusions.allow(node, config)).then_some(*node)
        })
    }

    /// Whether no live path but one has any of the hops, or a hop in one of their networks.
    pub(crate) fn are_free(
        &self,
        hops: &[ServiceNode],
        except: PathId,
        config: &PathConfig,
    ) -> bool {
        let exclusions = self.exclusions(Some(except));
        hops.iter().all(|hop| exclusions.allow(hop, config))
    }

    /// Adds a path, and its guard to the guards.
    pub(crate) fn push(&mut self, purpose: Purpose, hops: Vec<ServiceNode>, now_ms: u64) -> PathId {
        if let Some(guard) = hops.first() {
            let is_known = self.guards.iter().any(|known| known.key == guard.ed25519);
            if !is_known {
                self.guards.push(Guard {
                    key: guard.ed25519,
                    since_ms: now_ms,
                });
            }
        }
        let id = PathId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.live.push(Path {
            id,
            purpose,
            hops,
            built_ms: now_ms,
            in_flight: 0,
            strikes: 0,
        });
        id
    }

    /// The path for a request: of its purpose, without its destination, with the fewest requests
    /// on their way, random among equals.
    pub fn choose(
        &self,
        purpose: Purpose,
        destination: &Ed25519Public,
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
        usable.into_iter().min_by_key(|path| path.in_flight)
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
        }
    }

    /// Counts a failure of a path. With too many the path is dropped and each of its nodes gets a
    /// strike.
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
                strikes.add(&hop.ed25519, now_ms);
            }
            self.remove(id);
        }
    }

    /// Drops a path.
    pub(crate) fn remove(&mut self, id: PathId) {
        self.live.retain(|path| path.id != id);
    }

    /// Drops the paths that a node is in, and forgets it as a guard.
    pub(crate) fn remove_node(&mut self, key: &Ed25519Public) {
        self.live.retain(|path| !path.contains(key));
        self.guards.retain(|guard| guard.key != *key);
    }

    fn get_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.live.iter_mut().find(|path| path.id == id)
    }

    /// After a new list: drops paths with nodes that are gone or moved, and guards that are gone.
    pub(crate) fn retain_known(&mut self, pool: &Pool) {
        let is_same = |hop: &ServiceNode| {
            let known = pool.get(&hop.ed25519);
            known.is_some_and(|known| (known.ip, known.https_port) == (hop.ip, hop.https_port))
        };
        self.live.retain(|path| path.hops.iter().all(is_same));
        self.guards.retain(|guard| pool.get(&guard.key).is_some());
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
            let since = self.guards.iter().find(|known| known.key == guard.ed25519);
            let age = since.map_or(u64::MAX, |since| now_ms.saturating_sub(since.since_ms));
            age < config.guard_lifetime_ms && !strikes.is_out(&guard.ed25519, now_ms)
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
