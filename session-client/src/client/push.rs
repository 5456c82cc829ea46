//! Pushing of the shared configs, and keeping them alive.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use session_network::{Network, Now, Onion, RequestError, StorageReply, Target};
use session_storage::{Batch, Delete, Expire, Request, Store};
use session_types::MonotonicTime;
use session_types::limits::BATCH_MAX;
use session_types::{Namespace, SealedMessage};

use super::{Client, Doing, hashes};
use crate::settings::Settings;

/// Lifetime that stored configs get anew.
pub(super) const LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// A push that is under way.
#[derive(Debug)]
pub(crate) struct Push {
    call: Batch,
    /// What does not fit into the same request.
    rest: Vec<Request>,
    /// What is confirmed at the end.
    pushed: Vec<(Namespace, i64, Vec<String>)>,
}

/// The state of pushing.
#[derive(Debug, Default)]
pub(super) struct Pushing {
    due: Option<MonotonicTime>,
    is_under_way: bool,
    failures: u32,
    next: Option<Push>,
    keep_alive_due: MonotonicTime,
    keeps_alive: bool,
}

impl Pushing {
    pub(super) fn due(&self) -> Option<MonotonicTime> {
        self.due.filter(|_| !self.is_under_way)
    }

    /// Plans a push, unless there is a plan.
    pub(super) fn plan(&mut self, now: MonotonicTime, settings: &Settings) {
        if self.due.is_none() && !self.is_under_way {
            self.due = Some(now.saturating_add(settings.push_delay));
        }
    }
}

impl Client {
    pub(super) fn poll_push<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        self.poll_keep_alive(network, now);
        if self.pushing.is_under_way || self.pushing.due.is_none_or(|due| due > now.monotonic) {
            return;
        }
        self.pushing.due = None;
        let push = match self.pushing.next.take() {
            Some(push) => Some(push),
            None => self.prepare_push(network, now),
        };
        // What a push changed is persisted before it is sent.
        self.note_dump(now);
        if !self.journal.is_settled() {
            self.pushing.next = push;
            self.pushing.due = Some(now.monotonic);
            return;
        }
        let Some(push) = push else {
            return;
        };
        self.pushing.is_under_way = true;
        let request = Request::Sequence(push.call.clone());
        let target = Target::SwarmOf(self.id);
        self.begin(network, (target, request.into()), Doing::Push(push), now);
    }

    fn note_dump(&mut self, now: Now) {
        if self.configs.needs_dump() {
            let dump = self.configs.dump(now.wall);
            self.journal.put(crate::record::Key::Configs, dump);
        }
    }

    /// All messages of all configs that changed, then the deletion of what they replace.
    fn prepare_push<O: Onion>(&mut self, network: &Network<O>, now: Now) -> Option<Push> {
        // Configs that cannot be stored stay as they are on this device.
        let all = self.configs.push(now.wall).ok()?;
        let time = network.network_time(now);
        let (mut requests, mut pushed) = (Vec::new(), Vec::new());
        for push in all.pushes {
            let mut names = Vec::new();
            for data in push.messages {
                let message = SealedMessage {
                    namespace: push.namespace,
                    ttl: push.namespace.usual_ttl(),
                    data,
                };
                let store = Store::new(self.id, message, time).ok()?;
                names.push(store.hash().to_string());
                requests.push(Request::from(store.sign(time, &self.signer())));
            }
            pushed.push((push.namespace, push.seqno, names));
        }
        let obsolete = hashes(all.obsolete.iter().map(String::as_str));
        if let Ok(delete) = Delete::new(self.id, obsolete) {
            requests.push(delete.sign(time, &self.signer()).into());
        }
        next_part(requests, pushed)
    }

    pub(super) fn pushed(
        &mut self,
        push: &Push,
        result: Result<StorageReply, RequestError>,
        now: Now,
    ) {
        self.pushing.is_under_way = false;
        let results = result
            .ok()
            .and_then(|reply| reply.read(&push.call).ok())
            .map(|answer| answer.results);
        let is_stored = results.is_some_and(|results| {
            results.len() == push.call.requests().len()
                && results.iter().all(|response| response.status == 200)
        });
        if !is_stored {
            self.pushing.failures = self.pushing.failures.saturating_add(1);
            let wait = self.settings.backoff(self.pushing.failures);
            self.pushing.due = Some(now.monotonic.saturating_add(wait));
            return;
        }
        self.pushing.failures = 0;
        if let Some(next) = next_part(push.rest.clone(), push.pushed.clone()) {
            self.pushing.next = Some(next);
            self.pushing.due = Some(now.monotonic);
            return;
        }
        for (namespace, seqno, names) in &push.pushed {
            self.configs
                .confirm_pushed(*namespace, *seqno, names.iter().cloned());
        }
    }

    fn poll_keep_alive<O: Onion>(&mut self, network: &mut Network<O>, now: Now) {
        let is_due = now.monotonic >= self.pushing.keep_alive_due && !self.pushing.keeps_alive;
        if !is_due || !self.configs.is_fetched() {
            return;
        }
        let time = network.network_time(now);
        let names = hashes(self.configs.keep_alive(now.wall));
        let Ok(expire) = Expire::new(self.id, names, time.saturating_add(LIFETIME)) else {
            return;
        };
        let call = expire.extend().sign(time, &self.signer());
        self.pushing.keeps_alive = true;
        let target = Target::SwarmOf(self.id);
        self.begin(network, (target, call.into()), Doing::KeepAlive, now);
    }

    pub(super) fn kept_alive(&mut self, is_done: bool, now: Now) {
        self.pushing.keeps_alive = false;
        let wait = match is_done {
            true => self.settings.keep_alive_interval,
            false => self.settings.max_backoff,
        };
        self.pushing.keep_alive_due = now.monotonic.saturating_add(wait);
    }
}

/// As many requests as fit into one.
fn next_part(
    mut requests: Vec<Request>,
    pushed: Vec<(Namespace, i64, Vec<String>)>,
) -> Option<Push> {
    let rest = requests.split_off(requests.len().min(BATCH_MAX));
    let call = Batch::new(requests).ok()?;
    Some(Push { call, rest, pushed })
}
