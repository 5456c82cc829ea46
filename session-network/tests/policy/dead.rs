//! Nodes that are dead: what they cost, and what is remembered of them.

use session_network::{LastHashes, SavedState};

use crate::clear::Clear;
use crate::world::*;

fn patient() -> Config {
    let mut config = config();
    config.path.paths = 2;
    config.patience = Duration::from_secs(2);
    config.min_patience = Duration::from_secs(1);
    config.attempts = 4;
    config
}

fn is_attempt(post: &&Post) -> bool {
    matches!(post.purpose, PostPurpose::Request { .. })
}

fn is_question(post: &&Post) -> bool {
    matches!(post.purpose, PostPurpose::Upkeep { .. })
}

fn is_ping(post: &&Post) -> bool {
    matches!(post.purpose, PostPurpose::Guard(_))
}

#[test]
fn what_is_under_way_on_a_broken_path_is_sent_again_at_once() {
    let mut world = World::new(30, patient());
    let id = world.client.request(Target::AnyNode, Info, world.now);
    let first = world.attempts().pop().unwrap();
    world.pass(Duration::from_secs(2));
    let posts = world.posts();
    let probe = world.sent(posts.iter().find(is_question).unwrap());
    assert_eq!(probe.hops, first.hops);
    assert_ne!(
        probe.destination, first.destination,
        "it may be dead itself"
    );
    let second = world.sent(posts.iter().find(is_attempt).unwrap());
    let ping = posts.iter().find(is_ping).unwrap().ticket;
    world.report(ping, UP);
    world.fail(&probe, 504, "Request time out");
    // The path is broken: nobody waits for the deadline of the first attempt.
    let third = world.attempts();
    assert_eq!(third.len(), 1);
    assert_ne!(third[0].hops, first.hops);
    assert_ne!(third[0].destination, first.destination);
    assert_ne!(third[0].destination, second.destination);
    // An answer that still comes counts all the same.
    world.succeed(&first);
    let events = world.events();
    assert_eq!(events.len(), 1);
    assert!(events[0].request == id && events[0].result.is_ok());
    world.succeed(&second);
    world.fail(&third[0], 504, "Request time out");
    assert!(world.events().is_empty());
}

#[test]
fn at_most_three_attempts_are_under_way() {
    let mut config = patient();
    config.path.paths = 4;
    let mut world = World::new(60, config);
    world.client.request(Target::AnyNode, Info, world.now);
    let mut sent = world.attempts();
    for millis in [2_000, 2_000, 900] {
        world.pass(Duration::from_millis(millis));
        for post in world.posts() {
            if is_attempt(&&post) {
                sent.push(world.sent(&post));
            }
        }
    }
    let paths: std::collections::BTreeSet<_> =
        sent.iter().map(|sent| sent.hops[0].ed25519).collect();
    assert_eq!((sent.len(), paths.len()), (3, 3));
}

#[test]
fn patience_follows_the_usual_time_of_answers() {
    let mut world = World::new(30, patient());
    for _ in 0..20 {
        world.client.request(Target::AnyNode, Info, world.now);
        let sent = world.attempts().pop().unwrap();
        world.pass(Duration::from_millis(100));
        world.succeed(&sent);
    }
    let usual = world.client.paths().live().iter().filter_map(Path::usual);
    assert!(usual.max().unwrap() <= Duration::from_millis(100));
    world.client.request(Target::AnyNode, Info, world.now);
    assert_eq!(world.attempts().len(), 1);
    world.pass(Duration::from_millis(999));
    assert!(world.posts().is_empty());
    world.pass(Duration::from_millis(1));
    assert_eq!(world.attempts().len(), 1);
}

#[test]
fn while_nothing_is_known_a_question_is_slow_after_the_shortest_time() {
    let mut world = World::new(30, patient());
    world.client.request(Target::AnyNode, Info, world.now);
    assert_eq!(world.attempts().len(), 1);
    world.pass(Duration::from_millis(999));
    assert!(world.posts().is_empty());
    world.pass(Duration::from_millis(1));
    let posts = world.posts();
    assert_eq!(posts.iter().filter(is_attempt).count(), 1);
    // The test of the path takes no longer than an attempt may.
    let probe = posts.iter().find(is_question).unwrap();
    let limit = probe.deadline.since(world.now.monotonic);
    assert_eq!(limit, Duration::from_secs(1));
}

/// A node that stores waits for dead members of its swarm: that is not its own silence.
#[test]
fn a_node_that_may_wait_for_others_is_not_accused_of_it() {
    let mut world = World::new(30, patient());
    let account = AnyId::from(session_types::GroupId::from_ed25519(&secret(77).public()));
    let message = session_types::SealedMessage {
        namespace: Namespace::GROUP_INFO,
        ttl: Duration::from_secs(60),
        data: b"data".to_vec(),
    };
    let time = UnixMillis::new(START);
    let store = session_storage::Store::new(account, message, time).unwrap();
    let store = store.sign(time, &Signer::group(&secret(77)));
    world
        .client
        .request(Target::SwarmOf(account), store, world.now);
    let first = world.attempts().pop().unwrap();
    let accused = first.destination.ed25519;
    world.pass(Duration::from_secs(2));
    for sent in world.sends() {
        if matches!(sent.purpose, PostPurpose::Upkeep { .. }) {
            world.succeed(&sent);
        }
    }
    assert!(!world.is_avoided(&accused), "it may be waiting");
    world.pass(Duration::from_millis(4_999));
    world.sends();
    assert!(!world.is_avoided(&accused));
    world.pass(Duration::from_secs(1));
    for _ in 0..3 {
        for sent in world.sends() {
            if matches!(sent.purpose, PostPurpose::Upkeep { .. }) {
                world.succeed(&sent);
            }
        }
    }
    assert!(world.is_avoided(&accused), "nobody waits that long");
}

#[test]
fn the_next_process_goes_around_what_is_in_doubt() {
    let mut config = patient();
    config.path.test_guards = true;
    let mut world = World::new(30, config);
    world.client.request(Target::AnyNode, Info, world.now);
    for post in world.posts() {
        world.report(post.ticket, UP);
    }
    let first = world.sends().pop().unwrap();
    world.pass(Duration::from_secs(2));
    let posts = world.posts();
    let second = world.sent(posts.iter().find(is_attempt).unwrap());
    world.succeed(&second);
    assert!(world.events()[0].result.is_ok());
    // The process ends before it is clear what is wrong with the first path.
    let saved = world.client.save(&LastHashes::default(), world.now);
    assert_eq!(
        SavedState::from_bytes(&saved.to_bytes()).as_ref(),
        Ok(&saved)
    );
    let frozen = first.hops[0].ed25519;
    for guard in &saved.guards {
        assert_eq!(guard.proven, guard.node.ed25519 != frozen);
    }
    for path in &saved.paths {
        assert_eq!(path.in_doubt, path.hops[0] == frozen);
    }
    assert_eq!(saved.paths.len(), 2);
    let onion = Clear::default();
    world.client = Network::restore_with_onion(config, seeds(1), onion, &saved, world.now);
    for _ in 0..4 {
        world.client.request(Target::AnyNode, Info, world.now);
    }
    let posts = world.posts();
    let attempts = posts.iter().filter(is_attempt);
    for attempt in attempts {
        assert_ne!(world.sent(attempt).hops[0].ed25519, frozen);
    }
    // The other path is tested again, its guard first.
    let pings: Vec<_> = posts.iter().filter(is_ping).collect();
    assert_eq!(pings.len(), 1);
    let PostPurpose::Guard(tested) = &pings[0].purpose else {
        panic!("{:?}", pings[0]);
    };
    assert_eq!(tested.ed25519, frozen);
    assert!(posts.iter().any(|post| is_question(&post)));
}

#[test]
fn a_node_that_rested_comes_last_until_it_works() {
    let mut config = patient();
    config.path.paths = 1;
    let mut world = World::new(20, config);
    let (_, sent) = world.ask(Target::AnyNode);
    let dead = sent.hops[0].ed25519;
    world.report(sent.ticket, Outcome::Unreachable);
    let sent = world.attempts().pop().unwrap();
    world.succeed(&sent);
    assert!(world.is_out(&dead));
    world.pass(MINUTE);
    assert!(!world.is_out(&dead));
    assert!(world.client.is_doubtful(&dead, world.now));
    for _ in 0..60 {
        world.client.request(Target::AnyNode, Info, world.now);
        for sent in world.attempts() {
            assert_ne!(sent.destination.ed25519, dead);
            world.succeed(&sent);
        }
    }
}

/// The usual time of answers is an average, with fractions of what is saved.
#[test]
fn what_is_saved_is_what_is_read() {
    let mut world = World::new(31, patient());
    for millis in [100, 101, 103] {
        world.client.request(Target::AnyNode, Info, world.now);
        let sent = world.sends().pop().unwrap();
        world.pass(Duration::from_millis(millis));
        world.succeed(&sent);
        assert!(world.events()[0].result.is_ok());
    }
    let saved = world.client.save(&LastHashes::default(), world.now);
    assert!(saved.usual.is_some());
    assert_eq!(SavedState::from_bytes(&saved.to_bytes()), Ok(saved));
}
