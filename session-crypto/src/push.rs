//! Payloads of push notifications, encrypted with the key that a device registered for them.
//!
//! The form is that of [`crate::xchacha`], padded with zeros behind the content (protocol: crypto,
//! section 8).
//!
//! ```text
//! nonce (24) | content, zeros: encrypted | tag (16)
//! ```

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::bytes::without_trailing_zeros;
use crate::{DecryptError, xchacha};

/// Decrypts a payload and removes its trailing zeros.
///
/// A payload of nothing but zeros is returned as it is, an empty one as an empty content. Only
/// somebody who knows the device's key can have made the payload; nothing says who. Parse one value
/// of the content rather than rely on where it ends.
///
/// # Errors
///
/// [`DecryptError`] for whatever is wrong.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{push, xchacha};
///
/// let key = [7; 32];
/// // The push server pads with zeros.
/// let payload = xchacha::encrypt(rng, &key, b"l2:{}e\0\0\0")?;
/// assert_eq!(push::decrypt(&key, &payload)?.as_slice(), b"l2:{}e");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn decrypt(
    key: &[u8; xchacha::KEY_LENGTH],
    payload: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut content = xchacha::decrypt(key, payload)?;
    let length = without_trailing_zeros(&content).len();
    if length > 0 {
        content.truncate(length);
    }
    Ok(content)
}
