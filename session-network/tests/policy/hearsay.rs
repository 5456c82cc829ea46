//! What stands in clear, or does not come at all, names nobody.

use crate::world::*;

/// Everything that a hop can write, for the nodes of a request.
fn texts(sent: &Sent) -> Vec<(u16, String)> {
    let stranger = Ed25519Public::from_bytes([9; 32]);
    let mut texts: Vec<(u16, String)> = vec![
        (200, String::new()),
        (200, "not sealed".into()),
        (400, "Invalid json".into()),
        (406, String::new()),
        (421, r#"{"snodes":[],"swarm":"0"}"#.into()),
        (425, String::new()),
        (429, "rate".into()),
        (500, String::new()),
        (500, "Invalid response from snode".into()),
        (502, "oxend returned unparsable data".into()),
        (502, "Next node not found: 12".into()),
        (503, "Service node is not ready: shutting down\n".into()),
        (503, "Server busy, try again later".into()),
        (504, "Request time out".into()),
    ];
    let known = keys(&sent.hops).into_iter();
    for key in known.chain([sent.destination.ed25519, stranger]) {
        texts.push((502, format!("Next node not found: {key}")));
        texts.push((502, format!("Next node is currently unreachable: {key}")));
        texts.push((503, format!("Snode not ready: {key}")));
    }
    texts
}

#[test]
fn no_text_costs_any_node_anything() {
    let sample = World::new(12, config()).ask(Target::AnyNode).1;
    let cases = texts(&sample);
    assert!(cases.len() > 25);
    for (status, text) in cases {
        let mut world = World::new(12, config());
        let (id, sent) = world.ask(Target::AnyNode);
        world.fail(&sent, status, &text);
        world.pass(MINUTE);
        world.posts();
        assert_eq!(world.total_strikes(), 0, "{status} {text}");
        let guards = world.client.guards().list();
        assert_eq!(guards[0].node().ed25519, sent.hops[0].ed25519);
        let ended = world.events().pop().unwrap();
        assert_eq!(ended.request, id);
        assert_eq!(ended.result.err(), Some(RequestError::PathsFailed));
    }
}

/// The audit's first attack: three plain 503s, with successes between them.
#[test]
fn an_honest_guard_cannot_be_burnt_by_what_relays_write() {
    let mut config = config();
    config.attempts = 2;
    let mut world = World::new(30, config);
    let (_, sent) = world.ask(Target::AnyNode);
    let guard = sent.hops[0].ed25519;
    world.succeed(&sent);
    for round in 0..200 {
        let (_, sent) = world.ask(Target::AnyNode);
        let text = match round % 2 {
            0 => "Server busy, try again later".to_owned(),
            _ => format!("Snode not ready: {guard}"),
        };
        world.fail(&sent, 503, &text);
        for sent in world.sends() {
            world.succeed(&sent);
        }
        world.pass(MINUTE);
        world.events();
    }
    assert!(!world.is_out(&guard));
    assert_eq!(world.client.guards().list().len(), 1);
    assert!(world.path().hops()[0].ed25519 == guard);
}

/// The audit's second attack: blind lines put the members of a swarm out.
#[test]
fn a_destination_cannot_be_struck_by_what_relays_write() {
    let mut config = config();
    config.path.paths = 2;
    config.attempts = 4;
    let mut world = World::new(30, config);
    for _ in 0..60 {
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..6 {
            for sent in world.sends() {
                match sent.purpose {
                    PostPurpose::Request { .. } => {
                        world.fail(&sent, 502, "oxend returned unparsable data");
                    }
                    // The paths themselves work.
                    _ => world.succeed(&sent),
                }
            }
        }
        world.pass(MINUTE);
    }
    let members: Vec<_> = world.nodes.clone();
    assert!(members.iter().all(|node| !world.is_out(&node.ed25519)));
}

/// The audit's first attack, second half: a guard names the hops that are not its friends.
#[test]
fn a_guard_cannot_choose_the_other_hops() {
    let mut world = World::new(60, config());
    let mut middles = std::collections::BTreeSet::new();
    let (mut rebuilds, mut before) = (0, None);
    let evil = {
        let (_, sent) = world.ask(Target::AnyNode);
        sent.hops[0].ed25519
    };
    for _ in 0..120 {
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..2 {
            for sent in world.sends() {
                let hops = keys(&sent.hops);
                if hops[0] != evil {
                    world.succeed(&sent);
                    continue;
                }
                middles.insert(hops[1]);
                rebuilds += usize::from(before.replace(hops.clone()) != Some(hops.clone()));
                world.fail(&sent, 502, &format!("Next node not found: {}", hops[1]));
            }
        }
        world.pass(Duration::from_secs(20));
    }
    // Forty minutes: the guard was granted its rebuilds, and then another one was drawn. It saw only
    // the few second hops that are kept for days.
    let config = world.client.config().path;
    assert!(rebuilds >= config.rebuilds as usize, "{rebuilds}");
    assert!(rebuilds <= 3 * config.rebuilds as usize + 8, "{rebuilds}");
    assert!(middles.len() <= config.middles, "{}", middles.len());
    assert!(world.keys()[0] != evil);
}

#[test]
fn a_path_that_fails_is_tested_and_kept_if_it_works() {
    let mut world = World::new(12, config());
    let (_, sent) = world.ask(Target::AnyNode);
    let id = world.path().id();
    world.fail(&sent, 500, "");
    assert_eq!(world.path().failures(), 1);
    let probes = world.sends();
    assert_eq!(
        probes.len(),
        1,
        "the guard has just answered, so it needs no test"
    );
    assert_eq!(keys(&probes[0].hops), keys(&sent.hops));
    world.succeed(&probes[0]);
    assert_eq!((world.path().id(), world.path().failures()), (id, 0));
    // It is the destination then that is asked last.
    assert!(world.is_avoided(&sent.destination.ed25519));
    assert!(!world.is_out(&sent.destination.ed25519));
}

#[test]
fn a_path_that_fails_its_test_is_rebuilt_as_a_whole() {
    let mut config = config();
    config.path.middles = 8;
    let mut world = World::new(60, config);
    let (_, sent) = world.ask(Target::AnyNode);
    let (id, before) = (world.path().id(), world.keys());
    world.fail(&sent, 504, "Request time out");
    let probe = world.sends().pop().unwrap();
    world.fail(&probe, 504, "Request time out");
    assert!(world.client.paths().live().is_empty());
    world.ask(Target::AnyNode);
    let after = world.keys();
    assert_ne!(world.path().id(), id);
    assert_eq!(before[0], after[0], "the guard stays");
    // The hops behind it are avoided for an hour, and not out.
    assert!(before[1] != after[1] && before[2] != after[2]);
    assert!(
        before[1..]
            .iter()
            .all(|hop| world.is_avoided(hop) && !world.is_out(hop))
    );
}

#[test]
fn a_path_that_does_nothing_but_fail_is_rebuilt_though_it_passes_tests() {
    let mut world = World::new(12, config());
    let first = {
        world.ask(Target::AnyNode);
        world.path().id()
    };
    for failures in 1..world.client.config().path.failures {
        let (_, sent) = world.ask(Target::AnyNode);
        world.fail(&sent, 500, "");
        assert_eq!(world.path().id(), first, "after {failures}");
    }
    let (_, sent) = world.ask(Target::AnyNode);
    world.fail(&sent, 500, "");
    assert!(
        world
            .client
            .paths()
            .live()
            .iter()
            .all(|path| path.id() != first)
    );
    assert_eq!(world.total_strikes(), 0);
}

/// Makes every path that contains a node fail its test, until the node is out or time is over.
fn dead_hop(world: &mut World, dead: Ed25519Public) -> bool {
    for _ in 0..200 {
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..3 {
            for sent in world.sends() {
                if keys(&sent.hops).contains(&dead) || sent.destination.ed25519 == dead {
                    world.fail(&sent, 504, "Request time out");
                } else {
                    world.succeed(&sent);
                }
            }
        }
        if world.is_out(&dead) {
            return true;
        }
        world.pass(MINUTE * 5);
        world.events();
    }
    false
}

#[test]
fn a_node_is_dead_when_different_guards_agree() {
    let mut config = config();
    config.path.paths = 2;
    config.attempts = 4;
    config.path.rotation = MINUTE * 10;
    let mut world = World::new(14, config);
    let (_, sent) = world.ask(Target::AnyNode);
    let dead = sent.hops[2].ed25519;
    assert!(dead_hop(&mut world, dead));
    let others = world.nodes.iter().filter(|node| node.ed25519 != dead);
    assert!(others.into_iter().all(|node| !world.is_out(&node.ed25519)));
    // It is not for ever, and an answer through the node ends it at once.
    world.pass(DAY);
    assert!(!world.is_out(&dead));
}

#[test]
fn a_node_is_not_dead_because_one_guard_says_so() {
    let mut config = config();
    config.attempts = 4;
    config.path.rotation = MINUTE * 10;
    let mut world = World::new(14, config);
    let (_, sent) = world.ask(Target::AnyNode);
    assert!(!dead_hop(&mut world, sent.hops[2].ed25519));
}

#[test]
fn a_broken_destination_says_so_itself() {
    let mut world = World::new(12, config());
    let (_, sent) = world.ask(Target::AnyNode);
    world.answer(&sent, 502, b"oxend returned unparsable data");
    assert_eq!(world.strikes(&[sent.destination.ed25519]), [STRIKE_LIMIT]);
    assert_eq!(world.total_strikes(), STRIKE_LIMIT);
}
