//! Which answers are believed: those that an honest node can have given, as far as a client can
//! tell.

use session_crypto::Ed25519Public;
use session_storage::value::Value;
use session_storage::{
    Batch, Body, Call, Entry, IfElse, Request, Response, Retrieve, StoredMessage, SwarmCall,
};
use session_types::{Namespace, Namespaces};

use super::Client;

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Belief {
    /// An honest node can have given it.
    Good,
    /// So it is, but it says that nobody did what was asked. It is not signed by anybody.
    Failed,
    /// No honest node answers so.
    Bad,
}

impl Belief {
    const fn good_if(is_good: bool) -> Self {
        if is_good { Self::Good } else { Self::Bad }
    }
}

impl Client {
    /// Whether an answer is one that an honest node can have given.
    pub(super) fn belief(&self, request: &Request, response: &Response) -> Belief {
        let Body::Structure(body) = &response.body else {
            if response.status == 500 && ends_with_500(request) {
                return Belief::Failed;
            }
            // Refusals are texts; successes are structures, but for one binary list.
            let is_binary = matches!(request, Request::ActiveNodesBin(_));
            return Belief::good_if(!response.is_success() || is_binary);
        };
        let confirmed = match request {
            Request::Store(request) => self.confirmed(request, body),
            Request::Delete(request) => self.confirmed(request, body),
            Request::DeleteAll(request) => self.confirmed(request, body),
            Request::DeleteBefore(request) => self.confirmed(request, body),
            Request::Expire(request) => self.confirmed(request, body),
            Request::ExpireAll(request) => self.confirmed(request, body),
            Request::RevokeSubaccount(request) => self.confirmed(request, body),
            Request::UnrevokeSubaccount(request) => self.confirmed(request, body),
            _ if !response.is_success() => Belief::Good,
            Request::Retrieve(request) => Belief::good_if(is_intact(request, body)),
            Request::GetExpiries(request) => Belief::good_if(request.read_answer(body).is_ok()),
            Request::RevokedSubaccounts(request) => {
                Belief::good_if(request.read_answer(body).is_ok())
            }
            Request::GetSwarm(request) => Belief::good_if(request.read_answer(body).is_ok()),
            Request::Info(request) => Belief::good_if(request.read_answer(body).is_ok()),
            Request::OxendRequest(request) => Belief::good_if(request.read_answer(body).is_ok()),
            Request::IfElse(request) => self.choice_belief(request, body),
            // A structure is not an answer to the binary list, and nothing is known of the answers to
            // other methods.
            Request::ActiveNodesBin(_) => Belief::Bad,
            Request::Batch(batch) => self.batch_belief(batch, body, true),
            Request::Sequence(batch) => self.batch_belief(batch, body, false),
            _ => Belief::Bad,
        };
        // A refusal proves nothing, but for the 404 of `delete`, which is a success that found
        // nothing, and the failure of all members, which may have the status 500.
        let proves = response.is_success() || matches!(request, Request::Delete(_));
        match confirmed {
            Belief::Bad if !proves => Belief::Good,
            confirmed => confirmed,
        }
    }

    fn batch_belief(&self, batch: &Batch, body: &Value, is_complete: bool) -> Belief {
        let Ok(answer) = batch.read_answer(body) else {
            return Belief::Bad;
        };
        let all_there = answer.results.len() == batch.requests().len();
        let stopped = answer.results.last().is_some_and(|last| !last.is_success());
        if !all_there && (is_complete || !stopped) {
            return Belief::Bad;
        }
        let pairs = batch.requests().iter().zip(&answer.results);
        let beliefs = pairs.map(|(request, result)| self.belief(request, result));
        beliefs.max().unwrap_or(Belief::Good)
    }

    /// Whether the branch that was served is the one for the state that the node claims, and its
    /// result is believable.
    fn choice_belief(&self, request: &IfElse, body: &Value) -> Belief {
        let Ok(answer) = request.read_answer(body) else {
            return Belief::Bad;
        };
        let (condition, branch) = request.choose(&answer.state);
        match (branch, &answer.result) {
            _ if answer.condition != condition => Belief::Bad,
            (Some(branch), Some(result)) => self.belief(branch, result),
            (None, None) => Belief::Good,
            _ => Belief::Bad,
        }
    }

    /// Whether at least one member of the swarm, as the pool or a redirect has it, signed what the
    /// request asks for. Deployed nodes also answer honestly that all members failed (protocol:
    /// storage-rpc, sections 4.2 and 6); where nobody claims to have done it, there is no lie to
    /// be found.
    fn confirmed<C>(&self, request: &C, body: &Value) -> Belief
    where
        C: SwarmCall + Clone + Into<Request>,
    {
        let whole: Request = request.clone().into();
        let (Ok(answer), Some(account)) = (request.read_answer(body), whole.account()) else {
            return Belief::Bad;
        };
        let redirected = self.redirects.get(account);
        let swarm = self.pool.ring().swarm_of(account);
        let is_member = |key: &Ed25519Public| {
            let known = self.pool.get(key);
            known.is_some_and(|node| Some(node.swarm_id) == swarm)
                || redirected.is_some_and(|keys| keys.contains(key))
        };
        let mut entries = answer.entries.values();
        let nobody_did = answer.malformed == 0 && entries.all(|e| matches!(e, Entry::Failed(_)));
        let verified = answer.verify(request, is_member);
        match verified.is_success() {
            true => Belief::Good,
            false if nobody_did && !verified.failed.is_empty() => Belief::Failed,
            false => Belief::Bad,
        }
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

/// An answer as it came.
pub(super) fn response_of(status: u16, body: &[u8]) -> Response {
    let structure = match body {
        [b'{', ..] => Value::from_json(body).ok(),
        _ => None,
    };
    let body = match (structure, core::str::from_utf8(body)) {
        (Some(structure), _) => Body::Structure(structure),
        (None, Ok(text)) => Body::Text(text.into()),
        (None, Err(_)) => Body::Binary(body.into()),
    };
    Response { status, body }
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
