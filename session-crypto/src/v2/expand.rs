//! SHAKE256 and SHA3-256 as version 2 uses them.

use sha3::{Digest, Sha3_256};
use shake::{ExtendableOutput, Shake256, Update, XofReader};
use zeroize::Zeroizing;

use crate::SymmetricKey;
use crate::xchacha::NONCE_LENGTH;

/// Expands a secret: `SHAKE256(domain || secret)`, split into `A` and `B` bytes.
pub(super) fn expand<const A: usize, const B: usize>(
    domain: &[u8],
    secret: &[u8; 32],
) -> (Zeroizing<[u8; A]>, Zeroizing<[u8; B]>) {
    let mut hash = Shake256::default();
    hash.update(domain);
    hash.update(secret);
    let mut reader = hash.finalize_xof();
    let (mut first, mut second) = (Zeroizing::new([0; A]), Zeroizing::new([0; B]));
    reader.read(first.as_mut_slice());
    reader.read(second.as_mut_slice());
    (first, second)
}

/// Returns the key and the nonce of a message.
pub(super) fn key_and_nonce(
    domain: &[u8],
    shared: &[u8; 32],
) -> (SymmetricKey, Zeroizing<[u8; NONCE_LENGTH]>) {
    let (key, nonce) = expand::<32, NONCE_LENGTH>(domain, shared);
    (SymmetricKey::from_bytes(*key), nonce)
}

/// Computes SHA3-256 over the concatenation of `parts`.
pub(super) fn sha3(parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut hash = Sha3_256::new();
    for part in parts {
        Digest::update(&mut hash, part);
    }
    let mut digest = Zeroizing::new([0; 32]);
    hash.finalize_into((&mut *digest).into());
    digest
}
