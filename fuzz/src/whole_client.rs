//! `session-client`: records as a store gives them back, and messages as nodes do.

use std::sync::Arc;

use session_client::{Client, Key, Message, Settings};
use session_identity::{Account, Seed};
use session_types::UnixMillis;

const NOW: UnixMillis = UnixMillis::new(1_795_377_199_099);

/// Cuts the input into pieces, each after its length in two bytes.
fn pieces(mut data: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let [high, low, rest @ ..] = data {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        data = after;
    }
    pieces
}

/// Any course of events.
pub fn machine_events(data: &[u8]) {
    crate::course::run_course(data);
}

/// Restores a client from any records: what is damaged is named, and the rest is taken.
pub fn records(data: &[u8]) {
    let pieces = pieces(data);
    let records: Vec<(&[u8], &[u8])> = pieces.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    for (key, value) in &records {
        let Ok(key) = Key::try_from(*key) else {
            continue;
        };
        assert_eq!(Key::try_from(key.to_bytes().as_slice()), Ok(key));
        if let Key::Message(id) = key
            && let Ok(message) = Message::from_value(id, value)
        {
            assert_eq!(message.id, id);
        }
    }
    let account = Arc::new(Account::from_seed(&Seed::from_short(&[1; 16])));
    let restored = Client::restore(account, Settings::default(), records.iter().copied(), NOW);
    assert!(restored.damaged.len() <= records.len());
    let mut client = restored.client;
    // A client that was restored has nothing to say before it is polled, but for what it forgets.
    while let Some(batch) = client.take_batch() {
        assert!(batch.events.is_empty());
        client.persisted();
    }
    assert_eq!(client.outgoing(), client.sending().count());
}
