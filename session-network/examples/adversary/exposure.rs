//! The probability that a client is captured by colluders that only watch.
//!
//! Colluders that only watch change nothing. So what a client does is the same whoever colludes, and
//! one run says for every set of colluders whether it would have captured the client. The share of
//! such sets is known far more exactly than by counting clients.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::Ed25519Public;

use crate::world::World;

/// Sets of colluders that are drawn for each client.
const DRAWS: usize = 400;

/// The paths of a client, as numbers of nodes.
#[derive(Debug, Clone, Default)]
pub struct Exposure {
    /// Last hops by the hops before them.
    paths: BTreeMap<Vec<usize>, BTreeSet<usize>>,
}

impl Exposure {
    /// Takes a path.
    pub fn add(&mut self, world: &World, hops: &[Ed25519Public]) {
        let hops: Option<Vec<usize>> = hops.iter().map(|hop| world.number(hop)).collect();
        let Some(mut first) = hops else { return };
        if let Some(last) = first.pop() {
            self.paths.entry(first).or_default().insert(last);
        }
    }

    /// The share of all sets of so many colluders that have a path to themselves. Nodes that are
    /// down or leave do not collude.
    pub fn captured(&self, world: &World, colluders: usize, seed: u64) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut nodes = world.possible_colluders();
        let mut is_ours = vec![false; nodes.iter().max().map_or(0, |most| most + 1)];
        let ours = |is_ours: &[bool], number: &usize| is_ours.get(*number).copied() == Some(true);
        let mut captured = 0;
        for _ in 0..DRAWS {
            is_ours.fill(false);
            for drawn in 0..colluders.min(nodes.len()) {
                let other = drawn + rng.next_u64() as usize % (nodes.len() - drawn);
                nodes.swap(drawn, other);
                is_ours[nodes[drawn]] = true;
            }
            let is_captured = self.paths.iter().any(|(first, last)| {
                first.iter().all(|number| ours(&is_ours, number))
                    && last.iter().any(|number| ours(&is_ours, number))
            });
            captured += usize::from(is_captured);
        }
        captured as f64 / DRAWS as f64
    }
}
