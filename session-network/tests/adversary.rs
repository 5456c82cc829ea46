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
#[path = "../examples/adversary/clear.rs"]
mod clear;
#[path = "../examples/adversary/client.rs"]
mod client;
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
        ..Plan::default()
    }
}

fn run(attack: Attack) -> Outcome {
    client::run_all(&small(attack), |_, _| ())
}

#[test]
fn no_attack_misses_a_bar() {
    let plan = small(Attack::None);
    let idle = run(Attack::None);
    assert!(idle.captured_paths > 0, "nothing to compare with");
    for (name, attack) in Attack::NAMES {
        let outcome = run(attack);
        let missed = bars::misses(&outcome, &idle, plan.clients);
        assert!(missed.is_empty(), "{name}: {missed:?}");
        assert!(outcome.captured_paths <= 2 * idle.captured_paths, "{name}");
        assert!(outcome.requests > 300, "{name}");
        // Colluders that fail what they can make some requests fail, and not many.
        let failed = outcome.failed_requests;
        assert!(failed * 10 <= outcome.requests, "{name}: {failed}");
    }
}

#[test]
fn a_run_repeats_itself() {
    let plan = Plan {
        clients: 1,
        ..small(Attack::All)
    };
    let run = || client::run_all(&plan, |_, _| ()).to_json(&plan);
    assert_eq!(run(), run());
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
