//! What the client does about failures: the behaviour of the protocol: onion, sections 10.2 to
//! 10.5 and 11.8, and of swarm, section 6.1, in small networks where each step can be followed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    missing_docs
)]

use session_onion::client::{Hop, ReplyError, Request as Packet, seal};
use session_onion::status::{Claim, Position};

mod clock;
mod failures;
mod guards;
mod mismatch;
mod small;
mod world;
mod wrong_swarm;

use world::*;

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
fn a_node_that_is_gone_is_counted_once_for_all_that_were_on_their_way() {
    let mut world = World::new(12, config());
    for _ in 0..5 {
        world.client.submit(Target::Any, Info, world.now);
    }
    let sends = world.sends();
    let (id, hops) = (world.path().id, world.keys());
    let text = format!("Next node not found: {}", hex(&hops[1]));
    // Some say so before the hop is replaced, and some after it.
    for (index, sent) in sends.iter().enumerate() {
        if index == 2 {
            world.actions();
        }
        world.fail(sent, 502, &text);
    }
    assert_eq!(world.strikes(&hops), [0, STRIKE_LIMIT, 0]);
    assert_eq!((world.path().id, world.path().strikes()), (id, 1));
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
        let Err(ReplyError::Hearsay(hearsay)) = reply else {
            panic!("{status} {text}: {reply:?}");
        };
        let hops = world.keys();
        world.fail(&sent, status, &text);
        let mut expected = [0; 4];
        let mut on_path = 0;
        match (hearsay.claim, hearsay.about) {
            (Claim::NodeNotFound(_) | Claim::NodeUnreachable(_), about) => match about {
                // No node forwards to the guard.
                None | Some(Position::Hop(0)) => on_path = 1,
                Some(Position::Hop(place)) => (expected[place], on_path) = (STRIKE_LIMIT, 1),
                Some(Position::Destination) => expected[3] = STRIKE_LIMIT,
            },
            (Claim::NodeNotReady(_), Some(Position::Hop(place))) => expected[place] = 1,
            (Claim::NodeNotReady(_), Some(Position::Destination)) => expected[3] = 1,
            (Claim::GuardNotReady | Claim::GuardBusy, _) => expected[0] = 1,
            (Claim::DestinationBroken, _) => expected[3] = STRIKE_LIMIT,
            (Claim::NodeNotReady(_) | Claim::InvalidResponse | Claim::TimedOut, _) => on_path = 1,
            _ => {}
        }
        let all = [hops, vec![sent.destination.ed25519]].concat();
        assert_eq!(world.strikes(&all), expected, "{status} {text}");
        assert_eq!(world.path().strikes(), on_path, "{status} {text}");
        seen.insert((expected, on_path));
    }
    // Every kind of strike occurred.
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
