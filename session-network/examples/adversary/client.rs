//! One client, for days.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_network::types::{MonotonicTime, UnixMillis};
use session_network::{
    Config, Endpoint, Network, Now, Outcome as Reported, Post, PostPurpose, Reply, RequestId, Seed,
    Target, Ticket,
};
use session_storage::{Retrieve, Signer, Store};
use session_types::{AnyId, GroupId, Namespace, SealedMessage};

use crate::clear::{Clear, Packet};
use crate::world::{Came, Plan, START, World};

/// Age at which a guard may be given up for its age, in milliseconds.
const GUARD_AGE: u64 = 7 * 24 * 3_600_000;

/// What became of clients.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Clients that ever had a path of colluders only.
    pub captured_paths: usize,
    /// Clients of whose pool ever more than half were colluders.
    pub captured_pools: usize,
    /// Messages believed stored that no honest member has.
    pub forged_receipts: usize,
    /// Honest guards, up and listed, that were given up before their time.
    pub honest_guards_lost: usize,
    /// Honest nodes, up and listed, that were asked and then struck out.
    pub struck_destinations: usize,
    pub clock_error_ms_max: u64,
    pub requests: usize,
    pub failed_requests: usize,
    pub guards_drawn: usize,
    pub posts: usize,
    latencies: Vec<u64>,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.captured_paths += other.captured_paths;
        self.captured_pools += other.captured_pools;
        self.forged_receipts += other.forged_receipts;
        self.honest_guards_lost += other.honest_guards_lost;
        self.struck_destinations += other.struck_destinations;
        self.clock_error_ms_max = self.clock_error_ms_max.max(other.clock_error_ms_max);
        self.requests += other.requests;
        self.failed_requests += other.failed_requests;
        self.guards_drawn += other.guards_drawn;
        self.posts += other.posts;
        self.latencies.extend(&other.latencies);
        self.latencies.sort_unstable();
    }

    pub fn median_ms(&self) -> u64 {
        self.latencies
            .get(self.latencies.len() / 2)
            .copied()
            .unwrap_or(0)
    }

    pub fn slowest_ms(&self) -> u64 {
        self.latencies.iter().max().copied().unwrap_or(0)
    }
}

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
    /// Guards of live paths, and since when.
    guards: BTreeMap<Ed25519Public, u64>,
    lost: BTreeSet<Ed25519Public>,
    asked: BTreeSet<Ed25519Public>,
    struck: BTreeSet<Ed25519Public>,
    next_watch: u64,
    outcome: Outcome,
}

/// Lets one client live, and says what became of it.
pub fn run(plan: &Plan, number: usize, world: &mut World) -> Outcome {
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
        guards: BTreeMap::new(),
        lost: BTreeSet::new(),
        asked: BTreeSet::new(),
        struck: BTreeSet::new(),
        next_watch: 0,
        outcome: Outcome::default(),
    };
    client.live(number);
    let mut outcome = client.outcome;
    outcome.guards_drawn = client.guards.len();
    outcome.honest_guards_lost = client.lost.len();
    outcome.struck_destinations = client.struck.len();
    outcome
}

fn owner(number: usize) -> Ed25519Secret {
    let number = (number as u64).to_be_bytes();
    Ed25519Secret::from_seed(&core::array::from_fn(|at| {
        number.get(at).copied().unwrap_or(7)
    }))
}

impl Client<'_> {
    fn local(&self) -> Now {
        Now::new(
            MonotonicTime::new(Duration::from_millis(self.now)),
            UnixMillis::new((START + self.now).saturating_add_signed(self.clock_error)),
        )
    }

    fn live(&mut self, number: usize) {
        let end = self.plan.days * 24 * 3_600_000;
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

    /// Asks for messages, and each third time writes one.
    fn ask(&mut self, number: usize, count: u64) {
        let local = self.local();
        let time = self.network.network_time(local);
        self.outcome.requests += 1;
        let (id, hash) = if count % 3 == 2 {
            let to = (number + 1 + self.rng.next_u64() as usize % 97) % 100;
            let secret = owner(to);
            let account = AnyId::from(GroupId::from_ed25519(&secret.public()));
            let data = format!("{number} {count}").into_bytes();
            let message = SealedMessage {
                namespace: Namespace::GROUP_INFO,
                ttl: Duration::from_secs(3_600),
                data,
            };
            let store = Store::new(account, message, time).unwrap();
            let store = store.sign(time, &Signer::group(&secret));
            let hash = store.hash().as_str().to_owned();
            let target = Target::SwarmOf(account);
            (self.network.request(target, store, local), Some(hash))
        } else {
            let secret = owner(number);
            let account = AnyId::from(GroupId::from_ed25519(&secret.public()));
            let retrieve = Retrieve::new(account, Namespace::GROUP_INFO);
            let retrieve = retrieve.sign(time, &Signer::group(&secret));
            let target = Target::SwarmOf(account);
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

    /// Looks at what the client believes.
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
        let ours = nodes
            .iter()
            .filter(|node| self.world.is_colluder(&node.ed25519));
        if !nodes.is_empty() && ours.count() * 2 > nodes.len() {
            self.outcome.captured_pools = 1;
        }

        for path in self.network.paths().live() {
            if let Some(guard) = path.guard() {
                self.guards.entry(guard.ed25519).or_insert(self.now);
            }
        }
        let list = self.network.guards().list();
        for (guard, since) in &self.guards {
            let is_kept = list
                .iter()
                .any(|known| known.node().ed25519 == *guard && !known.is_suspect());
            let is_young = self.now - since < GUARD_AGE;
            let is_struck = self.network.strikes().count(guard, local.monotonic) >= 3;
            if (!is_kept || is_struck) && is_young && self.world.is_good(guard, self.now) {
                self.lost.insert(*guard);
            }
        }
        for node in &self.asked {
            let is_out = self.network.strikes().is_out(node, local.monotonic);
            // A guard rests when our own connection to it failed.
            if is_out && !self.guards.contains_key(node) && self.world.is_good(node, self.now) {
                self.struck.insert(*node);
            }
        }
    }
}
