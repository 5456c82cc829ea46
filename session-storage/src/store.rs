//! `store` (protocol: storage-rpc, section 5.1).

use alloc::vec::Vec;

use session_swarm::StorageAccount;

use crate::answer::AnswerError;
use crate::auth::{Auth, Permissions, Signer};
use crate::hash::MessageHash;
use crate::limits::{MESSAGE_BASE64_MAX, MESSAGE_DATA_MAX, STORE_TOLERANCE_MS, TTL_MIN_MS};
use crate::namespace::Namespace;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{SwarmAnswer, SwarmCall, SwarmEntry};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// How long to keep a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// For this many milliseconds after the message's timestamp.
    Ttl(u64),
    /// Until this time, in milliseconds since 1970.
    Expiry(u64),
}

/// Stores a message.
///
/// ```
/// # use session_crypto::Ed25519Secret;
/// # let secret = Ed25519Secret::from_seed(&[1; 32]);
/// use session_swarm::rpc::{Call, Request, Store};
/// use session_swarm::{Namespace, StorageAccount};
///
/// let account = StorageAccount::user(&secret.public().to_x25519()?);
/// let (now_ms, ttl_ms) = (1_754_971_101_000, 14 * 24 * 3600 * 1000);
/// let store = Store::new(account, Namespace::DEFAULT, b"sealed".to_vec(), now_ms, ttl_ms);
/// // Nothing but account, namespace and data is in the hash: who knows them knows it beforehand.
/// println!("the swarm will call it {}", store.hash());
/// assert_eq!(Request::from_json(&store.to_json())?, store.into());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Whose message.
    pub account: StorageAccount,
    /// Where.
    pub namespace: Namespace,
    /// The time of the message, in milliseconds since 1970.
    pub timestamp: u64,
    /// How long to keep it.
    pub lifetime: Lifetime,
    /// The message: at most 76,800 bytes.
    pub data: Vec<u8>,
    /// The time of the signature if it is not that of the message.
    pub sig_timestamp: Option<u64>,
    /// The signature; public inboxes need none.
    pub auth: Option<Auth>,
}

impl Store {
    /// A message without a signature, for public inboxes. `ttl` in milliseconds.
    #[must_use]
    pub const fn new(
        account: StorageAccount,
        namespace: Namespace,
        data: Vec<u8>,
        timestamp: u64,
        ttl: u64,
    ) -> Self {
        Self {
            account,
            namespace,
            timestamp,
            lifetime: Lifetime::Ttl(ttl),
            data,
            sig_timestamp: None,
            auth: None,
        }
    }

    /// Signs it.
    #[must_use]
    pub fn sign(mut self, signer: &Signer<'_>) -> Self {
        self.auth = Some(signer.sign(&self.message()));
        self
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let namespace = self.namespace.signed_text();
        alloc::format!("store{namespace}{}", self.sig_time()).into_bytes()
    }

    fn sig_time(&self) -> u64 {
        self.sig_timestamp.unwrap_or(self.timestamp)
    }

    /// The hash under which it is stored.
    #[must_use]
    pub fn hash(&self) -> MessageHash {
        MessageHash::of(&self.account, self.namespace, &self.data)
    }

    /// Until when it is stored, in milliseconds since 1970.
    #[must_use]
    pub const fn expiry(&self) -> u64 {
        match self.lifetime {
            Lifetime::Ttl(ttl) => self.timestamp.saturating_add(ttl),
            Lifetime::Expiry(expiry) => expiry,
        }
    }

    /// How long it is stored, in milliseconds after its timestamp.
    #[must_use]
    pub const fn ttl(&self) -> u64 {
        match self.lifetime {
            Lifetime::Ttl(ttl) => ttl,
            Lifetime::Expiry(expiry) => expiry.saturating_sub(self.timestamp),
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
        let timestamp = timestamp.ok_or(ParamError::Missing("timestamp"))?;
        let lifetime = match (expiry, ttl) {
            (Some(_), Some(_)) => return Err(ParamError::ExpiryAndTtl),
            (Some(expiry), None) => Lifetime::Expiry(expiry),
            (None, Some(ttl)) => Lifetime::Ttl(ttl),
            (None, None) => return Err(ParamError::NoExpiryOrTtl),
        };
        let account = params.account_with_alias(ParamError::Pubkey)?;
        let auth = params.auth_fields(&account)?;
        Ok(Self {
            account,
            namespace: namespace.unwrap_or_default(),
            timestamp,
            lifetime,
            data: data.ok_or(ParamError::Missing("data"))?,
            sig_timestamp,
            auth: auth.auth(),
        })
    }
}

impl Call for Store {
    type Answer = SwarmAnswer<StoreEntry>;
    const METHOD: Method = Method::Store;

    fn params(&self, encoding: Encoding) -> Value {
        let mut out = ParamsOut::new(encoding);
        out.account(&self.account);
        out.namespaces(self.namespace.into());
        out.put("timestamp", self.timestamp);
        match self.lifetime {
            Lifetime::Ttl(ttl) => out.put("ttl", ttl),
            Lifetime::Expiry(expiry) => out.put("expiry", expiry),
        }
        out.bytes("data", &self.data);
        if let Some(time) = self.sig_timestamp {
            out.put("sig_timestamp", time);
        }
        if let Some(auth) = &self.auth {
            auth.write(&mut out);
        }
        out.finish()
    }

    fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
        node.swarm(&self.account)?;
        let expiry = self.expiry();
        if !(TTL_MIN_MS..=self.namespace.max_ttl_ms()).contains(&self.ttl()) {
            return Err(RpcError::Ttl);
        }
        if self.timestamp > node.now_ms.saturating_add(STORE_TOLERANCE_MS)
            || expiry < node.now_ms.saturating_sub(STORE_TOLERANCE_MS)
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
            Permissions::WRITE.with(Permissions::DELETE)
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

    /// The hash binds account, namespace and data; the signature covers nothing else.
    fn fits(&self, entry: &StoreEntry) -> bool {
        entry.hash == self.hash()
    }
}

/// What a member stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreEntry {
    /// The hash of the message.
    pub hash: MessageHash,
    /// Until when it is stored, in milliseconds since 1970.
    pub expiry: u64,
    /// Whether it was stored there before.
    pub already: bool,
}

impl SwarmEntry for StoreEntry {
    fn write(&self, own: bool, out: &mut Dict) {
        out.insert("hash".into(), self.hash.as_str().into());
        out.insert("expiry".into(), self.expiry.into());
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
            expiry: entry.get("expiry")?.as_u64()?,
            already: entry
                .get("already")
                .and_then(Value::as_bool)
                .unwrap_or(false),
        })
    }
}
