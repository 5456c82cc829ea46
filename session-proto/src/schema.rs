//! The protobuf messages as they are on the wire: proto2, generated from the files in `proto/`.
//!
//! These types check nothing. [`content`](crate::content) has the checked ones; use these for
//! fields that it leaves out. Protocol: [messages, section 2].
//!
//! [messages, section 2]: https://github.com/session-crates/session-crates/blob/main/docs/protocol/messages.md#section-2

/// Envelope, Content and everything that a Content carries.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod session {
    include!("schema/session.rs");

    macro_rules! debug_name_only {
        ($($name:ident),*) => {$(
            impl core::fmt::Debug for $name {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str(concat!(stringify!($name), "(..)"))
                }
            }
        )*};
    }

    // These carry secrets.
    debug_name_only!(
        AttachmentPointer,
        GroupUpdateInviteMessage,
        GroupUpdatePromoteMessage,
        KeyPair
    );
}

/// The outermost wrapper.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod websocket {
    include!("schema/websocket.rs");
}
