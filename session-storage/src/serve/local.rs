//! Requests that one node answers alone.

use alloc::vec::Vec;

use session_swarm::record::Version;
use session_types::MessageHash;

use super::{Host, StorageError, internal};
use crate::storage::Storage as _;
use crate::{
    ActiveNodesBin, GetExpiries, GetSwarmAnswer, InfoAnswer, OxendAnswer, Request, Response,
    Retrieve, RetrieveAnswer, RevokedAnswer, RpcError,
};

/// Returns the answer to a request that was checked.
pub(super) fn answer<H: Host>(request: &Request, host: &mut H) -> Response {
    let outcome = match request {
        Request::Retrieve(call) => retrieve(call, host),
        Request::GetExpiries(call) => {
            let hashes = call.messages.iter().filter_map(|text| text.parse().ok());
            let hashes: Vec<MessageHash> = hashes.collect();
            let found = host.storage_mut().expiries(&call.account, &hashes);
            found.map(|found| Response::ok(GetExpiries::answer(&found)))
        }
        Request::RevokedSubaccounts(call) => host.storage().revoked(&call.account).map(|tokens| {
            let stamp = host.stamp();
            Response::ok(RevokedAnswer { tokens, stamp }.to_value())
        }),
        request => Ok(of_the_network(request, host)),
    };
    outcome.unwrap_or_else(|_| internal())
}

/// Returns the answer to a request that does not touch the storage.
fn of_the_network<H: Host>(request: &Request, host: &H) -> Response {
    let stamp = host.stamp();
    match request {
        Request::GetSwarm(call) => {
            let swarm = host.swarm_of(&call.account);
            Response::ok(GetSwarmAnswer { swarm, stamp }.to_value())
        }
        Request::Info(_) => {
            let parts = host.state().version;
            let answer = InfoAnswer {
                version: Version(parts.map(|part| u16::try_from(part).unwrap_or(u16::MAX))),
                timestamp: stamp.t,
                stamp,
            };
            Response::ok(answer.to_value())
        }
        Request::OxendRequest(call) => {
            let result = host.daemon(call);
            Response::ok(OxendAnswer { result, stamp }.to_value())
        }
        Request::ActiveNodesBin(_) => ActiveNodesBin::respond(&host.nodes()),
        other => Response::refuse(&RpcError::NoMethod(other.method().name().into())),
    }
}

fn retrieve<H: Host>(call: &Retrieve, host: &mut H) -> Result<Response, StorageError<H>> {
    let mut page = call.page();
    let (messages, more) = host.storage_mut().list(
        &call.account,
        call.namespace(),
        call.last_hash.as_ref(),
        &mut |length| page.take(length),
    )?;
    let answer = RetrieveAnswer {
        messages,
        malformed: 0,
        more: more && !page.is_none_wanted(),
        stamp: host.stamp(),
    };
    Ok(Response::ok(answer.to_value()))
}
