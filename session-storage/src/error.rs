//! Why a node refuses a request: the statuses and texts of the deployed storage server.
//!
//! Clients decide by status; the texts are kept to the letter all the same, since people search
//! for them (protocol: storage-rpc, sections 1.6 and 2).

use alloc::string::String;

use session_types::Namespace;

use crate::Method;

/// A parameter that cannot be accepted; status 400 with `invalid request: ` in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// A parameter that must be there.
    #[error("Required field '{0}' missing")]
    Missing(&'static str),
    /// A parameter of another type.
    #[error("Invalid value given for '{field}': expected {expected}")]
    Kind {
        /// Its name.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A namespace outside 16 bits.
    #[error("Invalid value given for '{0}': value out of range")]
    OutOfRange(&'static str),
    /// Text that should be digits.
    #[error("Invalid value given for '{field}': \"{text}\"")]
    NotDigits {
        /// Its name.
        field: &'static str,
        /// The text.
        text: String,
    },
    /// A timestamp below 1,000,000,000.
    #[error("Invalid timestamp for '{0}': timestamp must be in milliseconds")]
    NotMilliseconds(&'static str),
    /// The account id under both its names.
    #[error("Cannot specify both 'pubkey' and 'pubKey'")]
    BothPubkeys,
    /// An account id of another form.
    #[error("Pubkey must be 66 hex digits (33 bytes) long")]
    Pubkey,
    /// An account id of another form, in `get_swarm`.
    #[error("Pubkey must be 66 hex digits/33 bytes long")]
    PubkeyOfSwarm,
    /// An Ed25519 key of another form.
    #[error("Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey")]
    Ed25519Key,
    /// An Ed25519 key of 64 characters that are not hex digits.
    #[error("invalid pubkey_ed25519: value is not hex")]
    Ed25519KeyHex,
    /// An Ed25519 key with an account that is not a user's.
    #[error("pubkey_ed25519 is only permitted for 05[...] pubkeys")]
    Ed25519KeyNotAllowed,
    /// A signature that is not base64 of 64 bytes.
    #[error("invalid {0}: expected base64 encoded Ed25519 signature")]
    SignatureBase64(&'static str),
    /// A bencoded signature that has not 64 bytes.
    #[error("invalid {0}: expected 64-byte Ed25519 signature")]
    SignatureBytes(&'static str),
    /// A subaccount token of another form.
    #[error("invalid subaccount: expected base64 or hex-encoded subaccount token")]
    Subaccount,
    /// A subaccount token without the signature that makes it valid.
    #[error("invalid subaccount: subaccount_sig is required when using subaccount")]
    SubaccountSignatureMissing,
    /// A token in a list to revoke or unrevoke that has another form.
    #[error("invalid {0}: expected base64 or hex-encoded subaccount tag")]
    Token(&'static str),
    /// Too many tokens to revoke.
    #[error("invalid revoke: cannot revoke more than 50 subaccounts at once")]
    TooManyTokens,
    /// Both ways to say how long to store.
    #[error("Cannot specify both 'expiry' and 'ttl'")]
    ExpiryAndTtl,
    /// Neither way to say how long to store.
    #[error("Required field 'expiry' or 'ttl' missing")]
    NoExpiryOrTtl,
    /// Message data that is not base64.
    #[error("Invalid 'data' value: not base64 encoded")]
    Data,
    /// Message data that is too long.
    #[error("Message body exceeds maximum allowed length of 76800 bytes")]
    DataTooLong,
    /// A `last_hash` of another length.
    #[error("Invalid last_hash: expected base64 (43 chars)")]
    LastHashLength,
    /// A `last_hash` that is not base64.
    #[error("Invalid last_hash: not base64")]
    LastHash,
    /// An empty list of hashes.
    #[error("messages does not contain any message hashes")]
    NoHashes,
    /// A text in the list of hashes that is not a hash.
    #[error("invalid message hash: {0}")]
    Hash(String),
    /// Both directions of `expire`.
    #[error("cannot specify both 'shorten' and 'extend'")]
    ShortenAndExtend,
    /// Neither one expiry nor one for each hash.
    #[error("'expiry' must be a single expiry, or the same length as 'messages'")]
    ExpiryCount,
    /// An empty list of expiries.
    #[error("'expiry' does not contain any expiration timestamps")]
    NoExpiries,
    /// A daemon method that nodes do not pass on.
    #[error("Invalid oxend endpoint '{0}'")]
    OxendEndpoint(String),
    /// A batch without requests.
    #[error("Invalid batch request: no valid \"requests\" field")]
    BatchEmpty,
    /// A batch of more than 20 requests.
    #[error("Invalid batch request: subrequest limit exceeded")]
    BatchTooLong,
    /// A member of a batch that is not an object.
    #[error("Invalid batch request: requests must be objects")]
    BatchMember,
    /// A member of a batch without its two keys.
    #[error("Invalid batch request: subrequests must have method/params keys")]
    BatchMemberKeys,
    /// A member of a batch of an unknown method.
    #[error("Invalid batch subrequest: invalid method \"{0}\"")]
    BatchMethod(String),
    /// A batch in a batch.
    #[error("Invalid batch subrequest: subrequests may not contain meta-requests")]
    BatchNested,
    /// An `ifelse` without `if`.
    #[error("Invalid ifelse request: no valid \"if\" field")]
    IfElseNoIf,
    /// An `ifelse` without conditions.
    #[error("Invalid ifelse request: must specify at least one \"if\" condition")]
    IfElseNoCondition,
    /// An `ifelse` without branches.
    #[error("Invalid ifelse request: at least one of \"then\"/\"else\" required")]
    IfElseNoBranch,
    /// A branch that is not an object.
    #[error("Invalid ifelse request: {0} must be an object")]
    IfElseBranch(&'static str),
    /// A branch without its two keys.
    #[error("Invalid ifelse request: {0} must have method/params keys")]
    IfElseBranchKeys(&'static str),
    /// A branch of an unknown method.
    #[error("Invalid ifelse request method \"{0}\"")]
    IfElseMethod(&'static str),
    /// A node forwarded a method that is not forwarded.
    #[error("received invalid forwarded non-forwardable request")]
    NotForwardable,
}

/// Why a node refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// 400: the body is not JSON.
    #[error("invalid json")]
    Json,
    /// 400: no `method`, or not a text.
    #[error("invalid json: no `method` field")]
    NoMethodField,
    /// 400: no `params`, or not an object.
    #[error("invalid json: no `params` field")]
    NoParamsField,
    /// 400: unknown method.
    #[error("no method {0}")]
    NoMethod(String),
    /// 400: the parameters are neither a JSON object nor a bencoded dict.
    #[error("invalid body: expected json or bt_dict")]
    Body,
    /// 400: a parameter cannot be accepted.
    #[error("invalid request: {0}")]
    Param(#[from] ParamError),
    /// 400: `shorten` by a subaccount that may not delete.
    #[error(
        "expire: shorten parameter cannot be used with this subaccount token (missing delete access)"
    )]
    ShortenWithoutDelete,
    /// 401: the namespace needs a signature.
    #[error("store: signature required to store to namespace {0}")]
    StoreUnsigned(Namespace),
    /// 401: the request needs a signature.
    #[error("retrieve: request signature required")]
    RetrieveUnsigned,
    /// 401: the signature, its key or its permissions do not serve.
    #[error("{}", signature_text(*.0))]
    Signature(Method),
    /// 401: `delete_before` with a time ahead of the node's clock.
    #[error("delete_before timestamp too far in the future")]
    BeforeInFuture,
    /// 401: `expire` with a time behind the node's clock.
    #[error("expire: timestamp should be >= current time")]
    ExpireInPast,
    /// 403: the lifetime is too short or too long.
    #[error("Provided expiry/TTL is not valid.")]
    Ttl,
    /// 403: several expiries before hard fork 19.4.
    #[error("expire: multi-expiry requests are not yet active on the network")]
    MultiExpiry,
    /// 406: the time of a message to store does not fit the node's clock.
    #[error("Timestamp error: check your clock")]
    StoreClock,
    /// 406: the time of a signature is too far from the node's clock.
    #[error("{}", clock_text(*.0))]
    Clock(Method),
    /// 406: `expire_all` with a time behind the node's clock.
    #[error("expire_all timestamp should be >= current time")]
    ExpireAllInPast,
    /// 410: the header of a form of the protocol that is no more.
    #[error("long polling is no longer supported, client upgrade required")]
    LongPolling,
    /// 421: the node is not in the swarm of the account. The body is the swarm
    /// ([`SwarmInfo`](crate::SwarmInfo)), not this text.
    #[error("wrong swarm")]
    WrongSwarm,
    /// 429: too many requests.
    #[error("Too Many Requests\n")]
    RateLimit,
    /// 500: anything unexpected.
    #[error("request failed")]
    Internal,
    /// 503: the node cannot serve yet.
    #[error("Service node is not ready: {0}\n")]
    NotReady(String),
}

fn signature_text(method: Method) -> String {
    match method {
        Method::Delete => "delete_msgs signature verification failed".into(),
        Method::Expire => "expire: signature verification failed".into(),
        method => alloc::format!("{method} signature verification failed"),
    }
}

fn clock_text(method: Method) -> String {
    match method {
        Method::Store => "store signature timestamp too far from current time".into(),
        method => alloc::format!("{method} timestamp too far from current time"),
    }
}

impl RpcError {
    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Json
            | Self::NoMethodField
            | Self::NoParamsField
            | Self::NoMethod(_)
            | Self::Body
            | Self::Param(_)
            | Self::ShortenWithoutDelete => 400,
            Self::StoreUnsigned(_)
            | Self::RetrieveUnsigned
            | Self::Signature(_)
            | Self::BeforeInFuture
            | Self::ExpireInPast => 401,
            Self::Ttl | Self::MultiExpiry => 403,
            Self::StoreClock | Self::Clock(_) | Self::ExpireAllInPast => 406,
            Self::LongPolling => 410,
            Self::WrongSwarm => 421,
            Self::RateLimit => 429,
            Self::Internal => 500,
            Self::NotReady(_) => 503,
        }
    }
}
