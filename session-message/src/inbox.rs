//! Messages to the inbox of a community: from one blinded id to another.
//!
//! ```text
//! Content           what the message says, with the time in it          protobuf
//!   | sign, pad     as a post in a community
//!   | encrypt       for the recipient's blinded id, with the sender's account key inside
//!   v
//! data              the `message` of a request to /inbox/{blinded id}, in base64
//! ```
//!
//! Protocol: messages, section 4.4; crypto, section 5. The community server passes the message on
//! and sees the two blinded ids; the recipient learns the sender's account.
//!
//! With prefix 15, write only to the id that the community server gives for somebody, never to one
//! computed from an account id: half of those cannot be opened.

use alloc::vec::Vec;
use session_crypto::Ed25519PublicExt;

use rand_core::CryptoRng;
use session_crypto::blind::BlindedSecret;
use session_crypto::{DecryptError, Ed25519Public, inbox};
use session_identity::{AccountId, AnyId};
use session_proto::content::{Content, Id};

use crate::community::{open_in, seal_in};
use crate::error::{OpenError, SealError};
use crate::opened::{Opened, Place, check_author};
use crate::pro::Signer;

/// The key of a blinded id that belongs to the same prefix as ours.
fn peer(own: &BlindedSecret, id: &AnyId) -> Option<Ed25519Public> {
    if id.prefix() != own.blinding().prefix() {
        return None;
    }
    id.ed25519()
}

/// Seals a message from our blinded key to a blinded id of the same community and prefix.
///
/// # Errors
///
/// [`SealError`] if the recipient would refuse it, or has no key that can be used.
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_crypto::{BlindedSecret, Blinding, X25519Secret};
/// use session_identity::blinded::blinded15;
/// use session_identity::{Account, AnyId, Seed};
/// use session_message::content::Content;
/// use session_message::inbox::{self, Metadata};
///
/// let server = X25519Secret::generate(rng).public();
/// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
/// let id = |account: &Account| blinded15(&account.ed25519_public(), &server);
/// let (from, to) = (AnyId::from(id(&alice)?), AnyId::from(id(&bob)?));
/// let own = BlindedSecret::new(Blinding::Blind15, alice.ed25519(), &server)?;
/// let sent_ms = 1_754_971_101_000;
/// let data = inbox::seal(rng, &own, &to, &Content::text("hello"), sent_ms, None)?;
///
/// let own = BlindedSecret::new(Blinding::Blind15, bob.ed25519(), &server)?;
/// let metadata = Metadata { sender: &from, recipient: &to, posted_ms: sent_ms };
/// assert_eq!(inbox::open(&own, &metadata, &data, sent_ms)?.sender, *alice.id());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    rng: &mut (impl CryptoRng + ?Sized),
    sender: &BlindedSecret,
    recipient: &AnyId,
    content: &Content,
    sent_ms: u64,
    pro: Option<&Signer<'_>>,
) -> Result<Vec<u8>, SealError> {
    let to = peer(sender, recipient).ok_or(SealError::Prefix {
        expected: sender.blinding().prefix(),
        got: recipient.prefix(),
    })?;
    let account = AccountId::from_x25519(&sender.account().to_x25519()?);
    let own = AnyId::from(sender);
    let ids = [account.as_bytes(), own.as_bytes()];
    check_author(content, &ids, sender.public() == to)?;
    let plain = seal_in(content, sent_ms, Place::Inbox, pro)?;
    Ok(inbox::seal(rng, sender, &to, &plain)?)
}

/// When and between whom the server says that a message was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// The sender's blinded id.
    pub sender: &'a AnyId,
    /// The recipient's blinded id.
    pub recipient: &'a AnyId,
    /// When it was posted, Unix milliseconds.
    pub posted_ms: u64,
}

/// Opens a message that we received, or one that we sent, with our blinded key.
///
/// `now_ms` is the time at which a Session Pro proof must hold, Unix milliseconds.
///
/// # Errors
///
/// [`OpenError`] for whatever must be dropped. [`OpenError::Decrypt`] does not say why.
pub fn open(
    own: &BlindedSecret,
    metadata: &Metadata<'_>,
    data: &[u8],
    now_ms: u64,
) -> Result<Opened, OpenError> {
    let sender = peer(own, metadata.sender).ok_or(DecryptError)?;
    let recipient = peer(own, metadata.recipient).ok_or(DecryptError)?;
    let opened = inbox::open(own, &sender, &recipient, data)?;
    let post = open_in(&opened.message, metadata.posted_ms, now_ms, Place::Inbox)?;
    let account = AccountId::from_x25519(&opened.sender_x25519);
    let ids = [account.as_bytes(), metadata.sender.as_bytes()];
    let is_ours = own.public() == sender;
    check_author(&post.content, &ids, is_ours)?;
    let other = if is_ours {
        metadata.recipient
    } else {
        metadata.sender
    };
    Ok(Opened {
        sender: account,
        conversation: Id::from_bytes(*other.as_bytes()),
        sender_ed25519: opened.sender,
        sent_ms: post.sent_ms,
        is_time_signed: post.is_time_signed,
        content: post.content,
        raw: post.raw,
        pro: post.pro,
    })
}
