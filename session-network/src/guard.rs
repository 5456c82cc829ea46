//! The guards, and the second hops (protocol: [onion, section 10.9]).
//!
//! A guard knows the client's address; a path of which all hops collude knows whom the client
//! talks to. So the fewer nodes a client ever uses as guards and second hops, the better: both are
//! drawn once, at random, and kept for days, whatever fails meanwhile.
//!
//! [onion, section 10.9]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/onion.md#section-10.9

use alloc::vec::Vec;
use core::time::Duration;

use rand_core::Rng;
use session_crypto::Ed25519Public;
use session_swarm::ServiceNode;

use crate::config::PathConfig;
use crate::evidence::Proof;
use crate::path::{Exclusions, Paths, View};
use crate::random;
use crate::strikes::Strikes;
use crate::time::Instant;

/// How often a guard is granted another rebuild.
const REBUILD: Duration = Duration::from_secs(600);
/// Paths through a guard before it can be suspect, and the number at which the counts are halved so
/// that old news fades.
const JUDGED: u32 = 32;
const HALVED: u32 = 64;
/// A guard is suspect if less than this share of its paths works, in percent, and at least twice
/// that of all others does.
const SUSPECT_SHARE: u32 = 15;
/// Second hops that are kept at most, as a multiple of those that are wanted.
const MAX_MIDDLES: usize = 3;
/// How long a second hop is known to work after a path through it did.
const MIDDLE_WORKS: Duration = Duration::from_secs(24 * 60 * 60);

/// A node that the client connects to.
#[derive(Debug, Clone)]
pub struct Guard {
    pub(crate) node: ServiceNode,
    /// When it was drawn.
    pub(crate) since: Instant,
    /// When it is replaced.
    pub(crate) until: Instant,
    /// The time since which it has been in no list.
    pub(crate) missing: Option<Instant>,
    /// Paths through it that were tried, and those of them through which an answer came.
    pub(crate) built: u32,
    pub(crate) worked: u32,
    /// Whether its paths fail far more often than those of others.
    pub(crate) suspect: bool,
    /// Whether a connection to it has worked and not failed since.
    pub(crate) proven: bool,
    /// When a connection to it last worked.
    pub(crate) reached: Option<Instant>,
    /// Rebuilds that it was granted and has not used; negative if it has used more.
    rebuilds: i64,
    granted: Instant,
}

impl Guard {
    /// Returns its record.
    #[must_use]
    pub const fn node(&self) -> &ServiceNode {
        &self.node
    }

    /// Whether it is to be used, as far as its age and the lists say.
    pub(crate) fn is_current(&self, now: Instant, config: &PathConfig) -> bool {
        let is_gone = self
            .missing
            .is_some_and(|since| now.since(since) >= config.guard_grace);
        self.until > now && !is_gone && !self.suspect
    }

    /// Returns whether paths through it fail so often that it is no longer used.
    #[must_use]
    pub const fn is_suspect(&self) -> bool {
        self.suspect
    }
}

/// A node that is a second hop, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Middle {
    pub(crate) key: Ed25519Public,
    pub(crate) until: Instant,
    /// Whether it lets nothing through. It is no longer used, and stays in the list so that the
    /// number of draws is bounded.
    given_up: bool,
    /// Guards through which a path with it worked, and when the last one did.
    worked: Vec<(Ed25519Public, Instant)>,
}

impl Middle {
    pub(crate) const fn new(key: Ed25519Public, until: Instant) -> Self {
        Self {
            key,
            until,
            given_up: false,
            worked: Vec::new(),
        }
    }

    fn works_without(&self, guard: &Ed25519Public, now: Instant) -> bool {
        let mut others = self.worked.iter().filter(|(by, _)| by != guard);
        others.any(|(_, at)| now.since(*at) < MIDDLE_WORKS)
    }
}

/// The guards in the order in which they were drawn, and the second hops.
#[derive(Debug, Clone, Default)]
pub struct Guards {
    list: Vec<Guard>,
    middles: Vec<Middle>,
    /// Guards to which a connection failed since anything worked. They are struck when something
    /// else can be reached: until then it may be our own connection.
    failing: Vec<Proof>,
}

impl Guards {
    /// Returns the guards, in the order in which they were drawn.
    #[must_use]
    pub fn list(&self) -> &[Guard] {
        &self.list
    }

    fn get_mut(&mut self, key: &Ed25519Public) -> Option<&mut Guard> {
        self.list
            .iter_mut()
            .find(|guard| guard.node.ed25519 == *key)
    }

    pub(crate) fn get(&self, key: &Ed25519Public) -> Option<&Guard> {
        self.list.iter().find(|guard| guard.node.ed25519 == *key)
    }

    /// The keys of all second hops that were drawn.
    pub(crate) fn middles(&self) -> impl Iterator<Item = &Ed25519Public> {
        self.middles.iter().map(|middle| &middle.key)
    }

    /// The keys of the second hops that are used.
    pub(crate) fn usable_middles(&self) -> impl Iterator<Item = &Ed25519Public> {
        let used = self.middles.iter().filter(|middle| !middle.given_up);
        used.map(|middle| &middle.key)
    }

    /// Whether no more second hops may be drawn.
    pub(crate) fn has_all_middles(&self, config: &PathConfig) -> bool {
        self.middles.len() >= config.middles.saturating_mul(MAX_MIDDLES)
    }

    /// Gives up a second hop that lets nothing through.
    pub(crate) fn give_up_middle(&mut self, key: &Ed25519Public) {
        for middle in self.middles.iter_mut().filter(|middle| middle.key == *key) {
            middle.given_up = true;
        }
    }

    pub(crate) fn middle_records(&self) -> &[Middle] {
        &self.middles
    }

    /// Adds a guard, unless it is one already.
    pub(crate) fn add(
        &mut self,
        node: &ServiceNode,
        now: Instant,
        config: &PathConfig,
        rng: &mut (impl Rng + ?Sized),
    ) {
        if self.get(&node.ed25519).is_some() {
            return;
        }
        let until = now.after(blurred(config.guard_lifetime, rng));
        self.list.push(Guard {
            node: *node,
            since: now,
            until,
            missing: None,
            built: 0,
            worked: 0,
            suspect: false,
            proven: false,
            reached: None,
            rebuilds: config.rebuilds as i64,
            granted: now,
        });
    }

    pub(crate) fn restore(&mut self, guard: Guard) {
        if self.get(&guard.node.ed25519).is_none() {
            self.list.push(guard);
        }
    }

    pub(crate) fn restore_middle(&mut self, middle: Middle) {
        self.middles.push(middle);
    }

    /// A guard of an earlier run.
    pub(crate) const fn saved(
        node: ServiceNode,
        since: Instant,
        until: Instant,
        now: Instant,
        config: &PathConfig,
    ) -> Guard {
        Guard {
            node,
            since,
            until,
            missing: None,
            built: 0,
            worked: 0,
            suspect: false,
            proven: true,
            reached: None,
            rebuilds: config.rebuilds as i64,
            granted: now,
        }
    }

    /// Whether a connection to a node failed since anything worked.
    pub(crate) fn is_failing(&self, key: &Ed25519Public) -> bool {
        self.failing.iter().any(|proof| proof.node() == key)
    }

    /// Whether a node is a guard whose paths fail far too often.
    pub(crate) fn is_suspect(&self, key: &Ed25519Public) -> bool {
        self.get(key).is_some_and(|guard| guard.suspect)
    }

    /// Whether a guard has answered before and not failed since.
    pub(crate) fn is_proven(&self, key: &Ed25519Public) -> bool {
        self.get(key).is_some_and(|guard| guard.proven)
    }

    /// A connection to a guard worked. Returns the evidence against the guards that failed before:
    /// it was not our own connection.
    pub(crate) fn reached(&mut self, key: &Ed25519Public, now: Instant) -> Vec<Proof> {
        if let Some(guard) = self.get_mut(key) {
            guard.proven = true;
            guard.reached = Some(now);
        }
        let mut failing = core::mem::take(&mut self.failing);
        failing.retain(|proof| proof.node() != key);
        failing
    }

    /// A connection to a guard failed.
    pub(crate) fn failed(&mut self, proof: Proof) {
        if let Some(guard) = self.get_mut(proof.node()) {
            guard.proven = false;
        }
        if !self.is_failing(proof.node()) {
            self.failing.push(proof);
        }
    }

    /// Nothing can be reached: rather no network here. Nobody is blamed.
    pub(crate) fn acquit(&mut self) {
        self.failing.clear();
    }

    /// The guard of a new path: the first of the list that is free and can be used; a new one if
    /// all of them are in use or cannot be reached, as long as there are not too many. A guard that
    /// has used up its rebuilds rests, unless there is no path at all.
    pub(crate) fn choose(
        &self,
        view: &View<'_>,
        paths: &Paths,
        exclusions: &Exclusions,
        rng: &mut (impl Rng + ?Sized),
    ) -> Option<ServiceNode> {
        let is_needed = paths.is_empty();
        let (mut resting, mut exhausted) = (None, None);
        for guard in &self.list {
            let is_free = exclusions.allow(&guard.node, view.config);
            let is_current = guard.is_current(view.now, view.config);
            if !is_free || !is_current || !view.is_usable(&guard.node) {
                continue;
            }
            if guard.may_rebuild(view.now) {
                return Some(guard.node);
            }
            if guard.is_exhausted(view.now, view.config.rebuilds) {
                exhausted = exhausted.or(Some(guard.node));
            } else {
                resting = resting.or(Some(guard.node));
            }
        }
        if !is_needed && (resting.is_some() || exhausted.is_some()) {
            return None;
        }
        if resting.is_some() {
            return resting;
        }
        let young = self.list.iter().filter(|guard| guard.until > view.now);
        if young.count() >= view.config.max_guards {
            return exhausted.or_else(|| self.again(view, exclusions));
        }
        let mut excluded = exclusions.clone();
        for guard in &self.list {
            excluded.add(&guard.node);
        }
        for middle in self.middles() {
            if let Some(node) = view.pool.get(middle) {
                excluded.add(node);
            }
        }
        // A middle can become a guard where nodes are few.
        let fresh = view.any(&excluded, rng);
        fresh.or(exhausted).or_else(|| view.any(exclusions, rng))
    }

    /// A guard that is out, when no other may be drawn: the one that failed longest ago.
    fn again(&self, view: &View<'_>, exclusions: &Exclusions) -> Option<ServiceNode> {
        let mut guards = self.list.iter().filter(|guard| {
            let node = &guard.node;
            guard.is_current(view.now, view.config)
                && exclusions.allow(node, view.config)
                && !self.is_failing(&node.ed25519)
                && !view.strikes.is_out_at(&node.ed25519, view.now)
        });
        guards.next().map(|guard| guard.node)
    }

    /// Takes a rebuild from what a guard is granted.
    pub(crate) fn take_rebuild(&mut self, key: &Ed25519Public, now: Instant, most: u32) {
        if let Some(guard) = self.get_mut(key) {
            let (rebuilds, granted) = guard.grants(now);
            guard.rebuilds = rebuilds.min(most.into()).saturating_sub(1);
            guard.granted = granted;
        }
    }

    /// Counts a path through a guard, and whether an answer ever came through it. A guard whose
    /// paths fail far more often than those of others becomes suspect.
    ///
    /// A failure counts only if paths through another guard worked with the same second hop lately:
    /// otherwise it may be the second hop.
    pub(crate) fn count(&mut self, hops: &[ServiceNode], worked: bool, now: Instant) {
        let mut keys = hops.iter().map(|hop| hop.ed25519);
        let (Some(key), second) = (keys.next(), keys.next()) else {
            return;
        };
        let mut middles = self.middles.iter_mut();
        let middle = second.and_then(|second| middles.find(|middle| middle.key == second));
        match middle {
            Some(middle) if worked => {
                middle
                    .worked
                    .retain(|(by, at)| *by != key && now.since(*at) < MIDDLE_WORKS);
                middle.worked.push((key, now));
            }
            Some(middle) if !middle.works_without(&key, now) => return,
            _ => {}
        }
        let key = &key;
        let others = self.list.iter().filter(|guard| guard.node.ed25519 != *key);
        let (built, good) = others.fold((0u32, 0u32), |(built, good), guard| {
            (
                built.saturating_add(guard.built),
                good.saturating_add(guard.worked),
            )
        });
        let others_work = built >= JUDGED / 2
            && good.saturating_mul(100) >= built.saturating_mul(SUSPECT_SHARE.saturating_mul(2));
        let Some(guard) = self.get_mut(key) else {
            return;
        };
        guard.built = guard.built.saturating_add(1);
        guard.worked = guard.worked.saturating_add(worked.into());
        let fails = guard.worked.saturating_mul(100) < guard.built.saturating_mul(SUSPECT_SHARE);
        if guard.built >= JUDGED && fails && others_work {
            guard.suspect = true;
        }
        if guard.built >= HALVED {
            guard.built /= 2;
            guard.worked /= 2;
        }
    }

    /// Draws second hops until there are as many as wanted, and forgets those that are too old.
    pub(crate) fn fill_middles(&mut self, view_of: MiddleView<'_>, rng: &mut (impl Rng + ?Sized)) {
        let MiddleView {
            pool,
            strikes,
            suspicions,
            config,
            now,
        } = view_of;
        self.middles.retain(|middle| middle.until > now);
        if config.hops <= 2 {
            return;
        }
        loop {
            let usable = self.middles.iter().filter(|middle| {
                !middle.given_up
                    && pool.get(&middle.key).is_some()
                    && !strikes.is_out_at(&middle.key, now)
            });
            if usable.count() >= config.middles || self.has_all_middles(config) {
                return;
            }
            let mut excluded = Exclusions::default();
            let guards = self.list.iter().map(|guard| &guard.node);
            for node in guards.chain(self.middles().filter_map(|key| pool.get(key))) {
                excluded.add(node);
            }
            let view = View {
                pool,
                strikes,
                suspicions,
                guards: self,
                config,
                now,
            };
            let Some(node) = view.any(&excluded, rng) else {
                return;
            };
            let until = now.after(blurred(config.middle_lifetime, rng));
            self.middles.push(Middle::new(node.ed25519, until));
        }
    }

    /// Takes over where nodes are by a new list, and notes which guards it lacks.
    pub(crate) fn update(&mut self, pool: &crate::pool::Pool, now: Instant) {
        for guard in &mut self.list {
            match pool.get(&guard.node.ed25519) {
                Some(node) => {
                    guard.missing = None;
                    guard.node = ServiceNode {
                        x25519: guard.node.x25519,
                        ..*node
                    };
                }
                None => guard.missing = guard.missing.or(Some(now)),
            }
        }
    }

    /// Forgets guards that are too old, have been missing for too long, or are missing and cannot
    /// be reached. One that is in use is kept until its path is replaced.
    pub(crate) fn prune(
        &mut self,
        now: Instant,
        strikes: &Strikes,
        paths: &Paths,
        config: &PathConfig,
    ) {
        self.list.retain(|guard| {
            let key = &guard.node.ed25519;
            let is_gone = guard.missing.is_some_and(|since| {
                now.since(since) >= config.guard_grace || strikes.is_out_at(key, now)
            });
            paths.is_guard(key) || (guard.until > now && !is_gone)
        });
    }
}

/// The state from which second hops are drawn.
#[derive(Clone, Copy)]
pub(crate) struct MiddleView<'a> {
    pub(crate) pool: &'a crate::pool::Pool,
    pub(crate) strikes: &'a Strikes,
    pub(crate) suspicions: &'a crate::evidence::Suspicions,
    pub(crate) config: &'a PathConfig,
    pub(crate) now: Instant,
}

impl Guard {
    /// The rebuilds that it has now, and since when the next grant is counted.
    fn grants(&self, now: Instant) -> (i64, Instant) {
        let grants = now.since(self.granted).as_secs() / 600;
        let grants = u32::try_from(grants).unwrap_or(u32::MAX);
        (
            self.rebuilds.saturating_add(grants.into()),
            self.granted.after(REBUILD.saturating_mul(grants)),
        )
    }

    fn may_rebuild(&self, now: Instant) -> bool {
        self.grants(now).0 > 0
    }

    /// Whether it has used so many more rebuilds than it was granted that another guard is drawn
    /// rather than none used.
    fn is_exhausted(&self, now: Instant, most: u32) -> bool {
        self.grants(now).0 < i64::from(most).saturating_mul(-2)
    }
}

/// A lifetime, shortened by up to a quarter at random so that a replacement shows nothing.
fn blurred(lifetime: Duration, rng: &mut (impl Rng + ?Sized)) -> Duration {
    let quarter = usize::try_from(lifetime.as_secs() / 4).unwrap_or(usize::MAX);
    let less = u64::try_from(random::below(rng, quarter)).unwrap_or(0);
    lifetime.saturating_sub(Duration::from_secs(less))
}
