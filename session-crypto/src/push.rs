//! Payloads of push notifications, encrypted with the key that a device registered for them.
//!
//! The form is that of [`crate::xchacha`], with zeros behind the content (protocol: crypto, section 8).
//!
//! ```text
//! nonce (24) | content, zeros: encrypted | tag (16)
//! ```

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::bytes::without_trailing_zeros;
use crate::{DecryptError, SymmetricKey, xchacha};

/// Decrypts a payload and removes its trailing zeros.
///
/// A payload that consists of zeros is returned unchanged, an empty one as an empty content. Only a
/// holder of the device's key can have made the payload; it does not say who. Parse one value of the
/// content rather than rely on its end.
///
/// # Errors
///
/// [`DecryptError`] if the payload is malformed or fails authentication.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{SymmetricKey, push, xchacha};
///
/// let key = SymmetricKey::generate(rng);
/// // The push server pads with zeros.
/// let payload = xchacha::encrypt(rng, &key, b"l2:{}e\0\0\0")?;
/// assert_eq!(push::decrypt(&key, &payload)?.as_slice(), b"l2:{}e");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn decrypt(key: &SymmetricKey, payload: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut content = xchacha::decrypt(key, payload)?;
    let length = without_trailing_zeros(&content).len();
    if length > 0 {
        content.truncate(length);
    }
    Ok(content)
}
