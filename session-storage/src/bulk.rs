//! What `delete_all`, `delete_before` and `expire_all` have in common: they are about all messages of
//! some namespaces, with one time that has a name of its own.

use alloc::vec::Vec;

use session_types::{AnyId, Namespaces, UnixMillis};

use crate::auth::Auth;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{Affected, with_hashes};
use crate::value::Value;
use crate::{Encoding, Method, ParamError};

/// A time and what it is called.
pub(crate) type NamedTime = (&'static str, UnixMillis);

/// Whose messages, which of them, the time, the signature.
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

/// The bytes that are signed.
pub(crate) fn message(method: Method, namespaces: Namespaces, time: UnixMillis) -> Vec<u8> {
    let (name, namespaces) = (method.name(), namespaces.signed_text());
    alloc::format!("{name}{namespaces}{time}").into_bytes()
}

/// The bytes that a node signs in its answer.
pub(crate) fn node_message(account: &AnyId, time: UnixMillis, affected: &Affected) -> Vec<u8> {
    with_hashes(&alloc::format!("{account}{time}"), &[&affected.sorted()])
}
