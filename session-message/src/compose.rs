//! What all ways of sealing have in common: writing the content.

use alloc::vec::Vec;

use session_proto::content::Content;
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::opened::{AuthorError, Place};
use crate::pro::{Signer, pro_message};

/// Writes a content, with its time and what it says about Session Pro.
pub(crate) fn compose(
    content: &Content,
    sent_ms: u64,
    place: Place,
    pro: Option<&Signer<'_>>,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if !place.allows(&content.kind) {
        let kind = content.kind.name();
        return Err(SealError::NotHere { kind });
    }
    if content.sync_target.is_some() && matches!(place, Place::Group | Place::Community) {
        return Err(AuthorError::SyncTarget.into());
    }
    let pro = pro_message(content, pro)?;
    Ok(Zeroizing::new(content.encode(sent_ms, pro)?))
}
