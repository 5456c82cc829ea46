//! Files that were downloaded, and how they are decrypted.

use alloc::vec::Vec;
use core::fmt;

use session_crypto::attachment::{self, Key, legacy, picture};
use session_message::content::{Attachment, AttachmentKey};
use session_network::RequestError;
use session_services::ReplyError;
use session_services::file::client::Download;
use session_services::file::{DownloadError, FileUrl, UrlError};
use zeroize::Zeroizing;

/// Length of the pieces in which a content in memory is handed over.
const PIECE: usize = 32 * 1024;

/// Why a file cannot be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is not that of a file on a file server.
    #[error("the address is not that of a file: {0}")]
    Url(#[from] UrlError),
    /// The file is one of a community, whose server has it.
    #[error("the file is one of a community")]
    Community,
    /// The address names no key of its server, and the server is not known.
    #[error("the file is on an unknown server")]
    UnknownServer,
    /// The message names no key for the file, or a key of the older form without digest and size.
    #[error("the message does not say how to decrypt the file")]
    Key,
    /// Too many downloads wait.
    #[error("too many downloads")]
    TooMany,
    /// The server does not have the file: it has expired, or was never there.
    #[error("the file has expired")]
    Expired,
    /// The server refused the request, or its reply is not a file.
    #[error("the file server: {0}")]
    Refused(ReplyError),
    /// No answer came.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Why a file that was downloaded has no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptFileError<E> {
    /// The key is another one, or the file was changed or cut.
    #[error("the file cannot be decrypted")]
    Decrypt,
    /// The receiver of the pieces failed.
    #[error("{0}")]
    Take(E),
}

/// How a file is decrypted.
pub(crate) enum Cipher {
    /// The stream (protocol: crypto, section 10).
    Stream(Key),
    /// A profile picture in the older form (protocol: crypto, section 11).
    Picture(Key),
    /// An attachment in the older form, with a digest (protocol: crypto, section 9).
    Legacy {
        keys: legacy::Keys,
        digest: [u8; 32],
        size: usize,
    },
}

impl Cipher {
    pub(crate) fn of_attachment(file: &Attachment) -> Result<Self, FetchError> {
        match file.key.as_ref().ok_or(FetchError::Key)? {
            AttachmentKey::Current(key) => {
                let key = Key::try_from(key.expose_bytes().as_slice());
                Ok(Self::Stream(key.map_err(|_| FetchError::Key)?))
            }
            AttachmentKey::Legacy(keys) => {
                let keys = legacy::Keys::try_from(keys.expose_bytes().as_slice());
                let digest = file
                    .digest
                    .as_deref()
                    .and_then(|digest| digest.try_into().ok());
                let size = file.size.and_then(|size| usize::try_from(size).ok());
                Ok(Self::Legacy {
                    keys: keys.map_err(|_| FetchError::Key)?,
                    digest: digest.ok_or(FetchError::Key)?,
                    size: size.ok_or(FetchError::Key)?,
                })
            }
        }
    }

    pub(crate) const fn of_picture(url: &FileUrl, key: [u8; 32]) -> Self {
        let key = Key::from_bytes(key);
        match url.is_deterministic {
            true => Self::Stream(key),
            false => Self::Picture(key),
        }
    }
}

/// A file that was downloaded: the encrypted content, and its key. The content is decrypted on the way out.
pub struct Fetched {
    file: Download,
    cipher: Cipher,
}

impl Fetched {
    pub(crate) const fn new(file: Download, cipher: Cipher) -> Self {
        Self { file, cipher }
    }

    /// Returns the length of the encrypted file in bytes.
    #[must_use]
    pub fn sealed_length(&self) -> usize {
        self.file.content.len()
    }

    /// Decrypts the file and hands the content to `take` in pieces of at most 64 KiB; returns its length
    /// in bytes. The content is authenticated as a whole at the end: keep the pieces aside until then.
    ///
    /// # Errors
    ///
    /// [`DecryptFileError::Decrypt`] if the key is another one, or the file was changed;
    /// [`DecryptFileError::Take`] if `take` fails.
    pub fn decrypt<E>(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<u64, DecryptFileError<E>> {
        let file = &self.file.content;
        let whole = match &self.cipher {
            Cipher::Stream(key) => {
                return self.file.decrypt(key, take).map_err(|error| match error {
                    DownloadError::Taker(reason) => DecryptFileError::Take(reason),
                    _ => DecryptFileError::Decrypt,
                });
            }
            Cipher::Picture(key) => picture::decrypt(key, file),
            Cipher::Legacy { keys, digest, size } => legacy::decrypt(keys, digest, *size, file),
        };
        let whole = whole.map_err(|_| DecryptFileError::Decrypt)?;
        for piece in whole.chunks(PIECE) {
            take(piece).map_err(DecryptFileError::Take)?;
        }
        u64::try_from(whole.len()).map_err(|_| DecryptFileError::Decrypt)
    }

    /// Returns the whole content.
    ///
    /// # Errors
    ///
    /// [`DecryptFileError::Decrypt`] if the key is another one, or the file was changed.
    pub fn content(
        &self,
    ) -> Result<Zeroizing<Vec<u8>>, DecryptFileError<core::convert::Infallible>> {
        let file = &self.file.content;
        let whole = match &self.cipher {
            Cipher::Stream(key) => attachment::decrypt(key, file),
            Cipher::Picture(key) => picture::decrypt(key, file),
            Cipher::Legacy { keys, digest, size } => legacy::decrypt(keys, digest, *size, file),
        };
        whole.map_err(|_| DecryptFileError::Decrypt)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("sealed_length", &self.sealed_length())
            .finish_non_exhaustive()
    }
}
