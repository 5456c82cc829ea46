//! Writing the content, which all ways of sealing have in common.

use alloc::vec::Vec;

use session_proto::content::Content;
use session_proto::padding;
use session_types::UnixMillis;
use zeroize::Zeroizing;

use crate::error::{AuthorError, SealError};
use crate::pro::{Signer, pro_message};
use crate::rules::Place;
use crate::sent_time::check_sent_time;

/// Length of field 17 of a content with its tag and length, in bytes.
const SIGNATURE_FIELD: usize = 3 + 64;

/// Writes a content, with its time and its claim to have Session Pro.
///
/// The buffer has room for a signature and the padding: memory that is outgrown would be freed
/// without being zeroized.
pub(crate) fn compose(
    content: &Content,
    sent_at: UnixMillis,
    place: Place,
    pro: Option<&Signer>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    check_sent_time(sent_at)?;
    if !place.allows(&content.kind) {
        let kind = content.kind.name();
        return Err(SealError::NotHere { kind });
    }
    if content.sync_target.is_some() && matches!(place, Place::Group | Place::Community) {
        return Err(AuthorError::SyncTarget.into());
    }
    let pro = pro_message(content, pro)?;
    let plain = Zeroizing::new(content.encode(sent_at, pro)?);
    Ok(with_room(&plain, SIGNATURE_FIELD))
}

/// Returns a padded copy.
pub(crate) fn padded(plain: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut padded = with_room(plain, 0);
    padding::pad(&mut padded);
    padded
}

/// Returns a copy that can grow by `more` bytes and then be padded without moving.
fn with_room(plain: &[u8], more: usize) -> Zeroizing<Vec<u8>> {
    let length = plain.len().saturating_add(more);
    let mut copy = Zeroizing::new(Vec::with_capacity(padding::padded_len(length)));
    copy.extend_from_slice(plain);
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sent_time::SENT_MIN;

    #[test]
    fn what_is_composed_is_signed_and_padded_in_its_place() {
        for length in 1..500 {
            let content = Content::text("x".repeat(length));
            for signature in [0, SIGNATURE_FIELD] {
                let mut plain = compose(&content, SENT_MIN, Place::Community, None).unwrap();
                let place = plain.as_ptr();
                plain.extend_from_slice(&[7; SIGNATURE_FIELD][..signature]);
                padding::pad(&mut plain);
                assert_eq!(plain.as_ptr(), place, "{length}");
            }
            let plain = content.encode(SENT_MIN, None).unwrap();
            let padded = padded(&plain);
            assert_eq!(padded.capacity(), padded.len());
            assert_eq!(padding::unpad(&padded), Ok(plain.as_slice()));
        }
    }
}
