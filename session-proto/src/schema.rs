//! The protobuf messages as they are on the wire: proto2, generated from the files in `proto/`.
//!
//! These types validate nothing. [`content`](crate::content) has the validated types; use these for
//! fields that it leaves out. Keys are [`Secret`](crate::Secret): zeroized on drop and not printed.
//! The messages that contain them print their name only. Protocol: messages, section 2.

pub(crate) mod zeroizing;

/// `Envelope`, `Content` and everything that a `Content` contains.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod session {
    include!("schema/session.rs");

    use zeroize::ZeroizeOnDrop;

    /// Messages with a key in them. The field is a `Secret`, which zeroizes itself.
    macro_rules! secret {
        ($($name:ident)*) => {$(
            impl ZeroizeOnDrop for $name {}

            debug_name_only!($name);
        )*};
    }

    macro_rules! debug_name_only {
        ($name:ident) => {
            impl core::fmt::Debug for $name {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str(concat!(stringify!($name), "(..)"))
                }
            }
        };
    }

    secret!(
        AttachmentPointer
        DataMessage
        GroupUpdateInviteMessage
        GroupUpdatePromoteMessage
        KeyPair
        MessageRequestResponse
    );
    // Its descriptions contain addresses, and keys that are used for one call.
    debug_name_only!(CallMessage);
}

/// The outermost wrapper.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod websocket {
    include!("schema/websocket.rs");
}
