//! What the client does about failures: the behaviour of the protocol: onion, sections 10.2 to
//! 10.5 and 11.8, and of swarm, section 6.1, in small networks where each step can be followed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    missing_docs
)]

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::{Ed25519Public, Ed25519Secret};
use session_onion::client::{Hop, ReplyError, Request as Packet, seal};
use session_onion::status::Blame;
use session_swarm::client::{
    Action, Client, ClientConfig, Event, Outcome, RequestError, RequestId, Target, Ticket,
};
use session_swarm::limits::{DAY_MS, MINUTE_MS};
use session_swarm::path::{Path, PathConfig, Purpose};
use session_swarm::pool::PoolConfig;
use session_swarm::record::{SwarmInfo, Version};
use session_swarm::rpc::{Info, InfoAnswer, Response, Retrieve, Signer, Stamp};
use session_swarm::{Namespace, STRIKE_LIMIT, ServiceNode, StorageAccount, SwarmId};

const START: u64 = 1_800_000_000_000;

/// A client in a network of so many nodes, whose answers the test gives.
struct World {
    client: Client,
    nodes: Vec<ServiceNode>,
    rng: ChaCha8Rng,
    now: u64,
}

/// An onion request on its way.
#[derive(Clone)]
struct Sent {
    ticket: Ticket,
    hops: Vec<ServiceNode>,
    destination: ServiceNode,
    body: Vec<u8>,
}

fn node(number: u8) -> ServiceNode {
    ServiceNode {
        ed25519: Ed25519Secret::from_seed(&[number; 32]).public(),
        x25519: None,
        legacy: None,
        ip: [45, 0, number, 1].into(),
        https_port: 22021,
        omq_port: 22020,
        version: Version([2, 8, 0]),
        swarm_id: SwarmId::new(u64::from(number % 2) << 62),
        requested_unlock_height: 0,
    }
}

/// One path of three, and no test of guards unless the test is about them.
fn config() -> ClientConfig {
    ClientConfig {
        path: PathConfig {
            paths: 1,
            test_guards: false,
            ..PathConfig::default()
        },
        pool: PoolConfig {
            min_nodes: 4,
            min_refresh_gap_ms: 100 * DAY_MS,
            lifetime_ms: 100 * DAY_MS,
            ..PoolConfig::default()
        },
        request_timeout_ms: DAY_MS,
        attempts: 1,
        seeds: 1,
        ..ClientConfig::default()
    }
}

impl World {
    fn new(count: u8, config: ClientConfig) -> Self {
        Self::of((0..count).map(node).collect(), config)
    }

    fn of(nodes: Vec<ServiceNode>, config: ClientConfig) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut client = Client::new(config);
        client.set_nodes(nodes.clone(), START, &mut rng);
        Self {
            client,
            nodes,
            rng,
            now: START,
        }
    }

    fn actions(&mut self) -> Vec<Action> {
        let (client, now, rng) = (&mut self.client, self.now, &mut self.rng);
        core::iter::from_fn(|| client.poll(now, rng)).collect()
    }

    /// Everything that the client sends now; nothing else is asked for.
    fn sends(&mut self) -> Vec<Sent> {
        let actions = self.actions().into_iter();
        let sends = actions.map(|action| match action {
            Action::Send {
                ticket,
                hops,
                destination,
                body,
                ..
            } => Sent {
                ticket,
                hops,
                destination,
                body,
            },
            other => panic!("{other:?}"),
        });
        sends.collect()
    }

    fn ask(&mut self, target: Target) -> (RequestId, Sent) {
        let id = self.client.submit(target, Info, self.now);
        let sent = self.sends().pop().unwrap();
        (id, sent)
    }

    fn report(&mut self, ticket: Ticket, outcome: Outcome<'_>) {
        self.client.report(ticket, outcome, self.now, &mut self.rng);
    }

    fn fail(&mut self, sent: &Sent, status: u16, text: &str) {
        let body = text.as_bytes();
        self.report(sent.ticket, Outcome::PathError { status, body });
    }

    fn succeed(&mut self, sent: &Sent) {
        let stamp = Stamp {
            t: self.now,
            hf: [19, 4],
        };
        let answer = InfoAnswer {
            version: Version([2, 8, 0]),
            timestamp: self.now,
            stamp,
        };
        let body = Response::ok(answer.to_value()).json_body();
        let status = 200;
        self.report(
            sent.ticket,
            Outcome::Answer {
                status,
                body: &body,
            },
        );
    }

    fn path(&self) -> &Path {
        &self.client.paths().live()[0]
    }

    fn keys(&self) -> Vec<Ed25519Public> {
        keys(&self.path().hops)
    }

    fn strikes(&self, keys: &[Ed25519Public]) -> Vec<usize> {
        let strikes = self.client.strikes();
        let counts = keys.iter().map(|key| strikes.count(key, self.now));
        counts.collect()
    }

    fn total_strikes(&self) -> usize {
        let keys = keys(&self.nodes);
        self.strikes(&keys).iter().sum()
    }
}

fn keys(nodes: &[ServiceNode]) -> Vec<Ed25519Public> {
    nodes.iter().map(|node| node.ed25519).collect()
}

fn hex(key: &Ed25519Public) -> String {
    const_hex::encode(key.as_bytes())
}

#[test]
fn a_500_without_a_body_counts_against_nobody() {
    let mut world = World::new(12, config());
    let (_, sent) = world.ask(Target::Any);
    world.fail(&sent, 500, "");
    assert_eq!((world.total_strikes(), world.path().strikes()), (0, 0));
    // But a path that does nothing else is not kept for ever.
    let first = world.path().id;
    for _ in 1..PathConfig::default().failures {
        assert_eq!(world.path().id, first);
        let (_, sent) = world.ask(Target::Any);
        world.fail(&sent, 500, "");
    }
    assert!(world.client.paths().live().is_empty());
    assert_eq!(world.total_strikes(), 0);
}

#[test]
fn an_invalid_response_of_a_node_is_a_strike_for_the_path() {
    let mut world = World::new(12, config());
    for strike in 1..=3 {
        let (_, sent) = world.ask(Target::Any);
        let hops = keys(&sent.hops);
        world.fail(&sent, 500, "Invalid response from snode");
        if strike < 3 {
            assert_eq!((world.total_strikes(), world.path().strikes()), (0, strike));
        } else {
            assert!(world.client.paths().live().is_empty());
            assert_eq!(world.strikes(&hops), [1, 1, 1]);
            assert_eq!(world.total_strikes(), 3);
        }
    }
}

#[test]
fn an_answer_takes_the_strikes_of_a_path_back() {
    let mut world = World::new(12, config());
    for _ in 0..9 {
        let (_, sent) = world.ask(Target::Any);
        world.fail(&sent, 504, "Request time out");
        let (id, sent) = world.ask(Target::Any);
        world.succeed(&sent);
        let event = world.client.next_event().unwrap();
        assert!(event.request != id || event.result.is_ok());
        while world.client.next_event().is_some() {}
        assert_eq!(world.path().strikes(), 0);
    }
    assert_eq!(world.total_strikes(), 0);
}

#[test]
fn a_node_that_is_not_found_is_struck_out_and_replaced_in_its_path() {
    for place in [1, 2] {
        for text in [
            "Next node not found: ",
            "Next node is currently unreachable: ",
        ] {
            let mut world = World::new(12, config());
            let (_, sent) = world.ask(Target::Any);
            let (id, before) = (world.path().id, world.keys());
            let gone = before[place];
            world.fail(&sent, 502, &format!("{text}{}", hex(&gone)));
            let mut expected = [0; 3];
            expected[place] = STRIKE_LIMIT;
            assert_eq!(world.strikes(&before), expected);
            assert_eq!(world.path().strikes(), 1);
            world.sends();
            let after = world.keys();
            assert_eq!(world.path().id, id, "not in place");
            assert_eq!(world.path().strikes(), 1);
            for other in 0..3 {
                assert_eq!(before[other] == after[other], other != place);
            }
            assert!(!after.contains(&gone));
            assert!(
                world
                    .path()
                    .hops
                    .iter()
                    .all(|hop| hop.x25519 == hop.onion_key().ok())
            );
        }
    }
}

#[test]
fn a_hop_that_was_blamed_by_name_does_not_pay_for_its_path_too() {
    let mut world = World::new(12, config());
    let (_, sent) = world.ask(Target::Any);
    let hops = world.keys();
    world.fail(&sent, 503, &format!("Snode not ready: {}", hex(&hops[2])));
    assert_eq!(world.strikes(&hops), [0, 0, 1]);
    assert_eq!(world.path().strikes(), 0);
    for _ in 0..3 {
        let (_, sent) = world.ask(Target::Any);
        world.fail(&sent, 504, "Request time out");
    }
    assert_eq!(world.strikes(&hops), [1, 1, 1]);
}

#[test]
fn a_struck_out_hop_without_a_replacement_drops_the_path() {
    let mut world = World::new(4, config());
    let (_, sent) = world.ask(Target::Any);
    let (id, hop) = (world.path().id, world.keys()[1]);
    // The only node that is in no path is out too.
    let fourth = sent.destination.ed25519;
    world.fail(
        &sent,
        502,
        &format!("Next node not found: {}", hex(&fourth)),
    );
    let (_, sent) = world.ask(Target::Node(fourth));
    assert_eq!(world.path().id, id);
    world.fail(&sent, 502, &format!("Next node not found: {}", hex(&hop)));
    world.actions();
    assert!(world.client.paths().live().iter().all(|path| path.id != id));
}

#[test]
fn who_is_blamed_is_whom_session_onion_blames() {
    let stranger = hex(&Ed25519Public::from_bytes([9; 32]));
    let texts = |hops: &[ServiceNode], destination: &ServiceNode| {
        let mut texts: Vec<(u16, String)> = vec![
            (400, "Invalid json".into()),
            (406, String::new()),
            (421, String::new()),
            (425, String::new()),
            (429, "rate".into()),
            (500, String::new()),
            (500, "Invalid response from snode".into()),
            (502, "oxend returned unparsable data".into()),
            (502, "something else".into()),
            (502, "Next node not found: 12".into()),
            (503, "Service node is not ready: shutting down\n".into()),
            (503, "Server busy, try again later".into()),
            (503, "nothing".into()),
            (504, "Request time out".into()),
            (504, "other".into()),
            (404, format!("Next node not found: {stranger}")),
        ];
        let known = hops
            .iter()
            .chain([destination])
            .map(|node| hex(&node.ed25519));
        for key in known.chain([stranger.clone()]) {
            texts.push((502, format!("Next node not found: {key}")));
            texts.push((
                502,
                format!("502 Bad Gateway\n\nNext node not found: {key}\nx"),
            ));
            texts.push((502, format!("Next node is currently unreachable: {key}")));
            texts.push((503, format!("Snode not ready: {key}")));
            texts.push((500, format!("Snode not ready: {key}")));
        }
        texts
    };
    let sample = World::new(12, config()).ask(Target::Any).1;
    let cases = texts(&sample.hops, &sample.destination);
    assert!(cases.len() > 40);
    let mut seen = std::collections::BTreeSet::new();
    for (status, text) in cases {
        let mut world = World::new(12, config());
        let (_, sent) = world.ask(Target::Any);
        assert_eq!(sent.hops, sample.hops, "the same generator, the same path");
        let hop = |node: &ServiceNode| Hop::new(node.ed25519, node.x25519.unwrap());
        let layers: Vec<Hop> = sent.hops.iter().map(hop).collect();
        let last = hop(&sent.destination);
        let sealed = seal(&mut world.rng, &layers, &Packet::storage(&last, &sent.body)).unwrap();
        let reply = sealed.reply_key.open(status, text.as_bytes());
        let Err(ReplyError::Plain { plain, .. }) = reply else {
            panic!("{status} {text}: {reply:?}");
        };
        let hops = world.keys();
        world.fail(&sent, status, &text);
        let mut expected = [0; 4];
        let mut on_path = 0;
        match plain.blame {
            Blame::Nobody => {}
            Blame::Path => on_path = 1,
            Blame::Hop(place) => expected[place] = 1,
            Blame::HopGone(place) => (expected[place], on_path) = (STRIKE_LIMIT, 1),
            Blame::Destination => expected[3] = 1,
            Blame::DestinationGone => expected[3] = STRIKE_LIMIT,
            other => panic!("{other:?}"),
        }
        let all = [hops, vec![sent.destination.ed25519]].concat();
        assert_eq!(world.strikes(&all), expected, "{status} {text}");
        assert_eq!(world.path().strikes(), on_path, "{status} {text}");
        seen.insert(format!("{:?}", plain.blame));
    }
    // Every kind of blame occurred.
    assert_eq!(seen.len(), 9, "{seen:?}");
}

#[test]
fn a_destination_whose_chain_daemon_is_broken_is_struck_out() {
    let mut world = World::new(12, config());
    let (_, sent) = world.ask(Target::Any);
    let body = b"oxend returned unparsable data";
    world.report(sent.ticket, Outcome::Answer { status: 502, body });
    assert_eq!(world.strikes(&[sent.destination.ed25519]), [STRIKE_LIMIT]);
    assert_eq!(world.total_strikes(), STRIKE_LIMIT);
}

#[test]
fn a_path_with_the_destination_is_taken_only_where_that_is_allowed() {
    for allowed in [false, true] {
        let mut config = config();
        config.path.allow_destination_in_path = allowed;
        let mut world = World::new(12, config);
        let (_, sent) = world.ask(Target::Any);
        world.succeed(&sent);
        let hop = world.keys()[1];
        world.client.submit(Target::Node(hop), Info, world.now);
        let sends = world.sends();
        assert_eq!(sends.len(), usize::from(allowed));
    }
}

/// Guards are tried before they are used.
mod guards {
    use super::*;

    fn tested() -> ClientConfig {
        let mut config = config();
        config.path.test_guards = true;
        config
    }

    fn test_of(action: &Action) -> Option<(Ticket, ServiceNode, u64)> {
        match action {
            Action::TestGuard {
                ticket,
                guard,
                deadline_ms,
            } => Some((*ticket, *guard, *deadline_ms)),
            _ => None,
        }
    }

    #[test]
    fn nothing_is_sent_before_the_guard_has_answered() {
        let mut world = World::new(12, tested());
        world.client.submit(Target::Any, Info, world.now);
        world.client.submit(Target::Any, Info, world.now);
        let actions = world.actions();
        let [action] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        let (ticket, guard, deadline) = test_of(action).unwrap();
        assert_eq!(deadline, world.now + 3_000);
        assert!(world.client.paths().live().is_empty());
        assert!(world.client.paths().is_in_use(&guard.ed25519));
        assert_eq!(world.client.next_wakeup(), Some(deadline));
        world.now += 500;
        world.report(
            ticket,
            Outcome::Answer {
                status: 404,
                body: b"",
            },
        );
        let sends = world.sends();
        assert_eq!(sends.len(), 2);
        assert!(
            sends
                .iter()
                .all(|sent| sent.hops[0].ed25519 == guard.ed25519)
        );
        // A guard that is known is not tried again.
        assert_eq!(world.client.paths().guards().len(), 1);
        assert_eq!(world.client.paths().guards()[0].since_ms, world.now);
    }

    #[test]
    fn a_guard_that_does_not_answer_gets_a_strike_and_the_next_one_is_tried_later() {
        let mut world = World::new(12, tested());
        let id = world.client.submit(Target::Any, Info, world.now);
        let mut wait = 200;
        for _ in 0..4 {
            let actions = world.actions();
            let (ticket, guard, deadline) = test_of(&actions[0]).unwrap();
            let before = world.strikes(&[guard.ed25519])[0];
            // Silence and refusal are the same.
            if wait == 400 {
                world.now = deadline;
            } else {
                world.report(ticket, Outcome::Unreachable);
            }
            assert!(world.actions().is_empty(), "no rest");
            assert_eq!(world.strikes(&[guard.ed25519])[0], before + 1);
            assert_eq!(world.client.next_wakeup(), Some(world.now + wait));
            world.now += wait;
            wait *= 2;
        }
        let actions = world.actions();
        let (ticket, _, _) = test_of(&actions[0]).unwrap();
        world.report(
            ticket,
            Outcome::Answer {
                status: 200,
                body: b"",
            },
        );
        let sent = world.sends().pop().unwrap();
        world.succeed(&sent);
        // None of this was an attempt: there is only one.
        let Event { request, result } = world.client.next_event().unwrap();
        assert!(request == id && result.is_ok());
    }

    #[test]
    fn ten_guards_that_fail_are_a_failed_attempt() {
        let mut world = World::new(12, tested());
        let id = world.client.submit(Target::Any, Info, world.now);
        for tries in 0..10 {
            assert!(world.client.next_event().is_none(), "after {tries}");
            let actions = world.actions();
            let (ticket, _, _) = test_of(&actions[0]).unwrap();
            world.report(ticket, Outcome::Unreachable);
            world.now += 5_000;
        }
        world.actions();
        let Event { request, result } = world.client.next_event().unwrap();
        assert_eq!(
            (request, result.err()),
            (id, Some(RequestError::PathsFailed))
        );
    }

    #[test]
    fn a_guard_whose_connection_broke_is_kept_but_tried_again() {
        let mut world = World::new(12, tested());
        world.client.submit(Target::Any, Info, world.now);
        let (ticket, guard, _) = test_of(&world.actions()[0]).unwrap();
        world.report(
            ticket,
            Outcome::Answer {
                status: 200,
                body: b"",
            },
        );
        let sent = world.sends().pop().unwrap();
        world.report(sent.ticket, Outcome::Unreachable);
        assert!(world.client.paths().live().is_empty());
        assert_eq!(world.strikes(&[guard.ed25519]), [1]);
        world.client.submit(Target::Any, Info, world.now);
        let actions = world.actions();
        let (ticket, again, _) = test_of(&actions[0]).unwrap();
        assert_eq!(again.ed25519, guard.ed25519);
        world.report(
            ticket,
            Outcome::Answer {
                status: 200,
                body: b"",
            },
        );
        assert_eq!(world.sends().len(), 1);
        assert_eq!(world.client.paths().guards().len(), 1);
    }

    #[test]
    fn a_struck_out_guard_is_forgotten() {
        let mut world = World::new(12, config());
        let (_, sent) = world.ask(Target::Any);
        let guard = sent.hops[0].ed25519;
        for text in [
            "Service node is not ready: x",
            "Server busy, try again later",
            "Service node is not ready: x",
        ] {
            let (_, sent) = world.ask(Target::Any);
            world.fail(&sent, 503, text);
        }
        world.actions();
        assert!(
            world
                .client
                .paths()
                .guards()
                .iter()
                .all(|known| known.key != guard)
        );
        assert!(
            world
                .client
                .paths()
                .live()
                .iter()
                .all(|path| !path.contains(&guard))
        );
    }
}

/// Strikes do not use up a network.
mod small {
    use super::*;

    #[test]
    fn when_nobody_is_left_those_that_failed_longest_ago_are_forgiven() {
        let mut world = World::new(5, config());
        // Whoever is asked or passed fails, for hours.
        let mut sent_at_all = 0;
        for _ in 0..100 {
            world.client.submit(Target::Any, Info, world.now);
            for sent in world.sends() {
                sent_at_all += 1;
                let text = format!("Next node not found: {}", hex(&sent.hops[1].ed25519));
                world.fail(&sent, 502, &text);
            }
            world.now += MINUTE_MS;
        }
        assert_eq!(sent_at_all, 100, "the client gave up");
        // And when the network works again, so does the client.
        let (_, sent) = world.ask(Target::Any);
        world.succeed(&sent);
        while let Some(event) = world.client.next_event() {
            assert_eq!(event.result.is_ok(), world.client.next_event().is_none());
        }
    }

    #[test]
    fn a_node_with_a_bad_key_is_never_forgiven_and_never_used() {
        let mut nodes: Vec<ServiceNode> = (0..7).map(node).collect();
        // No point, and another key than the Ed25519 key's.
        nodes[0].ed25519 = Ed25519Public::from_bytes([2; 32]);
        nodes[1].x25519 = Some(session_crypto::X25519Public::from_bytes([7; 32]));
        assert!(nodes[0].onion_key().is_err() && nodes[1].onion_key().is_err());
        let bad = [nodes[0].ed25519, nodes[1].ed25519];
        let mut world = World::of(nodes, config());
        for _ in 0..200 {
            world.client.submit(Target::Any, Info, world.now);
            for sent in world.sends() {
                for used in sent.hops.iter().chain([&sent.destination]) {
                    assert!(!bad.contains(&used.ed25519));
                }
                let text = format!("Next node not found: {}", hex(&sent.hops[2].ed25519));
                world.fail(&sent, 502, &text);
            }
            world.now += MINUTE_MS;
        }
        for key in bad {
            let id = world.client.submit(Target::Node(key), Info, world.now);
            world.actions();
            let event = core::iter::from_fn(|| world.client.next_event())
                .last()
                .unwrap();
            assert_eq!(
                (event.request, event.result.err()),
                (id, Some(RequestError::UnknownNode))
            );
        }
    }

    #[test]
    fn files_go_by_the_standard_paths_where_there_are_too_few_nodes_for_others() {
        let mut world = World::new(5, config());
        let (_, sent) = world.ask(Target::Any);
        world.succeed(&sent);
        let hops = keys(&sent.hops);
        world
            .client
            .submit_for(Purpose::File, Target::Any, Info, world.now);
        let sends = world.sends();
        assert_eq!(keys(&sends[0].hops), hops);
        // With enough of them they have their own.
        let mut world = World::new(12, config());
        let (_, sent) = world.ask(Target::Any);
        world
            .client
            .submit_for(Purpose::File, Target::Any, Info, world.now);
        let sends = world.sends();
        assert!(
            sends[0]
                .hops
                .iter()
                .all(|hop| !keys(&sent.hops).contains(&hop.ed25519))
        );
    }
}

/// A node that says that it does not serve the account.
mod wrong_swarm {
    use super::*;

    fn refuse(world: &mut World, sent: &Sent, nodes: Vec<ServiceNode>) {
        let stamp = Stamp {
            t: world.now,
            hf: [19, 4],
        };
        let swarm = SwarmId::new(1 << 62);
        let body = Response::wrong_swarm(&SwarmInfo { swarm, nodes }, stamp).json_body();
        world.report(
            sent.ticket,
            Outcome::Answer {
                status: 421,
                body: &body,
            },
        );
    }

    #[test]
    fn a_named_node_that_refuses_ends_the_request_and_asks_for_a_new_list() {
        let mut config = config();
        config.pool.min_refresh_gap_ms = 0;
        let mut world = World::new(12, config);
        let secret = Ed25519Secret::from_seed(&[77; 32]);
        let account = StorageAccount::user(&secret.public().to_x25519().unwrap());
        world.now += 2 * MINUTE_MS;
        let target = world.client.swarm_of(&account)[0].ed25519;
        let retrieve = Retrieve::new(account, Namespace::CONTACTS);
        let retrieve = retrieve.sign(world.now, &Signer::user(&secret));
        let id = world
            .client
            .submit(Target::Node(target), retrieve, world.now);
        let sent = world.sends().pop().unwrap();
        assert_eq!(sent.destination.ed25519, target);
        refuse(&mut world, &sent, Vec::new());
        let event = world.client.next_event().unwrap();
        assert_eq!(
            (event.request, event.result.err()),
            (id, Some(RequestError::WrongSwarm))
        );
        // Three nodes are asked for their lists.
        let asked = world.sends();
        assert_eq!(asked.len(), 3);
        assert!(asked.iter().all(|sent| {
            sent.body
                .windows(17)
                .any(|part| part == b"get_service_nodes")
        }));
    }

    #[test]
    fn a_redirect_to_strangers_is_not_followed() {
        let mut config = config();
        config.attempts = 3;
        let mut world = World::new(12, config);
        let secret = Ed25519Secret::from_seed(&[77; 32]);
        let account = StorageAccount::user(&secret.public().to_x25519().unwrap());
        let retrieve = Retrieve::new(account, Namespace::CONTACTS);
        let retrieve = retrieve.sign(world.now, &Signer::user(&secret));
        world
            .client
            .submit(Target::Swarm(account), retrieve, world.now);
        let sent = world.sends().pop().unwrap();
        let strangers = (100..107).map(node).collect();
        refuse(&mut world, &sent, strangers);
        world.now += 1_000;
        let again = world.sends().pop().unwrap();
        let members = keys(&world.client.swarm_of(&account));
        assert!(members.contains(&again.destination.ed25519));
        assert_ne!(again.destination.ed25519, sent.destination.ed25519);
    }
}

/// What time it is.
mod clock {
    use super::*;

    fn tell(world: &mut World, sent: &Sent, t: u64) {
        let now = core::mem::replace(&mut world.now, t);
        let stamp = Stamp { t, hf: [19, 4] };
        let answer = InfoAnswer {
            version: Version([2, 8, 0]),
            timestamp: t,
            stamp,
        };
        world.now = now;
        let body = Response::ok(answer.to_value()).json_body();
        let status = 200;
        world.report(
            sent.ticket,
            Outcome::Answer {
                status,
                body: &body,
            },
        );
    }

    #[test]
    fn a_refused_time_is_set_right_by_three_clocks_whoever_is_lost() {
        let mut world = World::new(30, config());
        let (_, sent) = world.ask(Target::Any);
        tell(&mut world, &sent, START + 5_000);
        assert_eq!(world.client.network_time(START), START + 5_000);
        let (id, sent) = world.ask(Target::Node(sent.destination.ed25519));
        world.client.next_event().unwrap();
        world.report(
            sent.ticket,
            Outcome::Answer {
                status: 406,
                body: b"",
            },
        );
        let event = world.client.next_event().unwrap();
        assert_eq!(
            (event.request, event.result.err()),
            (id, Some(RequestError::ClockOutOfSync))
        );
        assert!(world.client.is_resyncing());
        let first = world.sends();
        assert_eq!(first.len(), 3);
        // One has a wrong clock, one is lost, one is right; the old time counts until the end.
        tell(&mut world, &first[0], START + 25_000_000);
        world.fail(&first[1], 500, "");
        tell(&mut world, &first[2], START + 9_000);
        assert!(world.client.is_resyncing());
        assert_eq!(world.client.network_time(START), START + 5_000);
        let again = world.sends();
        assert_eq!(again.len(), 1);
        assert!(
            first
                .iter()
                .all(|sent| sent.destination != again[0].destination)
        );
        tell(&mut world, &again[0], START + 9_200);
        world.actions();
        assert!(!world.client.is_resyncing());
        assert_eq!(world.client.network_time(START), START + 9_200);
    }

    #[test]
    fn where_nobody_answers_the_time_stays_as_it_was() {
        let mut world = World::new(30, config());
        let (_, sent) = world.ask(Target::Any);
        tell(&mut world, &sent, START + 5_000);
        let (_, sent) = world.ask(Target::Node(sent.destination.ed25519));
        world.report(
            sent.ticket,
            Outcome::Answer {
                status: 406,
                body: b"",
            },
        );
        let mut asked = 0;
        while world.client.is_resyncing() {
            for sent in world.sends() {
                asked += 1;
                if asked == 1 {
                    tell(&mut world, &sent, START + 25_000_000);
                } else {
                    world.fail(&sent, 500, "");
                }
            }
        }
        assert_eq!(asked, 9);
        assert_eq!(world.client.network_time(START), START + 5_000);
    }
}
