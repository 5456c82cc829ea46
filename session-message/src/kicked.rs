//! Notices to members who were removed from a group.
//!
//! A notice is a [`multi`] message from the group's key. The part for each removed member consists of
//! the member's X25519 key (32 bytes) and the generation of the current group key in decimal. It is
//! stored in the namespace of the group that removed members may still read. Protocol: groups,
//! section 9.
//!
//! ```text
//! d  "#" nonce (24)
//!    "e" l  encrypted: X25519 key (32) | generation, decimal  for each removed member
//!        e
//! e
//! ```

use alloc::string::ToString;
use alloc::vec::Vec;
use core::borrow::Borrow;

use rand_core::CryptoRng;
use session_crypto::multi::Party;
use session_crypto::{DecryptError, Ed25519PublicExt, Ed25519Secret};
use session_identity::{Account, AccountId, GroupId};
use session_types::{Namespace, SealedMessage};

use crate::error::{OpenError, SealError};
use crate::lifetime::storable;
use crate::multi::{self, Junk, NONCE_LENGTH};
use crate::opener::Opener;

/// Domain of the encryption of these notices.
pub const DOMAIN: &[u8] = b"SessionGroupKickedMessage";

/// Seals a notice that tells members that they were removed, for the group's swarm, namespace -11.
///
/// `generation` is the generation of the group's key before the removal.
///
/// # Errors
///
/// [`SealError::Encrypt`] if a member's id has small order. [`SealError::TooLong`] if the notice
/// is too long to be stored, with more than a thousand members: seal several notices.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::{Account, Group, Seed};
/// use session_message::{Opener, kicked};
///
/// let (group, bob) = (Group::generate(rng), Account::from_seed(&Seed::generate(rng)));
/// let notice = kicked::seal(rng, group.ed25519(), &[*bob.id()], 4)?;
/// // Bob's newest key is of generation 4: he was removed since.
/// let opener = Opener::new(&bob);
/// assert_eq!(opener.open_removal(group.id(), 4, &notice.data)?, 4);
/// // After a new invitation, with generation 5, the old notice means nothing.
/// assert!(opener.open_removal(group.id(), 5, &notice.data).is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    group: &Ed25519Secret,
    removed: &[AccountId],
    generation: u64,
) -> Result<SealedMessage, SealError> {
    let mut nonce = [0; NONCE_LENGTH];
    rng.fill_bytes(&mut nonce);
    let secret = group.to_x25519();
    let recipients: Vec<_> = removed.iter().map(AccountId::x25519).collect();
    let generation = generation.to_string();
    let messages: Vec<_> = removed
        .iter()
        .map(|id| [id.key_bytes().as_slice(), generation.as_bytes()].concat())
        .collect();
    let messages: Vec<_> = messages.iter().map(Vec::as_slice).collect();
    let sender = Party::new(&secret, DOMAIN);
    let data = multi::seal(rng, &sender, &nonce, &recipients, &messages, Junk::None)?;
    let namespace = Namespace::REVOKED_GROUP_MESSAGES;
    Ok(SealedMessage {
        namespace,
        ttl: namespace.usual_ttl(),
        data: storable(data)?,
    })
}

impl<A: Borrow<Account>> Opener<A> {
    /// Opens a notice of removal from the swarm of a group, namespace -11. Returns the generation of
    /// the group's key before the removal.
    ///
    /// `own_generation` is the generation of our newest key. Older notices are ignored: we may have
    /// been invited again since.
    ///
    /// # Errors
    ///
    /// [`OpenError::Decrypt`] if the notice is for other members, which is expected;
    /// [`OpenError::StaleNotice`] if it is older than our newest key or says something else.
    pub fn open_removal(
        &self,
        group: &GroupId,
        own_generation: u64,
        data: &[u8],
    ) -> Result<u64, OpenError> {
        let account = self.account();
        let sender = group.ed25519().to_x25519().map_err(DecryptError::from)?;
        let party = Party::new(account.x25519(), DOMAIN);
        let message = multi::open(&party, &sender, data)?;
        let (key, generation) = message
            .split_first_chunk::<32>()
            .ok_or(OpenError::StaleNotice)?;
        let is_number = !generation.is_empty() && generation.iter().all(u8::is_ascii_digit);
        core::str::from_utf8(generation)
            .ok()
            .filter(|_| is_number && key == account.id().key_bytes())
            .and_then(|generation| generation.parse().ok())
            .filter(|generation| *generation >= own_generation)
            .ok_or(OpenError::StaleNotice)
    }
}
