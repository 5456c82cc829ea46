//! Who talked to whom, for the status page.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// How many hops are remembered.
const MAX_HOPS: usize = 500;

/// One step of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hop {
    /// Number of the step.
    pub seq: u64,
    /// The Ed25519 key of the node that it came from, in hex; a client has none.
    pub from: Option<String>,
    /// The Ed25519 key of the node that it went to, in hex.
    pub to: String,
    /// Kind of the request.
    pub kind: &'static str,
}

/// The last steps.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<(u64, VecDeque<Hop>)>);

impl Traffic {
    /// Notes a step.
    pub fn note(&self, from: Option<String>, to: String, kind: &'static str) {
        let (seq, hops) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *seq += 1;
        hops.push_back(Hop {
            seq: *seq,
            from,
            to,
            kind,
        });
        if hops.len() > MAX_HOPS {
            hops.pop_front();
        }
    }

    /// The number of the last step, and the remembered steps after number `since`.
    pub fn since(&self, since: u64) -> (u64, Vec<Hop>) {
        let (seq, hops) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (
            *seq,
            hops.iter().filter(|hop| hop.seq > since).cloned().collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_steps_are_kept() {
        let traffic = Traffic::default();
        assert_eq!(traffic.since(0), (0, vec![]));
        for _ in 0..MAX_HOPS + 2 {
            traffic.note(None, "a".into(), "onion");
        }
        let (seq, hops) = traffic.since(0);
        assert_eq!((seq, hops.len()), (MAX_HOPS as u64 + 2, MAX_HOPS));
        assert_eq!(traffic.since(seq - 1).1.len(), 1);
    }
}
