//! Records are secret: they contain keys. What is printed of a change does not have their values.
#![allow(clippy::unwrap_used, clippy::std_instead_of_alloc, missing_docs)]

use core::time::Duration;
use std::sync::Arc;

use session_client::network::Now;
use session_client::types::{MonotonicTime, UnixMillis};
use session_client::{Change, Client, Settings};
use session_identity::{Account, Seed};

#[test]
fn the_values_of_records_are_not_printed() {
    let account = Arc::new(Account::from_seed(&Seed::from_short(&[1; 16])));
    let mut client = Client::created(account, Settings::default());
    let now = UnixMillis::new(1_795_377_199_099);
    let now = Now::new(MonotonicTime::new(Duration::from_secs(1)), now);
    let named = client.edit(
        |configs| configs.profile.set_name("Somebody", now.wall),
        now,
    );
    named.unwrap();
    let batch = client.take_batch().unwrap();
    let mut records = 0;
    for change in &batch.changes {
        let Change::Put { value, .. } = change else {
            continue;
        };
        let printed = format!("{change:?}");
        let bytes: Vec<String> = value.iter().take(8).map(u8::to_string).collect();
        assert!(!printed.contains(&bytes.join(", ")), "{printed}");
        assert!(
            printed.contains(&format!("bytes: {}", value.len())),
            "{printed}"
        );
        records += 1;
    }
    assert!(records > 0);
    assert!(!format!("{client:?}").contains("Somebody"));
}
