//! Pushing: messages to store, and names to delete (protocol: config, section 7.3).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use session_crypto::config::Domain;
use session_proto::schema::session::shared_config_message::Kind as WrapperKind;
use session_proto::zstd::Compressor;
use session_types::{Namespace, UnixMillis};

use super::engine::{Engine, State};
use crate::data::Dict;
use crate::error::PushError;
use crate::kind::Owner;
use crate::message::Message;
use crate::seal::{Packed, pack, seal};
use crate::wrap::wrap;

/// Messages to store, and names of messages to delete after that.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// The namespace to store the messages in.
    pub namespace: Namespace,
    /// The seqno to confirm, with the names of the stored messages.
    pub seqno: i64,
    /// One message, or all parts of a long config.
    pub messages: Vec<Vec<u8>>,
    /// Names of messages to delete once all of these are stored.
    pub obsolete: Vec<String>,
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Push")
            .field("namespace", &self.namespace)
            .field("seqno", &self.seqno)
            .field("messages", &self.messages.len())
            .field("obsolete", &self.obsolete)
            .finish()
    }
}

/// The properties of a kind that a push needs.
pub(crate) struct Target {
    pub(crate) domain: Domain<'static>,
    pub(crate) wrapper: Option<WrapperKind>,
    pub(crate) namespace: Namespace,
}

impl Engine {
    /// Prepares a push. `pruned` is the data without stale entries, if there were any.
    pub(crate) fn push(
        &mut self,
        pruned: Option<Dict>,
        target: &Target,
        now: UnixMillis,
        compressor: &dyn Compressor,
    ) -> Result<Push, PushError> {
        let next: Option<Message> = match pruned.filter(|_| !self.is_read_only()) {
            Some(data) if self.state == State::Dirty => {
                let mut next = self.message.clone();
                *next.data_mut() = data;
                Some(next)
            }
            Some(data) => Some(self.next_message(data)?),
            None => None,
        };
        let message = next.as_ref().unwrap_or(&self.message);
        let diff = message.diff();
        let plain = message.encode_with(&diff, self.signer());
        let key = self.keys.first().ok_or(PushError::NoKey)?;
        // A stored message is stored again unchanged, whatever compressor is used now.
        let kept = self.packed.as_ref().filter(|_| next.is_none());
        let kept = kept
            .and_then(|padded| Packed::read(padded.clone()))
            .filter(|packed| *packed.plain == *plain);
        let padded = match kept {
            Some(packed) => packed.padded,
            None => pack(&plain, compressor)?,
        };
        let mut sealed = seal(&padded, key, target.domain)?;
        let wrapper = target.wrapper.filter(|_| sealed.set.is_none());
        if let (Owner::Account(account), Some(kind)) = (&self.owner, wrapper) {
            let seqno = message.seqno();
            for message in &mut sealed.messages {
                if let Some(wrapped) = wrap(account, kind, seqno, message) {
                    *message = wrapped;
                }
            }
        }
        // From here on nothing fails.
        let is_dirty = self.state == State::Dirty || next.is_some();
        if let Some(next) = next {
            self.message = next;
        }
        self.message.fix(diff);
        if is_dirty {
            self.set_state(State::Waiting);
        }
        if let Some(set) = sealed.set {
            self.sets.finish(set, now);
            self.needs_dump = true;
        }
        self.packed = Some(padded);
        Ok(Push {
            namespace: target.namespace,
            seqno: self.seqno(),
            messages: sealed.messages,
            obsolete: self.drain_obsolete(),
        })
    }
}
