//! The steps of one request.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::spread::Spread;
use super::{ForwardId, Host, Outbox, PeerOutcome, check, internal, local, refuse};
use crate::{BatchAnswer, IfElse, IfElseAnswer, NetworkState, Request, Response, RpcError};

/// A request, or a part of one.
#[derive(Debug)]
pub(super) enum Job {
    /// The answer is complete.
    Done(Response),
    /// Other members of the swarm have not answered yet.
    Spread(Box<Spread>),
    /// All members of a batch at once.
    Batch(Vec<Job>),
    /// The members of a sequence, one after the other.
    Sequence {
        results: Vec<Response>,
        current: Box<Job>,
        /// The rest of the members, the next one last.
        rest: Vec<Request>,
    },
    /// The branch that was chosen.
    IfElse {
        state: NetworkState,
        condition: bool,
        branch: Box<Job>,
    },
}

impl Job {
    pub(super) fn start<H: Host>(request: &Request, host: &mut H, outbox: &mut Outbox) -> Self {
        if let Err(error) = check(host, request, false) {
            return Self::Done(refuse(&error, request.account(), host));
        }
        let mut job = match request {
            Request::Batch(batch) => {
                let members = batch.requests().iter();
                Self::Batch(
                    members
                        .map(|request| Self::start(request, host, outbox))
                        .collect(),
                )
            }
            Request::Sequence(batch) => match batch.requests().split_first() {
                Some((first, rest)) => Self::Sequence {
                    results: Vec::new(),
                    current: Box::new(Self::start(first, host, outbox)),
                    rest: rest.iter().rev().cloned().collect(),
                },
                None => Self::Done(Response::refuse(&RpcError::Internal)),
            },
            Request::IfElse(choice) => Self::choose(choice, host, outbox),
            request => match Spread::start(request, host, outbox) {
                Some(spread) => Self::Spread(Box::new(spread)),
                None => Self::Done(local::answer(request, host)),
            },
        };
        job.advance(host, outbox);
        job
    }

    fn choose<H: Host>(choice: &IfElse, host: &mut H, outbox: &mut Outbox) -> Self {
        let state = host.state();
        match choice.choose(&state) {
            (condition, Some(branch)) => Self::IfElse {
                state,
                condition,
                branch: Box::new(Self::start(branch, host, outbox)),
            },
            (condition, None) => Self::Done(Response::ok(
                IfElseAnswer {
                    state,
                    condition,
                    result: None,
                }
                .to_value(),
            )),
        }
    }

    pub(super) fn report<H: Host>(
        &mut self,
        id: ForwardId,
        outcome: &PeerOutcome,
        host: &mut H,
        outbox: &mut Outbox,
    ) {
        match self {
            Self::Done(_) => return,
            Self::Spread(spread) => spread.report(id, outcome),
            Self::Batch(members) => {
                for member in members {
                    member.report(id, outcome, host, outbox);
                }
            }
            Self::Sequence { current: inner, .. } | Self::IfElse { branch: inner, .. } => {
                inner.report(id, outcome, host, outbox);
            }
        }
        self.advance(host, outbox);
    }

    /// Advances as far as possible.
    fn advance<H: Host>(&mut self, host: &mut H, outbox: &mut Outbox) {
        let done = match self {
            Self::Done(_) => return,
            Self::Spread(spread) => spread.finish(host),
            Self::Batch(members) => {
                let results: Option<Vec<_>> = members.iter().map(Self::response).collect();
                results.map(together)
            }
            Self::Sequence {
                results,
                current,
                rest,
            } => loop {
                let Self::Done(result) = &**current else {
                    break None;
                };
                let is_success = result.is_success();
                results.push(result.clone());
                match rest.pop() {
                    Some(next) if is_success => **current = Self::start(&next, host, outbox),
                    _ => break Some(together(core::mem::take(results))),
                }
            },
            Self::IfElse {
                state,
                condition,
                branch,
            } => branch.response().map(|result| {
                let (state, condition, result) = (*state, *condition, Some(result));
                let answer = IfElseAnswer {
                    state,
                    condition,
                    result,
                };
                Response::ok(answer.to_value())
            }),
        };
        if let Some(done) = done {
            *self = Self::Done(done);
        }
    }

    fn response(&self) -> Option<Response> {
        match self {
            Self::Done(response) => Some(response.clone()),
            _ => None,
        }
    }
}

/// Returns the answer to several requests: 500 as a whole if one of them failed with 500.
fn together(results: Vec<Response>) -> Response {
    let status = RpcError::Internal.status();
    if results.iter().any(|result| result.status == status) {
        return internal();
    }
    Response::ok(BatchAnswer { results }.to_value())
}
