//! The client against a simulated network of 2,000 nodes in virtual time: loss, dead nodes, lying
//! nodes, wrong clocks, stale lists, churn and swarms that come and go.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    missing_docs
)]

use std::collections::BTreeSet;

use session_crypto::hash::message_hash;
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Secret};
use session_network::{Config, Purpose, RequestError, RequestId, Target};
use session_storage::*;
use session_types::{AnyId, MessageHash, Namespace, SealedMessage, UnixMillis};

#[path = "../../examples/adversary/clear.rs"]
mod clear;
mod driver;
mod world;

use driver::Driver;
use world::{HOUR_MS, MINUTE_MS, START};

struct Account {
    secret: Ed25519Secret,
    id: AnyId,
    stored: Vec<MessageHash>,
}

#[test]
fn every_stored_message_is_found_again() {
    for seed in [4, 5, 7] {
        store_and_find(seed);
    }
}

fn store_and_find(seed: u64) {
    let mut driver = Driver::new(seed, Config::default(), 3);
    let mut accounts: Vec<Account> = (0..40)
        .map(|_| {
            let secret = Ed25519Secret::generate(&mut driver.rng);
            let id = AnyId::from(secret.public().to_account_id().unwrap());
            Account {
                secret,
                id,
                stored: Vec::new(),
            }
        })
        .collect();
    let (mut stored, mut failed) = (0, 0);
    for round in 0..5u64 {
        for account in &mut accounts {
            let signer = Signer::user(&account.secret);
            let data = format!("message {round}").into_bytes();
            let make = |time| {
                let namespace = Namespace::USER_PROFILE;
                signed_store(account.id, namespace, data.clone(), time, &signer)
            };
            match driver.until_clock_is_right(Target::SwarmOf(account.id), make) {
                Ok(reply) => {
                    assert!(reply.response.is_success());
                    account
                        .stored
                        .push(message_hash(&account.id, Namespace::USER_PROFILE, &data));
                    stored += 1;
                }
                Err(error) => {
                    println!("store failed: {error}");
                    failed += 1;
                }
            }
        }
        // Long enough for rotations, new lists and churn.
        driver.world.now += 50 * MINUTE_MS;
        driver.world.churn();
        // Messages of the first account move to a swarm that is new, those of the second away from
        // one that is gone.
        let swarm_of = |driver: &Driver, id: &AnyId| driver.world.ring.swarm_of(id).unwrap();
        if round == 2 {
            let first = accounts[0].id;
            let before = swarm_of(&driver, &first);
            driver
                .world
                .found_swarm(session_swarm::ring::position(&first));
            assert_ne!(swarm_of(&driver, &first), before);
        }
        if round == 3 {
            let second = accounts[1].id;
            let before = swarm_of(&driver, &second);
            driver.world.dissolve_swarm(before);
            assert_ne!(swarm_of(&driver, &second), before);
        }
        // A client that was started again goes on with what it kept.
        if round == 2 {
            driver.restart(Config::default());
        }
    }
    assert!(stored >= 190, "{stored} stored, {failed} failed");
    // With a new list the client knows the swarms as they are.
    driver.world.now += 3 * HOUR_MS;
    for _ in 0..10 {
        driver.submit(Target::AnyNode, Info);
        driver.run(driver.world.now);
    }
    for account in &accounts {
        let swarm = driver.world.ring.swarm_of(&account.id);
        assert_eq!(driver.client.pool().ring().swarm_of(&account.id), swarm);
    }
    for account in &accounts {
        let mut found = BTreeSet::new();
        let signer = Signer::user(&account.secret);
        for node in driver.client.members(&account.id, driver.local()) {
            let make = |time| {
                let retrieve = Retrieve::new(account.id, Namespace::USER_PROFILE);
                retrieve.sign(UnixMillis::new(time), &signer).into()
            };
            let result = driver.until_clock_is_right(Target::Node(node.ed25519), make);
            let Ok(reply) = result else { continue };
            if let Body::Structure(body) = &reply.response.body
                && let Ok(answer) =
                    Retrieve::new(account.id, Namespace::USER_PROFILE).read_answer(body)
            {
                found.extend(answer.messages.iter().map(|message| message.hash));
            }
        }
        for hash in &account.stored {
            assert!(found.contains(hash), "a stored message is lost");
        }
    }
    assert_eq!(driver.submitted.len(), driver.ended.len());
    println!(
        "{stored} stored, {failed} failed, {} onion requests",
        driver.world.sends
    );
}

fn signed_store(
    account: AnyId,
    namespace: Namespace,
    data: Vec<u8>,
    time: u64,
    signer: &Signer<'_>,
) -> Request {
    let (ttl, time) = (namespace.usual_ttl(), UnixMillis::new(time));
    let message = SealedMessage {
        namespace,
        ttl,
        data,
    };
    let store = Store::new(account, message, time).unwrap();
    store.sign(time, signer).into()
}

/// The namespaces in which a batch stores.
const SPACES: [Namespace; 2] = [Namespace::CONTACTS, Namespace::USER_GROUPS];

#[test]
fn batches_sequences_choices_and_files_go_the_same_way() {
    let mut driver = Driver::new(13, Config::default(), 3);
    let (mut answered, mut found, mut asked) = (0, 0, 0);
    for number in 0..30u8 {
        let secret = Ed25519Secret::generate(&mut driver.rng);
        let id = AnyId::from(secret.public().to_account_id().unwrap());
        let signer = Signer::user(&secret);
        let data = vec![number; 40];
        let store =
            |space, time| -> Request { signed_store(id, space, data.clone(), time, &signer) };
        let retrieve = |space, time| -> Request {
            let time = UnixMillis::new(time);
            Retrieve::new(id, space).sign(time, &signer).into()
        };
        // Stored and read back in one request, in this order.
        let batch = |time| {
            let [a, b] = SPACES;
            let requests = [
                store(a, time),
                store(b, time),
                retrieve(a, time),
                retrieve(b, time),
            ];
            Batch::new(requests).unwrap()
        };
        let choice = |time, then: bool| IfElse {
            condition: Condition {
                hf_at_least: then.then_some([19, 0]),
                hf_before: (!then).then_some([19, 0]),
                ..Condition::default()
            },
            then: Some(Box::new(Request::Sequence(batch(time)))),
            otherwise: Some(Box::new(retrieve(SPACES[0], time))),
        };
        let makes: [&dyn Fn(u64) -> Request; 4] = [
            &|time| Request::Sequence(batch(time)),
            &|time| Request::Batch(batch(time)),
            &|time| choice(time, true).into(),
            &|time| choice(time, false).into(),
        ];
        for (kind, make) in makes.into_iter().enumerate() {
            let reply = driver.until_clock_is_right(Target::SwarmOf(id), make);
            let Ok(reply) = reply else { continue };
            answered += 1;
            let results = match make(0) {
                Request::IfElse(choice) => {
                    let answer = choice.read_answer(structure(&reply.response)).unwrap();
                    assert_eq!(answer.condition, kind == 2);
                    let result = answer.result.unwrap();
                    if kind == 2 {
                        results_of(&result)
                    } else {
                        vec![result]
                    }
                }
                _ => results_of(&reply.response),
            };
            let (reads, spaces) = match kind {
                3 => (&results[..], &SPACES[..1]),
                _ => (&results[2..], &SPACES[..]),
            };
            assert_eq!(reads.len(), spaces.len());
            for (result, space) in reads.iter().zip(spaces) {
                let answer = Retrieve::new(id, *space)
                    .read_answer(structure(result))
                    .unwrap();
                // A node may have nothing, which nobody can prove wrong, but nothing else.
                let hash = message_hash(&id, *space, &data);
                assert!(answer.messages.iter().all(|message| message.hash == hash));
                found += answer.messages.len();
                asked += 1;
            }
        }
        // Only paths of files carry this, and they carry nothing else: the driver looks.
        let file = driver.submit_for(Purpose::File, Target::AnyNode, GetSwarm { account: id });
        driver.run(driver.world.now);
        if let Ok(reply) = &driver.ended[&file] {
            let answer = GetSwarm { account: id }.read_answer(structure(&reply.response));
            assert!(answer.is_ok());
            answered += 1;
        }
        driver.world.now += 5 * MINUTE_MS;
    }
    assert!(answered > 140, "{answered} of 150");
    assert!(found > asked * 9 / 10, "{found} of {asked}");
    assert_eq!(driver.submitted.len(), driver.ended.len());
    // Rebuilds through one guard are budgeted. After a rest all paths are there again, unless one fails
    // in that very moment.
    let are_all_there = (0..3).any(|_| {
        driver.world.now += 2 * HOUR_MS;
        for purpose in [Purpose::Standard, Purpose::File] {
            driver.submit_for(purpose, Target::AnyNode, Info);
            driver.run(driver.world.now);
        }
        let paths = driver.client.paths().live();
        [Purpose::Standard, Purpose::File]
            .into_iter()
            .all(|purpose| {
                paths
                    .iter()
                    .filter(|path| path.purpose() == purpose)
                    .count()
                    == 2
            })
    });
    assert!(are_all_there);
}

fn structure(response: &Response) -> &value::Value {
    let Body::Structure(body) = &response.body else {
        panic!("{response:?}");
    };
    body
}

fn results_of(response: &Response) -> Vec<Response> {
    let requests = vec![Request::from(Info); 4];
    let batch = Batch::new(requests).unwrap();
    let answer = batch.read_answer(structure(response)).unwrap();
    assert!(answer.results.iter().all(Response::is_success));
    answer.results
}

#[test]
fn many_requests_at_once_all_end() {
    let mut driver = Driver::new(11, Config::default(), 3);
    driver.world.loss_percent = 30;
    let ids: Vec<RequestId> = (0..400)
        .map(|_| driver.submit(Target::AnyNode, Info))
        .collect();
    driver.run(START);
    let ok = ids.iter().filter(|id| driver.ended[id].is_ok()).count();
    assert_eq!(driver.ended.len(), ids.len());
    assert!(ok > 300, "{ok} of {}", ids.len());
}

#[test]
fn without_any_seed_requests_end_with_an_error() {
    let mut driver = Driver::new(3, Config::default(), 1);
    let id = driver.submit(Target::AnyNode, Info);
    driver.run(START);
    assert_eq!(driver.ended[&id], Err(RequestError::TimedOut));
    assert!(driver.world.now >= START + MINUTE_MS);
}

#[test]
fn an_unknown_node_and_too_many_requests_are_errors_at_once() {
    let mut config = Config::default();
    config.max_requests = 1;
    let mut driver = Driver::new(5, config, 3);
    let stranger = Ed25519Public::from_bytes([9; 32]);
    let first = driver.submit(Target::Node(stranger), Info);
    let second = driver.submit(Target::AnyNode, Info);
    driver.run(START);
    assert_eq!(driver.ended[&first], Err(RequestError::UnknownNode));
    assert_eq!(driver.ended[&second], Err(RequestError::TooMany));
}
