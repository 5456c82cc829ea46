//! The protobuf messages as they are on the wire: proto2, generated from the files in `proto/`.
//!
//! These types check nothing. [`content`](crate::content) has the checked ones; use these for
//! fields that it leaves out. Those with a key in them wipe it when they are dropped, and print
//! their name only. Protocol: messages, section 2.

/// Envelope, Content and everything that a Content carries.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod session {
    include!("schema/session.rs");

    use zeroize::{Zeroize, ZeroizeOnDrop};

    /// Messages with a key in them: it is wiped when they are dropped, and not printed.
    macro_rules! secret {
        ($($name:ident.$key:ident),*) => {$(
            impl Drop for $name {
                fn drop(&mut self) {
                    self.$key.zeroize();
                }
            }

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
        AttachmentPointer.key,
        DataMessage.profile_key,
        GroupUpdateInviteMessage.member_auth_data,
        GroupUpdatePromoteMessage.group_identity_seed,
        KeyPair.private_key,
        MessageRequestResponse.profile_key
    );
    // Its descriptions have addresses and keys in them, which are over with the call.
    debug_name_only!(CallMessage);
}

/// The outermost wrapper.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod websocket {
    include!("schema/websocket.rs");
}
