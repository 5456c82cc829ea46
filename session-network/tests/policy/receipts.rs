//! What counts as stored: signatures of the swarm as the pool has it, of two thirds of it.

use session_storage::{Entry, Failure, Store, StoreEntry, SwarmAnswer, SwarmCall};

use session_types::{GroupId, SealedMessage};

use crate::world::*;

fn owner() -> Ed25519Secret {
    secret(77)
}

fn account() -> AnyId {
    AnyId::from(GroupId::from_ed25519(&owner().public()))
}

fn store() -> Store {
    let message = SealedMessage {
        namespace: Namespace::GROUP_INFO,
        ttl: Duration::from_secs(60),
        data: b"data".to_vec(),
    };
    let time = UnixMillis::new(START);
    let store = Store::new(account(), message, time).unwrap();
    store.sign(time, &Signer::group(&owner()))
}

fn secret_of(world: &World, key: &Ed25519Public) -> Ed25519Secret {
    let number = world.nodes.iter().position(|node| node.ed25519 == *key);
    secret(number.unwrap() as u8)
}

/// An answer in which these nodes have signed, and these have failed.
fn answer(world: &World, signed: &[Ed25519Public], failed: &[Ed25519Public]) -> Vec<u8> {
    let store = store();
    let mut answer = SwarmAnswer::new(Stamp {
        t: UnixMillis::new(START),
        hf: [19, 4],
    });
    for key in signed {
        let entry = StoreEntry {
            hash: store.hash(),
            expiry: store.expiry(),
            already: false,
        };
        let signed = store.sign_entry(&secret_of(world, key), entry);
        answer.entries.insert(*key, Entry::Done(signed));
    }
    for key in failed {
        let failure = Failure {
            timeout: true,
            ..Failure::default()
        };
        answer.entries.insert(*key, Entry::Failed(failure));
    }
    let own = signed.first().or(failed.first()).unwrap();
    Response::ok(answer.to_value(own)).json_body()
}

fn config_for_store() -> Config {
    let mut config = config();
    config.attempts = 3;
    // The members may be hops.
    config.path.allow_destination_in_path = true;
    config
}

fn start_store(config: Config) -> (World, Vec<Ed25519Public>, Sent) {
    let mut world = World::new(20, config);
    let members = keys(&world.members(&account()));
    assert_eq!(members.len(), 10);
    world
        .client
        .request(Target::SwarmOf(account()), store(), world.now);
    let sent = world.attempts().pop().unwrap();
    (world, members, sent)
}

#[test]
fn two_thirds_of_the_swarm_are_enough() {
    let (mut world, members, sent) = start_store(config_for_store());
    let body = answer(&world, &members[..7], &members[7..]);
    world.answer(&sent, 200, &body);
    let reply = storage(world.client.next_event().unwrap()).unwrap();
    assert_eq!(reply.signers.len(), 7);
}

/// A member that lies signs for itself and says that all others failed.
#[test]
fn a_member_that_signs_alone_is_not_believed_before_others_were_asked() {
    let (mut world, members, sent) = start_store(config_for_store());
    let liar = sent.destination.ed25519;
    let others: Vec<_> = members.iter().copied().filter(|key| *key != liar).collect();
    let body = answer(&world, &[liar], &others);
    world.answer(&sent, 200, &body);
    assert!(world.client.next_event().is_none());
    let next = world.attempts().pop().unwrap();
    assert_ne!(next.destination.ed25519, liar);
    let body = answer(&world, &others[..6], &[liar]);
    world.answer(&next, 200, &body);
    // Signatures of both answers count.
    let reply = storage(world.client.next_event().unwrap()).unwrap();
    assert_eq!(reply.signers.len(), 7);
    assert_eq!(world.total_strikes(), 0);
}

/// Answers what the client asks for itself: members that are `dead` do not answer.
fn answer_questions(world: &mut World, dead: &[Ed25519Public]) {
    for _ in 0..3 {
        for sent in world.sends() {
            if dead.contains(&sent.destination.ed25519) {
                world.fail(&sent, 504, "Request time out");
            } else if matches!(sent.purpose, PostPurpose::Upkeep { .. }) {
                world.succeed(&sent);
            }
        }
    }
}

#[test]
fn where_half_of_a_swarm_is_dead_the_client_finds_that_out_itself() {
    let (mut world, members, sent) = start_store(config_for_store());
    let first = sent.destination.ed25519;
    let mut signed = vec![first];
    let others = members.iter().filter(|key| **key != first);
    let mut others: Vec<Ed25519Public> = others.copied().collect();
    // Hops of a path that works are not dead.
    others.sort_by_key(|key| !keys(&sent.hops).contains(key));
    signed.extend(&others[..4]);
    let dead = members.iter().filter(|key| !signed.contains(key));
    let dead: Vec<Ed25519Public> = dead.copied().collect();
    let body = answer(&world, &signed, &dead);
    world.answer(&sent, 200, &body);
    assert!(world.client.next_event().is_none(), "one says so");
    answer_questions(&mut world, &dead);
    let reply = storage(world.events().pop().unwrap()).unwrap();
    assert_eq!(reply.signers.len(), 5);
    let are_avoided = dead.iter().all(|key| world.is_avoided(key));
    assert!(are_avoided && dead.iter().all(|key| !world.is_out(key)));
    assert_eq!(world.total_strikes(), 0);
    // The next message needs no questions.
    world
        .client
        .request(Target::SwarmOf(account()), store(), world.now);
    let sent = world.attempts().pop().unwrap();
    assert!(signed.contains(&sent.destination.ed25519));
    world.answer(&sent, 200, &body);
    assert_eq!(world.events().len(), 1);
}

#[test]
fn a_member_that_is_up_has_to_sign_whatever_others_say_of_it() {
    let (mut world, members, sent) = start_store(config_for_store());
    let first = sent.destination.ed25519;
    let mut signed = vec![first];
    let others = members.iter().filter(|key| **key != first);
    signed.extend(others.take(4));
    let silent = members.iter().filter(|key| !signed.contains(key));
    let silent: Vec<Ed25519Public> = silent.copied().collect();
    let body = answer(&world, &signed, &silent);
    world.answer(&sent, 200, &body);
    // One of the five answers.
    answer_questions(&mut world, &silent[1..]);
    assert!(world.events().is_empty());
}

/// A last hop sees for whom a packet is. So each member is asked through two of them.
#[test]
fn one_last_hop_cannot_make_members_silent() {
    let (mut world, members, sent) = start_store(config_for_store());
    let first = sent.destination.ed25519;
    let others: Vec<_> = members.into_iter().filter(|key| *key != first).collect();
    let body = answer(&world, &[first], &others);
    world.answer(&sent, 200, &body);
    let is_question = |sent: &Sent| matches!(sent.purpose, PostPurpose::Upkeep { .. });
    let sends: Vec<Sent> = world.sends().into_iter().filter(is_question).collect();
    for member in &others {
        let to_it = sends
            .iter()
            .filter(|sent| sent.destination.ed25519 == *member);
        let mut last: Vec<_> = to_it.map(|sent| sent.hops[2].ed25519).collect();
        assert!(!last.contains(member));
        last.dedup();
        assert_eq!(last.len(), 2, "two last hops");
    }
    // What goes through one of the two is dropped.
    for (number, sent) in sends.iter().enumerate() {
        if number % 2 == 0 {
            world.fail(sent, 504, "Request time out");
        }
    }
    answer_questions(&mut world, &[]);
    assert!(others.iter().all(|key| world.is_avoided(key)));
    assert!(world.events().is_empty());
}

/// Half of a swarm that colludes says that the other half is silent, one after the other.
#[test]
fn what_members_say_of_others_replaces_no_signature() {
    let (mut world, members, mut sent) = start_store(config_for_store());
    let first = sent.destination.ed25519;
    let mut colluders = vec![first];
    let others = members.iter().filter(|key| **key != first);
    colluders.extend(others.take(4));
    let honest = members.iter().filter(|key| !colluders.contains(key));
    let honest: Vec<Ed25519Public> = honest.copied().collect();
    let lie = answer(&world, &colluders, &honest);
    let mut lies = 0;
    while colluders.contains(&sent.destination.ed25519) {
        lies += 1;
        world.answer(&sent, 200, &lie);
        assert!(world.events().is_empty(), "after {lies}");
        sent = world.attempts().pop().unwrap();
    }
    let body = answer(&world, &honest, &colluders);
    world.answer(&sent, 200, &body);
    let reply = storage(world.events().pop().unwrap()).unwrap();
    assert_eq!(reply.signers.len(), 10);
}

#[test]
fn one_signature_is_not_enough_when_the_attempts_are_used_up() {
    use_up_the_attempts(1);
}

#[test]
fn half_of_the_swarm_is_not_enough_when_the_attempts_are_used_up() {
    use_up_the_attempts(5);
}

fn use_up_the_attempts(signed: usize) {
    let (mut world, members, sent) = start_store(config_for_store());
    let liar = sent.destination.ed25519;
    let others: Vec<_> = members.iter().copied().filter(|key| *key != liar).collect();
    let (friends, others) = others.split_at_checked(signed - 1).unwrap();
    let body = answer(&world, &[&[liar], friends].concat(), others);
    world.answer(&sent, 200, &body);
    for _ in 0..9 {
        for sent in world.attempts() {
            world.fail(&sent, 504, "Request time out");
        }
        world.pass(Duration::from_secs(5));
    }
    let event = world.client.next_event().unwrap();
    assert_eq!(event.result.err(), Some(RequestError::PathsFailed));
}

/// The audit's third attack: a 421 names three friends, whose signatures count.
#[test]
fn signatures_of_nodes_that_a_redirect_names_prove_nothing() {
    let (mut world, members, sent) = start_store(config_for_store());
    let is_stranger = |node: &&ServiceNode| !members.contains(&node.ed25519);
    let friends: Vec<ServiceNode> = world
        .nodes
        .iter()
        .filter(is_stranger)
        .take(3)
        .copied()
        .collect();
    let info = SwarmInfo {
        swarm: SwarmId::new(1 << 62),
        nodes: friends.clone(),
    };
    let stamp = Stamp {
        t: UnixMillis::new(START),
        hf: [19, 4],
    };
    let body = Response::wrong_swarm(&info, stamp).json_body();
    world.answer(&sent, 421, &body);
    let next = world.attempts().pop().unwrap();
    assert!(
        keys(&friends).contains(&next.destination.ed25519),
        "they are tried"
    );
    let body = answer(&world, &keys(&friends), &[]);
    world.answer(&next, 200, &body);
    for _ in 0..9 {
        world.pass(Duration::from_secs(5));
        for sent in world.attempts() {
            assert!(members.contains(&sent.destination.ed25519));
            world.fail(&sent, 504, "Request time out");
        }
    }
    let event = world.client.next_event().unwrap();
    assert!(event.result.is_err(), "{event:?}");
    // They may be honest: it is the pool that can be out of date.
    assert_eq!(world.total_strikes(), 0);
}

/// Signed again it would be another message, which its reader would see twice.
#[test]
fn a_message_that_may_be_stored_is_not_to_be_signed_again() {
    // The first answer is lost, or says that one member has stored it; two others refuse the time.
    for is_lost in [true, false] {
        let mut config = config_for_store();
        config.attempts = 5;
        let (mut world, members, sent) = start_store(config);
        if is_lost {
            world.fail(&sent, 504, "Request time out");
        } else {
            let key = sent.destination.ed25519;
            let others: Vec<_> = members.into_iter().filter(|other| *other != key).collect();
            let body = answer(&world, &[key], &others);
            world.answer(&sent, 200, &body);
        }
        let mut refused = 0;
        while refused < 2 {
            world.pass(Duration::from_millis(300));
            for next in world.attempts() {
                world.answer(&next, 406, b"");
                refused += 1;
            }
        }
        let result = world.client.next_event().unwrap().result;
        assert_eq!(
            result.err(),
            Some(RequestError::NoUsableAnswer),
            "{is_lost}"
        );
    }
    // Two that refuse the time at once: nobody has stored it.
    let (mut world, _, sent) = start_store(config_for_store());
    world.answer(&sent, 406, b"");
    let next = world.attempts().pop().unwrap();
    world.answer(&next, 406, b"");
    let result = world.client.next_event().unwrap().result;
    assert_eq!(result.err(), Some(RequestError::ClockOutOfSync));
}
