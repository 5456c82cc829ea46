//! Attacks and options of a run.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attack {
    None,
    BurnGuard,
    SteerPath,
    DropSilently,
    StrikeDestination,
    ForgeReceipts,
    ShrinkList,
    Clock,
    All,
}

impl Attack {
    pub const NAMES: [(&'static str, Self); 9] = [
        ("none", Self::None),
        ("burn-guard", Self::BurnGuard),
        ("steer-path", Self::SteerPath),
        ("drop-silently", Self::DropSilently),
        ("strike-destination", Self::StrikeDestination),
        ("forge-receipts", Self::ForgeReceipts),
        ("shrink-list", Self::ShrinkList),
        ("clock", Self::Clock),
        ("all", Self::All),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        let known = Self::NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, attack)| *attack)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, attack)| *attack == self)
            .unwrap()
            .0
    }

    /// Whether this attack is a part of what goes on.
    pub fn has(self, part: Self) -> bool {
        self == part || self == Self::All
    }
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub attack: Attack,
    pub colluders: f64,
    /// Share of nodes that are in the list and down.
    pub dead: f64,
    pub nodes: usize,
    pub days: u64,
    pub clients: usize,
    /// Seconds between two requests of a client.
    pub interval: u64,
    pub seed: u64,
    /// Networks, each with its own seed and as many clients.
    pub seeds: u64,
    /// Networks that run at the same time.
    pub threads: usize,
    /// Whether attacks are held against the bars: all of them with all shares of colluders, or the
    /// one and the share that were given.
    pub bars: bool,
    pub only_attack: bool,
    pub only_share: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            attack: Attack::None,
            colluders: 0.09,
            dead: 0.1,
            nodes: 600,
            days: 10,
            clients: 20,
            interval: 600,
            seed: 1,
            seeds: 1,
            threads: 1,
            bars: false,
            only_attack: false,
            only_share: false,
        }
    }
}

impl Plan {
    /// The number of nodes that collude.
    pub fn count_colluders(&self) -> usize {
        (self.nodes as f64 * self.colluders).round() as usize
    }

    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut plan = Self::default();
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            if name == "--bars" {
                plan.bars = true;
                continue;
            }
            let value = arguments.next()?;
            match name.as_str() {
                "--attack" => {
                    plan.attack = Attack::parse(&value)?;
                    plan.only_attack = true;
                }
                "--colluders" => {
                    plan.colluders = value.parse().ok()?;
                    plan.only_share = true;
                }
                "--dead" => plan.dead = value.parse().ok()?,
                "--nodes" => plan.nodes = value.parse().ok()?,
                "--days" => plan.days = value.parse().ok()?,
                "--clients" => plan.clients = value.parse().ok()?,
                "--interval" => plan.interval = value.parse().ok()?,
                "--seed" => plan.seed = value.parse().ok()?,
                "--seeds" => plan.seeds = value.parse().ok()?,
                "--threads" => plan.threads = value.parse().ok()?,
                _ => return None,
            }
        }
        let is_share = |share: f64| (0.0..=0.5).contains(&share);
        let fits = is_share(plan.colluders) && is_share(plan.dead) && plan.nodes >= 40;
        let runs = plan.clients > 0 && plan.interval > 0 && plan.seeds > 0 && plan.threads > 0;
        (fits && runs).then_some(plan)
    }
}
