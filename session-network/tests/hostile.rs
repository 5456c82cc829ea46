//! States that somebody else wrote: never a panic.
#![allow(missing_docs)]

use proptest::prelude::*;
use session_network::client::SavedState;

proptest! {
    #[test]
    fn no_state_of_a_stranger_panics(body in proptest::collection::vec(any::<u8>(), 0..160)) {
        let _ = SavedState::from_bytes(&body);
    }
}
