//! What to do with a message that could not be opened.

use session_proto::content::ContentError;

use crate::error::OpenError;

/// What to do with a message that could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Drop it: no version and no key will open it. Go on with the next message.
    Drop,
    /// Keep it until the program was updated: it is in a form that this version does not know.
    KeepForNewerVersion,
    /// Keep it and try again when new keys have come.
    TryAgainLater,
}

impl OpenError {
    /// Returns what to do with the message.
    ///
    /// Messages that are kept count against a limit of the caller's choice: anybody can send a
    /// message that looks like one of a newer version.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Version
            | Self::Content(
                ContentError::UnknownKind
                | ContentError::UnknownValue { .. }
                | ContentError::Flags { .. },
            ) => Disposition::KeepForNewerVersion,
            Self::GroupDecrypt(_) | Self::NoAccountKey => Disposition::TryAgainLater,
            _ => Disposition::Drop,
        }
    }
}
