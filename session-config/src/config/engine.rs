//! The state of a config, and local changes.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::{Ed25519Secret, KeyError, SymmetricKey};
use session_types::UnixMillis;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::data::Dict;
use crate::error::EditError;
use crate::kind::Owner;
use crate::message::{Message, SeqnoError};
use crate::multipart::PartSets;
use crate::rules::Rules;

/// Whether a config has changes that are not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// All changes are stored.
    Clean,
    /// There are changes that were not pushed.
    Dirty,
    /// Changes were pushed, and storing them was not confirmed.
    Waiting,
}

/// A config without its kind.
pub(crate) struct Engine {
    pub(super) rules: Rules,
    pub(super) owner: Owner,
    pub(super) keys: Vec<SymmetricKey>,
    pub(super) state: State,
    pub(super) message: Message,
    /// The padded form that the message is stored in, if it is known.
    pub(super) packed: Option<Zeroizing<Vec<u8>>>,
    pub(super) current: BTreeSet<String>,
    pub(super) obsolete: BTreeSet<String>,
    pub(super) sets: PartSets,
    pub(super) needs_dump: bool,
    /// Whether pushes are refused, because the config has not been fetched completely.
    pub(super) is_held: bool,
}

impl Engine {
    pub(crate) fn new(owner: Owner, keys: Vec<SymmetricKey>, rules: Rules) -> Self {
        Self {
            rules,
            owner,
            keys,
            state: State::Clean,
            message: Message::start(),
            packed: None,
            current: BTreeSet::new(),
            obsolete: BTreeSet::new(),
            sets: PartSets::default(),
            needs_dump: false,
            is_held: false,
        }
    }

    pub(crate) const fn rules(&self) -> Rules {
        self.rules
    }

    pub(crate) const fn data(&self) -> &Dict {
        self.message.data()
    }

    pub(crate) fn plaintext(&self) -> Zeroizing<Vec<u8>> {
        self.message.encode(self.signer())
    }

    pub(crate) const fn seqno(&self) -> i64 {
        self.message.seqno()
    }

    pub(crate) const fn state(&self) -> State {
        self.state
    }

    pub(crate) const fn needs_dump(&self) -> bool {
        self.needs_dump
    }

    pub(crate) const fn set_needs_dump(&mut self) {
        self.needs_dump = true;
    }

    /// Refuses pushes from now on, or allows them again.
    pub(crate) const fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    pub(crate) const fn is_held(&self) -> bool {
        self.is_held
    }

    pub(crate) const fn is_read_only(&self) -> bool {
        self.owner.is_read_only()
    }

    pub(crate) fn current_hashes(&self) -> impl Iterator<Item = &str> {
        self.current.iter().map(String::as_str)
    }

    pub(crate) fn active_hashes(&self, now: UnixMillis) -> impl Iterator<Item = &str> {
        let parts = self.sets.names(now);
        self.current.iter().chain(parts).map(String::as_str)
    }

    pub(crate) fn take_obsolete(&mut self) -> Vec<String> {
        if self.state == State::Dirty {
            return Vec::new();
        }
        self.drain_obsolete()
    }

    pub(super) fn drain_obsolete(&mut self) -> Vec<String> {
        let obsolete = core::mem::take(&mut self.obsolete);
        if self.is_read_only() {
            return Vec::new();
        }
        obsolete.into_iter().collect()
    }

    /// Sets the state. A message that was current becomes obsolete.
    pub(super) fn set_state(&mut self, state: State) {
        if self.state == State::Clean {
            self.obsolete.append(&mut self.current);
        }
        self.state = state;
        self.needs_dump = true;
    }

    /// Applies a change. The state stays as it is if the data do not change.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Dict)) -> Result<(), EditError> {
        if self.state == State::Dirty {
            change(self.message.data_mut());
            self.needs_dump = true;
            return Ok(());
        }
        let mut data = self.message.data().clone();
        change(&mut data);
        if data == *self.message.data() {
            return Ok(());
        }
        if self.is_read_only() {
            return Err(EditError::ReadOnly);
        }
        let next = self.next_message(data)?;
        self.message = next;
        self.packed = None;
        self.set_state(State::Dirty);
        Ok(())
    }

    /// The message after this one, with these data.
    pub(super) fn next_message(&self, data: Dict) -> Result<Message, SeqnoError> {
        let mut next = self.message.incremented(self.signer())?;
        *next.data_mut() = data;
        Ok(next)
    }

    /// Returns the data without what `prune` removes, if it removes something.
    pub(crate) fn pruned(&self, prune: impl FnOnce(&mut Dict)) -> Option<Dict> {
        let mut data = self.message.data().clone();
        prune(&mut data);
        (data != *self.message.data()).then_some(data)
    }

    pub(super) const fn signer(&self) -> Option<&Ed25519Secret> {
        self.owner.signer()
    }

    pub(crate) fn confirm(&mut self, seqno: i64, hashes: impl IntoIterator<Item = String>) {
        if self.state == State::Waiting && seqno == self.seqno() {
            self.set_state(State::Clean);
            self.current = hashes.into_iter().collect();
        }
    }

    /// Replaces the keys; with `encrypt_again` the config is to be pushed anew, if the first key is
    /// another one.
    pub(crate) fn set_keys(
        &mut self,
        keys: Vec<SymmetricKey>,
        encrypt_again: bool,
    ) -> Result<(), EditError> {
        let is_new = match (keys.first(), self.keys.first()) {
            (Some(new), Some(old)) => !bool::from(new.ct_eq(old)),
            (new, old) => new.is_some() != old.is_some(),
        };
        if encrypt_again && is_new && self.state != State::Dirty {
            if self.is_read_only() {
                return Err(EditError::ReadOnly);
            }
            self.message = self.next_message(self.message.data().clone())?;
            self.packed = None;
            self.set_state(State::Dirty);
        }
        self.keys = keys;
        Ok(())
    }

    pub(crate) fn set_signer(&mut self, secret: Ed25519Secret) -> Result<(), KeyError> {
        match &mut self.owner {
            Owner::Group(group) if group.verifier.public() == secret.public() => {
                group.signer = Some(secret);
                Ok(())
            }
            _ => Err(KeyError::Mismatch),
        }
    }
}
