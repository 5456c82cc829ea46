//! `expire` (protocol: storage-rpc, section 5.7).

use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Write;

use session_swarm::StorageAccount;

use crate::answer::AnswerError;
use crate::auth::{Auth, Permissions, Signer};
use crate::hash::MessageHash;
use crate::limits::TTL_MAX_MS;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{
    SwarmAnswer, SwarmCall, SwarmEntry, hash_list, read_hashes, with_hashes,
};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Which expiries a request changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpireDirection {
    /// All of them.
    #[default]
    Both,
    /// Those that become earlier.
    Shorten,
    /// Those that become later.
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
pub struct Expire {
    /// Whose messages.
    pub account: StorageAccount,
    /// Which messages, in the order that is signed.
    pub messages: Vec<MessageHash>,
    /// The new expiry, or one for each message; in milliseconds since 1970.
    pub expiry: Vec<u64>,
    /// Which expiries to change.
    pub direction: ExpireDirection,
    /// The signature.
    pub auth: Auth,
}

impl Expire {
    /// Makes the request. `expiry` has one element, or one for each message.
    #[must_use]
    pub fn new(
        account: StorageAccount,
        messages: Vec<MessageHash>,
        expiry: Vec<u64>,
        direction: ExpireDirection,
        signer: &Signer<'_>,
    ) -> Self {
        let auth = signer.sign(&message(&messages, &expiry, direction));
        Self {
            account,
            messages,
            expiry,
            direction,
            auth,
        }
    }

    /// The bytes that are signed.
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

    /// Does the request on one node: `stored` tells the expiry of a message that the node has.
    /// Returns the entry of the answer and the new expiries, in milliseconds since 1970.
    ///
    /// A subaccount without [`Permissions::DELETE`] cannot shorten: without a direction it only
    /// extends.
    #[must_use]
    pub fn apply(&self, now_ms: u64, stored: impl Fn(&MessageHash) -> Option<u64>) -> Applied {
        let may_shorten = self.auth.permissions().contain(Permissions::DELETE);
        let latest = now_ms.saturating_add(TTL_MAX_MS);
        let is_single = self.expiry.len() == 1;
        let mut changes: BTreeMap<MessageHash, u64> = BTreeMap::new();
        let mut updated: Vec<(MessageHash, u64)> = Vec::new();
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

/// What [`Expire::apply`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The entry of the answer.
    pub entry: ExpireEntry,
    /// The new expiry of each message to change, in milliseconds since 1970.
    pub changes: BTreeMap<MessageHash, u64>,
}

fn message(messages: &[MessageHash], expiry: &[u64], direction: ExpireDirection) -> Vec<u8> {
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
            [expiry] => out.put("expiry", expiry),
            _ => out.put(
                "expiry",
                Value::List(self.expiry.iter().copied().map(Value::from).collect()),
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
        let is_past = |expiry: &u64| node.is_past(Self::METHOD, *expiry);
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
        let may_shorten = self.auth.permissions().contain(Permissions::DELETE);
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

/// The expiry that a member applied, after its own limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expiries {
    /// The one of the request.
    One(u64),
    /// One for each hash in `updated`.
    Each(Vec<u64>),
}

impl Expiries {
    /// The values.
    #[must_use]
    pub fn as_slice(&self) -> &[u64] {
        match self {
            Self::One(expiry) => core::slice::from_ref(expiry),
            Self::Each(expiries) => expiries,
        }
    }
}

/// What a member changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpireEntry {
    /// The applied expiry or expiries, in milliseconds since 1970.
    pub expiry: Expiries,
    /// The hashes that were changed, sorted.
    pub updated: Vec<MessageHash>,
    /// Messages that were there and not changed, with their expiries; only if the request has a
    /// direction.
    pub unchanged: Option<BTreeMap<MessageHash, u64>>,
}

impl SwarmEntry for ExpireEntry {
    fn write(&self, _: bool, out: &mut Dict) {
        let expiry = match &self.expiry {
            Expiries::One(expiry) => (*expiry).into(),
            Expiries::Each(each) => Value::List(each.iter().copied().map(Value::from).collect()),
        };
        out.insert("expiry".into(), expiry);
        out.insert("updated".into(), hash_list(&self.updated));
        if let Some(unchanged) = &self.unchanged {
            let entries = unchanged.iter();
            let entries = entries.map(|(hash, expiry)| (hash.to_string(), (*expiry).into()));
            out.insert("unchanged".into(), Value::Dict(entries.collect()));
        }
    }

    fn read(entry: &Value) -> Option<Self> {
        let expiry = match entry.get("expiry")? {
            Value::List(each) => {
                let each = each.iter().map(Value::as_u64).collect::<Option<_>>();
                Expiries::Each(each?)
            }
            single => Expiries::One(single.as_u64()?),
        };
        let unchanged = match entry.get("unchanged") {
            None => None,
            Some(unchanged) => {
                let entries = unchanged.as_dict()?.iter();
                let entries =
                    entries.map(|(hash, expiry)| Some((hash.parse().ok()?, expiry.as_u64()?)));
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
