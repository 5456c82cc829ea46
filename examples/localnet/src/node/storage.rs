//! Storage requests: what a node does with a request once session-swarm has parsed and checked it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use session_storage::value::{Dict, Value};
use session_storage::{
    ActiveNodesBin, Affected, Batch, BatchAnswer, Checks, Delete, DeleteEntry, Encoding, Entry,
    Failure, GetExpiries, GetSwarmAnswer, IfElse, IfElseAnswer, InfoAnswer, MessageHash,
    OxendAnswer, OxendEndpoint, OxendRequest, Request, Response, RevokedAnswer, RpcError, Stamp,
    SubaccountToken, SwarmAnswer, SwarmCall, peer_body,
};
use session_swarm::StorageAccount;
use session_swarm::record::Version;

use super::retry::Delivery;
use super::{Node, PEER_STORAGE};
use crate::chain::{HARD_FORK, VERSION};
use crate::fault::Lie;
use crate::server::Reply;
use crate::store::StoreError;

/// How long a node waits for another one to which it forwarded a request.
const PEER_TIMEOUT: Duration = Duration::from_secs(5);

/// An answer that is on its way. What the node does itself was done when this was made; what is
/// left is to wait for others.
type Pending = Pin<Box<dyn Future<Output = Response> + Send>>;

fn ready(response: Response) -> Pending {
    Box::pin(std::future::ready(response))
}

/// What became of the node's own part of a recursive request.
type Own<C> = Result<<C as SwarmCall>::Entry, StoreError>;

impl Node {
    /// Serves a request of a client.
    pub(super) async fn storage(self: &Arc<Self>, body: &[u8]) -> Response {
        if let Some(reason) = self.not_ready().first() {
            return Response::refuse(&RpcError::NotReady(reason.to_string()));
        }
        match Request::from_json(body) {
            Ok(request) => self.start(&request).await,
            Err(error) => Response::refuse(&error),
        }
    }

    /// Serves a request that another node forwarded.
    pub(super) fn peer_storage(self: &Arc<Self>, method: &str, body: &[u8]) -> Reply {
        let outcome = Request::from_peer(method, body).and_then(|request| {
            let _steady = self.chain.steady();
            self.check(&request, true)?;
            Ok(match &request {
                Request::Store(call) => self.entry(call, self.store_message(call)),
                Request::Delete(call) => self.entry(call, self.delete(call)),
                Request::DeleteAll(call) => self.entry(
                    call,
                    self.delete_until(&call.account, call.namespaces, u64::MAX),
                ),
                Request::DeleteBefore(call) => self.entry(
                    call,
                    self.delete_until(&call.account, call.namespaces, call.before),
                ),
                Request::ExpireAll(call) => self.entry(
                    call,
                    self.expire_all(&call.account, call.namespaces, call.expiry),
                ),
                Request::Expire(call) => self.entry(call, self.expire(call)),
                Request::RevokeSubaccount(call) => {
                    self.entry(call, self.revoke(&call.account, &call.tokens))
                }
                Request::UnrevokeSubaccount(call) => {
                    self.entry(call, self.unrevoke(&call.account, &call.tokens))
                }
                _ => return Err(RpcError::Internal),
            })
        });
        match outcome {
            Ok(entry) => Reply {
                content_type: "application/octet-stream",
                ..Reply::text(200, entry)
            },
            Err(RpcError::WrongSwarm) => Reply::text(421, ""),
            Err(error) => Reply::text(error.status(), error.to_string()),
        }
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp {
            t: self.now(),
            hf: HARD_FORK,
        }
    }

    fn check(&self, request: &Request, forwarded: bool) -> Result<(), RpcError> {
        let lies = self.faults.now().lie == Some(Lie::WrongSwarm);
        let serves = |account: &StorageAccount| {
            let own = self.record().map(|record| record.swarm_id);
            !lies && own.is_some() && self.chain.swarm_of(account) == own
        };
        let is_revoked = |account: &StorageAccount, token: &SubaccountToken| {
            // A store that cannot be read lets nobody in.
            let revoked = self.store().revoked(account.as_bytes());
            revoked.map_or(true, |revoked| revoked.contains(token.as_bytes()))
        };
        request.check(&Checks {
            now_ms: self.now(),
            hf: HARD_FORK,
            forwarded,
            serves: &serves,
            is_revoked: &is_revoked,
        })
    }

    /// Does the node's own part of a request in one swarm or the other, not between them.
    fn start(self: &Arc<Self>, request: &Request) -> Pending {
        let _steady = self.chain.steady();
        self.begin(request)
    }

    /// Does the node's own part of a request at once; the rest is in what is returned.
    fn begin(self: &Arc<Self>, request: &Request) -> Pending {
        if let Err(error) = self.check(request, false) {
            return ready(match (&error, request.account()) {
                (RpcError::WrongSwarm, Some(account)) => {
                    let lies = self.faults.now().lie == Some(Lie::WrongSwarm);
                    Response::wrong_swarm(&self.chain.swarm_info(account, lies), self.stamp())
                }
                _ => Response::refuse(&error),
            });
        }
        match request {
            Request::Store(call) => self.spread(request, call, self.store_message(call)),
            Request::Delete(call) => self.spread(request, call, self.delete(call)),
            Request::DeleteAll(call) => {
                let done = self.delete_until(&call.account, call.namespaces, u64::MAX);
                self.spread(request, call, done)
            }
            Request::DeleteBefore(call) => {
                let done = self.delete_until(&call.account, call.namespaces, call.before);
                let is_quirk = matches!(&done, Ok(entry) if deletes_everywhere(&entry.deleted));
                let pending = self.spread(request, call, done);
                if is_quirk {
                    return Box::pin(async move {
                        pending.await;
                        Response::refuse(&RpcError::Internal)
                    });
                }
                pending
            }
            Request::ExpireAll(call) => {
                let done = self.expire_all(&call.account, call.namespaces, call.expiry);
                self.spread(request, call, done)
            }
            Request::Expire(call) => self.spread(request, call, self.expire(call)),
            Request::RevokeSubaccount(call) => {
                self.spread(request, call, self.revoke(&call.account, &call.tokens))
            }
            Request::UnrevokeSubaccount(call) => {
                self.spread(request, call, self.unrevoke(&call.account, &call.tokens))
            }
            Request::Batch(batch) => self.batch(batch),
            Request::Sequence(batch) => self.sequence(batch.clone()),
            Request::IfElse(call) => self.if_else(call),
            local => ready(
                self.local(local)
                    .unwrap_or_else(|_| Response::refuse(&RpcError::Internal)),
            ),
        }
    }

    /// Requests that one node answers alone.
    fn local(&self, request: &Request) -> Result<Response, StoreError> {
        let stamp = self.stamp();
        Ok(match request {
            Request::Retrieve(call) => Response::ok(self.retrieve(call)?.to_value()),
            Request::GetExpiries(call) => {
                let hashes = call.messages.iter().map(String::as_str);
                let found = self.store().expiries(call.account.as_bytes(), hashes)?;
                let found = found
                    .into_iter()
                    .filter_map(|(hash, at)| Some((hash.parse().ok()?, at)));
                Response::ok(GetExpiries::answer(
                    &found.collect::<BTreeMap<MessageHash, u64>>(),
                ))
            }
            Request::RevokedSubaccounts(call) => {
                let tokens = self.store().revoked(call.account.as_bytes())?;
                let tokens = tokens
                    .into_iter()
                    .map(SubaccountToken::from_bytes)
                    .collect();
                Response::ok(RevokedAnswer { tokens, stamp }.to_value())
            }
            Request::GetSwarm(call) => {
                let lies = self.faults.now().lie == Some(Lie::WrongSwarm);
                let swarm = self.chain.swarm_info(&call.account, lies);
                Response::ok(GetSwarmAnswer { swarm, stamp }.to_value())
            }
            Request::Info(_) => {
                let version = Version(VERSION);
                Response::ok(
                    InfoAnswer {
                        version,
                        timestamp: stamp.t,
                        stamp,
                    }
                    .to_value(),
                )
            }
            Request::OxendRequest(call) => {
                let result = self.chain_daemon(call);
                Response::ok(OxendAnswer { result, stamp }.to_value())
            }
            Request::ActiveNodesBin(_) => ActiveNodesBin::respond(&self.chain.nodes()),
            _ => Response::refuse(&RpcError::Internal),
        })
    }

    fn chain_daemon(&self, call: &OxendRequest) -> Value {
        match call.endpoint {
            OxendEndpoint::GetServiceNodes => self.chain.service_nodes(call.params.as_ref()),
            // No name is registered in this network.
            OxendEndpoint::OnsResolve => Value::Dict(Dict::new()),
        }
    }

    fn batch(self: &Arc<Self>, batch: &Batch) -> Pending {
        let members: Vec<Pending> = batch.requests.iter().map(|call| self.begin(call)).collect();
        Box::pin(async move {
            let members: Vec<_> = members.into_iter().map(tokio::spawn).collect();
            let mut results = Vec::with_capacity(members.len());
            for member in members {
                let failed = |_| Response::refuse(&RpcError::Internal);
                results.push(member.await.unwrap_or_else(failed));
            }
            together(results)
        })
    }

    fn sequence(self: &Arc<Self>, batch: Batch) -> Pending {
        let node = Arc::clone(self);
        Box::pin(async move {
            let mut results = Vec::new();
            for request in &batch.requests {
                let result = node.start(request).await;
                let is_success = result.is_success();
                results.push(result);
                if !is_success {
                    break;
                }
            }
            together(results)
        })
    }

    fn if_else(self: &Arc<Self>, call: &IfElse) -> Pending {
        let state = self.chain.state();
        let (condition, branch) = call.choose(&state);
        let branch = branch.map(|branch| self.begin(branch));
        Box::pin(async move {
            let result = match branch {
                Some(branch) => Some(branch.await),
                None => None,
            };
            Response::ok(
                IfElseAnswer {
                    state,
                    condition,
                    result,
                }
                .to_value(),
            )
        })
    }

    /// The entry of this node, signed, or why there is none.
    fn own_entry<C: SwarmCall>(&self, call: &C, done: Own<C>) -> Entry<C::Entry> {
        match done {
            Ok(entry) => Entry::Done(call.sign_entry(&self.secret, entry)),
            Err(error) => Entry::Failed(Failure {
                query_failure: true,
                reason: Some(error.to_string()),
                ..Failure::default()
            }),
        }
    }

    /// The entry as it is sent to another node.
    fn entry<C: SwarmCall>(&self, call: &C, done: Own<C>) -> Vec<u8> {
        peer_body(&self.own_entry(call, done), Encoding::Bencode)
    }

    /// Forwards a request to the other members of the swarm and collects their entries.
    fn spread<C>(self: &Arc<Self>, request: &Request, call: &C, done: Own<C>) -> Pending
    where
        C: SwarmCall + Clone + Send + 'static,
        C::Entry: Send + 'static,
    {
        let mut answer = SwarmAnswer::new(self.stamp());
        let mut own = self.own_entry(call, done);
        let is_store = matches!(request, Request::Store(_));
        match &mut own {
            Entry::Done(done) if is_store => done.t = Some(answer.stamp.t),
            Entry::Failed(failed) if is_store => failed.t = Some(answer.stamp.t),
            _ => {}
        }
        if let (Request::Store(store), Entry::Done(_)) = (request, &own) {
            answer.hash = Some(store.hash());
        }
        answer.entries.insert(self.public, own);

        let path = format!("{PEER_STORAGE}{}", request.method());
        let body = request.to_bencode();
        let peers = self
            .chain
            .swarm_members(&self.public)
            .into_iter()
            .map(|peer| {
                let (node, path, body) = (Arc::clone(self), path.clone(), body.clone());
                tokio::spawn(async move {
                    let delivery = Delivery {
                        path,
                        kind: "copy",
                        body,
                        limit: PEER_TIMEOUT,
                    };
                    let answer = node.post(&peer, delivery).await;
                    let entry = match answer {
                        Err(_) => Entry::Failed(Failure {
                            timeout: true,
                            ..Failure::default()
                        }),
                        Ok(answer) if answer.is_ok() => Value::from_bencode(&answer.body)
                            .ok()
                            .and_then(|value| Entry::from_value(&value))
                            .unwrap_or(Entry::Failed(Failure {
                                bad_peer_response: true,
                                ..Failure::default()
                            })),
                        Ok(answer) => Entry::Failed(Failure {
                            code: Some(answer.status.to_string()),
                            reason: Some(String::from_utf8_lossy(&answer.body).into_owned()),
                            ..Failure::default()
                        }),
                    };
                    (peer.ed25519, entry)
                })
            });
        let peers: Vec<_> = peers.collect();
        let (own, delete) = (self.public, as_delete(request));
        Box::pin(async move {
            for peer in peers {
                if let Ok((key, entry)) = peer.await {
                    answer.entries.insert(key, entry);
                }
            }
            let mut response = Response::ok(answer.to_value(&own));
            if let Some(delete) = delete
                && let Ok(typed) = SwarmAnswer::<DeleteEntry>::from_value(&answer.to_value(&own))
            {
                response = delete.respond(&typed, &own);
            }
            response
        })
    }
}

/// Whether messages of all namespaces were deleted, which the deployed server does and then fails
/// to answer (protocol: storage-rpc, section 5.5).
fn deletes_everywhere(deleted: &Affected) -> bool {
    matches!(deleted, Affected::All(spaces) if !spaces.is_empty())
}

/// The answer to several requests; none if one of them failed as nothing should.
fn together(results: Vec<Response>) -> Response {
    let internal = RpcError::Internal.status();
    if results.iter().any(|result| result.status == internal) {
        return Response::refuse(&RpcError::Internal);
    }
    Response::ok(BatchAnswer { results }.to_value())
}

/// A `delete` has a status of its own when it deleted nothing.
fn as_delete(request: &Request) -> Option<Delete> {
    match request {
        Request::Delete(call) => Some(call.clone()),
        _ => None,
    }
}
