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

/// Maximum number of entries in an answer; a swarm has about seven members.
pub const MAX_ENTRIES: usize = 1_000;

/// A method that all members of the swarm serve.
pub trait SwarmCall: Call<Answer = SwarmAnswer<Self::Entry>> {
    /// The entry of each member.
    type Entry: SwarmEntry;

    /// Returns the bytes that a member signs for `entry`.
    fn node_message(&self, entry: &Self::Entry) -> Vec<u8>;

    /// Returns whether `entry` can be a result of this request. The signature of a member proves
    /// only the identity of the member.
    fn fits(&self, _entry: &Self::Entry) -> bool {
        true
    }

    /// Signs the entry of this member.
    fn sign_entry(&self, node: &Ed25519Secret, entry: Self::Entry) -> Signed<Self::Entry> {
        Signed {
            signature: node.sign(&self.node_message(&entry)),
            entry,
            t: None,
        }
    }
}

/// The entry of a member, without its signature.
pub trait SwarmEntry: Clone + core::fmt::Debug {
    /// Encodes the fields. `own` marks the entry of the asked node: its truth values are `true`,
    /// those of other members are 1.
    fn write(&self, own: bool, out: &mut Dict);

    /// Parses the fields.
    fn read(entry: &Value) -> Option<Self>;
}

/// The entry of a member, with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<E> {
    /// The entry.
    pub entry: E,
    /// The signature of the member.
    pub signature: Ed25519Signature,
    /// The clock of the asked node, which it adds to its own entry of a `store`.
    pub t: Option<UnixMillis>,
}

/// The failure of a member, as the asked node reports it. Not signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Whether the member did not answer in time.
    pub timeout: bool,
    /// The status of the member's answer, a decimal number.
    pub code: Option<String>,
    /// The text of the member's answer.
    pub reason: Option<String>,
    /// Whether the member's answer was malformed.
    pub bad_peer_response: bool,
    /// Whether the member's storage failed.
    pub query_failure: bool,
    /// The clock of the asked node, which it adds to its own entry of a `store`.
    pub t: Option<UnixMillis>,
}

/// One entry of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry<E> {
    /// The member served the request.
    Done(Signed<E>),
    /// The member did not serve the request.
    Failed(Failure),
}

impl<E: SwarmEntry> Entry<E> {
    /// Returns the dictionary of the entry. Alone it is the answer of a node to another one that
    /// forwarded the request.
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

    /// Parses an entry.
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
    /// Number of malformed entries, which are left out.
    pub malformed: usize,
    /// The hash of the message. A node adds it if it stored the message itself.
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

    /// Returns the body of the answer of the node with the key `own`.
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

    /// Parses the body of an answer.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the body is not such an answer. Malformed entries are counted and left
    /// out.
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

    /// Verifies the entries and sorts them by outcome. `is_member` returns whether a node belongs
    /// to the asked swarm; entries of other nodes are not verified.
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

/// The entries of an answer, sorted by outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<E> {
    /// Members that served the request, proved by their signatures.
    pub done: Vec<(Ed25519Public, E)>,
    /// Members that failed, according to the asked node.
    pub failed: Vec<(Ed25519Public, Failure)>,
    /// Members whose signature or entry does not fit the request.
    pub forged: Vec<Ed25519Public>,
    /// Nodes outside the swarm.
    pub strangers: Vec<Ed25519Public>,
}

impl<E> Verified<E> {
    /// Returns whether at least one member provably served the request.
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
    /// Hashes of the one namespace of the request, sorted.
    One(Vec<MessageHash>),
    /// Hashes by namespace, each list sorted. Namespaces without any are absent.
    All(BTreeMap<i16, Vec<MessageHash>>),
}

impl Affected {
    /// Returns all hashes in one sorted list, as signatures cover them.
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

/// Concatenates the parts of a message.
pub(crate) fn concat<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut message = Vec::new();
    for part in parts {
        message.extend_from_slice(part);
    }
    message
}

/// Returns `head` followed by the hashes.
pub(crate) fn with_hashes(head: &str, lists: &[&[MessageHash]]) -> Vec<u8> {
    let hashes = lists.iter().copied().flatten();
    concat(core::iter::once(head.as_bytes()).chain(hashes.map(|hash| &hash.as_bytes()[..])))
}

/// Encodes the entry that a node answers to another one that forwarded the request.
#[must_use]
pub fn peer_body<E: SwarmEntry>(entry: &Entry<E>, encoding: Encoding) -> Vec<u8> {
    let value = entry.to_value(true);
    match encoding {
        Encoding::Json => value.to_json(),
        Encoding::Bencode => value.to_bencode(),
    }
}
