//! `retrieve` (protocol: storage-rpc, section 5.2).

use alloc::vec::Vec;

use session_crypto::hash::message_hash;
use session_identity::subaccount::{Permissions, Token};
use session_types::limits::{RETRIEVE_DEFAULT_SHARE, RETRIEVE_MESSAGE_OVERHEAD, RETRIEVE_SIZE_MAX};
use session_types::{AnyId, MessageHash, Namespace, UnixMillis, base64};

use crate::answer::{AnswerError, Stamp, field};
use crate::auth::{Signer, TimedAuth};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::value::{Dict, EMPTY_DATA, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Maximum size of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeLimit {
    /// A number of bytes, as [`Page`] counts them.
    Bytes(u64),
    /// A fraction of the maximum that a node answers: 2 is a half, 5 a fifth.
    Share(u64),
}

/// Fetches messages.
///
/// ```
/// # use session_crypto::{Ed25519Secret, ed25519::Ed25519PublicExt};
/// # let secret = Ed25519Secret::from_seed(&[1; 32]);
/// use session_storage::{Call, Request, Retrieve, Signer};
/// use session_types::{Namespace, UnixMillis};
///
/// let account = secret.public().to_account_id()?;
/// let now = UnixMillis::new(1_754_971_101_000);
/// let retrieve = Retrieve::new(account, Namespace::DEFAULT).sign(now, &Signer::user(&secret));
/// // The body of an onion request, as a node reads it.
/// assert_eq!(Request::from_json(&retrieve.to_json())?, retrieve.into());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieve {
    /// The account.
    pub account: AnyId,
    /// The namespace; absent means 0.
    pub namespace: Option<Namespace>,
    /// Fetch only messages that follow this one.
    pub last_hash: Option<MessageHash>,
    /// Maximum number of messages; a negative number fetches none.
    pub max_count: Option<i64>,
    /// Maximum size of the answer.
    pub max_size: Option<SizeLimit>,
    /// The time of the request and the signature.
    pub auth: Option<TimedAuth>,
}

impl Retrieve {
    /// Starts a request. Only few namespaces allow it without a signature.
    #[must_use]
    pub fn new(account: impl Into<AnyId>, namespace: Namespace) -> Self {
        Self {
            account: account.into(),
            namespace: Some(namespace),
            last_hash: None,
            max_count: None,
            max_size: None,
            auth: None,
        }
    }

    /// Fetches only messages that the node received after this one.
    #[must_use]
    pub const fn after(mut self, last_hash: Option<MessageHash>) -> Self {
        self.last_hash = last_hash;
        self
    }

    /// Fetches at most this many messages.
    #[must_use]
    pub fn max_count(mut self, count: u32) -> Self {
        self.max_count = Some(count.into());
        self
    }

    /// Limits the size of the answer.
    #[must_use]
    pub const fn max_size(mut self, size: SizeLimit) -> Self {
        self.max_size = Some(size);
        self
    }

    /// Signs the request.
    #[must_use]
    pub fn sign(mut self, at: UnixMillis, signer: &Signer<'_>) -> Self {
        self.auth = Some(signer.sign_at(at, &self.message(at)));
        self
    }

    /// Returns the bytes that a signature made at this time covers.
    #[must_use]
    pub fn message(&self, at: UnixMillis) -> Vec<u8> {
        let namespace = self.namespace().signed_text();
        alloc::format!("retrieve{namespace}{at}").into_bytes()
    }

    /// Returns the namespace, 0 if absent.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        self.namespace.unwrap_or(Namespace::DEFAULT)
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        params.check_malformed_auth()?;
        let last_hash = match params.text("last_hash")?.or(params.text("lastHash")?) {
            Some(text) if !text.is_empty() => Some(parse_last_hash(&text)?),
            _ => None,
        };
        let max_count = params.int("max_count")?.map(low_32_bits);
        let max_count = max_count.filter(|count| *count != 0);
        let max_size = params.int("max_size")?.map(low_32_bits);
        let max_size = max_size.and_then(|size| match size {
            0 => None,
            1.. => Some(SizeLimit::Bytes(size.unsigned_abs())),
            _ => Some(SizeLimit::Share(size.unsigned_abs())),
        });
        let namespace = params.namespace()?;
        let timestamp = params.time("timestamp")?;
        let account = params.account_with_alias(ParamError::Pubkey)?;
        let auth = params.auth_fields(&account)?;
        let is_meant_signed = auth.signature.is_some()
            || auth.pubkey_ed25519.is_some()
            || timestamp.is_some()
            || namespace.is_some_and(|namespace| !namespace.is_readable_without_signature());
        let auth = if is_meant_signed {
            let auth = auth.auth().ok_or(ParamError::Missing("signature"))?;
            // Deployed nodes take a missing time for 1970: too far from now, so 406.
            let at = timestamp.unwrap_or(UnixMillis::EPOCH);
            Some(TimedAuth { at, auth })
        } else {
            None
        };
        Ok(Self {
            account,
            namespace,
            last_hash,
            max_count,
            max_size,
            auth,
        })
    }

    /// Returns the limits of a node's answer.
    #[must_use]
    pub fn page(&self) -> Page {
        let share = |parts: u64| RETRIEVE_SIZE_MAX.checked_div(parts).unwrap_or(0);
        let size = match (self.max_size, self.max_count) {
            (Some(SizeLimit::Bytes(bytes)), _) => bytes.min(RETRIEVE_SIZE_MAX),
            (Some(SizeLimit::Share(parts)), _) => share(parts),
            (None, None) => share(RETRIEVE_DEFAULT_SHARE),
            (None, Some(_)) => RETRIEVE_SIZE_MAX,
        };
        Page {
            size,
            count: self
                .max_count
                .map(|count| u64::try_from(count).unwrap_or(0)),
            is_first: true,
            is_none_wanted: self.max_count.is_some_and(|count| count < 0),
        }
    }
}

/// Keeps the lower 32 bits of a number, sign included, as deployed servers do. A limit of 10^12
/// thus becomes a tiny one.
fn low_32_bits(number: i64) -> i64 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d]).into()
}

fn parse_last_hash(text: &str) -> Result<MessageHash, ParamError> {
    if text.len() != MessageHash::LENGTH {
        return Err(ParamError::LastHashLength);
    }
    text.parse().map_err(|_| ParamError::LastHash)
}

/// Selects the messages that go into a node's answer.
#[derive(Debug, Clone)]
pub struct Page {
    size: u64,
    count: Option<u64>,
    is_first: bool,
    is_none_wanted: bool,
}

impl Page {
    /// Returns whether the next message, in the order of the storage, goes into the answer. After
    /// the first `false` the answer is complete and its `more` is true, unless
    /// [`is_none_wanted`](Self::is_none_wanted).
    pub fn take(&mut self, data_length: usize) -> bool {
        if self.count == Some(0) {
            return false;
        }
        let data = u64::try_from(data_length).unwrap_or(u64::MAX);
        let cost = (data.saturating_mul(4) / 3)
            .saturating_add(RETRIEVE_MESSAGE_OVERHEAD)
            .saturating_add(43);
        match self.size.checked_sub(cost) {
            Some(rest) => self.size = rest,
            // The first one is returned however large it is.
            None if self.is_first => self.size = 0,
            None => return false,
        }
        self.is_first = false;
        self.count = self.count.map(|count| count.saturating_sub(1));
        true
    }

    /// Returns whether the request asks for no messages at all; `more` is then false.
    #[must_use]
    pub const fn is_none_wanted(&self) -> bool {
        self.is_none_wanted
    }
}

/// Returns the divisors with which the retrieves of one batch share the size of an answer
/// (protocol: storage-rpc, section 5.2): one for each group of namespaces, the most important group
/// first.
///
/// ```
/// // Namespace 0 with four of less importance: a half, and an eighth each.
/// assert_eq!(session_storage::share_of_size(&[1, 4]), [2, 8]);
/// ```
#[must_use]
pub fn share_of_size(group_sizes: &[u64]) -> Vec<u64> {
    let last = group_sizes.len().saturating_sub(1);
    let mut divisor: u64 = 1;
    let groups = group_sizes.iter().enumerate();
    groups
        .map(|(index, size)| {
            let rest = u64::from(index != last);
            divisor = divisor.saturating_mul(size.saturating_add(rest));
            divisor
        })
        .collect()
}

impl Call for Retrieve {
    type Answer = RetrieveAnswer;
    const METHOD: Method = Method::Retrieve;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        if let Some(namespace) = self.namespace {
            out.namespaces(namespace.into());
        }
        if let Some(hash) = self.last_hash {
            out.put("last_hash", hash.as_str());
        }
        if let Some(count) = self.max_count {
            out.put("max_count", Value::int(count));
        }
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match self.max_size {
            Some(SizeLimit::Bytes(bytes)) => out.put("max_size", Value::int(signed(bytes))),
            Some(SizeLimit::Share(parts)) => {
                out.put("max_size", Value::int(signed(parts).saturating_neg()));
            }
            None => {}
        }
        if let Some(TimedAuth { at, auth }) = &self.auth {
            // A missing time is read as 1970, which is not a time in milliseconds.
            if *at != UnixMillis::EPOCH {
                out.put("timestamp", at.get());
            }
            auth.write(&mut out);
        }
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        let namespace = self.namespace();
        let Some(TimedAuth { at, auth }) = &self.auth else {
            return if namespace.is_readable_without_signature() {
                Ok(())
            } else {
                Err(RpcError::RetrieveUnsigned)
            };
        };
        node.clock(Self::METHOD, *at)?;
        let is_allowed = |_: &AnyId, _: &Token| false;
        let node = if namespace.is_unrevocable() {
            Checks {
                is_revoked: &is_allowed,
                ..*node
            }
        } else {
            *node
        };
        let message = self.message(*at);
        node.signature(
            Self::METHOD,
            &self.account,
            auth,
            Permissions::READ,
            &message,
        )
    }

    fn read_answer(&self, body: &Value) -> Result<RetrieveAnswer, AnswerError> {
        let items = field(body, "messages")?.as_list();
        let items = items.ok_or(AnswerError::Field("messages"))?;
        let mut messages = Vec::new();
        let mut malformed = 0usize;
        for item in items {
            match StoredMessage::read(item) {
                Some(message) => messages.push(message),
                None => malformed = malformed.saturating_add(1),
            }
        }
        let more = field(body, "more")?.as_bool();
        Ok(RetrieveAnswer {
            messages,
            malformed,
            more: more.ok_or(AnswerError::Field("more"))?,
            stamp: Stamp::read(body)?,
        })
    }
}

/// A message as a node stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// The hash.
    pub hash: MessageHash,
    /// The timestamp that the sender gave.
    pub timestamp: UnixMillis,
    /// The time until which the node keeps it.
    pub expiration: UnixMillis,
    /// The data of the message.
    pub data: Vec<u8>,
}

impl StoredMessage {
    /// Returns whether the hash is that of the message for this account and namespace. A node
    /// cannot prove that it stores every message, but it cannot alter one without changing its
    /// hash.
    #[must_use]
    pub fn is_intact(&self, account: &AnyId, namespace: Namespace) -> bool {
        self.hash == message_hash(account, namespace, &self.data)
    }

    fn write(&self) -> Value {
        Value::dict([
            ("hash", self.hash.as_str().into()),
            ("timestamp", self.timestamp.get().into()),
            ("expiration", self.expiration.get().into()),
            ("data", Value::Bytes(self.data.clone())),
        ])
    }

    fn read(item: &Value) -> Option<Self> {
        Some(Self {
            hash: item.get("hash")?.as_text()?.parse().ok()?,
            timestamp: item.get("timestamp")?.as_time()?,
            expiration: item.get("expiration")?.as_time()?,
            data: match item.get("data")? {
                // A message without bytes.
                Value::Text(text) if text == EMPTY_DATA => Vec::new(),
                Value::Text(text) => base64::decode_lenient(text)?,
                Value::Bytes(bytes) => bytes.clone(),
                _ => return None,
            },
        })
    }
}

/// The answer to a [`Retrieve`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrieveAnswer {
    /// The messages in the order in which the node received them. The order differs between nodes.
    pub messages: Vec<StoredMessage>,
    /// Number of malformed messages, which are left out.
    pub malformed: usize,
    /// Whether there are more messages: fetch again [after](Retrieve::after) the last one.
    pub more: bool,
    /// Clock and version of the node.
    pub stamp: Stamp,
}

impl RetrieveAnswer {
    /// Returns the body of the answer.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let messages = self.messages.iter().map(StoredMessage::write).collect();
        let mut out = Dict::new();
        out.insert("messages".into(), Value::List(messages));
        out.insert("more".into(), self.more.into());
        self.stamp.write(&mut out);
        Value::Dict(out)
    }
}
