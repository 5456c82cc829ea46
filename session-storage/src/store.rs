//! `store` (protocol: storage-rpc, section 5.1).

use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::hash::message_hash;
use session_identity::subaccount::Permissions;
use session_types::limits::{MESSAGE_BASE64_MAX, MESSAGE_DATA_MAX, STORE_TOLERANCE, TTL_MIN};
use session_types::{AnyId, MessageHash, Namespace, SealedMessage, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{SwarmAnswer, SwarmCall, SwarmEntry};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// The lifetime of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// A span after the timestamp of the message.
    Ttl(Duration),
    /// A point in time.
    Expiry(UnixMillis),
}

/// Stores a message.
///
/// ```
/// # use session_crypto::{Ed25519Secret, ed25519::Ed25519PublicExt};
/// # let secret = Ed25519Secret::from_seed(&[1; 32]);
/// use session_storage::{Call, Request, Store};
/// use session_types::{Namespace, SealedMessage, UnixMillis};
///
/// let account = secret.public().to_account_id()?;
/// let namespace = Namespace::DEFAULT;
/// let sealed = SealedMessage { namespace, ttl: namespace.usual_ttl(), data: b"sealed".to_vec() };
/// let store = Store::new(account, sealed, UnixMillis::new(1_754_971_101_000))?;
/// // The hash covers account, namespace and data only, so the sender knows it beforehand.
/// println!("the swarm will name it {}", store.hash());
/// assert_eq!(Request::from_json(&store.to_json())?, store.into());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The account or group that the message is for.
    pub account: AnyId,
    /// The namespace.
    pub namespace: Namespace,
    /// The time of the message.
    pub timestamp: UnixMillis,
    /// The lifetime.
    pub lifetime: Lifetime,
    /// The message, at most 76,800 bytes.
    pub data: Vec<u8>,
    /// The time of the signature; `None` if it is the time of the message.
    pub sig_timestamp: Option<UnixMillis>,
    /// The signature. Public inboxes need none.
    pub auth: Option<Auth>,
}

impl Store {
    /// Stores a sealed message, unsigned. Only public inboxes accept it without a signature.
    ///
    /// # Errors
    ///
    /// [`ParamError::DataTooLong`] if the message is longer than
    /// [`MESSAGE_DATA_MAX`](session_types::limits::MESSAGE_DATA_MAX).
    pub fn new(
        account: impl Into<AnyId>,
        message: impl Into<SealedMessage>,
        timestamp: UnixMillis,
    ) -> Result<Self, ParamError> {
        let message = message.into();
        if message.data.len() > MESSAGE_DATA_MAX {
            return Err(ParamError::DataTooLong);
        }
        Ok(Self {
            account: account.into(),
            namespace: message.namespace,
            timestamp,
            lifetime: Lifetime::Ttl(message.ttl),
            data: message.data,
            sig_timestamp: None,
            auth: None,
        })
    }

    /// Signs the request.
    #[must_use]
    pub fn sign(mut self, at: UnixMillis, signer: &Signer<'_>) -> Self {
        self.sig_timestamp = (at != self.timestamp).then_some(at);
        self.auth = Some(signer.sign(&self.message()));
        self
    }

    /// Returns the bytes that the signature covers.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let namespace = self.namespace.signed_text();
        alloc::format!("store{namespace}{}", self.sig_time()).into_bytes()
    }

    fn sig_time(&self) -> UnixMillis {
        self.sig_timestamp.unwrap_or(self.timestamp)
    }

    /// Returns the hash under which nodes keep the message.
    #[must_use]
    pub fn hash(&self) -> MessageHash {
        message_hash(&self.account, self.namespace, &self.data)
    }

    /// Returns the time until which nodes keep the message.
    #[must_use]
    pub const fn expiry(&self) -> UnixMillis {
        match self.lifetime {
            Lifetime::Ttl(ttl) => self.timestamp.saturating_add(ttl),
            Lifetime::Expiry(expiry) => expiry,
        }
    }

    /// Returns the lifetime of the message, counted from its timestamp.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        match self.lifetime {
            Lifetime::Ttl(ttl) => ttl,
            Lifetime::Expiry(expiry) => expiry.since(self.timestamp),
        }
    }

    pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
        params.check_malformed_auth()?;
        let data = params.data(MESSAGE_DATA_MAX, MESSAGE_BASE64_MAX)?;
        let expiry = params.time("expiry")?;
        let namespace = params.namespace()?;
        let sig_timestamp = params.time("sig_timestamp")?;
        let timestamp = params.store_timestamp()?;
        let ttl = params.ttl()?;
        let timestamp = UnixMillis::new(timestamp.ok_or(ParamError::Missing("timestamp"))?);
        let lifetime = match (expiry, ttl) {
            (Some(_), Some(_)) => return Err(ParamError::ExpiryAndTtl),
            (Some(expiry), None) => Lifetime::Expiry(expiry),
            (None, Some(ttl)) => Lifetime::Ttl(Duration::from_millis(ttl)),
            (None, None) => return Err(ParamError::NoExpiryOrTtl),
        };
        let account = params.account_with_alias(ParamError::Pubkey)?;
        let auth = params.auth_fields(&account)?;
        Ok(Self {
            account,
            namespace: namespace.unwrap_or(Namespace::DEFAULT),
            timestamp,
            lifetime,
            data: data.ok_or(ParamError::Missing("data"))?,
            sig_timestamp,
            auth: auth.auth(),
        })
    }
}

/// Returns whole milliseconds, the unit of spans in requests.
fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Call for Store {
    type Answer = SwarmAnswer<StoreEntry>;
    const METHOD: Method = Method::Store;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        out.namespaces(self.namespace.into());
        out.put("timestamp", self.timestamp.get());
        match self.lifetime {
            Lifetime::Ttl(ttl) => out.put("ttl", millis(ttl)),
            Lifetime::Expiry(expiry) => out.put("expiry", expiry.get()),
        }
        out.bytes("data", &self.data);
        if let Some(time) = self.sig_timestamp {
            out.put("sig_timestamp", time.get());
        }
        if let Some(auth) = &self.auth {
            auth.write(&mut out);
        }
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        let expiry = self.expiry();
        if !(TTL_MIN..=self.namespace.max_ttl()).contains(&self.ttl()) {
            return Err(RpcError::Ttl);
        }
        if self.timestamp > node.now.saturating_add(STORE_TOLERANCE)
            || expiry < node.now.saturating_sub(STORE_TOLERANCE)
        {
            return Err(RpcError::StoreClock);
        }
        if self.namespace.is_public_inbox() {
            return Ok(());
        }
        let auth = self.auth.as_ref();
        let auth = auth.ok_or(RpcError::StoreUnsigned(self.namespace))?;
        node.clock(Self::METHOD, self.sig_time())?;
        let needed = if self.namespace.is_public_outbox() {
            Permissions::WRITE | Permissions::DELETE
        } else {
            Permissions::WRITE
        };
        node.signature(Self::METHOD, &self.account, auth, needed, &self.message())
    }

    fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
        SwarmAnswer::from_value(body)
    }
}

impl SwarmCall for Store {
    type Entry = StoreEntry;

    fn node_message(&self, entry: &StoreEntry) -> Vec<u8> {
        entry.hash.as_bytes().into()
    }

    /// Returns whether the hash is the expected one. It binds account, namespace and data, and a
    /// node signs nothing else.
    fn fits(&self, entry: &StoreEntry) -> bool {
        entry.hash == self.hash()
    }
}

/// The message that a member stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreEntry {
    /// The hash of the message.
    pub hash: MessageHash,
    /// The time until which the member keeps it.
    pub expiry: UnixMillis,
    /// Whether the member had stored it before.
    pub already: bool,
}

impl SwarmEntry for StoreEntry {
    fn write(&self, own: bool, out: &mut Dict) {
        out.insert("hash".into(), self.hash.as_str().into());
        out.insert("expiry".into(), self.expiry.get().into());
        if self.already {
            let already = if own {
                Value::Bool(true)
            } else {
                Value::Uint(1)
            };
            out.insert("already".into(), already);
        }
    }

    fn read(entry: &Value) -> Option<Self> {
        Some(Self {
            hash: entry.get("hash")?.as_text()?.parse().ok()?,
            expiry: entry.get("expiry")?.as_time()?,
            already: entry
                .get("already")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        })
    }
}
