//! `expire` (protocol: storage-rpc, section 5.7).

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Write;

use session_identity::subaccount::Permissions;
use session_types::limits::TTL_MAX;
use session_types::{AnyId, MessageHash, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer};
use crate::delete::some_hashes;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{
    SwarmAnswer, SwarmCall, SwarmEntry, hash_list, read_hashes, with_hashes,
};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// The expiries that a request changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpireDirection {
    /// All expiries.
    #[default]
    Both,
    /// Only expiries that become earlier.
    Shorten,
    /// Only expiries that become later.
    Extend,
}

impl ExpireDirection {
    const fn name(self) -> &'static str {
        match self {
            Self::Both => "",
            Self::Shorten => "shorten",
            Self::Extend => "extend",
        }
    }
}

/// Changes the expiries of messages by hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expire<S = Auth> {
    /// The account.
    pub account: AnyId,
    /// The messages, in the order that the signature covers.
    pub messages: Vec<MessageHash>,
    /// The new expiry, or one for each message.
    pub expiry: Vec<UnixMillis>,
    /// The expiries to change.
    pub direction: ExpireDirection,
    /// The signature; `()` until the request is signed.
    pub auth: S,
}

impl Expire<()> {
    /// Starts a request that gives all messages one expiry; [`sign`](Self::sign) completes it.
    ///
    /// # Errors
    ///
    /// [`ParamError::NoHashes`] if there are no messages.
    pub fn new(
        account: impl Into<AnyId>,
        messages: impl Into<Vec<MessageHash>>,
        expiry: UnixMillis,
    ) -> Result<Self, ParamError> {
        Ok(Self {
            account: account.into(),
            messages: some_hashes(messages)?,
            expiry: [expiry].into(),
            direction: ExpireDirection::Both,
            auth: (),
        })
    }

    /// Starts a request that gives each message an expiry of its own.
    ///
    /// # Errors
    ///
    /// [`ParamError::NoHashes`] if there are no messages.
    pub fn each(
        account: impl Into<AnyId>,
        messages: impl IntoIterator<Item = (MessageHash, UnixMillis)>,
    ) -> Result<Self, ParamError> {
        let (messages, expiry): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        Ok(Self {
            account: account.into(),
            messages: some_hashes(messages)?,
            expiry,
            direction: ExpireDirection::Both,
            auth: (),
        })
    }

    /// Changes only the expiries that become earlier.
    #[must_use]
    pub fn shorten(mut self) -> Self {
        self.direction = ExpireDirection::Shorten;
        self
    }

    /// Changes only the expiries that become later.
    #[must_use]
    pub fn extend(mut self) -> Self {
        self.direction = ExpireDirection::Extend;
        self
    }

    /// Signs the request. The signature of this method covers no time of signing, so `_at` is not
    /// used.
    #[must_use]
    pub fn sign(self, _at: UnixMillis, signer: &Signer<'_>) -> Expire {
        let auth = signer.sign(&message(&self.messages, &self.expiry, self.direction));
        Expire {
            account: self.account,
            messages: self.messages,
            expiry: self.expiry,
            direction: self.direction,
            auth,
        }
    }
}

impl Expire {
    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(&self.messages, &self.expiry, self.direction)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        let (extend, shorten) = (params.flag("extend")?, params.flag("shorten")?);
        let direction = match (extend, shorten) {
            (true, true) => return Err(ParamError::ShortenAndExtend),
            (true, false) => ExpireDirection::Extend,
            (false, true) => ExpireDirection::Shorten,
            (false, false) => ExpireDirection::Both,
        };
        let account = params.account()?;
        let expiry = params.times("expiry")?;
        let messages = params.hashes()?;
        if expiry.is_empty() {
            return Err(ParamError::NoExpiries);
        }
        if expiry.len() != 1 && expiry.len() != messages.len() {
            return Err(ParamError::ExpiryCount);
        }
        let auth = params.auth(&account)?;
        Ok(Self {
            account,
            messages,
            expiry,
            direction,
            auth,
        })
    }

    /// Computes the changes that the request makes on one node. `stored` returns the expiry of a
    /// message that the node has.
    ///
    /// A subaccount without [`Permissions::DELETE`] cannot shorten: without a direction it only
    /// extends.
    #[must_use]
    pub fn apply(
        &self,
        now: UnixMillis,
        stored: impl Fn(&MessageHash) -> Option<UnixMillis>,
    ) -> Applied {
        let may_shorten = self.auth.permits(Permissions::DELETE);
        let latest = now.saturating_add(TTL_MAX);
        let is_single = self.expiry.len() == 1;
        let mut changes: BTreeMap<MessageHash, UnixMillis> = BTreeMap::new();
        let mut updated: Vec<(MessageHash, UnixMillis)> = Vec::new();
        let mut unchanged = BTreeMap::new();
        for (hash, expiry) in self.messages.iter().zip(self.expiry.iter().cycle()) {
            if is_single && changes.contains_key(hash) {
                continue;
            }
            let Some(old) = changes.get(hash).copied().or_else(|| stored(hash)) else {
                continue;
            };
            let new = latest.min(*expiry);
            let changes_it = match self.direction {
                ExpireDirection::Both => may_shorten || new > old,
                ExpireDirection::Shorten => new < old,
                ExpireDirection::Extend => new > old,
            };
            if changes_it {
                changes.insert(*hash, new);
                updated.push((*hash, new));
            } else {
                unchanged.insert(*hash, old);
            }
        }
        updated.sort_unstable();
        let expiry = match *self.expiry {
            [single] => Expiries::One(latest.min(single)),
            _ => Expiries::Each(updated.iter().map(|(_, expiry)| *expiry).collect()),
        };
        let entry = ExpireEntry {
            expiry,
            updated: updated.into_iter().map(|(hash, _)| hash).collect(),
            unchanged: (self.direction != ExpireDirection::Both).then_some(unchanged),
        };
        Applied { entry, changes }
    }
}

/// The result of [`Expire::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The entry of the answer.
    pub entry: ExpireEntry,
    /// The new expiry of each message to change.
    pub changes: BTreeMap<MessageHash, UnixMillis>,
}

fn message(messages: &[MessageHash], expiry: &[UnixMillis], direction: ExpireDirection) -> Vec<u8> {
    let mut head = alloc::format!("expire{}", direction.name());
    for expiry in expiry {
        // Writing to a string cannot fail.
        let _ = write!(head, "{expiry}");
    }
    with_hashes(&head, &[messages])
}

impl Call for Expire {
    type Answer = SwarmAnswer<ExpireEntry>;
    const METHOD: Method = Method::Expire;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        out.hashes(&self.messages);
        match *self.expiry {
            [expiry] => out.put("expiry", expiry.get()),
            _ => out.put(
                "expiry",
                Value::List(
                    self.expiry
                        .iter()
                        .map(|expiry| Value::from(expiry.get()))
                        .collect(),
                ),
            ),
        }
        if self.direction != ExpireDirection::Both {
            out.put(self.direction.name(), true);
        }
        self.auth.write(&mut out);
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        let is_past = |expiry: &UnixMillis| node.is_past(Self::METHOD, *expiry);
        if self.expiry.iter().any(is_past) {
            return Err(RpcError::ExpireInPast);
        }
        if self.expiry.len() > 1 && node.hf < [19, 4] {
            return Err(RpcError::MultiExpiry);
        }
        let needed = Permissions::WRITE;
        node.signature(
            Self::METHOD,
            &self.account,
            &self.auth,
            needed,
            &self.message(),
        )?;
        let may_shorten = self.auth.permits(Permissions::DELETE);
        if self.direction == ExpireDirection::Shorten && !may_shorten {
            return Err(RpcError::ShortenWithoutDelete);
        }
        Ok(())
    }

    fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
        SwarmAnswer::from_value(body)
    }
}

impl SwarmCall for Expire {
    type Entry = ExpireEntry;

    fn node_message(&self, entry: &ExpireEntry) -> Vec<u8> {
        let mut head = self.account.to_string();
        for expiry in entry.expiry.as_slice() {
            // Writing to a string cannot fail.
            let _ = write!(head, "{expiry}");
        }
        let mut message = with_hashes(&head, &[&self.messages, &entry.updated]);
        for (hash, expiry) in entry.unchanged.iter().flatten() {
            message.extend_from_slice(hash.as_bytes());
            message.extend_from_slice(expiry.to_string().as_bytes());
        }
        message
    }

    fn fits(&self, entry: &ExpireEntry) -> bool {
        let mut hashes = entry
            .updated
            .iter()
            .chain(entry.unchanged.iter().flatten().map(|(hash, _)| hash));
        let form_fits = match &entry.expiry {
            Expiries::One(_) => self.expiry.len() == 1,
            Expiries::Each(each) => self.expiry.len() != 1 && each.len() == entry.updated.len(),
        };
        form_fits && hashes.all(|hash| self.messages.contains(hash))
    }
}

/// The expiry that a member applied, capped at its own limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expiries {
    /// The single expiry of the request.
    One(UnixMillis),
    /// One for each hash in `updated`.
    Each(Vec<UnixMillis>),
}

impl Expiries {
    /// Returns the values.
    #[must_use]
    pub fn as_slice(&self) -> &[UnixMillis] {
        match self {
            Self::One(expiry) => core::slice::from_ref(expiry),
            Self::Each(expiries) => expiries,
        }
    }
}

/// The changes that a member made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireEntry {
    /// The applied expiry or expiries.
    pub expiry: Expiries,
    /// The hashes that were changed, sorted.
    pub updated: Vec<MessageHash>,
    /// Messages that the member has and did not change, with their expiries; only if the request
    /// has a direction.
    pub unchanged: Option<BTreeMap<MessageHash, UnixMillis>>,
}

impl SwarmEntry for ExpireEntry {
    fn write(&self, _: bool, out: &mut Dict) {
        let expiry = match &self.expiry {
            Expiries::One(expiry) => expiry.get().into(),
            Expiries::Each(each) => Value::List(
                each.iter()
                    .map(|expiry| Value::from(expiry.get()))
                    .collect(),
            ),
        };
        out.insert("expiry".into(), expiry);
        out.insert("updated".into(), hash_list(&self.updated));
        if let Some(unchanged) = &self.unchanged {
            let entries = unchanged.iter();
            let entries = entries.map(|(hash, expiry)| (hash.to_string(), expiry.get().into()));
            out.insert("unchanged".into(), Value::Dict(entries.collect()));
        }
    }

    fn read(entry: &Value) -> Option<Self> {
        let expiry = match entry.get("expiry")? {
            Value::List(each) => {
                let each = each.iter().map(Value::as_time).collect::<Option<_>>();
                Expiries::Each(each?)
            }
            single => Expiries::One(single.as_time()?),
        };
        let unchanged = match entry.get("unchanged") {
            None => None,
            Some(unchanged) => {
                let entries = unchanged.as_dict()?.iter();
                let entries =
                    entries.map(|(hash, expiry)| Some((hash.parse().ok()?, expiry.as_time()?)));
                Some(entries.collect::<Option<_>>()?)
            }
        };
        Some(Self {
            expiry,
            updated: read_hashes(entry.get("updated")?)?,
            unchanged,
        })
    }
}
