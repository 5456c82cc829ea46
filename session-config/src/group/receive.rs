//! What was fetched from the swarm of the group.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use session_message::{OpenError, Opener};
use session_types::{AccountId, Namespace, UnixMillis};

use super::keys::KeyMessageError;
use super::{Group, Stage};
use crate::change::How;
use crate::config::{Config, Merged};
use crate::error::{MergeError, Refused};
use crate::info::InfoChange;
use crate::kind::Kind;

/// A message that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incoming<'a> {
    /// The name that the storage servers give it.
    pub hash: &'a str,
    /// Its bytes.
    pub data: &'a [u8],
    /// When it was stored, by the servers' clock.
    pub stored_at: UnixMillis,
}

/// A change of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupChange {
    /// We have more keys: try what no key had opened. Messages of namespaces 13 and 14 that no key has
    /// opened must be fetched again.
    Keys,
    /// Name, picture or a setting.
    Info(InfoChange),
    /// A member.
    Member(AccountId, How),
    /// An admin has removed us.
    Kicked {
        /// Whether we had not accepted the invitation: then the group is to be forgotten.
        was_invited: bool,
    },
    /// The group is gone.
    Destroyed,
}

/// Why a fetched message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupRefused {
    /// It is not a valid key message.
    #[error(transparent)]
    Key(#[from] KeyMessageError),
    /// It is not a valid config.
    #[error(transparent)]
    Config(#[from] Refused),
    /// None of the configs of the call could be merged.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// It is not a notice that concerns us.
    #[error(transparent)]
    Notice(#[from] OpenError),
    /// It is a notice that was processed before we were invited again.
    #[error("notice of an earlier removal")]
    OldNotice,
    /// It is a notice of a removal in a generation that does not exist yet.
    #[error("notice of a removal in a later generation")]
    EarlyNotice,
    /// We have no key yet, so that we cannot know whether the notice is older than our invitation.
    #[error("notice of a removal, but no key is known")]
    NoKey,
    /// Messages of this namespace are not received here.
    #[error("not a namespace to receive")]
    Namespace,
}

/// What became of the messages of one fetch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// What has changed.
    pub changes: Vec<GroupChange>,
    /// Names of the messages that were not taken, and why.
    pub refused: Vec<(String, GroupRefused)>,
}

impl Received {
    fn refuse(&mut self, hash: &str, reason: impl Into<GroupRefused>) {
        self.refused.push((hash.to_owned(), reason.into()));
    }
}

impl Group {
    /// Takes messages of one of the [`NAMESPACES`](Self::NAMESPACES), all that were fetched at once.
    pub fn receive(
        &mut self,
        namespace: Namespace,
        messages: &[Incoming<'_>],
        now: UnixMillis,
    ) -> Received {
        let mut received = Received::default();
        let before = self.stage();
        match namespace {
            Namespace::GROUP_KEYS => self.receive_keys(messages, &mut received),
            Namespace::GROUP_INFO => {
                merge(
                    &mut self.info,
                    messages,
                    now,
                    &mut received,
                    GroupChange::Info,
                );
            }
            Namespace::GROUP_MEMBERS => {
                let change = |(id, how)| GroupChange::Member(id, how);
                merge(&mut self.members, messages, now, &mut received, change);
                self.note_invited(&received);
            }
            Namespace::REVOKED_GROUP_MESSAGES => self.receive_notices(messages, &mut received),
            _ => {
                for message in messages {
                    received.refuse(message.hash, GroupRefused::Namespace);
                }
            }
        }
        if before != Stage::Destroyed && self.stage() == Stage::Destroyed {
            received.changes.push(GroupChange::Destroyed);
        }
        received
    }

    fn receive_keys(&mut self, messages: &[Incoming<'_>], received: &mut Received) {
        let mut any_new = false;
        let removed: Vec<_> = self.queue.removed.keys().copied().collect();
        for message in messages {
            let Incoming {
                hash,
                data,
                stored_at,
            } = *message;
            match self.keys.load_watching(hash, data, stored_at, &removed) {
                Ok((loaded, given)) => {
                    for id in given {
                        let generation = self.queue.given.entry(id).or_default();
                        *generation = loaded.generation.max(*generation);
                    }
                    self.seen_generation = self.seen_generation.max(loaded.generation);
                    any_new |= loaded.found && loaded.changed;
                    self.needs_dump = true;
                }
                Err(error) => received.refuse(message.hash, error),
            }
        }
        self.share_keys();
        if any_new {
            received.changes.push(GroupChange::Keys);
        }
    }

    /// Gives the configs the keys that we have.
    pub(super) fn share_keys(&mut self) {
        let keys = self.keys.copies();
        // Without encrypting again there is nothing that fails.
        let _ = self.info.set_keys(&keys, false);
        let _ = self.members.set_keys(&keys, false);
    }

    /// Notes since which generation members have been invited whom another admin has invited.
    fn note_invited(&mut self, received: &Received) {
        let generation = self.keys.generation();
        for change in &received.changes {
            match change {
                GroupChange::Member(id, How::Added) => {
                    self.queue.invited.insert(*id, generation);
                }
                GroupChange::Member(id, How::Removed) => {
                    self.queue.invited.remove(id);
                }
                _ => {}
            }
        }
    }

    fn receive_notices(&mut self, messages: &[Incoming<'_>], received: &mut Received) {
        if !matches!(self.stage, Stage::Invited | Stage::Joined | Stage::Leaving) {
            return;
        }
        for message in messages {
            match self.read_notice(message) {
                Ok(()) => {
                    self.old_notices.insert(message.hash.to_owned());
                    let was_invited = self.stage == Stage::Invited;
                    self.stage = Stage::Kicked;
                    self.queue = super::queue::Queue::default();
                    self.open = None;
                    self.needs_dump = true;
                    received.changes.push(GroupChange::Kicked { was_invited });
                    return;
                }
                Err(reason) => received.refuse(message.hash, reason),
            }
        }
    }

    fn read_notice(&self, message: &Incoming<'_>) -> Result<(), GroupRefused> {
        if self.old_notices.contains(message.hash) {
            return Err(GroupRefused::OldNotice);
        }
        let opener = Opener::new(&*self.account).remembering(0);
        let own = self.keys.generation();
        let generation = opener.open_removal(self.id(), own, message.data)?;
        if !self.is_refused {
            if self.keys.is_empty() {
                return Err(GroupRefused::NoKey);
            }
            // As long as we can fetch the keys, the one of the removal is among them.
            if generation > self.seen_generation {
                return Err(GroupRefused::EarlyNotice);
            }
        }
        Ok(())
    }
}

fn merge<K: Kind>(
    config: &mut Config<K>,
    messages: &[Incoming<'_>],
    now: UnixMillis,
    received: &mut Received,
    change: impl Fn(K::Change) -> GroupChange,
) {
    let pairs: Vec<_> = messages.iter().map(|one| (one.hash, one.data)).collect();
    match config.merge(&pairs, now) {
        Ok(Merged {
            refused, changes, ..
        }) => {
            let refused = refused.into_iter();
            received
                .refused
                .extend(refused.map(|(hash, reason)| (hash, reason.into())));
            received.changes.extend(changes.into_iter().map(change));
        }
        Err(error) => {
            for message in messages {
                received.refuse(message.hash, error);
            }
        }
    }
}
