//! Strikes do not use up a network.

use crate::world::*;

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
            let config = ClientConfig::default().fitted_to(&nodes);
            assert_eq!(config.path.distinct_subnets, !one_subnet);
            let mut config = config;
            config.path.test_guards = false;
            let mut world = World::of(nodes, config);
            let members = world.nodes.clone();
            for target in core::iter::once(Target::Any)
                .chain(members.iter().map(|node| Target::Node(node.ed25519)))
            {
                world.client.submit(target, Info, world.now);
                assert_eq!(
                    world.sends().len(),
                    1,
                    "{count} nodes, one subnet: {one_subnet}"
                );
            }
        }
    }
    // A big network keeps all rules.
    let nodes: Vec<ServiceNode> = (0..40).map(node).collect();
    assert_eq!(
        ClientConfig::default().fitted_to(&nodes),
        ClientConfig::default()
    );
}
