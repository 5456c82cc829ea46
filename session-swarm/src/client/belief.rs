//! Which answers are believed: those that an honest node can have given, as far as a client can
//! tell.

use session_crypto::Ed25519Public;

use super::Client;
use crate::rpc::{Batch, Body, Call, IfElse, Request, Response, Retrieve, SwarmCall};
use crate::value::Value;

impl Client {
    /// Whether an answer is one that an honest node can have given.
    pub(super) fn is_believable(&self, request: &Request, response: &Response) -> bool {
        let Body::Structure(body) = &response.body else {
            // Refusals are texts; successes are structures, but for one binary list.
            return !response.is_success() || matches!(request, Request::ActiveNodesBin(_));
        };
        if !response.is_success() {
            // The 404 of `delete` is a success that found nothing.
            return match request {
                Request::Delete(delete) => self.is_confirmed(delete, body),
                _ => true,
            };
        }
        match request {
            Request::Store(request) => self.is_confirmed(request, body),
            Request::Delete(request) => self.is_confirmed(request, body),
            Request::DeleteAll(request) => self.is_confirmed(request, body),
            Request::DeleteBefore(request) => self.is_confirmed(request, body),
            Request::Expire(request) => self.is_confirmed(request, body),
            Request::ExpireAll(request) => self.is_confirmed(request, body),
            Request::RevokeSubaccount(request) => self.is_confirmed(request, body),
            Request::UnrevokeSubaccount(request) => self.is_confirmed(request, body),
            Request::Retrieve(request) => is_intact(request, body),
            Request::GetExpiries(request) => request.read_answer(body).is_ok(),
            Request::RevokedSubaccounts(request) => request.read_answer(body).is_ok(),
            Request::GetSwarm(request) => request.read_answer(body).is_ok(),
            Request::Info(request) => request.read_answer(body).is_ok(),
            Request::OxendRequest(request) => request.read_answer(body).is_ok(),
            Request::IfElse(request) => self.is_choice_believable(request, body),
            Request::ActiveNodesBin(_) => false,
            Request::Batch(batch) => self.is_batch_believable(batch, body, true),
            Request::Sequence(batch) => self.is_batch_believable(batch, body, false),
        }
    }

    fn is_batch_believable(&self, batch: &Batch, body: &Value, is_complete: bool) -> bool {
        let Ok(answer) = batch.read_answer(body) else {
            return false;
        };
        let all_there = answer.results.len() == batch.requests.len();
        let stopped = answer.results.last().is_some_and(|last| !last.is_success());
        let mut pairs = batch.requests.iter().zip(&answer.results);
        (all_there || (!is_complete && stopped))
            && pairs.all(|(request, result)| self.is_believable(request, result))
    }

    /// Whether the branch that was served is the one for the state that the node claims, and its
    /// result is believable.
    fn is_choice_believable(&self, request: &IfElse, body: &Value) -> bool {
        let Ok(answer) = request.read_answer(body) else {
            return false;
        };
        let (condition, branch) = request.choose(&answer.state);
        answer.condition == condition
            && match (branch, &answer.result) {
                (Some(branch), Some(result)) => self.is_believable(branch, result),
                (None, None) => true,
                _ => false,
            }
    }

    /// Whether at least one member of the swarm, as the pool or a redirect has it, signed what the
    /// request asks for.
    fn is_confirmed<C>(&self, request: &C, body: &Value) -> bool
    where
        C: SwarmCall + Clone + Into<Request>,
    {
        let whole: Request = request.clone().into();
        let (Ok(answer), Some(account)) = (request.read_answer(body), whole.account()) else {
            return false;
        };
        let redirected = self.redirects.get(account);
        let swarm = self.pool.ring().swarm_of(account);
        let is_member = |key: &Ed25519Public| {
            let known = self.pool.get(key);
            known.is_some_and(|node| Some(node.swarm_id) == swarm)
                || redirected.is_some_and(|keys| keys.contains(key))
        };
        answer.verify(request, is_member).is_success()
    }
}

/// Every message is what its hash says, in the place that was asked.
fn is_intact(request: &Retrieve, body: &Value) -> bool {
    let Ok(answer) = request.read_answer(body) else {
        return false;
    };
    let namespace = request.namespace();
    let mut messages = answer.messages.iter();
    answer.malformed == 0 && messages.all(|message| message.is_intact(&request.account, namespace))
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
