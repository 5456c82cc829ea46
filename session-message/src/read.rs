//! Reading a content that came in an envelope.

use session_proto::content::{self, Content, Kind, ProMessage};
use session_types::UnixMillis;

use crate::error::OpenError;
use crate::pro::{Claim, read_signature};

/// A content and its time, after the checks of envelope and content against each other.
pub(crate) struct Checked {
    pub(crate) content: Content,
    pub(crate) sent_at: UnixMillis,
    pub(crate) is_time_signed: bool,
    pub(crate) pro: Option<Claim>,
}

/// What an envelope contributes to the checks.
pub(crate) struct Outer<'a> {
    pub(crate) sent_at: UnixMillis,
    pub(crate) pro_signature: Option<&'a [u8]>,
    /// The bytes that a Session Pro signature covers.
    pub(crate) signed: &'a [u8],
}

/// Returns a time unless it is zero, which old clients write for none.
pub(crate) fn nonzero(time: UnixMillis) -> Option<UnixMillis> {
    (time != UnixMillis::EPOCH).then_some(time)
}

/// Reads a content that came in an envelope (protocol: messages, sections 4.7 and 4.8).
pub(crate) fn read_content(raw: &[u8], outer: &Outer<'_>) -> Result<Checked, OpenError> {
    let decoded = content::decode(raw)?;
    let signature = outer.pro_signature.map(read_signature).transpose()?;
    let signed_at = decoded.sent_at.and_then(nonzero);
    let pro = match (decoded.pro, signature) {
        (Some(message), Some(signature)) => {
            let time = signed_at.ok_or(OpenError::ProTime)?;
            Some(Claim::new(message, &signature, outer.signed, time)?)
        }
        // Old senders do not sign, others send a decoy: not Pro either way.
        _ => None,
    };
    // Old clients write zero in either place.
    if let (Some(content), Some(envelope)) = (signed_at, nonzero(outer.sent_at))
        && content != envelope
    {
        return Err(OpenError::Time { envelope, content });
    }
    if let Kind::Typing(typing) = &decoded.content.kind
        && typing.sent_at != outer.sent_at
    {
        return Err(OpenError::TypingTime);
    }
    Ok(Checked {
        content: decoded.content,
        sent_at: signed_at.unwrap_or(outer.sent_at),
        is_time_signed: signed_at.is_some(),
        pro,
    })
}

/// As [`Claim::new`], where a message may have one without the other.
pub(crate) fn claim(
    message: Option<ProMessage>,
    signature: Option<&[u8]>,
    signed: &[u8],
    sent_at: Option<UnixMillis>,
    judged_at: UnixMillis,
) -> Result<Option<Claim>, OpenError> {
    let signature = signature.map(read_signature).transpose()?;
    match (message, signature) {
        (Some(message), Some(signature)) => {
            sent_at.and_then(nonzero).ok_or(OpenError::ProTime)?;
            Claim::new(message, &signature, signed, judged_at).map(Some)
        }
        _ => Ok(None),
    }
}
