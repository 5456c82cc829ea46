//! Clients against colluding nodes: days of network in virtual time.
//!
//! ```text
//! cargo run --release -p session-network --example adversary -- --attack all --colluders 0.09 \
//!     --nodes 600 --days 10 --clients 20 --seed 1
//! ```
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

#[path = "../tests/support/clear.rs"]
mod clear;

#[path = "adversary/client.rs"]
mod client;
#[path = "adversary/world.rs"]
mod world;

use std::process::ExitCode;

use world::{Attack, Plan};

const USAGE: &str = "usage: adversary [--attack none|burn-guard|steer-path|drop-silently|\
strike-destination|forge-receipts|shrink-list|clock|all] [--colluders SHARE] [--dead SHARE] \
[--nodes N] [--days N] [--clients N] [--interval SECONDS] [--seed N]";

fn plan() -> Option<Plan> {
    let mut plan = Plan {
        attack: Attack::None,
        colluders: 0.09,
        dead: 0.1,
        nodes: 600,
        days: 10,
        clients: 20,
        interval: 600,
        seed: 1,
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--attack" => plan.attack = Attack::parse(value)?,
            "--colluders" => plan.colluders = value.parse().ok()?,
            "--dead" => plan.dead = value.parse().ok()?,
            "--nodes" => plan.nodes = value.parse().ok()?,
            "--days" => plan.days = value.parse().ok()?,
            "--clients" => plan.clients = value.parse().ok()?,
            "--interval" => plan.interval = value.parse().ok()?,
            "--seed" => plan.seed = value.parse().ok()?,
            _ => return None,
        }
    }
    let is_share = |share: f64| (0.0..=0.5).contains(&share);
    let fits = is_share(plan.colluders) && is_share(plan.dead) && plan.nodes >= 40;
    (fits && plan.clients > 0 && plan.interval > 0).then_some(plan)
}

fn main() -> ExitCode {
    let Some(plan) = plan() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut world = world::World::new(&plan);
    let mut total = client::Outcome::default();
    for number in 0..plan.clients {
        let outcome = client::run(&plan, number, &mut world);
        eprintln!("client {number}: {outcome:?}");
        total.add(&outcome);
    }
    println!(
        "{{\"attack\":\"{}\",\"colluders\":{},\"dead\":{},\"nodes\":{},\"days\":{},\"clients\":{},\
         \"seed\":{},\"captured_paths\":{},\"captured_pools\":{},\"forged_receipts\":{},\
         \"honest_guards_lost\":{},\"struck_destinations\":{},\"clock_error_ms_max\":{},\
         \"requests\":{},\"failed_requests\":{},\"guards_drawn\":{},\"posts\":{},\
         \"median_ms\":{},\"slowest_ms\":{}}}",
        plan.attack.name(),
        plan.colluders,
        plan.dead,
        plan.nodes,
        plan.days,
        plan.clients,
        plan.seed,
        total.captured_paths,
        total.captured_pools,
        total.forged_receipts,
        total.honest_guards_lost,
        total.struck_destinations,
        total.clock_error_ms_max,
        total.requests,
        total.failed_requests,
        total.guards_drawn,
        total.posts,
        total.median_ms(),
        total.slowest_ms(),
    );
    ExitCode::SUCCESS
}
