//! `monitor`: a node tells a connected client of new messages (protocol: storage-rpc, section
//! 5.17).
//!
//! All messages are bencoded. A subscription lasts
//! [`MONITOR_LIFETIME`](session_types::limits::MONITOR_LIFETIME) and a signature two weeks, so one
//! signature serves for many renewals.
//!
//! ```text
//! request  d  "P" Ed25519 key (32) of a 05 account, or "p" id (33)  "S", "T" of a subaccount
//!             "d" 1 for data  "n" list of namespaces  "s" signature (64)  "t" seconds  e
//! answer   d "success" 1 e, or d "errcode" number "error" text e
//! notice   d "@" id (33)  "h" hash  "n" namespace  "t" ms  "z" expiry ms  "~" data e
//! ```

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use session_crypto::hash::message_hash;
use session_identity::subaccount::{Permissions, Token};
use session_types::limits::{MONITOR_AGE_MAX, MONITOR_AHEAD_MAX};
use session_types::{
    AccountId, AnyId, Ed25519Public, Ed25519Signature, MessageHash, Namespace, UnixMillis,
};

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer, SubaccountProof};
use crate::value::{Dict, Value};

mod ended;
mod subscriptions;

pub use ended::MonitorEnded;
pub use subscriptions::{MAX_ACCOUNTS, Subscriptions};

/// The name of the request over OxenMQ.
pub const OMQ_REQUEST: &str = "monitor.messages";
/// The name of the request over QUIC.
pub const QUIC_REQUEST: &str = "monitor";
/// The name of notices over OxenMQ.
pub const OMQ_NOTICE: &str = "notify.message";
/// The name of notices over QUIC.
pub const QUIC_NOTICE: &str = "notify";
/// The name of notices over QUIC that a subscription has ended.
pub const QUIC_ENDED: &str = "monitor_ended";

/// Maximum number of requests in one message. The deployed server has no limit.
pub const MAX_REQUESTS: usize = 1_000;

/// Subscribes to new messages.
///
/// ```
/// # use session_crypto::{Ed25519Secret, ed25519::Ed25519PublicExt};
/// # let secret = Ed25519Secret::from_seed(&[1; 32]);
/// use session_storage::Signer;
/// use session_storage::monitor::{Monitor, MonitorRequests, read_answer};
/// use session_types::{Namespace, UnixMillis};
///
/// let account = secret.public().to_account_id()?;
/// let now = UnixMillis::new(1_754_971_101_000);
/// let monitor = Monitor::new(account, [Namespace::DEFAULT])
///     .with_data()
///     .sign(now, &Signer::user(&secret));
/// // The node, and the client again.
/// let requests = MonitorRequests::parse(&monitor.to_bencode());
/// let outcomes: Vec<_> = requests
///     .requests
///     .iter()
///     .map(|request| request.clone()?.check(now, |_| true))
///     .collect();
/// assert_eq!(read_answer(&requests.answer(&outcomes))?, [Ok(())]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor<S = MonitorAuth> {
    /// The account.
    pub account: AnyId,
    /// The namespaces: ascending, each once, at least one.
    pub namespaces: Vec<Namespace>,
    /// Whether notices contain the message data.
    pub want_data: bool,
    /// The time of the request and the signature; `()` until it is signed.
    pub auth: S,
}

/// The signature of a [`Monitor`] request, which covers the time in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonitorAuth {
    /// The time of signing, in **seconds** since 1970.
    pub at_s: u64,
    /// The signature.
    pub auth: Auth,
}

impl Monitor<()> {
    /// Starts a request; [`sign`](Self::sign) completes it. The namespaces may be in any order;
    /// nodes reject a request without any.
    #[must_use]
    pub fn new(account: impl Into<AnyId>, namespaces: impl Into<Vec<Namespace>>) -> Self {
        let mut namespaces = namespaces.into();
        namespaces.sort_unstable();
        namespaces.dedup();
        Self {
            account: account.into(),
            namespaces,
            want_data: false,
            auth: (),
        }
    }

    /// Asks for notices with the message data.
    #[must_use]
    pub fn with_data(mut self) -> Self {
        self.want_data = true;
        self
    }

    /// Signs the request. The signature covers whole seconds.
    #[must_use]
    pub fn sign(self, at: UnixMillis, signer: &Signer<'_>) -> Monitor {
        let at_s = at.as_secs();
        let message = message(&self.account, &self.namespaces, self.want_data, at_s);
        Monitor {
            account: self.account,
            namespaces: self.namespaces,
            want_data: self.want_data,
            auth: MonitorAuth {
                at_s,
                auth: signer.sign(&message),
            },
        }
    }
}

impl Monitor {
    /// Returns the bytes that the signature covers. Unlike elsewhere, namespace 0 is `0` here.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        message(
            &self.account,
            &self.namespaces,
            self.want_data,
            self.auth.at_s,
        )
    }

    /// Returns the dictionary of the request.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = Dict::new();
        match self.auth.auth.pubkey_ed25519 {
            Some(key) => out.insert("P".into(), Value::Bytes(key.as_bytes().to_vec())),
            None => out.insert("p".into(), Value::Bytes(self.account.as_bytes().to_vec())),
        };
        if let Some(proof) = &self.auth.auth.subaccount {
            let signature = proof.signature.as_bytes().to_vec();
            out.insert("S".into(), Value::Bytes(signature));
            out.insert("T".into(), Value::Bytes(proof.token.as_bytes().to_vec()));
        }
        if self.want_data {
            out.insert("d".into(), true.into());
        }
        let namespaces = self.namespaces.iter();
        let namespaces = namespaces.map(|namespace| Value::int(namespace.number().into()));
        out.insert("n".into(), Value::List(namespaces.collect()));
        let signature = self.auth.auth.signature.as_bytes().to_vec();
        out.insert("s".into(), Value::Bytes(signature));
        out.insert("t".into(), self.auth.at_s.into());
        Value::Dict(out)
    }

    /// Encodes the body of the request.
    #[must_use]
    pub fn to_bencode(&self) -> Vec<u8> {
        self.to_value().to_bencode()
    }

    fn parse(request: &Value) -> Result<Self, MonitorError> {
        let get = |key| request.get(key);
        let missing = |key| MonitorError::arguments(&alloc::format!("Key {key} not found!"));
        let bytes = |key| match get(key) {
            Some(Value::Bytes(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        let (account, pubkey_ed25519) = match (bytes("P"), bytes("p")) {
            (Some(_), Some(_)) => {
                return Err(MonitorError::arguments(
                    "Cannot provide both p= and P= pubkey values",
                ));
            }
            (None, None) => {
                return Err(MonitorError::arguments("Either p= or P= must be given"));
            }
            (Some(key), None) => {
                let key = Ed25519Public::try_from(key).map_err(|_| {
                    MonitorError::pubkey("Provided P= Session Ed25519 pubkey must be 32 bytes")
                })?;
                // A key that is none has no id; nobody can have signed with it either.
                let x25519 = key.to_x25519().map_err(|_| MonitorError::signature())?;
                (AccountId::from_x25519(&x25519).into(), Some(key))
            }
            (None, Some(id)) => {
                let account = AnyId::try_from(id);
                let account = account
                    .map_err(|_| MonitorError::pubkey("Provided p= pubkey must be 33 bytes"))?;
                (account, None)
            }
        };
        let subaccount = match (bytes("T"), bytes("S")) {
            (None, Some(_)) => return Err(missing("T")),
            (Some(token), Some(signature)) => Some(parse_subaccount(token, signature)?),
            _ => None,
        };
        let want_data = parse_flag(get("d"))?;
        let namespaces = parse_namespaces(get("n").ok_or_else(|| missing("n"))?)?;
        let signature = bytes("s").ok_or_else(|| missing("s"))?;
        let signature = Ed25519Signature::try_from(signature);
        let timestamp = get("t")
            .and_then(Value::as_i64)
            .ok_or_else(|| MonitorError::arguments("required signature timestamp is missing"))?;
        Ok(Self {
            account,
            namespaces,
            want_data,
            auth: MonitorAuth {
                // A time before 1970 is too old in any case.
                at_s: u64::try_from(timestamp).unwrap_or(0),
                auth: Auth {
                    pubkey_ed25519,
                    signature: signature.map_err(|_| {
                        MonitorError::new(5, "Provided s= signature must be 64 bytes")
                    })?,
                    subaccount,
                },
            },
        })
    }

    /// Checks the time and the signature, as a node does before it subscribes the client.
    /// Revocations are not checked. `serves` returns whether the node is in the swarm of the
    /// account; older servers do not check this.
    ///
    /// # Errors
    ///
    /// [`MonitorError`] with the answer to send.
    pub fn check(
        &self,
        now: UnixMillis,
        serves: impl FnOnce(&AnyId) -> bool,
    ) -> Result<(), MonitorError> {
        let oldest = now.saturating_sub(MONITOR_AGE_MAX).as_secs();
        if self.auth.at_s < oldest {
            let text = "Invalid t= signature timestamp: timestamp is too old";
            return Err(MonitorError::new(4, text));
        }
        if self.auth.at_s > now.saturating_add(MONITOR_AHEAD_MAX).as_secs() {
            let text = "Invalid t= signature timestamp: timestamp is in the future";
            return Err(MonitorError::new(4, text));
        }
        if let Some(proof) = &self.auth.auth.subaccount {
            let permissions = proof.token.permissions();
            if !permissions.contains(Permissions::READ) {
                let text = "Subaccount verification failed: subaccount is missing the required permissions";
                return Err(MonitorError::new(5, text));
            }
        }
        let outcome = self.auth.auth.verify(
            &self.account,
            Permissions::READ,
            |_| false,
            &[&self.message()],
        );
        outcome.map_err(|_| MonitorError::signature())?;
        if !serves(&self.account) {
            return Err(MonitorError::wrong_swarm());
        }
        Ok(())
    }
}

fn message(
    account: &AnyId,
    namespaces: &[Namespace],
    want_data: bool,
    timestamp_s: u64,
) -> Vec<u8> {
    let namespaces: Vec<String> = namespaces.iter().map(ToString::to_string).collect();
    let namespaces = namespaces.join(",");
    let want_data = u8::from(want_data);
    alloc::format!("MONITOR{account}{timestamp_s}{want_data}{namespaces}").into_bytes()
}

fn parse_subaccount(token: &[u8], signature: &[u8]) -> Result<SubaccountProof, MonitorError> {
    let token = token
        .try_into()
        .map_err(|_| MonitorError::new(5, "Provided T= subaccount token must be 36 bytes"))?;
    let signature = Ed25519Signature::try_from(signature)
        .map_err(|_| MonitorError::new(5, "Provided S= signature must be 64 bytes"))?;
    Ok(SubaccountProof {
        token: Token::from_bytes(token),
        signature,
    })
}

fn parse_flag(value: Option<&Value>) -> Result<bool, MonitorError> {
    match value {
        None => Ok(false),
        Some(Value::Uint(number @ 0..=1)) => Ok(*number == 1),
        Some(Value::Uint(number)) => Err(MonitorError::too_large(*number, 1)),
        Some(Value::Int(number)) => Err(MonitorError::too_small(*number, 0)),
        Some(_) => Err(MonitorError::arguments("next value is not an integer")),
    }
}

fn parse_namespaces(value: &Value) -> Result<Vec<Namespace>, MonitorError> {
    let Value::List(items) = value else {
        return Err(MonitorError::arguments("next bt dict value is not a list"));
    };
    if items.is_empty() {
        return Err(MonitorError::arguments("next value is not an integer"));
    }
    let mut namespaces: Vec<Namespace> = Vec::new();
    for item in items {
        let number = match item {
            Value::Uint(number) => {
                i16::try_from(*number).map_err(|_| MonitorError::too_large(*number, 32_767))
            }
            Value::Int(number) => i16::try_from(*number)
                .map_err(|_| MonitorError::too_small(*number, i16::MIN.into())),
            _ => Err(MonitorError::arguments("next value is not an integer")),
        };
        let namespace = Namespace::new(number?);
        if namespaces.last().is_some_and(|last| *last >= namespace) {
            let text = "Invalid n= namespace list: namespaces must be ascending";
            return Err(MonitorError::new(3, text));
        }
        namespaces.push(namespace);
    }
    Ok(namespaces)
}

/// The requests of a body: one, or a list of them. Each is answered separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorRequests {
    /// The requests, or the errors of malformed ones.
    pub requests: Vec<Result<Monitor, MonitorError>>,
    is_list: bool,
}

impl MonitorRequests {
    /// Parses the body of a request. A list of more than [`MAX_REQUESTS`] is rejected as a whole:
    /// each two-byte entry would otherwise cost an answer of about a hundred bytes.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let wrong = "monitor request takes a single bencoded dict or list parameter";
        let parse = |request: &Value| match request {
            Value::Dict(_) => Monitor::parse(request),
            _ => Err(MonitorError::arguments(wrong)),
        };
        match Value::from_bencode(body) {
            Ok(Value::List(items)) if items.len() <= MAX_REQUESTS => Self {
                requests: items.iter().map(parse).collect(),
                is_list: true,
            },
            Ok(request) => Self {
                requests: [parse(&request)].into(),
                is_list: false,
            },
            Err(_) => Self {
                requests: [Err(MonitorError::arguments(wrong))].into(),
                is_list: false,
            },
        }
    }

    /// Encodes the answer: the outcome of each request, in order.
    #[must_use]
    pub fn answer(&self, outcomes: &[Result<(), MonitorError>]) -> Vec<u8> {
        let mut outcomes = outcomes.iter().map(write_outcome);
        if self.is_list {
            Value::List(outcomes.collect()).to_bencode()
        } else {
            // Absent: no outcome is null, which is bencoded as nothing.
            outcomes.next().unwrap_or_default().to_bencode()
        }
    }
}

fn write_outcome(outcome: &Result<(), MonitorError>) -> Value {
    match outcome {
        Ok(()) => Value::dict([("success", 1.into())]),
        Err(error) => Value::dict([
            ("errcode", u64::from(error.code).into()),
            ("error", error.text.as_str().into()),
        ]),
    }
}

/// Parses the answer to one request or to a list of them.
///
/// # Errors
///
/// [`AnswerError`] if the body is not such an answer.
pub fn read_answer(body: &[u8]) -> Result<Vec<Result<(), MonitorError>>, AnswerError> {
    let body = Value::from_bencode(body).map_err(|_| AnswerError::Encoding)?;
    let items = match &body {
        Value::List(items) => items.as_slice(),
        single => core::slice::from_ref(single),
    };
    items.iter().map(read_outcome).collect()
}

/// Parses one outcome. Some servers write `errcode` twice; the first one counts.
fn read_outcome(outcome: &Value) -> Result<Result<(), MonitorError>, AnswerError> {
    if outcome.get("success").and_then(Value::as_bool) == Some(true) {
        return Ok(Ok(()));
    }
    let code = outcome.get("errcode").and_then(Value::as_u64);
    let code = code.and_then(|code| u8::try_from(code).ok());
    let text = outcome.get("error").and_then(Value::as_text);
    // Absent: the code says what failed; the text is for people.
    Ok(Err(MonitorError {
        code: code.ok_or(AnswerError::Field("errcode"))?,
        text: text.unwrap_or_default().into(),
    }))
}

/// A node rejects a subscription.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("monitor error {code}: {text}")]
pub struct MonitorError {
    /// The code: 1 bad arguments, 2 bad key, 3 bad namespaces, 4 bad time, 5 bad signature, 6 wrong
    /// swarm.
    pub code: u8,
    /// The text of the node.
    pub text: String,
}

impl MonitorError {
    fn new(code: u8, text: &str) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    fn arguments(text: &str) -> Self {
        Self::new(1, &alloc::format!("Invalid arguments: {text}"))
    }

    /// Creates the rejection of an account of another swarm.
    #[must_use]
    pub fn wrong_swarm() -> Self {
        Self::new(6, "Wrong swarm")
    }

    fn pubkey(text: &str) -> Self {
        Self::new(2, text)
    }

    fn signature() -> Self {
        Self::new(5, "Signature verification failed")
    }

    fn too_large(number: u64, limit: u64) -> Self {
        Self::arguments(&alloc::format!(
            "Integer deserialization failed: found too-large value {number} > {limit}"
        ))
    }

    fn too_small(number: i64, limit: i64) -> Self {
        Self::arguments(&alloc::format!(
            "Integer deserialization failed: found too-small value {number} < {limit}"
        ))
    }
}

/// The notice of a new message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The account.
    pub account: AnyId,
    /// The hash of the message.
    pub hash: MessageHash,
    /// The namespace of the message.
    pub namespace: Namespace,
    /// The timestamp that the sender gave.
    pub timestamp: UnixMillis,
    /// The time until which the node keeps it.
    pub expiry: UnixMillis,
    /// The message, if the subscription asked for it.
    pub data: Option<Vec<u8>>,
}

impl Notice {
    /// Encodes the notice.
    #[must_use]
    pub fn to_bencode(&self) -> Vec<u8> {
        let mut out = Dict::new();
        let account = self.account.as_bytes().to_vec();
        out.insert("@".into(), Value::Bytes(account));
        out.insert("h".into(), self.hash.as_str().into());
        out.insert("n".into(), Value::int(self.namespace.number().into()));
        out.insert("t".into(), self.timestamp.get().into());
        out.insert("z".into(), self.expiry.get().into());
        if let Some(data) = &self.data {
            out.insert("~".into(), Value::Bytes(data.clone()));
        }
        Value::Dict(out).to_bencode()
    }

    /// Parses a notice.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if the bytes are not a notice.
    pub fn from_bencode(body: &[u8]) -> Result<Self, AnswerError> {
        let body = Value::from_bencode(body).map_err(|_| AnswerError::Encoding)?;
        let bytes = |key| match body.get(key) {
            Some(Value::Bytes(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        let number = |key: &'static str| {
            let number = body.get(key).and_then(Value::as_time);
            number.ok_or(AnswerError::Field(key))
        };
        let account = bytes("@").and_then(|id| id.try_into().ok());
        let hash = bytes("h").and_then(|hash| hash.try_into().ok());
        let namespace = body.get("n").and_then(Value::as_i64);
        let namespace = namespace.and_then(|number| i16::try_from(number).ok());
        Ok(Self {
            account: account.ok_or(AnswerError::Field("@"))?,
            hash: hash.ok_or(AnswerError::Field("h"))?,
            namespace: namespace
                .map(Namespace::new)
                .ok_or(AnswerError::Field("n"))?,
            timestamp: number("t")?,
            expiry: number("z")?,
            data: bytes("~").map(<[u8]>::to_vec),
        })
    }

    /// Returns whether the hash is that of the data; true if there is no data.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let hash = |data: &Vec<u8>| message_hash(&self.account, self.namespace, data);
        self.data
            .as_ref()
            .is_none_or(|data| hash(data) == self.hash)
    }
}
