//! A node that says that it does not serve the account.

use crate::world::*;

fn refuse(world: &mut World, sent: &Sent, nodes: Vec<ServiceNode>) {
    let stamp = Stamp {
        t: world.now,
        hf: [19, 4],
    };
    let swarm = SwarmId::new(1 << 62);
    let body = Response::wrong_swarm(&SwarmInfo { swarm, nodes }, stamp).json_body();
    world.report(
        sent.ticket,
        Outcome::Answer {
            status: 421,
            body: &body,
        },
    );
}

#[test]
fn a_named_node_that_refuses_ends_the_request_and_asks_for_a_new_list() {
    let mut config = config();
    config.pool.min_refresh_gap_ms = 0;
    let mut world = World::new(12, config);
    let secret = Ed25519Secret::from_seed(&[77; 32]);
    let account = StorageAccount::user(&secret.public().to_x25519().unwrap());
    world.now += 2 * MINUTE_MS;
    let target = world.client.swarm_of(&account)[0].ed25519;
    let retrieve = Retrieve::new(account, Namespace::CONTACTS);
    let retrieve = retrieve.sign(world.now, &Signer::user(&secret));
    let id = world
        .client
        .submit(Target::Node(target), retrieve, world.now);
    let sent = world.sends().pop().unwrap();
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
        sent.body
            .windows(17)
            .any(|part| part == b"get_service_nodes")
    }));
}

#[test]
fn a_redirect_to_strangers_is_not_followed() {
    let mut config = config();
    config.attempts = 3;
    let mut world = World::new(12, config);
    let secret = Ed25519Secret::from_seed(&[77; 32]);
    let account = StorageAccount::user(&secret.public().to_x25519().unwrap());
    let retrieve = Retrieve::new(account, Namespace::CONTACTS);
    let retrieve = retrieve.sign(world.now, &Signer::user(&secret));
    world
        .client
        .submit(Target::Swarm(account), retrieve, world.now);
    let sent = world.sends().pop().unwrap();
    let strangers = (100..107).map(node).collect();
    refuse(&mut world, &sent, strangers);
    world.now += 1_000;
    let again = world.sends().pop().unwrap();
    let members = keys(&world.client.swarm_of(&account));
    assert!(members.contains(&again.destination.ed25519));
    assert_ne!(again.destination.ed25519, sent.destination.ed25519);
}
