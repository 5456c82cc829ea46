//! Parts common to both requests: signer, device and signature.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};
use session_crypto::{Ed25519Public, Ed25519PublicExt, Ed25519Signature, KeyError};
use session_identity::subaccount::{AuthData, Permissions, Token};
use session_identity::{Account, Group};
use session_types::{AnyId, GroupId, Namespace, UnixMillis, hex};

use crate::text;

/// Path of the request to subscribe.
pub const SUBSCRIBE: &str = "/subscribe";
/// Path of the request to unsubscribe.
pub const UNSUBSCRIBE: &str = "/unsubscribe";

/// Destination of notifications: a service and the device's token there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// `apns`, `apns-sandbox`, `firebase`, `huawei`, or one that a test server offers; 1 to 32
    /// characters.
    pub service: String,
    /// The token that the service gave the device, 32 to 999 bytes.
    pub token: String,
}

/// Signer of a request.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// An account.
    Account(&'a Account),
    /// An admin of a group.
    Group(&'a Group),
    /// A member of a group, with their auth data.
    Member {
        /// The group.
        group: &'a GroupId,
        /// Auth data for the group's swarm.
        auth: &'a AuthData,
        /// The member.
        member: &'a Account,
    },
}

/// Signer of a request, as received. Not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The account or group.
    pub id: AnyId,
    /// The Ed25519 key of an account.
    pub ed25519: Option<Ed25519Public>,
    /// The subaccount and the account's signature over it.
    pub subaccount: Option<(Token, Ed25519Signature)>,
    /// The signature of the request.
    pub signature: Ed25519Signature,
}

impl Signer<'_> {
    /// Returns the id of the account or group.
    #[must_use]
    pub fn id(&self) -> AnyId {
        match self {
            Self::Account(account) => account.id().into(),
            Self::Group(group) => group.id().into(),
            Self::Member { group, .. } => (*group).into(),
        }
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &str) -> Result<Access, KeyError> {
        let (id, message) = (self.id(), message.as_bytes());
        Ok(match self {
            Self::Account(account) => Access {
                id,
                ed25519: Some(account.ed25519_public()),
                subaccount: None,
                signature: account.ed25519().sign(message),
            },
            Self::Group(group) => Access {
                id,
                ed25519: None,
                subaccount: None,
                signature: group.ed25519().sign(message),
            },
            Self::Member { auth, member, .. } => {
                let signed = auth.sign(member, message)?;
                Access {
                    id,
                    ed25519: None,
                    subaccount: Some((signed.token, signed.token_signature)),
                    signature: signed.signature,
                }
            }
        })
    }
}

/// The text that a subscription signs. Namespaces are in ascending order.
pub(super) fn subscribe_text(
    id: &AnyId,
    at: UnixMillis,
    data: bool,
    namespaces: &[Namespace],
) -> String {
    let numbers: Vec<String> = namespaces
        .iter()
        .map(|namespace| namespace.number().to_string())
        .collect();
    alloc::format!(
        "MONITOR{id}{}{}{}",
        at.as_secs(),
        u8::from(data),
        numbers.join(",")
    )
}

/// The text that ends a subscription.
pub(super) fn unsubscribe_text(id: &AnyId, at: UnixMillis) -> String {
    alloc::format!("UNSUBSCRIBE{id}{}", at.as_secs())
}

/// Writes the parameters that both requests have.
pub(super) fn write(access: &Access, at: UnixMillis, device: &Device) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |key: &str, value: Value| fields.insert(key.into(), value);
    put("pubkey", json!(access.id.to_string()));
    if let Some(key) = access.ed25519 {
        put("session_ed25519", json!(key.to_string()));
    }
    if let Some((token, signature)) = &access.subaccount {
        put("subaccount", json!(hex::encode(token.as_bytes())));
        put("subaccount_sig", json!(signature.to_string()));
    }
    put("sig_ts", json!(at.as_secs()));
    put("signature", json!(access.signature.to_string()));
    put("service", json!(device.service));
    put("service_info", json!({ "token": device.token }));
    fields
}

/// Rejected common parameters: a code and a text.
pub(super) type Refused = (u8, &'static str);

const MISSING: Refused = (super::code::BAD_INPUT, "Missing required parameter");
const FAILED: Refused = (super::code::ERROR, "verification failed");

/// The parameters of a request, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Signer of the request.
    pub access: Access,
    /// Time of signing, in whole seconds.
    pub at: UnixMillis,
    /// For which device.
    pub device: Device,
}

fn bytes<const N: usize>(item: &Map<String, Value>, key: &str) -> Result<[u8; N], Refused> {
    let text = item.get(key).and_then(Value::as_str).ok_or(MISSING)?;
    text::decode(text).ok_or((
        super::code::BAD_INPUT,
        "Invalid parameter: wrong size or encoding",
    ))
}

/// Reads bytes that must be there.
pub(super) fn required<const N: usize>(
    item: &Map<String, Value>,
    key: &str,
) -> Result<[u8; N], Refused> {
    bytes(item, key)
}

impl Fields {
    /// Reads the common parameters of one item.
    pub(super) fn read(item: &Map<String, Value>) -> Result<Self, Refused> {
        let id = AnyId::from_bytes(bytes(item, "pubkey")?);
        let ed25519 = match id.is_account() {
            true => Some(Ed25519Public::from_bytes(bytes(item, "session_ed25519")?)),
            false => None,
        };
        let present = |key| item.get(key).is_some_and(|value: &Value| !value.is_null());
        let subaccount = match (present("subaccount"), present("subaccount_sig")) {
            (false, false) => None,
            (true, true) => Some((
                Token::from_bytes(bytes(item, "subaccount")?),
                Ed25519Signature::from_bytes(bytes(item, "subaccount_sig")?),
            )),
            _ => return Err(MISSING),
        };
        let seconds = item.get("sig_ts").and_then(Value::as_u64).ok_or(MISSING)?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(String::from);
        let service = text(item.get("service")).ok_or(MISSING)?;
        let info = item.get("service_info").and_then(Value::as_object);
        let token = text(info.ok_or(MISSING)?.get("token")).ok_or(MISSING)?;
        Ok(Self {
            access: Access {
                id,
                ed25519,
                subaccount,
                signature: Ed25519Signature::from_bytes(bytes(item, "signature")?),
            },
            at: UnixMillis::from_secs(seconds),
            device: Device { service, token },
        })
    }

    /// Verifies the signature over a text, as a storage node does.
    pub(super) fn verify(&self, message: &str) -> Result<(), Refused> {
        let access = &self.access;
        let key = match access.ed25519 {
            None => Ed25519Public::from_bytes(*access.id.key_bytes()),
            Some(key) => {
                let converted = key.to_x25519().map_err(|_| FAILED)?;
                if converted.as_bytes() != access.id.key_bytes() {
                    return Err(FAILED);
                }
                key
            }
        };
        let message = message.as_bytes();
        let Some((token, token_signature)) = &access.subaccount else {
            return key.verify(message, &access.signature).map_err(|_| FAILED);
        };
        use session_identity::subaccount::SubaccountError;
        let code = super::code::ERROR;
        token
            .verify(&key, access.id.prefix(), Permissions::READ, token_signature)
            .map_err(|error| match error {
                SubaccountError::Permission { .. } => (
                    code,
                    "Invalid subaccount: this subaccount does not have read permission",
                ),
                SubaccountError::Prefix { .. } => (
                    code,
                    "Invalid subaccount: subaccount and main account have mismatched network prefix",
                ),
                _ => (code, "Subaccount main signature verification failed"),
            })?;
        token
            .key()
            .verify(message, &access.signature)
            .map_err(|_| (code, "Subaccount auth signature verification failed"))
    }
}
