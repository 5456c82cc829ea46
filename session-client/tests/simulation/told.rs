//! Notices: what a client does with what a node tells, and how it fetches when nobody tells.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_client::network::{
    Config, Endpoint, Network, Notice, Now, Outcome, Post, PostPurpose, Seed, Ticket,
};
use session_client::types::{AnyId, MonotonicTime, Namespace, UnixMillis};
use session_client::{Client, Settings};
use session_crypto::Ed25519Public;
use session_identity::{Account, Seed as AccountSeed};
use session_storage::monitor::{self, MonitorRequests, QUIC_NOTICE};

use crate::clear::{Clear, Packet};
use crate::world::{START, World, outcome};

/// A client in a network where everything arrives at once.
struct Told {
    world: World,
    client: Client,
    network: Network<Clear>,
    rng: ChaCha8Rng,
    /// Nodes that were asked for messages, and when.
    fetches: Vec<(u64, Ed25519Public)>,
    /// Requests for notices that wait for their answer.
    watches: Vec<(Ticket, Ed25519Public, Vec<u8>)>,
}

const YES: Outcome<'_> = Outcome::Answer {
    status: 200,
    body: b"d7:successi1ee",
};

impl Told {
    fn new(settings: Settings) -> Self {
        let account = Account::from_seed(&AccountSeed::from_short(&[7; 16]));
        let seeds = vec![Seed::new("https://seed.example", [])];
        Self {
            world: World::new(1),
            client: Client::created(account.into(), settings),
            network: Network::with_onion(Config::test_network(), seeds, Clear::default()),
            rng: ChaCha8Rng::seed_from_u64(1),
            fetches: Vec::new(),
            watches: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        let elapsed = Duration::from_millis(self.world.now - START);
        Now::new(MonotonicTime::new(elapsed), UnixMillis::new(self.world.now))
    }

    fn id(&self) -> AnyId {
        (*self.client.id()).into()
    }

    fn carry(&mut self, post: &Post) {
        if let (PostPurpose::Watch(node), Endpoint::Quic { .. }) = (&post.purpose, &post.endpoint) {
            let watch = (post.ticket, node.ed25519, post.body.clone());
            self.watches.push(watch);
            return;
        }
        if matches!(&post.endpoint, Endpoint::Node { path, .. } if *path != Endpoint::PING) {
            let packet = Packet::read(&post.body);
            if packet.body.windows(8).any(|part| part == b"retrieve") {
                self.fetches.push((self.world.now, packet.node.unwrap()));
            }
        }
        let came = self.world.carry(post);
        let now = self.now();
        self.network
            .report(post.ticket, outcome(&came), now, &mut self.rng);
    }

    /// Does all that is due until `time` has passed.
    fn pass(&mut self, time: Duration) {
        let end = self.world.now + time.as_millis() as u64;
        loop {
            let now = self.now();
            self.client.poll(&mut self.network, now, &mut self.rng);
            while let Some(post) = self.network.poll(now, &mut self.rng) {
                self.carry(&post);
            }
            let mut any = self.client.take_batch().is_some();
            self.client.persisted();
            while let Some(event) = self.network.next_event() {
                any = true;
                let foreign = self
                    .client
                    .report(event, &mut self.network, now, &mut self.rng);
                assert!(foreign.is_none());
            }
            while let Some(notice) = self.network.next_notice() {
                any = true;
                assert_eq!(self.client.notice(notice), None);
            }
            if any {
                continue;
            }
            if self.world.now >= end {
                return;
            }
            let due = [self.network.next_wakeup(), self.client.next_wakeup()];
            let due = due.into_iter().flatten().min();
            let due = due.map_or(end, |at| START + at.since_origin().as_millis() as u64);
            self.world.now = due.clamp(self.world.now + 1, end);
        }
    }

    /// Lets time pass until a request for notices waits for its answer.
    fn until_asked(&mut self) {
        while self.watches.is_empty() {
            self.pass(Duration::from_secs(2));
        }
    }

    /// Answers the request for notices that waits. Returns who was asked.
    fn answer(&mut self, outcome: Outcome<'_>) -> Ed25519Public {
        let (ticket, node, body) = self.watches.pop().unwrap();
        // Those before it had no answer in time.
        self.watches.clear();
        let requests = MonitorRequests::parse(&body).requests;
        let [Ok(request)] = requests.as_slice() else {
            panic!("{requests:?}")
        };
        let namespaces = &request.namespaces;
        assert!(request.account == self.id() && namespaces.contains(&Namespace::DEFAULT));
        assert!(request.check(self.now().wall, |_| true).is_ok(), "signed");
        let now = self.now();
        self.network.report(ticket, outcome, now, &mut self.rng);
        node
    }

    fn tell(&mut self, node: &Ed25519Public, text: &[u8]) {
        let notice = self.notice(text).to_bencode();
        let now = self.now();
        self.network
            .told(node, QUIC_NOTICE.as_bytes(), &notice, now);
    }

    fn notice(&self, text: &[u8]) -> monitor::Notice {
        monitor::Notice {
            account: self.id(),
            hash: session_crypto::hash::message_hash(&self.id(), Namespace::DEFAULT, text),
            namespace: Namespace::DEFAULT,
            timestamp: UnixMillis::new(self.world.now),
            expiry: UnixMillis::new(self.world.now + 600_000),
            data: None,
        }
    }

    /// The fetches since the last call: after how many milliseconds, and from whom.
    fn fetched(&mut self, since: u64) -> Vec<(u64, Ed25519Public)> {
        let fetches = core::mem::take(&mut self.fetches).into_iter();
        fetches.map(|(at, node)| (at - since, node)).collect()
    }
}

/// A client to which a node has promised to tell, a minute after its start.
fn subscribed() -> (Told, Ed25519Public) {
    let mut settings = Settings::default();
    settings.notices = true;
    let mut told = Told::new(settings);
    told.until_asked();
    let node = told.answer(YES);
    told.pass(Duration::from_secs(90));
    told.fetched(START);
    (told, node)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn nobody_is_asked_for_notices_unless_the_program_wants_them() {
    let mut told = Told::new(Settings::default());
    told.pass(MINUTE);
    assert!(told.watches.is_empty());
    assert!(told.fetched(START).len() >= 18, "every three seconds");
}

#[test]
fn a_client_that_is_told_fetches_once_a_minute() {
    let (mut told, _) = subscribed();
    told.pass(MINUTE * 10);
    assert_eq!(told.fetched(START).len(), 10);
}

#[test]
fn a_client_to_which_nobody_tells_any_more_fetches_as_usual() {
    let (mut told, node) = subscribed();
    let now = told.now();
    told.network.disconnected(&node, now);
    let since = told.world.now;
    told.pass(Duration::from_secs(31));
    let fetches = told.fetched(since);
    assert!(fetches.len() >= 10, "{fetches:?}");
    assert!(fetches[0].0 <= 3_000, "{fetches:?}");
    // Another member is asked, and tells.
    let other = told.answer(YES);
    assert_ne!(other, node);
    told.pass(MINUTE * 2);
    told.fetched(START);
    told.pass(MINUTE * 5);
    assert_eq!(told.fetched(START).len(), 5);
}

#[test]
fn a_notice_is_a_reason_to_fetch_at_once_from_the_node_that_told() {
    for _ in 0..10 {
        let (mut told, node) = subscribed();
        let text = b"not stored anywhere";
        told.tell(&node, text);
        let since = told.world.now;
        told.pass(Duration::from_secs(4));
        let fetches = told.fetched(since);
        // What does not come is asked for a few times more, less and less often, from others.
        let times: Vec<u64> = fetches.iter().map(|fetch| fetch.0).collect();
        assert_eq!(times[0], 0);
        assert_eq!(fetches[0].1, node);
        assert_eq!(times.len(), 5, "{times:?}");
        assert!(
            times.is_sorted() && times[1] >= 200 && times[4] < 4_000,
            "{times:?}"
        );
        assert!(fetches[1..].iter().any(|(_, other)| *other != node));
        // Then it is over: a minute passes as it would.
        told.pass(Duration::from_secs(50));
        assert!(told.fetched(since).is_empty());
    }
}

#[test]
fn a_node_that_tells_all_the_time_is_not_the_clock_of_the_client() {
    let (mut told, node) = subscribed();
    let since = told.world.now;
    for number in 0..1_000_u32 {
        told.tell(&node, &number.to_be_bytes());
        told.pass(Duration::from_millis(10));
    }
    let fetches = told.fetched(since).len();
    assert!((40..=60).contains(&fetches), "{fetches} in ten seconds");
}

#[test]
fn a_notice_about_somebody_else_is_given_back() {
    let (mut told, _) = subscribed();
    let mut notice = told.notice(b"x");
    notice.account = AnyId::from_bytes([5; 33]);
    let notice = Notice::Message(notice);
    assert_eq!(told.client.notice(notice.clone()), Some(notice));
    let since = told.world.now;
    told.pass(Duration::from_secs(5));
    assert!(told.fetched(since).len() <= 1);
}

#[test]
fn the_request_for_notices_is_signed_anew_every_day() {
    let (mut told, node) = subscribed();
    let mut requests = Vec::new();
    let until = told.world.now + 25 * 3_600_000;
    while told.world.now < until {
        told.until_asked();
        requests.push(told.watches[0].2.clone());
        assert_eq!(told.answer(YES), node, "renewed at the same node");
    }
    let all = requests.len();
    requests.dedup();
    println!("{all} requests, {} signatures", requests.len());
    assert!(
        all >= 27 && requests.len() == 2,
        "a signature is good for two weeks"
    );
}
