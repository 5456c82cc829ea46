//! Errors.

use std::path::PathBuf;

use session_client::community::{EmojiError, UrlError};
use session_client::config::EditError;
use session_client::{FetchError, GroupError, RoomError, SealFileError, SendError};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The records cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A message cannot be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The shared configs cannot be changed so.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Something is not possible in a group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// A file cannot be sent, fetched or saved.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something is not possible in a community.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// This is not the URL of a room.
    #[error(transparent)]
    Url(UrlError),
    /// A community takes no such emoji.
    #[error(transparent)]
    Emoji(EmojiError),
    /// A line of an export cannot be written.
    #[error(transparent)]
    Io(std::io::Error),
    /// A line of an import is not a message.
    #[error("line {line} is not a message of an export")]
    Import {
        /// The number of the line, from 1.
        line: u64,
    },
    /// No seed node was named.
    #[error("no seed node was named")]
    NoSeeds,
    /// The address of a proxy is not `socks5://[user:password@]host:port` or `http://[user:password@]host:port`.
    #[error("the address of the proxy cannot be used")]
    Proxy,
    /// The address or the key of a file server cannot be used.
    #[error("the file server cannot be used")]
    FileServer,
    /// The certificate of a seed node cannot be read.
    #[error("no certificate in PEM form")]
    Certificate,
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
}

/// Why a file cannot be sent, fetched or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(std::io::Error),
    /// The file is empty or too large, or changed while it was read.
    #[error(transparent)]
    Seal(SealFileError<core::convert::Infallible>),
    /// The file cannot be downloaded.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The file is not what the message says: its key is another one, or it was changed.
    #[error("the file cannot be decrypted")]
    Decrypt,
    /// The file cannot be written.
    #[error("the file cannot be written: {0}")]
    Write(std::io::Error),
}

/// Why records cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database reports an error.
    #[cfg(feature = "sqlite")]
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file cannot be made.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// The file is encrypted with another key, or not at all, or no key was given.
    #[error("the file is encrypted with another key, or not at all, or no key was given")]
    Key,
    /// The store fails: nothing is begun until it works again.
    #[error("the store fails; nothing is begun until it works again")]
    Failing,
    /// Another kind of store reports an error.
    #[error("{0}")]
    Other(Box<dyn std::error::Error + Send + Sync>),
    /// The store was stopped in the middle.
    #[error("interrupted")]
    Interrupted,
    /// The records are those of another account.
    #[error("the records are those of another account")]
    OtherAccount,
    /// The records were written by a version that has another format.
    #[error("the records are in format {got}; this version reads format {expected}")]
    Version {
        /// The format that this version reads.
        expected: i64,
        /// The format of the records.
        got: i64,
    },
}
