//! BLAKE2b with digest length, key and personalisation checked at compile time.
//!
//! The digest length is a parameter of the hash: a 32-byte digest is not a prefix of a 64-byte one.
//! Key and personalisation are parameters too, not parts of the message. Every hash that the
//! specification writes as `B2(n, key=…, pers=…; data)` is one call of this module.

use blake2::Blake2bVarCore;
use blake2::digest::Output;
use blake2::digest::block_api::{Buffer, UpdateCore, VariableOutputCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Maximum length of a key in bytes.
pub const MAX_KEY_LENGTH: usize = 64;
/// Maximum length of a digest in bytes.
pub const MAX_DIGEST_LENGTH: usize = 64;

/// A BLAKE2b hash with a digest of `N` bytes, `N` in `1..=64`.
///
/// The state is zeroized on drop.
///
/// ```
/// use session_crypto::blake2b::Blake2b;
///
/// let digest = Blake2b::<32>::keyed(b"TestKey").chain(b"Test").chain(b"Message").finalize();
/// assert_eq!(digest[..4], [0x3d, 0x64, 0x3e, 0x47]);
/// ```
pub struct Blake2b<const N: usize> {
    core: Blake2bVarCore,
    buffer: Buffer<Blake2bVarCore>,
}

/// Length of a block in bytes. BLAKE2b hashes a key as one block, padded with zeros.
const BLOCK: usize = 128;

impl<const N: usize> Blake2b<N> {
    fn start(key: &[u8], personal: &[u8]) -> Self {
        const {
            assert!(
                N >= 1 && N <= MAX_DIGEST_LENGTH,
                "BLAKE2b digests have 1 to 64 bytes"
            )
        };
        Self::with_parameters(N, key, personal)
    }

    /// The callers bound all lengths; the library asserts them once more.
    #[expect(
        clippy::expect_used,
        reason = "the library asserts that keys have at most 64 bytes"
    )]
    fn with_parameters(length: usize, key: &[u8], personal: &[u8]) -> Self {
        let core = Blake2bVarCore::new_with_params(&[], personal, key.len(), length);
        let mut hash = Self {
            core,
            buffer: Buffer::<Blake2bVarCore>::default(),
        };
        if !key.is_empty() {
            hash.update(key);
            static ZEROS: [u8; BLOCK] = [0; BLOCK];
            hash.update(
                ZEROS
                    .get(key.len()..)
                    .expect("a key is shorter than a block"),
            );
        }
        hash
    }

    /// Starts a hash without key and personalisation.
    #[must_use]
    pub fn new() -> Self {
        Self::start(&[], &[])
    }

    /// Starts a hash with a key of `K` bytes, `K` in `1..=64`.
    #[must_use]
    pub fn keyed<const K: usize>(key: &[u8; K]) -> Self {
        const {
            assert!(
                K >= 1 && K <= MAX_KEY_LENGTH,
                "BLAKE2b keys have 1 to 64 bytes"
            )
        };
        Self::start(key, &[])
    }

    /// Starts a hash with the first 64 bytes of `key`. An empty key means no key.
    ///
    /// For keys whose length is known at run time only. If a longer key is an error, check it first.
    #[must_use]
    pub fn keyed_prefix(key: &[u8]) -> Self {
        Self::start(key.get(..MAX_KEY_LENGTH).unwrap_or(key), &[])
    }

    /// Starts a hash with a 16-byte personalisation.
    #[must_use]
    pub fn personal(personal: &[u8; 16]) -> Self {
        Self::start(&[], personal)
    }

    /// Starts a hash with a key of `K` bytes, `K` in `1..=64`, and a 16-byte personalisation.
    #[must_use]
    pub fn keyed_personal<const K: usize>(key: &[u8; K], personal: &[u8; 16]) -> Self {
        const {
            assert!(
                K >= 1 && K <= MAX_KEY_LENGTH,
                "BLAKE2b keys have 1 to 64 bytes"
            )
        };
        Self::start(key, personal)
    }

    /// Starts a hash with a 16-byte salt.
    #[must_use]
    pub fn salted(salt: &[u8; 16]) -> Self {
        const {
            assert!(
                N >= 1 && N <= MAX_DIGEST_LENGTH,
                "BLAKE2b digests have 1 to 64 bytes"
            )
        };
        Self {
            core: Blake2bVarCore::new_with_params(salt, &[], 0, N),
            buffer: Buffer::<Blake2bVarCore>::default(),
        }
    }

    /// Adds bytes to the message.
    pub fn update(&mut self, data: &[u8]) {
        let Self { core, buffer } = self;
        buffer.digest_blocks(data, |blocks| core.update_blocks(blocks));
    }

    /// Adds bytes to the message and returns the hash.
    #[must_use]
    pub fn chain(mut self, data: &[u8]) -> Self {
        self.update(data);
        self
    }

    /// Ends the message and returns its digest.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "checked at compile time: N is at most 64"
    )]
    pub fn finalize(mut self) -> [u8; N] {
        let mut full = Output::<Blake2bVarCore>::default();
        self.core
            .finalize_variable_core(&mut self.buffer, &mut full);
        let digest = *full.first_chunk().expect("N of 64 bytes");
        full.as_mut_slice().zeroize();
        digest
    }
}

impl Blake2b<MAX_DIGEST_LENGTH> {
    /// Starts a hash whose digest is the first `length` bytes of the output, `length` in `1..=64`,
    /// with a key of at most 64 bytes.
    pub(crate) fn sized(length: usize, key: &[u8]) -> Self {
        Self::with_parameters(length, key, &[])
    }
}

impl<const N: usize> Default for Blake2b<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> core::fmt::Debug for Blake2b<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Blake2b").finish_non_exhaustive()
    }
}

// The core and its buffer zeroize themselves.
impl<const N: usize> ZeroizeOnDrop for Blake2b<N> {}
