//! The measurements of a run.

use crate::plan::Plan;

/// Measurements of one client, or of several.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub clients: usize,
    /// Clients that ever had a path of colluders only.
    pub captured_paths: usize,
    /// How many that would be on average over all sets of colluders, if colluders only watch.
    pub expected_captures: f64,
    /// Clients of whose pool ever more than half were colluders.
    pub captured_pools: usize,
    /// Messages believed stored that no honest member has.
    pub forged_receipts: usize,
    /// Honest guards, up and listed, that were given up before their time.
    pub honest_guards_lost: usize,
    /// Honest members, up and listed, that are not asked any more.
    pub struck_destinations: usize,
    /// Honest nodes, up and listed, that were ever avoided as hops because two guards agreed.
    pub rested_hops: usize,
    pub clock_error_ms_max: u64,
    pub requests: usize,
    pub failed_requests: usize,
    /// Guards of paths.
    pub guards_drawn: usize,
    /// Nodes that were second hops of paths.
    pub second_hops: usize,
    pub posts: usize,
    pub latencies: Vec<u64>,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.clients += other.clients;
        self.captured_paths += other.captured_paths;
        self.expected_captures += other.expected_captures;
        self.captured_pools += other.captured_pools;
        self.forged_receipts += other.forged_receipts;
        self.honest_guards_lost += other.honest_guards_lost;
        self.struck_destinations += other.struck_destinations;
        self.rested_hops += other.rested_hops;
        self.clock_error_ms_max = self.clock_error_ms_max.max(other.clock_error_ms_max);
        self.requests += other.requests;
        self.failed_requests += other.failed_requests;
        self.guards_drawn += other.guards_drawn;
        self.second_hops += other.second_hops;
        self.posts += other.posts;
        self.latencies.extend(&other.latencies);
    }

    /// The latency that so many of a hundred requests do not exceed, in milliseconds.
    fn latency(&self, percent: usize) -> u64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * percent / 100).copied().unwrap_or(0)
    }

    pub fn to_json(&self, plan: &Plan) -> String {
        let numbers = [
            ("nodes", plan.nodes as u64),
            ("days", plan.days),
            ("interval", plan.interval),
            ("clients", self.clients as u64),
            ("seed", plan.seed),
            ("seeds", plan.seeds),
            ("captured_paths", self.captured_paths as u64),
            ("captured_pools", self.captured_pools as u64),
            ("forged_receipts", self.forged_receipts as u64),
            ("honest_guards_lost", self.honest_guards_lost as u64),
            ("struck_destinations", self.struck_destinations as u64),
            ("rested_hops", self.rested_hops as u64),
            ("clock_error_ms_max", self.clock_error_ms_max),
            ("requests", self.requests as u64),
            ("failed_requests", self.failed_requests as u64),
            ("guards_drawn", self.guards_drawn as u64),
            ("second_hops", self.second_hops as u64),
            ("posts", self.posts as u64),
            ("median_ms", self.latency(50)),
            ("slowest_ms", self.latency(100)),
        ];
        let numbers = numbers.map(|(name, number)| format!("\"{name}\":{number}"));
        format!(
            "{{\"attack\":\"{}\",\"colluders\":{},\"dead\":{},{}}}",
            plan.attack.name(),
            plan.colluders,
            plan.dead,
            numbers.join(",")
        )
    }
}
