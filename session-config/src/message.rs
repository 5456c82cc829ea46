//! Config messages, before compression and encryption.
//!
//! ```text
//! #   seqno
//! &   data
//! <   the messages this one descends from: [seqno, hash, diff] …
//! =   diff of this message
//! ~   signature, in group configs
//! ```
//!
//! Protocol: [config, sections 3 and 5].
//!
//! [config, sections 3 and 5]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-3

mod merge;
mod read;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::{Blake2b, Ed25519Secret};
use zeroize::Zeroizing;

use crate::data::{Dict, put_bytes, put_int};
use crate::diff::Diff;
use crate::limits::LAG;

pub(crate) use merge::{Candidate, Outcome, resolve};
pub use merge::{MergeResult, NothingToMerge, merge};
pub use read::{MessageError, Trust};

/// The hash of a config message: BLAKE2b-256 of its plaintext.
///
/// Messages name their ancestors by it, and the greater one wins a conflict. It is not the name under
/// which a message is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigHash([u8; 32]);

impl ConfigHash {
    /// Returns the hash of a plaintext.
    #[must_use]
    pub fn of(plain: &[u8]) -> Self {
        Self(Blake2b::<32>::new().chain(plain).finalize())
    }

    /// Takes the bytes as a hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ConfigHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfigHash(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A seqno that cannot be followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("seqno of the config is the greatest there is")]
pub struct SeqnoError;

/// A message that this one descends from.
#[derive(Clone)]
struct Lag {
    seqno: i64,
    hash: ConfigHash,
    diff: Diff,
}

/// Where the diff of a message comes from.
#[derive(Clone)]
enum Change {
    /// Read, or the result of a merge.
    Fixed(Diff),
    /// The difference to these data.
    Since(Dict),
}

/// A key that this version does not know, and its encoded value.
#[derive(Clone)]
struct Unknown {
    key: Box<[u8]>,
    value: Box<[u8]>,
}

/// A config message.
#[derive(Clone)]
pub struct Message {
    seqno: i64,
    data: Dict,
    lags: Vec<Lag>,
    change: Change,
    unknown: Vec<Unknown>,
    /// Of a message that was read: its signature, if it was verified or is our own dump's.
    signature: Option<[u8; 64]>,
    /// Of a message that was read: the hash of its bytes.
    read_hash: Option<ConfigHash>,
}

impl Message {
    /// Returns the empty message that every config starts from (protocol: config, section 5.2).
    #[must_use]
    pub fn start() -> Self {
        let mut message = Self {
            seqno: 0,
            data: Dict::default(),
            lags: Vec::new(),
            change: Change::Fixed(Diff::empty()),
            unknown: Vec::new(),
            signature: None,
            read_hash: None,
        };
        // It is never signed: all configs start with the same hash.
        message.read_hash = Some(ConfigHash::of(&message.encode(None)));
        message
    }

    /// Returns the seqno.
    #[must_use]
    pub const fn seqno(&self) -> i64 {
        self.seqno
    }

    /// Returns the data.
    #[must_use]
    pub const fn data(&self) -> &Dict {
        &self.data
    }

    /// Returns the data for changing them. Only for a message that we write: see
    /// [`incremented`](Self::incremented).
    pub(crate) const fn data_mut(&mut self) -> &mut Dict {
        &mut self.data
    }

    pub(crate) fn diff(&self) -> Diff {
        match &self.change {
            Change::Fixed(diff) => diff.clone(),
            Change::Since(old) => Diff::between(old, &self.data),
        }
    }

    /// Whether this is the start message, which is never signed.
    fn is_start(&self) -> bool {
        self.seqno == 0 && self.read_hash.is_some() && self.signature.is_none()
    }

    /// Returns the hash by which a message that descends from this one names it.
    #[must_use]
    pub fn hash(&self, signer: Option<&Ed25519Secret>) -> ConfigHash {
        self.read_hash
            .unwrap_or_else(|| ConfigHash::of(&self.encode(signer)))
    }

    /// Returns the next message, to be changed (protocol: config, section 5.3).
    ///
    /// # Errors
    ///
    /// [`SeqnoError`] if the seqno is the greatest one.
    pub fn incremented(&self, signer: Option<&Ed25519Secret>) -> Result<Self, SeqnoError> {
        let seqno = self.seqno.checked_add(1).ok_or(SeqnoError)?;
        let window = self.seqno.saturating_sub(LAG);
        let known = |lag: &&Lag| lag.seqno > window && lag.seqno < self.seqno;
        let mut lags: Vec<Lag> = self.lags.iter().filter(known).cloned().collect();
        lags.push(Lag {
            seqno: self.seqno,
            hash: self.hash(signer),
            diff: self.diff(),
        });
        Ok(Self {
            seqno,
            data: self.data.clone(),
            lags,
            change: Change::Since(self.data.clone()),
            unknown: self.unknown.clone(),
            signature: None,
            read_hash: None,
        })
    }

    /// Returns a copy with its diff fixed, without ancestors that are not written.
    fn frozen(&self) -> Self {
        let window = self.seqno.saturating_sub(LAG);
        let mut message = self.clone();
        message.change = Change::Fixed(self.diff());
        message
            .lags
            .retain(|lag| lag.seqno > window && lag.seqno < self.seqno);
        message
    }

    /// Lets the diff mark all data as assigned, as deployed clients do after some merges (protocol:
    /// config, section 6.1).
    pub fn mark_all(&mut self) {
        self.change = Change::Since(Dict::default());
    }

    /// Keeps the diff as it is now. Only for a message whose data do not change any more.
    pub(crate) fn fix(&mut self, diff: Diff) {
        self.change = Change::Fixed(diff);
    }

    /// Lets the diff begin at the data as they are.
    pub(crate) fn mark_none(&mut self) {
        self.change = Change::Since(self.data.clone());
    }

    /// Encodes the message (protocol: config, section 5.4).
    ///
    /// A signature that was read and still holds is written again; else `signer` signs.
    #[must_use]
    pub fn encode(&self, signer: Option<&Ed25519Secret>) -> Zeroizing<Vec<u8>> {
        self.encode_with(&self.diff(), signer)
    }

    /// As [`encode`](Self::encode); `diff` is that of the message.
    pub(crate) fn encode_with(
        &self,
        diff: &Diff,
        signer: Option<&Ed25519Secret>,
    ) -> Zeroizing<Vec<u8>> {
        let window = self.seqno.saturating_sub(LAG);
        let lags = || {
            self.lags
                .iter()
                .filter(|lag| lag.seqno > window && lag.seqno < self.seqno)
        };
        // All at once: a buffer that grows would leave copies behind that nobody zeroizes.
        let unknown = self.unknown.iter().fold(0_usize, |sum, unknown| {
            let lengths = unknown.key.len().saturating_add(unknown.value.len());
            sum.saturating_add(lengths).saturating_add(24)
        });
        let capacity = lags()
            .fold(unknown, |sum, lag| {
                sum.saturating_add(lag.diff.as_slice().len())
                    .saturating_add(72)
            })
            .saturating_add(diff.as_slice().len())
            .saturating_add(self.data.encoded_len())
            .saturating_add(160);
        let mut out = Zeroizing::new(Vec::with_capacity(capacity));
        out.push(b'd');
        put_bytes(&mut out, b"#");
        put_int(&mut out, self.seqno);
        let mut unknown = self.unknown.iter().peekable();
        let mut put_unknown = |out: &mut Vec<u8>, before: &[u8]| {
            while let Some(unknown) = unknown.next_if(|unknown| *unknown.key < *before) {
                put_bytes(out, &unknown.key);
                out.extend_from_slice(&unknown.value);
            }
        };
        put_unknown(&mut out, b"&");
        put_bytes(&mut out, b"&");
        self.data.encode_to(&mut out);
        put_unknown(&mut out, b"<");
        put_bytes(&mut out, b"<");
        out.push(b'l');
        for lag in lags() {
            out.push(b'l');
            put_int(&mut out, lag.seqno);
            put_bytes(&mut out, lag.hash.as_bytes());
            out.extend_from_slice(lag.diff.as_slice());
            out.push(b'e');
        }
        out.push(b'e');
        put_unknown(&mut out, b"=");
        put_bytes(&mut out, b"=");
        out.extend_from_slice(diff.as_slice());
        put_unknown(&mut out, b"~");
        let signer = signer.filter(|_| !self.is_start());
        let signature = self
            .signature
            .or_else(|| signer.map(|signer| signer.sign(&out).to_bytes()));
        if let Some(signature) = signature {
            put_bytes(&mut out, b"~");
            put_bytes(&mut out, &signature);
        }
        out.push(b'e');
        out
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("seqno", &self.seqno)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
