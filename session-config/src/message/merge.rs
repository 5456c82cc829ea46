//! Conflict resolution (protocol: config, section 6).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;

use session_crypto::Ed25519Secret;
use session_crypto::VerifyingKey;

use super::{Change, ConfigHash, Lag, Message, SeqnoError, Trust};
use crate::data::Dict;
use crate::diff::Diff;
use crate::limits::LAG;

/// A message that takes part in a merge, and its hash.
///
/// Every device and every merge identifies a message by the hash of its stored form.
pub(crate) struct Candidate {
    pub(crate) message: Message,
    pub(crate) hash: ConfigHash,
}

impl Candidate {
    /// Takes a message that was read from `plain`.
    pub(crate) fn received(message: Message, plain: &[u8]) -> Self {
        Self {
            hash: message.read_hash.unwrap_or_else(|| ConfigHash::of(plain)),
            message,
        }
    }

    /// Takes our own message as if it were stored now.
    pub(crate) fn own(message: &Message, signer: Option<&Ed25519Secret>) -> Self {
        Self {
            hash: ConfigHash::of(&message.encode(signer)),
            message: message.frozen(),
        }
    }

    const fn rank(&self) -> (i64, ConfigHash) {
        (self.message.seqno, self.hash)
    }
}

/// The result of conflict resolution.
pub(crate) enum Outcome {
    /// The candidate of this index, as it is.
    Unmerged(usize),
    /// A new message; its diff is empty.
    Merged(Message),
}

/// Resolves the conflicts between messages; at least one is needed.
///
/// The result depends on the order of the candidates only where two of them are the same bytes: then
/// the first one is chosen.
pub(crate) fn resolve(
    candidates: &[Candidate],
    is_read_only: bool,
) -> Result<Option<Outcome>, SeqnoError> {
    let Some(top) = candidates.iter().map(|one| one.message.seqno).max() else {
        return Ok(None);
    };
    let ancestors: BTreeSet<_> = candidates
        .iter()
        .flat_map(|one| one.message.lags.iter().map(|lag| (lag.seqno, lag.hash)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut kept: Vec<(usize, &Candidate)> = candidates
        .iter()
        .enumerate()
        .filter(|(_, one)| {
            let is_first = seen.insert(one.rank());
            let is_recent = top.saturating_sub(one.message.seqno) < LAG;
            is_first && is_recent && !ancestors.contains(&one.rank())
        })
        .collect();
    kept.sort_by_key(|(_, one)| Reverse(one.rank()));
    let Some((first, best)) = kept.first() else {
        return Ok(None);
    };
    if kept.len() == 1 || is_read_only {
        return Ok(Some(Outcome::Unmerged(*first)));
    }
    let seqno = top.checked_add(1).ok_or(SeqnoError)?;
    // A diff that several messages carry takes its values from the highest of them.
    let mut replay: BTreeMap<(i64, ConfigHash), (Diff, &Dict)> = BTreeMap::new();
    for (_, one) in &kept {
        let message = &one.message;
        replay
            .entry(one.rank())
            .or_insert_with(|| (message.diff(), &message.data));
        for lag in &message.lags {
            replay
                .entry((lag.seqno, lag.hash))
                .or_insert_with(|| (lag.diff.clone(), &message.data));
        }
    }
    let mut data = best.message.data.clone();
    let mut lags = Vec::with_capacity(replay.len());
    for ((seqno, hash), (diff, source)) in replay {
        diff.apply(&mut data, source);
        lags.push(Lag { seqno, hash, diff });
    }
    data.prune();
    Ok(Some(Outcome::Merged(Message {
        seqno,
        data,
        lags,
        change: Change::Fixed(Diff::empty()),
        unknown: Vec::new(),
        signature: None,
        read_hash: None,
    })))
}

/// The result of [`merge`].
#[derive(Debug, Clone)]
pub struct MergeResult {
    /// Indexes of the invalid plaintexts.
    pub refused: Vec<usize>,
    /// Index of the plaintext that is the result unchanged. `None` if the result is new.
    pub unmerged: Option<usize>,
    /// The result. If it is new, its diff is empty.
    pub message: Message,
}

/// Why a merge has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NothingToMerge {
    /// None of the plaintexts is a valid message.
    #[error("none of the messages is valid")]
    NoneValid,
    /// The seqno of the result would be too large.
    #[error(transparent)]
    Seqno(#[from] SeqnoError),
}

/// Merges plaintexts: the rules of section 6 alone, for tools and tests.
///
/// With a `verifier`, messages must be signed. With a `verifier` and without a `signer`, the greatest
/// message is the result, because a reader cannot sign a merge.
///
/// # Errors
///
/// [`NothingToMerge`] if no plaintext is valid.
///
/// ```
/// use session_config::message::{Message, merge};
///
/// let base = Message::start().incremented(None)?;
/// let plain = base.encode(None);
/// let result = merge(&[plain.as_slice()], None, None)?;
/// assert_eq!(result.unmerged, Some(0));
/// assert_eq!(result.message.seqno(), 1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn merge(
    plaintexts: &[&[u8]],
    verifier: Option<&VerifyingKey>,
    signer: Option<&Ed25519Secret>,
) -> Result<MergeResult, NothingToMerge> {
    let trust = verifier.map_or(Trust::Unsigned, Trust::Verify);
    let (mut refused, mut places, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
    for (index, plain) in plaintexts.iter().enumerate() {
        match Message::read(plain, trust) {
            Ok(message) => {
                places.push(index);
                candidates.push(Candidate::received(message, plain));
            }
            Err(_) => refused.push(index),
        }
    }
    let is_read_only = verifier.is_some() && signer.is_none();
    let (unmerged, message) = match resolve(&candidates, is_read_only)? {
        Some(Outcome::Merged(message)) => (None, message),
        Some(Outcome::Unmerged(index)) => {
            let chosen = candidates.into_iter().nth(index);
            let chosen = chosen.ok_or(NothingToMerge::NoneValid)?;
            (places.get(index).copied(), chosen.message)
        }
        None => return Err(NothingToMerge::NoneValid),
    };
    Ok(MergeResult {
        refused,
        unmerged,
        message,
    })
}
