//! Strikes do not use up a network.

use crate::world::*;

#[test]
fn when_nobody_is_left_those_that_failed_longest_ago_are_forgiven() {
    let mut config = config();
    config.attempts = 4;
    let mut world = World::new(5, config);
    // All nodes answer nonsense, for hours.
    let mut sent_at_all = 0;
    for _ in 0..100 {
        world.client.request(Target::AnyNode, Info, world.now);
        for sent in world.sends() {
            sent_at_all += 1;
            world.answer(&sent, 500, b"no");
        }
        world.pass(MINUTE);
    }
    assert!(sent_at_all >= 100, "the client gave up: {sent_at_all}");
    // And when the network works again, so does the client.
    world.events();
    world.client.request(Target::AnyNode, Info, world.now);
    for sent in world.sends() {
        world.succeed(&sent);
    }
    assert!(world.events().iter().any(|event| event.result.is_ok()));
}

#[test]
fn a_node_with_a_bad_key_is_never_used() {
    let mut nodes: Vec<ServiceNode> = (0..7).map(node).collect();
    // No point, and another key than the Ed25519 key's.
    nodes[0].ed25519 = Ed25519Public::from_bytes([2; 32]);
    nodes[1].x25519 = Some(session_crypto::X25519Public::from_bytes([7; 32]));
    assert!(nodes[0].onion_key().is_err() && nodes[1].onion_key().is_err());
    let bad = [nodes[0].ed25519, nodes[1].ed25519];
    let mut world = World::of(nodes, config());
    for _ in 0..200 {
        world.client.request(Target::AnyNode, Info, world.now);
        for sent in world.sends() {
            for used in sent.hops.iter().chain([&sent.destination]) {
                assert!(!bad.contains(&used.ed25519));
            }
            world.fail(&sent, 502, "Next node not found");
        }
        world.pass(MINUTE);
    }
    for key in bad {
        let id = world.client.request(Target::Node(key), Info, world.now);
        world.posts();
        let event = world.events().pop().unwrap();
        assert_eq!(
            (event.request, event.result.err()),
            (id, Some(RequestError::UnknownNode))
        );
    }
}

#[test]
fn files_go_by_the_standard_paths_where_there_are_too_few_nodes_for_others() {
    let mut world = World::new(5, config());
    let (_, sent) = world.ask(Target::AnyNode);
    world.succeed(&sent);
    let hops = keys(&sent.hops);
    let now = world.now;
    world
        .client
        .request_for(Purpose::File, Target::AnyNode, Info, now);
    let sends = world.sends();
    assert_eq!(keys(&sends[0].hops), hops);
    // With enough of them they have their own.
    let mut world = World::new(12, config());
    let (_, sent) = world.ask(Target::AnyNode);
    world
        .client
        .request_for(Purpose::File, Target::AnyNode, Info, now);
    let sends = world.sends();
    let shared = |hop: &ServiceNode| keys(&sent.hops).contains(&hop.ed25519);
    assert!(!sends[0].hops.iter().any(shared));
}

#[test]
fn rules_that_are_fitted_to_a_few_nodes_work_there() {
    for count in 4..=9 {
        for one_subnet in [false, true] {
            let mut nodes: Vec<ServiceNode> = (0..count).map(node).collect();
            if one_subnet {
                for (host, node) in (1..).zip(&mut nodes) {
                    node.ip = [127, 0, 0, host].into();
                }
            }
            let mut config = Config::default().fitted_to(&nodes);
            assert_eq!(config.path.distinct_subnets, !one_subnet);
            config.path.test_guards = false;
            let mut world = World::of(nodes, config);
            let members = world.nodes.clone();
            let each = members.iter().map(|node| Target::Node(node.ed25519));
            for target in core::iter::once(Target::AnyNode).chain(each) {
                world.client.request(target, Info, world.now);
                let sent = world.attempts().len();
                assert_eq!(sent, 1, "{count} nodes, one subnet: {one_subnet}");
            }
        }
    }
    // A big network keeps all rules.
    let nodes: Vec<ServiceNode> = (0..40).map(node).collect();
    assert_eq!(Config::default().fitted_to(&nodes), Config::default());
}

#[test]
fn hops_are_asked_for_their_clocks_where_nodes_are_few() {
    for (allowed, asked) in [(false, 1), (true, 3)] {
        let mut config = config();
        config.path.allow_destination_in_path = allowed;
        let mut world = World::new(4, config);
        world.client.resync_clock();
        assert_eq!(world.sends().len(), asked);
    }
}

#[test]
fn a_path_with_the_destination_is_taken_only_where_that_is_allowed() {
    for allowed in [false, true] {
        let mut config = config();
        config.path.allow_destination_in_path = allowed;
        let mut world = World::new(12, config);
        let (_, sent) = world.ask(Target::AnyNode);
        world.succeed(&sent);
        let hop = world.keys()[1];
        world.client.request(Target::Node(hop), Info, world.now);
        assert_eq!(world.attempts().len(), usize::from(allowed));
    }
}
