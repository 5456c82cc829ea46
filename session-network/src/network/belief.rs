//! Decides which answers are believed: those that an honest node can have given, as far as a client can
//! tell, and which members of a swarm have proved what they did.

use alloc::collections::BTreeSet;

use session_crypto::Ed25519Public;
use session_storage::value::Value;
use session_storage::{
    Batch, Body, Call, Entry, IfElse, Request, Response, Retrieve, StoredMessage, SwarmCall,
};
use session_types::{Namespace, Namespaces};

use crate::pool::Pool;

/// The worth of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// An honest node can have given it.
    Good,
    /// So it is, but it says that nobody did what was asked. It is not signed by anybody.
    Failed,
    /// No honest node answers so.
    Bad,
}

/// The worth of an answer, and the members that have signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Belief {
    pub(super) worth: Worth,
    /// The members that have proved everything that they were to do; `None` if nothing in the
    /// request is signed by members.
    pub(super) signers: Option<BTreeSet<Ed25519Public>>,
}

impl Belief {
    const fn of(worth: Worth) -> Self {
        Self {
            worth,
            signers: None,
        }
    }

    const fn good_if(is_good: bool) -> Self {
        Self::of(if is_good { Worth::Good } else { Worth::Bad })
    }

    /// Combines the beliefs in two parts of an answer.
    fn and(self, other: Self) -> Self {
        let signers = match (self.signers, other.signers) {
            (Some(mine), Some(theirs)) => Some(mine.intersection(&theirs).copied().collect()),
            (mine, theirs) => mine.or(theirs),
        };
        Self {
            worth: self.worth.max(other.worth),
            signers,
        }
    }
}

/// Whether an answer is one that an honest node can have given. What counts as a swarm is what the
/// pool has.
pub(super) fn belief(pool: &Pool, request: &Request, response: &Response) -> Belief {
    let Body::Structure(body) = &response.body else {
        if response.status == 500 && ends_with_500(request) {
            return Belief::of(Worth::Failed);
        }
        // Refusals are texts; successes are structures, but for one binary list.
        let is_binary = matches!(request, Request::ActiveNodesBin(_));
        return Belief::good_if(!response.is_success() || is_binary);
    };
    let confirmed = match request {
        Request::Store(request) => confirmed(pool, request, body),
        Request::Delete(request) => confirmed(pool, request, body),
        Request::DeleteAll(request) => confirmed(pool, request, body),
        Request::DeleteBefore(request) => confirmed(pool, request, body),
        Request::Expire(request) => confirmed(pool, request, body),
        Request::ExpireAll(request) => confirmed(pool, request, body),
        Request::RevokeSubaccount(request) => confirmed(pool, request, body),
        Request::UnrevokeSubaccount(request) => confirmed(pool, request, body),
        _ if !response.is_success() => Belief::of(Worth::Good),
        Request::Retrieve(request) => Belief::good_if(is_intact(request, body)),
        Request::GetExpiries(request) => Belief::good_if(request.read_answer(body).is_ok()),
        Request::RevokedSubaccounts(request) => Belief::good_if(request.read_answer(body).is_ok()),
        Request::GetSwarm(request) => Belief::good_if(request.read_answer(body).is_ok()),
        Request::Info(request) => Belief::good_if(request.read_answer(body).is_ok()),
        Request::OxendRequest(request) => Belief::good_if(request.read_answer(body).is_ok()),
        Request::IfElse(request) => choice_belief(pool, request, body),
        Request::ActiveNodesBin(_) => Belief::of(Worth::Bad),
        Request::Batch(batch) => batch_belief(pool, batch, body, true),
        Request::Sequence(batch) => batch_belief(pool, batch, body, false),
        // A request of a later version: nothing is known of its answer.
        _ => Belief::of(Worth::Good),
    };
    // A refusal proves nothing, but for the 404 of `delete`, which is a success that found
    // nothing, and the failure of all members, which may have the status 500.
    let proves = response.is_success() || matches!(request, Request::Delete(_));
    match confirmed.worth {
        Worth::Bad if !proves => Belief::of(Worth::Good),
        _ => confirmed,
    }
}

fn batch_belief(pool: &Pool, batch: &Batch, body: &Value, is_complete: bool) -> Belief {
    let Ok(answer) = batch.read_answer(body) else {
        return Belief::of(Worth::Bad);
    };
    let all_there = answer.results.len() == batch.requests().len();
    let stopped = answer.results.last().is_some_and(|last| !last.is_success());
    if !all_there && (is_complete || !stopped) {
        return Belief::of(Worth::Bad);
    }
    let pairs = batch.requests().iter().zip(&answer.results);
    let beliefs = pairs.map(|(request, result)| belief(pool, request, result));
    beliefs.fold(Belief::of(Worth::Good), Belief::and)
}

/// Whether the branch that was served is the one for the state that the node claims, and its
/// result is believable.
fn choice_belief(pool: &Pool, request: &IfElse, body: &Value) -> Belief {
    let Ok(answer) = request.read_answer(body) else {
        return Belief::of(Worth::Bad);
    };
    let (condition, branch) = request.choose(&answer.state);
    match (branch, &answer.result) {
        _ if answer.condition != condition => Belief::of(Worth::Bad),
        (Some(branch), Some(result)) => belief(pool, branch, result),
        (None, None) => Belief::of(Worth::Good),
        _ => Belief::of(Worth::Bad),
    }
}

/// Returns the members of the swarm, as the pool has it, that signed the request. Deployed nodes
/// also answer honestly that all members failed (protocol: storage-rpc, sections [4.2] and [6]);
/// where nobody claims to have done it, there is no lie to be found.
///
/// [4.2]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-4.2
/// [6]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/storage-rpc.md#section-6
fn confirmed<C>(pool: &Pool, request: &C, body: &Value) -> Belief
where
    C: SwarmCall + Clone + Into<Request>,
{
    let whole: Request = request.clone().into();
    let (Ok(answer), Some(account)) = (request.read_answer(body), whole.account()) else {
        return Belief::of(Worth::Bad);
    };
    let mut entries = answer.entries.values();
    let nobody_did = answer.malformed == 0 && entries.all(|e| matches!(e, Entry::Failed(_)));
    let verified = answer.verify(request, |key| pool.serves(key, account));
    let worth = match verified.is_success() {
        true => Worth::Good,
        false if nobody_did && !verified.failed.is_empty() => Worth::Failed,
        false => Worth::Bad,
    };
    let signers = verified.done.into_iter().map(|(node, _)| node).collect();
    Belief {
        worth,
        signers: Some(signers),
    }
}

/// Whether deployed nodes answer a request with 500 although they serve it: `delete_before` of all
/// namespaces, and what it is in (protocol: storage-rpc, section 5.5).
fn ends_with_500(request: &Request) -> bool {
    match request {
        Request::DeleteBefore(delete) => delete.namespaces == Namespaces::All,
        Request::Batch(batch) | Request::Sequence(batch) => {
            batch.requests().iter().any(ends_with_500)
        }
        Request::IfElse(choice) => {
            let mut branches = choice.then.iter().chain(&choice.otherwise);
            branches.any(|branch| ends_with_500(branch))
        }
        _ => false,
    }
}

/// Every message is what its hash says, in the place that was asked.
fn is_intact(request: &Retrieve, body: &Value) -> bool {
    let Ok(answer) = request.read_answer(body) else {
        return false;
    };
    let mut messages = answer.messages.iter();
    answer.malformed == 0 && messages.all(|message| is_in_place(message, request))
}

/// Whether the hash of a message is that of its place.
///
/// When swarms change, deployed nodes push messages to each other without their namespaces, and who
/// takes them stores them all in namespace 0, under the hashes that they have (protocol: swarm,
/// section 6.3). So there, and only there, a message may have the hash of another namespace. It can
/// not be told from one that a node moved on purpose; it was stored for this account in either case,
/// and what is in it does not open as anything else.
fn is_in_place(message: &StoredMessage, request: &Retrieve) -> bool {
    let namespace = request.namespace();
    let fits = |namespace: Namespace| message.is_intact(&request.account, namespace);
    fits(namespace) || (namespace == Namespace::DEFAULT && Namespace::KNOWN.into_iter().any(fits))
}

/// The answer inside another whose status counts as that of the whole request: for a batch of which
/// all members failed with the same status the first of them, for an `ifelse` that of its branch if
/// it failed.
pub(super) fn decisive(request: &Request, response: &Response) -> Option<Response> {
    let Body::Structure(body) = &response.body else {
        return None;
    };
    match request {
        Request::Batch(batch) | Request::Sequence(batch) => {
            let answer = batch.read_answer(body).ok()?;
            answer.common_failure()?;
            answer.results.into_iter().next()
        }
        Request::IfElse(choice) => {
            let answer = choice.read_answer(body).ok()?;
            let (_, branch) = choice.choose(&answer.state);
            let result = answer.result?;
            let inner = decisive(branch?, &result).unwrap_or(result);
            (!inner.is_success()).then_some(inner)
        }
        _ => None,
    }
}
