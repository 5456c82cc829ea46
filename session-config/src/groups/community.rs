//! Communities.

use alloc::borrow::{Cow, ToOwned};

use session_identity::community::BaseUrl;
use session_types::X25519Public;

use super::UserGroups;
use crate::community::{change_room, key_of, remove_room, room, rooms};
use crate::error::EditError;
use crate::field::{Flag, HasMentions, KeptText, Lenient, Nonzero, Notify, NotifyAt, record};

pub(super) const COMMUNITIES: &[u8] = b"o";
/// Maximum length of the name of a room, in bytes.
const MAX_ROOM: usize = 64;

record! {
    /// A room of a community server. Times are Unix seconds, 0 if unset.
    ///
    /// Its id is the server's key.
    pub struct CommunityEntry<'a>(X25519Public) {
        /// Name of the room as it was typed. Rooms are the same whose names in lower case are.
        room: Cow<'a, str> = KeptText(b"n", MAX_ROOM),
        /// When to notify.
        notify: Notify = NotifyAt(b"@", HasMentions::Yes),
        /// Until when not to notify.
        muted_until: i64 = Lenient(b"!"),
        /// −1 hidden, 0 normal, 1 pinned.
        priority: i64 = Nonzero(b"+"),
        /// Whether the invitation has not been accepted yet.
        is_invited: bool = Flag(b"i"),
        /// When we joined.
        joined: i64 = Lenient(b"j"),
    }
}

impl UserGroups {
    /// Returns a room of a community, whatever the case of its name.
    #[must_use]
    pub fn community(&self, base: &BaseUrl, name: &str) -> Option<CommunityEntry<'_>> {
        let name = name.to_ascii_lowercase();
        let dict = room(self.data(), COMMUNITIES, base.as_str(), &name)?;
        let key = key_of(self.data(), COMMUNITIES, base.as_str())?;
        Some(CommunityEntry::read_fields(key, dict))
    }

    /// Returns all rooms, with the base URL of their servers.
    pub fn communities(&self) -> impl Iterator<Item = (&str, CommunityEntry<'_>)> {
        rooms(self.data(), COMMUNITIES)
            .map(|room| (room.base, CommunityEntry::read_fields(room.key, room.dict)))
    }

    /// Stores a room of a community, all fields of it.
    ///
    /// # Errors
    ///
    /// [`EditError::Value`] if the name is not that of a room; [`EditError`] if the config cannot be
    /// changed.
    pub fn set_community(
        &mut self,
        base: &BaseUrl,
        entry: &CommunityEntry<'_>,
    ) -> Result<(), EditError> {
        let room: session_identity::community::Room =
            entry.room.parse().map_err(|_| EditError::Value)?;
        self.edit(|data| {
            change_room(
                data,
                COMMUNITIES,
                base.as_str(),
                &entry.id,
                room.id(),
                |dict| {
                    entry.write_fields(dict);
                },
            );
        })
    }

    /// Removes a room of a community, and its server with the last one.
    ///
    /// # Errors
    ///
    /// [`EditError`] if the config cannot be changed.
    pub fn remove_community(&mut self, base: &BaseUrl, name: &str) -> Result<(), EditError> {
        let (base, name) = (base.as_str().to_owned(), name.to_ascii_lowercase());
        self.edit(|data| remove_room(data, COMMUNITIES, &base, &name, true))
    }
}
