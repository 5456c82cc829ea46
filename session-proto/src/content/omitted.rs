//! What was left out of a content that was read.

use core::fmt;

/// A part of a content that does not decide what the message is.
///
/// If such a part is malformed, it is left out and the rest of the message is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Bytes that are not UTF-8: each invalid sequence was replaced by U+FFFD.
    Text,
    /// The sender's picture: its key has another length than 32 bytes, or is missing.
    ProfilePicture,
    /// A file: its key has another length than 32 or 64 bytes.
    Attachment,
    /// The quoted message: its author is not an id.
    Quote,
    /// A link preview: its address is not in the text or does not begin with `https://`.
    Preview,
    /// The image of a link preview: its key has another length than 32 or 64 bytes.
    PreviewImage,
    /// A reaction beside something to show.
    Reaction,
    /// A community invitation beside something to show.
    Invitation,
    /// A member of a member change: its id is not the id of an account.
    Member,
}

impl Part {
    /// All parts that can be left out.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::ProfilePicture,
        Self::Attachment,
        Self::Quote,
        Self::Preview,
        Self::PreviewImage,
        Self::Reaction,
        Self::Invitation,
        Self::Member,
    ];

    /// Name of the part, for logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::ProfilePicture => "profile picture",
            Self::Attachment => "attachment",
            Self::Quote => "quote",
            Self::Preview => "preview",
            Self::PreviewImage => "preview image",
            Self::Reaction => "reaction",
            Self::Invitation => "community invitation",
            Self::Member => "member",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The set of parts that were left out of a content, because they were malformed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Omitted(u16);

impl Omitted {
    /// Nothing was left out.
    pub const NONE: Self = Self(0);

    const fn bit(part: Part) -> u16 {
        1 << part as u16
    }

    /// Returns whether nothing was left out.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns whether a part of this kind was left out.
    #[must_use]
    pub const fn contains(self, part: Part) -> bool {
        self.0 & Self::bit(part) != 0
    }

    /// Returns the parts that were left out, each once.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL
            .into_iter()
            .filter(move |part| self.contains(*part))
    }

    pub(super) const fn insert(&mut self, part: Part) {
        self.0 |= Self::bit(part);
    }

    /// Takes a value, or notes that its part was left out.
    pub(super) fn keep<T, E>(&mut self, part: Part, value: Result<T, E>) -> Option<T> {
        if value.is_err() {
            self.insert(part);
        }
        value.ok()
    }
}

impl FromIterator<Part> for Omitted {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        let mut omitted = Self::NONE;
        for part in parts {
            omitted.insert(part);
        }
        omitted
    }
}

impl fmt::Debug for Omitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn each_part_has_a_bit_of_its_own() {
        let mut all = Omitted::NONE;
        for part in Part::ALL {
            assert!(!all.contains(part));
            let one = Omitted::from_iter([part]);
            assert_eq!(one.iter().collect::<Vec<_>>(), [part]);
            all.insert(part);
            assert!(all.contains(part));
        }
        assert_eq!(all.iter().collect::<Vec<_>>(), Part::ALL);
    }
}
