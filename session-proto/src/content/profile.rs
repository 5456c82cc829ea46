//! The sender's name and picture.

use alloc::string::String;

use super::{ContentError, Omitted, Part, PictureKey, present};
use crate::Secret;
use crate::schema::session as wire;

/// A sender's name and picture, as they were when the message was sent.
///
/// A receiver takes it over if [`updated_seconds`](Self::updated_seconds) is newer than what it
/// has, or both are zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// The name.
    pub name: Option<String>,
    /// The picture.
    pub picture: Option<Picture>,
    /// When name or picture were last changed, Unix seconds.
    pub updated_seconds: u64,
}

/// A profile picture: where its encrypted form lies, and the key. Never one without the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The address; not empty.
    pub url: String,
    /// The key of the encrypted picture.
    pub key: PictureKey,
}

impl Profile {
    /// A profile with a name only.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// The key, which stands beside the profile and not in it.
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

    /// A key without a picture counts as no picture; a picture without a key of 32 bytes is left
    /// out.
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

/// Whether the fragment of an address has the entry `e`, a key that its owner keeps.
fn has_local_key(url: &str) -> bool {
    url.split_once('#')
        .is_some_and(|(_, fragment)| fragment.split('&').any(|entry| entry.starts_with("e=")))
}
