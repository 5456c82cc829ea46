//! The steps of what admins and members do: the jobs of a group, as requests.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_config::group::{Answer, Call, Group, Ticket};
use session_network::{Network, Now, Onion, RequestError, StorageReply, Target};
use session_storage::{
    Batch, Delete, DeleteBefore, Request, Response, RevokeSubaccount, Signer, Store,
    UnrevokeSubaccount,
};
use session_types::limits::BATCH_MAX;
use session_types::{AccountId, AnyId, GroupId, MessageHash, MonotonicTime, UnixMillis};

use super::groups::sign;
use super::{Client, Doing};
use crate::event::Event;
use crate::record::Key;
use crate::settings::Settings;

/// Attempts to send an invitation or promotion, before it counts as failed.
const MAX_ATTEMPTS: u32 = 5;

/// Calls to the swarm of a group that are under way.
#[derive(Debug)]
pub(crate) struct Sequence {
    ticket: Ticket,
    /// The calls of the job, by their numbers, with the requests for them.
    calls: Vec<usize>,
    batch: Batch,
    at: UnixMillis,
}

/// A message of a job to an account that is under way.
#[derive(Debug)]
pub(crate) struct Sending {
    ticket: Ticket,
    call: usize,
    store: Box<Store>,
    at: UnixMillis,
}

/// A message of a job to an account.
#[derive(Debug, Clone, Copy, Default)]
struct Attempt {
    failures: u32,
    due: MonotonicTime,
    is_under_way: bool,
}

/// A job that is being done.
#[derive(Debug)]
struct Job {
    ticket: Ticket,
    calls: Vec<Call>,
    answers: BTreeMap<usize, Answer>,
    /// Whether calls to the swarm of the group are under way.
    is_under_way: bool,
    sends: BTreeMap<usize, Attempt>,
}

/// What is done in a group. It is not persisted: the state of the group has all that is left to do.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// When to ask the group what is to be done.
    pub(super) due: Option<MonotonicTime>,
    failures: u32,
    job: Option<Job>,
}

impl Work {
    pub(super) fn due(&self) -> Option<MonotonicTime> {
        match &self.job {
            None => self.due,
            Some(job) if job.is_under_way => None,
            Some(job) => {
                let waiting = job.sends.values().filter(|send| !send.is_under_way);
                let due = waiting.map(|send| send.due).min();
                due.or_else(|| job.sends.is_empty().then(MonotonicTime::default))
            }
        }
    }

    /// Begins anew later. Nothing is lost: the group gives the same job again.
    fn give_up(&mut self, settings: &Settings, now: Now) {
        self.job = None;
        self.failures = self.failures.saturating_add(1);
        let wait = settings.backoff(self.failures);
        self.due = Some(now.monotonic.saturating_add(wait));
    }
}

impl Job {
    /// The next call without an answer.
    fn next(&self) -> Option<usize> {
        (0..self.calls.len()).find(|number| !self.answers.contains_key(number))
    }
}

impl Client {
    pub(super) fn poll_group_work<O: Onion>(
        &mut self,
        id: &GroupId,
        network: &mut Network<O>,
        now: Now,
        rng: &mut (impl CryptoRng + ?Sized),
    ) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let is_ready = state.is_fetched || !state.is_followed();
        if !is_ready || state.work.due().is_none_or(|due| due > now.monotonic) {
            return;
        }
        if state.work.job.is_none() {
            let time = network.network_time(now);
            match state.group.poll(time, rng) {
                Ok(Some(job)) => {
                    state.work.job = Some(Job {
                        ticket: job.ticket,
                        calls: job.calls,
                        answers: BTreeMap::new(),
                        is_under_way: false,
                        sends: BTreeMap::new(),
                    });
                }
                Ok(None) => {
                    state.work.due = None;
                    state.work.failures = 0;
                }
                Err(reason) => {
                    let wait = self.settings.max_backoff;
                    state.work.due = Some(now.monotonic.saturating_add(wait));
                    let group = *id;
                    self.journal.event(Event::GroupStuck { group, reason });
                }
            }
            self.persist_group(id, now);
        }
        // What a job changed is persisted before it is begun.
        if self.journal.is_settled() {
            self.begin_calls(id, network, now);
        }
    }

    fn persist_group(&mut self, id: &GroupId, now: Now) {
        if let Some(state) = self.groups.get_mut(id)
            && state.group.needs_dump()
        {
            let dump = state.group.dump(now.wall);
            self.journal.put(Key::Group(*id), dump);
        }
    }

    /// Makes the calls that come next: those to the swarm of the group in their order, and messages to
    /// accounts beside each other.
    fn begin_calls<O: Onion>(&mut self, id: &GroupId, network: &mut Network<O>, now: Now) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let Some(job) = state.work.job.as_mut().filter(|job| !job.is_under_way) else {
            return;
        };
        let Some(next) = job.next() else {
            return self.finish_job(id, now);
        };
        let ticket = job.ticket;
        let numbered = job.calls.iter().enumerate().skip(next);
        let sends: Vec<(usize, AccountId, session_types::SealedMessage)> = numbered
            .clone()
            .map_while(|(number, call)| match call {
                Call::Send { to, message } => Some((number, *to, message.clone())),
                _ => None,
            })
            .filter(|(number, ..)| !job.answers.contains_key(number))
            .collect();
        if !sends.is_empty() {
            for (number, to, message) in sends {
                self.begin_send(id, (ticket, number), (to, message), network, now);
            }
            return;
        }
        let calls: Vec<(usize, Call)> = numbered
            .take_while(|(_, call)| !matches!(call, Call::Send { .. }))
            .map(|(number, call)| (number, call.clone()))
            .collect();
        self.begin_sequence(id, ticket, calls, network, now);
    }

    fn begin_send<O: Onion>(
        &mut self,
        id: &GroupId,
        (ticket, call): (Ticket, usize),
        (to, message): (AccountId, session_types::SealedMessage),
        network: &mut Network<O>,
        now: Now,
    ) {
        let job = self
            .groups
            .get_mut(id)
            .and_then(|state| state.work.job.as_mut());
        let Some(job) = job else { return };
        let attempt = job.sends.entry(call).or_default();
        if attempt.is_under_way || attempt.due > now.monotonic {
            return;
        }
        attempt.is_under_way = true;
        let at = network.network_time(now);
        let Ok(store) = Store::new(AnyId::from(&to), message, at) else {
            job.answers.insert(call, Answer::Failed);
            return;
        };
        let request = (Target::SwarmOf(AnyId::from(&to)), store.clone().into());
        let store = Box::new(store);
        let sending = Sending {
            ticket,
            call,
            store,
            at,
        };
        self.begin(network, request, Doing::GroupSend(*id, sending), now);
    }

    fn begin_sequence<O: Onion>(
        &mut self,
        id: &GroupId,
        ticket: Ticket,
        calls: Vec<(usize, Call)>,
        network: &mut Network<O>,
        now: Now,
    ) {
        let at = network.network_time(now);
        let Some(state) = self.groups.get(id) else {
            return;
        };
        let stored_by = |members: &[AccountId]| self.inbox.seen.stored_by(*id, members);
        let requests = |signer: &Signer<'_>| {
            let calls = calls.iter();
            let requests = calls.map(|(number, call)| {
                (
                    *number,
                    request_of(&state.group, call, &stored_by, at, signer),
                )
            });
            requests.take(BATCH_MAX).collect::<Vec<_>>()
        };
        let requests = sign(&self.account, &state.group, requests);
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let (Some(requests), Some(job)) = (requests, state.work.job.as_mut()) else {
            return state.work.give_up(&self.settings, now);
        };
        let (mut numbers, mut batch) = (Vec::new(), Vec::new());
        for (number, request) in requests {
            match request {
                Some(request) => {
                    numbers.push(number);
                    batch.push(request);
                }
                // There is nothing to do.
                None => drop(job.answers.insert(number, Answer::Done)),
            }
        }
        let Ok(batch) = Batch::new(batch) else {
            // Nothing to do in any of them: go on with the next ones.
            return;
        };
        job.is_under_way = true;
        let target = Target::SwarmOf(AnyId::from(id));
        let request = (target, Request::Sequence(batch.clone()).into());
        let sequence = Sequence {
            ticket,
            calls: numbers,
            batch,
            at,
        };
        self.begin(network, request, Doing::GroupCalls(*id, sequence), now);
    }

    /// Takes the answers of the swarm of a group.
    pub(super) fn group_called(
        &mut self,
        id: &GroupId,
        sequence: &Sequence,
        result: Result<StorageReply, RequestError>,
        now: Now,
    ) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let job = state.work.job.as_mut();
        let Some(job) = job.filter(|job| job.ticket == sequence.ticket) else {
            return;
        };
        job.is_under_way = false;
        let results = result.and_then(|reply| {
            let read = reply.read(&sequence.batch);
            read.map_err(|_| RequestError::NoUsableAnswer)
        });
        let Ok(results) = results else {
            return state.work.give_up(&self.settings, now);
        };
        let requests = sequence.batch.requests().iter().zip(&results.results);
        for (number, (request, response)) in sequence.calls.iter().zip(requests) {
            match answer_to(request, response, sequence.at) {
                Some(answer) => drop(job.answers.insert(*number, answer)),
                None => return self.finish_job(id, now),
            }
        }
        if results.results.len() < sequence.calls.len() || job.next().is_none() {
            self.finish_job(id, now);
        }
    }

    /// Takes the answer of the swarm of an account.
    pub(super) fn group_sent(
        &mut self,
        id: &GroupId,
        sending: &Sending,
        result: Result<StorageReply, RequestError>,
        now: Now,
    ) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let job = state.work.job.as_mut();
        let Some(job) = job.filter(|job| job.ticket == sending.ticket) else {
            return;
        };
        if matches!(result, Err(RequestError::ClockOutOfSync)) {
            // It must be sealed for another time.
            return state.work.give_up(&self.settings, now);
        }
        let is_stored = result.is_ok_and(|reply| reply.read(&*sending.store).is_ok());
        let attempt = job.sends.entry(sending.call).or_default();
        attempt.is_under_way = false;
        if is_stored {
            let hash = sending.store.hash().to_string();
            let answer = Answer::Stored {
                hash,
                at: sending.at,
            };
            job.answers.insert(sending.call, answer);
            job.sends.remove(&sending.call);
        } else {
            attempt.failures = attempt.failures.saturating_add(1);
            let wait = self.settings.backoff(attempt.failures);
            attempt.due = now.monotonic.saturating_add(wait);
            if attempt.failures >= MAX_ATTEMPTS {
                job.answers.insert(sending.call, Answer::Failed);
                job.sends.remove(&sending.call);
            }
        }
        if job.next().is_none() {
            self.finish_job(id, now);
        }
    }

    /// Hands what came of a job to the group.
    fn finish_job(&mut self, id: &GroupId, now: Now) {
        let Some(state) = self.groups.get_mut(id) else {
            return;
        };
        let Some(job) = state.work.job.take() else {
            return;
        };
        let count = job.calls.len();
        let answers = (0..count).map(|number| {
            let answer = job.answers.get(&number);
            answer.cloned().unwrap_or(Answer::Failed)
        });
        let answers: Vec<Answer> = answers.collect();
        let is_done = answers.iter().all(|answer| *answer != Answer::Failed);
        let only_sends = |(call, answer): (&Call, &Answer)| {
            *answer != Answer::Failed || matches!(call, Call::Send { .. })
        };
        let goes_on = is_done || job.calls.iter().zip(&answers).all(only_sends);
        // If the step that follows cannot be made now, it is made when the group is asked again.
        let reported = state.group.report(job.ticket, &answers);
        if goes_on && reported.is_ok() {
            state.work.failures = 0;
            state.work.due = Some(now.monotonic);
        } else {
            state.work.give_up(&self.settings, now);
        }
        self.note_group(id, now);
    }
}

/// The request for a call to the swarm of the group. `None` if there is nothing to do.
fn request_of(
    group: &Group,
    call: &Call,
    stored_by: &impl Fn(&[AccountId]) -> Vec<MessageHash>,
    at: UnixMillis,
    signer: &Signer<'_>,
) -> Option<Request> {
    let id = AnyId::from(group.id());
    let delete = |names: Vec<MessageHash>| {
        let delete = Delete::new(id, names).ok()?;
        Some(delete.sign(at, signer).into())
    };
    match call {
        Call::Store(message) => {
            let store = Store::new(id, message.clone(), at).ok()?;
            Some(store.sign(at, signer).into())
        }
        Call::Delete(names) => delete(super::hashes(names.iter().map(String::as_str))),
        Call::DeleteMessagesOf(members) => delete(stored_by(members)),
        Call::DeleteBefore { namespace, before } => {
            let delete = DeleteBefore::new(id, *namespace, *before);
            Some(delete.sign(at, signer).into())
        }
        Call::Revoke(tokens) => {
            let revoke = RevokeSubaccount::new(id, tokens.clone()).ok()?;
            Some(revoke.sign(at, signer).into())
        }
        Call::Unrevoke(tokens) => {
            let unrevoke = UnrevokeSubaccount::new(id, tokens.clone()).ok()?;
            Some(unrevoke.sign(at, signer).into())
        }
        // Messages to accounts are sent by themselves, and there is nothing else.
        _ => None,
    }
}

/// The answer to a call, if it was done.
fn answer_to(request: &Request, response: &Response, at: UnixMillis) -> Option<Answer> {
    match request {
        Request::Store(store) if response.status == 200 => Some(Answer::Stored {
            hash: store.hash().to_string(),
            at,
        }),
        // What is to be deleted may be gone.
        Request::Delete(_) if response.status == 404 => Some(Answer::Done),
        _ => (response.status == 200).then_some(Answer::Done),
    }
}
