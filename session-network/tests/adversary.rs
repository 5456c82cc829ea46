//! The adversary simulation of `examples/adversary.rs`, in a network that is small enough for a test:
//! every attack is held against the bars.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    missing_docs,
    dead_code
)]

#[path = "../examples/adversary/bars.rs"]
mod bars;
#[path = "../examples/adversary/chance.rs"]
mod chance;
#[path = "../examples/adversary/clear.rs"]
mod clear;
#[path = "../examples/adversary/client.rs"]
mod client;
#[path = "../examples/adversary/exposure.rs"]
mod exposure;
#[path = "../examples/adversary/outcome.rs"]
mod outcome;
#[path = "../examples/adversary/plan.rs"]
mod plan;
#[path = "../examples/adversary/world.rs"]
mod world;

use outcome::Outcome;
use plan::{Attack, Plan};

fn small(attack: Attack) -> Plan {
    Plan {
        attack,
        colluders: 0.15,
        nodes: 150,
        days: 1,
        clients: 5,
        interval: 1_200,
        seed: 3,
        seeds: 4,
        ..Plan::default()
    }
}

fn run(attack: Attack) -> Outcome {
    client::run_all(&small(attack), |_, _| ())
}

#[test]
fn no_attack_misses_a_bar() {
    let idle = run(Attack::None);
    assert!(idle.captured_paths > 0, "nothing to compare with");
    assert!(idle.expected_captures > 0.0);
    for (name, attack) in Attack::NAMES {
        let outcome = run(attack);
        let missed = bars::misses(&outcome, &idle);
        assert!(missed.is_empty(), "{name}: {missed:?}");
        assert!(outcome.captured_paths <= 2 * idle.captured_paths, "{name}");
        assert!(outcome.requests > 300, "{name}");
        // Colluders that fail what they can make some requests fail, and not many.
        let failed = outcome.failed_requests;
        assert!(failed * 10 <= outcome.requests, "{name}: {failed}");
    }
}

#[test]
fn a_run_repeats_itself_whatever_the_threads() {
    let run = |threads| {
        let plan = Plan {
            clients: 1,
            seeds: 2,
            threads,
            ..small(Attack::All)
        };
        client::run_all(&plan, |_, _| ()).to_json(&plan)
    };
    assert_eq!(run(1), run(1));
    assert_eq!(run(1), run(2));
}

#[test]
fn each_bar_is_missed_by_what_exceeds_it() {
    let idle = Outcome {
        clients: 100,
        expected_captures: 10.0,
        honest_guards_lost: 3,
        ..Outcome::default()
    };
    let good = Outcome {
        clients: 100,
        captured_paths: 28,
        honest_guards_lost: 8,
        clock_error_ms_max: 1_999,
        ..Outcome::default()
    };
    assert_eq!(bars::most_captures(&good, &idle), 28);
    assert!(bars::misses(&good, &idle).is_empty());
    type Exceed = fn(&mut Outcome);
    let cases: [(&str, Exceed); 6] = [
        ("captured paths", |outcome| outcome.captured_paths = 29),
        ("captured pools", |outcome| outcome.captured_pools = 1),
        ("forged receipts", |outcome| outcome.forged_receipts = 1),
        ("honest guards lost", |outcome| {
            outcome.honest_guards_lost = 9
        }),
        ("struck destinations", |outcome| {
            outcome.struck_destinations = 1
        }),
        ("clock error", |outcome| outcome.clock_error_ms_max = 2_000),
    ];
    for (bar, exceed) in cases {
        let mut outcome = good.clone();
        exceed(&mut outcome);
        assert_eq!(bars::misses(&outcome, &idle), [bar]);
    }
}

#[test]
fn chance_is_what_the_binomial_distribution_says() {
    let is_near = |value: f64, right: f64| (value - right).abs() < 1e-4;
    assert!(is_near(chance::at_least(8, 10, 0.5), 56.0 / 1024.0));
    assert!(is_near(chance::at_least(1, 3, 0.1), 1.0 - 0.729));
    assert!(chance::at_least(0, 3, 0.1) >= 1.0 && chance::at_least(4, 3, 0.1) <= 0.0);
    // The exact one-sided bounds of 95 %.
    assert!(is_near(
        chance::upper_bound(0, 20),
        1.0 - 0.05f64.powf(0.05)
    ));
    assert!(is_near(chance::upper_bound(5, 20), 0.4556));
    assert!(chance::upper_bound(20, 20) >= 1.0);
    for (trials, probability) in [(20, 0.2), (140, 0.34), (300, 0.05)] {
        let limit = chance::limit(trials, probability);
        assert!(chance::at_least(limit, trials, probability) >= chance::FALSE_ALARM);
        assert!(chance::at_least(limit + 1, trials, probability) < chance::FALSE_ALARM);
    }
}

/// A client with one path is captured if all three hops collude.
#[test]
fn exposure_is_the_share_of_colluders_that_have_a_path() {
    let world = world::World::new(&small(Attack::None));
    let nodes = world.possible_colluders();
    let mut exposure = exposure::Exposure::default();
    exposure.add(
        &world,
        &nodes[..3]
            .iter()
            .map(|number| world.key(*number))
            .collect::<Vec<_>>(),
    );
    let captured = |colluders| exposure.captured(&world, colluders, 1);
    assert!(captured(2) <= 0.0 && captured(nodes.len()) >= 1.0);
    // Of half of the nodes it is an eighth.
    assert!((0.07..0.18).contains(&captured(nodes.len() / 2)));
}

#[test]
fn dead_nodes_lose_no_requests() {
    let plan = |dead| Plan {
        colluders: 0.0,
        dead,
        ..small(Attack::None)
    };
    for dead in [0.0, 0.1] {
        let outcome = client::run_all(&plan(dead), |_, _| ());
        assert_eq!(outcome.failed_requests, 0, "with {dead} dead");
        assert_eq!(outcome.struck_destinations, 0);
        assert_eq!(outcome.honest_guards_lost, 0);
    }
}

#[test]
fn arguments_are_read_and_refused() {
    let parse = |text: &str| Plan::from_arguments(text.split_whitespace().map(String::from));
    let plan = parse("--attack clock --colluders 0.2 --nodes 99 --days 3 --clients 4 --seed 5");
    let plan = plan.unwrap();
    assert_eq!(plan.attack, Attack::Clock);
    assert_eq!(
        (plan.nodes, plan.days, plan.clients, plan.seed),
        (99, 3, 4, 5)
    );
    for bad in [
        "--attack nothing",
        "--attack",
        "--colluders 0.9",
        "--clients 0",
        "--what 1",
    ] {
        assert!(parse(bad).is_none(), "{bad}");
    }
}
