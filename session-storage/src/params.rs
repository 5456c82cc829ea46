//! Parsers of all kinds of parameters (protocol: storage-rpc, section 2).

use alloc::string::String;
use alloc::vec::Vec;

use session_identity::subaccount::Token;
use session_types::limits::TIMESTAMP_MIN;
use session_types::{
    AnyId, Ed25519Public, Ed25519Signature, MessageHash, Namespace, Namespaces, UnixMillis, base64,
    hex,
};

use crate::Encoding;
use crate::auth::{Auth, SubaccountProof};
use crate::error::ParamError;
use crate::value::{Dict, Value};

type Result<T> = core::result::Result<T, ParamError>;

/// The parameters of a received request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<'a> {
    dict: &'a Dict,
    encoding: Encoding,
}

fn wrong_kind<T>(field: &'static str, expected: &'static str) -> Result<T> {
    Err(ParamError::Kind { field, expected })
}

/// Received text: text of JSON, or raw bytes.
#[derive(Clone, Copy)]
enum Str<'a> {
    Json(&'a str),
    Raw(&'a [u8]),
}

impl<'a> Str<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(Self::Json(text)),
            Value::Bytes(bytes) => Some(Self::Raw(bytes)),
            _ => None,
        }
    }

    const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Json(text) => text.as_bytes(),
            Self::Raw(bytes) => bytes,
        }
    }

    /// Parses exactly `N` raw bytes, or twice as many hex digits. In JSON only hex digits are
    /// accepted: raw bytes cannot be distinguished from text there.
    fn key<const N: usize>(self) -> Option<[u8; N]> {
        if let Self::Raw(bytes) = self
            && let Ok(key) = bytes.try_into()
        {
            return Some(key);
        }
        hex::decode(core::str::from_utf8(self.bytes()).ok()?)
    }
}

impl<'a> Params<'a> {
    pub(crate) const fn new(dict: &'a Dict, encoding: Encoding) -> Self {
        Self { dict, encoding }
    }

    /// Returns the encoding of the request.
    pub(crate) const fn encoding(self) -> Encoding {
        self.encoding
    }

    /// Returns the parameters of an inner dictionary.
    pub(crate) const fn inner(self, dict: &'a Dict) -> Self {
        Self::new(dict, self.encoding)
    }

    /// Returns whether a parameter is present, even if it is `null`.
    pub(crate) fn has(self, field: &str) -> bool {
        self.dict.get(field).is_some()
    }

    /// Returns a parameter; `null` counts as absent.
    pub(crate) fn get(self, field: &str) -> Option<&'a Value> {
        self.dict.get(field).filter(|value| **value != Value::Null)
    }

    fn str(self, field: &'static str) -> Result<Option<Str<'a>>> {
        match self.get(field) {
            None => Ok(None),
            Some(value) => match Str::of(value) {
                Some(text) => Ok(Some(text)),
                None => wrong_kind(field, "string"),
            },
        }
    }

    /// Parses text.
    pub(crate) fn text(self, field: &'static str) -> Result<Option<String>> {
        let text = self.str(field)?;
        Ok(text.map(|text| String::from_utf8_lossy(text.bytes()).into_owned()))
    }

    /// Parses an integer of either sign. One that does not fit into `i64` becomes the largest.
    pub(crate) fn int(self, field: &'static str) -> Result<Option<i64>> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(Value::Uint(number)) => Ok(Some(i64::try_from(*number).unwrap_or(i64::MAX))),
            Some(_) => wrong_kind(field, "integer"),
        }
    }

    /// Parses a truth value. In bencoding it is an integer.
    pub(crate) fn flag(self, field: &'static str) -> Result<bool> {
        match self.get(field) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::Uint(number @ 0..=1)) if self.encoding == Encoding::Bencode => {
                Ok(*number == 1)
            }
            Some(_) => wrong_kind(field, "boolean"),
        }
    }

    /// Parses a time in milliseconds.
    pub(crate) fn time(self, field: &'static str) -> Result<Option<UnixMillis>> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Uint(time)) if *time < TIMESTAMP_MIN && self.encoding == Encoding::Json => {
                Err(ParamError::NotMilliseconds(field))
            }
            Some(Value::Uint(time)) => Ok(Some(UnixMillis::new(*time))),
            Some(_) => wrong_kind(field, "integer timestamp (in milliseconds)"),
        }
    }

    /// Parses the `ttl` of `store`, which old clients send as text.
    pub(crate) fn ttl(self) -> Result<Option<u64>> {
        self.number_or_digits("ttl", "positive integer", |_| None)
    }

    /// Parses the `timestamp` of `store`, which old clients send as text. A negative number becomes
    /// a time in the far future, because deployed nodes keep its bits.
    pub(crate) fn store_timestamp(self) -> Result<Option<u64>> {
        self.number_or_digits("timestamp", "integer", |number| {
            Some(u64::from_ne_bytes(number.to_ne_bytes()))
        })
    }

    fn number_or_digits(
        self,
        field: &'static str,
        expected: &'static str,
        negative: impl FnOnce(i64) -> Option<u64>,
    ) -> Result<Option<u64>> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Uint(number)) => Ok(Some(*number)),
            Some(Value::Int(number)) => match negative(*number) {
                Some(number) => Ok(Some(number)),
                None => wrong_kind(field, expected),
            },
            Some(value) => match value.as_text() {
                Some(text) if text.bytes().all(|digit| digit.is_ascii_digit()) => {
                    let number = text.parse().ok();
                    number.map(Some).ok_or_else(|| not_digits(field, text))
                }
                Some(text) => Err(not_digits(field, text)),
                None => wrong_kind(field, expected),
            },
        }
    }

    /// Parses the number of a namespace.
    pub(crate) fn namespace(self) -> Result<Option<Namespace>> {
        self.namespace_or("16-bit integer")
    }

    fn namespace_or(self, expected: &'static str) -> Result<Option<Namespace>> {
        const FIELD: &str = "namespace";
        match self.get(FIELD) {
            None => Ok(None),
            Some(Value::Uint(number)) => i16::try_from(*number)
                .map(|number| Some(Namespace::new(number)))
                .map_err(|_| ParamError::OutOfRange(FIELD)),
            Some(Value::Int(number)) => i16::try_from(*number)
                .map(|number| Some(Namespace::new(number)))
                .map_err(|_| ParamError::OutOfRange(FIELD)),
            Some(_) => wrong_kind(FIELD, expected),
        }
    }

    /// Parses the number of a namespace or `all`; 0 if absent.
    pub(crate) fn namespaces(self) -> Result<Namespaces> {
        if self.get("namespace").and_then(Value::as_text) == Some("all") {
            return Ok(Namespaces::All);
        }
        let one = self.namespace_or("integer or \"all\"")?;
        Ok(Namespaces::One(one.unwrap_or(Namespace::DEFAULT)))
    }

    /// Parses the account id.
    pub(crate) fn account(self) -> Result<AnyId> {
        self.account_or(self.str("pubkey")?, ParamError::Pubkey)
    }

    /// Parses the account id under its name or its old name.
    pub(crate) fn account_with_alias(self, malformed: ParamError) -> Result<AnyId> {
        match (self.str("pubKey")?, self.str("pubkey")?) {
            (Some(_), Some(_)) => Err(ParamError::BothPubkeys),
            (old, new) => self.account_or(new.or(old), malformed),
        }
    }

    fn account_or(self, text: Option<Str<'_>>, malformed: ParamError) -> Result<AnyId> {
        let text = text.ok_or(ParamError::Missing("pubkey"))?;
        let bytes = text.key().ok_or(malformed)?;
        Ok(AnyId::from_bytes(bytes))
    }

    /// Rejects a malformed key or signature of `store` and `retrieve`. Deployed nodes report these
    /// before other wrong parameters, but a missing one later.
    pub(crate) fn check_malformed_auth(self) -> Result<()> {
        match self.account_with_alias(ParamError::Pubkey) {
            Err(ParamError::Missing(_)) => Ok(()),
            account => self.auth_fields(&account?).map(drop),
        }
    }

    /// Parses the fields of a signature, which may be missing.
    pub(crate) fn auth_fields(self, account: &AnyId) -> Result<AuthFields> {
        let pubkey_ed25519 = self.ed25519_key(account)?;
        let signature = self.signature("signature", "signature")?;
        let subaccount = self.subaccount()?;
        Ok(AuthFields {
            pubkey_ed25519,
            signature,
            subaccount,
        })
    }

    /// Parses the required signature.
    pub(crate) fn auth(self, account: &AnyId) -> Result<Auth> {
        let fields = self.auth_fields(account)?;
        fields.auth().ok_or(ParamError::Missing("signature"))
    }

    fn ed25519_key(self, account: &AnyId) -> Result<Option<Ed25519Public>> {
        let Some(text) = self.str("pubkey_ed25519")? else {
            return Ok(None);
        };
        if !account.is_account() {
            return Err(ParamError::Ed25519KeyNotAllowed);
        }
        let key = text.key().ok_or(match text.bytes().len() {
            64 => ParamError::Ed25519KeyHex,
            _ => ParamError::Ed25519Key,
        })?;
        Ok(Some(Ed25519Public::from_bytes(key)))
    }

    fn signature(
        self,
        field: &'static str,
        name: &'static str,
    ) -> Result<Option<Ed25519Signature>> {
        let bytes = match self.str(field)? {
            None => return Ok(None),
            Some(Str::Raw(bytes)) => bytes
                .try_into()
                .map_err(|_| ParamError::SignatureBytes(name))?,
            Some(Str::Json(text)) => {
                let right_length = matches!(text.len(), 86 | 88);
                right_length
                    .then(|| base64::decode_array_lenient(text))
                    .flatten()
                    .ok_or(ParamError::SignatureBase64(name))?
            }
        };
        Ok(Some(Ed25519Signature::from_bytes(bytes)))
    }

    fn subaccount(self) -> Result<Option<SubaccountProof>> {
        let signature = self.signature("subaccount_sig", "subaccount signature")?;
        let Some(text) = self.str("subaccount")? else {
            return Ok(None);
        };
        if text.bytes().is_empty() {
            return Ok(None);
        }
        let token = token(text).ok_or(ParamError::Subaccount)?;
        let signature = signature.ok_or(ParamError::SubaccountSignatureMissing)?;
        Ok(Some(SubaccountProof { token, signature }))
    }

    /// Parses a list of strings, or one string.
    fn strs(self, field: &'static str) -> Result<Vec<Str<'a>>> {
        let value = self.get(field).ok_or(ParamError::Missing(field))?;
        let strs: Option<Vec<_>> = match value {
            Value::List(items) => items.iter().map(Str::of).collect(),
            value => Str::of(value).map(|text| [text].into()),
        };
        strs.ok_or(ParamError::Kind {
            field,
            expected: "string array",
        })
    }

    /// Parses hashes of messages, at least one.
    pub(crate) fn hashes(self) -> Result<Vec<MessageHash>> {
        let texts = self.hash_texts()?;
        let hashes = texts.into_iter().map(|text| {
            let hash = text.parse::<MessageHash>();
            hash.map_err(|_| ParamError::Hash(text))
        });
        hashes.collect()
    }

    /// Parses texts in the place of hashes, at least one.
    pub(crate) fn hash_texts(self) -> Result<Vec<String>> {
        let texts = self.strs("messages")?;
        if texts.is_empty() {
            return Err(ParamError::NoHashes);
        }
        let texts = texts.into_iter();
        Ok(texts
            .map(|text| String::from_utf8_lossy(text.bytes()).into_owned())
            .collect())
    }

    /// Parses subaccount tokens.
    pub(crate) fn tokens(self, field: &'static str) -> Result<Vec<Token>> {
        let texts = self.strs(field)?.into_iter();
        texts
            .map(|text| token(text).ok_or(ParamError::Token(field)))
            .collect()
    }

    /// Parses one time or a list of times, of any size.
    pub(crate) fn times(self, field: &'static str) -> Result<Vec<UnixMillis>> {
        let value = self.get(field).ok_or(ParamError::Missing(field))?;
        let times: Option<Vec<_>> = match value {
            Value::List(items) => items.iter().map(Value::as_time).collect(),
            value => value.as_time().map(|time| [time].into()),
        };
        times.ok_or(ParamError::Kind {
            field,
            expected: "timestamp array",
        })
    }

    /// Parses a list of integers, or one. At most the first `max` count. An empty list counts as
    /// absent.
    pub(crate) fn ints(self, field: &'static str, max: usize) -> Result<Option<Vec<u64>>> {
        let Some(value) = self.get(field) else {
            return Ok(None);
        };
        let number = |value: &Value| match value {
            Value::Int(_) => Some(0),
            value => value.as_u64(),
        };
        let ints: Option<Vec<_>> = match value {
            Value::List(items) => items.iter().map(number).collect(),
            value => number(value).map(|number| [number].into()),
        };
        let mut ints = ints.ok_or(ParamError::Kind {
            field,
            expected: "integer array",
        })?;
        ints.truncate(max);
        Ok((!ints.is_empty()).then_some(ints))
    }

    /// Parses message data: base64, or raw bytes in bencoding.
    pub(crate) fn data(self, max: usize, max_base64: usize) -> Result<Option<Vec<u8>>> {
        let bytes = match self.str("data")? {
            None => return Ok(None),
            Some(Str::Raw(bytes)) if bytes.len() > max => return Err(ParamError::DataTooLong),
            Some(Str::Raw(bytes)) => bytes.into(),
            Some(Str::Json(text)) if text.len() > max_base64 => {
                return Err(ParamError::DataTooLong);
            }
            Some(Str::Json(text)) => base64::decode_lenient(text).ok_or(ParamError::Data)?,
        };
        Ok(Some(bytes))
    }
}

fn not_digits(field: &'static str, text: &str) -> ParamError {
    ParamError::NotDigits {
        field,
        text: text.into(),
    }
}

/// Parses a token: 36 raw bytes in bencoding, 72 hex digits or 48 characters of base64 in JSON.
/// Base64 that ends in padding yields fewer bytes; zeros fill up the token.
fn token(text: Str<'_>) -> Option<Token> {
    let bytes = match text {
        Str::Raw(bytes) => bytes.try_into().ok()?,
        Str::Json(text) if text.len() == 72 => hex::decode(text)?,
        Str::Json(text) if text.len() == 48 => {
            let mut token = [0; 36];
            let given = base64::decode_lenient(text)?;
            #[expect(
                clippy::disallowed_methods,
                reason = "the place was cut to the length of what was given"
            )]
            token.get_mut(..given.len())?.copy_from_slice(&given);
            token
        }
        Str::Json(_) => return None,
    };
    Some(Token::from_bytes(bytes))
}

/// The fields of a signature.
#[derive(Debug, Clone)]
pub(crate) struct AuthFields {
    pub(crate) pubkey_ed25519: Option<Ed25519Public>,
    pub(crate) signature: Option<Ed25519Signature>,
    pub(crate) subaccount: Option<SubaccountProof>,
}

impl AuthFields {
    pub(crate) fn auth(self) -> Option<Auth> {
        Some(Auth {
            pubkey_ed25519: self.pubkey_ed25519,
            signature: self.signature?,
            subaccount: self.subaccount,
        })
    }
}
