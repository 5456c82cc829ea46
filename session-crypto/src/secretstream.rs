//! libsodium's secretstream: a sequence of authenticated chunks. Truncation, reordering and
//! repetition are detected.
//!
//! ```text
//! encrypted tag (1) | ciphertext (as long as the message) | Poly1305 tag (16)
//! ```
//!
//! The bytes are those of libsodium, including its padding quirk (protocol: crypto, section 10.4),
//! and not those of the AEAD of RFC 8439: the tag of a chunk is encrypted as its own block at
//! counter 1, the message starts at counter 2, and `length mod 16` zeros follow the message in the
//! authenticated bytes. There is no associated data.
//!
//! Constant-time in key and message; the authentication tag is compared in constant time before
//! anything is decrypted.

use alloc::vec::Vec;
use core::fmt;

use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20::{ChaCha20, R20, hchacha};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::bytes::{length, split_array, split_array_mut};
use crate::error::authentic;
use crate::{DecryptError, EncryptError, SymmetricKey};

/// Length of a key in bytes.
pub const KEY_LENGTH: usize = SymmetricKey::LENGTH;
/// Length in bytes of the header, which precedes the first chunk.
pub const HEADER_LENGTH: usize = 24;
/// Overhead of a chunk in bytes.
pub const OVERHEAD: usize = 17;
/// Length of an authentication tag in bytes.
pub const MAC_LENGTH: usize = 16;
/// Maximum length of the message of a chunk in bytes, well below the limit of the cipher.
pub const MAX_MESSAGE_LENGTH: usize = 0x7fff_ffff;

const BLOCK: usize = 64;

/// The tag of a chunk, which is encrypted and authenticated with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// 0: more chunks follow.
    Message,
    /// 1: the end of a group of chunks.
    Push,
    /// 2: the key changes after this chunk.
    Rekey,
    /// 3: the last chunk.
    Final,
}

impl Tag {
    /// Returns the byte of this tag.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Message => 0,
            Self::Push => 1,
            Self::Rekey => 2,
            Self::Final => 3,
        }
    }

    /// Returns the tag of a byte.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Message),
            1 => Some(Self::Push),
            2 => Some(Self::Rekey),
            3 => Some(Self::Final),
            _ => None,
        }
    }

    const fn changes_key(self) -> bool {
        matches!(self, Self::Rekey | Self::Final)
    }
}

/// One end of a stream, writing or reading. It is zeroized on drop and never printed.
///
/// ```
/// use session_crypto::SymmetricKey;
/// use session_crypto::secretstream::{SecretStream, Tag};
///
/// let (key, header) = (SymmetricKey::from_bytes([1; 32]), [2; 24]);
/// let (mut sender, mut receiver) = (SecretStream::new(&key, &header), SecretStream::new(&key, &header));
/// let mut chunk = *b"the last one";
/// let (tag, mac) = sender.push(Tag::Final, &mut chunk)?;
/// assert_eq!(receiver.pull(tag, &mut chunk, &mac)?, Tag::Final);
/// assert_eq!(&chunk, b"the last one");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SecretStream {
    key: [u8; KEY_LENGTH],
    nonce: [u8; 8],
    counter: u32,
}

impl SecretStream {
    /// Starts a stream. A key and header must never be used for two streams.
    #[must_use]
    pub fn new(key: &SymmetricKey, header: &[u8; HEADER_LENGTH]) -> Self {
        let (input, nonce) = split_array::<HEADER_LENGTH, 16, 8>(header);
        let mut subkey = hchacha::<R20>(key.expose_bytes().into(), input.into());
        let stream = Self {
            key: subkey.into(),
            nonce: *nonce,
            counter: 1,
        };
        subkey.as_mut_slice().zeroize();
        stream
    }

    /// Encrypts one message in place. Returns its encrypted tag, which precedes the ciphertext, and
    /// its authentication tag, which follows it.
    ///
    /// # Errors
    ///
    /// [`EncryptError::TooLong`] if the message exceeds [`MAX_MESSAGE_LENGTH`]. Message and stream
    /// are then unchanged.
    pub fn push(
        &mut self,
        tag: Tag,
        message: &mut [u8],
    ) -> Result<(u8, [u8; MAC_LENGTH]), EncryptError> {
        check_length(message.len())?;
        let mut chunk = Chunk::start(self);
        let encrypted_tag = chunk.encrypt_tag(tag);
        chunk.cipher.apply_keystream(message);
        let mac = chunk.mac(message);
        self.advance(&mac, tag);
        Ok((encrypted_tag, mac))
    }

    /// Authenticates one chunk and decrypts it in place. Returns its tag.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] if the chunk is not the next one of this stream, or its tag is unknown.
    /// Stream and ciphertext are then unchanged.
    pub fn pull(
        &mut self,
        encrypted_tag: u8,
        ciphertext: &mut [u8],
        mac: &[u8; MAC_LENGTH],
    ) -> Result<Tag, DecryptError> {
        let (mut chunk, tag) = self.verify(encrypted_tag, ciphertext, mac)?;
        chunk.cipher.apply_keystream(ciphertext);
        self.advance(mac, tag);
        Ok(tag)
    }

    /// As [`push`](Self::push) of the concatenated parts, but appends encrypted tag, ciphertext and
    /// authentication tag to `out`.
    pub(crate) fn push_to(
        &mut self,
        tag: Tag,
        parts: [&[u8]; 2],
        out: &mut Vec<u8>,
    ) -> Result<(), EncryptError> {
        let [first, second] = parts.map(<[u8]>::len);
        let length = first.saturating_add(second);
        check_length(length)?;
        out.reserve(length.saturating_add(1).saturating_add(MAC_LENGTH));
        let mut chunk = Chunk::start(self);
        out.push(chunk.encrypt_tag(tag));
        let start = out.len();
        for part in parts {
            out.extend_from_slice(part);
        }
        let message = behind(out, start);
        chunk.cipher.apply_keystream(message);
        let mac = chunk.mac(message);
        out.extend_from_slice(&mac);
        self.advance(&mac, tag);
        Ok(())
    }

    /// As [`pull`](Self::pull), but appends the message to `out`.
    pub(crate) fn pull_to(
        &mut self,
        encrypted_tag: u8,
        ciphertext: &[u8],
        mac: &[u8; MAC_LENGTH],
        out: &mut Vec<u8>,
    ) -> Result<Tag, DecryptError> {
        let (mut chunk, tag) = self.verify(encrypted_tag, ciphertext, mac)?;
        let start = out.len();
        out.extend_from_slice(ciphertext);
        chunk.cipher.apply_keystream(behind(out, start));
        self.advance(mac, tag);
        Ok(tag)
    }

    /// Authenticates a chunk. The position of its cipher is the beginning of the message.
    fn verify(
        &self,
        encrypted_tag: u8,
        ciphertext: &[u8],
        mac: &[u8; MAC_LENGTH],
    ) -> Result<(Chunk, Tag), DecryptError> {
        check_length(ciphertext.len()).map_err(|_| DecryptError)?;
        let mut chunk = Chunk::start(self);
        let first = chunk.first_of_block();
        let tag = *first ^ encrypted_tag;
        *first = encrypted_tag;
        authentic(chunk.mac(ciphertext).ct_eq(mac))?;
        let tag = Tag::from_byte(tag).ok_or(DecryptError)?;
        Ok((chunk, tag))
    }

    fn cipher(&self) -> ChaCha20 {
        let mut nonce = [0; 12];
        let (counter, rest) = split_array_mut::<12, 4, 8>(&mut nonce);
        *counter = self.counter.to_le_bytes();
        *rest = self.nonce;
        ChaCha20::new(&self.key.into(), &nonce.into())
    }

    /// Computes the state for the next chunk.
    fn advance(&mut self, mac: &[u8; MAC_LENGTH], tag: Tag) {
        for (nonce, mac) in self.nonce.iter_mut().zip(mac) {
            *nonce ^= mac;
        }
        self.counter = self.counter.wrapping_add(1);
        if tag.changes_key() || self.counter == 0 {
            let mut cipher = self.cipher();
            cipher.apply_keystream(&mut self.key);
            cipher.apply_keystream(&mut self.nonce);
            self.counter = 1;
        }
    }
}

impl fmt::Debug for SecretStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretStream(..)")
    }
}

fn check_length(got: usize) -> Result<(), EncryptError> {
    let max = MAX_MESSAGE_LENGTH;
    if got > max {
        return Err(EncryptError::TooLong { max, got });
    }
    Ok(())
}

/// Returns what was appended to a buffer of the length `start`.
#[expect(
    clippy::expect_used,
    reason = "a buffer that was appended to is not shorter than before"
)]
fn behind(out: &mut [u8], start: usize) -> &mut [u8] {
    out.get_mut(start..).expect("the buffer has grown")
}

/// The cipher and the keys of one chunk.
struct Chunk {
    /// At block 2, where the message begins.
    cipher: ChaCha20,
    mac_key: Zeroizing<[u8; 32]>,
    /// The block of the tag: key stream, with the encrypted tag as its first byte.
    block: Zeroizing<[u8; BLOCK]>,
}

impl Chunk {
    fn start(stream: &SecretStream) -> Self {
        let mut cipher = stream.cipher();
        // Block 0 is the Poly1305 key and 32 unused bytes, block 1 that of the tag.
        let mut first = Zeroizing::new([0; BLOCK]);
        let mut block = Zeroizing::new([0; BLOCK]);
        cipher.apply_keystream(first.as_mut_slice());
        cipher.apply_keystream(block.as_mut_slice());
        let (mac_key, _) = split_array::<BLOCK, 32, 32>(&first);
        Self {
            cipher,
            mac_key: Zeroizing::new(*mac_key),
            block,
        }
    }

    /// Encrypts the tag, and writes it where the authentication tag covers it.
    fn encrypt_tag(&mut self, tag: Tag) -> u8 {
        let first = self.first_of_block();
        *first ^= tag.to_byte();
        *first
    }

    /// Returns the byte of the block that encrypts the tag.
    fn first_of_block(&mut self) -> &mut u8 {
        let [first, ..] = &mut *self.block;
        first
    }

    /// Computes `Poly1305(block || ciphertext || length mod 16 zeros || 0 as u64 || 64 + length as u64)`.
    fn mac(&self, ciphertext: &[u8]) -> [u8; MAC_LENGTH] {
        let mut mac = Poly1305::new((&*self.mac_key).into());
        mac.update_padded(self.block.as_slice());
        let (blocks, rest) = ciphertext.as_chunks::<16>();
        mac.update_padded(blocks.as_flattened());

        // At most 15 bytes of ciphertext, as many zeros, and 16 bytes of lengths.
        let mut tail = Vec::with_capacity(15 + 15 + 16);
        tail.extend_from_slice(rest);
        tail.resize(rest.len().saturating_mul(2).saturating_add(8), 0);
        let total = length(ciphertext.len()).saturating_add(64);
        tail.extend_from_slice(&total.to_le_bytes());
        mac.compute_unpadded(&tail).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the state after a change of key, computed as the specification has it.
    fn rekeyed(key: [u8; 32], nonce: [u8; 8], counter: u32) -> ([u8; 32], [u8; 8]) {
        let full: [u8; 12] = core::array::from_fn(|index| {
            let head = counter.to_le_bytes();
            *head.iter().chain(&nonce).nth(index).unwrap()
        });
        let mut stream = [0; 40];
        ChaCha20::new(&key.into(), &full.into()).apply_keystream(&mut stream);
        let new_key = core::array::from_fn(|index| key[index] ^ stream[index]);
        let new_nonce = core::array::from_fn(|index| nonce[index] ^ stream[32 + index]);
        (new_key, new_nonce)
    }

    fn check(tag: Tag, counter: u32, changes: bool) {
        let mut stream = SecretStream::new(&SymmetricKey::from_bytes([1; 32]), &[2; 24]);
        stream.counter = counter;
        let (key, nonce) = (stream.key, stream.nonce);
        let (_, mac) = stream.push(tag, &mut [0; 20]).unwrap();
        let nonce = core::array::from_fn(|index| nonce[index] ^ mac[index]);
        let next = counter.wrapping_add(1);
        if changes {
            let (key, nonce) = rekeyed(key, nonce, next);
            assert_eq!((stream.key, stream.nonce, stream.counter), (key, nonce, 1));
        } else {
            assert_eq!(
                (stream.key, stream.nonce, stream.counter),
                (key, nonce, next)
            );
        }
    }

    #[test]
    fn the_key_changes_behind_rekey_and_final_chunks_and_where_the_counter_ends() {
        check(Tag::Message, 1, false);
        check(Tag::Push, 7, false);
        check(Tag::Rekey, 7, true);
        check(Tag::Final, 7, true);
        check(Tag::Message, u32::MAX - 1, false);
        check(Tag::Message, u32::MAX, true);
    }
}
