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
//! Protocol: messages, section 4.4; crypto, section 5. The community server forwards the message and
//! sees the two blinded ids; the recipient learns the sender's account.
//!
//! With prefix 15, write only to an id that the community server reports, never to one that was
//! computed from an account id: half of those messages cannot be opened.

use alloc::vec::Vec;
use core::borrow::Borrow;

use rand_core::CryptoRng;
use session_crypto::blind::BlindedSecret;
use session_crypto::{DecryptError, Ed25519Public, inbox};
use session_identity::{Account, AccountId, AnyId};
use session_proto::content::Content;
use session_types::UnixMillis;

use crate::community::{open_in, seal_in};
use crate::error::{OpenError, SealError};
use crate::opened::Opened;
use crate::opener::Opener;
use crate::rules::{Place, check_author};
use crate::sealer::Sealer;

/// Returns the key of a blinded id that has the same prefix as ours.
fn peer(own: &BlindedSecret, id: &AnyId) -> Option<Ed25519Public> {
    if id.prefix() != own.blinding().prefix() {
        return None;
    }
    id.ed25519()
}

impl<A: Borrow<Account>> Sealer<A> {
    /// Seals a message from our blinded key to a blinded id of the same community and prefix.
    ///
    /// `own` is the blinded key of this account: `session_identity::Account::blinded`.
    ///
    /// # Errors
    ///
    /// [`SealError`] if the recipient would drop the message, if the recipient's key is not valid,
    /// or if `own` belongs to another account.
    ///
    /// ```
    /// # use getrandom::{SysRng, rand_core::UnwrapErr};
    /// # let rng = &mut UnwrapErr(SysRng);
    /// use session_crypto::{Blinding, X25519Secret};
    /// use session_identity::{Account, AnyId, Seed};
    /// use session_message::content::Content;
    /// use session_message::inbox::Metadata;
    /// use session_message::{Opener, Sealer, UnixMillis};
    ///
    /// let server = X25519Secret::generate(rng).public();
    /// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
    /// let from = alice.blinded(Blinding::Blind15, &server)?;
    /// let to = bob.blinded(Blinding::Blind15, &server)?;
    /// let (sender, recipient) = (AnyId::from(&from), AnyId::from(&to));
    /// let now = UnixMillis::new(1_754_971_101_000);
    /// let content = Content::text("hello");
    /// let data = Sealer::new(&alice).seal_inbox(rng, &from, &recipient, &content, now)?;
    ///
    /// let metadata = Metadata { sender: &sender, recipient: &recipient, posted_at: now };
    /// let opened = Opener::new(&bob).open_inbox(&to, &metadata, &data, now)?;
    /// assert_eq!(opened.sender, *alice.id());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn seal_inbox(
        &self,
        rng: &mut (impl CryptoRng + ?Sized),
        own: &BlindedSecret,
        recipient: &AnyId,
        content: &Content,
        sent_at: UnixMillis,
    ) -> Result<Vec<u8>, SealError> {
        let account = self.account();
        if *own.account() != account.ed25519_public() {
            return Err(SealError::OtherAccount);
        }
        let to = peer(own, recipient).ok_or(SealError::Prefix {
            expected: own.blinding().prefix(),
            got: recipient.prefix(),
        })?;
        let blinded = AnyId::from(own);
        let ids = [account.id().to_bytes(), blinded.to_bytes()].map(AnyId::from_bytes);
        check_author(content, &ids, own.public() == to)?;
        let plain = seal_in(content, sent_at, Place::Inbox, self.pro())?;
        Ok(inbox::seal(rng, own, &to, &plain)?)
    }
}

/// Parties and time of a message, according to the community server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// The sender's blinded id.
    pub sender: &'a AnyId,
    /// The recipient's blinded id.
    pub recipient: &'a AnyId,
    /// The time of posting.
    pub posted_at: UnixMillis,
}

impl<A: Borrow<Account>> Opener<A> {
    /// Opens a message that we received, or one that we sent, with our blinded key.
    ///
    /// `now` is the time at which a Session Pro proof must be valid.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; [`OpenError::disposition`] says what to do with the message.
    /// [`OpenError::Decrypt`] does not say why.
    pub fn open_inbox(
        &self,
        own: &BlindedSecret,
        metadata: &Metadata<'_>,
        data: &[u8],
        now: UnixMillis,
    ) -> Result<Opened, OpenError> {
        let sender = peer(own, metadata.sender).ok_or(DecryptError)?;
        let recipient = peer(own, metadata.recipient).ok_or(DecryptError)?;
        let opened = inbox::open(own, &sender, &recipient, data)?;
        let post = open_in(&opened.message, metadata.posted_at, now, Place::Inbox)?;
        let account = AccountId::from_x25519(&opened.sender_x25519);
        let ids = [account.to_bytes(), metadata.sender.to_bytes()].map(AnyId::from_bytes);
        let is_ours = own.public() == sender;
        check_author(&post.content, &ids, is_ours)?;
        let other = if is_ours {
            metadata.recipient
        } else {
            metadata.sender
        };
        Ok(Opened {
            sender: account,
            sender_ed25519: opened.sender,
            conversation: *other,
            sent_at: post.sent_at,
            is_time_signed: post.is_time_signed,
            content: post.content,
            raw: post.raw,
            pro: post.pro,
            has_forward_secrecy: false,
        })
    }
}
