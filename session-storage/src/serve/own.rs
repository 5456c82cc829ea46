//! A node's own part of a request that goes to its whole swarm.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use session_types::{AnyId, MessageHash, Namespace, Namespaces, UnixMillis};

use super::{Host, StorageError, check, reason};
use crate::storage::Storage as _;
use crate::{
    Affected, Delete, DeleteEntry, DeletedEntry, Encoding, Entry, Expire, ExpireEntry, Failure,
    Request, RevokedEntry, RpcError, Store, StoreEntry, StoredMessage, SwarmCall, SwarmEntry,
    UnrevokedEntry, UpdatedEntry, peer_body,
};

/// An operation on the node's own entry, generic over its type.
pub(super) trait Visit {
    /// The result.
    type Output;

    /// Takes the request, and the entry that the node signed or its error.
    fn visit<C: SwarmCall>(self, call: &C, own: Entry<C::Entry>) -> Self::Output;
}

/// Does the node's own part of a request that goes to the whole swarm. Returns `None` for other
/// requests.
pub(super) fn own_part<H: Host, V: Visit>(
    request: &Request,
    host: &mut H,
    visit: V,
) -> Option<V::Output> {
    Some(match request {
        Request::Store(call) => {
            let done = store(call, host);
            visit.visit(call, entry(call, done, host))
        }
        Request::Delete(call) => {
            let done = delete(call, host);
            visit.visit(call, entry(call, done, host))
        }
        Request::DeleteAll(call) => {
            let done = delete_until(&call.account, call.namespaces, UnixMillis::MAX, host);
            visit.visit(call, entry(call, done, host))
        }
        Request::DeleteBefore(call) => {
            let done = delete_until(&call.account, call.namespaces, call.before, host);
            visit.visit(call, entry(call, done, host))
        }
        Request::ExpireAll(call) => {
            let done = host
                .storage_mut()
                .shorten(&call.account, call.namespaces, call.expiry);
            let done = done.map(|changed| UpdatedEntry {
                updated: affected(call.namespaces, changed),
            });
            visit.visit(call, entry(call, done, host))
        }
        Request::Expire(call) => {
            let done = expire(call, host);
            visit.visit(call, entry(call, done, host))
        }
        Request::RevokeSubaccount(call) => {
            let done = host.storage_mut().revoke(&call.account, &call.tokens);
            visit.visit(call, entry(call, done.map(|()| RevokedEntry), host))
        }
        Request::UnrevokeSubaccount(call) => {
            let done = host.storage_mut().unrevoke(&call.account, &call.tokens);
            let done = done.map(|count| UnrevokedEntry { count });
            visit.visit(call, entry(call, done, host))
        }
        _ => return None,
    })
}

/// Serves a request that another member of the swarm forwarded. Returns the bencoded entry of this
/// node.
///
/// # Errors
///
/// [`RpcError`] with the status and text to answer.
pub fn serve_peer<H: Host>(method: &str, body: &[u8], host: &mut H) -> Result<Vec<u8>, RpcError> {
    struct Body;
    impl Visit for Body {
        type Output = Vec<u8>;

        fn visit<C: SwarmCall>(self, _: &C, own: Entry<C::Entry>) -> Vec<u8> {
            peer_body(&own, Encoding::Bencode)
        }
    }
    let request = Request::from_peer(method, body)?;
    check(host, &request, true)?;
    own_part(&request, host, Body).ok_or(RpcError::Internal)
}

/// Signs the node's entry, or returns the failure.
fn entry<H: Host, C: SwarmCall>(
    call: &C,
    done: Result<C::Entry, StorageError<H>>,
    host: &H,
) -> Entry<C::Entry>
where
    C::Entry: SwarmEntry,
{
    match done {
        Ok(done) => Entry::Done(call.sign_entry(host.secret(), done)),
        Err(error) => Entry::Failed(Failure {
            query_failure: true,
            reason: Some(reason(&error)),
            ..Failure::default()
        }),
    }
}

fn store<H: Host>(call: &Store, host: &mut H) -> Result<StoreEntry, StorageError<H>> {
    let hash = call.hash();
    let message = StoredMessage {
        hash,
        timestamp: call.timestamp,
        expiration: call.expiry(),
        data: call.data.clone(),
    };
    let inserted = host
        .storage_mut()
        .insert(&call.account, call.namespace, message)?;
    Ok(StoreEntry {
        hash,
        expiry: inserted.expiry,
        already: inserted.already,
    })
}

fn delete<H: Host>(call: &Delete, host: &mut H) -> Result<DeleteEntry, StorageError<H>> {
    let mut deleted = host.storage_mut().delete(&call.account, &call.messages)?;
    deleted.sort_unstable();
    Ok(DeleteEntry { deleted })
}

fn delete_until<H: Host>(
    account: &AnyId,
    namespaces: Namespaces,
    before: UnixMillis,
    host: &mut H,
) -> Result<DeletedEntry, StorageError<H>> {
    let deleted = host
        .storage_mut()
        .delete_before(account, namespaces, before)?;
    Ok(DeletedEntry {
        deleted: affected(namespaces, deleted),
    })
}

fn expire<H: Host>(call: &Expire, host: &mut H) -> Result<ExpireEntry, StorageError<H>> {
    let now = host.now();
    let stored = host.storage_mut().expiries(&call.account, &call.messages)?;
    let applied = call.apply(now, |hash| stored.get(hash).copied());
    host.storage_mut()
        .set_expiries(&call.account, &applied.changes)?;
    Ok(applied.entry)
}

/// Sorts the changed messages for the answer.
fn affected(namespaces: Namespaces, changed: Vec<(Namespace, MessageHash)>) -> Affected {
    let mut spaces: BTreeMap<i16, Vec<MessageHash>> = BTreeMap::new();
    for (namespace, hash) in changed {
        spaces.entry(namespace.number()).or_default().push(hash);
    }
    for hashes in spaces.values_mut() {
        hashes.sort_unstable();
    }
    match namespaces {
        Namespaces::All => Affected::All(spaces),
        Namespaces::One(_) => Affected::One(spaces.into_values().flatten().collect()),
    }
}
