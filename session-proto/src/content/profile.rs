//! Profiles of senders.

use alloc::string::String;

use super::{ContentError, Omitted, Part, PictureKey, present};
use crate::Secret;
use crate::schema::session as wire;

/// A sender's name and picture, as they were when the message was sent.
///
/// A receiver applies it if [`updated_seconds`](Self::updated_seconds) is newer than its stored
/// value, or if both are zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// The name.
    pub name: Option<String>,
    /// The picture.
    pub picture: Option<Picture>,
    /// Time of the last change of name or picture, in Unix seconds; zero if unknown.
    pub updated_seconds: u64,
}

/// An encrypted profile picture: its address and its key. One is never sent without the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Address of the encrypted picture; not empty.
    pub url: String,
    /// The key of the encrypted picture.
    pub key: PictureKey,
}

impl Profile {
    /// Makes a profile with a name only.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// Returns the key, which is a field beside the profile.
    pub(super) fn wire_key(&self) -> Option<Secret> {
        let picture = self.picture.as_ref()?;
        Some(picture.key.to_field())
    }

    pub(super) fn to_wire(&self) -> Result<wire::LokiProfile, ContentError> {
        if let Some(picture) = &self.picture {
            if picture.url.is_empty() {
                let field = "profilePicture";
                return Err(ContentError::EmptyText { field });
            }
            if has_local_key(&picture.url) {
                return Err(ContentError::LocalKey);
            }
        }
        Ok(wire::LokiProfile {
            display_name: self.name.clone(),
            profile_picture: self.picture.as_ref().map(|picture| picture.url.clone()),
            last_update_seconds: Some(self.updated_seconds),
        })
    }

    /// Returns a key without a picture counts as no picture; a picture without a key of 32 bytes is
    /// left out.
    pub(super) fn from_wire(
        profile: Option<wire::LokiProfile>,
        key: Option<Secret>,
        omitted: &mut Omitted,
    ) -> Option<Self> {
        let field = "profileKey";
        let key = key.map(|key| PictureKey::from_field(&key, field));
        let profile = profile?;
        let picture = present(profile.profile_picture).and_then(|url| {
            let key = key.unwrap_or(Err(ContentError::Missing { field }));
            let key = omitted.keep(Part::ProfilePicture, key)?;
            Some(Picture { url, key })
        });
        Some(Self {
            name: present(profile.display_name),
            picture,
            updated_seconds: profile.last_update_seconds.unwrap_or(0),
        })
    }
}

/// Returns whether the fragment of an address has the entry `e`, a key that must not be sent.
fn has_local_key(url: &str) -> bool {
    url.split_once('#')
        .is_some_and(|(_, fragment)| fragment.split('&').any(|entry| entry.starts_with("e=")))
}
