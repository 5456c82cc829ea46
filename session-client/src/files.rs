//! Files: sealed before they are kept, uploaded from the records, downloaded on request (protocol:
//! file-server; crypto, sections 9 and 10).

mod fetched;
mod host;
mod sealed;

pub use fetched::{DecryptFileError, FetchError, Fetched};
pub use host::{FileHost, HostError};
pub use sealed::{SealFileError, SealedFile};

pub(crate) use fetched::Cipher;

use core::fmt;

use session_services::ReplyError;

/// The number of a file of ours, unique in an account's records while the file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileNumber(u64);

impl FileNumber {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The number of a download, unique in a [`Client`](crate::Client).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownloadId(u64);

impl DownloadId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for DownloadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Why a file of ours is not on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadFailure {
    /// The store does not have its content any more.
    #[error("the content of the file is lost")]
    Lost,
    /// The server refused it.
    #[error("the file server: {0}")]
    Refused(#[from] ReplyError),
    /// No answer came for so long that the client gave up.
    #[error("gave up: {0}")]
    Request(#[from] session_network::RequestError),
}
