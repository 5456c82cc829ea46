//! Merging received messages with our own (protocol: config, section 7.4).

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::config::{self, Domain};
use session_proto::schema::session::shared_config_message::Kind as WrapperKind;
use session_types::UnixMillis;
use zeroize::Zeroizing;

use super::engine::{Engine, State};
use crate::error::{MergeError, Refused};
use crate::kind::Owner;
use crate::message::{Candidate, Message, Outcome, Trust, resolve};
use crate::multipart::{Added, PartSets};
use crate::seal::{Opened, Packed, open};
use crate::wrap::unwrap;

/// The result of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged<C> {
    /// Names of the messages that were understood, including obsolete and repeated ones.
    pub accepted: Vec<String>,
    /// Names of the other messages, with the reason.
    pub refused: Vec<(String, Refused)>,
    /// The changes.
    pub changes: Vec<C>,
}

/// Names of the accepted messages, and names of the refused messages with the reason.
pub(crate) type Verdicts = (Vec<String>, Vec<(String, Refused)>);

/// A message that takes part in a merge.
struct Part {
    candidate: Candidate,
    stored: Stored,
}

/// How a message is stored.
struct Stored {
    names: BTreeSet<String>,
    /// The padded form. `None` for our own message.
    padded: Option<Zeroizing<Vec<u8>>>,
}

/// The messages of a call as they are read, before anything is changed.
struct Reading<'a> {
    domain: Domain<'a>,
    wrapper: Option<WrapperKind>,
    now: UnixMillis,
    sets: PartSets,
    /// Whether a part was kept.
    kept_part: bool,
    parts: Vec<Part>,
    verdicts: Vec<(String, Option<Refused>)>,
}

impl Engine {
    pub(crate) fn merge(
        &mut self,
        messages: &[(&str, &[u8])],
        domain: Domain<'_>,
        wrapper: Option<WrapperKind>,
        now: UnixMillis,
    ) -> Result<Verdicts, MergeError> {
        if self.keys.is_empty() {
            return Err(MergeError::NoKey);
        }
        let mut reading = Reading {
            domain,
            wrapper,
            now,
            sets: self.sets.clone(),
            kept_part: false,
            parts: Vec::new(),
            verdicts: Vec::new(),
        };
        reading.sets.drop_expired(now);
        for (name, data) in messages {
            let verdict = self.read(&mut reading, name, data);
            reading.verdicts.push(((*name).to_owned(), verdict.err()));
        }
        let has_own = self.seqno() != 0 || self.state == State::Dirty;
        if reading.parts.is_empty() && !has_own && !reading.kept_part {
            let is_invalid = |refused| matches!(refused, Some(Refused::Message(_)));
            let any_invalid = reading
                .verdicts
                .iter()
                .any(|(_, refused)| is_invalid(*refused));
            if any_invalid || self.rules.nothing_read_is_an_error() {
                return Err(MergeError::NoneValid);
            }
        }
        let mut parts = reading.parts;
        if has_own {
            let first = self.rules.own_first(!self.current.is_empty());
            let place = if first { 0 } else { parts.len() };
            let own = Part {
                candidate: Candidate::own(&self.message, self.signer()),
                stored: Stored {
                    names: self.current.clone(),
                    padded: None,
                },
            };
            parts.insert(place, own);
        }
        let (candidates, stored): (Vec<_>, Vec<_>) = parts
            .into_iter()
            .map(|part| (part.candidate, part.stored))
            .unzip();
        let outcome = resolve(&candidates, self.is_read_only())?;
        // From here on nothing fails.
        self.needs_dump |= reading.kept_part || reading.sets.len() != self.sets.len();
        self.sets = reading.sets;
        self.adopt(outcome, candidates, stored);
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for (name, verdict) in reading.verdicts {
            match verdict {
                Some(reason) => refused.push((name, reason)),
                None => {
                    if seen.insert(name.clone()) {
                        accepted.push(name);
                    }
                }
            }
        }
        Ok((accepted, refused))
    }

    /// Decrypts and reads one message of a call.
    fn read(&self, reading: &mut Reading<'_>, name: &str, data: &[u8]) -> Result<(), Refused> {
        let unwrapped = match (&self.owner, reading.wrapper) {
            (Owner::Account(account), Some(kind)) => Some(unwrap(account, kind, data)),
            _ => None,
        };
        let data = unwrapped.as_deref().unwrap_or(data);
        let padded = self
            .keys
            .iter()
            .find_map(|key| config::decrypt(key, reading.domain, data).ok())
            .ok_or(Refused::Decrypt)?;
        let (packed, names) = match open(padded).ok_or(Refused::Format)? {
            Opened::Whole(packed) => (packed, [name.to_owned()].into()),
            Opened::Part(part) => match reading.sets.add(part, name, reading.now) {
                Added::Refused => return Err(Refused::Part),
                Added::Kept => {
                    reading.kept_part = true;
                    return Ok(());
                }
                Added::Complete(packed, names) => (packed, names),
            },
        };
        let trust = match &self.owner {
            Owner::Group(group) => Trust::Verify(&group.verifier),
            Owner::Account(_) | Owner::Device => Trust::Unsigned,
        };
        let Packed { padded, plain } = packed;
        match Message::read(&plain, trust) {
            Ok(message) => {
                reading.parts.push(Part {
                    candidate: Candidate::received(message, &plain),
                    stored: Stored {
                        names,
                        padded: Some(padded),
                    },
                });
                Ok(())
            }
            Err(error) => {
                // The parts of it that came before are not accepted either.
                let reason = Refused::Message(error);
                for (other, verdict) in &mut reading.verdicts {
                    if names.contains(other) {
                        *verdict = verdict.or(Some(reason));
                    }
                }
                Err(reason)
            }
        }
    }

    /// Makes the result of a merge the state.
    fn adopt(&mut self, outcome: Option<Outcome>, candidates: Vec<Candidate>, stored: Vec<Stored>) {
        let chosen = match &outcome {
            Some(Outcome::Unmerged(index)) => Some(*index),
            _ => None,
        };
        let chosen_names = chosen.and_then(|index| stored.get(index));
        let chosen_names = chosen_names.map(|stored| &stored.names);
        for (index, Stored { names, .. }) in stored.iter().enumerate() {
            let same = !self.rules.same_names_are_obsolete() && chosen_names == Some(names);
            if Some(index) != chosen && !same {
                self.obsolete.extend(names.iter().cloned());
            }
        }
        match outcome {
            None => {}
            Some(Outcome::Merged(mut message)) => {
                if self.state == State::Dirty {
                    message.mark_none();
                } else {
                    message.mark_all();
                }
                self.message = message;
                self.packed = None;
                self.set_state(State::Dirty);
            }
            Some(Outcome::Unmerged(index)) => {
                let candidate = candidates.into_iter().nth(index);
                let stored = stored.into_iter().nth(index);
                if let (Some(candidate), Some(stored)) = (candidate, stored)
                    && stored.padded.is_some()
                    && (self.state == State::Dirty || candidate.message.seqno() != self.seqno())
                {
                    self.message = candidate.message;
                    self.packed = stored.padded;
                    self.set_state(State::Clean);
                    self.current = stored.names;
                }
                self.obsolete.retain(|name| !self.current.contains(name));
            }
        }
    }
}
