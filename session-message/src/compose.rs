//! What all ways of sealing have in common: writing the content.

use alloc::vec::Vec;

use session_proto::content::Content;
use session_proto::padding;
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::opened::{AuthorError, Place};
use crate::pro::{Signer, pro_message};
use crate::sealed::check_sent_time;

/// Bytes of field 17 of a content, with its tag and length.
const SIGNATURE_FIELD: usize = 3 + 64;

/// Writes a content, with its time and what it says about Session Pro.
///
/// There is room after it for a signature and the padding: memory that is outgrown is freed and
/// not wiped.
pub(crate) fn compose(
    content: &Content,
    sent_ms: u64,
    place: Place,
    pro: Option<&Signer<'_>>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    check_sent_time(sent_ms)?;
    if !place.allows(&content.kind) {
        let kind = content.kind.name();
        return Err(SealError::NotHere { kind });
    }
    if content.sync_target.is_some() && matches!(place, Place::Group | Place::Community) {
        return Err(AuthorError::SyncTarget.into());
    }
    let pro = pro_message(content, pro)?;
    let plain = Zeroizing::new(content.encode(sent_ms, pro)?);
    Ok(with_room(&plain, SIGNATURE_FIELD))
}

/// A padded copy.
pub(crate) fn padded(plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut padded = with_room(plain, 0);
    padding::pad(&mut padded);
    padded
}

/// A copy that can grow by `more` bytes and be padded then, all in its place.
fn with_room(plain: &[u8], more: usize) -> Zeroizing<Vec<u8>> {
    let length = plain.len().saturating_add(more);
    let mut copy = Zeroizing::new(Vec::with_capacity(padding::padded_len(length)));
    copy.extend_from_slice(plain);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed::MIN_SENT_MS;

    #[test]
    fn what_is_composed_is_signed_and_padded_in_its_place() {
        for length in 1..500 {
            let content = Content::text("x".repeat(length));
            for signature in [0, SIGNATURE_FIELD] {
                let mut plain = compose(&content, MIN_SENT_MS, Place::Community, None).unwrap();
                let place = plain.as_ptr();
                plain.extend_from_slice(&[7; SIGNATURE_FIELD][..signature]);
                padding::pad(&mut plain);
                assert_eq!(plain.as_ptr(), place, "{length}");
            }
            let plain = content.encode(MIN_SENT_MS, None).unwrap();
            let padded = padded(&plain);
            assert_eq!(padded.capacity(), padded.len());
            assert_eq!(padding::unpad(&padded), Ok(plain.as_slice()));
        }
    }
}
