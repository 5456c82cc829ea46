//! Attachments as encrypted files on disk, in pieces: no file is ever held as a whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_crypto::Ed25519Secret;
use session_crypto::attachment::{
    CHUNK_LENGTH, Decryptor, Encryptor, FileKey, Key, KeyHasher, Kind,
};
use zeroize::Zeroizing;

use crate::durable::Draft;
use crate::error::ClientError;

/// A file that was encrypted.
#[derive(Debug)]
pub struct Encrypted {
    /// What the recipients need.
    pub key: Key,
    /// Bytes of the content.
    pub size: u64,
    /// Bytes of the encrypted file.
    pub file_size: u64,
}

/// Encrypts a file. With a sender, the same file twice gives the same key and the same encrypted
/// file, as Session does it; without one, nobody can tell.
///
/// # Errors
///
/// [`ClientError`] if a file cannot be read or written, is too long, or changes meanwhile. No
/// output is left then.
pub fn encrypt(
    input: &Path,
    output: &Path,
    sender: Option<&Ed25519Secret>,
) -> Result<Encrypted, ClientError> {
    let (mut content, size) = open(input)?;
    let file_key = match sender {
        None => FileKey::generate(&mut UnwrapErr(SysRng)),
        Some(sender) => {
            let mut hasher = KeyHasher::new(sender, Kind::Attachment);
            each_piece(input, &mut content, |piece| {
                hasher.update(piece);
                Ok(())
            })?;
            content = open(input)?.0;
            hasher.finalize()
        }
    };
    let unusable = |reason| ClientError::Size {
        path: input.to_owned(),
        reason,
    };
    let mut file = Unfinished::new(output)?;
    let mut sealed = Vec::new();
    let mut check = sender.map(|sender| KeyHasher::new(sender, Kind::Attachment));
    let mut encryptor = Encryptor::new(&file_key, size, &mut sealed).map_err(unusable)?;
    each_piece(input, &mut content, |piece| {
        encryptor.update(piece, &mut sealed).map_err(unusable)?;
        if let Some(check) = &mut check {
            check.update(piece);
        }
        file.write(&mut sealed)
    })?;
    encryptor.finish().map_err(unusable)?;
    file.write(&mut sealed)?;
    // A key is for one content: what was encrypted must be what the key was made of.
    if let Some(check) = check
        && check.finalize().header != file_key.header
    {
        return Err(read_failed(input, io::Error::other("it is being changed")));
    }
    let file_size = file.finish()?;
    Ok(Encrypted {
        key: file_key.key,
        size,
        file_size,
    })
}

/// Decrypts a file and gives the length of its content in bytes.
///
/// # Errors
///
/// [`ClientError`] if a file cannot be read or written, or is not what the key belongs to. No
/// output is left then.
pub fn decrypt(input: &Path, output: &Path, key: &Key) -> Result<u64, ClientError> {
    let (mut sealed, _) = open(input)?;
    let unusable = |_| ClientError::Decrypt {
        path: input.to_owned(),
    };
    let mut file = Unfinished::new(output)?;
    let mut content = Zeroizing::new(Vec::new());
    let mut decryptor = Decryptor::new(key);
    each_piece(input, &mut sealed, |piece| {
        decryptor.update(piece, &mut content).map_err(unusable)?;
        file.write(&mut content)
    })?;
    decryptor.finish(&mut content).map_err(unusable)?;
    file.write(&mut content)?;
    file.finish()
}

fn read_failed(path: &Path, reason: io::Error) -> ClientError {
    ClientError::File {
        what: "cannot read",
        path: path.to_owned(),
        reason,
    }
}

/// Opens a file to be read, with its length.
fn open(path: &Path) -> Result<(File, u64), ClientError> {
    let failed = |reason| read_failed(path, reason);
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(failed(io::Error::other("it is not a file")));
    }
    Ok((file, about.len()))
}

fn each_piece(
    path: &Path,
    file: &mut File,
    mut take: impl FnMut(&[u8]) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    let mut piece = Zeroizing::new(vec![0; CHUNK_LENGTH]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&piece[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read_failed(path, error)),
        }
    }
}

/// The output, which gets its name when it is whole.
struct Unfinished {
    draft: Draft,
    then: PathBuf,
    length: u64,
}

impl Unfinished {
    fn new(then: &Path) -> Result<Self, ClientError> {
        // Before anything is encrypted for it; whether the name is free is checked again at the end.
        if fs::symlink_metadata(then).is_ok() {
            return Err(write_failed(then, io::ErrorKind::AlreadyExists.into()));
        }
        Ok(Self {
            draft: Draft::beside(then).map_err(|reason| write_failed(then, reason))?,
            then: then.to_owned(),
            length: 0,
        })
    }

    /// Writes what is there, and makes room for more.
    fn write(&mut self, bytes: &mut Vec<u8>) -> Result<(), ClientError> {
        let written = self.draft.write_all(bytes);
        written.map_err(|reason| write_failed(&self.then, reason))?;
        self.length += bytes.len() as u64;
        bytes.clear();
        Ok(())
    }

    fn finish(self) -> Result<u64, ClientError> {
        let published = self.draft.publish();
        published.map_err(|reason| write_failed(&self.then, reason))?;
        Ok(self.length)
    }
}

fn write_failed(path: &Path, reason: io::Error) -> ClientError {
    ClientError::File {
        what: "cannot write",
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use session_crypto::attachment::MAX_CONTENT_SIZE;
    use std::ffi::OsString;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, content: &[u8]) -> PathBuf {
            let path = self.path(name);
            fs::write(&path, content).unwrap();
            path
        }

        fn names(&self) -> Vec<OsString> {
            let entries = fs::read_dir(self.0.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        }
    }

    fn copy(key: &Key) -> Key {
        Key::from_bytes(*key.expose_bytes())
    }

    #[test]
    fn what_is_encrypted_is_decrypted() {
        let folder = Folder::new();
        let sender = Ed25519Secret::from_seed(&[5; 32]);
        for length in [0, 1, CHUNK_LENGTH - 1, CHUNK_LENGTH, 3 * CHUNK_LENGTH + 7] {
            let content: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let plain = folder.write("plain", &content);
            for (index, sender) in [None, Some(&sender)].into_iter().enumerate() {
                let sealed = folder.path(&format!("sealed-{length}-{index}"));
                let back = folder.path(&format!("back-{length}-{index}"));
                let made = encrypt(&plain, &sealed, sender).unwrap();
                assert_eq!(made.size, length as u64);
                assert_eq!(made.file_size, fs::metadata(&sealed).unwrap().len());
                // The same as in memory.
                let file = fs::read(&sealed).unwrap();
                let whole = session_crypto::attachment::decrypt(&made.key, &file).unwrap();
                assert_eq!(*whole, content);
                assert_eq!(decrypt(&sealed, &back, &made.key).unwrap(), length as u64);
                assert_eq!(fs::read(&back).unwrap(), content);
            }
        }
    }

    #[test]
    fn a_sender_encrypts_the_same_file_to_the_same_bytes() {
        let folder = Folder::new();
        let plain = folder.write("plain", b"content");
        let encrypted = |name: &str, sender: Option<&Ed25519Secret>| {
            let path = folder.path(name);
            let made = encrypt(&plain, &path, sender).unwrap();
            (*made.key.expose_bytes(), fs::read(path).unwrap())
        };
        let (one, other) = (
            Ed25519Secret::from_seed(&[1; 32]),
            Ed25519Secret::from_seed(&[2; 32]),
        );
        assert_eq!(encrypted("a", Some(&one)), encrypted("b", Some(&one)));
        assert_ne!(encrypted("c", Some(&one)), encrypted("d", Some(&other)));
        assert_ne!(encrypted("e", None), encrypted("f", None));
    }

    #[test]
    fn what_fails_leaves_no_output() {
        let folder = Folder::new();
        let plain = folder.write("plain", &[7; 100_000]);
        let made = encrypt(&plain, &folder.path("sealed"), None).unwrap();
        let good = fs::read(folder.path("sealed")).unwrap();
        let mut changed = good.clone();
        *changed.last_mut().unwrap() ^= 1;
        let cut = &good[..good.len() - 40_000];
        let longer = [good.as_slice(), b"x"].concat();
        let wrong = Key::from_bytes([9; 32]);
        for (content, key) in [
            (changed.as_slice(), copy(&made.key)),
            (cut, copy(&made.key)),
            (&longer, copy(&made.key)),
            (&good, wrong),
            (b"", copy(&made.key)),
        ] {
            let bad = folder.write("bad", content);
            let error = decrypt(&bad, &folder.path("out"), &key).unwrap_err();
            assert!(matches!(error, ClientError::Decrypt { .. }), "{error}");
            assert_eq!(folder.names(), ["bad", "plain", "sealed"]);
        }
        let large = folder.path("large");
        File::create(&large)
            .and_then(|file| file.set_len(MAX_CONTENT_SIZE + 1))
            .unwrap();
        let error = encrypt(&large, &folder.path("out"), None).unwrap_err();
        assert!(matches!(error, ClientError::Size { .. }), "{error}");
        let error = encrypt(folder.0.path(), &folder.path("out"), None).unwrap_err();
        assert!(matches!(error, ClientError::File { .. }), "{error}");
        assert_eq!(folder.names(), ["bad", "large", "plain", "sealed"]);
    }

    #[test]
    fn no_file_is_replaced() {
        let folder = Folder::new();
        let plain = folder.write("plain", b"new");
        let there = folder.write("there", b"old");
        let error = encrypt(&plain, &there, None).unwrap_err();
        assert!(error.to_string().contains("exists"), "{error}");
        assert_eq!(fs::read(&there).unwrap(), b"old");
        assert_eq!(folder.names(), ["plain", "there"]);
    }
}
