//! A node that says that it does not serve the account.

use crate::world::*;
use session_crypto::Ed25519PublicExt;

fn refuse(world: &mut World, sent: &Sent, nodes: Vec<ServiceNode>) {
    let stamp = Stamp {
        t: UnixMillis::new(START),
        hf: [19, 4],
    };
    let swarm = SwarmId::new(1 << 62);
    let body = Response::wrong_swarm(&SwarmInfo { swarm, nodes }, stamp).json_body();
    world.answer(sent, 421, &body);
}

#[test]
fn a_named_node_that_refuses_ends_the_request_and_asks_for_a_new_list() {
    let mut config = config();
    config.pool.min_refresh_gap = Duration::ZERO;
    let mut world = World::new(12, config);
    let secret = Ed25519Secret::from_seed(&[77; 32]);
    let account = AnyId::from(secret.public().to_account_id().unwrap());
    world.pass(MINUTE * 2);
    let target = world.members(&account)[0].ed25519;
    let retrieve = Retrieve::new(account, Namespace::CONTACTS);
    let retrieve = retrieve.sign(UnixMillis::new(START), &Signer::user(&secret));
    let id = world
        .client
        .request(Target::Node(target), retrieve, world.now);
    let sent = world.attempts().pop().unwrap();
    assert_eq!(sent.destination.ed25519, target);
    refuse(&mut world, &sent, Vec::new());
    let event = world.client.next_event().unwrap();
    assert_eq!(
        (event.request, event.result.err()),
        (id, Some(RequestError::WrongSwarm))
    );
    // Three nodes are asked for their lists.
    let asked = world.sends();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|sent| {
        sent.packet
            .body
            .windows(17)
            .any(|part| part == b"get_service_nodes")
    }));
}

/// Asks the swarm of an account, and tells who was asked first.
fn ask_swarm(world: &mut World) -> (AnyId, Sent) {
    let secret = Ed25519Secret::from_seed(&[77; 32]);
    let account = AnyId::from(secret.public().to_account_id().unwrap());
    let retrieve = Retrieve::new(account, Namespace::CONTACTS);
    let retrieve = retrieve.sign(UnixMillis::new(START), &Signer::user(&secret));
    world
        .client
        .request(Target::SwarmOf(account), retrieve, world.now);
    (account, world.attempts().pop().unwrap())
}

#[test]
fn a_redirect_that_names_one_node_often_is_not_followed() {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(12, config);
    let (account, sent) = ask_swarm(&mut world);
    let members = keys(&world.members(&account));
    let used = world.keys();
    let outside = |node: &&ServiceNode| {
        let key = node.ed25519;
        !members.contains(&key) && !used.contains(&key)
    };
    let other = *world.nodes.iter().find(outside).unwrap();
    refuse(&mut world, &sent, vec![other; 3]);
    world.pass(Duration::from_secs(1));
    let again = world.attempts().pop().unwrap();
    assert!(members.contains(&again.destination.ed25519));
}

#[test]
fn a_wrong_swarm_is_no_strike_and_the_request_ends() {
    let mut config = config();
    config.attempts = 4;
    let mut world = World::new(12, config);
    let (account, mut sent) = ask_swarm(&mut world);
    let mut asked = vec![sent.destination.ed25519];
    loop {
        let strangers = (100..107).map(node).collect();
        refuse(&mut world, &sent, strangers);
        world.pass(Duration::from_secs(10));
        let Some(next) = world.attempts().pop() else {
            break;
        };
        asked.push(next.destination.ed25519);
        sent = next;
    }
    let event = world.client.next_event().unwrap();
    assert_eq!(event.result.err(), Some(RequestError::WrongSwarm));
    assert_eq!((asked.len(), world.total_strikes()), (4, 0));
    // As many different ones as there are.
    let mut members = keys(&world.members(&account));
    members.retain(|key| !world.client.paths().is_in_use(key));
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), members.len().min(4));
}

#[test]
fn a_redirect_to_strangers_is_not_followed() {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(12, config);
    let (account, sent) = ask_swarm(&mut world);
    let strangers = (100..107).map(node).collect();
    refuse(&mut world, &sent, strangers);
    world.pass(Duration::from_secs(1));
    let again = world.attempts().pop().unwrap();
    let members = keys(&world.members(&account));
    assert!(members.contains(&again.destination.ed25519));
    assert_ne!(again.destination.ed25519, sent.destination.ed25519);
}

/// Three nodes that are neither members nor hops.
fn outside(world: &World, account: &AnyId, except: &[ServiceNode]) -> Vec<ServiceNode> {
    let members = keys(&world.members(account));
    let nodes = world.nodes.iter().copied().filter(|node| {
        let is_in_path = world.client.paths().is_in_use(&node.ed25519);
        !members.contains(&node.ed25519) && !is_in_path && !except.contains(node)
    });
    nodes.take(3).collect()
}

#[test]
fn a_redirect_of_a_node_that_a_redirect_named_is_not_followed() {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(40, config);
    let (account, sent) = ask_swarm(&mut world);
    let first = outside(&world, &account, &[]);
    refuse(&mut world, &sent, first.clone());
    let next = world.attempts().pop().unwrap();
    assert!(first.contains(&next.destination), "they are tried");
    let second = outside(&world, &account, &first);
    refuse(&mut world, &next, second);
    world.pass(Duration::from_secs(1));
    let last = world.attempts().pop().unwrap();
    assert!(world.members(&account).contains(&last.destination));
}

#[test]
fn no_more_redirects_are_followed_than_the_rules_allow() {
    for redirects in [0, 1] {
        let mut config = config();
        config.attempts = 3;
        config.redirects = redirects;
        let mut world = World::new(40, config);
        let (account, sent) = ask_swarm(&mut world);
        let named = outside(&world, &account, &[]);
        refuse(&mut world, &sent, named.clone());
        world.pass(Duration::from_secs(1));
        let next = world.attempts().pop().unwrap();
        assert_eq!(named.contains(&next.destination), redirects == 1);
    }
}
