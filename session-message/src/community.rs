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
//! The author is whoever the community server says: it checks the author's blinded signature over
//! the data, and so can its readers. Nothing in the data itself says who wrote it. Protocol:
//! messages, sections 4.3, 4.6 and 4.7.

use alloc::vec::Vec;

use session_proto::content::{self, Content};
use session_proto::envelope::Envelope;
use session_proto::limits::MAX_COMMUNITY_SKEW_MS;
use session_proto::padding;
use zeroize::Zeroizing;

use crate::compose::{compose, padded};
use crate::error::{OpenError, SealError};
use crate::opened::{AuthorError, Place, claim};
use crate::pro::{Claim, Signer};

/// Makes the data of a post: padded, not encrypted.
///
/// `sent_ms` is the time of sending in Unix milliseconds.
///
/// # Errors
///
/// [`SealError`] if its readers would refuse it.
///
/// ```
/// use session_message::community;
/// use session_message::content::Content;
///
/// let sent_ms = 1_754_971_101_000;
/// let data = community::seal(&Content::text("hello, world"), sent_ms, None)?;
/// // The post's own signature says who wrote it; the server gives the time of posting.
/// let post = community::open(&data, sent_ms + 700, sent_ms + 900)?;
/// assert_eq!(post.content.as_text(), Some("hello, world"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn seal(
    content: &Content,
    sent_ms: u64,
    pro: Option<&Signer<'_>>,
) -> Result<Vec<u8>, SealError> {
    let mut data = seal_in(content, sent_ms, Place::Community, pro)?;
    Ok(core::mem::take(&mut *data))
}

pub(crate) fn seal_in(
    content: &Content,
    sent_ms: u64,
    place: Place,
    pro: Option<&Signer<'_>>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut data = compose(content, sent_ms, place, pro)?;
    if let Some(signer) = pro {
        sign(&mut data, signer);
    }
    padding::pad(&mut data);
    Ok(data)
}

/// Appends field 17, the signature over the padded content so far. It is the last known field, so
/// that this is what a canonical writer would write.
fn sign(content: &mut Vec<u8>, signer: &Signer<'_>) {
    let signature = signer.sign(&padded(content));
    // Field 17, 64 bytes.
    content.extend_from_slice(&[0x8a, 0x01, 0x40]);
    content.extend_from_slice(signature.as_bytes());
}

/// A post, or the inside of an inbox message. Nothing in it says who wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// When it was sent, Unix milliseconds: the time in the content, or if it gives none the time
    /// of posting.
    pub sent_ms: u64,
    /// Whether the content itself gave the time.
    pub is_time_signed: bool,
    /// What it says.
    pub content: Content,
    /// The Content as it was received, without padding.
    pub raw: Zeroizing<Vec<u8>>,
    /// What it claims about Session Pro.
    pub pro: Option<Claim>,
}

/// Reads the data of a post.
///
/// `posted_ms` is when the server says that it was posted, in Unix milliseconds; the time in the
/// content must lie within six hours of it. `now_ms` is the time at which a Session Pro proof must
/// hold: in communities that is the reader's clock.
///
/// # Errors
///
/// [`OpenError`] for whatever must be dropped.
pub fn open(data: &[u8], posted_ms: u64, now_ms: u64) -> Result<Post, OpenError> {
    let post = open_in(data, posted_ms, now_ms, Place::Community)?;
    if post.content.sync_target.is_some() {
        return Err(AuthorError::SyncTarget.into());
    }
    Ok(post)
}

pub(crate) fn open_in(
    data: &[u8],
    posted_ms: u64,
    now_ms: u64,
    place: Place,
) -> Result<Post, OpenError> {
    // A later generation of clients puts an envelope around the content. What lacks one of its
    // required fields is none; a content never has them.
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
    check_time(decoded.sent_ms, posted_ms)?;

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
    let pro = claim(decoded.pro, signature, &signed, decoded.sent_ms, now_ms)?;
    let signed_ms = decoded.sent_ms.filter(|ms| *ms != 0);
    Ok(Post {
        sent_ms: signed_ms.unwrap_or(posted_ms),
        is_time_signed: signed_ms.is_some(),
        content: decoded.content,
        raw,
        pro,
    })
}

fn check_time(content_ms: Option<u64>, posted_ms: u64) -> Result<(), OpenError> {
    match content_ms.filter(|ms| *ms != 0) {
        Some(content_ms) if content_ms.abs_diff(posted_ms) > MAX_COMMUNITY_SKEW_MS => {
            Err(OpenError::PostingTime {
                posted_ms,
                content_ms,
            })
        }
        _ => Ok(()),
    }
}
