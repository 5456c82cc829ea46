//! Guards are tried before they are used.

use crate::world::*;

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
fn a_clock_that_is_set_back_does_not_lengthen_the_rest() {
    let mut world = World::new(12, tested());
    world.client.submit(Target::Any, Info, world.now);
    let (ticket, _, _) = test_of(&world.actions()[0]).unwrap();
    world.report(ticket, Outcome::Unreachable);
    world.now -= DAY_MS;
    assert!(world.actions().is_empty());
    world.now += 200;
    assert!(test_of(&world.actions()[0]).is_some());
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
