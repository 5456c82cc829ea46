//! Attachments and profile pictures: a padded stream of authenticated chunks.
//!
//! ```text
//! 0x53 | header (24) | chunks of 17 + 32768 bytes, the last one shorter
//! ```
//!
//! The chunks are one [`secretstream`] of: zeros, 0x01, the content. The zeros hide the exact
//! length. Key and header are a hash of the content and the sender's seed, so that sending a
//! content twice yields the same file (protocol: crypto, section 10).
//!
//! [`encrypt`] and [`decrypt`] process whole files in memory; [`Encryptor`] and [`Decryptor`]
//! process pieces of any length and never hold more than one chunk. [`legacy`] is the older form of
//! attachments, [`picture`] that of profile pictures; clients must still read both.

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::bytes::{length, split_array};
use crate::secretstream::{self, HEADER_LENGTH, KEY_LENGTH, SecretStream};
use crate::{Blake2b, DecryptError, Ed25519Secret, SymmetricKey};

mod decrypt;
mod encrypt;
pub mod legacy;
pub mod picture;
mod size;

pub use decrypt::Decryptor;
pub use encrypt::{Encryptor, SizeError};
pub use size::{MAX_CONTENT_SIZE, Sizes, max_content_size, sizes};

/// Length in bytes of the plain stream in a full chunk.
pub const CHUNK_LENGTH: usize = 32768;
/// Overhead of a chunk in bytes.
pub const CHUNK_OVERHEAD: usize = secretstream::OVERHEAD;
/// The first byte of a file.
pub const MAGIC: u8 = 0x53;
/// Length in bytes of the head in front of the first chunk.
pub const HEAD_LENGTH: usize = 1 + HEADER_LENGTH;

/// The kind of a file. Files of different kinds have different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An attachment of a message.
    Attachment,
    /// A profile picture.
    ProfilePicture,
}

impl Kind {
    const fn personalisation(self) -> &'static [u8; 16] {
        match self {
            Self::Attachment => b"SessionAttachmnt",
            Self::ProfilePicture => b"Session_Prof_Pic",
        }
    }

    const fn earlier_key(self) -> [u8; 1] {
        match self {
            Self::Attachment => [0x00],
            Self::ProfilePicture => [0x01],
        }
    }
}

/// The key of one file, which its recipients need. It is zeroized on drop and never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Key(SymmetricKey);

impl Key {
    /// Length in bytes.
    pub const LENGTH: usize = KEY_LENGTH;

    /// Wraps the bytes of a key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(SymmetricKey::from_bytes(bytes))
    }

    /// Returns the secret bytes, for the message to the recipients.
    #[must_use]
    pub const fn expose_bytes(&self) -> &[u8; KEY_LENGTH] {
        self.0.expose_bytes()
    }

    /// Starts the stream of a file with this key.
    fn stream(&self, header: &[u8; HEADER_LENGTH]) -> SecretStream {
        SecretStream::new(&self.0, header)
    }
}

impl TryFrom<&[u8]> for Key {
    type Error = crate::KeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        SymmetricKey::try_from(bytes).map(Self)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Key and header of a new file. Each pair is for one content only.
#[derive(Debug)]
pub struct FileKey {
    /// The key.
    pub key: Key,
    /// The header at the beginning of the file.
    pub header: [u8; HEADER_LENGTH],
}

impl FileKey {
    /// Derives key and header from the sender's seed and the whole content.
    #[must_use]
    pub fn derive(sender: &Ed25519Secret, kind: Kind, content: &[u8]) -> Self {
        KeyHasher::new(sender, kind).chain(content).finalize()
    }

    /// Draws a random key and header. Two files then do not reveal that they have the same content.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = Zeroizing::new([0; HEADER_LENGTH + KEY_LENGTH]);
        rng.fill_bytes(bytes.as_mut_slice());
        Self::from_bytes(&bytes)
    }

    /// Splits 56 bytes into header and key.
    fn from_bytes(bytes: &[u8; HEADER_LENGTH + KEY_LENGTH]) -> Self {
        let (header, key) =
            split_array::<{ HEADER_LENGTH + KEY_LENGTH }, HEADER_LENGTH, KEY_LENGTH>(bytes);
        Self {
            key: Key::from_bytes(*key),
            header: *header,
        }
    }
}

/// Derives key and header from a content in pieces (protocol: crypto, section 10.2).
///
/// The content must be read twice: here, and again to encrypt it.
#[derive(Debug)]
pub struct KeyHasher(Blake2b<{ HEADER_LENGTH + KEY_LENGTH }>);

impl KeyHasher {
    /// Starts the derivation of the newest clients.
    #[must_use]
    pub fn new(sender: &Ed25519Secret, kind: Kind) -> Self {
        Self(Blake2b::keyed_personal(
            sender.expose_seed(),
            kind.personalisation(),
        ))
    }

    /// Starts the derivation of earlier releases, which yields the same file as theirs.
    ///
    /// Receivers read both.
    #[must_use]
    pub fn earlier(sender: &Ed25519Secret, kind: Kind) -> Self {
        Self(Blake2b::keyed(&kind.earlier_key()).chain(sender.expose_seed()))
    }

    /// Adds bytes to the content.
    pub fn update(&mut self, content: &[u8]) {
        self.0.update(content);
    }

    /// Adds bytes to the content and returns the hasher.
    #[must_use]
    pub fn chain(mut self, content: &[u8]) -> Self {
        self.update(content);
        self
    }

    /// Ends the content.
    #[must_use]
    pub fn finalize(self) -> FileKey {
        FileKey::from_bytes(&Zeroizing::new(self.0.finalize()))
    }
}

/// Encrypts a whole content, as [`Encryptor`].
///
/// The example program `attachment` of this crate encrypts files in pieces.
///
/// # Errors
///
/// [`SizeError::TooLarge`] if it exceeds [`MAX_CONTENT_SIZE`].
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::attachment::{self, FileKey, Kind};
/// use session_crypto::Ed25519Secret;
///
/// let sender = Ed25519Secret::generate(rng);
/// let file_key = FileKey::derive(&sender, Kind::Attachment, b"content");
/// let file = attachment::encrypt(&file_key, b"content")?;
/// assert_eq!(file.len(), 4096);
/// // The key goes to the recipients, in the message.
/// assert_eq!(attachment::decrypt(&file_key.key, &file)?.as_slice(), b"content");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn encrypt(file_key: &FileKey, content: &[u8]) -> Result<Vec<u8>, SizeError> {
    let size = length(content.len());
    let mut file = Vec::new();
    if let Some(Sizes { file: length, .. }) = sizes(size)
        && size <= MAX_CONTENT_SIZE
        && let Ok(length) = usize::try_from(length)
    {
        file.reserve_exact(length);
    }
    let mut encryptor = Encryptor::new(file_key, size, &mut file)?;
    encryptor.update(content, &mut file)?;
    encryptor.finish()?;
    Ok(file)
}

/// Decrypts a whole file, as [`Decryptor`]. The content is zeroized on drop.
///
/// # Errors
///
/// [`DecryptError`] if the file is malformed, fails authentication, is truncated, or is followed by
/// more bytes.
pub fn decrypt(key: &Key, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    // Includes the padding, which is decrypted in place before it is removed.
    let mut content = Zeroizing::new(Vec::with_capacity(file.len()));
    let mut decryptor = Decryptor::new(key);
    decryptor.update(file, &mut content)?;
    decryptor.finish(&mut content)?;
    Ok(content)
}
