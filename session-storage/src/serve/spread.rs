//! A request that goes to all members of the swarm.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::sync::Arc;

use session_types::{Ed25519Public, MessageHash, hex};

use super::own::{Visit, own_part};
use super::{ForwardId, Host, Outbox, PeerOutcome, internal};
use crate::value::{Dict, Value};
use crate::{Delete, DeleteEntry, Entry, Failure, Request, Response, SwarmAnswer, SwarmCall};

/// Parses the entry of another member and encodes it for the answer; `None` if it is malformed.
type ReadEntry = fn(&Value) -> Option<Value>;

/// A request whose own part is done, and the entries of other members as they come.
#[derive(Debug)]
pub(super) struct Spread {
    own: Ed25519Public,
    entries: BTreeMap<Ed25519Public, Value>,
    open: BTreeMap<ForwardId, Ed25519Public>,
    read: ReadEntry,
    hash: Option<MessageHash>,
    finish: Finish,
}

/// The peculiarity of a method's answer.
#[derive(Debug)]
enum Finish {
    Plain,
    /// `delete` has a separate status for no deletion.
    Delete(Box<Delete>),
    /// Deployed servers serve a `delete_before` for all namespaces and then fail to answer if they
    /// deleted something (protocol: storage-rpc, section 5.5).
    Fail,
}

/// Encodes the node's own entry in its own answer.
struct Own {
    value: Value,
    is_done: bool,
    read: ReadEntry,
}

struct OwnEntry {
    /// The clock that goes into the own entry of a `store`.
    t: Option<session_types::UnixMillis>,
}

impl Visit for OwnEntry {
    type Output = Own;

    fn visit<C: SwarmCall>(self, _: &C, mut own: Entry<C::Entry>) -> Own {
        match &mut own {
            Entry::Done(done) => done.t = self.t,
            Entry::Failed(failure) => failure.t = self.t,
        }
        Own {
            value: own.to_value(true),
            is_done: matches!(own, Entry::Done(_)),
            read: |value| Entry::<C::Entry>::from_value(value).map(|entry| entry.to_value(false)),
        }
    }
}

impl Spread {
    /// Does the node's own part and begins to forward the request. Returns `None` if the request
    /// does not go to the whole swarm.
    pub(super) fn start<H: Host>(
        request: &Request,
        host: &mut H,
        outbox: &mut Outbox,
    ) -> Option<Self> {
        let t = matches!(request, Request::Store(_)).then(|| host.now());
        let own = own_part(request, host, OwnEntry { t })?;
        let key = host.secret().public();
        let body: Arc<[u8]> = request.to_bencode().into();
        let peers: BTreeSet<_> = host.peers().into_iter().collect();
        let peers = peers.into_iter().filter(|peer| *peer != key);
        let open = peers.map(|peer| (outbox.push(peer, request.method(), &body), peer));
        let open = open.collect();
        let hash = match request {
            Request::Store(store) if own.is_done => Some(store.hash()),
            _ => None,
        };
        let finish = match request {
            Request::Delete(delete) => Finish::Delete(Box::new(delete.clone())),
            Request::DeleteBefore(_) if deleted_everywhere(&own.value) => Finish::Fail,
            _ => Finish::Plain,
        };
        Some(Self {
            own: key,
            entries: [(key, own.value)].into(),
            open,
            read: own.read,
            hash,
            finish,
        })
    }

    pub(super) fn report(&mut self, id: ForwardId, outcome: &PeerOutcome) {
        let Some(peer) = self.open.remove(&id) else {
            return;
        };
        let entry = match outcome {
            PeerOutcome::Answered(body) => {
                let value = Value::from_bencode(body).ok();
                value.and_then(|value| (self.read)(&value)).ok_or(Failure {
                    bad_peer_response: true,
                    ..Failure::default()
                })
            }
            PeerOutcome::Refused(status, text) => Err(Failure {
                code: Some(status.to_string()),
                reason: Some(text.clone()),
                ..Failure::default()
            }),
            PeerOutcome::TimedOut => Err(Failure {
                timeout: true,
                ..Failure::default()
            }),
        };
        let failed = |failure| Entry::<DeleteEntry>::Failed(failure).to_value(false);
        self.entries.insert(peer, entry.unwrap_or_else(failed));
    }

    /// Returns the answer if all outcomes are there.
    pub(super) fn finish<H: Host>(&mut self, host: &H) -> Option<Response> {
        if !self.open.is_empty() {
            return None;
        }
        let entries = core::mem::take(&mut self.entries).into_iter();
        let entries = entries.map(|(node, entry)| (hex::encode(node.as_bytes()), entry));
        let mut out = Dict::new();
        out.insert("swarm".into(), Value::Dict(entries.collect()));
        if let Some(hash) = self.hash {
            out.insert("hash".into(), hash.as_str().into());
        }
        host.stamp().write(&mut out);
        let body = Value::Dict(out);
        Some(match &self.finish {
            Finish::Plain => Response::ok(body),
            Finish::Delete(delete) => match SwarmAnswer::<DeleteEntry>::from_value(&body) {
                Ok(answer) => delete.respond(&answer, &self.own),
                Err(_) => internal(),
            },
            Finish::Fail => internal(),
        })
    }
}

/// Returns whether the entry lists deleted messages of all namespaces.
fn deleted_everywhere(own: &Value) -> bool {
    let deleted = own.get("deleted").and_then(Value::as_dict);
    deleted.is_some_and(|spaces| !spaces.is_empty())
}
