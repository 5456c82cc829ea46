//! What `delete_all`, `delete_before` and `expire_all` have in common: they are about all messages of
//! some namespaces, with one time that has a name of its own.

use alloc::vec::Vec;

use session_swarm::StorageAccount;

use crate::auth::Auth;
use crate::namespace::Namespaces;
use crate::params::Params;
use crate::params_out::ParamsOut;
use crate::swarm_answer::{Affected, with_hashes};
use crate::value::Value;
use crate::{Encoding, Method, ParamError};

/// A time and what it is called.
pub(crate) type NamedTime = (&'static str, u64);

/// Whose messages, which of them, the time, the signature.
pub(crate) fn parse(
    params: Params<'_>,
    time: &'static str,
) -> Result<(StorageAccount, Namespaces, u64, Auth), ParamError> {
    let namespaces = params.namespaces()?;
    let value = params.time(time)?;
    let account = params.account()?;
    let value = value.ok_or(ParamError::Missing(time))?;
    let auth = params.auth(&account)?;
    Ok((account, namespaces, value, auth))
}

pub(crate) fn params(
    encoding: Encoding,
    account: &StorageAccount,
    namespaces: Namespaces,
    (name, time): NamedTime,
    auth: &Auth,
) -> Value {
    let mut out = ParamsOut::new(encoding);
    out.account(account);
    out.namespaces(namespaces);
    out.put(name, time);
    auth.write(&mut out);
    out.finish()
}

/// The bytes that are signed.
pub(crate) fn message(method: Method, namespaces: Namespaces, time: u64) -> Vec<u8> {
    let (name, namespaces) = (method.name(), namespaces.signed_text());
    alloc::format!("{name}{namespaces}{time}").into_bytes()
}

/// The bytes that a node signs in its answer.
pub(crate) fn node_message(account: &StorageAccount, time: u64, affected: &Affected) -> Vec<u8> {
    with_hashes(&alloc::format!("{account}{time}"), &[&affected.sorted()])
}
