//! What admins do with members: invite, promote, remove.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use session_crypto::Ed25519Secret;
use session_identity::subaccount::{Permissions, Token};
use session_types::AccountId;
use session_types::limits::MESSAGE_DATA_MAX;

use super::error::ActError;
use super::queue::Control;
use super::{Group, Stage};
use crate::limits::MAX_GROUP_MEMBERS;
use crate::members::{Delivery, Member, Removal};

/// Members named in one message to the group, which must not be too long to be stored.
const NAMED: usize = 500;

/// An account to invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitee<'a> {
    /// The account.
    pub id: AccountId,
    /// Its name, as far as we know it; at most 100 bytes are stored.
    pub name: &'a str,
}

impl<'a> Invitee<'a> {
    /// Names an account.
    #[must_use]
    pub const fn new(id: AccountId, name: &'a str) -> Self {
        Self { id, name }
    }

    pub(super) fn member(&self, history: bool) -> Member<'a> {
        let mut member = Member::invited(self.id);
        member.name = self.name.into();
        member.has_supplement = history;
        member
    }
}

/// What becomes of the messages of members who are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoveMessages {
    /// They stay.
    No,
    /// All of them are deleted, everywhere.
    Yes,
}

impl Group {
    /// Returns the group's secret key, if we can act as an admin.
    pub(super) fn acting_admin(&self) -> Result<&Ed25519Secret, ActError> {
        let stage = self.stage();
        if stage != Stage::Joined {
            return Err(ActError::Stage(stage));
        }
        if self.is_being_removed() {
            return Err(ActError::BeingRemoved);
        }
        self.admin().ok_or(ActError::NotAdmin)
    }

    /// Returns whether an admin is about to remove us.
    #[must_use]
    pub fn is_being_removed(&self) -> bool {
        let own = self.members.get(self.account.id());
        own.is_some_and(|own| own.removal != Removal::No)
    }

    /// As [`acting_admin`](Self::acting_admin), once the members have been fetched or made.
    fn managing_admin(&self) -> Result<&Ed25519Secret, ActError> {
        let admin = self.acting_admin()?;
        if self.members.seqno() == 0 {
            return Err(ActError::NotFetched);
        }
        Ok(admin)
    }

    pub(super) fn check_invitees(&self, invitees: &[&Invitee<'_>]) -> Result<(), ActError> {
        let admin = self.admin().ok_or(ActError::NotAdmin)?;
        let mut ids: BTreeSet<AccountId> = self.ids().into_iter().collect();
        ids.extend(invitees.iter().map(|invitee| invitee.id));
        if ids.len() > MAX_GROUP_MEMBERS {
            let (max, got) = (MAX_GROUP_MEMBERS, ids.len());
            return Err(ActError::TooManyMembers { max, got });
        }
        for invitee in invitees {
            if invitee.id == *self.account.id() {
                return Err(ActError::Own);
            }
            Token::of_member(admin, &invitee.id, Permissions::MEMBER)
                .map_err(|_| ActError::InvalidMember)?;
            if let Some(member) = self.members.get(&invitee.id) {
                if member.removal != Removal::No {
                    return Err(ActError::MemberBeingRemoved);
                }
                if member.is_admin {
                    return Err(ActError::IsAdmin);
                }
            }
        }
        Ok(())
    }

    /// Makes a key for all entries of the list of members, and encrypts the configs with it.
    pub(super) fn rekey(&mut self) -> Result<(), ActError> {
        self.keys.rekey(&self.ids())?;
        let keys = self.keys.copies();
        self.info.set_keys(&keys, true)?;
        self.members.set_keys(&keys, true)?;
        Ok(())
    }

    /// Invites accounts, or invites them again.
    ///
    /// With `history` they are given the keys of earlier messages; there is a new key in any case, so
    /// that an old notice of removal does not concern them any more. Sent: supplement, key, info,
    /// members, a message to the group, permission for the subaccounts, and once all that is stored the
    /// invitations.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin, or one of the accounts cannot be invited.
    pub fn invite(&mut self, invitees: &[Invitee<'_>], history: bool) -> Result<(), ActError> {
        self.managing_admin()?;
        self.check_invitees(&invitees.iter().collect::<Vec<_>>())?;
        let ids: BTreeSet<AccountId> = invitees.iter().map(|invitee| invitee.id).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        // Before the new key is made: it is for those who stay, too.
        let has_history = history && self.keys.count() > 0;
        let supplements = if has_history {
            self.supplements(&ids)?
        } else {
            Vec::new()
        };
        for invitee in invitees {
            let mut member = match self.members.get(&invitee.id) {
                Some(member) => member.into_owned(),
                None => invitee.member(has_history),
            };
            member.set_invite(Delivery::NotSent);
            member.has_supplement = has_history;
            self.members.set(&member)?;
        }
        self.rekey()?;
        self.queue.supplements.extend(supplements);
        self.queue.unrevoke.extend(ids.iter().copied());
        let generation = self.keys.pending_generation();
        self.queue
            .invited
            .extend(ids.iter().map(|id| (*id, generation)));
        for ids in ids.chunks(NAMED) {
            self.queue.announce(Control::Added {
                members: ids.to_vec(),
                history: has_history,
            });
        }
        self.needs_dump = true;
        Ok(())
    }

    /// Makes supplements that are short enough to be stored.
    fn supplements(&mut self, ids: &[AccountId]) -> Result<Vec<Vec<u8>>, ActError> {
        let Some((first, _)) = ids.split_first() else {
            return Ok(Vec::new());
        };
        let one = self.keys.supplement(core::slice::from_ref(first))?.len();
        // The rest of the message is part of this, and leaves some room.
        let count = MESSAGE_DATA_MAX.checked_div(one).unwrap_or(1).max(1);
        ids.chunks(count)
            .map(|ids| Ok(self.keys.supplement(ids)?))
            .collect()
    }

    /// Sends the invitation or promotion of a member again, which has failed or was lost.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin, or the member has accepted.
    pub fn send_again(&mut self, id: &AccountId) -> Result<(), ActError> {
        self.managing_admin()?;
        let mut member = self.known(id)?;
        if member.is_admin {
            if member.promotion == Delivery::Done {
                return Err(ActError::IsAdmin);
            }
            member.set_promotion(Delivery::NotSent);
        } else {
            if member.has_supplement && self.keys.count() > 0 {
                let supplement = self.keys.supplement(core::slice::from_ref(id))?;
                self.queue.supplements.push_back(supplement);
            }
            member.invite = Delivery::NotSent;
            self.queue.unrevoke.insert(*id);
        }
        self.members.set(&member)?;
        self.needs_dump = true;
        Ok(())
    }

    /// Returns a member who is not being removed.
    fn known(&self, id: &AccountId) -> Result<Member<'static>, ActError> {
        let member = self.members.get(id).ok_or(ActError::NoMember)?;
        if member.removal != Removal::No {
            return Err(ActError::MemberBeingRemoved);
        }
        Ok(member.into_owned())
    }

    /// Makes members admins: they are sent the group's seed. This cannot be taken back.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin, or one of the accounts is no member or an admin already.
    pub fn promote(&mut self, ids: &[AccountId]) -> Result<(), ActError> {
        self.managing_admin()?;
        let members = ids.iter().map(|id| {
            let member = self.known(id)?;
            if member.is_admin {
                Err(ActError::IsAdmin)
            } else {
                Ok(member)
            }
        });
        for mut member in members.collect::<Result<Vec<_>, _>>()? {
            member.set_promotion(Delivery::NotSent);
            self.members.set(&member)?;
        }
        for ids in ids.chunks(NAMED) {
            self.queue.announce(Control::Promoted(ids.to_vec()));
        }
        self.needs_dump = true;
        Ok(())
    }

    /// Removes members. An admin who is removed still has the group's seed.
    ///
    /// First the mark is stored, then any admin's device carries the removal out: it revokes the
    /// subaccounts, stores a notice for the removed, deletes messages if asked to, and only after all
    /// of this erases the members and makes a new key. Each step is repeated until it is done.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin, or one of the accounts is no member or our own.
    pub fn remove(&mut self, ids: &[AccountId], messages: RemoveMessages) -> Result<(), ActError> {
        self.managing_admin()?;
        if ids.contains(self.account.id()) {
            return Err(ActError::Own);
        }
        let members = ids.iter().map(|id| {
            let member = self.members.get(id).ok_or(ActError::NoMember)?;
            Ok::<_, ActError>(member.into_owned())
        });
        for mut member in members.collect::<Result<Vec<_>, _>>()? {
            member.set_removal(match messages {
                RemoveMessages::No if member.removal == Removal::WithMessages => member.removal,
                RemoveMessages::No => Removal::Member,
                RemoveMessages::Yes => Removal::WithMessages,
            });
            self.members.set(&member)?;
        }
        self.queue.forget(ids);
        for ids in ids.chunks(NAMED) {
            self.queue.announce(Control::Removed(ids.to_vec()));
        }
        self.needs_dump = true;
        Ok(())
    }
}
