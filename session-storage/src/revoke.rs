//! `revoke_subaccount` and `unrevoke_subaccount` (protocol: storage-rpc, section 5.9).
//!
//! A node forgets revocations with the last message of the account, and takes none while there is
//! no message: store something first.

use alloc::string::ToString;
use alloc::vec::Vec;

use session_crypto::SignatureError;
use session_swarm::StorageAccount;

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer, SubaccountToken};
use crate::limits::REVOKED_MAX;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{SwarmAnswer, SwarmCall, SwarmEntry, concat};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// `head`, the time, and the raw tokens.
fn message(head: &str, timestamp: u64, tokens: &[SubaccountToken]) -> Vec<u8> {
    let head = alloc::format!("{head}{timestamp}");
    let tokens = tokens.iter().map(|token| &token.as_bytes()[..]);
    concat(core::iter::once(head.as_bytes()).chain(tokens))
}

macro_rules! revocation {
    ($(#[$doc:meta])* $type:ident, $field:literal, $max:expr, $entry:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $type {
            /// Whose subaccounts.
            pub account: StorageAccount,
            /// Their tokens, in the order that is signed.
            pub tokens: Vec<SubaccountToken>,
            /// The time of the request, in milliseconds since 1970.
            pub timestamp: u64,
            /// The signature of the account itself.
            pub auth: Auth,
        }

        impl $type {
            /// Makes the request. Only the key of the account can sign it.
            #[must_use]
            pub fn new(
                account: StorageAccount,
                tokens: Vec<SubaccountToken>,
                timestamp: u64,
                signer: &Signer<'_>,
            ) -> Self {
                let auth = signer.sign(&message(Self::METHOD.name(), timestamp, &tokens));
                Self { account, tokens, timestamp, auth }
            }

            /// The bytes that are signed.
            #[must_use]
            pub fn message(&self) -> Vec<u8> {
                message(Self::METHOD.name(), self.timestamp, &self.tokens)
            }

            pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
                let timestamp = params.time("timestamp")?;
                let account = params.account()?;
                let tokens = params.tokens($field)?;
                if tokens.len() > $max {
                    return Err(ParamError::TooManyTokens);
                }
                let timestamp = timestamp.ok_or(ParamError::Missing("timestamp"))?;
                let auth = params.auth(&account)?;
                Ok(Self { account, tokens, timestamp, auth })
            }
        }

        impl Call for $type {
            type Answer = SwarmAnswer<$entry>;
            const METHOD: Method = Method::$type;

            fn params(&self, encoding: Encoding) -> Value {
                let mut out = ParamsOut::new(encoding);
                out.account(&self.account);
                let tokens = self.tokens.iter();
                let tokens = tokens.map(|token| Value::Bytes(token.as_bytes().to_vec()));
                out.put($field, Value::List(tokens.collect()));
                out.put("timestamp", self.timestamp);
                self.auth.write(&mut out);
                out.finish()
            }

            fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
                node.swarm(&self.account)?;
                node.clock(Self::METHOD, self.timestamp)?;
                let outcome = self.auth.verify_account(&self.account, &[&self.message()]);
                outcome.map_err(|SignatureError| RpcError::Signature(Self::METHOD))
            }

            fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
                SwarmAnswer::from_value(body)
            }
        }

        impl SwarmCall for $type {
            type Entry = $entry;

            fn node_message(&self, _: &$entry) -> Vec<u8> {
                message(&self.account.to_string(), self.timestamp, &self.tokens)
            }
        }
    };
}

revocation! {
    /// Shuts out subaccounts: at most 50 at once; a node keeps the newest 50.
    RevokeSubaccount, "revoke", REVOKED_MAX, RevokedEntry
}

revocation! {
    /// Lets subaccounts in again.
    UnrevokeSubaccount, "unrevoke", usize::MAX, UnrevokedEntry
}

/// A member did it; it says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RevokedEntry;

impl SwarmEntry for RevokedEntry {
    fn write(&self, _: bool, _: &mut Dict) {}

    fn read(_: &Value) -> Option<Self> {
        Some(Self)
    }
}

/// How many a member let in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnrevokedEntry {
    /// The number of tokens that were revoked before. Not signed.
    pub count: u64,
}

impl SwarmEntry for UnrevokedEntry {
    fn write(&self, _: bool, out: &mut Dict) {
        out.insert("count".into(), self.count.into());
    }

    fn read(entry: &Value) -> Option<Self> {
        let count = entry.get("count")?.as_u64()?;
        Some(Self { count })
    }
}
