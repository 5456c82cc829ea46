//! Decryption of a file in pieces.

use alloc::vec::Vec;
use core::fmt;

use super::{CHUNK_LENGTH, CHUNK_OVERHEAD, HEAD_LENGTH, Key, MAGIC};
use crate::DecryptError;
use crate::bytes::{split_first, split_last};
use crate::secretstream::{MAC_LENGTH, SecretStream, Tag};

/// Length of a full chunk in the file.
const SEALED_CHUNK: usize = CHUNK_LENGTH + CHUNK_OVERHEAD;

/// Decrypts a file in pieces of any length.
///
/// Every function appends authenticated content to `out`. Between two calls less than one chunk is
/// kept. **The content is complete only when [`finish`](Self::finish) succeeds**: show nothing before,
/// and delete the output if any call fails. After a failure every further call fails.
///
/// Constant-time in the key and in the comparison of tags. The time reveals the end of the padding, but
/// only after it is authenticated.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::attachment::{Decryptor, FileKey, encrypt};
///
/// let file_key = FileKey::generate(rng);
/// let file = encrypt(&file_key, &[b'x'; 100_000])?;
/// let (mut decryptor, mut content) = (Decryptor::new(&file_key.key), Vec::new());
/// for piece in file.chunks(5_000) {
///     decryptor.update(piece, &mut content)?;
/// }
/// decryptor.finish(&mut content)?;
/// assert_eq!(content.len(), 100_000);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Decryptor {
    key: Key,
    state: State,
    /// The beginning of the next part of the file: its head, or a chunk.
    kept: Vec<u8>,
    in_padding: bool,
}

enum State {
    Head,
    Chunks(SecretStream),
    /// The final chunk was decrypted.
    Ended,
    Failed,
}

impl Decryptor {
    /// Starts a file.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self {
            key: Key::from_bytes(*key.expose_bytes()),
            state: State::Head,
            kept: Vec::new(),
            in_padding: true,
        }
    }

    /// Decrypts the next bytes of the file.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the file is malformed or fails authentication. `out` is then unchanged.
    pub fn update(&mut self, file: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        self.guarded(out, |decryptor, out| decryptor.read(file, out))
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the file is truncated. `out` is then unchanged.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), DecryptError> {
        self.guarded(out, |decryptor, out| {
            if !decryptor.kept.is_empty() {
                let chunk = core::mem::take(&mut decryptor.kept);
                decryptor.read_chunk(&chunk, out)?;
            }
            match decryptor.state {
                State::Ended if !decryptor.in_padding => Ok(()),
                _ => Err(DecryptError),
            }
        })
    }

    /// Removes the output of a failed step, and lets all further steps fail.
    fn guarded(
        &mut self,
        out: &mut Vec<u8>,
        step: impl FnOnce(&mut Self, &mut Vec<u8>) -> Result<(), DecryptError>,
    ) -> Result<(), DecryptError> {
        let length = out.len();
        step(self, out).inspect_err(|_| {
            out.truncate(length);
            self.state = State::Failed;
        })
    }

    fn read(&mut self, mut file: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        if matches!(self.state, State::Failed) {
            return Err(DecryptError);
        }
        while !file.is_empty() {
            let whole = match self.state {
                State::Head => HEAD_LENGTH,
                State::Chunks(_) => SEALED_CHUNK,
                State::Ended | State::Failed => return Err(DecryptError),
            };
            let Some((now, rest)) = file.split_at_checked(whole.saturating_sub(self.kept.len()))
            else {
                self.kept.extend_from_slice(file);
                return Ok(());
            };
            file = rest;
            if self.kept.is_empty() {
                self.read_part(now, out)?;
            } else {
                self.kept.extend_from_slice(now);
                let part = core::mem::take(&mut self.kept);
                self.read_part(&part, out)?;
                self.kept = part;
                self.kept.clear();
            }
        }
        Ok(())
    }

    fn read_part(&mut self, part: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        if !matches!(self.state, State::Head) {
            return self.read_chunk(part, out);
        }
        let (&[magic], header) = split_first::<1>(part).ok_or(DecryptError)?;
        if magic != MAGIC {
            return Err(DecryptError);
        }
        let header = header.try_into().map_err(|_| DecryptError)?;
        self.state = State::Chunks(self.key.stream(header));
        Ok(())
    }

    fn read_chunk(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), DecryptError> {
        let State::Chunks(stream) = &mut self.state else {
            return Err(DecryptError);
        };
        let (&[tag], rest) = split_first::<1>(chunk).ok_or(DecryptError)?;
        let (ciphertext, mac) = split_last::<MAC_LENGTH>(rest).ok_or(DecryptError)?;
        if ciphertext.is_empty() {
            return Err(DecryptError);
        }
        let start = out.len();
        match stream.pull_to(tag, ciphertext, mac, out)? {
            Tag::Message => {}
            Tag::Final => self.state = State::Ended,
            Tag::Push | Tag::Rekey => return Err(DecryptError),
        }
        if self.in_padding {
            self.remove_padding(out, start)?;
        }
        Ok(())
    }

    /// Removes zeros and the 0x01 behind them from the output since `start`.
    fn remove_padding(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), DecryptError> {
        let plain = out.get(start..).ok_or(DecryptError)?;
        let zeros = plain.iter().take_while(|byte| **byte == 0).count();
        match plain.get(zeros) {
            None => out.truncate(start),
            Some(0x01) => {
                self.in_padding = false;
                let content = start.saturating_add(zeros).saturating_add(1);
                out.drain(start..content);
            }
            Some(_) => return Err(DecryptError),
        }
        Ok(())
    }
}

impl fmt::Debug for Decryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decryptor(..)")
    }
}
