//! Why a Content is rejected.

use crate::wire::WireError;

/// A Content that a receiver must reject, or that must not be sent.
///
/// Field names are those of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The bytes are not a protobuf message of the schema, or exceed its bounds.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A list of packed numbers ends inside a number, too much of the text is not UTF-8, or text is not
    /// UTF-8 where an admin signature covers it.
    #[error("content has a truncated list of numbers, or text that is not UTF-8")]
    Malformed,
    /// None of the kinds is set.
    #[error("content is empty")]
    Empty,
    /// None of the known kinds is set, and there is a field that the schema does not know.
    #[error("content of an unknown kind")]
    UnknownKind,
    /// More than one kind is set.
    #[error("content has more than one kind")]
    TwoKinds,
    /// An id is not 66 hex digits, has a prefix that the field does not allow, or is in upper case
    /// where a signature covers its text.
    #[error("field {field}: expected an id of 66 hex digits and of the right kind")]
    Id {
        /// Name of the field.
        field: &'static str,
    },
    /// A required field has a value that the schema does not know.
    #[error("field {field} has an unknown value")]
    UnknownValue {
        /// Name of the field.
        field: &'static str,
    },
    /// A field has the wrong length.
    #[error("field {field}: expected {expected} bytes, got {got}")]
    Length {
        /// Name of the field.
        field: &'static str,
        /// Expected length in bytes.
        expected: usize,
        /// Length in bytes.
        got: usize,
    },
    /// A list has too many elements.
    #[error("field {field}: expected at most {max} elements, got {got}")]
    TooMany {
        /// Name of the field.
        field: &'static str,
        /// Maximum number of elements.
        max: usize,
        /// Number of elements.
        got: usize,
    },
    /// A field that the kind requires is missing.
    #[error("field {field} is missing")]
    Missing {
        /// Name of the field.
        field: &'static str,
    },
    /// A text is empty that must not be.
    #[error("field {field} is empty")]
    EmptyText {
        /// Name of the field.
        field: &'static str,
    },
    /// The id of a call is not a UUID in its canonical text form.
    #[error("expected a UUID of 36 characters")]
    Uuid,
    /// A timestamp is zero.
    #[error("field {field} is zero")]
    ZeroTimestamp {
        /// Name of the field.
        field: &'static str,
    },
    /// Unknown flags are set.
    #[error("unknown flags {flags:#x}")]
    Flags {
        /// The flags.
        flags: u32,
    },
    /// A response does not approve.
    #[error("response does not approve")]
    NotApproved,
    /// A receipt has an obsolete type.
    #[error("receipt of an obsolete type")]
    ObsoleteReceipt,
    /// Parallel lists have different lengths.
    #[error("lists of candidates, lines and ids have different lengths")]
    ParallelLists,
    /// The address of a link preview is not in the text, or does not begin with `https://`.
    #[error("address of a preview is not in the text or not https")]
    PreviewUrl,
    /// The fragment of a picture address contains a key that must not leave the device.
    #[error("address of the picture contains a local key")]
    LocalKey,
    /// The kind does not allow a part.
    #[error("a {kind} must not have {field}")]
    Misplaced {
        /// Name of the field of [`Content`](super::Content).
        field: &'static str,
        /// Name of the kind.
        kind: &'static str,
    },
}
