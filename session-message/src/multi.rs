//! Messages for many recipients, in the self-contained form.
//!
//! ```text
//! dict      #   nonce, 24 bytes
//!           e   list of ciphertexts, one for each recipient, then junk
//! ```
//!
//! Every recipient tries all ciphertexts. The message does not name its sender and is not signed: the
//! recipient must already know the sender's key. Protocol: crypto, section 6.3.

use alloc::vec;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use session_crypto::multi::{OVERHEAD, Party};
use session_crypto::{DecryptError, X25519Public};
use session_proto::bt;
use zeroize::Zeroizing;

use crate::error::{OpenError, SealError};

/// Length of a nonce in bytes.
pub const NONCE_LENGTH: usize = 24;

/// Random entries that hide the number of recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Junk {
    /// No random entries.
    #[default]
    None,
    /// Fills the list up to a multiple of this number of entries. A random entry is as long as the
    /// first ciphertext, and cannot be told apart if all messages have the same length.
    Multiple(usize),
    /// Fills the list as the deployed library does: a random entry is 16 bytes shorter, so it can be
    /// told apart. Use it only to reproduce these bytes.
    MultipleAsDeployed(usize),
}

/// Seals one message for all recipients, or one message for each.
///
/// The nonce must be random: it must never be used twice with the same sender and domain.
///
/// # Errors
///
/// [`SealError::Encrypt`] if there are neither one message nor as many as recipients, or if a
/// recipient's key has small order.
///
/// ```
/// # use getrandom::{SysRng, rand_core::{Rng, UnwrapErr}};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::X25519Secret;
/// use session_crypto::multi::Party;
/// use session_message::multi::{self, Junk};
///
/// let [sender, recipient] = [(); 2].map(|()| X25519Secret::generate(rng));
/// let mut nonce = [0; 24];
/// rng.fill_bytes(&mut nonce);
/// let party = Party::new(&sender, b"domain");
/// let data = multi::seal(rng, &party, &nonce, &[recipient.public()], &[b"hello"], Junk::None)?;
/// let opened = multi::open(&Party::new(&recipient, b"domain"), &sender.public(), &data)?;
/// assert_eq!(opened.as_slice(), b"hello");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &Party<'_>,
    nonce: &[u8; NONCE_LENGTH],
    recipients: &[X25519Public],
    messages: &[&[u8]],
    junk: Junk,
) -> Result<Vec<u8>, SealError> {
    let entries = sender.seal_to_all(recipients, nonce, messages)?;
    let first = messages.first().map_or(0, |message| message.len());
    let (multiple, length) = match junk {
        Junk::None => (1, 0),
        Junk::Multiple(multiple) => (multiple, first.saturating_add(OVERHEAD)),
        Junk::MultipleAsDeployed(multiple) => (multiple, first),
    };
    let count = entries.len();
    let padded = count.checked_next_multiple_of(multiple.max(1));
    let junk = padded.unwrap_or(count).saturating_sub(count);
    Ok(bt::dict(|dict| {
        dict.bytes(b"#", nonce);
        dict.list(b"e", |list| {
            for entry in &entries {
                list.bytes(entry);
            }
            let mut entry = vec![0; length];
            for _ in 0..junk {
                rng.fill_bytes(&mut entry);
                list.bytes(&entry);
            }
        });
    }))
}

/// Opens the entry for `recipient`.
///
/// # Errors
///
/// [`OpenError::Decrypt`] if no entry is for us, which is expected for non-recipients, or if the
/// message is malformed.
pub fn open(
    recipient: &Party<'_>,
    sender: &X25519Public,
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let dict = bt::parse_dict(data).map_err(|_| DecryptError)?;
    let nonce = dict.array("#").map_err(|_| DecryptError)?;
    let entries = dict.list("e").map_err(|_| DecryptError)?;
    if entries.iter().any(|entry| entry.as_bytes().is_none()) {
        return Err(DecryptError.into());
    }
    let entries = entries.iter().filter_map(|entry| entry.as_bytes());
    Ok(recipient.open_from(sender, nonce, entries)?)
}
