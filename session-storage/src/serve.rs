//! Serving of requests on a node (protocol: storage-rpc, sections 3.4, 5 and 6).
//!
//! [`Serving`] serves one request as a state machine without I/O. It checks the request, does the
//! node's own part in the [`Host`]'s storage, and returns the requests to forward to the other
//! members of the swarm. It walks `batch`, `sequence` and `ifelse`.
//!
//! ```text
//! Serving::start ──> forwards() ──> (send each) ──> report() ──> … ──> into_response()
//! ```

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use session_crypto::Ed25519Secret;
use session_swarm::ServiceNode;
use session_types::{AnyId, Ed25519Public, UnixMillis};

use crate::value::Value;
use crate::{
    Checks, Method, NetworkState, OxendRequest, Request, Response, RpcError, Stamp, Storage,
    SwarmInfo,
};

mod job;
mod local;
mod own;
mod spread;

pub use own::serve_peer;

use job::Job;

/// A node: its storage and its view of the network.
pub trait Host {
    /// The storage of the node.
    type Storage: Storage;

    /// Returns the storage.
    fn storage(&self) -> &Self::Storage;

    /// Returns the storage for changes.
    fn storage_mut(&mut self) -> &mut Self::Storage;

    /// Returns the node's clock.
    fn now(&self) -> UnixMillis;

    /// Returns the node's clock and the version of the network, as answers end with them.
    fn stamp(&self) -> Stamp {
        Stamp {
            t: self.now(),
            hf: self.state().hf,
        }
    }

    /// Returns the node's key, which signs its entries in answers.
    fn secret(&self) -> &Ed25519Secret;

    /// Returns the hard fork, the version of the storage server and the height of the chain.
    fn state(&self) -> NetworkState;

    /// Returns whether the node is in the swarm of an account.
    fn serves(&self, account: &AnyId) -> bool;

    /// Returns the swarm of an account.
    fn swarm_of(&self, account: &AnyId) -> SwarmInfo;

    /// Returns the other members of the node's own swarm.
    fn peers(&self) -> Vec<Ed25519Public>;

    /// Returns all nodes of the network.
    fn nodes(&self) -> Vec<ServiceNode>;

    /// Asks the chain daemon.
    fn daemon(&self, request: &OxendRequest) -> Value;
}

/// The error of a node's storage.
type StorageError<H> = <<H as Host>::Storage as Storage>::Error;

/// Checks a request as [`Request::check`] does.
fn check<H: Host>(host: &H, request: &Request, forwarded: bool) -> Result<(), RpcError> {
    request.check(&Checks {
        now: host.now(),
        hf: host.state().hf,
        forwarded,
        serves: &|account| host.serves(account),
        // A storage that cannot be read admits nobody.
        is_revoked: &|account, token| {
            let revoked = host.storage().revoked(account);
            revoked.map_or(true, |revoked| revoked.contains(token))
        },
    })
}

/// A request to forward to another member of the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The number to report the outcome with.
    pub id: ForwardId,
    /// The member to forward to.
    pub to: Ed25519Public,
    /// The method.
    pub method: Method,
    /// The bencoded parameters.
    pub body: Arc<[u8]>,
}

/// The number of a [`Forward`], unique within its [`Serving`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForwardId(u64);

/// The outcome of a [`Forward`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerOutcome {
    /// The member answered with status 200 and this body.
    Answered(Vec<u8>),
    /// The member answered with another status and this text.
    Refused(u16, String),
    /// The member did not answer in time.
    TimedOut,
}

/// A request that a node is serving.
#[derive(Debug)]
pub struct Serving {
    job: Job,
    outbox: Outbox,
}

/// Forwards that have not been handed out yet.
#[derive(Debug, Default)]
struct Outbox {
    forwards: Vec<Forward>,
    next: u64,
}

impl Outbox {
    fn push(&mut self, to: Ed25519Public, method: Method, body: &Arc<[u8]>) -> ForwardId {
        let id = ForwardId(self.next);
        self.next = self.next.saturating_add(1);
        self.forwards.push(Forward {
            id,
            to,
            method,
            body: Arc::clone(body),
        });
        id
    }
}

impl Serving {
    /// Checks the request of a client and does the node's own part.
    pub fn start<H: Host>(request: &Request, host: &mut H) -> Self {
        let mut outbox = Outbox::default();
        let job = Job::start(request, host, &mut outbox);
        Self { job, outbox }
    }

    /// Returns the requests to forward now. Each is returned once and must be reported.
    pub fn forwards(&mut self) -> Vec<Forward> {
        core::mem::take(&mut self.outbox.forwards)
    }

    /// Reports the outcome of a forward. In a `sequence` the next request may begin, so there may
    /// be more [`forwards`](Self::forwards) afterwards.
    pub fn report<H: Host>(&mut self, id: ForwardId, outcome: &PeerOutcome, host: &mut H) {
        self.job.report(id, outcome, host, &mut self.outbox);
    }

    /// Returns the answer, or `self` while outcomes are missing.
    ///
    /// # Errors
    ///
    /// `self` if the outcome of a forward is missing.
    pub fn into_response(self) -> Result<Response, Box<Self>> {
        match self.job {
            Job::Done(response) => Ok(response),
            job => Err(Box::new(Self { job, ..self })),
        }
    }
}

/// Serves the request of a client on a node that forwards nothing, such as the only member of its
/// swarm. Other members appear as failed.
pub fn serve<H: Host>(request: &Request, host: &mut H) -> Response {
    serve_with(request, host, |_, _| PeerOutcome::TimedOut)
}

/// Serves the request of a client. `forward` delivers a forward and waits for its outcome.
pub fn serve_with<H: Host>(
    request: &Request,
    host: &mut H,
    mut forward: impl FnMut(&mut H, &Forward) -> PeerOutcome,
) -> Response {
    let mut serving = Serving::start(request, host);
    loop {
        for open in serving.forwards() {
            let outcome = forward(host, &open);
            serving.report(open.id, &outcome, host);
        }
        match serving.into_response() {
            Ok(response) => return response,
            Err(open) => serving = *open,
        }
    }
}

/// Returns the answer to a rejected request.
pub(crate) fn refuse<H: Host>(error: &RpcError, account: Option<&AnyId>, host: &H) -> Response {
    match (error, account) {
        (RpcError::WrongSwarm, Some(account)) => {
            Response::wrong_swarm(&host.swarm_of(account), host.stamp())
        }
        _ => Response::refuse(error),
    }
}

/// Returns the answer to a request that the storage failed to serve.
fn internal() -> Response {
    Response::refuse(&RpcError::Internal)
}

/// Returns the reason of a failed storage, as it goes into the answer.
fn reason(error: &impl ToString) -> String {
    error.to_string()
}
