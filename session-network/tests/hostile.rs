//! States that somebody else wrote: never a panic, and every damage is found.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use session_network::{SavedState, StateError};

proptest! {
    #[test]
    fn no_state_of_a_stranger_panics(body in proptest::collection::vec(any::<u8>(), 0..160)) {
        prop_assert!(SavedState::from_bytes(&body).is_err());
    }
}

#[test]
fn what_is_no_state_is_said_so() {
    for bytes in [b"".as_slice(), b"{}", b"SSWC\x02", b"d1:vi3ee"] {
        assert_eq!(SavedState::from_bytes(bytes), Err(StateError::NotAState));
    }
    let bytes = SavedState::default().to_bytes();
    for length in 4..bytes.len() {
        assert_eq!(
            SavedState::from_bytes(&bytes[..length]),
            Err(StateError::Damaged)
        );
    }
}
