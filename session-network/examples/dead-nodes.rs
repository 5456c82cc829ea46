//! How long sends and receives take when nodes are dead, in virtual time.
//!
//! ```text
//! cargo run --release -p session-network --example dead-nodes -- --nodes 10 --dead 2 --sends 100 --seed 1
//! ```
//!
//! Each line is one JSON object: which nodes die, whether each send is a process of its own, how many
//! sends succeeded, and their times in milliseconds beyond the 5 s that a storing node itself waits for
//! a dead member of its swarm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_alloc,
    unreachable_pub
)]

#[path = "adversary/clear.rs"]
mod clear;
#[path = "dead-nodes/field.rs"]
mod field;

use std::process::ExitCode;

use field::{Figures, Plan, Scenario, percentile, run, slowest, succeeded};

const USAGE: &str = "usage: dead-nodes [--nodes N] [--dead N] [--sends N] [--clients N] [--seed N]";

struct Arguments {
    nodes: usize,
    dead: usize,
    sends: usize,
    clients: u64,
    seed: u64,
}

fn arguments() -> Option<Arguments> {
    let mut given = Arguments {
        nodes: 10,
        dead: 2,
        sends: 100,
        clients: 1,
        seed: 1,
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--nodes" => given.nodes = value.parse().ok()?,
            "--dead" => given.dead = value.parse().ok()?,
            "--sends" => given.sends = value.parse().ok()?,
            "--clients" => given.clients = value.parse().ok()?,
            "--seed" => given.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    let fits = given.nodes >= 8 && given.dead * 2 <= given.nodes && given.nodes < 60_000;
    fits.then_some(given)
}

fn main() -> ExitCode {
    let Some(given) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    for restart in [false, true] {
        for scenario in Scenario::ALL {
            let mut total = Figures::default();
            let mut dead = [0, 0];
            for client in 0..given.clients {
                let figures = run(Plan {
                    scenario,
                    nodes: given.nodes,
                    dead: given.dead,
                    sends: given.sends,
                    seed: given.seed + client,
                    restart,
                });
                let passed = figures.dead_passed(10);
                dead = [dead[0] + passed[0], dead[1] + passed[1]];
                total.add(&figures);
            }
            print(scenario, restart, &total, dead);
        }
    }
    ExitCode::SUCCESS
}

fn print(scenario: Scenario, restart: bool, total: &Figures, dead: [usize; 2]) {
    let (sends, receives) = (&total.sends, &total.receives);
    println!(
        "{{\"scenario\":\"{}\",\"processes\":{restart},\"sends\":{},\"sent\":{},\"median_ms\":{},\
         \"p99_ms\":{},\"slowest_ms\":{},\"receives\":{},\"received\":{},\"receive_median_ms\":{},\
         \"receive_p99_ms\":{},\"receive_slowest_ms\":{},\"through_dead_first_10\":{},\
         \"through_dead_later\":{},\"posts\":{}}}",
        scenario.name(),
        sends.len(),
        succeeded(sends),
        percentile(sends, 50),
        percentile(sends, 99),
        slowest(sends),
        receives.len(),
        succeeded(receives),
        percentile(receives, 50),
        percentile(receives, 99),
        slowest(receives),
        dead[0],
        dead[1],
        total.posts,
    );
}
