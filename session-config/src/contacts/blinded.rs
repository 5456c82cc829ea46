//! Contacts that are known by a blinded id of a community server.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;

use session_identity::community::BaseUrl;
use session_types::{BlindedId15, BlindedId25, X25519Public, hex};

use super::Contacts;
use crate::community::{change_room, remove_room, room, rooms};
use crate::data::Dict;
use crate::error::EditError;
use crate::field::{
    Bits, Codec, Flag, KeptText, MAX_NAME, Nonzero, Picture, PictureAt, Positive, record,
};
use crate::id::BlindedId;

pub(super) const BLINDED: &[u8] = b"b";
/// Whether the id is of the older kind.
const LEGACY: Flag = Flag(b"y");

record! {
    /// A contact that is known by a blinded id alone. Times are Unix seconds, 0 if unset.
    pub struct BlindedContact<'a>(BlindedId) {
        /// The name that they chose, at most 100 bytes.
        name: Cow<'a, str> = KeptText(b"n", MAX_NAME),
        /// Their picture.
        picture: Option<Picture<'a>> = PictureAt(b"p", b"q"),
        /// When they last changed their profile.
        profile_updated: i64 = Positive(b"t"),
        /// −1 hidden, 0 normal, 1 pinned.
        priority: i64 = Nonzero(b"+"),
        /// When they became a contact.
        created: i64 = Positive(b"j"),
        /// Features of Session Pro that their profile shows, as bits.
        pro_features: u64 = Bits(b"f"),
    }
}

/// The id of a key, which is the hex of an id without its prefix.
pub(super) fn blinded_id(key: &str, dict: &Dict) -> Option<BlindedId> {
    let key = hex::decode::<32>(key)?;
    let prefix = if LEGACY.read(dict) {
        BlindedId15::PREFIX
    } else {
        BlindedId25::PREFIX
    };
    let mut bytes = [prefix; 33];
    let [_, rest @ ..] = &mut bytes;
    *rest = key;
    BlindedId::from_bytes(&bytes)
}

fn key(id: &BlindedId) -> String {
    hex::encode(id.key_bytes())
}

impl Contacts {
    /// Returns a contact by its blinded id.
    #[must_use]
    pub fn blinded(&self, base: &BaseUrl, id: &BlindedId) -> Option<BlindedContact<'_>> {
        let dict = room(self.data(), BLINDED, base.as_str(), &key(id))?;
        let is_legacy = matches!(id, BlindedId::V15(_));
        (LEGACY.read(dict) == is_legacy).then(|| BlindedContact::read_fields(*id, dict))
    }

    /// Returns the blinded contacts, with base URL and key of their servers.
    pub fn blinded_contacts(
        &self,
    ) -> impl Iterator<Item = (&str, X25519Public, BlindedContact<'_>)> {
        rooms(self.data(), BLINDED).filter_map(|room| {
            let id = blinded_id(room.room, room.dict)?;
            Some((
                room.base,
                room.key,
                BlindedContact::read_fields(id, room.dict),
            ))
        })
    }

    /// Stores a contact by its blinded id.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn set_blinded(
        &mut self,
        base: &BaseUrl,
        server: &X25519Public,
        contact: &BlindedContact<'_>,
    ) -> Result<(), EditError> {
        self.edit(|data| {
            let id = key(&contact.id);
            change_room(data, BLINDED, base.as_str(), server, &id, |dict| {
                contact.write_fields(dict);
                LEGACY.write(dict, &matches!(contact.id, BlindedId::V15(_)));
            });
        })
    }

    /// Removes a contact by its blinded id. Its server stays, as deployed clients leave it.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn remove_blinded(&mut self, base: &BaseUrl, id: &BlindedId) -> Result<(), EditError> {
        let (base, id) = (base.as_str().to_owned(), key(id));
        self.edit(|data| remove_room(data, BLINDED, &base, &id, false))
    }
}
