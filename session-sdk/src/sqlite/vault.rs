//! Encryption of what a file keeps.
//!
//! ```text
//! key of a value = BLAKE2b-32(kind (1) ‖ name, key = the key of the file)
//! value          = nonce (24) ‖ XChaCha20-Poly1305(key of the value, nonce, value)
//! ```
//!
//! Each value has a key of its own, so that one does not pass for another.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use session_crypto::{Blake2b, SymmetricKey, xchacha};
use zeroize::Zeroizing;

use crate::error::StoreError;

/// What a value is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Record,
    Message,
}

/// The key of a file.
pub(super) struct Vault(SymmetricKey);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    pub(super) const fn new(key: SymmetricKey) -> Self {
        Self(key)
    }

    fn key_of(&self, kind: Kind, name: &[u8]) -> SymmetricKey {
        let kind = match kind {
            Kind::Record => b"r",
            Kind::Message => b"m",
        };
        let hash = Blake2b::<32>::keyed(self.0.expose_bytes());
        SymmetricKey::from_bytes(hash.chain(kind).chain(name).finalize())
    }

    pub(super) fn seal(
        &self,
        kind: Kind,
        name: &[u8],
        value: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let key = self.key_of(kind, name);
        let sealed = xchacha::encrypt(&mut UnwrapErr(SysRng), &key, value);
        sealed.map_err(|error| StoreError::Other(Box::new(error)))
    }

    /// `None` if the value was not sealed with this key under this name.
    pub(super) fn open(&self, kind: Kind, name: &[u8], value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        xchacha::decrypt(&self.key_of(kind, name), value).ok()
    }
}
