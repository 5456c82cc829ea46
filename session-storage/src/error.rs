//! Rejections of a node: the statuses and texts of the deployed storage server.
//!
//! Clients decide by the status. The texts match the deployed server to the letter, because people
//! search for them (protocol: storage-rpc, sections 1.6 and 2).

use alloc::string::String;

use session_types::Namespace;

use crate::Method;

/// A parameter is invalid; status 400 with `invalid request: ` in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// A required parameter is missing.
    #[error("Required field '{0}' missing")]
    Missing(&'static str),
    /// A parameter has the wrong type.
    #[error("Invalid value given for '{field}': expected {expected}")]
    Kind {
        /// The name of the parameter.
        field: &'static str,
        /// The expected type.
        expected: &'static str,
    },
    /// A namespace does not fit into 16 bits.
    #[error("Invalid value given for '{0}': value out of range")]
    OutOfRange(&'static str),
    /// A text does not consist of digits.
    #[error("Invalid value given for '{field}': \"{text}\"")]
    NotDigits {
        /// The name of the parameter.
        field: &'static str,
        /// The text.
        text: String,
    },
    /// A timestamp is below 1,000,000,000.
    #[error("Invalid timestamp for '{0}': timestamp must be in milliseconds")]
    NotMilliseconds(&'static str),
    /// The account id is given under both of its names.
    #[error("Cannot specify both 'pubkey' and 'pubKey'")]
    BothPubkeys,
    /// The account id is malformed.
    #[error("Pubkey must be 66 hex digits (33 bytes) long")]
    Pubkey,
    /// The account id of a `get_swarm` is malformed.
    #[error("Pubkey must be 66 hex digits/33 bytes long")]
    PubkeyOfSwarm,
    /// The Ed25519 key is malformed.
    #[error("Invalid pubkey_ed25519: expected 64 hex char or 32 byte pubkey")]
    Ed25519Key,
    /// The Ed25519 key has 64 characters that are not all hex digits.
    #[error("invalid pubkey_ed25519: value is not hex")]
    Ed25519KeyHex,
    /// An Ed25519 key is given for an id whose prefix is not 05.
    #[error("pubkey_ed25519 is only permitted for 05[...] pubkeys")]
    Ed25519KeyNotAllowed,
    /// A signature is not base64 of 64 bytes.
    #[error("invalid {0}: expected base64 encoded Ed25519 signature")]
    SignatureBase64(&'static str),
    /// A bencoded signature does not have 64 bytes.
    #[error("invalid {0}: expected 64-byte Ed25519 signature")]
    SignatureBytes(&'static str),
    /// The subaccount token is malformed.
    #[error("invalid subaccount: expected base64 or hex-encoded subaccount token")]
    Subaccount,
    /// The signature over the subaccount token is missing.
    #[error("invalid subaccount: subaccount_sig is required when using subaccount")]
    SubaccountSignatureMissing,
    /// A token to revoke or unrevoke is malformed.
    #[error("invalid {0}: expected base64 or hex-encoded subaccount tag")]
    Token(&'static str),
    /// There are too many tokens to revoke.
    #[error("invalid revoke: cannot revoke more than 50 subaccounts at once")]
    TooManyTokens,
    /// Both `expiry` and `ttl` are given.
    #[error("Cannot specify both 'expiry' and 'ttl'")]
    ExpiryAndTtl,
    /// Neither `expiry` nor `ttl` is given.
    #[error("Required field 'expiry' or 'ttl' missing")]
    NoExpiryOrTtl,
    /// The message data is not base64.
    #[error("Invalid 'data' value: not base64 encoded")]
    Data,
    /// The message data is too long.
    #[error("Message body exceeds maximum allowed length of 76800 bytes")]
    DataTooLong,
    /// `last_hash` has the wrong length.
    #[error("Invalid last_hash: expected base64 (43 chars)")]
    LastHashLength,
    /// `last_hash` is not base64.
    #[error("Invalid last_hash: not base64")]
    LastHash,
    /// The list of hashes is empty.
    #[error("messages does not contain any message hashes")]
    NoHashes,
    /// An entry in the list of hashes is not a hash.
    #[error("invalid message hash: {0}")]
    Hash(String),
    /// Both directions of `expire` are given.
    #[error("cannot specify both 'shorten' and 'extend'")]
    ShortenAndExtend,
    /// There is neither one expiry nor one for each hash.
    #[error("'expiry' must be a single expiry, or the same length as 'messages'")]
    ExpiryCount,
    /// The list of expiries is empty.
    #[error("'expiry' does not contain any expiration timestamps")]
    NoExpiries,
    /// Nodes do not forward this method of the chain daemon.
    #[error("Invalid oxend endpoint '{0}'")]
    OxendEndpoint(String),
    /// A batch has no requests.
    #[error("Invalid batch request: no valid \"requests\" field")]
    BatchEmpty,
    /// A batch has more than 20 requests.
    #[error("Invalid batch request: subrequest limit exceeded")]
    BatchTooLong,
    /// A member of a batch is not an object.
    #[error("Invalid batch request: requests must be objects")]
    BatchMember,
    /// A member of a batch lacks one of its two keys.
    #[error("Invalid batch request: subrequests must have method/params keys")]
    BatchMemberKeys,
    /// A member of a batch has an unknown method.
    #[error("Invalid batch subrequest: invalid method \"{0}\"")]
    BatchMethod(String),
    /// A batch contains a batch, sequence or `ifelse`.
    #[error("Invalid batch subrequest: subrequests may not contain meta-requests")]
    BatchNested,
    /// An `ifelse` has no `if`.
    #[error("Invalid ifelse request: no valid \"if\" field")]
    IfElseNoIf,
    /// An `ifelse` has no conditions.
    #[error("Invalid ifelse request: must specify at least one \"if\" condition")]
    IfElseNoCondition,
    /// An `ifelse` has no branches.
    #[error("Invalid ifelse request: at least one of \"then\"/\"else\" required")]
    IfElseNoBranch,
    /// A branch is not an object.
    #[error("Invalid ifelse request: {0} must be an object")]
    IfElseBranch(&'static str),
    /// A branch lacks one of its two keys.
    #[error("Invalid ifelse request: {0} must have method/params keys")]
    IfElseBranchKeys(&'static str),
    /// A branch has an unknown method.
    #[error("Invalid ifelse request method \"{0}\"")]
    IfElseMethod(&'static str),
    /// A node forwarded a method that must not be forwarded.
    #[error("received invalid forwarded non-forwardable request")]
    NotForwardable,
}

/// A node rejects a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// 400: the body is not JSON.
    #[error("invalid json")]
    Json,
    /// 400: `method` is missing or not a text.
    #[error("invalid json: no `method` field")]
    NoMethodField,
    /// 400: `params` is missing or not an object.
    #[error("invalid json: no `params` field")]
    NoParamsField,
    /// 400: the method is unknown.
    #[error("no method {0}")]
    NoMethod(String),
    /// 400: the parameters are neither a JSON object nor a bencoded dict.
    #[error("invalid body: expected json or bt_dict")]
    Body,
    /// 400: a parameter is invalid.
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
    /// 401: the signature does not verify, its key is unusable, or its permissions are
    /// insufficient.
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
    /// 410: the request has the header of a retired version of the protocol.
    #[error("long polling is no longer supported, client upgrade required")]
    LongPolling,
    /// 421: the node is not in the swarm of the account. The body is the swarm
    /// ([`SwarmInfo`](crate::SwarmInfo)), not this text.
    #[error("wrong swarm")]
    WrongSwarm,
    /// 429: too many requests.
    #[error("Too Many Requests\n")]
    RateLimit,
    /// 500: an unexpected failure.
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
    /// Returns the status of the answer.
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
