//! Posts in communities: not encrypted, signed in the request that posts them.
//!
//! ```text
//! Content           what the post says, with the time in it             protobuf
//!   | sign          with Session Pro: field 17 = signature over the padded Content without it
//!   | pad           0x80, zeros, to a multiple of 160
//!   v
//! data              the `data` of a post, in base64
//! ```
//!
//! The community server names the author: it checks the author's blinded signature over the data,
//! and so can its readers. The data itself does not say who wrote it. Protocol: messages, sections
//! 4.3, 4.6 and 4.7.

use alloc::vec::Vec;
use core::borrow::Borrow;

use session_identity::Account;
use session_proto::content::{self, Content};
use session_proto::envelope::Envelope;
use session_proto::limits::MAX_COMMUNITY_SKEW;
use session_proto::padding;
use session_types::UnixMillis;
use zeroize::Zeroizing;

use crate::compose::{compose, padded};
use crate::error::{AuthorError, OpenError, SealError};
use crate::opener::Opener;
use crate::pro::{Claim, Signer};
use crate::read::{claim, nonzero};
use crate::rules::Place;
use crate::sealer::Sealer;

impl<A: Borrow<Account>> Sealer<A> {
    /// Makes the data of a post in a community: padded, not encrypted.
    ///
    /// # Errors
    ///
    /// [`SealError`] if the readers would drop it.
    ///
    /// ```
    /// # use session_identity::{Account, Seed};
    /// # let account = Account::from_seed(&Seed::from_short(&[1; 16]));
    /// use session_message::content::Content;
    /// use session_message::{Opener, Sealer, UnixMillis};
    ///
    /// let [sent_at, posted_at, now] = [0, 700, 900].map(|ms| UnixMillis::new(1_754_971_101_000 + ms));
    /// let data = Sealer::new(&account).seal_post(&Content::text("hello, world"), sent_at)?;
    /// // The post's own signature says who wrote it; the server says when it was posted.
    /// let post = Opener::new(&account).open_post(&data, posted_at, now)?;
    /// assert_eq!(post.content.as_text(), Some("hello, world"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn seal_post(&self, content: &Content, sent_at: UnixMillis) -> Result<Vec<u8>, SealError> {
        let mut data = seal_in(content, sent_at, Place::Community, self.pro())?;
        Ok(core::mem::take(&mut *data))
    }
}

pub(crate) fn seal_in(
    content: &Content,
    sent_at: UnixMillis,
    place: Place,
    pro: Option<&Signer>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut data = compose(content, sent_at, place, pro)?;
    if let Some(signer) = pro {
        sign(&mut data, signer);
    }
    padding::pad(&mut data);
    Ok(data)
}

/// Appends field 17, the signature over the padded content so far. It is the last known field, so
/// this is the canonical order.
fn sign(content: &mut Vec<u8>, signer: &Signer) {
    let signature = signer.sign(&padded(content));
    // Field 17, 64 bytes.
    content.extend_from_slice(&[0x8a, 0x01, 0x40]);
    content.extend_from_slice(signature.as_bytes());
}

/// A post, or the inside of an inbox message. It does not say who wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The time of sending: the time in the content, or if there is none the time of posting.
    pub sent_at: UnixMillis,
    /// Whether the content itself contains the time.
    pub is_time_signed: bool,
    /// The content.
    pub content: Content,
    /// The bytes of the content as received, without padding.
    pub raw: Zeroizing<Vec<u8>>,
    /// The claim of the sender to have Session Pro.
    pub pro: Option<Claim>,
}

impl<A: Borrow<Account>> Opener<A> {
    /// Reads the data of a post in a community.
    ///
    /// `posted_at` is the time of posting according to the server; the time in the content must lie
    /// within six hours of it. `now` is the reader's clock, at which a Session Pro proof must be
    /// valid.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the post must not be shown.
    pub fn open_post(
        &self,
        data: &[u8],
        posted_at: UnixMillis,
        now: UnixMillis,
    ) -> Result<Post, OpenError> {
        let post = open_in(data, posted_at, now, Place::Community)?;
        if post.content.sync_target.is_some() {
            return Err(AuthorError::SyncTarget.into());
        }
        Ok(post)
    }
}

pub(crate) fn open_in(
    data: &[u8],
    posted_at: UnixMillis,
    now: UnixMillis,
    place: Place,
) -> Result<Post, OpenError> {
    // A later generation of clients puts an envelope around the content. Data that lacks a required
    // field of an envelope is a content, which never has these fields.
    let envelope = Envelope::parse(data).ok();
    let received = match &envelope {
        None => data,
        Some(envelope) => {
            if envelope.source.is_some_and(|source| source.len() != 33) {
                return Err(OpenError::Source);
            }
            envelope.content.ok_or(OpenError::NoContent)?
        }
    };
    let raw = Zeroizing::new(padding::unpad(received)?.to_vec());
    let decoded = content::decode(&raw)?;
    if !place.allows(&decoded.content.kind) {
        let kind = decoded.content.kind.name();
        return Err(OpenError::NotHere { kind });
    }
    check_time(decoded.sent_at, posted_at)?;

    let outer = envelope.and_then(|envelope| envelope.pro_signature);
    let inner = decoded.community_signature.as_deref();
    let signed = match (inner, outer) {
        (Some(_), Some(_)) => return Err(OpenError::TwoProSignatures),
        (Some(_), None) => {
            let signed = content::without_community_signature(&raw);
            padded(&Zeroizing::new(
                signed.map_err(content::ContentError::from)?,
            ))
        }
        _ => Zeroizing::new(received.to_vec()),
    };
    let signature = inner.or(outer);
    let pro = claim(decoded.pro, signature, &signed, decoded.sent_at, now)?;
    let signed_at = decoded.sent_at.and_then(nonzero);
    Ok(Post {
        sent_at: signed_at.unwrap_or(posted_at),
        is_time_signed: signed_at.is_some(),
        content: decoded.content,
        raw,
        pro,
    })
}

fn check_time(content: Option<UnixMillis>, posted: UnixMillis) -> Result<(), OpenError> {
    match content.and_then(nonzero) {
        Some(content) if content.abs_diff(posted) > MAX_COMMUNITY_SKEW => {
            Err(OpenError::PostingTime { posted, content })
        }
        _ => Ok(()),
    }
}
