//! What time it is.

use crate::world::*;

fn tell(world: &mut World, sent: &Sent, t: u64) {
    let now = core::mem::replace(&mut world.now, t);
    let t = UnixMillis::new(t);
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
fn a_clock_that_is_set_back_stops_nothing() {
    let mut config = config();
    config.request_timeout_ms = MINUTE_MS;
    config.attempts = 9;
    let mut world = World::new(30, config);
    let (_, sent) = world.ask(Target::Any);
    tell(&mut world, &sent, START + 5_000);
    world.client.next_event().unwrap();
    let (id, _) = world.ask(Target::Any);
    world.now -= DAY_MS;
    assert!(world.actions().is_empty());
    // The network's clock goes on as it did.
    let network = world.client.network_time(world.now);
    assert_eq!(network, START + 5_000);
    // What is on its way is given up in time, and the request tried again and ended in time.
    let wakeup = world.client.next_wakeup().unwrap();
    assert!(wakeup <= world.now + MINUTE_MS);
    let mut again = 0;
    for _ in 0..60 {
        world.now += 1_000;
        again += world.sends().len();
    }
    assert!(again > 0, "no attempt after the first one");
    let event = world.client.next_event().unwrap();
    assert_eq!((event.request, event.result.is_err()), (id, true));
    // Strikes are as old as they were, not from the future.
    let far = world.now + 47 * 60 * MINUTE_MS;
    let keys = keys(&world.nodes);
    let strikes = |time| -> usize {
        let counts = keys
            .iter()
            .map(|key| world.client.strikes().count(key, time));
        counts.sum()
    };
    assert!(strikes(world.now) == strikes(far) && strikes(world.now + 2 * DAY_MS) == 0);
}

#[test]
fn times_that_come_out_of_order_are_no_clock_that_was_set_back() {
    let mut world = World::new(30, config());
    let (_, sent) = world.ask(Target::Any);
    tell(&mut world, &sent, START + 5_000);
    for back in [1, 999, 1_000] {
        world.now = START - back;
        world.actions();
        assert_eq!(world.client.network_time(START), START + 5_000);
    }
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

#[test]
fn a_refused_time_is_no_strike_and_the_request_ends_at_the_second_node() {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(30, config);
    let (id, first) = world.ask(Target::Any);
    let refusal = Outcome::Answer {
        status: 406,
        body: b"",
    };
    world.report(first.ticket, refusal);
    world.now += 1_000;
    let is_info = |sent: &Sent| sent.destination != first.destination;
    let sends = world.sends();
    assert!(sends.iter().all(is_info));
    // The clocks that are asked for are three; the fourth is the request once more.
    assert_eq!(sends.len(), 4);
    for sent in &sends {
        world.report(sent.ticket, refusal);
    }
    let event = world.client.next_event().unwrap();
    assert_eq!(
        (event.request, event.result.err()),
        (id, Some(RequestError::ClockOutOfSync))
    );
    assert_eq!(world.total_strikes(), 0);
}
