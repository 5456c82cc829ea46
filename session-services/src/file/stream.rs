//! Files in pieces: the content is encrypted on its way into a request, and decrypted on its way out of a
//! reply. What is there as a whole is the encrypted file, once.

use alloc::vec::Vec;
use core::time::Duration;

use session_crypto::DecryptError;
use session_crypto::attachment::{
    CHUNK_LENGTH, Decryptor, Encryptor, FileKey, Key, SizeError, sizes,
};
use session_types::http::Request;
use zeroize::Zeroizing;

use super::client::{self, Download};
use crate::ReplyError;

/// Error of building an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The content is too large, or has another length than was announced.
    #[error(transparent)]
    Content(#[from] SizeError),
    /// The encrypted file is too large for the server.
    #[error(transparent)]
    File(#[from] client::SizeError),
}

/// An upload that is made in pieces.
///
/// ```
/// use session_crypto::attachment::{FileKey, Kind};
/// use session_services::file::Upload;
/// # let sender = session_crypto::Ed25519Secret::from_seed(&[1; 32]);
///
/// let content = [7; 100_000];
/// let key = FileKey::derive(&sender, Kind::Attachment, &content);
/// let mut upload = Upload::new(&key, 100_000)?;
/// for piece in content.chunks(30_000) {
///     upload.update(piece)?;
/// }
/// let request = upload.finish(None)?;
/// assert!(request.body.len() > 100_000);
/// # Ok::<(), session_services::file::UploadError>(())
/// ```
#[derive(Debug)]
pub struct Upload {
    encryptor: Encryptor,
    body: Vec<u8>,
}

impl Upload {
    /// Starts an upload of a content of `size` bytes.
    ///
    /// # Errors
    ///
    /// [`UploadError`] if the content is too large.
    pub fn new(key: &FileKey, size: u64) -> Result<Self, UploadError> {
        let file = sizes(size).and_then(|sizes| usize::try_from(sizes.file).ok());
        let mut body = match file {
            // Before anything is encrypted.
            Some(got) if got > super::MAX_SIZE => return Err(client::SizeError { got }.into()),
            Some(length) => Vec::with_capacity(length),
            // The encryptor refuses a content of such a length.
            None => Vec::new(),
        };
        let encryptor = Encryptor::new(key, size, &mut body)?;
        Ok(Self { encryptor, body })
    }

    /// Adds a piece of the content.
    ///
    /// # Errors
    ///
    /// [`UploadError::Content`] if there is more content than was announced.
    pub fn update(&mut self, piece: &[u8]) -> Result<(), UploadError> {
        Ok(self.encryptor.update(piece, &mut self.body)?)
    }

    /// Returns the request, for the server's default time to live if `ttl` is `None`.
    ///
    /// # Errors
    ///
    /// [`UploadError`] if there is less content than was announced, or the file is too large.
    pub fn finish(self, ttl: Option<Duration>) -> Result<Request, UploadError> {
        self.encryptor.finish()?;
        Ok(client::upload(self.body, ttl)?)
    }
}

/// Error of decrypting a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError<E> {
    /// The server refused, or the file is too large.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The key is another one, or the file was changed or cut.
    #[error("the key is another one, or the file was changed")]
    Decrypt,
    /// The receiver of the pieces failed.
    #[error("the content cannot be taken")]
    Taker(E),
}

impl Download {
    /// Decrypts the file and hands the content to `take` in pieces of at most 32 KiB; returns its length in
    /// bytes. The content is authenticated as a whole at the end: keep the pieces aside until then.
    ///
    /// # Errors
    ///
    /// [`DownloadError`] if the key is another one, the file was changed, or `take` fails.
    pub fn decrypt<E>(
        &self,
        key: &Key,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<u64, DownloadError<E>> {
        let failed = |_: DecryptError| DownloadError::Decrypt;
        let mut decryptor = Decryptor::new(key);
        let mut piece = Zeroizing::new(Vec::new());
        let mut length: u64 = 0;
        let mut hand_over = |piece: &mut Vec<u8>| -> Result<(), DownloadError<E>> {
            let size = u64::try_from(piece.len()).map_err(|_| DownloadError::Decrypt)?;
            length = length.saturating_add(size);
            take(piece).map_err(DownloadError::Taker)?;
            piece.clear();
            Ok(())
        };
        for sealed in self.content.chunks(CHUNK_LENGTH) {
            decryptor.update(sealed, &mut piece).map_err(failed)?;
            hand_over(&mut piece)?;
        }
        decryptor.finish(&mut piece).map_err(failed)?;
        hand_over(&mut piece)?;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_crypto::Ed25519Secret;
    use session_crypto::attachment::Kind;
    use session_types::http::Response;

    fn key(content: &[u8]) -> FileKey {
        FileKey::derive(
            &Ed25519Secret::from_seed(&[1; 32]),
            Kind::Attachment,
            content,
        )
    }

    #[test]
    fn a_file_goes_through_in_pieces_as_it_does_whole() {
        for length in [0_usize, 1, 32_767, 32_768, 100_001] {
            let content: Vec<u8> = (0..length)
                .map(|at| u8::try_from(at % 251).unwrap())
                .collect();
            let key = key(&content);
            let mut upload = Upload::new(&key, length as u64).unwrap();
            for piece in content.chunks(10_007) {
                upload.update(piece).unwrap();
            }
            let capacity = upload.body.capacity();
            let request = upload.finish(None).unwrap();
            // Allocated once, for the whole.
            assert_eq!(request.body.capacity(), capacity);
            let whole = session_crypto::attachment::encrypt(&key, &content).unwrap();
            assert_eq!(request.body, whole);
            let reply = Response::new(200, "application/octet-stream", request.body);
            let download = Download::from_reply(reply).unwrap();
            let mut back = Vec::new();
            let read = download.decrypt::<()>(&key.key, |piece| {
                assert!(piece.len() <= 2 * CHUNK_LENGTH);
                back.extend_from_slice(piece);
                Ok(())
            });
            assert_eq!(read, Ok(length as u64));
            assert_eq!(back, content);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let key = key(b"content");
        assert!(Upload::new(&key, 10_000_001).is_err());
        let mut upload = Upload::new(&key, 3).unwrap();
        assert!(upload.update(b"four").is_err());
        let upload = Upload::new(&key, 3).unwrap();
        assert!(matches!(upload.finish(None), Err(UploadError::Content(_))));
        let mut upload = Upload::new(&key, 7).unwrap();
        upload.update(b"content").unwrap();
        let body = upload.finish(None).unwrap().body;
        let download = |body: Vec<u8>| Download {
            content: body,
            expires: None,
        };
        let other = Key::from_bytes([9; 32]);
        let take = |_: &[u8]| Ok::<(), u8>(());
        assert_eq!(
            download(body.clone()).decrypt(&other, take),
            Err(DownloadError::Decrypt)
        );
        let cut = body[..body.len() - 1].to_vec();
        assert_eq!(
            download(cut).decrypt(&key.key, take),
            Err(DownloadError::Decrypt)
        );
        let full = download(body).decrypt(&key.key, |_| Err(7));
        assert_eq!(full, Err(DownloadError::Taker(7)));
    }
}
