//! Why a Content is refused.

use crate::wire::WireError;

/// A Content that a receiver must refuse, or that must not be sent.
///
/// Field names are those of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Not a protobuf message of the schema, or beyond its bounds.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A list of packed numbers that ends inside a number, mostly text that is not UTF-8, or text
    /// that is not UTF-8 where an admin signature covers it.
    #[error("content has a truncated list of numbers, or text that is not UTF-8")]
    Malformed,
    /// None of the kinds is set.
    #[error("content has nothing in it")]
    Empty,
    /// None of the known kinds is set, and there is a field that the schema does not know.
    #[error("content of an unknown kind")]
    UnknownKind,
    /// More than one kind is set.
    #[error("content is of more than one kind")]
    TwoKinds,
    /// An id that is not 66 hex digits, of another prefix than the field has, or in upper case where
    /// a signature covers its text.
    #[error("field {field} is not an id of 66 hex digits that may stand there")]
    Id {
        /// Name of the field.
        field: &'static str,
    },
    /// A value that the schema does not know, in a field that is required.
    #[error("field {field} has a value that is not known")]
    UnknownValue {
        /// Name of the field.
        field: &'static str,
    },
    /// Bytes of another length.
    #[error("field {field}: expected {expected} bytes, got {got}")]
    Length {
        /// Name of the field.
        field: &'static str,
        /// Bytes it should have.
        expected: usize,
        /// Bytes it has.
        got: usize,
    },
    /// More elements than are accepted.
    #[error("field {field}: expected at most {max} elements, got {got}")]
    TooMany {
        /// Name of the field.
        field: &'static str,
        /// How many are accepted.
        max: usize,
        /// How many there are.
        got: usize,
    },
    /// A field that this kind must have.
    #[error("field {field} is missing")]
    Missing {
        /// Name of the field.
        field: &'static str,
    },
    /// A text that must not be empty.
    #[error("field {field} is empty")]
    EmptyText {
        /// Name of the field.
        field: &'static str,
    },
    /// A timestamp of zero.
    #[error("field {field} is zero")]
    ZeroTimestamp {
        /// Name of the field.
        field: &'static str,
    },
    /// Flags that are not known.
    #[error("flags {flags:#x} are not known")]
    Flags {
        /// The flags.
        flags: u32,
    },
    /// An approval that says no.
    #[error("response does not approve")]
    NotApproved,
    /// A receipt of a type that is no longer in use.
    #[error("receipt of a type that is no longer in use")]
    ObsoleteReceipt,
    /// Lists that must be of one length and are not.
    #[error("candidates and their lines and ids are not equally many")]
    ParallelLists,
    /// A link preview whose address is not in the text, or does not begin with `https://`.
    #[error("preview of an address that is not in the text")]
    PreviewUrl,
    /// A picture address with a key in its fragment that must stay with its owner.
    #[error("address of the picture has a local key in its fragment")]
    LocalKey,
    /// A field that this kind has no place for.
    #[error("a {kind} has no place for {field}")]
    Misplaced {
        /// Name of the field of [`Content`](super::Content).
        field: &'static str,
        /// Name of the kind.
        kind: &'static str,
    },
}
