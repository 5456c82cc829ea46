//! Ids in fields of a message: 66 hex digits, written in lower case and read in both.

use session_types::AnyId;

use super::ContentError;

/// Parses an id of any kind. It was written by the sender of the message and is not authenticated.
pub(super) fn parse_id(text: &str, field: &'static str) -> Result<AnyId, ContentError> {
    text.parse().map_err(|_| ContentError::Id { field })
}

/// Parses as [`parse_id`] does, where a signature covers the text and not only the id.
pub(super) fn parse_lower_case_id(text: &str, field: &'static str) -> Result<AnyId, ContentError> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ContentError::Id { field });
    }
    parse_id(text, field)
}
