//! One client, for days.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::Ed25519Public;
use session_network::types::{MonotonicTime, UnixMillis};
use session_network::{
    Config, Endpoint, Network, Now, Outcome as Reported, Post, PostPurpose, Reply, RequestId, Seed,
    Target, Ticket,
};
use session_storage::{Retrieve, Signer, Store};
use session_types::{Namespace, SealedMessage};

use crate::clear::{Clear, Packet};
use crate::exposure::Exposure;
use crate::outcome::Outcome;
use crate::plan::{Attack, Plan};
use crate::world::{Came, OWNERS, START, VICTIM, World};

const DAY: u64 = 24 * 3_600_000;
/// Age up to which a guard is not given up for its age, in milliseconds: three quarters of ten days.
const GUARD_AGE: u64 = 7 * DAY + DAY / 2;

struct Client<'a> {
    plan: &'a Plan,
    world: &'a mut World,
    network: Network<Clear>,
    rng: ChaCha8Rng,
    now: u64,
    /// The error of the local clock.
    clock_error: i64,
    arriving: BTreeMap<(u64, u64), (Ticket, Came)>,
    order: u64,
    under_way: BTreeMap<RequestId, (u64, Option<String>)>,
    /// When guards were drawn.
    drawn: BTreeMap<Ed25519Public, u64>,
    /// Guards of live paths.
    guards: BTreeSet<Ed25519Public>,
    lost: BTreeSet<Ed25519Public>,
    asked: BTreeSet<Ed25519Public>,
    seconds: BTreeSet<Ed25519Public>,
    /// Hops of paths behind guards.
    hops: BTreeSet<Ed25519Public>,
    struck: BTreeSet<Ed25519Public>,
    rested: BTreeSet<Ed25519Public>,
    next_watch: u64,
    next_look: u64,
    /// The first node of the pool, which is shuffled when it is replaced.
    pool_seen: Option<Ed25519Public>,
    exposure: Exposure,
    outcome: Outcome,
}

/// Runs all clients of all networks, and returns their measurements. They do not depend on the number
/// of threads.
pub fn run_all(plan: &Plan, tell: impl Fn(usize, &Outcome) + Sync) -> Outcome {
    let seeds: Vec<u64> = (plan.seed..plan.seed + plan.seeds).collect();
    let per_thread = seeds.len().div_ceil(plan.threads);
    let tell = &tell;
    let mut total = Outcome::default();
    thread::scope(|scope| {
        let parts = seeds.chunks(per_thread);
        let parts = parts.map(|seeds| scope.spawn(move || run_networks(plan, seeds, tell)));
        let parts: Vec<_> = parts.collect();
        for part in parts {
            total.add(&part.join().unwrap());
        }
    });
    total
}

fn run_networks(plan: &Plan, seeds: &[u64], tell: &impl Fn(usize, &Outcome)) -> Outcome {
    let mut total = Outcome::default();
    for seed in seeds {
        let plan = Plan {
            seed: *seed,
            ..plan.clone()
        };
        let mut world = World::new(&plan);
        for number in 0..plan.clients {
            let outcome = run(&plan, number, &mut world);
            tell(number, &outcome);
            total.add(&outcome);
        }
    }
    total
}

/// Runs one client, and returns its measurements.
fn run(plan: &Plan, number: usize, world: &mut World) -> Outcome {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed * 1_000 + number as u64);
    let clock_error = (rng.next_u64() % 600) as i64 - 300;
    let seeds = vec![Seed::new("https://seed.example", [])];
    let mut client = Client {
        plan,
        world,
        network: Network::with_onion(Config::default(), seeds, Clear::default()),
        rng,
        now: 0,
        clock_error,
        arriving: BTreeMap::new(),
        order: 0,
        under_way: BTreeMap::new(),
        drawn: BTreeMap::new(),
        guards: BTreeSet::new(),
        lost: BTreeSet::new(),
        asked: BTreeSet::new(),
        seconds: BTreeSet::new(),
        hops: BTreeSet::new(),
        struck: BTreeSet::new(),
        rested: BTreeSet::new(),
        next_watch: 0,
        next_look: 0,
        pool_seen: None,
        exposure: Exposure::default(),
        outcome: Outcome::default(),
    };
    client.live(number);
    let expected = (plan.attack == Attack::None).then(|| {
        let seed = plan.seed * 1_000 + number as u64;
        let colluders = plan.count_colluders();
        client.exposure.captured(client.world, colluders, seed)
    });
    let mut outcome = client.outcome;
    outcome.clients = 1;
    outcome.expected_captures = expected.unwrap_or(0.0);
    outcome.guards_drawn = client.guards.len();
    outcome.honest_guards_lost = client.lost.len();
    outcome.struck_destinations = client.struck.len();
    outcome.rested_hops = client.rested.len();
    outcome.second_hops = client.seconds.len();
    outcome
}

impl Client<'_> {
    fn local(&self) -> Now {
        Now::new(
            MonotonicTime::new(Duration::from_millis(self.now)),
            UnixMillis::new((START + self.now).saturating_add_signed(self.clock_error)),
        )
    }

    fn live(&mut self, number: usize) {
        let end = self.plan.days * DAY;
        let mut next_request = 1_000;
        let mut count = 0u64;
        self.network.resync_clock();
        while self.now < end {
            self.pump();
            let wakeup = self.network.next_wakeup();
            let wakeup = wakeup.map(|at| at.since_origin().as_millis() as u64);
            let arrival = self.arriving.keys().next().map(|(at, _)| *at);
            let next = [Some(next_request), wakeup, arrival]
                .into_iter()
                .flatten()
                .min();
            self.now = self.now.max(next.unwrap());
            if self.now >= next_request {
                self.ask(number, count);
                count += 1;
                let pause = self.plan.interval * 1_000;
                next_request = self.now + pause / 2 + self.rng.next_u64() % pause;
            }
            let due = self.arriving.range(..=(self.now, u64::MAX));
            let due: Vec<_> = due.map(|(key, _)| *key).collect();
            for key in due {
                let (ticket, came) = self.arriving.remove(&key).unwrap();
                let outcome = match &came {
                    Came::Answer(status, body) => Reported::Answer {
                        status: *status,
                        body,
                    },
                    Came::NoConnection => Reported::Unreachable,
                    Came::Nothing => Reported::TimedOut,
                };
                let local = self.local();
                self.network.report(ticket, outcome, local, &mut self.rng);
            }
        }
    }

    /// Asks for messages, and each sixth time writes one.
    fn ask(&mut self, number: usize, count: u64) {
        let local = self.local();
        let time = self.network.network_time(local);
        self.outcome.requests += 1;
        let (id, hash) = if count % 6 == 2 {
            let to = match count % 24 {
                2 => VICTIM,
                _ => (number + 1 + self.rng.next_u64() as usize % (OWNERS - 3)) % OWNERS,
            };
            let owner = &self.world.owners[to];
            let data = format!("{} {number} {count}", self.plan.seed).into_bytes();
            let message = SealedMessage {
                namespace: Namespace::GROUP_INFO,
                ttl: Duration::from_secs(3_600),
                data,
            };
            let store = Store::new(owner.account, message, time).unwrap();
            let store = store.sign(time, &Signer::group(&owner.secret));
            let hash = store.hash().as_str().to_owned();
            let target = Target::SwarmOf(owner.account);
            (self.network.request(target, store, local), Some(hash))
        } else {
            let owner = &self.world.owners[number % OWNERS];
            let retrieve = Retrieve::new(owner.account, Namespace::GROUP_INFO);
            let retrieve = retrieve.sign(time, &Signer::group(&owner.secret));
            let target = Target::SwarmOf(owner.account);
            (self.network.request(target, retrieve, local), None)
        };
        self.under_way.insert(id, (self.now, hash));
    }

    fn pump(&mut self) {
        let local = self.local();
        while let Some(post) = self.network.poll(local, &mut self.rng) {
            self.post(&post);
        }
        while let Some(event) = self.network.next_event() {
            let (began, hash) = self.under_way.remove(&event.request).unwrap();
            match event.result {
                Ok(Reply::Storage(_)) => {
                    self.outcome.latencies.push(self.now - began);
                    let is_forged = hash.is_some_and(|hash| !self.world.has_message(&hash));
                    self.outcome.forged_receipts += usize::from(is_forged);
                }
                _ => self.outcome.failed_requests += 1,
            }
        }
        self.watch();
    }

    fn post(&mut self, post: &Post) {
        self.outcome.posts += 1;
        let (came, wait) = match &post.endpoint {
            Endpoint::Seed { .. } => (self.world.seed(self.now), 200),
            Endpoint::Node { address, path } if *path == Endpoint::PING => {
                (self.world.ping(*address.ip(), self.now), 100)
            }
            _ => {
                let packet = Packet::read(&post.body);
                if packet.hops.iter().all(|hop| self.world.is_colluder(hop)) {
                    self.outcome.captured_paths = 1;
                }
                if self.plan.attack == Attack::None {
                    self.exposure.add(self.world, &packet.hops);
                }
                self.hops.extend(packet.hops.iter().skip(1));
                self.seconds.extend(packet.hops.get(1));
                if matches!(post.purpose, PostPurpose::Request { .. }) {
                    self.asked.extend(packet.node);
                }
                self.world.carry(&packet, self.now)
            }
        };
        if !matches!(came, Came::Nothing) {
            self.order += 1;
            let key = (self.now + wait, self.order);
            self.arriving.insert(key, (post.ticket, came));
        }
    }

    /// Measures the beliefs of the client.
    fn watch(&mut self) {
        let local = self.local();
        let network = self.network.network_time(local).get();
        let error = network.abs_diff(START + self.now);
        self.outcome.clock_error_ms_max = self.outcome.clock_error_ms_max.max(error);

        // The rest once a minute.
        if self.now < self.next_watch {
            return;
        }
        self.next_watch = self.now + 60_000;
        let nodes = self.network.pool().nodes();
        let first = nodes.first().map(|node| node.ed25519);
        if self.pool_seen != first {
            self.pool_seen = first;
            let ours = nodes
                .iter()
                .filter(|node| self.world.is_colluder(&node.ed25519));
            if ours.count() * 2 > nodes.len() {
                self.outcome.captured_pools = 1;
            }
        }
        self.watch_guards(local);
        // Strikes and rests last for an hour at least.
        if self.now < self.next_look {
            return;
        }
        self.next_look = self.now + 10 * 60_000;
        for node in &self.asked {
            let is_struck = self.network.strikes().is_struck(node, local.monotonic);
            if is_struck && self.world.is_good(node, self.now) {
                self.struck.insert(*node);
            }
        }
        for node in &self.hops {
            // A guard rests when our own connection to it failed.
            let is_resting = self.network.strikes().is_out(node, local.monotonic)
                && !self.drawn.contains_key(node);
            if is_resting && self.world.is_good(node, self.now) {
                self.rested.insert(*node);
            }
        }
    }

    fn watch_guards(&mut self, local: Now) {
        let list = self.network.guards().list();
        for guard in list {
            let key = guard.node().ed25519;
            self.drawn.entry(key).or_insert(self.now);
        }
        for path in self.network.paths().live() {
            self.guards.extend(path.guard().map(|guard| guard.ed25519));
        }
        for guard in &self.guards {
            let is_kept = list
                .iter()
                .any(|known| known.node().ed25519 == *guard && !known.is_suspect());
            let is_young = self.now - self.drawn[guard] < GUARD_AGE;
            let is_struck = self.network.strikes().is_struck(guard, local.monotonic);
            if (!is_kept || is_struck) && is_young && self.world.is_good(guard, self.now) {
                self.lost.insert(*guard);
            }
        }
    }
}
