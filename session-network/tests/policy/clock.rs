//! What time it is.

use crate::world::*;

fn refuse(world: &mut World, sent: &Sent) {
    world.answer(sent, 406, b"");
}

/// Answers all questions with clocks that are so far off; the last one for all that are left.
fn answer_clocks(world: &mut World, ahead: &[u64]) -> usize {
    let mut asked = 0;
    while world.client.is_resyncing() {
        let sends = world.sends();
        if sends.is_empty() {
            break;
        }
        for sent in sends {
            let ahead = ahead.get(asked).or(ahead.last()).unwrap();
            let t = world.now.wall.get() + ahead;
            world.tell(&sent, t);
            asked += 1;
        }
    }
    asked
}

fn network_time(world: &World) -> u64 {
    world.client.network_time(world.now).get()
}

#[test]
fn three_clocks_confirm_the_local_one() {
    let mut world = World::new(40, config());
    world.client.resync_clock();
    let asked = answer_clocks(&mut world, &[300, 90_000_000, 0]);
    assert_eq!(asked, 3);
    assert!(world.client.clock().is_confirmed());
    assert_eq!(network_time(&world), START);
}

#[test]
fn a_wrong_local_clock_takes_nine_of_thirteen() {
    for (liars, is_moved) in [(0, true), (4, true), (5, false), (9, false)] {
        let mut world = World::new(60, config());
        world.client.resync_clock();
        // The network is five minutes ahead; liars say an hour.
        let mut clocks = vec![300_000; 13 - liars];
        clocks.extend(vec![3_600_000; liars]);
        // The first three are honest, and contradict the local clock.
        let asked = answer_clocks(&mut world, &clocks);
        assert_eq!(asked, 13);
        let expected = match (is_moved, liars) {
            (true, _) => START + 300_000,
            // Where they are nine themselves they win; that is the bound.
            (false, 9) => START + 3_600_000,
            (false, _) => START,
        };
        assert_eq!(network_time(&world), expected, "{liars} liars");
    }
}

/// The audit's fifth attack: one liar moves the time by half its lie.
#[test]
fn replies_of_liars_do_not_move_the_clock() {
    let mut world = World::new(60, config());
    world.client.resync_clock();
    answer_clocks(&mut world, &[0]);
    for _ in 0..40 {
        let (_, sent) = world.ask(Target::AnyNode);
        // Two of three lie, for a long time.
        let lie = 1_800_000 * u64::from(sent.packet.number % 3 != 0);
        world.tell(&sent, START + lie);
        assert_eq!(network_time(&world), world.now.wall.get());
        world.events();
    }
}

#[test]
fn one_and_two_replies_set_no_clock() {
    let mut world = World::new(60, config());
    for _ in 0..2 {
        let (_, sent) = world.ask(Target::AnyNode);
        world.tell(&sent, START + 1_800_000);
        assert_eq!(network_time(&world), START);
    }
    assert!(!world.client.clock().is_confirmed());
}

#[test]
fn a_refused_time_is_no_strike_and_the_request_ends_at_the_second_node() {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(30, config);
    let (id, first) = world.ask(Target::AnyNode);
    refuse(&mut world, &first);
    assert!(world.client.is_resyncing());
    let sends = world.sends();
    // The clocks that are asked for are three; the fourth is the request once more.
    assert_eq!(sends.len(), 4);
    assert!(
        sends
            .iter()
            .all(|sent| sent.destination != first.destination)
    );
    for sent in &sends {
        if matches!(sent.purpose, PostPurpose::Request { .. }) {
            refuse(&mut world, sent);
        }
    }
    let event = world.client.next_event().unwrap();
    assert_eq!(
        (event.request, event.result.err()),
        (id, Some(RequestError::ClockOutOfSync))
    );
    assert_eq!(world.total_strikes(), 0);
}

#[test]
fn a_time_that_a_named_node_refuses_ends_the_request() {
    let mut world = World::new(30, config());
    let target = world.nodes[3].ed25519;
    let id = world.client.request(Target::Node(target), Info, world.now);
    let Some(sent) = world.attempts().pop() else {
        return;
    };
    refuse(&mut world, &sent);
    let event = world.client.next_event().unwrap();
    assert_eq!(
        (event.request, event.result.err()),
        (id, Some(RequestError::ClockOutOfSync))
    );
}

#[test]
fn a_wall_clock_that_is_set_back_stops_nothing() {
    let mut config = config();
    config.request_timeout = MINUTE;
    config.attempts = 9;
    let mut world = World::new(30, config);
    world.client.resync_clock();
    answer_clocks(&mut world, &[0]);
    let (id, _) = world.ask(Target::AnyNode);
    world.now.wall = UnixMillis::new(START - 86_400_000);
    world.posts();
    // The network's clock goes on as it did.
    assert_eq!(network_time(&world), START);
    // What is on its way is given up in time, and the request tried again and ended in time.
    let wakeup = world.client.next_wakeup().unwrap();
    assert!(wakeup <= world.now.monotonic.saturating_add(MINUTE));
    let mut again = 0;
    for _ in 0..60 {
        world.pass(Duration::from_secs(1));
        again += world.attempts().len();
    }
    assert!(again > 0, "no attempt after the first one");
    let event = world.events().pop().unwrap();
    assert_eq!((event.request, event.result.is_err()), (id, true));
}

#[test]
fn where_nobody_answers_the_time_stays_and_is_asked_for_later() {
    let mut world = World::new(30, config());
    world.client.resync_clock();
    let mut asked = 0;
    loop {
        let sends = world.sends();
        if sends.is_empty() {
            break;
        }
        for sent in sends {
            if matches!(sent.purpose, PostPurpose::Upkeep { .. }) {
                asked += 1;
                world.answer(&sent, 500, b"");
            }
        }
    }
    assert_eq!(asked, 18);
    assert!(!world.client.is_resyncing());
    assert_eq!(network_time(&world), START);
    // The next round waits.
    world.client.resync_clock();
    assert!(world.sends().is_empty());
    world.pass(Duration::from_secs(10));
    assert!(!world.sends().is_empty());
}

#[test]
fn another_clock_is_asked_for_beside_one_that_is_slow() {
    let mut config = config();
    config.patience = Duration::from_secs(2);
    config.min_patience = Duration::from_secs(1);
    let mut world = World::new(40, config);
    world.client.resync_clock();
    let first = world.sends();
    assert_eq!(first.len(), 3);
    let t = world.now.wall.get();
    world.tell(&first[0], t);
    world.tell(&first[1], t);
    world.pass(Duration::from_millis(999));
    assert!(world.sends().is_empty());
    world.pass(Duration::from_millis(1));
    let beside = world.sends();
    assert_eq!(beside.len(), 1);
    assert!(
        first
            .iter()
            .all(|sent| sent.destination != beside[0].destination)
    );
    let t = world.now.wall.get();
    world.tell(&beside[0], t);
    assert!(world.sends().is_empty());
    assert!(world.client.clock().is_confirmed() && !world.client.is_resyncing());
    // The late one is an answer to a round that has ended.
    world.tell(&first[2], t + 90_000_000);
    assert_eq!(network_time(&world), t);
}

#[test]
fn what_an_earlier_run_knew_is_kept_until_a_node_contradicts() {
    let mut world = World::new(40, config());
    let mut saved = world
        .client
        .save(&session_network::LastHashes::default(), world.now);
    assert_eq!(saved.clock, None);
    saved.clock = Some(90_000);
    let onion = crate::clear::Clear::default();
    let now = world.now;
    world.client = Network::restore_with_onion(config(), seeds(1), onion, &saved, now);
    let kept = |world: &World| {
        let saved = world
            .client
            .save(&session_network::LastHashes::default(), world.now);
        assert_eq!(saved.clock.is_some(), world.client.clock().is_known());
        saved.clock
    };
    assert_eq!(kept(&world), Some(90_000));
    assert!(!world.client.clock().is_confirmed());
    let (_, sent) = world.ask(Target::AnyNode);
    world.tell(&sent, START + 90_900);
    assert_eq!(kept(&world), Some(90_000));
    assert!(!world.client.is_resyncing());
    let (_, sent) = world.ask(Target::AnyNode);
    world.tell(&sent, START);
    // One node sets nothing, but the next run asks.
    assert_eq!(network_time(&world), START + 90_000);
    assert_eq!(kept(&world), None);
    assert!(!world.client.is_resyncing());
}
