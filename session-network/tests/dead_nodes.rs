//! Sends and receives while nodes are dead, in virtual time: how long they take, and that dead nodes are
//! not used again, in this process and in the next.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_alloc,
    unreachable_pub,
    missing_docs
)]

#[path = "../examples/adversary/clear.rs"]
mod clear;
#[path = "../examples/dead-nodes/field.rs"]
mod field;

use field::{Figures, Plan, Scenario, first_receive, percentile, run, slowest, succeeded};

/// Sends of one client.
const SENDS: usize = 100;
const CLIENTS: u64 = 10;

fn check(scenario: Scenario, restart: bool) {
    let mut total = Figures::default();
    let mut later = Vec::new();
    for seed in 1..=CLIENTS {
        let figures = run(Plan {
            scenario,
            nodes: 10,
            dead: 2,
            sends: SENDS,
            seed,
            restart,
        });
        later.push(figures.dead_passed(10)[1]);
        total.add(&figures);
    }
    // A process that ends with its answer may not have learned which of those that it asked was dead:
    // such a client can go on asking it for long. One of ten may.
    later.sort_unstable();
    later.pop();
    let later: usize = later.iter().sum();
    let (sends, receives) = (&total.sends, &total.receives);
    let what = format!(
        "{} {restart}: {} of {}, {} ms, {} ms, receive {} ms, {later} through dead nodes",
        scenario.name(),
        succeeded(sends),
        sends.len(),
        percentile(sends, 50),
        slowest(sends),
        slowest(receives),
    );
    assert!(succeeded(sends) * 100 >= sends.len() * 99, "{what}");
    assert!(percentile(sends, 50) <= 3_000, "{what}");
    assert!(slowest(sends) <= 15_000, "{what}");
    assert_eq!(succeeded(receives), receives.len(), "{what}");
    assert!(slowest(receives) <= 3_000, "{what}");
    // Of some hundred requests.
    assert!(later <= 5, "{what}");
}

/// A client that knows nothing has to find out first.
#[test]
fn the_first_receive_of_a_new_client() {
    for scenario in [Scenario::Refusing, Scenario::Silent] {
        let receives: Vec<Option<u64>> = (1..=200)
            .map(|seed| {
                first_receive(Plan {
                    scenario,
                    nodes: 10,
                    dead: 2,
                    sends: 0,
                    seed,
                    restart: false,
                })
            })
            .collect();
        let figures = [50, 90, 99].map(|percent| percentile(&receives, percent));
        let slowest = slowest(&receives);
        println!("{}: {figures:?} ms, slowest {slowest} ms", scenario.name());
        assert_eq!(succeeded(&receives), receives.len());
        let limits = [1_500, 2_000, 3_000];
        let are_kept = figures
            .iter()
            .zip(limits)
            .all(|(took, limit)| *took <= limit);
        assert!(are_kept, "{figures:?}");
        assert!(slowest <= 3_000, "{slowest}");
    }
}

#[test]
fn nodes_that_refuse_connections() {
    check(Scenario::Refusing, false);
    check(Scenario::Refusing, true);
}

#[test]
fn nodes_that_say_nothing() {
    check(Scenario::Silent, false);
    check(Scenario::Silent, true);
}

#[test]
fn nodes_that_die_midway() {
    check(Scenario::Midway, false);
    check(Scenario::Midway, true);
}

#[test]
fn a_guard_that_freezes() {
    check(Scenario::FrozenGuard, false);
    check(Scenario::FrozenGuard, true);
}
