//! The life cycle of a config on a device.
//!
//! ```text
//!            change                 push                  confirm
//!   clean ----------> dirty ---------------> waiting ---------------> clean
//!     ^                 ^                       |
//!     |  merge: newer   |  merge: conflict      |  change, merge: conflict
//!     +-----------------+-----------------------+
//! ```
//!
//! Protocol: [config, section 7].
//!
//! [config, section 7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-7

mod dump;
mod engine;
mod merge;
mod push;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::SymmetricKey;
use session_proto::zstd::{Compressor, Encoder};
use session_types::{Namespace, UnixMillis};
use zeroize::Zeroizing;

pub use dump::DumpForm;
pub(crate) use engine::Engine;
pub use engine::State;
pub use merge::Merged;
pub use push::Push;
use push::Target;

use crate::data::Dict;
use crate::error::{EditError, LoadError, MergeError, PushError};
use crate::kind::{Kind, Owner};
use crate::rules::Rules;

/// A shared config of one kind: see [`UserProfile`](crate::UserProfile),
/// [`Contacts`](crate::Contacts) and the others.
///
/// A config does no I/O. The names of stored messages are opaque texts that storage servers give.
pub struct Config<K: Kind> {
    pub(crate) engine: Engine,
    pub(crate) extra: K::Extra,
}

impl<K: Kind> Config<K> {
    pub(crate) fn with_owner(owner: Owner, keys: Vec<SymmetricKey>, rules: Rules) -> Self {
        Self {
            engine: Engine::new(owner, keys, rules),
            extra: K::Extra::default(),
        }
    }

    /// Returns the namespace that the config is stored in. `None` if it stays on the device.
    #[must_use]
    pub const fn namespace(&self) -> Option<Namespace> {
        K::NAMESPACE
    }

    /// Returns the data, including keys that this version does not know.
    #[must_use]
    pub const fn data(&self) -> &Dict {
        self.engine.data()
    }

    /// Returns the current message as it would be stored, before compression and encryption.
    #[must_use]
    pub fn plaintext(&self) -> Zeroizing<Vec<u8>> {
        self.engine.plaintext()
    }

    /// Returns the seqno of the current message.
    #[must_use]
    pub const fn seqno(&self) -> i64 {
        self.engine.seqno()
    }

    /// Returns the state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.engine.state()
    }

    /// Returns whether the config must be stored: it was changed, and storing was not confirmed.
    ///
    /// False while [`UserConfigs`](crate::UserConfigs) holds pushes back.
    #[must_use]
    pub fn needs_push(&self) -> bool {
        let has_changes = self.engine.state() != State::Clean;
        K::NAMESPACE.is_some() && has_changes && !self.engine.is_held()
    }

    /// Returns whether something changed since the last dump.
    #[must_use]
    pub const fn needs_dump(&self) -> bool {
        self.engine.needs_dump()
    }

    /// Returns whether changes are refused, because we have no key to sign them with.
    #[must_use]
    pub const fn is_read_only(&self) -> bool {
        self.engine.is_read_only()
    }

    /// Returns the names under which the current message is stored.
    pub fn current_hashes(&self) -> impl Iterator<Item = &str> {
        self.engine.current_hashes()
    }

    /// Returns the names of messages to keep alive: the current ones, and parts of configs that are
    /// not complete yet.
    pub fn active_hashes(&self, now: UnixMillis) -> impl Iterator<Item = &str> {
        self.engine.active_hashes(now)
    }

    /// Returns the names of messages that no device needs any more, and forgets them.
    ///
    /// While there are changes to store this returns nothing: [`push`](Self::push) will. If the
    /// messages are not deleted after all, they stay until they expire.
    #[must_use = "these messages are to be deleted"]
    pub fn take_obsolete(&mut self) -> Vec<String> {
        self.engine.take_obsolete()
    }

    /// Returns the messages to store, all in [`namespace`](Self::namespace), and the names of the
    /// messages to delete after that.
    ///
    /// May be called when nothing has changed, to store the config again: the messages are then the
    /// same bytes as before.
    ///
    /// # Errors
    ///
    /// [`PushError`] if there is no key, the config is too long, or it belongs to a restored account
    /// whose configs have not been fetched.
    pub fn push(&mut self, now: UnixMillis) -> Result<Push, PushError> {
        self.push_with(now, &Encoder)
    }

    /// As [`push`](Self::push), with another compressor.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_with(
        &mut self,
        now: UnixMillis,
        compressor: &dyn Compressor,
    ) -> Result<Push, PushError> {
        if self.engine.is_held() {
            return Err(PushError::NotFetched);
        }
        let rules = self.engine.rules();
        // Stale entries go with the push, as a change of their own.
        let pruned = self.engine.pruned(|data| K::prune(data, rules, now));
        let Some(namespace) = K::NAMESPACE else {
            // A config that stays on the device has nothing to store.
            return Ok(Push {
                namespace: Namespace::USER_PROFILE,
                seqno: 0,
                messages: Vec::new(),
                obsolete: Vec::new(),
            });
        };
        let target = Target {
            domain: K::DOMAIN,
            wrapper: K::WRAPPER,
            namespace,
        };
        self.engine.push(pruned, &target, now, compressor)
    }

    /// Confirms that the messages of the push of `seqno` are stored under these names.
    ///
    /// Does nothing if the config was changed since.
    pub fn confirm_pushed(&mut self, seqno: i64, hashes: impl IntoIterator<Item = String>) {
        self.engine.confirm(seqno, hashes);
    }

    /// Merges stored messages, given as name and data.
    ///
    /// Give all that were fetched at once. Messages that cannot be read are reported and skipped.
    ///
    /// # Errors
    ///
    /// [`MergeError`] if there is no key, or no message at all can be used.
    pub fn merge(
        &mut self,
        messages: &[(&str, &[u8])],
        now: UnixMillis,
    ) -> Result<Merged<K::Change>, MergeError> {
        let before = self.engine.data().clone();
        let (accepted, refused) = self.engine.merge(messages, K::DOMAIN, K::WRAPPER, now)?;
        let changes = K::changes(&before, self.engine.data());
        Ok(Merged {
            accepted,
            refused,
            changes,
        })
    }

    /// Writes the config for [`load`](crate::Contacts::load), in the most complete form.
    #[must_use]
    pub fn dump(&mut self, now: UnixMillis) -> Zeroizing<Vec<u8>> {
        self.dump_as(DumpForm::Full, now)
    }

    /// Writes the config in one of the forms of a dump (protocol: config, section 12).
    ///
    /// A dump holds secrets: encrypt it, or store it where only its owner can read it.
    #[must_use]
    pub fn dump_as(&mut self, form: DumpForm, now: UnixMillis) -> Zeroizing<Vec<u8>> {
        let extra = &self.extra;
        self.engine.dump(form, now, |dict| {
            crate::kind::private::Extra::write(extra, dict);
        })
    }

    pub(crate) fn load_dump(
        owner: Owner,
        keys: Vec<SymmetricKey>,
        rules: Rules,
        dump: &[u8],
        now: UnixMillis,
    ) -> Result<Self, LoadError> {
        let mut extra = K::Extra::default();
        let engine = Engine::load(owner, keys, rules, dump, now, |dict| {
            extra = crate::kind::private::Extra::read(dict)?;
            Ok(())
        })?;
        Ok(Self { engine, extra })
    }

    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Dict)) -> Result<(), EditError> {
        self.engine.edit(change)
    }
}

impl<K: Kind> fmt::Debug for Config<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("namespace", &K::NAMESPACE)
            .field("seqno", &self.seqno())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
