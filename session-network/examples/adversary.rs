//! Clients against colluding nodes: days of network in virtual time.
//!
//! ```text
//! cargo run --release -p session-network --example adversary -- --attack all --colluders 0.09 \
//!     --nodes 600 --days 10 --clients 20 --seed 1
//! ```
//!
//! `--seeds N` runs N networks, `--threads N` so many of them at the same time. `--bars` runs all
//! attacks with 3, 5, 9 and 15 % colluders, or the ones that are given, and exits with 1 if a bar is
//! missed.
//!
//! The real machine runs, with packets that hide nothing (so that days cost seconds). Colluders know
//! each other and see what nodes in their places see: a guard sees its hops, the last hop sees the
//! destination. The last line is one JSON object.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::std_instead_of_alloc,
    unreachable_pub
)]

#[path = "adversary/bars.rs"]
mod bars;
#[path = "adversary/chance.rs"]
mod chance;
#[path = "adversary/clear.rs"]
mod clear;
#[path = "adversary/client.rs"]
mod client;
#[path = "adversary/exposure.rs"]
mod exposure;
#[path = "adversary/outcome.rs"]
mod outcome;
#[path = "adversary/plan.rs"]
mod plan;
#[path = "adversary/world.rs"]
mod world;

use std::process::ExitCode;

use plan::Plan;

const USAGE: &str = "usage: adversary [--attack none|burn-guard|steer-path|drop-silently|\
strike-destination|forge-receipts|shrink-list|clock|all] [--colluders SHARE] [--dead SHARE] \
[--nodes N] [--days N] [--clients N] [--interval SECONDS] [--seed N] [--seeds N] [--threads N] [--bars]";

fn main() -> ExitCode {
    let Some(plan) = Plan::from_arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if plan.bars {
        return bars::run(&plan);
    }
    let outcome = client::run_all(&plan, |number, outcome| {
        let latencies = Vec::new();
        let outcome = outcome::Outcome {
            latencies,
            ..outcome.clone()
        };
        eprintln!("client {number}: {outcome:?}");
    });
    println!("{}", outcome.to_json(&plan));
    ExitCode::SUCCESS
}
