//! QUIC and HTTPS: which of them is taken, and what a failure of either means; notices.

use session_crypto::Ed25519PublicExt;
use session_network::Notice;
use session_storage::monitor::{Monitor, MonitorEnded, Notice as Message, QUIC_ENDED, QUIC_NOTICE};

use crate::world::*;

const REST: Duration = Duration::from_secs(600);

fn quic() -> Config {
    let mut config = config();
    config.transport.quic = true;
    config
}

/// Key and command of a post over QUIC.
fn over_quic(post: &Post) -> Option<(Ed25519Public, &'static str)> {
    match &post.endpoint {
        Endpoint::Quic {
            address,
            key,
            command,
            ..
        } => {
            assert_eq!(address.port(), 22020, "the port of OxenMQ and QUIC");
            Some((*key, command))
        }
        _ => None,
    }
}

fn is_https(post: &Post, path: &str) -> bool {
    matches!(&post.endpoint, Endpoint::Node { address, path: of } if *of == path && address.port() == 22021)
}

fn ask(world: &mut World) -> Post {
    world.client.request(Target::AnyNode, Info, world.now);
    let mut posts = world.posts();
    posts.retain(|post| matches!(post.purpose, PostPurpose::Request { .. }));
    posts.pop().unwrap()
}

#[test]
fn quic_is_for_drivers_that_have_it() {
    let mut world = World::new(30, config());
    assert!(is_https(&ask(&mut world), Endpoint::ONION));
    let mut world = World::new(30, quic());
    let (key, command) = over_quic(&ask(&mut world)).unwrap();
    assert_eq!((key, command), (world.keys()[0], "onion_req"));
    // A node without the port is reached over HTTPS.
    let mut nodes = world.nodes.clone();
    nodes.iter_mut().for_each(|node| node.omq_port = 0);
    let mut world = World::of(nodes, quic());
    assert!(is_https(&ask(&mut world), Endpoint::ONION));
}

#[test]
fn where_udp_does_not_pass_the_same_goes_over_https_and_nobody_is_blamed() {
    let mut world = World::new(30, quic());
    let first = ask(&mut world);
    let guard = over_quic(&first).unwrap().0;
    world.report(first.ticket, Outcome::NoQuic);
    let posts = world.posts();
    let again = posts.iter().find(|post| post.body == first.body).unwrap();
    assert!(is_https(again, Endpoint::ONION));
    assert_eq!(
        (again.purpose.clone(), again.deadline),
        (first.purpose, first.deadline)
    );
    assert_eq!((world.total_strikes(), world.keys()[0]), (0, guard));
    let sent = world.sent(again);
    world.succeed(&sent);
    assert!(world.events().pop().unwrap().result.is_ok());
    // HTTPS for ten minutes, and QUIC again.
    assert!(is_https(&ask(&mut world), Endpoint::ONION));
    world.pass(REST - Duration::from_secs(1));
    assert!(is_https(&ask(&mut world), Endpoint::ONION));
    world.pass(Duration::from_secs(1));
    assert!(over_quic(&ask(&mut world)).is_some());
}

#[test]
fn a_failure_over_https_after_that_is_the_guards() {
    let mut world = World::new(30, quic());
    let first = ask(&mut world);
    let guard = over_quic(&first).unwrap().0;
    world.report(first.ticket, Outcome::NoQuic);
    let again = world
        .posts()
        .into_iter()
        .find(|post| post.body == first.body);
    world.report(again.unwrap().ticket, Outcome::Unreachable);
    world.posts();
    assert_ne!(world.keys().first(), Some(&guard), "its path is gone");
}

#[test]
fn a_peer_with_another_key_is_our_own_observation() {
    let mut config = quic();
    config.attempts = 3;
    let mut world = World::new(30, config);
    let first = ask(&mut world);
    let guard = over_quic(&first).unwrap().0;
    world.report(first.ticket, Outcome::Unreachable);
    let posts = world.posts();
    // It does not go to the same guard over HTTPS, where anybody could answer.
    assert!(!posts.iter().any(|post| post.body == first.body));
    let next = posts.iter().find_map(over_quic).unwrap().0;
    assert_ne!(next, guard);
    // It rests when something else could be reached, as after a connection that is refused.
    let post = posts.iter().find(|post| over_quic(post).is_some()).unwrap();
    world.report(post.ticket, UP);
    assert!(world.client.is_doubtful(&guard, world.now));
}

#[test]
fn a_guard_is_tested_over_both_before_it_is_given_up() {
    for silence in [Outcome::NoQuic, Outcome::TimedOut] {
        let mut config = quic();
        config.path.test_guards = true;
        let mut world = World::new(30, config);
        world.client.request(Target::AnyNode, Info, world.now);
        let test = world.posts().pop().unwrap();
        assert_eq!(over_quic(&test).unwrap().1, "snode_ping");
        world.pass(Duration::from_secs(2));
        world.report(test.ticket, silence);
        let again = world.posts().pop().unwrap();
        assert!(is_https(&again, Endpoint::PING), "{again:?}");
        assert_eq!(
            again.deadline.since(world.now.monotonic),
            Duration::from_secs(3)
        );
        world.report(again.ticket, UP);
        assert!(
            world
                .posts()
                .iter()
                .any(|post| is_https(post, Endpoint::ONION))
        );
        assert_eq!(world.total_strikes(), 0);
    }
}

#[test]
fn two_silent_guards_and_none_that_answers_mean_that_udp_is_blocked() {
    let mut config = quic();
    config.path.paths = 3;
    config.path.test_guards = true;
    let mut world = World::new(40, config);
    world.client.request(Target::AnyNode, Info, world.now);
    let tests = world.posts();
    assert_eq!(tests.iter().filter_map(over_quic).count(), 3);
    for test in &tests[..2] {
        world.report(test.ticket, Outcome::NoQuic);
    }
    world.report(tests[2].ticket, Outcome::Unreachable);
    // The next guard is not even tried over QUIC.
    world.pass(Duration::from_secs(1));
    let posts = world.posts();
    let pings = posts
        .iter()
        .filter(|post| matches!(post.purpose, PostPurpose::Guard(_)));
    assert!(pings.clone().count() >= 2 && pings.clone().all(|post| is_https(post, Endpoint::PING)));
    let pings: Vec<Ticket> = pings.map(|post| post.ticket).collect();
    for ticket in pings {
        world.report(ticket, UP);
    }
    assert!(world.posts().iter().all(|post| over_quic(post).is_none()));
    world.pass(REST);
    world.client.request(Target::AnyNode, Info, world.now);
    let seen = world.posts().iter().any(|post| over_quic(post).is_some());
    assert!(seen, "tried again after ten minutes");
}

#[test]
fn errors_of_a_stream_have_the_status_of_their_text() {
    let text = b"502 Bad Gateway\n\nNext node not found: x";
    let expected = Outcome::Answer {
        status: 502,
        body: text,
    };
    assert_eq!(Outcome::of_quic(Err(text)), expected);
    let expected = Outcome::Answer {
        status: 500,
        body: b"Invalid endpoint 'x'",
    };
    assert_eq!(Outcome::of_quic(Err(b"Invalid endpoint 'x'")), expected);
    let expected = Outcome::Answer {
        status: 200,
        body: b"x",
    };
    assert_eq!(Outcome::of_quic(Ok(b"x")), expected);
}

fn account() -> AnyId {
    secret(99).public().to_account_id().unwrap().into()
}

fn request() -> Vec<u8> {
    let monitor = Monitor::new(account(), [Namespace::DEFAULT]);
    let signed = monitor.sign(UnixMillis::new(START), &Signer::user(&secret(99)));
    signed.to_bencode()
}

const YES: Outcome<'_> = Outcome::Answer {
    status: 200,
    body: b"d7:successi1ee",
};

/// The one request for notices that is sent now.
fn asked(world: &mut World) -> Option<(Ticket, Ed25519Public)> {
    let posts = world.posts();
    let mut asked = posts
        .iter()
        .filter(|post| matches!(post.purpose, PostPurpose::Watch(_)));
    let post = asked.next()?;
    assert_eq!(asked.next(), None);
    let (key, command) = over_quic(post).unwrap();
    assert_eq!((command, &post.body), ("monitor", &request()));
    Some((post.ticket, key))
}

fn notice(data: &[u8]) -> Message {
    Message {
        account: account(),
        hash: session_crypto::hash::message_hash(&account(), Namespace::DEFAULT, b"data"),
        namespace: Namespace::DEFAULT,
        timestamp: UnixMillis::new(START),
        expiry: UnixMillis::new(START + 1),
        data: Some(data.to_vec()),
    }
}

fn subscribed() -> (World, Ed25519Public) {
    let mut world = World::new(30, quic());
    world.client.watch(account(), request(), world.now);
    let (ticket, node) = asked(&mut world).unwrap();
    let members = keys(&world.members(&account()));
    assert!(members.contains(&node) && !world.client.is_told(&account()));
    world.report(ticket, YES);
    assert!(world.client.is_told(&account()));
    (world, node)
}

#[test]
fn nothing_is_asked_of_a_node_directly_unless_the_program_wants_it() {
    let mut world = World::new(30, quic());
    world
        .client
        .request(Target::SwarmOf(account()), Info, world.now);
    let posts = world.posts();
    assert!(!posts.is_empty());
    assert!(
        posts
            .iter()
            .all(|post| over_quic(post).unwrap().1 == "onion_req")
    );
}

#[test]
fn notices_of_the_node_that_was_asked_come_out_and_no_others() {
    let (mut world, node) = subscribed();
    let good = notice(b"data");
    let now = world.now;
    let other = *keys(&world.nodes).iter().find(|key| **key != node).unwrap();
    let command = QUIC_NOTICE.as_bytes();
    world.client.told(&other, command, &good.to_bencode(), now);
    world
        .client
        .told(&node, b"nonsense", &good.to_bencode(), now);
    world.client.told(&node, command, b"de", now);
    // A hash that is not that of the data.
    world
        .client
        .told(&node, command, &notice(b"other").to_bencode(), now);
    let mut stranger = good.clone();
    stranger.account = secret(98).public().to_account_id().unwrap().into();
    stranger.data = None;
    world
        .client
        .told(&node, command, &stranger.to_bencode(), now);
    assert_eq!(world.client.next_notice(), None);
    world.client.told(&node, command, &good.to_bencode(), now);
    assert_eq!(
        world.client.next_notice(),
        Some(Notice::Message(good.clone()))
    );
    // A flood is bounded.
    for _ in 0..10_000 {
        world.client.told(&node, command, &good.to_bencode(), now);
    }
    let count = core::iter::from_fn(|| world.client.next_notice()).count();
    assert_eq!(count, 100);
    world.client.unwatch(&account());
    world.client.told(&node, command, &good.to_bencode(), now);
    assert_eq!(world.client.next_notice(), None);
}

#[test]
fn a_subscription_is_renewed_at_the_same_node() {
    let (mut world, node) = subscribed();
    let wakeup = world.client.next_wakeup().unwrap();
    assert!(wakeup.since(world.now.monotonic) <= MINUTE * 55);
    world.pass(MINUTE * 54);
    assert!(asked(&mut world).is_none());
    world.pass(MINUTE);
    let (ticket, again) = asked(&mut world).unwrap();
    assert_eq!(again, node);
    world.report(ticket, YES);
    assert!(world.client.is_told(&account()));
}

#[test]
fn another_member_is_asked_when_a_subscription_ends() {
    let ended = MonitorEnded::moved(
        account(),
        SwarmInfo {
            swarm: SwarmId::UNASSIGNED,
            nodes: Vec::new(),
        },
    );
    let (mut world, node) = subscribed();
    world
        .client
        .told(&node, QUIC_ENDED.as_bytes(), &ended.to_bencode(), world.now);
    assert_eq!(world.client.next_notice(), Some(Notice::Ended(ended)));
    assert!(!world.client.is_told(&account()) && asked(&mut world).is_none());
    world.pass(Duration::from_secs(1));
    assert_ne!(asked(&mut world).unwrap().1, node);

    let (mut world, node) = subscribed();
    world.client.disconnected(&node, world.now);
    world.pass(Duration::from_secs(1));
    assert_ne!(asked(&mut world).unwrap().1, node);
}

#[test]
fn failures_cost_longer_and_longer_rests_and_strike_nobody() {
    let mut world = World::new(30, quic());
    world.client.watch(account(), request(), world.now);
    let wrong_swarm: &[u8] = b"d7:errcodei6e5:error11:Wrong swarme";
    let refused = Outcome::Answer {
        status: 200,
        body: wrong_swarm,
    };
    let mut last = None;
    for (rest, outcome) in [
        (1, refused),
        (2, Outcome::NoQuic),
        (4, Outcome::Unreachable),
        (8, Outcome::TimedOut),
        (
            16,
            Outcome::Answer {
                status: 500,
                body: b"",
            },
        ),
    ] {
        let (ticket, node) = asked(&mut world).unwrap();
        assert_ne!(Some(node), last, "another one each time");
        last = Some(node);
        world.report(ticket, outcome);
        assert!(!world.client.is_told(&account()));
        world.pass(Duration::from_secs(rest) - Duration::from_millis(1));
        assert!(asked(&mut world).is_none(), "{rest}");
        world.pass(Duration::from_millis(1));
    }
    assert_eq!(world.total_strikes(), 0);
}
