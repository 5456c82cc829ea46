//! What counts as stored: signatures of the swarm as the pool has it, of two thirds of it.

use session_storage::{Entry, Failure, Store, StoreEntry, SwarmAnswer, SwarmCall};

use session_types::{GroupId, SealedMessage};
use std::collections::BTreeMap;

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
    let (world, members, sent) = store_in(World::new(20, config));
    assert_eq!(members.len(), 10);
    (world, members, sent)
}

fn store_in(mut world: World) -> (World, Vec<Ed25519Public>, Sent) {
    let members = keys(&world.members(&account()));
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
    for _ in 0..6 {
        for sent in world.sends() {
            if dead.contains(&sent.destination.ed25519) {
                world.fail(&sent, 504, "Request time out");
            } else if is_question(&sent) {
                world.succeed(&sent);
            }
        }
    }
}

fn is_question(sent: &Sent) -> bool {
    matches!(sent.purpose, PostPurpose::Upkeep { .. })
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

/// A store that some of ten members have signed, the rest of them, the answer that says so, and what the
/// client sends then: questions to the rest, to witnesses, and attempts. No member is a hop, which would show
/// that it is up.
fn start_signed(
    config: Config,
    count: usize,
) -> (
    World,
    Vec<Ed25519Public>,
    Vec<Ed25519Public>,
    Vec<u8>,
    Vec<Sent>,
) {
    let swarm = start_store(config).1;
    let all: Vec<ServiceNode> = (0..20).map(node).collect();
    let is_inside = |node: &&ServiceNode| node.ed25519 == swarm[0];
    let swarm = all.iter().find(is_inside).unwrap().swarm_id;
    let other = all.iter().find(|node| node.swarm_id != swarm).unwrap();
    let nodes = (0..40).map(|number| ServiceNode {
        swarm_id: if number < 10 { swarm } else { other.swarm_id },
        ..node(number)
    });
    let nodes: Vec<ServiceNode> = nodes.collect();
    let mut seed = 0;
    let (mut world, members, sent) = loop {
        let start = store_in(World::seeded(nodes.clone(), config, seed));
        let is_member = |hop: &ServiceNode| start.1.contains(&hop.ed25519);
        if !start.2.hops.iter().any(is_member) {
            break start;
        }
        seed += 1;
    };
    assert_eq!(members.len(), 10);
    let first = sent.destination.ed25519;
    let mut others: Vec<_> = members.into_iter().filter(|key| *key != first).collect();
    let mut signed = others.split_off(others.len() + 1 - count);
    signed.insert(0, first);
    let body = answer(&world, &signed, &others);
    world.answer(&sent, 200, &body);
    let sends = world.sends();
    (world, signed, others, body, sends)
}

/// The questions to nine members after one has signed alone.
fn start_questions(config: Config) -> (World, Vec<Ed25519Public>, Vec<Sent>) {
    let (world, _, others, _, sends) = start_signed(config, 1);
    let sends = sends.into_iter().filter(is_question).collect();
    (world, others, sends)
}

/// How often each of these nodes is asked whether it is up, if nothing comes back over any route. The
/// answers to attempts are for the test to give.
fn count_questions(
    world: &mut World,
    members: &[Ed25519Public],
    mut sends: Vec<Sent>,
    mut attempted: impl FnMut(&mut World, Sent),
) -> Vec<usize> {
    let mut counts = vec![0; members.len()];
    for _ in 0..40 {
        for sent in sends {
            let key = sent.destination.ed25519;
            if !is_question(&sent) {
                attempted(world, sent);
                continue;
            }
            // The path itself works, as its test by way of some other node shows.
            if keys(&sent.hops) == world.keys() && !members.contains(&key) {
                world.succeed(&sent);
                continue;
            }
            world.fail(&sent, 504, "Request time out");
            if let Some(place) = members.iter().position(|member| *member == key)
                && keys(&sent.hops) != world.keys()
            {
                counts[place] += 1;
            }
        }
        sends = world.sends();
    }
    counts
}

#[test]
fn a_member_is_asked_over_sixteen_routes_until_the_request_is_tried_again() {
    let (mut world, others, sends) = start_questions(config_for_store());
    let counts = count_questions(&mut world, &others, sends, |_, _| ());
    // One of the random last hops may be that of the path itself.
    assert!(
        counts.iter().all(|count| [15, 16].contains(count)),
        "{counts:?}"
    );
    assert!(world.events().is_empty());

    // All have been asked: those that signed, in the answer of one of them, and those that cannot be
    // reached. So the request is tried again, and with it the questions.
    let mut config = config_for_store();
    config.attempts = 6;
    let (mut world, signed, silent, lie, mut sends) = start_signed(config, 6);
    let mut asked = 0;
    let mut total = [0; 4];
    for _ in 0..8 {
        sends.extend(world.sends());
        let sends = core::mem::take(&mut sends);
        let counts = count_questions(&mut world, &silent, sends, |world, sent| {
            asked += 1;
            if signed.contains(&sent.destination.ed25519) {
                world.answer(&sent, 200, &lie);
            } else {
                world.fail(&sent, 504, "Request time out");
            }
        });
        total
            .iter_mut()
            .zip(counts)
            .for_each(|(sum, count)| *sum += count);
        world.pass(Duration::from_secs(5));
    }
    assert!(world.events().pop().unwrap().result.is_err());
    assert!(
        total.iter().max().unwrap() > &16,
        "{total:?} in {asked} attempts"
    );
}

/// Where nothing at all comes back over a route, its last hop may be dead, or more of the path.
#[test]
fn a_route_over_which_nothing_comes_has_its_path_tested() {
    let (mut world, others, sends) = start_questions(config_for_store());
    let live = world.keys();
    let is_test = |sent: &Sent| is_question(sent) && keys(&sent.hops) == live;
    assert!(!sends.iter().any(is_test));
    let question = sends
        .iter()
        .find(|sent| others.contains(&sent.destination.ed25519));
    let route = keys(&question.unwrap().hops);
    let (gone, rest): (Vec<_>, Vec<_>) = sends.iter().partition(|sent| keys(&sent.hops) == route);
    let witness = rest
        .iter()
        .find(|sent| !others.contains(&sent.destination.ed25519))
        .unwrap();
    world.fail(witness, 504, "Request time out");
    assert!(!world.sends().iter().any(is_test), "one is not enough");
    for sent in gone {
        world.fail(sent, 504, "Request time out");
    }
    assert!(world.sends().iter().any(is_test));
}

/// A redirect led to nodes that say that they have stored it. That is for the next list to say, and until
/// it is there no further attempt starts, whatever comes of the questions.
#[test]
fn a_request_that_waits_for_a_list_is_not_tried_before() {
    let mut config = config_for_store();
    config.attempts = 6;
    config.pool.min_refresh_gap = Duration::ZERO;
    let (mut world, members, sent) = start_store(config);
    let first = sent.destination.ed25519;
    let others: Vec<_> = members
        .iter()
        .copied()
        .filter(|key| *key != first)
        .collect();
    let lie = answer(&world, &[first], &others);
    world.pass(MINUTE * 2);
    world.answer(&sent, 200, &lie);
    let mut sends = world.sends();
    let place = sends.iter().position(|sent| !is_question(sent)).unwrap();
    let second = sends.remove(place);
    let strangers = world
        .nodes
        .iter()
        .filter(|node| !members.contains(&node.ed25519));
    let friends: Vec<ServiceNode> = strangers.take(3).copied().collect();
    let info = SwarmInfo {
        swarm: SwarmId::new(1 << 62),
        nodes: friends.clone(),
    };
    let stamp = Stamp {
        t: UnixMillis::new(START),
        hf: [19, 4],
    };
    world.answer(
        &second,
        421,
        &Response::wrong_swarm(&info, stamp).json_body(),
    );
    sends.extend(world.sends());
    let place = sends.iter().position(|sent| !is_question(sent)).unwrap();
    let third = sends.remove(place);
    assert!(keys(&friends).contains(&third.destination.ed25519));
    let body = answer(&world, &keys(&friends), &[]);
    world.answer(&third, 200, &body);
    let is_list = |sent: &Sent| matches!(&sent.purpose, PostPurpose::Upkeep { method, .. } if *method == "oxend_request");
    let (lists, sends): (Vec<_>, Vec<_>) = sends.into_iter().partition(is_list);
    assert_eq!(lists.len(), 3);
    let mut attempts = 0;
    count_questions(&mut world, &[], sends, |_, _| attempts += 1);
    world.pass(Duration::from_secs(10));
    let sends = world.sends();
    count_questions(&mut world, &[], sends, |_, _| attempts += 1);
    assert_eq!(attempts, 0);
}

/// The hops before the last one cannot tell which packet is the question: it leaves at any place among
/// its witnesses, and all are answered by a node that is up.
#[test]
fn a_question_leaves_among_two_witnesses_over_the_same_hops() {
    let mut places = [0; 3];
    for seed in 0..20 {
        let nodes = (0..20).map(node).collect();
        let (mut world, members, sent) = store_in(World::seeded(nodes, config_for_store(), seed));
        let first = sent.destination.ed25519;
        let others: Vec<_> = members.into_iter().filter(|key| *key != first).collect();
        let body = answer(&world, &[first], &others);
        world.answer(&sent, 200, &body);
        let sends: Vec<Sent> = world.sends().into_iter().filter(is_question).collect();
        // At first each member is asked once.
        let mut hops: Vec<_> = sends.iter().map(|sent| keys(&sent.hops)).collect();
        hops.dedup();
        for route in hops {
            let packets = sends.iter().filter(|sent| keys(&sent.hops) == route);
            let packets: Vec<&Sent> = packets.collect();
            assert_eq!(packets.len() % 3, 0);
            for packets in packets.chunks(3) {
                let mut to: Vec<_> = packets
                    .iter()
                    .map(|sent| sent.destination.ed25519)
                    .collect();
                let body = |sent: &&Sent| sent.packet.body.clone();
                assert!(packets.iter().all(|sent| body(sent) == body(&packets[0])));
                assert!(to.iter().all(|key| !route.contains(key)));
                if let Some(place) = to
                    .iter()
                    .position(|key| *key != first && others.contains(key))
                {
                    places[place] += 1;
                }
                to.sort();
                to.dedup();
                assert_eq!(to.len(), 3);
            }
        }
    }
    assert!(places.iter().all(|count| *count > 20), "{places:?}");
}

/// A last hop sees for whom a packet is. So each member is asked through four of them, drawn at random.
#[test]
fn three_last_hops_cannot_make_members_silent() {
    let (mut world, others, mut sends) = start_questions(config_for_store());
    let mut last_hops: Vec<Vec<Ed25519Public>> = vec![Vec::new(); others.len()];
    // What goes through three last hops is dropped.
    for round in 0..6 {
        let mut again = Vec::new();
        for sent in &sends {
            let key = sent.destination.ed25519;
            let member = others.iter().position(|member| *member == key);
            let used = member.map(|number| &mut last_hops[number]);
            match used {
                Some(used) if used.len() < 3 => {
                    assert!(!used.contains(&sent.hops[2].ed25519), "round {round}");
                    assert_ne!(sent.hops[2].ed25519, key);
                    used.push(sent.hops[2].ed25519);
                    world.fail(sent, 504, "Request time out");
                }
                // The fourth question is left open.
                Some(_) => again.push(sent.clone()),
                None => world.succeed(sent),
            }
        }
        assert!(world.events().is_empty(), "round {round}");
        again.extend(world.sends().into_iter().filter(is_question));
        sends = again;
    }
    assert!(last_hops.iter().all(|used| used.len() == 3));
    assert!(others.iter().all(|key| world.is_avoided(key)));
    // One answers the fourth question, and the others do not.
    let (up, silent) = others.split_first().unwrap();
    for sent in &sends {
        if sent.destination.ed25519 == *up {
            world.succeed(sent);
        } else if silent.contains(&sent.destination.ed25519) {
            world.fail(sent, 504, "Request time out");
        }
    }
    answer_questions(&mut world, silent);
    assert!(world.events().is_empty(), "it is up and has to sign");
}

/// Both guards and the hops behind them collude. They let pass what goes over friends alone, so the
/// client's own paths work, and drop what goes over an honest last hop: every question to a member that
/// is up. Once that was enough to find five honest members silent, beside three that were dead, and two
/// colluders had signed.
#[test]
fn hops_that_let_nothing_pass_to_other_last_hops_make_no_member_silent() {
    let mut config = config_for_store();
    config.path.paths = 2;
    config.path.allow_destination_in_path = false;
    config.attempts = 6;
    let (mut world, members, sent) = store_in(World::new(40, config));
    let colluders = [sent.destination.ed25519];
    let others: Vec<_> = members
        .iter()
        .copied()
        .filter(|key| !colluders.contains(key))
        .collect();
    let lie = answer(&world, &colluders, &others);
    world.answer(&sent, 200, &lie);
    let mut questions = 0;
    let event = loop {
        let live = world.client.paths().live().iter();
        let ours: Vec<_> = live.map(|path| path.hops().to_vec()).collect();
        for sent in world.sends() {
            match (ours.contains(&sent.hops), is_question(&sent)) {
                (true, true) => world.succeed(&sent),
                // A question to a member, or one of its witnesses.
                (false, true) => {
                    questions += usize::from(others.contains(&sent.destination.ed25519));
                    world.fail(&sent, 502, "Next node not found");
                }
                (_, false) if colluders.contains(&sent.destination.ed25519) => {
                    world.answer(&sent, 200, &lie);
                }
                (_, false) => world.fail(&sent, 504, "Request time out"),
            }
        }
        if let Some(event) = world.events().pop() {
            break event;
        }
        world.pass(Duration::from_millis(500));
    };
    assert!(questions > others.len() * 4, "{questions} questions");
    assert!(event.result.is_err(), "{event:?}");
}

/// One witness that does not answer is enough: the route did not work at that moment, or somebody guessed
/// wrong which packet was the question.
#[test]
fn a_route_counts_only_if_both_witnesses_answer() {
    for lost in 0..3 {
        let (mut world, others, mut sends) = start_questions(config_for_store());
        for _ in 0..8 {
            let mut witnesses: BTreeMap<_, usize> = BTreeMap::new();
            for sent in &sends {
                let is_member = others.contains(&sent.destination.ed25519);
                let count = witnesses.entry(keys(&sent.hops)).or_default();
                *count += usize::from(!is_member);
                if is_member || *count == lost {
                    world.fail(sent, 504, "Request time out");
                } else {
                    world.succeed(sent);
                }
            }
            sends = world.sends().into_iter().filter(is_question).collect();
        }
        // With all witnesses the nine members are found silent.
        assert_eq!(
            world.events().len(),
            usize::from(lost == 0),
            "witness {lost}"
        );
    }
}

/// An answer outweighs questions that come to nothing later.
#[test]
fn a_member_that_answered_once_has_to_sign_whatever_fails_later() {
    let (mut world, others, mut sends) = start_questions(config_for_store());
    let up = others[0];
    // It does not answer the first question, and then one of three.
    for round in 0..4 {
        for sent in &sends {
            let key = sent.destination.ed25519;
            let is_answered = key == up && round == 1;
            if others.contains(&key) && !is_answered {
                world.fail(sent, 504, "Request time out");
            } else {
                world.succeed(sent);
            }
        }
        sends = world.sends().into_iter().filter(is_question).collect();
        let asked = sends.iter().any(|sent| sent.destination.ed25519 == up);
        assert_eq!(asked, round == 0, "round {round}");
    }
    assert!(world.events().is_empty());
}

/// What is asked over a path that turns out to be broken shows nothing, whenever its witnesses answered.
#[test]
fn a_question_over_a_broken_path_does_not_count() {
    let (mut world, others, sends) = start_questions(config_for_store());
    let (questions, witnesses): (Vec<_>, Vec<_>) = sends
        .into_iter()
        .partition(|sent| others.contains(&sent.destination.ed25519));
    assert_eq!(questions.len(), others.len());
    for sent in &witnesses {
        world.succeed(sent);
    }
    let before = world.keys();
    let (_, sent) = world.ask(Target::AnyNode);
    world.fail(&sent, 504, "Request time out");
    // The guard is up, and the test of the path comes to nothing.
    let probe = world.sends().into_iter().find(is_question).unwrap();
    assert_eq!(keys(&probe.hops), before);
    world.fail(&probe, 504, "Request time out");
    for sent in &questions {
        world.report(sent.ticket, Outcome::TimedOut);
    }
    assert!(others.iter().all(|key| !world.is_avoided(key)));
    assert!(world.events().is_empty());
}

/// A question goes over another last hop than its path. So its answer does not show that the path works.
#[test]
fn an_answer_over_another_last_hop_does_not_vouch_for_the_path() {
    let mut config = config_for_store();
    config.min_patience = Duration::from_secs(1);
    config.patience = Duration::from_secs(1);
    let (mut world, others, sends) = start_questions(config);
    let live = world.keys();
    let (_, slow) = world.ask(Target::AnyNode);
    assert_eq!(keys(&slow.hops), live);
    let is_witness = |sent: &&Sent| !others.contains(&sent.destination.ed25519);
    let witness = sends.iter().find(is_witness).unwrap();
    assert_eq!(keys(&witness.hops)[..2], live[..2]);
    assert_ne!(witness.hops, slow.hops);
    world.pass(Duration::from_millis(500));
    world.succeed(witness);
    world.pass(Duration::from_millis(500));
    let probes = world.sends();
    let mut probes = probes.iter().filter(|sent| is_question(sent));
    assert!(probes.any(|sent| keys(&sent.hops) == live), "it is tested");
    assert!(!world.is_avoided(&slow.destination.ed25519));
}

/// A member that rests, since our own connection to it failed, is asked like any other.
#[test]
fn a_member_that_rests_is_not_silent() {
    let mut seed = 0;
    let (mut world, resting) = loop {
        let nodes = (0..20).map(node).collect();
        let mut world = World::seeded(nodes, config_for_store(), seed);
        let (_, sent) = world.ask(Target::AnyNode);
        let guard = sent.hops[0].ed25519;
        world.report(sent.ticket, Outcome::Unreachable);
        let sent = world.attempts().pop().unwrap();
        world.succeed(&sent);
        assert!(world.is_out(&guard) && world.events()[0].result.is_ok());
        if keys(&world.members(&account())).contains(&guard) {
            break (world, guard);
        }
        seed += 1;
    };
    let members = keys(&world.members(&account()));
    world
        .client
        .request(Target::SwarmOf(account()), store(), world.now);
    let sent = world.attempts().pop().unwrap();
    let mut signed = vec![sent.destination.ed25519];
    let others = members
        .iter()
        .filter(|key| !signed.contains(key) && **key != resting);
    let mut others: Vec<Ed25519Public> = others.copied().collect();
    others.sort_by_key(|key| !keys(&sent.hops).contains(key));
    signed.extend(&others[..5]);
    let dead = &others[5..];
    assert_eq!(dead.len(), 3);
    let body = answer(&world, &signed, &[dead, &[resting]].concat());
    world.answer(&sent, 200, &body);
    answer_questions(&mut world, dead);
    assert!(world.events().is_empty());
    assert!(dead.iter().all(|key| world.is_avoided(key)));
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
