//! Guards are tested before they are used, and kept.

use crate::world::*;

fn tested() -> Config {
    let mut config = config();
    config.path.test_guards = true;
    config
}

fn test_of(post: &Post) -> (Ticket, ServiceNode) {
    let PostPurpose::Guard(guard) = post.purpose else {
        panic!("{post:?}");
    };
    assert_eq!(
        post.endpoint.url(),
        format!("https://{}:22021/ping_test/v1", guard.ip)
    );
    assert!(post.body.is_empty());
    (post.ticket, guard)
}

#[test]
fn nothing_is_sent_before_the_guard_has_answered() {
    let mut world = World::new(12, tested());
    world.client.request(Target::AnyNode, Info, world.now);
    world.client.request(Target::AnyNode, Info, world.now);
    let posts = world.posts();
    assert_eq!(posts.len(), 1);
    let (ticket, guard) = test_of(&posts[0]);
    let deadline = world.now.monotonic.saturating_add(Duration::from_secs(3));
    assert_eq!(posts[0].deadline, deadline);
    assert!(world.client.paths().live().is_empty());
    assert!(world.client.paths().is_in_use(&guard.ed25519));
    assert_eq!(world.client.next_wakeup(), Some(deadline));
    world.pass(Duration::from_millis(500));
    world.report(ticket, UP);
    let sends = world.sends();
    assert_eq!(sends.len(), 2);
    assert!(
        sends
            .iter()
            .all(|sent| sent.hops[0].ed25519 == guard.ed25519)
    );
    assert_eq!(world.client.guards().list().len(), 1);
}

#[test]
fn a_guard_that_does_not_answer_rests_once_another_one_has_answered() {
    let mut world = World::new(12, tested());
    let id = world.client.request(Target::AnyNode, Info, world.now);
    let mut wait = Duration::from_millis(200);
    let mut failed = Vec::new();
    for _ in 0..4 {
        let posts = world.posts();
        let (ticket, guard) = test_of(&posts[0]);
        assert!(!failed.contains(&guard.ed25519), "the same one again");
        // Silence and refusal are the same.
        if failed.len() == 1 {
            world.pass(Duration::from_secs(3));
        } else {
            world.report(ticket, Outcome::Unreachable);
        }
        failed.push(guard.ed25519);
        assert!(world.posts().is_empty(), "no rest");
        assert!(
            !world.is_out(&guard.ed25519),
            "it may be our own connection"
        );
        let wakeup = world.now.monotonic.saturating_add(wait);
        assert_eq!(world.client.next_wakeup(), Some(wakeup));
        world.pass(wait);
        wait *= 2;
    }
    let posts = world.posts();
    let (ticket, guard) = test_of(&posts[0]);
    world.report(ticket, UP);
    assert!(failed.iter().all(|key| world.is_out(key)));
    assert!(!world.is_out(&guard.ed25519));
    let sent = world.sends().pop().unwrap();
    world.succeed(&sent);
    // None of this was an attempt: there is only one.
    let event = world.client.next_event().unwrap();
    assert!(event.request == id && event.result.is_ok());
}

#[test]
fn ten_guards_that_fail_are_a_failed_attempt_and_nobody_is_blamed() {
    let mut world = World::new(40, tested());
    let id = world.client.request(Target::AnyNode, Info, world.now);
    for tries in 0..10 {
        assert!(world.client.next_event().is_none(), "after {tries}");
        let posts = world.posts();
        let (ticket, _) = test_of(&posts[0]);
        world.report(ticket, Outcome::Unreachable);
        world.pass(Duration::from_secs(5));
    }
    world.posts();
    let event = world.client.next_event().unwrap();
    assert_eq!(
        (event.request, event.result.err()),
        (id, Some(RequestError::PathsFailed))
    );
    assert_eq!(world.total_strikes(), 0);
}

#[test]
fn without_a_network_a_client_does_not_walk_through_the_list() {
    let mut world = World::new(60, tested());
    let mut tried = std::collections::BTreeSet::new();
    for _ in 0..300 {
        world.client.request(Target::AnyNode, Info, world.now);
        for post in world.posts() {
            let (ticket, guard) = test_of(&post);
            tried.insert(guard.ed25519);
            world.report(ticket, Outcome::Unreachable);
        }
        world.pass(MINUTE);
    }
    assert!(
        tried.len() <= world.client.config().path.max_guards,
        "{}",
        tried.len()
    );
    assert_eq!(world.total_strikes(), 0);
}

#[test]
fn a_guard_whose_connection_broke_is_kept_and_tested_again() {
    let mut world = World::new(12, tested());
    world.client.request(Target::AnyNode, Info, world.now);
    let (ticket, guard) = test_of(&world.posts()[0]);
    world.report(ticket, UP);
    let sent = world.sends().pop().unwrap();
    world.report(sent.ticket, Outcome::Unreachable);
    assert!(world.client.paths().live().is_empty());
    // Meanwhile another one is drawn.
    let (ticket, second) = test_of(&world.posts()[0]);
    assert_ne!(second.ed25519, guard.ed25519);
    world.report(ticket, UP);
    assert!(world.is_out(&guard.ed25519), "the other one can be reached");
    world.pass(MINUTE);
    assert!(!world.is_out(&guard.ed25519));
    assert_eq!(
        world.client.guards().list()[0].node().ed25519,
        guard.ed25519
    );
}

#[test]
fn a_silent_guard_is_found_out_by_a_test_of_its_own() {
    let mut config = tested();
    config.patience = Duration::from_secs(2);
    config.path.paths = 2;
    let mut world = World::new(20, config);
    world.client.request(Target::AnyNode, Info, world.now);
    for post in world.posts() {
        world.report(test_of(&post).0, UP);
    }
    let sent = world.sends().pop().unwrap();
    let frozen = sent.hops[0].ed25519;
    world.pass(Duration::from_secs(2));
    let posts = world.posts();
    let ping = posts
        .iter()
        .find(|post| matches!(post.purpose, PostPurpose::Guard(_)));
    assert_eq!(test_of(ping.unwrap()).1.ed25519, frozen);
    // Another attempt goes another way meanwhile.
    let is_attempt = |post: &&Post| matches!(post.purpose, PostPurpose::Request { .. });
    let second = world.sent(posts.iter().find(is_attempt).unwrap());
    assert_ne!(second.hops[0].ed25519, frozen);
    world.pass(Duration::from_secs(3));
    world.posts();
    assert!(
        world
            .client
            .paths()
            .live()
            .iter()
            .all(|path| !path.contains(&frozen))
    );
    world.succeed(&second);
    assert!(world.client.next_event().unwrap().result.is_ok());
    assert!(world.is_out(&frozen));
}

#[test]
fn a_guard_is_replaced_when_it_is_old_and_not_before() {
    let mut config = config();
    config.path.rotation = MINUTE * 10;
    let mut world = World::new(30, config);
    world.ask(Target::AnyNode);
    let first = world.keys()[0];
    let mut changed_on = None;
    for day in 0..12 {
        for _ in 0..3 {
            world.pass(DAY / 3);
            world.client.request(Target::AnyNode, Info, world.now);
            for _ in 0..3 {
                for sent in world.sends() {
                    world.succeed(&sent);
                }
            }
        }
        if changed_on.is_none() && world.keys()[0] != first {
            changed_on = Some(day);
        }
    }
    // A lifetime of ten days, shortened by up to a quarter.
    let day = changed_on.expect("it was never replaced");
    assert!((7..11).contains(&day), "{day}");
    // The one that took its place is kept as long.
    let second = world.keys()[0];
    for _ in 0..40 {
        world.pass(MINUTE * 10);
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..3 {
            for sent in world.sends() {
                world.succeed(&sent);
            }
        }
    }
    assert_eq!(world.keys()[0], second);
    let list = world.client.guards().list();
    assert!(list.iter().any(|guard| guard.node().ed25519 == second));
}

#[test]
fn a_guard_that_no_list_has_is_kept_for_a_while() {
    let mut config = config();
    config.path.rotation = MINUTE * 10;
    let mut world = World::new(30, config);
    world.ask(Target::AnyNode);
    let guard = world.keys()[0];
    let mut without = world.nodes.clone();
    without.retain(|node| node.ed25519 != guard);
    let grace = world.client.config().path.guard_grace;
    for days in 0..6u32 {
        world
            .client
            .set_nodes(without.clone(), world.now, &mut world.rng);
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..3 {
            for sent in world.sends() {
                world.succeed(&sent);
            }
        }
        let has_guard = world.client.guards().list().iter();
        let has_guard = has_guard.clone().any(|known| known.node().ed25519 == guard);
        let is_kept = DAY * days < grace;
        assert!(has_guard || !is_kept, "after {days} days");
        if is_kept {
            assert_eq!(world.keys()[0], guard, "after {days} days");
        }
        world.pass(DAY);
    }
    // It is replaced in the end.
    world.client.request(Target::AnyNode, Info, world.now);
    for _ in 0..3 {
        for sent in world.sends() {
            world.succeed(&sent);
        }
    }
    assert!(world.keys()[0] != guard);
}

#[test]
fn a_list_without_a_guard_erases_neither_the_guard_nor_its_path() {
    let mut world = World::new(30, config());
    world.ask(Target::AnyNode);
    let (before, id) = (world.keys(), world.path().id());
    let list_without = |world: &mut World, gone: &[Ed25519Public]| {
        let mut nodes = world.nodes.clone();
        nodes.retain(|node| !gone.contains(&node.ed25519));
        world.client.set_nodes(nodes, world.now, &mut world.rng);
        world.posts();
    };
    list_without(&mut world, &before[..1]);
    assert_eq!(world.path().id(), id);
    // Its path is gone, and the guard is in no list.
    list_without(&mut world, &before[..2]);
    assert!(world.client.paths().live().is_empty());
    assert_eq!(world.client.guards().list().len(), 1);
    world.ask(Target::AnyNode);
    assert_eq!(world.keys()[0], before[0]);
    assert!(world.path().id() != id);
}

/// Somebody who can cut our connections makes us draw guards until one is theirs.
#[test]
fn no_more_guards_are_drawn_than_the_rules_allow() {
    let mut config = config();
    config.path.paths = 2;
    config.attempts = 4;
    config.path.rotation = MINUTE * 10;
    let mut world = World::new(90, config);
    let mut used = std::collections::BTreeMap::new();
    for _ in 0..2_000 {
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..4 {
            for sent in world.sends() {
                // Each guard works for a while, and is cut off then.
                let used = used.entry(sent.hops[0].ed25519).or_insert(0);
                *used += 1;
                if *used > 20 {
                    world.report(sent.ticket, Outcome::Unreachable);
                } else {
                    world.succeed(&sent);
                }
            }
        }
        world.pass(MINUTE);
        world.events();
    }
    assert_eq!(used.len(), world.client.config().path.max_guards);
}

#[test]
fn a_guard_that_lets_hardly_any_path_work_is_given_up() {
    let mut config = config();
    config.path.paths = 2;
    config.attempts = 4;
    config.path.rotation = MINUTE * 10;
    let mut world = World::new(40, config);
    let (_, sent) = world.ask(Target::AnyNode);
    let evil = sent.hops[0].ed25519;
    let mut given_up = None;
    for round in 0..800 {
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..4 {
            for sent in world.sends() {
                // It answers pings, and drops what it should pass on.
                if sent.hops[0].ed25519 == evil {
                    world.fail(&sent, 504, "Request time out");
                } else {
                    world.succeed(&sent);
                }
            }
        }
        world.pass(MINUTE * 2);
        let list = world.client.guards().list();
        let is_suspect = |key: &Ed25519Public| {
            list.iter()
                .any(|guard| guard.node().ed25519 == *key && guard.is_suspect())
        };
        if is_suspect(&evil) {
            given_up = Some(round);
            break;
        }
        assert!(list.iter().all(|guard| !guard.is_suspect()));
        world.events();
    }
    assert!(given_up.is_some());
    world.posts();
    assert!(
        world
            .client
            .paths()
            .live()
            .iter()
            .all(|path| path.hops()[0].ed25519 != evil)
    );
}

/// Second hops that drop what honest guards pass to them, and answer when they are asked themselves.
#[test]
fn second_hops_that_let_nothing_through_are_replaced_and_cost_no_guard() {
    let mut config = config();
    config.path.paths = 2;
    config.path.middles = 3;
    config.path.rotation = MINUTE * 10;
    config.attempts = 4;
    let mut world = World::new(60, config);
    let mut evil = std::collections::BTreeSet::new();
    let mut last_used = 0;
    for round in 0..2_000 {
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..4 {
            for sent in world.sends() {
                let second = sent.hops[1].ed25519;
                // The first two second hops that are ever used.
                if evil.len() < 2 {
                    evil.insert(second);
                }
                if evil.contains(&second) {
                    last_used = round;
                    world.fail(&sent, 504, "Request time out");
                } else {
                    world.succeed(&sent);
                }
            }
        }
        world.pass(MINUTE);
        let guards = world.client.guards().list();
        assert!(guards.iter().all(|guard| !guard.is_suspect()), "{round}");
        assert!(evil.iter().all(|key| !world.is_out(key)), "they answer");
        world.events();
    }
    assert_eq!(evil.len(), 2);
    assert!(last_used < 1_900, "still used as a second hop");
}

/// Guards that fail every path cannot have second hops drawn without end.
#[test]
fn second_hops_are_a_few_whatever_fails() {
    let mut config = config();
    config.path.paths = 2;
    config.path.middles = 2;
    config.path.rotation = MINUTE * 10;
    config.attempts = 4;
    let mut world = World::new(80, config);
    let mut seconds = std::collections::BTreeSet::new();
    for _ in 0..1_500 {
        world.client.request(Target::AnyNode, Info, world.now);
        for _ in 0..4 {
            for sent in world.sends() {
                seconds.insert(sent.hops[1].ed25519);
                world.fail(&sent, 504, "Request time out");
            }
        }
        world.pass(MINUTE);
        world.events();
    }
    // Three times as many as are used at once: all of them, and no more.
    assert_eq!(seconds.len(), 6);
}

/// A guard that is slow in its test gets another one beside it, and is kept: its path is not needed any more
/// when it answers after the others.
#[test]
fn a_guard_that_is_slow_in_its_test_gets_another_one_beside_it() {
    for is_late in [false, true] {
        let mut config = tested();
        config.path.paths = 2;
        config.min_patience = Duration::from_secs(1);
        let mut world = World::new(40, config);
        world.client.request(Target::AnyNode, Info, world.now);
        let first: Vec<_> = world.posts().iter().map(test_of).collect();
        assert_eq!(first.len(), 2);
        world.pass(Duration::from_millis(999));
        assert!(world.posts().is_empty());
        world.pass(Duration::from_millis(1));
        let second: Vec<_> = world.posts().iter().map(test_of).collect();
        assert_eq!(second.len(), 2, "as many as are slow");
        world.pass(Duration::from_millis(1_500));
        assert!(world.posts().is_empty(), "and no more");
        for (ticket, _) in &second {
            world.report(*ticket, UP);
        }
        let live = |world: &World| {
            let paths = world.client.paths().live().iter();
            let mut guards: Vec<_> = paths.map(|path| path.hops()[0].ed25519).collect();
            guards.sort();
            guards
        };
        let mut faster: Vec<_> = second.iter().map(|(_, node)| node.ed25519).collect();
        faster.sort();
        assert_eq!(live(&world), faster);
        let sent = world.sends().pop().unwrap();
        world.succeed(&sent);
        for (ticket, _) in &first {
            world.report(*ticket, if is_late { UP } else { Outcome::TimedOut });
        }
        assert_eq!(live(&world), faster);
        assert!(world.sends().is_empty());
        // Something else can be reached, so it was not our own connection.
        let (_, sent) = world.ask(Target::AnyNode);
        world.succeed(&sent);
        let guards = world.client.guards().list().iter();
        assert_eq!(guards.count(), 4, "they are kept");
        for (_, node) in &first {
            assert_eq!(world.is_out(&node.ed25519), !is_late);
        }
    }
}
