//! Configs that arrive in parts (protocol: [config, section 9.4]).
//!
//! [config, section 9.4]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-9.4

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use session_crypto::Blake2b;
use session_types::UnixMillis;
use zeroize::Zeroizing;

use crate::limits::{FINISHED_MS, MAX_SETS, MAX_UNFINISHED, UNFINISHED_MS};
use crate::seal::{Packed, Part, SetHash};

/// A part that waits for the others.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) chunk: Arc<Zeroizing<Vec<u8>>>,
    /// The names it is stored under; the first is the one that came with it.
    pub(crate) names: BTreeSet<String>,
}

/// The known parts of a config.
#[derive(Clone)]
pub(crate) struct PartSet {
    /// How many parts there are; 0 if all were here and were merged.
    pub(crate) count: u8,
    pub(crate) expires: UnixMillis,
    pub(crate) parts: BTreeMap<u8, Held>,
}

impl PartSet {
    const fn is_finished(&self) -> bool {
        self.count == 0
    }
}

/// The result of adding a part.
pub(crate) enum Added {
    /// The part does not belong to its set.
    Refused,
    /// The part is kept, or was known before.
    Kept,
    /// The part was the last one: the config, and the names of all parts.
    Complete(Packed, BTreeSet<String>),
}

/// The sets of parts that a config knows.
#[derive(Clone, Default)]
pub(crate) struct PartSets(BTreeMap<SetHash, PartSet>);

impl PartSets {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SetHash, &PartSet)> {
        self.0.iter()
    }

    /// Takes a set from a dump, unless it has expired.
    pub(crate) fn restore(&mut self, hash: SetHash, set: PartSet, now: UnixMillis) {
        if set.expires > now {
            self.0.insert(hash, set);
            self.bound();
        }
    }

    pub(crate) fn drop_expired(&mut self, now: UnixMillis) {
        self.0.retain(|_, set| set.expires > now);
    }

    /// Remembers a complete set: one of ours, or one that was merged.
    pub(crate) fn finish(&mut self, hash: SetHash, now: UnixMillis) {
        self.0.insert(
            hash,
            PartSet {
                count: 0,
                expires: later(now, FINISHED_MS),
                parts: BTreeMap::new(),
            },
        );
        self.bound();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes that the sets take in a dump, at most.
    pub(crate) fn size(&self) -> usize {
        self.0.values().fold(0, |sum, set| {
            let parts = set.parts.values().fold(128_usize, |sum, held| {
                let names = held.names.iter().map(|name| name.len().saturating_add(8));
                let names = names.fold(64, usize::saturating_add);
                sum.saturating_add(held.chunk.len()).saturating_add(names)
            });
            sum.saturating_add(parts)
        })
    }

    /// The names of parts of unfinished sets: keep them alive.
    pub(crate) fn names(&self, now: UnixMillis) -> impl Iterator<Item = &String> {
        self.0
            .values()
            .filter(move |set| set.expires > now)
            .flat_map(|set| set.parts.values().flat_map(|held| held.names.iter()))
    }

    /// Adds a part.
    pub(crate) fn add(&mut self, part: Part, name: &str, now: UnixMillis) -> Added {
        let set = self.0.entry(part.set).or_insert_with(|| PartSet {
            count: part.count,
            expires: later(now, UNFINISHED_MS),
            parts: BTreeMap::new(),
        });
        if set.is_finished() {
            return Added::Kept;
        }
        if set.count != part.count {
            return Added::Refused;
        }
        if let Some(held) = set.parts.get_mut(&part.index) {
            held.names.insert(name.into());
            return Added::Kept;
        }
        let is_last = set.parts.len().saturating_add(1) == usize::from(set.count);
        if is_last {
            let Some(packed) = assemble(set, &part) else {
                return Added::Refused;
            };
            let mut names: BTreeSet<String> = set
                .parts
                .values()
                .flat_map(|held| held.names.iter().cloned())
                .collect();
            names.insert(name.into());
            self.finish(part.set, now);
            return Added::Complete(packed, names);
        }
        set.expires = later(now, UNFINISHED_MS);
        set.parts.insert(
            part.index,
            Held {
                chunk: Arc::new(part.chunk),
                names: [name.into()].into(),
            },
        );
        self.bound();
        Added::Kept
    }

    /// Drops what expires first, until the limits hold.
    fn bound(&mut self) {
        loop {
            let (mut bytes, mut finished, mut unfinished) = (0_usize, 0_usize, 0_usize);
            for set in self.0.values() {
                if set.is_finished() {
                    finished = finished.saturating_add(1);
                } else {
                    unfinished = unfinished.saturating_add(1);
                    let chunks = set.parts.values().map(|held| held.chunk.len());
                    bytes = bytes.saturating_add(chunks.sum());
                }
            }
            let too_many = unfinished > MAX_SETS || bytes > MAX_UNFINISHED;
            if !too_many && finished <= MAX_SETS {
                return;
            }
            let candidates = self.0.iter();
            let oldest = candidates
                .filter(|(_, set)| set.is_finished() != too_many)
                .min_by_key(|(_, set)| set.expires)
                .map(|(hash, _)| *hash);
            match oldest {
                Some(hash) => drop(self.0.remove(&hash)),
                None => return,
            }
        }
    }
}

fn later(now: UnixMillis, millis: u64) -> UnixMillis {
    UnixMillis::new(now.get().saturating_add(millis))
}

/// Returns the whole config of a set and its last part. `None` if the hash is different.
fn assemble(set: &PartSet, last: &Part) -> Option<Packed> {
    let length = set
        .parts
        .values()
        .map(|held| held.chunk.len())
        .sum::<usize>();
    let mut padded = Zeroizing::new(Vec::with_capacity(length.saturating_add(last.chunk.len())));
    for index in 0..set.count {
        let chunk = match set.parts.get(&index) {
            Some(held) => held.chunk.as_slice(),
            None if index == last.index => last.chunk.as_slice(),
            None => return None,
        };
        padded.extend_from_slice(chunk);
    }
    if Blake2b::<32>::new().chain(&padded).finalize() != last.set {
        return None;
    }
    Packed::read(padded)
}
