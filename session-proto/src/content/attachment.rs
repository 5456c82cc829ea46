//! Attachments.

use alloc::string::String;
use alloc::vec::Vec;

use super::{AttachmentKey, ContentError, present};
use crate::limits::FLAG_VOICE_MESSAGE;
use crate::schema::session as wire;

/// A file on a file server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attachment {
    /// Address of the file. Empty if an old client gave only a number.
    pub url: String,
    /// The key. Communities store files without one.
    pub key: Option<AttachmentKey>,
    /// The digest of the encrypted file, in the older form.
    pub digest: Option<Vec<u8>>,
    /// Length of the file without padding, in bytes.
    pub size: Option<u32>,
    /// Media type.
    pub content_type: Option<String>,
    /// File name.
    pub file_name: Option<String>,
    /// Caption.
    pub caption: Option<String>,
    /// Width in pixels.
    pub width: Option<u32>,
    /// Height in pixels.
    pub height: Option<u32>,
    /// Whether the file is a voice message.
    pub is_voice_message: bool,
}

impl Attachment {
    pub(super) fn to_wire(&self) -> wire::AttachmentPointer {
        wire::AttachmentPointer {
            id: id_of(&self.url),
            content_type: self.content_type.clone(),
            key: self.key.as_ref().map(AttachmentKey::to_field),
            size: self.size,
            thumbnail: None,
            digest: self.digest.clone(),
            file_name: self.file_name.clone(),
            flags: self.is_voice_message.then_some(FLAG_VOICE_MESSAGE),
            width: self.width,
            height: self.height,
            caption: self.caption.clone(),
            url: Some(self.url.clone()),
        }
    }

    pub(super) fn from_wire(mut pointer: wire::AttachmentPointer) -> Result<Self, ContentError> {
        let key = pointer.key.take().filter(|key| !key.is_empty());
        let key = key.map(|key| AttachmentKey::from_field(&key, "key"));
        Ok(Self {
            // Absent: as an empty URL; there is nothing to fetch.
            url: pointer.url.take().unwrap_or_default(),
            key: key.transpose()?,
            digest: pointer.digest.take().filter(|digest| !digest.is_empty()),
            size: pointer.size,
            content_type: present(pointer.content_type.take()),
            file_name: present(pointer.file_name.take()),
            caption: present(pointer.caption.take()),
            width: pointer.width,
            height: pointer.height,
            is_voice_message: pointer.flags.unwrap_or(0) & FLAG_VOICE_MESSAGE != 0,
        })
    }
}

/// Returns the deprecated number that must be written: the last segment of the address if it is a
/// number, else zero.
fn id_of(url: &str) -> u64 {
    let path = url.split_once(['?', '#']).map_or(url, |(path, _)| path);
    let segment = path.rsplit_once('/').map_or(path, |(_, segment)| segment);
    if !segment.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    segment.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_last_segment_of_the_address() {
        assert_eq!(id_of("https://host/file/1234"), 1234);
        assert_eq!(id_of("https://host/file/1234#p=aa&d"), 1234);
        assert_eq!(id_of("https://host/file/18446744073709551615"), u64::MAX);
        for other in [
            "",
            "https://host/file/",
            "https://host/file/abc",
            "https://host/file/+1",
            "https://host/file/18446744073709551616",
        ] {
            assert_eq!(id_of(other), 0, "{other}");
        }
    }
}
