//! The paths in use, and those that wait for their guard.

use alloc::vec::Vec;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use super::{Exclusions, Health, Path, PathId};
use crate::config::PathConfig;
use crate::exchange::Purpose;
use crate::pool::Pool;
use crate::random;
use crate::time::Instant;

/// All paths.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    live: Vec<Path>,
    /// Paths whose guards have not answered yet.
    pending: Vec<Path>,
    next_id: u64,
}

impl Paths {
    /// Returns the live paths.
    #[must_use]
    pub fn live(&self) -> &[Path] {
        &self.live
    }

    /// Returns whether a node is a hop of a path, live or about to be.
    #[must_use]
    pub fn is_in_use(&self, key: &Ed25519Public) -> bool {
        self.all().any(|path| path.contains(key))
    }

    /// Whether a node is the guard of a path, live or about to be.
    pub(crate) fn is_guard(&self, key: &Ed25519Public) -> bool {
        self.all().any(|path| path.has_guard(key))
    }

    /// Whether a node is the guard of a path that is in doubt, and has not answered since.
    pub(crate) fn is_doubted(&self, key: &Ed25519Public) -> bool {
        let mut paths = self.live.iter().filter(|path| path.has_guard(key));
        paths.any(|path| {
            let has_answered = path
                .exam
                .as_ref()
                .is_some_and(|exam| exam.guard == Some(true));
            path.is_in_doubt() && !has_answered
        })
    }

    /// Whether there is no path of any purpose, and none about to be.
    pub(crate) const fn is_empty(&self) -> bool {
        self.live.is_empty() && self.pending.is_empty()
    }

    /// The paths of a purpose, live or about to be.
    pub(crate) fn count(&self, purpose: Purpose) -> usize {
        self.all().filter(|path| path.purpose == purpose).count()
    }

    /// The live paths of a purpose.
    pub(crate) fn count_live(&self, purpose: Purpose) -> usize {
        let live = self.live.iter();
        live.filter(|path| path.purpose == purpose).count()
    }

    /// Whether a path is of a purpose and waits for its guard.
    pub(crate) fn waits_for(&self, id: PathId, purpose: Purpose) -> bool {
        let mut pending = self.pending.iter();
        pending.any(|path| path.id == id && path.purpose == purpose)
    }

    /// Whether a path of a purpose waits for its guard.
    pub(crate) fn is_pending(&self, purpose: Purpose) -> bool {
        self.pending.iter().any(|path| path.purpose == purpose)
    }

    fn all(&self) -> impl Iterator<Item = &Path> {
        self.live.iter().chain(&self.pending)
    }

    /// Returns the nodes that a new path must not touch, if it replaces `except`.
    pub(crate) fn exclusions(&self, except: Option<PathId>) -> Exclusions {
        let mut exclusions = Exclusions::default();
        let live = self.live.iter().filter(|path| Some(path.id) != except);
        for node in live.flat_map(|path| &path.hops) {
            exclusions.add(node);
        }
        // While a guard is slow in its test, the hops behind it are free for others.
        for path in self.pending.iter().filter(|path| Some(path.id) != except) {
            let taken = if path.doubt { 1 } else { path.hops.len() };
            for node in path.hops.iter().take(taken) {
                exclusions.add(node);
            }
        }
        exclusions
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

    fn make(
        &mut self,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
        built: Instant,
        config: &PathConfig,
    ) -> Path {
        let id = PathId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        Path {
            id,
            purpose,
            hops,
            built,
            due: built.after(config.rotation),
            in_flight: 0,
            failures: 0,
            has_worked: false,
            exam: None,
            doubt: false,
            worked: None,
            tried: None,
            health: Health::default(),
        }
    }

    /// Adds a path whose guard has to answer first. Its hops are taken from now on.
    pub(crate) fn reserve(
        &mut self,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
        now: Instant,
        config: &PathConfig,
    ) -> PathId {
        let path = self.make(purpose, hops, now, config);
        let id = path.id;
        self.pending.push(path);
        id
    }

    /// Takes out a path that waits for its guard.
    #[expect(clippy::disallowed_methods, reason = "the index was found just before")]
    pub(crate) fn take_pending(&mut self, id: PathId) -> Option<Path> {
        let index = self.pending.iter().position(|path| path.id == id)?;
        Some(self.pending.swap_remove(index))
    }

    /// The guard of a path that waits for it is slow.
    pub(crate) fn doubt_pending(&mut self, id: PathId) {
        if let Some(path) = self.pending.iter_mut().find(|path| path.id == id) {
            path.doubt = true;
        }
    }

    /// Whether a node may be why something is slow at the moment: it is a guard that is slow in its test,
    /// or a hop of a path on which something is slow now.
    pub(crate) fn may_be_slow(&self, key: &Ed25519Public) -> bool {
        let mut live = self.live.iter();
        let mut pending = self.pending.iter();
        live.any(|path| path.is_being_tested() && path.contains(key))
            || pending.any(|path| path.doubt && path.has_guard(key))
    }

    /// Adds a path.
    pub(crate) fn push(
        &mut self,
        purpose: Purpose,
        hops: Vec<ServiceNode>,
        built: Instant,
        config: &PathConfig,
    ) -> PathId {
        let path = self.make(purpose, hops, built, config);
        let id = path.id;
        self.live.push(path);
        id
    }

    /// The path for a request: of its purpose, without its destination, if possible none that is in
    /// doubt. For a node that was not asked yet rather one that has worked, else rather one that the
    /// request was not on. Then the one with the fewest requests on their way, random among equals.
    pub(crate) fn choose(
        &self,
        purpose: Purpose,
        destination: Option<&Ed25519Public>,
        is_new_node: bool,
        tried: &[PathId],
        config: &PathConfig,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<&Path> {
        let of_purpose = || self.live.iter().filter(move |path| path.purpose == purpose);
        let is_free = |path: &&Path| destination.is_none_or(|key| !path.contains(key));
        let mut usable: Vec<&Path> = of_purpose().filter(is_free).collect();
        if usable.is_empty() && config.allow_destination_in_path {
            usable = of_purpose().collect();
        }
        random::shuffle(rng, &mut usable);
        usable.into_iter().min_by_key(|path| {
            let is_tried = tried.contains(&path.id);
            let is_unknown = path.worked.is_none();
            let order = if is_new_node {
                [is_unknown, is_tried]
            } else {
                [is_tried, is_unknown]
            };
            (path.is_in_doubt(), order, path.in_flight)
        })
    }

    pub(crate) fn get(&self, id: PathId) -> Option<&Path> {
        self.live.iter().find(|path| path.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.live.iter_mut().find(|path| path.id == id)
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

    /// Drops a path.
    pub(crate) fn remove(&mut self, id: PathId) -> Option<Path> {
        let index = self.live.iter().position(|path| path.id == id)?;
        Some(self.live.remove(index))
    }

    /// Drops all paths through a guard.
    pub(crate) fn remove_guard(&mut self, key: &Ed25519Public) -> Vec<Path> {
        let (gone, live) = core::mem::take(&mut self.live)
            .into_iter()
            .partition(|path| path.has_guard(key));
        self.live = live;
        gone
    }

    /// After a new list: drops paths with nodes that are gone or moved. A guard may be missing: it
    /// is kept for a while, and whether it works is ours to see.
    pub(crate) fn retain_known(&mut self, pool: &Pool) {
        let is_same = |path: &Path| {
            let guard_stays = path.guard().is_none_or(|guard| {
                pool.get(&guard.ed25519).is_none() || pool.is_where_it_was(guard)
            });
            let mut rest = path.hops.iter().skip(1);
            guard_stays && rest.all(|hop| pool.is_where_it_was(hop))
        };
        self.live.retain(is_same);
        self.pending.retain(is_same);
    }

    /// The path whose rotation has been due the longest.
    pub(crate) fn due(&self, now: Instant) -> Option<&Path> {
        let due = self.live.iter().filter(|path| path.due <= now);
        due.min_by_key(|path| path.due)
    }

    /// Puts off the rotation of a path.
    pub(crate) fn put_off(&mut self, id: PathId, now: Instant, config: &PathConfig) {
        if let Some(path) = self.get_mut(id) {
            path.due = now.after(config.rotation_retry);
        }
    }
}
