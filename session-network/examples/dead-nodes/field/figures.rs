//! How long it took.

/// What sends and receives came to. Times are milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Each send that succeeded: how long it took beyond what the storing node waited itself.
    pub sends: Vec<Option<u64>>,
    /// Each receive.
    pub receives: Vec<Option<u64>>,
    /// Attempts of each send that passed dead nodes.
    pub through_dead: Vec<usize>,
    pub receives_through_dead: usize,
    /// Sends before nodes died.
    pub killed_at: usize,
    pub posts: usize,
}

/// How long a storing node waits for a dead member of its swarm.
const MEMBER: u64 = 5_000;

impl Figures {
    pub fn sent(&mut self, took: u64, waits: bool, is_ok: bool, dead: usize) {
        let took = if waits {
            took.saturating_sub(MEMBER)
        } else {
            took
        };
        self.sends.push(is_ok.then_some(took));
        self.through_dead.push(dead);
    }

    pub fn received(&mut self, took: u64, is_ok: bool, dead: usize) {
        self.receives.push(is_ok.then_some(took));
        self.receives_through_dead += dead;
    }

    /// Adds those of another client.
    pub fn add(&mut self, other: &Self) {
        self.sends.extend(&other.sends);
        self.receives.extend(&other.receives);
        self.through_dead.extend(&other.through_dead);
        self.receives_through_dead += other.receives_through_dead;
        self.posts += other.posts;
    }

    /// Attempts that passed dead nodes, of the first sends after nodes died and of all later ones.
    pub fn dead_passed(&self, first: usize) -> [usize; 2] {
        let after = self.through_dead.iter().skip(self.killed_at);
        let early = after.clone().take(first).sum();
        [early, after.skip(first).sum()]
    }
}

/// Those that succeeded, sorted.
fn sorted(times: &[Option<u64>]) -> Vec<u64> {
    let mut times: Vec<u64> = times.iter().copied().flatten().collect();
    times.sort_unstable();
    times
}

pub fn succeeded(times: &[Option<u64>]) -> usize {
    times.iter().flatten().count()
}

pub fn percentile(times: &[Option<u64>], percent: usize) -> u64 {
    let times = sorted(times);
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).copied().unwrap_or(0)
}

pub fn slowest(times: &[Option<u64>]) -> u64 {
    sorted(times).last().copied().unwrap_or(0)
}
