//! A client in a small network of which nodes die, in virtual time. Nodes behave as deployed ones do:
//! a relay gives up on a silent neighbour after 30 s and says 504, and a node that stores waits 5 s for a
//! dead member of its swarm.
#![allow(dead_code)]

use core::time::Duration;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::Ed25519Secret;
use session_network::types::{MonotonicTime, UnixMillis};
use session_network::{
    Config, Endpoint, LastHashes, Network, Now, Outcome, Post, PostPurpose, Purpose, Reply,
    Request, RequestError, SavedState, Seed, Target, Ticket,
};
use session_storage::{Retrieve, Signer, Store};
use session_types::{AnyId, GroupId, Namespace, SealedMessage};

use crate::clear::{Clear, Packet};

#[path = "field/figures.rs"]
mod figures;
#[path = "field/world.rs"]
mod world;

pub use figures::{Figures, percentile, slowest, succeeded};
pub use world::{Death, World};

pub const START: u64 = 1_800_000_000_000;

/// What dies, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Nodes that refuse connections are dead from the beginning.
    Refusing,
    /// Nodes that accept connections and say nothing are dead from the beginning.
    Silent,
    /// Half of them of either kind die after a third of the sends.
    Midway,
    /// The guard of the first path freezes after a third of the sends.
    FrozenGuard,
}

impl Scenario {
    pub const ALL: [Self; 4] = [
        Self::Refusing,
        Self::Silent,
        Self::Midway,
        Self::FrozenGuard,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Refusing => "refusing",
            Self::Silent => "silent",
            Self::Midway => "midway",
            Self::FrozenGuard => "frozen-guard",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub scenario: Scenario,
    pub nodes: usize,
    pub dead: usize,
    pub sends: usize,
    pub seed: u64,
    /// Whether each send and each receive is a process of its own, with what the last one saved.
    pub restart: bool,
}

pub struct Client {
    plan: Plan,
    world: World,
    network: Network<Clear>,
    rng: ChaCha8Rng,
    now: u64,
    /// When the process began.
    began: u64,
    arriving: BTreeMap<(u64, u64), (Ticket, Came)>,
    order: u64,
    figures: Figures,
}

/// What comes back, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    Answer(u16, Vec<u8>),
    NoConnection,
    Nothing,
}

/// Sends and receives as planned, and says how it went.
pub fn run(plan: Plan) -> Figures {
    let mut client = Client::new(plan);
    client.live();
    client.figures
}

/// The first receive of a client that knows nothing but the list of nodes, in milliseconds, if it
/// succeeds.
pub fn first_receive(plan: Plan) -> Option<u64> {
    let mut client = Client::new(plan);
    client.kill();
    client.receive(plan.seed);
    client.figures.receives.pop().flatten()
}

impl Client {
    fn new(plan: Plan) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
        let world = World::new(plan.nodes, &mut rng);
        let config = Config::default().fitted_to(&world.records());
        let mut network = Network::with_onion(config, seeds(), Clear::default());
        let now = Now::new(MonotonicTime::ORIGIN, UnixMillis::new(START));
        network.set_nodes(world.records(), now, &mut rng);
        Self {
            plan,
            world,
            network,
            rng,
            now: 0,
            began: 0,
            arriving: BTreeMap::new(),
            order: 0,
            figures: Figures::default(),
        }
    }
}

fn seeds() -> Vec<Seed> {
    vec![Seed::new("https://seed.example", [])]
}

fn owner(number: u64) -> Ed25519Secret {
    Ed25519Secret::from_seed(&[u8::try_from(number % 200).unwrap() + 1; 32])
}

impl Client {
    fn local(&self) -> Now {
        Now::new(
            MonotonicTime::new(Duration::from_millis(self.now - self.began)),
            UnixMillis::new(START + self.now),
        )
    }

    fn live(&mut self) {
        if matches!(self.plan.scenario, Scenario::Refusing | Scenario::Silent) {
            self.kill();
        }
        for number in 0..self.plan.sends {
            if number == self.plan.sends / 3
                && matches!(self.plan.scenario, Scenario::Midway | Scenario::FrozenGuard)
            {
                self.kill();
            }
            self.send(number as u64);
            self.rest();
            if number % 3 == 2 {
                self.receive(number as u64);
                self.rest();
            }
        }
    }

    fn kill(&mut self) {
        self.figures.killed_at = self.figures.sends.len();
        match self.plan.scenario {
            Scenario::Refusing => {
                self.world
                    .kill(self.plan.dead, |_| Death::Refuses, &mut self.rng)
            }
            Scenario::Silent => self
                .world
                .kill(self.plan.dead, |_| Death::Silent, &mut self.rng),
            Scenario::Midway => {
                let kind = |number| match number % 2 {
                    0 => Death::Refuses,
                    _ => Death::Silent,
                };
                self.world.kill(self.plan.dead, kind, &mut self.rng);
            }
            Scenario::FrozenGuard => {
                let guard = self.network.paths().live().first();
                let guard = guard.and_then(|path| path.guard()).map(|node| node.ed25519);
                let first = self.network.guards().list().first();
                let guard = guard.or(first.map(|guard| guard.node().ed25519));
                self.world.freeze(&guard.unwrap());
            }
        }
    }

    fn restart(&mut self) {
        if !self.plan.restart {
            return;
        }
        let bytes = self.network.save(&LastHashes::default(), self.local());
        let state = SavedState::from_bytes(&bytes.to_bytes()).unwrap();
        self.began = self.now;
        let config = *self.network.config();
        let onion = Clear::default();
        self.network = Network::restore_with_onion(config, seeds(), onion, &state, self.local());
        // What is on its way to the old one is lost.
        self.arriving.clear();
    }

    fn send(&mut self, number: u64) {
        let secret = owner(number);
        let account = AnyId::from(GroupId::from_ed25519(&secret.public()));
        let message = SealedMessage {
            namespace: Namespace::GROUP_INFO,
            ttl: Duration::from_secs(3_600),
            data: format!("message {number}").into_bytes(),
        };
        self.restart();
        let time = self.network.network_time(self.local());
        let store = Store::new(account, message, time).unwrap();
        let store = store.sign(time, &Signer::group(&secret));
        // A storing node waits for the dead members of its swarm.
        let waits = self.world.swarm_has_dead(&account);
        let target = Target::SwarmOf(account);
        let (took, result, dead) = self.request(target, store.into());
        self.figures.sent(took, waits, result.is_ok(), dead);
    }

    fn receive(&mut self, number: u64) {
        let secret = owner(number);
        let account = AnyId::from(GroupId::from_ed25519(&secret.public()));
        self.restart();
        let time = self.network.network_time(self.local());
        let retrieve = Retrieve::new(account, Namespace::GROUP_INFO);
        let retrieve = retrieve.sign(time, &Signer::group(&secret));
        // Each member has an order of its own, so each is asked for something else.
        let members = self.network.members(&account, self.local());
        let each = members.iter().map(|node| (node.ed25519, retrieve.clone()));
        let (target, request) = Request::each(each);
        let (took, result, dead) = self.request(target, request);
        self.figures.received(took, result.is_ok(), dead);
    }

    /// Runs until a request has ended; how long it took, how it ended, and how many of its attempts
    /// passed dead nodes.
    fn request(
        &mut self,
        target: Target,
        request: Request,
    ) -> (u64, Result<(), RequestError>, usize) {
        let began = self.now;
        let local = self.local();
        let id = self
            .network
            .request_for(Purpose::Standard, target, request, local);
        let mut through_dead = 0;
        loop {
            through_dead += self.pump();
            while let Some(event) = self.network.next_event() {
                if event.request == id {
                    let result = event.result.map(|reply| match reply {
                        Reply::Storage(_) => (),
                        other => panic!("{other:?}"),
                    });
                    return (self.now - began, result, through_dead);
                }
            }
            assert!(self.step(u64::MAX), "a request that never ends");
        }
    }

    /// Lets time pass in which nobody asks for anything, as long as people pause.
    fn rest(&mut self) {
        let end = self.now + 1_000 + self.rng.next_u64() % 20_000;
        if !self.plan.restart {
            self.pump();
            while self.step(end) {
                self.pump();
            }
        }
        self.now = end;
    }

    /// Goes on to the next time at which something happens, unless it is after `end`.
    fn step(&mut self, end: u64) -> bool {
        let wakeup = self.network.next_wakeup();
        let wakeup = wakeup.map(|at| self.began + at.since_origin().as_millis() as u64);
        let arrival = self.arriving.keys().next().map(|(at, _)| *at);
        let Some(next) = wakeup.into_iter().chain(arrival).min() else {
            return false;
        };
        if next > end {
            return false;
        }
        self.now = self.now.max(next);
        let due = self.arriving.range(..=(self.now, u64::MAX));
        let due: Vec<_> = due.map(|(key, _)| *key).collect();
        for key in due {
            let (ticket, came) = self.arriving.remove(&key).unwrap();
            let outcome = match &came {
                Came::Answer(status, body) => Outcome::Answer {
                    status: *status,
                    body,
                },
                Came::NoConnection => Outcome::Unreachable,
                Came::Nothing => Outcome::TimedOut,
            };
            let local = self.local();
            self.network.report(ticket, outcome, local, &mut self.rng);
        }
        true
    }

    /// Posts what is to be posted; how many attempts pass dead nodes.
    fn pump(&mut self) -> usize {
        let mut through_dead = 0;
        let local = self.local();
        while let Some(post) = self.network.poll(local, &mut self.rng) {
            through_dead += usize::from(self.post(&post));
        }
        through_dead
    }

    fn post(&mut self, post: &Post) -> bool {
        self.figures.posts += 1;
        let mut is_through_dead = false;
        let (came, wait) = match &post.endpoint {
            Endpoint::Seed { .. } => (Came::Answer(200, self.world.list()), 200),
            Endpoint::Node { address, path } if *path == Endpoint::PING => {
                self.world.ping(*address.ip(), &mut self.rng)
            }
            _ => {
                let packet = Packet::read(&post.body);
                let mut passed = packet.hops.iter().chain(&packet.node);
                let is_attempt = matches!(post.purpose, PostPurpose::Request { .. });
                is_through_dead = is_attempt && passed.any(|key| self.world.is_dead(key));
                self.world.carry(&packet, self.now, &mut self.rng)
            }
        };
        if came != Came::Nothing {
            self.order += 1;
            let key = (self.now + wait, self.order);
            self.arriving.insert(key, (post.ticket, came));
        }
        is_through_dead
    }
}
