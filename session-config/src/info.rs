//! Name, picture and settings of a closed group (protocol: [config, section 13.7]).
//!
//! [config, section 13.7]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.7

use alloc::borrow::Cow;
use alloc::vec::Vec;

use session_crypto::config::Domain;
use session_types::Namespace;

use crate::change::fields;
use crate::config::Config;
use crate::data::Dict;
use crate::error::EditError;
use crate::field::{
    Codec, Flag, Lenient, MAX_NAME, Picture, PictureAt, Positive, Text, check_length, truncate,
};
use crate::kind::{Kind, domain, private};

/// Maximum length of a description, in bytes.
pub const MAX_DESCRIPTION: usize = 600;

const NAME: Text = Text(b"n", MAX_NAME);
const DESCRIPTION: Text = Text(b"o", MAX_DESCRIPTION);
const PICTURE: PictureAt = PictureAt(b"p", b"q");
const EXPIRY: Positive = Positive(b"E");
const CREATED: Lenient = Lenient(b"c");
const DELETE_BEFORE: Lenient = Lenient(b"d");
const DELETE_ATTACHMENTS: Lenient = Lenient(b"D");
const DESTROYED: Flag = Flag(b"!");

/// The kind of [`GroupInfo`].
#[derive(Debug)]
pub enum InfoKind {}

/// Name, picture and settings of a closed group, namespace 13.
pub type GroupInfo = Config<InfoKind>;

impl private::Kind for InfoKind {
    const NAMESPACE: Option<Namespace> = Some(Namespace::GROUP_INFO);
    const DOMAIN: Domain<'static> = domain("groups::Info");
    type Extra = ();
}

/// A change of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InfoChange {
    /// The name.
    Name,
    /// The description.
    Description,
    /// The picture.
    Picture,
    /// When messages disappear.
    Expiry,
    /// The times before which messages or attachments are deleted.
    Deletion,
    /// The group was destroyed.
    Destroyed,
}

impl Kind for InfoKind {
    type Change = InfoChange;

    fn changes(before: &Dict, after: &Dict) -> Vec<InfoChange> {
        fields(
            before,
            after,
            &[
                (InfoChange::Name, &[b"n"]),
                (InfoChange::Description, &[b"o"]),
                (InfoChange::Picture, &[b"p", b"q"]),
                (InfoChange::Expiry, &[b"E"]),
                (InfoChange::Deletion, &[b"d", b"D"]),
                (InfoChange::Destroyed, &[b"!"]),
            ],
        )
    }
}

impl GroupInfo {
    /// Returns the name, or an empty text if it is unset.
    #[must_use]
    pub fn name(&self) -> Cow<'_, str> {
        NAME.read(self.data())
    }

    /// Sets the name.
    ///
    /// # Errors
    ///
    /// [`EditError`] if it has more than 100 bytes, or we are not an admin.
    pub fn set_name(&mut self, name: &str) -> Result<(), EditError> {
        check_length(name, MAX_NAME)?;
        self.edit(|data| NAME.write(data, &name.into()))
    }

    /// Sets the name, cut to 100 bytes at the border of a character.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set_name_truncated(&mut self, name: &str) -> Result<(), EditError> {
        self.set_name(truncate(name, MAX_NAME))
    }

    /// Returns the description, or an empty text if it is unset.
    #[must_use]
    pub fn description(&self) -> Cow<'_, str> {
        DESCRIPTION.read(self.data())
    }

    /// Sets the description.
    ///
    /// # Errors
    ///
    /// [`EditError`] if it has more than 600 bytes, or we are not an admin.
    pub fn set_description(&mut self, description: &str) -> Result<(), EditError> {
        check_length(description, MAX_DESCRIPTION)?;
        self.edit(|data| DESCRIPTION.write(data, &description.into()))
    }

    /// Sets the description, cut to 600 bytes at the border of a character.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set_description_truncated(&mut self, description: &str) -> Result<(), EditError> {
        self.set_description(truncate(description, MAX_DESCRIPTION))
    }

    /// Returns the picture.
    #[must_use]
    pub fn picture(&self) -> Option<Picture<'_>> {
        PICTURE.read(self.data())
    }

    /// Sets the picture, or removes it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set_picture(&mut self, picture: Option<&Picture<'_>>) -> Result<(), EditError> {
        self.edit(|data| PICTURE.write(data, &picture.cloned()))
    }

    /// Returns after how many seconds messages disappear; 0 if they stay.
    #[must_use]
    pub fn expiry(&self) -> i64 {
        EXPIRY.read(self.data())
    }

    /// Sets after how many seconds messages disappear; 0 lets them stay.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set_expiry(&mut self, seconds: i64) -> Result<(), EditError> {
        self.edit(|data| EXPIRY.write(data, &seconds))
    }

    /// Returns when the group was made, in seconds; 0 if that is unknown.
    #[must_use]
    pub fn created(&self) -> i64 {
        CREATED.read(self.data())
    }

    /// Sets when the group was made, in seconds.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set_created(&mut self, time: i64) -> Result<(), EditError> {
        self.edit(|data| CREATED.write(data, &time))
    }

    /// Returns before which time all messages are deleted, in seconds; 0 if none.
    #[must_use]
    pub fn delete_before(&self) -> i64 {
        DELETE_BEFORE.read(self.data())
    }

    /// Deletes all messages before a time, in seconds. Only ever raise it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set_delete_before(&mut self, time: i64) -> Result<(), EditError> {
        self.edit(|data| DELETE_BEFORE.write(data, &time))
    }

    /// Returns before which time attachments are deleted, in seconds; 0 if none.
    #[must_use]
    pub fn delete_attachments_before(&self) -> i64 {
        DELETE_ATTACHMENTS.read(self.data())
    }

    /// Deletes attachments before a time, in seconds. Only ever raise it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn set_delete_attachments_before(&mut self, time: i64) -> Result<(), EditError> {
        self.edit(|data| DELETE_ATTACHMENTS.write(data, &time))
    }

    /// Returns whether the group was destroyed.
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        DESTROYED.read(self.data())
    }

    /// Destroys the group, for good.
    ///
    /// # Errors
    ///
    /// [`EditError`] if we are not an admin.
    pub fn destroy(&mut self) -> Result<(), EditError> {
        self.edit(|data| DESTROYED.write(data, &true))
    }
}
