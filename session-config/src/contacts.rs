//! Contacts of an account (protocol: [config, section 13.3]).
//!
//! [config, section 13.3]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/config.md#section-13.3

mod blinded;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use session_crypto::config::Domain;
use session_proto::schema::session::shared_config_message::Kind as WrapperKind;
use session_types::{AccountId, Namespace};

pub use blinded::BlindedContact;

use crate::change::{How, entries};
use crate::community::rooms_changed;
use crate::config::Config;
use crate::data::Dict;
use crate::error::EditError;
use crate::field::{
    Bits, ExpiryAt, Flag, HasMentions, KeptText, Lenient, MAX_NAME, Nonzero, NotifyAt, PictureAt,
    Positive, Text, check_length, record,
};
use crate::field::{Expiry, Notify, Picture};
use crate::id::{BlindedId, account_id};
use crate::kind::{Kind, domain, private};

const CONTACTS: &[u8] = b"c";

/// The kind of [`Contacts`].
#[derive(Debug)]
pub enum ContactsKind {}

/// The contacts of an account, namespace 3.
pub type Contacts = Config<ContactsKind>;

impl private::Kind for ContactsKind {
    const NAMESPACE: Option<Namespace> = Some(Namespace::CONTACTS);
    const DOMAIN: Domain<'static> = domain("Contacts");
    const WRAPPER: Option<WrapperKind> = Some(WrapperKind::Contacts);
    type Extra = ();
}

impl Kind for ContactsKind {
    type Change = ContactChange;

    fn changes(before: &Dict, after: &Dict) -> Vec<ContactChange> {
        let contacts = entries(before.dict(CONTACTS), after.dict(CONTACTS))
            .filter_map(|(key, how)| Some(ContactChange::Contact(account_id(key)?, how)));
        let blinded = rooms_changed(before, after, blinded::BLINDED).filter_map(|room| {
            let dicts = [after, before];
            let id = dicts.iter().find_map(|data| {
                let dict = crate::community::room(data, blinded::BLINDED, &room.base, &room.room)?;
                blinded::blinded_id(&room.room, dict)
            })?;
            Some(ContactChange::Blinded(room.base, id, room.how))
        });
        contacts.chain(blinded).collect()
    }
}

/// A change of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContactChange {
    /// A contact. A conversation whose contact is gone was deleted on another device.
    Contact(AccountId, How),
    /// A contact by a blinded id: base URL of the community server, and id.
    Blinded(String, BlindedId, How),
}

record! {
    /// A contact.
    ///
    /// Times are Unix seconds, 0 if unset. Fields that a text does not fit into are cut when the
    /// record is stored.
    pub struct Contact<'a>(AccountId) {
        /// The name that they chose, at most 100 bytes.
        name: Cow<'a, str> = KeptText(b"n", MAX_NAME),
        /// The name that we gave them, at most 100 bytes.
        nickname: Cow<'a, str> = Text(b"N", MAX_NAME),
        /// Their picture.
        picture: Option<Picture<'a>> = PictureAt(b"p", b"q"),
        /// When they last changed their profile.
        profile_updated: i64 = Positive(b"t"),
        /// Whether we take their messages.
        is_approved: bool = Flag(b"a"),
        /// Whether they take ours.
        has_approved_us: bool = Flag(b"A"),
        /// Whether we have blocked them.
        is_blocked: bool = Flag(b"b"),
        /// When to notify. Mentions do not exist here.
        notify: Notify = NotifyAt(b"@", HasMentions::No),
        /// Until when not to notify.
        muted_until: i64 = Lenient(b"!"),
        /// −1 hidden, 0 normal, 1 pinned.
        priority: i64 = Nonzero(b"+"),
        /// When messages disappear.
        expiry: Expiry = ExpiryAt(b"e", b"E"),
        /// When they became a contact.
        created: i64 = Lenient(b"j"),
        /// Features of Session Pro that their profile shows, as bits.
        pro_features: u64 = Bits(b"f"),
        /// Delete all messages before this time. Only ever raise it.
        delete_before: i64 = Positive(b"d"),
        /// Delete attachments before this time. Not stored unless it is after `delete_before`.
        delete_attachments_before: i64 = Positive(b"D"),
    }
}

impl Contact<'_> {
    /// Sets the nickname.
    ///
    /// # Errors
    ///
    /// [`EditError::TooLong`] if it has more than 100 bytes.
    pub fn set_nickname(&mut self, nickname: &str) -> Result<(), EditError> {
        check_length(nickname, MAX_NAME)?;
        self.nickname = crate::field::owned(nickname);
        Ok(())
    }

    fn write(&self, dict: &mut Dict) {
        self.write_fields(dict);
        if self.delete_attachments_before <= self.delete_before {
            dict.remove(b"D");
        }
    }
}

impl Contacts {
    /// Returns a contact.
    #[must_use]
    pub fn get(&self, id: &AccountId) -> Option<Contact<'_>> {
        let dict = self.data().dict(CONTACTS)?.dict(id.as_bytes())?;
        Some(Contact::read_fields(*id, dict))
    }

    /// Returns the contacts in the order of their ids. Nothing is cloned.
    pub fn iter(&self) -> impl Iterator<Item = Contact<'_>> {
        let contacts = self.data().dict(CONTACTS);
        contacts
            .into_iter()
            .flat_map(Dict::iter)
            .filter_map(|(key, value)| {
                Some(Contact::read_fields(account_id(key)?, value.as_dict()?))
            })
    }

    /// Stores a contact, all fields of it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set(&mut self, contact: &Contact<'_>) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(CONTACTS, |contacts| {
                contacts.change_dict(contact.id.as_bytes(), |dict| contact.write(dict));
            });
        })
    }

    /// Changes a contact, or a new one if there is none, and stores it.
    ///
    /// # Errors
    ///
    /// The error of `change`, or [`EditError`] if the config cannot be changed. Nothing has changed
    /// then.
    pub fn update(
        &mut self,
        id: &AccountId,
        change: impl FnOnce(&mut Contact<'_>) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        let mut contact = self
            .get(id)
            .map_or_else(|| Contact::new(*id), Contact::into_owned);
        change(&mut contact)?;
        self.set(&contact)
    }

    /// Removes a contact. Other devices then delete the conversation.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn remove(&mut self, id: &AccountId) -> Result<(), EditError> {
        self.edit(|data| {
            data.change_dict(CONTACTS, |contacts| contacts.remove(id.as_bytes()));
        })
    }
}
