//! Messages to the group, namespace 11 (protocol: groups, section 6).

use core::borrow::Borrow;

use session_identity::Account;
use session_message::content::{Content, GroupUpdate, Kind};
use session_message::rand_core::CryptoRng;
use session_message::{Opened, Opener, Sealer};
use session_types::{SealedMessage, UnixMillis};

use super::error::{ActError, MessageRefused};
use super::receive::Incoming;
use super::{Group, Stage};
use crate::members::{Delivery, Removal};

/// A message of a member, which may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// The message.
    pub message: Opened,
    /// Whether its attachments were deleted for everybody.
    pub attachments_deleted: bool,
}

impl Group {
    /// Seals a message to the group with the newest key.
    ///
    /// While a new key is [pending](super::Keys::has_pending), do what [`poll`](Self::poll) gives
    /// before storing the message: members need the key first.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not in the group, have no key, or the members would drop the message.
    pub fn seal<A: Borrow<Account>>(
        &self,
        sealer: &Sealer<A>,
        rng: &mut (impl CryptoRng + ?Sized),
        content: &Content,
        now: UnixMillis,
    ) -> Result<SealedMessage, ActError> {
        if self.stage() != Stage::Joined {
            return Err(ActError::Stage(self.stage()));
        }
        if self.is_being_removed() {
            return Err(ActError::BeingRemoved);
        }
        let key = self.keys.newest().ok_or(ActError::NoKey)?;
        Ok(sealer.seal_group(rng, self.id(), key, content, now)?)
    }

    /// Opens a message to the group, and refuses those that no member may have sent now.
    ///
    /// The key that was the newest when the message was stored is tried first, then the others from the
    /// newest to the oldest. For an admin, a message of a member shows that they have accepted their
    /// invitation, and a member who leaves is marked to be removed: [`poll`](Self::poll) afterwards.
    ///
    /// # Errors
    ///
    /// [`MessageRefused`]; [`disposition`](MessageRefused::disposition) says what to do with it.
    pub fn open(&mut self, message: &Incoming<'_>) -> Result<Arrived, MessageRefused> {
        let stage = self.stage();
        if !matches!(stage, Stage::Joined | Stage::Leaving) {
            return Err(MessageRefused::Stage(stage));
        }
        let opener = Opener::new(&*self.account).remembering(0);
        let keys = self.keys.iter_at(message.stored_at);
        let opened = opener.open_group(self.id(), keys, message.data)?;
        self.check_author(&opened)?;
        let sent_at = i64::try_from(opened.sent_at.as_secs()).unwrap_or(i64::MAX);
        if sent_at < self.info.delete_before() {
            return Err(MessageRefused::Deleted);
        }
        self.learn_from(&opened, message.stored_at);
        Ok(Arrived {
            attachments_deleted: sent_at < self.info.delete_attachments_before(),
            message: opened,
        })
    }

    fn check_author(&self, opened: &Opened) -> Result<(), MessageRefused> {
        if self.members.seqno() == 0 {
            return Err(MessageRefused::NotFetched);
        }
        match self.members.get(&opened.sender) {
            None => Err(MessageRefused::Stranger),
            Some(author) if author.removal != Removal::No => Err(MessageRefused::Removed),
            Some(_) => Ok(()),
        }
    }

    /// What an admin learns of a member from a message of theirs.
    fn learn_from(&mut self, opened: &Opened, stored_at: UnixMillis) {
        let sender = opened.sender;
        if self.acting_admin().is_err() || sender == *self.account.id() {
            return;
        }
        let Some(member) = self.members.get(&sender) else {
            return;
        };
        let leaves = opened.content.kind == Kind::Group(GroupUpdate::MemberLeft);
        let since = self
            .queue
            .invited
            .get(&sender)
            .map_or(Some(UnixMillis::EPOCH), |generation| {
                self.keys.stored_at(*generation)
            });
        let is_new = since.is_some_and(|since| stored_at >= since);
        let accepts = is_new && !member.is_admin && member.invite != Delivery::Done;
        // An admin's list can be changed; only the last seqno of all cannot be followed.
        if leaves && is_new {
            let _ = self
                .members
                .update(&sender, |member| member.set_removal(Removal::Member));
        } else if accepts {
            let _ = self
                .members
                .update(&sender, |member| member.set_invite(Delivery::Done));
        }
    }
}
