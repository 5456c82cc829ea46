//! What admins do with the group itself, and how one leaves it.

use session_types::UnixMillis;

use super::error::ActError;
use super::queue::Control;
use super::{Group, Stage};
use crate::field::Picture;
use crate::members::MemberStatus;

impl Group {
    /// Renames the group.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin, or the name has more than 100 bytes.
    pub fn rename(&mut self, name: &str) -> Result<(), ActError> {
        self.acting_admin()?;
        if self.info.name() != name {
            self.info.set_name(name)?;
            self.announce(Control::Name);
        }
        Ok(())
    }

    /// Sets the description; empty for none.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin, or it has more than 600 bytes.
    pub fn set_description(&mut self, description: &str) -> Result<(), ActError> {
        self.acting_admin()?;
        Ok(self.info.set_description(description)?)
    }

    /// Sets the picture, or removes it.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin.
    pub fn set_picture(&mut self, picture: Option<&Picture<'_>>) -> Result<(), ActError> {
        self.acting_admin()?;
        if self.info.picture().as_ref() != picture {
            self.info.set_picture(picture)?;
            self.announce(Control::Picture);
        }
        Ok(())
    }

    /// Sets after how many seconds messages disappear; 0 lets them stay.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin.
    pub fn set_timer(&mut self, seconds: u32) -> Result<(), ActError> {
        self.acting_admin()?;
        if self.info.expiry() != i64::from(seconds) {
            self.info.set_expiry(i64::from(seconds))?;
            self.announce(Control::Timer);
        }
        Ok(())
    }

    /// Deletes all messages that were sent before a time, for everybody. An earlier time than the one
    /// that is set changes nothing.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin.
    pub fn delete_before(&mut self, time: UnixMillis) -> Result<(), ActError> {
        self.acting_admin()?;
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        if seconds > self.info.delete_before() {
            self.info.set_delete_before(seconds)?;
            self.queue.delete_before = Some(UnixMillis::from_secs(time.as_secs()));
            self.needs_dump = true;
        }
        Ok(())
    }

    /// Deletes the attachments of all messages that were sent before a time, for everybody. An earlier
    /// time than the one that is set changes nothing.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin.
    pub fn delete_attachments_before(&mut self, time: UnixMillis) -> Result<(), ActError> {
        self.acting_admin()?;
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let set = self
            .info
            .delete_attachments_before()
            .max(self.info.delete_before());
        if seconds > set {
            self.info.set_delete_attachments_before(seconds)?;
        }
        Ok(())
    }

    /// Destroys the group, for everybody and for good.
    ///
    /// # Errors
    ///
    /// [`ActError`] if we are not an admin.
    pub fn destroy(&mut self) -> Result<(), ActError> {
        self.acting_admin()?;
        Ok(self.info.destroy()?)
    }

    /// Leaves the group. The members and admins are told; after that the stage is [`Stage::Left`], and
    /// an admin removes us.
    ///
    /// # Errors
    ///
    /// [`ActError::LastAdmin`] if nobody could manage the group any more, and [`ActError::Stage`] if we
    /// are not in it.
    pub fn leave(&mut self) -> Result<(), ActError> {
        if self.stage() != Stage::Joined {
            return Err(ActError::Stage(self.stage()));
        }
        let own = self.account.id();
        let is_admin = self.is_admin();
        let has_other_admin = self.members.iter().any(|member| {
            member.id != *own && self.members.status(&member) == MemberStatus::PromotionAccepted
        });
        if is_admin && !has_other_admin {
            return Err(ActError::LastAdmin);
        }
        self.stage = Stage::Leaving;
        self.queue.controls.clear();
        self.announce(Control::LeaveNotice);
        self.announce(Control::Leave);
        Ok(())
    }

    /// Notes that the swarm has refused our subaccount: we were probably removed, and the notice of it
    /// may name a key that we can no longer fetch.
    pub const fn note_access_refused(&mut self) {
        self.is_refused = true;
    }

    /// Compares what a complete fetch or a query of expiries found with what the group needs, and
    /// prepares to store again what was lost: info and members as they were, by any member; lost keys
    /// are replaced by a new one, by an admin.
    ///
    /// `has` says whether the swarm has the message of a name.
    ///
    /// # Errors
    ///
    /// [`ActError`] if a new key was needed and cannot be made.
    pub fn recover(&mut self, has: impl Fn(&str) -> bool) -> Result<(), ActError> {
        if self.stage() != Stage::Joined || self.is_being_removed() {
            return Err(ActError::Stage(self.stage()));
        }
        let is_lost = |names: &mut dyn Iterator<Item = &str>| {
            let mut any = false;
            for name in names {
                if has(name) {
                    return false;
                }
                any = true;
            }
            any
        };
        self.queue.restore_info |= is_lost(&mut self.info.current_hashes());
        self.queue.restore_members |= is_lost(&mut self.members.current_hashes());
        let keys_lost = is_lost(&mut self.keys.active_hashes());
        if keys_lost && self.is_admin() && !self.keys.has_pending() {
            self.rekey()?;
        }
        self.needs_dump = true;
        Ok(())
    }

    fn announce(&mut self, control: Control) {
        self.queue.announce(control);
        self.needs_dump = true;
    }
}
