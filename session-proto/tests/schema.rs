//! The generated types: keys inside messages, and building with defaults.
#![cfg(feature = "protobuf")]
#![allow(clippy::unwrap_used, missing_docs)]

use prost::Message;
use session_proto::Secret;
use session_proto::schema::session::{
    AttachmentPointer, DataMessage, GroupUpdateInviteMessage, GroupUpdatePromoteMessage, KeyPair,
    MessageRequestResponse,
};

fn key() -> Secret {
    Secret::new([0x5a; 32])
}

fn pointer() -> AttachmentPointer {
    AttachmentPointer {
        id: 1,
        key: Some(key()),
        digest: Some(vec![7; 32]),
        ..Default::default()
    }
}

/// Fails to compile if a field with a key is not zeroized on drop.
#[test]
fn fields_with_keys_are_zeroized_on_drop() {
    const fn zeroized<T: zeroize::ZeroizeOnDrop>(_: &T) {}
    const fn zeroized_if_present<T: zeroize::ZeroizeOnDrop>(_: &Option<T>) {}
    zeroized_if_present(&AttachmentPointer::default().key);
    zeroized_if_present(&DataMessage::default().profile_key);
    zeroized_if_present(&MessageRequestResponse::default().profile_key);
    zeroized(&GroupUpdateInviteMessage::default().member_auth_data);
    zeroized(&GroupUpdatePromoteMessage::default().group_identity_seed);
    zeroized(&KeyPair::default().private_key);
}

#[test]
fn keys_are_encoded_as_other_bytes_are() {
    let bytes = pointer().encode_to_vec();
    let mut expected = vec![0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0x1a, 32];
    expected.extend([0x5a; 32]);
    expected.extend([0x32, 32]);
    expected.extend([7; 32]);
    assert_eq!(bytes, expected);
    assert_eq!(pointer().encoded_len(), bytes.len());
    assert_eq!(AttachmentPointer::decode(bytes.as_slice()), Ok(pointer()));

    // A required field is written even if it is empty; a long one has a longer length.
    for length in [0, 1, 127, 128, 300] {
        let pair = KeyPair {
            public_key: vec![1],
            private_key: Secret::new(vec![2; length]),
        };
        let bytes = pair.encode_to_vec();
        assert_eq!(bytes.len(), pair.encoded_len());
        assert_eq!(KeyPair::decode(bytes.as_slice()), Ok(pair));
    }
}

#[test]
fn a_key_that_is_not_complete_is_an_error() {
    let bytes = pointer().encode_to_vec();
    for length in [10, 11, 20, bytes.len() - 1] {
        assert!(
            AttachmentPointer::decode(&bytes[..length]).is_err(),
            "{length}"
        );
    }
    // A length of 2^64 - 1.
    let mut huge = vec![0x1a];
    huge.extend([0xff; 9]);
    huge.push(1);
    let error = AttachmentPointer::decode(huge.as_slice()).unwrap_err();
    assert!(error.to_string().contains("buffer underflow"), "{error}");
    // Another wire type.
    assert!(AttachmentPointer::decode(&[0x18, 1][..]).is_err());
}

#[test]
fn a_message_is_cleared_with_its_key() {
    let mut pair = KeyPair {
        public_key: vec![1],
        private_key: key(),
    };
    pair.clear();
    assert_eq!(pair, KeyPair::default());
    let mut pointer = pointer();
    pointer.clear();
    assert_eq!(pointer, AttachmentPointer::default());
}

#[test]
fn keys_are_not_printed() {
    let message = DataMessage {
        profile_key: Some(key()),
        attachments: vec![pointer()],
        ..Default::default()
    };
    assert_eq!(message.profile_key(), key().expose_bytes());
    for printed in [format!("{message:?}"), format!("{:?}", message.profile_key)] {
        assert!(!printed.contains("90"), "{printed}");
    }
}
