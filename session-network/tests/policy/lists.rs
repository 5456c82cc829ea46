//! New lists of nodes: who is believed, how often they are asked for, and what a list can change.

use session_network::pool::{Change, Pool, PoolError};
use session_storage::value::Value;
use session_storage::{ServiceNodesRequest, ServiceNodesState};

use session_types::GroupId;

use crate::world::*;

/// The seed's answer.
fn list(nodes: &[ServiceNode]) -> Vec<u8> {
    let state = ServiceNodesState {
        nodes,
        height: 5,
        block_hash: "00",
        hardfork: 19,
    };
    ServiceNodesRequest::default().to_seed_answer(&state)
}

/// A node's answer.
fn told(nodes: &[ServiceNode]) -> Vec<u8> {
    let list = Value::from_json(&list(nodes)).unwrap();
    let answer = session_storage::OxendAnswer {
        result: list.get("result").unwrap().clone(),
        stamp: Stamp {
            t: UnixMillis::new(START),
            hf: [19, 4],
        },
    };
    Response::ok(answer.to_value()).json_body()
}

fn config_for_lists() -> Config {
    let mut config = config();
    config.pool.lifetime = MINUTE * 120;
    config.pool.min_refresh_gap = Duration::from_secs(2);
    config.pool.min_nodes = 12;
    config
}

fn all() -> Vec<ServiceNode> {
    (0..100)
        .map(|number| ServiceNode {
            swarm_id: SwarmId::new(u64::from(number % 10) << 60),
            ..node(number)
        })
        .collect()
}

/// A client whose list is old, and the three nodes that it asks.
fn asking(world: &mut World) -> Vec<Sent> {
    world.pass(MINUTE * 120);
    world.client.request(Target::AnyNode, Info, world.now);
    let sends = world.sends();
    let (lists, rest): (Vec<_>, Vec<_>) = sends.into_iter().partition(is_list);
    for sent in rest {
        world.succeed(&sent);
    }
    assert_eq!(lists.len(), 3);
    lists
}

fn is_list(sent: &Sent) -> bool {
    matches!(
        sent.purpose,
        PostPurpose::Upkeep {
            method: "oxend_request",
            ..
        }
    )
}

fn seed_of(posts: &[Post]) -> Option<Ticket> {
    let is_seed = |post: &&Post| matches!(post.endpoint, Endpoint::Seed { .. });
    let post = posts.iter().find(is_seed)?;
    assert_eq!(post.endpoint.url(), "https://seed0.example/json_rpc");
    assert!(ServiceNodesRequest::from_seed_json(&post.body).is_some());
    Some(post.ticket)
}

fn has(world: &World, node: &ServiceNode) -> bool {
    world.client.pool().get(&node.ed25519).is_some()
}

#[test]
fn two_of_three_have_to_agree() {
    for (liars, agreed) in [(1, true), (2, false)] {
        let mut world = World::of(all(), config_for_lists());
        let newcomer = node(150);
        let lists = asking(&mut world);
        for (index, sent) in lists.iter().enumerate() {
            let mut nodes = all();
            if index >= liars {
                nodes.push(newcomer);
            }
            world.answer(sent, 200, &told(&nodes));
        }
        assert_eq!(has(&world, &newcomer), agreed, "{liars}");
        assert_eq!(world.client.pool().nodes().len(), 100 + usize::from(agreed));
    }
}

/// The audit's fourth attack: two of the three nodes are liars.
#[test]
fn a_list_that_differs_too_much_makes_a_seed_be_asked() {
    let friends: Vec<ServiceNode> = (150..200).map(node).collect();
    let mut moved = all();
    for node in moved.iter_mut().take(10) {
        node.swarm_id = SwarmId::new(5 << 60);
    }
    let mut packed = all();
    packed.extend(friends[..3].iter().map(|node| ServiceNode {
        swarm_id: SwarmId::new(0),
        ..*node
    }));
    for (what, nodes) in [
        ("friends alone", friends.clone()),
        ("half of it", all()[..50].to_vec()),
        ("all, and friends", [all(), friends.clone()].concat()),
        ("a tenth is elsewhere", moved),
        ("three new members in one swarm", packed),
    ] {
        let mut world = World::of(all(), config_for_lists());
        let lists = asking(&mut world);
        for sent in &lists {
            world.answer(sent, 200, &told(&nodes));
        }
        let before = world.client.pool().nodes().len();
        assert_eq!(before, 100, "{what}");
        assert!(all().iter().all(|node| has(&world, node)), "{what}");
        // The seed vouches for another one.
        let posts = world.posts();
        let seed = seed_of(&posts).expect(what);
        let vouched: Vec<ServiceNode> = all()[..20].to_vec();
        let body = list(&vouched);
        world.report(
            seed,
            Outcome::Answer {
                status: 200,
                body: &body,
            },
        );
        assert_eq!(world.client.pool().nodes().len(), 20, "{what}");
    }
}

#[test]
fn where_no_seed_vouches_the_pool_stays() {
    let mut world = World::of(all(), config_for_lists());
    let lists = asking(&mut world);
    for sent in &lists {
        world.answer(sent, 200, &told(&all()[..50]));
    }
    let seed = seed_of(&world.posts()).unwrap();
    world.report(seed, Outcome::Unreachable);
    assert_eq!(world.client.pool().nodes().len(), 100);
    // And a seed's list that is too short is none.
    world.pass(MINUTE * 2);
    for sent in world.sends().into_iter().filter(is_list) {
        world.answer(&sent, 200, &told(&all()[..50]));
    }
    let seed = seed_of(&world.posts()).unwrap();
    let body = list(&all()[..11]);
    world.report(
        seed,
        Outcome::Answer {
            status: 200,
            body: &body,
        },
    );
    assert_eq!(world.client.pool().nodes().len(), 100);
}

#[test]
fn a_client_without_nodes_takes_no_list_that_is_too_short() {
    let mut world = World::of(Vec::new(), config_for_lists());
    let mut asked = 0;
    world.client.request(Target::AnyNode, Info, world.now);
    for count in [0, 11, 12] {
        let seed = seed_of(&world.posts()).unwrap();
        asked += 1;
        let body = list(&all()[..count]);
        world.report(
            seed,
            Outcome::Answer {
                status: 200,
                body: &body,
            },
        );
        assert_eq!(
            world.client.pool().nodes().len(),
            if count < 12 { 0 } else { 12 }
        );
        world.pass(Duration::from_secs(10));
    }
    assert_eq!(asked, 3);
}

#[test]
fn the_limits_of_a_change_are_exact() {
    let config = config_for_lists().pool;
    let mut world = World::new(0, config_for_lists());
    let pool = Pool::new(all(), &mut world.rng);
    let check = |nodes: &[ServiceNode], hours: u64| {
        Change::between(&pool, nodes).check(Duration::from_secs(3600 * hours), &config)
    };
    let fresh = |count: u8| -> Vec<ServiceNode> {
        let fresh = (0..count).map(|number| ServiceNode {
            swarm_id: SwarmId::new(u64::from(number) << 56 | 1),
            ..node(150 + number)
        });
        [all(), fresh.collect()].concat()
    };
    assert_eq!(check(&all(), 0), Ok(()));
    // 2 and 1 %, and 0.5 % an hour for eight hours.
    for (hours, allowed) in [(0, 3), (2, 4), (8, 7), (99, 7)] {
        assert_eq!(check(&fresh(allowed), hours), Ok(()), "{hours} h");
        let (got, allowed) = (usize::from(allowed) + 1, usize::from(allowed));
        assert_eq!(
            check(&fresh(got as u8), hours),
            Err(PoolError::New { got, allowed }),
            "{hours} h"
        );
    }
    // 2 and 2 %, and 2 % an hour.
    for (hours, allowed) in [(0, 4), (2, 8), (8, 20), (99, 20)] {
        assert_eq!(check(&all()[allowed..], hours), Ok(()), "{hours} h");
        let got = allowed + 1;
        assert_eq!(
            check(&all()[got..], hours),
            Err(PoolError::Gone { got, allowed })
        );
    }
    assert_eq!(
        check(&all()[..11], 99),
        Err(PoolError::TooFew {
            expected: 12,
            got: 11
        })
    );
    let packed = |count: u8| -> Vec<ServiceNode> {
        let packed = (0..count).map(|number| ServiceNode {
            swarm_id: SwarmId::new(0),
            ..node(150 + number)
        });
        [all(), packed.collect()].concat()
    };
    assert_eq!(check(&packed(2), 0), Ok(()));
    assert_eq!(check(&packed(3), 0), Err(PoolError::Swarm { got: 3 }));
    // Members of one swarm that are in no list any more, or in another swarm.
    let without = |count: usize| -> Vec<ServiceNode> {
        let is_member = |node: &ServiceNode| node.swarm_id == SwarmId::new(3 << 60);
        let (members, mut rest): (Vec<_>, Vec<_>) = all().into_iter().partition(is_member);
        let (gone, left) = members.split_at_checked(count).unwrap();
        rest.extend(left);
        rest.extend(gone.iter().take(1).map(|node| ServiceNode {
            swarm_id: SwarmId::new(4 << 60),
            ..*node
        }));
        rest
    };
    assert_eq!(check(&without(2), 8), Ok(()));
    assert_eq!(check(&without(3), 8), Err(PoolError::Shrunk { got: 3 }));
    // Who is in no swarm serves nobody.
    let mut idle = all();
    for node in &mut idle[..20] {
        node.swarm_id = SwarmId::UNASSIGNED;
    }
    let pool = Pool::new(idle, &mut world.rng);
    let change = Change::between(&pool, &all()[20..]);
    assert_eq!((change.lost, change.gone), (0, 20));
}

/// One that says 421 to everything does not make the client ask for lists for ever.
#[test]
fn hints_are_followed_less_and_less_often() {
    let mut config = config_for_lists();
    config.pool.lifetime = DAY * 100;
    let mut world = World::of(all(), config);
    let account = AnyId::from(GroupId::from_ed25519(&secret(77).public()));
    let mut refreshes = Vec::new();
    let info = SwarmInfo {
        swarm: SwarmId::new(1 << 62),
        nodes: Vec::new(),
    };
    let stamp = Stamp {
        t: UnixMillis::new(START),
        hf: [19, 4],
    };
    let refusal = Response::wrong_swarm(&info, stamp).json_body();
    let step = Duration::from_secs(30);
    let mut passed = Duration::ZERO;
    while passed < MINUTE * 60 * 10 {
        let retrieve = Retrieve::new(account, Namespace::GROUP_INFO);
        let retrieve = retrieve.sign(UnixMillis::new(START), &Signer::group(&secret(77)));
        world
            .client
            .request(Target::SwarmOf(account), retrieve, world.now);
        let mut asked = 0;
        for _ in 0..3 {
            for sent in world.sends() {
                if is_list(&sent) {
                    asked += 1;
                    world.answer(&sent, 200, &told(&all()));
                } else if matches!(sent.purpose, PostPurpose::Request { .. }) {
                    world.answer(&sent, 421, &refusal);
                } else {
                    world.succeed(&sent);
                }
            }
        }
        if asked > 0 {
            refreshes.push(passed);
        }
        world.pass(step);
        passed += step;
        world.events();
    }
    let gaps: Vec<Duration> = refreshes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[0] >= MINUTE, "{gaps:?}");
    assert!(gaps.windows(2).all(|pair| pair[1] >= pair[0]), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap >= MINUTE * 60), "{gaps:?}");
    assert!(refreshes.len() < 20, "{} in ten hours", refreshes.len());
}
