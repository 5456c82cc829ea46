//! Files that were encrypted for their upload.

use alloc::vec::Vec;
use core::fmt;

use session_crypto::attachment::{FileKey, Key, KeyHasher, Kind};
use session_identity::Account;
use session_services::file::{Upload, UploadError};

/// A file that was encrypted for its upload, with its key. It holds the encrypted content once, at most
/// [`session_services::file::MAX_SIZE`] bytes.
pub struct SealedFile {
    pub(crate) key: Key,
    pub(crate) size: u64,
    pub(crate) kind: Kind,
    pub(crate) content: Vec<u8>,
}

/// Why a file cannot be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealFileError<E> {
    /// The file is empty or too large.
    #[error(transparent)]
    Size(UploadError),
    /// The content was changed while it was read.
    #[error("the content changed while it was read")]
    Changed,
    /// The content cannot be read.
    #[error("{0}")]
    Read(E),
}

impl SealedFile {
    /// Encrypts an attachment that is in memory.
    ///
    /// # Errors
    ///
    /// [`SealFileError::Size`] if it is empty or too large.
    pub fn attachment(
        account: &Account,
        content: &[u8],
    ) -> Result<Self, SealFileError<core::convert::Infallible>> {
        Self::whole(account, Kind::Attachment, content)
    }

    /// Encrypts a profile picture that is in memory.
    ///
    /// # Errors
    ///
    /// [`SealFileError::Size`] if it is empty or too large.
    pub fn picture(
        account: &Account,
        content: &[u8],
    ) -> Result<Self, SealFileError<core::convert::Infallible>> {
        Self::whole(account, Kind::ProfilePicture, content)
    }

    fn whole(
        account: &Account,
        kind: Kind,
        content: &[u8],
    ) -> Result<Self, SealFileError<core::convert::Infallible>> {
        Self::from_pieces(account, kind, |take| {
            take(content);
            Ok(())
        })
    }

    /// Encrypts an attachment in pieces, so that its content is never held as a whole. `read` hands over
    /// all pieces in their order, and is called twice: for the key, which is derived from the content
    /// (protocol: crypto, section 10.2), and to encrypt.
    ///
    /// # Errors
    ///
    /// [`SealFileError`] if `read` fails, hands over another content the second time, or the file is empty
    /// or too large.
    pub fn attachment_in_pieces<E>(
        account: &Account,
        read: impl FnMut(&mut dyn FnMut(&[u8])) -> Result<(), E>,
    ) -> Result<Self, SealFileError<E>> {
        Self::from_pieces(account, Kind::Attachment, read)
    }

    fn from_pieces<E>(
        account: &Account,
        kind: Kind,
        mut read: impl FnMut(&mut dyn FnMut(&[u8])) -> Result<(), E>,
    ) -> Result<Self, SealFileError<E>> {
        let mut hasher = KeyHasher::new(account.ed25519(), kind);
        let mut size = 0_u64;
        read(&mut |piece| {
            hasher.update(piece);
            // No content is so long that it does not fit.
            size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        })
        .map_err(SealFileError::Read)?;
        if size == 0 {
            let empty = session_services::file::client::SizeError { got: 0 };
            return Err(SealFileError::Size(empty.into()));
        }
        let FileKey { key, header } = hasher.finalize();
        let made = FileKey { key, header };
        let mut upload = Upload::new(&made, size).map_err(SealFileError::Size)?;
        let mut again = KeyHasher::new(account.ed25519(), kind);
        let mut updated = Ok(());
        read(&mut |piece| {
            again.update(piece);
            if updated.is_ok() {
                updated = upload.update(piece);
            }
        })
        .map_err(SealFileError::Read)?;
        // A key is for one content: what was encrypted must be what the key was made of.
        if updated.is_err() || again.finalize().header != made.header {
            return Err(SealFileError::Changed);
        }
        let request = upload.finish(None).map_err(SealFileError::Size)?;
        Ok(Self {
            key: made.key,
            size,
            kind,
            content: request.body,
        })
    }

    /// Returns the length of the content in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

impl fmt::Debug for SealedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedFile")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use session_identity::Seed;

    use super::*;

    #[test]
    fn pieces_give_the_same_file_as_the_whole_and_a_change_is_noticed() {
        let account = Account::from_seed(&Seed::from_short(&[7; 16]));
        let content: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        let whole = SealedFile::attachment(&account, &content).unwrap();
        let pieces = SealedFile::attachment_in_pieces(&account, |take| {
            content.chunks(30_001).for_each(&mut *take);
            Ok::<(), ()>(())
        });
        let pieces = pieces.unwrap();
        assert_eq!(whole.content, pieces.content);
        assert_eq!(whole.key.expose_bytes(), pieces.key.expose_bytes());
        assert_eq!(pieces.size(), 100_000);
        let opened = session_crypto::attachment::decrypt(&whole.key, &whole.content).unwrap();
        assert_eq!(*opened, content);
        let picture = SealedFile::picture(&account, &content).unwrap();
        assert_ne!(picture.key.expose_bytes(), whole.key.expose_bytes());
        for change in [vec![1_u8; 100_000], vec![1; 99_999], vec![1; 100_001]] {
            let mut reads = [content.as_slice(), &change].into_iter();
            let sealed = SealedFile::attachment_in_pieces(&account, |take| {
                take(reads.next().unwrap());
                Ok::<(), ()>(())
            });
            assert!(matches!(sealed, Err(SealFileError::Changed)));
        }
        let failed = SealedFile::attachment_in_pieces(&account, |_| Err(3));
        assert!(matches!(failed, Err(SealFileError::Read(3))));
        for wrong in [vec![], vec![0; 10_000_001]] {
            let refused = SealedFile::attachment(&account, &wrong);
            assert!(matches!(refused, Err(SealFileError::Size(_))));
        }
    }
}
