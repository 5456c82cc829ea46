//! The answers of recursive methods: one signed entry for each member of the swarm (protocol:
//! storage-rpc, section 6).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use session_crypto::Ed25519Secret;
use session_types::{Ed25519Public, Ed25519Signature, MessageHash, UnixMillis, base64, hex};

use crate::answer::{AnswerError, Stamp, field};
use crate::value::{Dict, Value};
use crate::{Call, Encoding};

/// Most entries that are read; a swarm has about seven members.
pub const MAX_ENTRIES: usize = 1_000;

/// A method whose request goes to all members of the swarm.
pub trait SwarmCall: Call<Answer = SwarmAnswer<Self::Entry>> {
    /// What each member did.
    type Entry: SwarmEntry;

    /// The bytes that a member signs after it has done `entry`.
    fn node_message(&self, entry: &Self::Entry) -> Vec<u8>;

    /// Whether `entry` can be the result of this request at all. The signature of a member proves
    /// only who answered.
    fn fits(&self, _entry: &Self::Entry) -> bool {
        true
    }

    /// Signs what this member did.
    fn sign_entry(&self, node: &Ed25519Secret, entry: Self::Entry) -> Signed<Self::Entry> {
        Signed {
            signature: node.sign(&self.node_message(&entry)),
            entry,
            t: None,
        }
    }
}

/// What a member did, without its signature.
pub trait SwarmEntry: Clone + core::fmt::Debug {
    /// Writes the fields. `own`: by the node that was asked, whose truth values are `true`; those
    /// of its peers are 1.
    fn write(&self, own: bool, out: &mut Dict);

    /// Reads the fields.
    fn read(entry: &Value) -> Option<Self>;
}

/// What a member did, with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<E> {
    /// What it did.
    pub entry: E,
    /// Its signature.
    pub signature: Ed25519Signature,
    /// The clock that only the asked node puts into its own entry of a `store`, if any.
    pub t: Option<UnixMillis>,
}

/// Why a member did nothing, as the asked node reports it. Not signed by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// It did not answer in time.
    pub timeout: bool,
    /// It answered with this status, a decimal number.
    pub code: Option<String>,
    /// The text of its answer.
    pub reason: Option<String>,
    /// Its answer could not be read.
    pub bad_peer_response: bool,
    /// Its storage failed.
    pub query_failure: bool,
    /// The clock that only the asked node puts into its own entry of a `store`, if any.
    pub t: Option<UnixMillis>,
}

/// One entry of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<E> {
    /// The member did it.
    Done(Signed<E>),
    /// The member did not do it.
    Failed(Failure),
}

impl<E: SwarmEntry> Entry<E> {
    /// The dictionary of the entry; alone it is what one node answers to another that forwarded a
    /// request to it.
    #[must_use]
    pub fn to_value(&self, own: bool) -> Value {
        let mut out = Dict::new();
        let flag = |value: bool| {
            if own {
                Value::Bool(value)
            } else {
                Value::Uint(value.into())
            }
        };
        let t = match self {
            Self::Done(done) => {
                done.entry.write(own, &mut out);
                let signature = Value::Bytes(done.signature.as_bytes().to_vec());
                out.insert("signature".into(), signature);
                done.t
            }
            Self::Failed(failure) => {
                // What a peer reports of itself is copied; the rest is said by the asked node.
                let said = |value: bool| {
                    if failure.query_failure {
                        flag(value)
                    } else {
                        value.into()
                    }
                };
                out.insert("failed".into(), said(true));
                for (name, is_set) in [
                    ("timeout", failure.timeout),
                    ("bad_peer_response", failure.bad_peer_response),
                    ("query_failure", failure.query_failure),
                ] {
                    if is_set {
                        out.insert(name.into(), said(true));
                    }
                }
                for (name, text) in [("code", &failure.code), ("reason", &failure.reason)] {
                    if let Some(text) = text {
                        out.insert(name.into(), Value::Text(text.clone()));
                    }
                }
                failure.t
            }
        };
        if let Some(t) = t {
            out.insert("t".into(), t.get().into());
        }
        Value::Dict(out)
    }

    /// Reads an entry.
    #[must_use]
    pub fn from_value(entry: &Value) -> Option<Self> {
        let flag = |name| entry.get(name).and_then(Value::as_bool).unwrap_or(false);
        let text = |name| {
            entry
                .get(name)
                .and_then(Value::as_text)
                .map(ToString::to_string)
        };
        let t = entry.get("t").and_then(Value::as_time);
        if flag("failed") {
            return Some(Self::Failed(Failure {
                timeout: flag("timeout"),
                code: text("code"),
                reason: text("reason"),
                bad_peer_response: flag("bad_peer_response"),
                query_failure: flag("query_failure"),
                t,
            }));
        }
        let signature = read_signature(entry.get("signature")?)?;
        let entry = E::read(entry)?;
        Some(Self::Done(Signed {
            entry,
            signature,
            t,
        }))
    }
}

fn read_signature(value: &Value) -> Option<Ed25519Signature> {
    let bytes = match value {
        Value::Text(text) => base64::decode_array_lenient(text)?,
        Value::Bytes(bytes) => bytes.as_slice().try_into().ok()?,
        _ => return None,
    };
    Some(Ed25519Signature::from_bytes(bytes))
}

/// The answer to a recursive request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwarmAnswer<E> {
    /// The entry of each member, by its Ed25519 key.
    pub entries: BTreeMap<Ed25519Public, Entry<E>>,
    /// Entries that could not be read.
    pub malformed: usize,
    /// The hash that a node which stored a message itself also puts here.
    pub hash: Option<MessageHash>,
    /// Clock and version of the asked node.
    pub stamp: Stamp,
}

impl<E: SwarmEntry> SwarmAnswer<E> {
    /// Starts the answer of the asked node.
    #[must_use]
    pub const fn new(stamp: Stamp) -> Self {
        Self {
            entries: BTreeMap::new(),
            malformed: 0,
            hash: None,
            stamp,
        }
    }

    /// The body of the answer, as the node with the key `own` writes it.
    #[must_use]
    pub fn to_value(&self, own: &Ed25519Public) -> Value {
        let entries = self.entries.iter().map(|(node, entry)| {
            let key = hex::encode(node.as_bytes());
            (key, entry.to_value(node == own))
        });
        let mut out = Dict::new();
        out.insert("swarm".into(), Value::Dict(entries.collect()));
        if let Some(hash) = self.hash {
            out.insert("hash".into(), hash.as_str().into());
        }
        self.stamp.write(&mut out);
        Value::Dict(out)
    }

    /// Reads the body of an answer.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if it is another kind of answer. Single entries that cannot be read are
    /// counted and left out.
    pub fn from_value(body: &Value) -> Result<Self, AnswerError> {
        let swarm = field(body, "swarm")?.as_dict();
        let swarm = swarm.ok_or(AnswerError::Field("swarm"))?;
        if swarm.len() > MAX_ENTRIES {
            return Err(AnswerError::TooLong(MAX_ENTRIES));
        }
        let mut answer = Self::new(Stamp::read(body)?);
        for (key, entry) in swarm {
            match (hex::decode(key), Entry::from_value(entry)) {
                (Some(key), Some(entry)) => {
                    answer.entries.insert(Ed25519Public::from_bytes(key), entry);
                }
                _ => answer.malformed = answer.malformed.saturating_add(1),
            }
        }
        let hash = body.get("hash").and_then(Value::as_text);
        answer.hash = hash.and_then(|hash| hash.parse().ok());
        Ok(answer)
    }

    /// Sorts the entries by what they are worth. `is_member` says which nodes belong to the swarm
    /// that was asked; entries of others are not looked at.
    pub fn verify<C: SwarmCall<Entry = E>>(
        self,
        request: &C,
        is_member: impl Fn(&Ed25519Public) -> bool,
    ) -> Verified<E> {
        let mut verified = Verified::default();
        for (node, entry) in self.entries {
            if !is_member(&node) {
                verified.strangers.push(node);
                continue;
            }
            match entry {
                Entry::Failed(failure) => verified.failed.push((node, failure)),
                Entry::Done(done) => {
                    let message = request.node_message(&done.entry);
                    let is_good =
                        request.fits(&done.entry) && node.verify(&message, &done.signature).is_ok();
                    if is_good {
                        verified.done.push((node, done.entry));
                    } else {
                        verified.forged.push(node);
                    }
                }
            }
        }
        verified
    }
}

/// The entries of an answer, sorted by what they are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<E> {
    /// Members that did it, as their signatures prove.
    pub done: Vec<(Ed25519Public, E)>,
    /// Members that did not do it, as the asked node says.
    pub failed: Vec<(Ed25519Public, Failure)>,
    /// Members whose signature or content does not fit the request.
    pub forged: Vec<Ed25519Public>,
    /// Nodes that are no members.
    pub strangers: Vec<Ed25519Public>,
}

impl<E> Verified<E> {
    /// Whether at least one member provably did it.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        !self.done.is_empty()
    }
}

impl<E> Default for Verified<E> {
    fn default() -> Self {
        Self {
            done: Vec::new(),
            failed: Vec::new(),
            forged: Vec::new(),
            strangers: Vec::new(),
        }
    }
}

/// The messages that `delete_all`, `delete_before` or `expire_all` changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Affected {
    /// Of the one namespace of the request; sorted.
    One(Vec<MessageHash>),
    /// Of all namespaces that had some; each list sorted.
    All(BTreeMap<i16, Vec<MessageHash>>),
}

impl Affected {
    /// All hashes in one sorted order, as they are signed.
    #[must_use]
    pub fn sorted(&self) -> Vec<MessageHash> {
        let mut hashes: Vec<MessageHash> = match self {
            Self::One(hashes) => hashes.clone(),
            Self::All(spaces) => spaces.values().flatten().copied().collect(),
        };
        hashes.sort_unstable();
        hashes
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Self::One(hashes) => hash_list(hashes),
            Self::All(spaces) => {
                let spaces = spaces.iter();
                let entries = spaces.map(|(n, hashes)| (n.to_string(), hash_list(hashes)));
                Value::Dict(entries.collect())
            }
        }
    }

    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let Value::Dict(spaces) = value else {
            return read_hashes(value).map(Self::One);
        };
        let spaces = spaces
            .iter()
            .map(|(number, hashes)| Some((number.parse().ok()?, read_hashes(hashes)?)));
        spaces.collect::<Option<_>>().map(Self::All)
    }
}

pub(crate) fn hash_list(hashes: &[MessageHash]) -> Value {
    Value::List(hashes.iter().map(|hash| hash.as_str().into()).collect())
}

pub(crate) fn read_hashes(value: &Value) -> Option<Vec<MessageHash>> {
    let hashes = value.as_list()?.iter();
    hashes.map(|hash| hash.as_text()?.parse().ok()).collect()
}

/// The parts of a message one after the other.
pub(crate) fn concat<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut message = Vec::new();
    for part in parts {
        message.extend_from_slice(part);
    }
    message
}

/// `head`, then the hashes.
pub(crate) fn with_hashes(head: &str, lists: &[&[MessageHash]]) -> Vec<u8> {
    let hashes = lists.iter().copied().flatten();
    concat(core::iter::once(head.as_bytes()).chain(hashes.map(|hash| &hash.as_bytes()[..])))
}

/// The body of an entry that one node sends another that forwarded a request to it.
#[must_use]
pub fn peer_body<E: SwarmEntry>(entry: &Entry<E>, encoding: Encoding) -> Vec<u8> {
    let value = entry.to_value(true);
    match encoding {
        Encoding::Json => value.to_json(),
        Encoding::Bencode => value.to_bencode(),
    }
}
