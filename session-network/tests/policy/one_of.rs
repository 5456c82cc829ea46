//! One of several nodes, each with a request of its own.

use session_crypto::hash::message_hash;
use session_network::Request;
use session_storage::RetrieveAnswer;
use session_types::GroupId;

use crate::world::*;

fn patient(paths: usize) -> Config {
    let mut config = config();
    config.path.paths = paths;
    config.patience = Duration::from_secs(2);
    config.min_patience = Duration::from_secs(1);
    config.attempts = 6;
    config
}

fn account() -> AnyId {
    AnyId::from(GroupId::from_ed25519(&secret(77).public()))
}

/// Where the last retrieve from a node ended.
fn last_hash(node: &Ed25519Public) -> session_types::MessageHash {
    message_hash(&account(), Namespace::GROUP_INFO, node.as_bytes())
}

fn retrieve(node: &Ed25519Public) -> Retrieve {
    Retrieve::new(account(), Namespace::GROUP_INFO)
        .after(Some(last_hash(node)))
        .sign(UnixMillis::new(START), &Signer::group(&secret(77)))
}

/// Asks the members of the swarm, in the order of the pool.
fn ask(world: &mut World) -> (RequestId, Vec<Ed25519Public>) {
    let members = keys(&world.members(&account()));
    let (target, request) = Request::each(members.iter().map(|node| (*node, retrieve(node))));
    assert_eq!(target, Target::OneOf(members.clone()));
    let now = world.now;
    (world.client.request(target, request, now), members)
}

/// Asserts that a node is asked what it shall be asked.
fn is_own(sent: &Sent) -> bool {
    let hash = last_hash(&sent.destination.ed25519).to_string();
    let body = String::from_utf8(sent.packet.body.clone()).unwrap();
    body.contains(&hash)
}

fn nothing_new(world: &mut World, sent: &Sent) {
    let answer = RetrieveAnswer {
        messages: Vec::new(),
        malformed: 0,
        more: false,
        stamp: Stamp {
            t: world.now.wall,
            hf: [19, 4],
        },
    };
    let body = Response::ok(answer.to_value()).json_body();
    world.answer(sent, 200, &body);
}

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
fn the_next_node_is_asked_beside_a_slow_one_and_the_first_answer_counts() {
    let mut world = World::new(60, patient(4));
    let (id, members) = ask(&mut world);
    let first = world.attempts();
    assert_eq!(first.len(), 1);
    world.pass(Duration::from_millis(999));
    assert!(world.attempts().is_empty());
    world.pass(Duration::from_millis(1));
    let second = world.attempts();
    world.pass(Duration::from_secs(1));
    let third = world.attempts();
    let asked = [&first[0], &second[0], &third[0]];
    assert_eq!(asked.map(|sent| sent.destination.ed25519), members[..3]);
    assert!(asked.into_iter().all(is_own));
    world.pass(Duration::from_secs(1));
    assert!(world.attempts().is_empty(), "three at once are enough");
    nothing_new(&mut world, &second[0]);
    let reply = storage(world.events().pop().unwrap()).unwrap();
    assert_eq!(reply.node.ed25519, members[1]);
    assert_eq!(reply.read(&retrieve(&members[1])).unwrap().messages, []);
    // Those that were left behind do no harm, whether they still answer or not.
    nothing_new(&mut world, &first[0]);
    world.report(third[0].ticket, Outcome::TimedOut);
    assert!(world.events().is_empty());
    assert_eq!((id, world.total_strikes()), (id, 0));
}

#[test]
fn the_next_node_is_asked_at_once_after_a_failure() {
    let mut world = World::new(60, patient(4));
    let (_, members) = ask(&mut world);
    let first = world.attempts().pop().unwrap();
    world.fail(&first, 504, "Request time out");
    let second = world.attempts().pop().unwrap();
    assert_eq!(second.destination.ed25519, members[1]);
    assert!(is_own(&second));
}

#[test]
fn a_node_at_which_requests_failed_lately_is_asked_last() {
    let mut world = World::new(60, patient(2));
    let (_, members) = ask(&mut world);
    world.attempts();
    world.pass(Duration::from_secs(1));
    // The path works, as its test shows, so it is the node that does not answer.
    for sent in world.sends() {
        match sent.purpose {
            PostPurpose::Upkeep { .. } => world.succeed(&sent),
            _ => nothing_new(&mut world, &sent),
        }
    }
    assert!(world.is_avoided(&members[0]));
    let (target, request) = Request::each(members.iter().map(|node| (*node, retrieve(node))));
    let now = world.now;
    world.client.request(target, request, now);
    let asked = world.attempts().pop().unwrap().destination.ed25519;
    assert_eq!(asked, members[1]);
}

#[test]
fn a_redirect_leads_to_the_next_of_them_and_to_nobody_else() {
    let mut world = World::new(12, patient(2));
    let (id, members) = ask(&mut world);
    let other = |node: &&ServiceNode| !members.contains(&node.ed25519);
    let elsewhere: Vec<_> = world.nodes.iter().filter(other).copied().collect();
    let mut asked = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let sent = world.attempts().pop().unwrap();
        refuse(&mut world, &sent, elsewhere.clone());
        assert!(members.contains(&sent.destination.ed25519));
        assert!(asked.insert(sent.destination.ed25519), "once each");
    }
    let sent = world.attempts().pop().unwrap();
    let last = sent.destination.ed25519;
    assert!(members.contains(&last) && !asked.contains(&last));
    nothing_new(&mut world, &sent);
    let event = world.events().pop().unwrap();
    assert_eq!(event.request, id);
    assert_eq!(storage(event).unwrap().node.ed25519, last);
}

#[test]
fn where_all_of_them_say_so_the_swarm_is_elsewhere() {
    let mut config = patient(1);
    config.path.allow_destination_in_path = true;
    let mut world = World::new(6, config);
    let (_, members) = ask(&mut world);
    assert_eq!(members.len(), 3);
    for node in &members {
        let sent = world.attempts().pop().unwrap();
        assert_eq!(sent.destination.ed25519, *node);
        assert!(world.events().is_empty());
        refuse(&mut world, &sent, Vec::new());
    }
    let error = storage(world.events().pop().unwrap()).unwrap_err();
    assert_eq!(error, RequestError::WrongSwarm);
}

#[test]
fn each_of_them_has_a_request_and_one_of_them_is_known() {
    let mut world = World::new(12, patient(1));
    let strangers = [secret(201).public(), secret(202).public()];
    let all = |nodes: &[Ed25519Public]| Request::each(nodes.iter().map(|n| (*n, retrieve(n))));
    let mut end = |target: Target, request: Request| {
        world.client.request(target, request, world.now);
        world.attempts();
        let event = world.events().pop();
        event.map(|event| storage(event).unwrap_err())
    };
    let (target, request) = all(&strangers);
    assert_eq!(end(target, request), Some(RequestError::UnknownNode));
    let (target, request) = all(&[]);
    assert_eq!(end(target, request), Some(RequestError::UnknownNode));
    let known = node(3).ed25519;
    let (target, _) = all(&[strangers[0], known]);
    let (_, too_few) = all(&[known]);
    assert_eq!(
        end(target.clone(), too_few.clone()),
        Some(RequestError::Mismatch)
    );
    for other in [
        Target::AnyNode,
        Target::Node(known),
        Target::SwarmOf(account()),
    ] {
        assert_eq!(end(other, too_few.clone()), Some(RequestError::Mismatch));
    }
    let (_, request) = all(&[strangers[0], known]);
    assert_eq!(end(target.clone(), request), None);
    // All may be asked the same.
    assert_eq!(end(target, Request::from(Info)), None);
}

/// A node that is named twice is asked once, and with the first request for it.
#[test]
fn a_node_that_is_named_twice_has_one_request() {
    let world = World::new(12, patient(1));
    let members = keys(&world.members(&account()));
    let named = [members[0], members[1], members[0]];
    let (target, _) = Request::each(named.iter().map(|node| (*node, retrieve(node))));
    assert_eq!(target, Target::OneOf(members[..2].to_vec()));
}

/// Others that are still being asked can know better than the one that refused.
#[test]
fn a_refusal_beside_an_attempt_that_is_under_way_ends_nothing() {
    let mut world = World::new(60, patient(4));
    let members = keys(&world.members(&account()));
    let two = members[..2].iter();
    let (target, request) = Request::each(two.map(|node| (*node, retrieve(node))));
    let now = world.now;
    world.client.request(target, request, now);
    let first = world.attempts().pop().unwrap();
    world.pass(Duration::from_secs(1));
    let second = world.attempts().pop().unwrap();
    refuse(&mut world, &first, Vec::new());
    assert!(world.events().is_empty());
    nothing_new(&mut world, &second);
    let reply = storage(world.events().pop().unwrap()).unwrap();
    assert_eq!(reply.node.ed25519, members[1]);
}

#[test]
fn no_more_refusals_are_followed_than_the_rules_allow() {
    for redirects in [0, 1] {
        let mut config = patient(2);
        config.redirects = redirects;
        let mut world = World::new(12, config);
        ask(&mut world);
        for _ in 0..=redirects {
            assert!(world.events().is_empty());
            let sent = world.attempts().pop().unwrap();
            refuse(&mut world, &sent, Vec::new());
        }
        let error = storage(world.events().pop().unwrap()).unwrap_err();
        assert_eq!(error, RequestError::WrongSwarm);
    }
}
