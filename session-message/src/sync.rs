//! Copies of sent messages for one's own other devices.
//!
//! A copy is a one-to-one message to our own account. A data message (text, reaction, invitation,
//! timer) names the conversation it belongs to; other kinds have no place for that and are copied
//! as they are (protocol: messages, section 6, item 12). [`direct::open`](crate::direct::open)
//! opens copies too: it refuses those that somebody else made, and
//! [`Opened::conversation`](crate::Opened#structfield.conversation) says where they belong.

use rand_core::CryptoRng;
use session_identity::{Account, AccountId};
use session_proto::content::{Content, Id};

use crate::direct::seal_for;
use crate::error::SealError;
use crate::pro::Signer;
use crate::sealed::{Destination, Sealed, ttl_ms};

/// Seals a copy of a message that goes to `conversation`, for the own swarm, namespace 0.
///
/// Give it the same content and time as the message itself.
///
/// # Errors
///
/// [`SealError`] as for the message itself.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::{Account, Seed};
/// use session_message::content::Content;
/// use session_message::{direct, sync};
///
/// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
/// let content = Content::text("hello");
/// let copy = sync::seal(rng, &alice, bob.id(), &content, 1_754_971_101_000, None)?;
/// let opened = direct::open(&alice, &copy.data)?;
/// assert_eq!(opened.sender, *alice.id());
/// assert_eq!(opened.conversation.as_bytes(), bob.id().as_bytes());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    account: &Account,
    conversation: &AccountId,
    content: &Content,
    sent_ms: u64,
    pro: Option<&Signer<'_>>,
) -> Result<Sealed, SealError> {
    let mut copy = content.clone();
    if copy.kind.is_data_message() {
        copy.sync_target = Some(Id::from_bytes(conversation.to_bytes()));
    }
    let mut sealed = seal_for(rng, account, account.id(), &copy, sent_ms, pro)?;
    let is_note = conversation == account.id();
    sealed.ttl_ms = ttl_ms(&copy, Destination::OwnAccount { is_note });
    Ok(sealed)
}
