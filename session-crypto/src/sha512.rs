//! SHA-512 of secrets.

use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// Hashes the concatenated parts. The digest is zeroized on drop.
pub(crate) fn sha512<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Zeroizing<[u8; 64]> {
    let mut hash = Sha512::new();
    for part in parts {
        hash.update(part);
    }
    let mut digest = hash.finalize();
    let out = Zeroizing::new(digest.into());
    digest.as_mut_slice().zeroize();
    out
}
