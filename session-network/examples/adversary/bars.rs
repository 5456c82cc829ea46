//! All attacks with several shares of colluders, against the bars.

use std::process::ExitCode;

use crate::client;
use crate::outcome::Outcome;
use crate::plan::{Attack, Plan};

const SHARES: [f64; 4] = [0.03, 0.05, 0.09, 0.15];
/// Maximum error of a client's clock, in milliseconds.
const CLOCK: u64 = 2_000;

/// Runs everything and prints a table. Its last line is a JSON object.
pub fn run(plan: &Plan) -> ExitCode {
    let mut missed = Vec::new();
    println!(
        "| colluders | attack | captured paths | captured pools | forged receipts | honest guards lost \
         | struck destinations | rested hops | clock error, ms | requests | failed | guards | second hops |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for colluders in SHARES {
        let mut idle = Outcome::default();
        for (_, attack) in Attack::NAMES {
            let plan = Plan {
                attack,
                colluders,
                ..plan.clone()
            };
            let outcome = client::run_all(&plan, |_, _| ());
            println!(
                "| {:.0} % | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                colluders * 100.0,
                attack.name(),
                outcome.captured_paths,
                outcome.captured_pools,
                outcome.forged_receipts,
                outcome.honest_guards_lost,
                outcome.struck_destinations,
                outcome.rested_hops,
                outcome.clock_error_ms_max,
                outcome.requests,
                outcome.failed_requests,
                outcome.guards_drawn,
                outcome.second_hops,
            );
            if attack == Attack::None {
                idle = outcome.clone();
            }
            let clients = plan.clients * plan.seeds as usize;
            for bar in misses(&outcome, &idle, clients) {
                missed.push(format!("{bar} with {} and {colluders}", attack.name()));
            }
        }
    }
    for miss in &missed {
        println!("missed: {miss}");
    }
    println!(
        "{{\"dead\":{},\"nodes\":{},\"days\":{},\"interval\":{},\"clients\":{},\"seed\":{},\"seeds\":{},\
         \"missed\":{}}}",
        plan.dead,
        plan.nodes,
        plan.days,
        plan.interval,
        plan.clients as u64 * plan.seeds,
        plan.seed,
        plan.seeds,
        missed.len()
    );
    ExitCode::from(u8::from(!missed.is_empty()))
}

/// Whether an attack captures at most twice as many clients as colluders that only watch do. If it
/// captures exactly twice as many, two of three captures are its own; a miss is more than two
/// standard deviations above that.
fn is_at_most_twice(attack: usize, idle: usize) -> bool {
    let all = (attack + idle) as f64;
    attack as f64 <= all * 2.0 / 3.0 + 2.0 * (all * 2.0 / 9.0).sqrt()
}

/// The bars that an attack misses, compared with colluders that only watch.
pub fn misses(outcome: &Outcome, idle: &Outcome, clients: usize) -> Vec<&'static str> {
    [
        (
            is_at_most_twice(outcome.captured_paths, idle.captured_paths),
            "captured paths",
        ),
        (outcome.captured_pools == 0, "captured pools"),
        (outcome.forged_receipts == 0, "forged receipts"),
        (
            outcome.honest_guards_lost <= idle.honest_guards_lost + clients / 20,
            "honest guards lost",
        ),
        (outcome.struck_destinations == 0, "struck destinations"),
        (outcome.clock_error_ms_max < CLOCK, "clock error"),
    ]
    .into_iter()
    .filter_map(|(holds, bar)| (!holds).then_some(bar))
    .collect()
}
