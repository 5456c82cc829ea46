//! Attacks with several shares of colluders, against the bars.
//!
//! *Captured paths.* Without attack the expected number of captured clients is known closely: see
//! [`exposure`](crate::exposure). An attack misses the bar if more of its clients are captured than
//! twice that probability explains: as many come about by chance in less than 2.5 % of all cases. The
//! ratio stands beside it with its upper bound, which is too low in 5 % of all cases.

use std::process::ExitCode;

use crate::chance::{limit, upper_bound};
use crate::client;
use crate::outcome::Outcome;
use crate::plan::{Attack, Plan};

const SHARES: [f64; 4] = [0.03, 0.05, 0.09, 0.15];
/// Maximum error of a client's clock, in milliseconds.
const CLOCK: u64 = 2_000;
/// Captures with an attack, as a multiple of those without: the bar of each cell, and the aim for all
/// of them together.
const BAR: f64 = 2.0;
const AIM: f64 = 1.2;

/// Captures of several cells.
#[derive(Default)]
struct Sum {
    captured: usize,
    expected: f64,
    clients: usize,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome, idle: &Outcome) {
        self.captured += outcome.captured_paths;
        self.expected += probability(idle) * outcome.clients as f64;
        self.clients += outcome.clients;
    }

    /// The ratio, and its upper bound.
    fn ratio(&self) -> [f64; 2] {
        let captured = self.captured as f64;
        [captured, captured + 1.645 * captured.sqrt()].map(|captured| captured / self.expected)
    }
}

/// Runs the cells and prints a table. Its last line is a JSON object.
pub fn run(plan: &Plan) -> ExitCode {
    let mut missed = Vec::new();
    println!(
        "| colluders | attack | clients | captured | without attack | ratio | at most (95 %) | limit \
         | captured pools | forged receipts | honest guards lost | struck destinations \
         | clock error, ms | requests | failed | guards | second hops | rested hops |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let given = [plan.colluders];
    let shares = if plan.only_share { &given[..] } else { &SHARES };
    let mut sum = Sum::default();
    for share in shares {
        let run = |attack| {
            let plan = Plan {
                attack,
                colluders: *share,
                ..plan.clone()
            };
            client::run_all(&plan, |_, _| ())
        };
        let idle = run(Attack::None);
        print(*share, Attack::None, &idle, &idle);
        for (_, attack) in Attack::NAMES {
            if attack == Attack::None || (plan.only_attack && attack != plan.attack) {
                continue;
            }
            let outcome = run(attack);
            print(*share, attack, &outcome, &idle);
            sum.add(&outcome, &idle);
            for bar in misses(&outcome, &idle) {
                missed.push(format!("{bar} with {} and {share}", attack.name()));
            }
        }
    }
    for miss in &missed {
        println!("missed: {miss}");
    }
    let [ratio, most] = sum.ratio();
    println!(
        "{{\"dead\":{},\"nodes\":{},\"days\":{},\"interval\":{},\"clients\":{},\"seed\":{},\"seeds\":{},\
         \"captured\":{},\"expected\":{:.1},\"ratio\":{ratio:.2},\"ratio_at_most\":{most:.2},\
         \"aim\":{AIM},\"missed\":{}}}",
        plan.dead,
        plan.nodes,
        plan.days,
        plan.interval,
        sum.clients,
        plan.seed,
        plan.seeds,
        sum.captured,
        sum.expected,
        missed.len()
    );
    ExitCode::from(u8::from(!missed.is_empty()))
}

fn print(share: f64, attack: Attack, outcome: &Outcome, idle: &Outcome) {
    let expected = probability(idle) * outcome.clients as f64;
    let most = upper_bound(outcome.captured_paths, outcome.clients) * outcome.clients as f64;
    println!(
        "| {:.0} % | {} | {} | {} | {expected:.1} | {:.2} | {:.2} | {} | {} | {} | {} | {} | {} | {} | {} \
         | {} | {} | {} |",
        share * 100.0,
        attack.name(),
        outcome.clients,
        outcome.captured_paths,
        outcome.captured_paths as f64 / expected,
        most / expected,
        most_captures(outcome, idle),
        outcome.captured_pools,
        outcome.forged_receipts,
        outcome.honest_guards_lost,
        outcome.struck_destinations,
        outcome.clock_error_ms_max,
        outcome.requests,
        outcome.failed_requests,
        outcome.guards_drawn,
        outcome.second_hops,
        outcome.rested_hops,
    );
}

/// The probability that a client is captured by colluders that only watch.
fn probability(idle: &Outcome) -> f64 {
    idle.expected_captures / idle.clients as f64
}

/// Captures with which an attack still meets the bar.
pub fn most_captures(outcome: &Outcome, idle: &Outcome) -> usize {
    limit(outcome.clients, (BAR * probability(idle)).min(1.0))
}

/// The bars that an attack misses, compared with colluders that only watch.
pub fn misses(outcome: &Outcome, idle: &Outcome) -> Vec<&'static str> {
    // One more in twenty clients.
    let lost = 20 * outcome.honest_guards_lost * idle.clients;
    let most_lost = 20 * idle.honest_guards_lost * outcome.clients + outcome.clients * idle.clients;
    [
        (
            outcome.captured_paths <= most_captures(outcome, idle),
            "captured paths",
        ),
        (outcome.captured_pools == 0, "captured pools"),
        (outcome.forged_receipts == 0, "forged receipts"),
        (lost <= most_lost, "honest guards lost"),
        (outcome.struck_destinations == 0, "struck destinations"),
        (outcome.clock_error_ms_max < CLOCK, "clock error"),
    ]
    .into_iter()
    .filter_map(|(holds, bar)| (!holds).then_some(bar))
    .collect()
}
