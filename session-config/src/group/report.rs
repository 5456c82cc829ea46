//! What came of a job.

use alloc::string::String;
use alloc::vec::Vec;

use super::error::{ActError, ReportError};
use super::job::{Answer, Open, Part, Ticket};
use super::{Group, Stage};
use crate::config::Config;
use crate::kind::Kind;
use crate::members::{Delivery, Removal};

impl Group {
    /// Takes what came of the calls of a job, in their order. Calls without an answer were not made.
    ///
    /// Save [`dump`](Self::dump) after it.
    ///
    /// # Errors
    ///
    /// [`ReportError::Ticket`] if the job is not the one that was given last; nothing has changed then.
    /// [`ReportError::Act`] if the step that follows failed: it will be tried again.
    pub fn report(&mut self, ticket: Ticket, answers: &[Answer]) -> Result<(), ReportError> {
        let open = self.open.take().filter(|open| open.ticket == ticket);
        let open = open.ok_or(ReportError::Ticket)?;
        self.needs_dump = true;
        let mut info = Stored::default();
        let mut members = Stored::default();
        for (part, answer) in open.parts.iter().zip(answers) {
            match (part, answer) {
                (Part::Info { seqno }, Answer::Stored { hash, .. }) => info.add(*seqno, hash),
                (Part::Members { seqno }, Answer::Stored { hash, .. }) => members.add(*seqno, hash),
                _ => self.settle(part, answer, &open)?,
            }
        }
        let count = |is: fn(&Part) -> bool| open.parts.iter().filter(|part| is(part)).count();
        if info.confirm(
            &mut self.info,
            count(|part| matches!(part, Part::Info { .. })),
        ) {
            self.queue.restore_info = false;
        }
        if members.confirm(
            &mut self.members,
            count(|part| matches!(part, Part::Members { .. })),
        ) {
            self.queue.restore_members = false;
        }
        if self.stage == Stage::Leaving && self.queue.controls.is_empty() {
            self.stage = Stage::Left;
        }
        let is_complete = answers.len() >= open.parts.len() && answers.iter().all(Answer::is_ok);
        if is_complete && !open.removed.is_empty() {
            self.erase(&open)?;
        }
        Ok(())
    }

    fn settle(&mut self, part: &Part, answer: &Answer, open: &Open) -> Result<(), ActError> {
        let sent = if answer.is_ok() {
            Delivery::Sent
        } else {
            Delivery::Failed
        };
        match part {
            Part::Invite(id) => {
                // The member may have been removed in the meantime.
                if self
                    .members
                    .get(id)
                    .is_some_and(|member| member.invite == Delivery::NotSent)
                {
                    self.members.update(id, |member| member.set_invite(sent))?;
                }
            }
            Part::Promote(id) => {
                if self
                    .members
                    .get(id)
                    .is_some_and(|member| member.promotion == Delivery::NotSent)
                {
                    self.members
                        .update(id, |member| member.set_promotion(sent))?;
                }
            }
            _ if !answer.is_ok() => {}
            Part::Keys => {
                if let (Answer::Stored { hash, at }, Some(message)) = (answer, &open.keys) {
                    self.load_own(hash, message, *at);
                }
            }
            Part::Supplement => {
                let message = self.queue.supplements.pop_front();
                if let (Answer::Stored { hash, at }, Some(message)) = (answer, message) {
                    self.load_own(hash, &message, *at);
                }
            }
            Part::Control => {
                self.queue.controls.pop_front();
            }
            Part::Delete(names) => self.queue.delete.retain(|name| !names.contains(name)),
            Part::DeleteBefore(before) => {
                self.queue.delete_before = self.queue.delete_before.filter(|set| set != before);
            }
            Part::Unrevoke(ids) => self.queue.unrevoke.retain(|id| !ids.contains(id)),
            Part::Notice { ids, generation } => {
                for id in ids {
                    self.queue.given.remove(id);
                    self.queue.removed.insert(*id, *generation);
                    self.queue.noticed_again.insert(*id);
                }
            }
            Part::Info { .. } | Part::Members { .. } | Part::Removal => {}
        }
        Ok(())
    }

    /// Loads a key message of our own, which was just stored.
    fn load_own(&mut self, hash: &str, message: &[u8], at: session_types::UnixMillis) {
        // It was made here, and fails only if the list of keys is full: then the key stays pending.
        if let Ok(loaded) = self.keys.load(hash, message, at) {
            self.seen_generation = self.seen_generation.max(loaded.generation);
            self.share_keys();
        }
    }

    /// Erases the members who were removed, and makes a key that they do not get.
    fn erase(&mut self, open: &Open) -> Result<(), ActError> {
        let ids = open.removed.iter();
        let ids: Vec<_> = ids
            .filter(|id| {
                self.members
                    .get(id)
                    .is_some_and(|one| one.removal != Removal::No)
            })
            .copied()
            .collect();
        for id in &ids {
            self.members.remove(id)?;
            self.queue.invited.remove(id);
            self.queue.removed.insert(*id, open.generation);
        }
        if ids.is_empty() { Ok(()) } else { self.rekey() }
    }
}

/// Under which names the messages of a push were stored.
#[derive(Default)]
struct Stored {
    seqno: i64,
    names: Vec<String>,
}

impl Stored {
    fn add(&mut self, seqno: i64, name: &str) {
        self.seqno = seqno;
        self.names.push(name.into());
    }

    /// Confirms a push, if all its messages were stored.
    fn confirm<K: Kind>(self, config: &mut Config<K>, count: usize) -> bool {
        let is_complete = count > 0 && self.names.len() == count;
        if is_complete {
            config.confirm_pushed(self.seqno, self.names);
        }
        is_complete
    }
}
