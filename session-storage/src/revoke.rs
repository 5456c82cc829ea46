//! `revoke_subaccount` and `unrevoke_subaccount` (protocol: storage-rpc, section 5.9).
//!
//! A node forgets revocations together with the last message of the account, and accepts none while
//! there is no message: store a message first.

use alloc::string::ToString;
use alloc::vec::Vec;

use session_crypto::SignatureError;
use session_identity::subaccount::Token;
use session_types::limits::REVOKED_MAX;
use session_types::{AnyId, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Signer, TimedAuth};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{SwarmAnswer, SwarmCall, SwarmEntry, concat};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// Returns `head`, the time and the raw tokens.
fn message(head: &str, at: UnixMillis, tokens: &[Token]) -> Vec<u8> {
    let head = alloc::format!("{head}{at}");
    let tokens = tokens.iter().map(|token| &token.as_bytes()[..]);
    concat(core::iter::once(head.as_bytes()).chain(tokens))
}

macro_rules! revocation {
    ($(#[$doc:meta])* $type:ident, $field:literal, $max:expr, $entry:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $type<S = TimedAuth> {
            /// The account.
            pub account: AnyId,
            /// The tokens, in the order that the signature covers.
            pub tokens: Vec<Token>,
            /// The time of the request and the signature of the account's key; `()` until it is
            /// signed.
            pub auth: S,
        }

        impl $type<()> {
            /// Starts a request; [`sign`](Self::sign) completes it.
            ///
            /// # Errors
            ///
            /// [`ParamError::TooManyTokens`] if nodes would reject the number of tokens.
            pub fn new(
                account: impl Into<AnyId>,
                tokens: impl Into<Vec<Token>>,
            ) -> Result<Self, ParamError> {
                let tokens = tokens.into();
                if tokens.len() > $max {
                    return Err(ParamError::TooManyTokens);
                }
                Ok(Self { account: account.into(), tokens, auth: () })
            }

            /// Signs the request. Only the key of the account can sign it.
            #[must_use]
            pub fn sign(self, at: UnixMillis, signer: &Signer<'_>) -> $type {
                let message = message($type::METHOD.name(), at, &self.tokens);
                $type {
                    account: self.account,
                    tokens: self.tokens,
                    auth: signer.sign_at(at, &message),
                }
            }
        }

        impl $type {
            /// Returns the bytes that the signature covers.
            #[must_use]
            pub fn message(&self) -> Vec<u8> {
                message(Self::METHOD.name(), self.auth.at, &self.tokens)
            }

            pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
                let at = params.time("timestamp")?;
                let account = params.account()?;
                let tokens = params.tokens($field)?;
                if tokens.len() > $max {
                    return Err(ParamError::TooManyTokens);
                }
                let at = at.ok_or(ParamError::Missing("timestamp"))?;
                let auth = params.auth(&account)?;
                Ok(Self { account, tokens, auth: TimedAuth { at, auth } })
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
                out.put("timestamp", self.auth.at.get());
                self.auth.auth.write(&mut out);
                out.finish()
            }

            fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
                node.swarm(&self.account)?;
                node.clock(Self::METHOD, self.auth.at)?;
                let outcome = self.auth.auth.verify_account(&self.account, &[&self.message()]);
                outcome.map_err(|SignatureError| RpcError::Signature(Self::METHOD))
            }

            fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
                SwarmAnswer::from_value(body)
            }
        }

        impl SwarmCall for $type {
            type Entry = $entry;

            fn node_message(&self, _: &$entry) -> Vec<u8> {
                message(&self.account.to_string(), self.auth.at, &self.tokens)
            }
        }
    };
}

revocation! {
    /// Revokes subaccounts: at most 50 at once. A node keeps the newest 50.
    RevokeSubaccount, "revoke", REVOKED_MAX, RevokedEntry
}

revocation! {
    /// Undoes the revocation of subaccounts.
    UnrevokeSubaccount, "unrevoke", usize::MAX, UnrevokedEntry
}

/// A member has revoked the subaccounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RevokedEntry;

impl SwarmEntry for RevokedEntry {
    fn write(&self, _: bool, _: &mut Dict) {}

    fn read(_: &Value) -> Option<Self> {
        Some(Self)
    }
}

/// A member has undone the revocation.
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
