//! Requests about all messages of some namespaces: `delete_before` and `expire_all` (protocol:
//! storage-rpc, sections 5.5 and 5.6), and the parts that `delete_all` shares with them.
//!
//! Each has one time, whose name differs.

use alloc::vec::Vec;

use session_identity::subaccount::Permissions;
use session_types::limits::SIGNATURE_TOLERANCE;
use session_types::{AnyId, Namespaces, UnixMillis};

use crate::answer::AnswerError;
use crate::auth::{Auth, Signer};
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{Affected, SwarmAnswer, SwarmCall, SwarmEntry, with_hashes};
use crate::value::{Dict, Value};
use crate::{Call, Checks, Encoding, Method, ParamError, RpcError};

/// A time and its name.
pub(crate) type NamedTime = (&'static str, UnixMillis);

/// Parses account, namespaces, time and signature.
pub(crate) fn parse(
    params: Params<'_>,
    time: &'static str,
) -> Result<(AnyId, Namespaces, UnixMillis, Auth), ParamError> {
    let namespaces = params.namespaces()?;
    let value = params.time(time)?;
    let account = params.account()?;
    let value = value.ok_or(ParamError::Missing(time))?;
    let auth = params.auth(&account)?;
    Ok((account, namespaces, value, auth))
}

pub(crate) fn params(
    encoding: Encoding,
    account: &AnyId,
    namespaces: Namespaces,
    (name, time): NamedTime,
    auth: &Auth,
) -> Value {
    let mut out = ParamsOut::new(encoding);
    out.account(account);
    out.namespaces(namespaces);
    out.put(name, time.get());
    auth.write(&mut out);
    out.finish()
}

/// Returns the bytes that the account signs.
pub(crate) fn message(method: Method, namespaces: Namespaces, time: UnixMillis) -> Vec<u8> {
    let (name, namespaces) = (method.name(), namespaces.signed_text());
    alloc::format!("{name}{namespaces}{time}").into_bytes()
}

/// Returns the bytes that a node signs in its answer.
pub(crate) fn node_message(account: &AnyId, time: UnixMillis, affected: &Affected) -> Vec<u8> {
    with_hashes(&alloc::format!("{account}{time}"), &[&affected.sorted()])
}

macro_rules! bulk_request {
    (
        $(#[$doc:meta])* $type:ident,
        $(#[$time_doc:meta])* $time:ident,
        $entry:ident { $(#[$hashes_doc:meta])* $hashes:ident },
        $(#[$entry_doc:meta])*
        check: $check:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $type<S = Auth> {
            /// The account.
            pub account: AnyId,
            /// The namespaces.
            pub namespaces: Namespaces,
            $(#[$time_doc])*
            pub $time: UnixMillis,
            /// The signature; `()` until the request is signed.
            pub auth: S,
        }

        impl $type<()> {
            /// Starts a request; [`sign`](Self::sign) completes it.
            #[must_use]
            pub fn new(
                account: impl Into<AnyId>,
                namespaces: impl Into<Namespaces>,
                $time: UnixMillis,
            ) -> Self {
                let (account, namespaces) = (account.into(), namespaces.into());
                Self { account, namespaces, $time, auth: () }
            }

            /// Signs the request. The signature of this method covers no time of signing, so `_at`
            /// is not used.
            #[must_use]
            pub fn sign(self, _at: UnixMillis, signer: &Signer<'_>) -> $type {
                let auth = signer.sign(&message($type::METHOD, self.namespaces, self.$time));
                let Self { account, namespaces, $time, .. } = self;
                $type { account, namespaces, $time, auth }
            }
        }

        impl $type {
            /// Returns the bytes that the signature covers.
            #[must_use]
            pub fn message(&self) -> Vec<u8> {
                message(Self::METHOD, self.namespaces, self.$time)
            }

            pub(crate) fn parse(params: Params<'_>) -> Result<Self, ParamError> {
                let (account, namespaces, $time, auth) = parse(params, stringify!($time))?;
                Ok(Self { account, namespaces, $time, auth })
            }
        }

        impl Call for $type {
            type Answer = SwarmAnswer<$entry>;
            const METHOD: Method = Method::$type;

            fn params(&self, encoding: Encoding) -> Value {
                let time = (stringify!($time), self.$time);
                params(encoding, &self.account, self.namespaces, time, &self.auth)
            }

            fn check(&self, node: &Checks<'_>) -> Result<(), RpcError> {
                node.swarm(&self.account)?;
                $check(node, self.$time)?;
                let (needed, message) = (Permissions::DELETE, self.message());
                node.signature(Self::METHOD, &self.account, &self.auth, needed, &message)
            }

            fn read_answer(&self, body: &Value) -> Result<Self::Answer, AnswerError> {
                SwarmAnswer::from_value(body)
            }
        }

        impl SwarmCall for $type {
            type Entry = $entry;

            fn node_message(&self, entry: &$entry) -> Vec<u8> {
                node_message(&self.account, self.$time, &entry.$hashes)
            }
        }

        $(#[$entry_doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $entry {
            $(#[$hashes_doc])*
            pub $hashes: Affected,
        }

        impl SwarmEntry for $entry {
            fn write(&self, _: bool, out: &mut Dict) {
                out.insert(stringify!($hashes).into(), self.$hashes.to_value());
            }

            fn read(entry: &Value) -> Option<Self> {
                let $hashes = Affected::from_value(entry.get(stringify!($hashes))?)?;
                Some(Self { $hashes })
            }
        }
    };
}

bulk_request! {
    /// Deletes the messages of one namespace, or of all, up to a time.
    ///
    /// Deployed servers serve a request for all namespaces but answer it with 500: make one request
    /// for each namespace.
    DeleteBefore,
    /// Messages with this timestamp or an earlier one are deleted.
    before,
    DeletedEntry {
        /// The hashes.
        deleted
    },
    /// The messages that a member deleted for `delete_all` or `delete_before`.
    check: |node: &Checks<'_>, before| {
        let latest = node.now.saturating_add(SIGNATURE_TOLERANCE);
        (before <= latest).then_some(()).ok_or(RpcError::BeforeInFuture)
    }
}

bulk_request! {
    /// Shortens the expiries of all messages of one namespace, or of all.
    ExpireAll,
    /// The new expiry of messages that have a later one.
    expiry,
    UpdatedEntry {
        /// The hashes.
        updated
    },
    /// The messages whose expiry a member shortened.
    check: |node: &Checks<'_>, expiry| {
        let is_past = node.is_past(Method::ExpireAll, expiry);
        (!is_past).then_some(()).ok_or(RpcError::ExpireAllInPast)
    }
}
