//! Merging a payload.

use rand_core::CryptoRng;
use session_crypto::v2::KeySeed;

use super::{DeviceGroup, DeviceState, Row};
use crate::devices::payload::{Entry, Payload};
use crate::devices::record::DeviceId;

impl DeviceGroup {
    /// Merges the payload of a message of our own group, at `now` in Unix seconds.
    ///
    /// Draws 32 bytes if the account key is replaced, because a device left. Returns whether it was.
    pub fn merge(
        &mut self,
        rng: &mut (impl CryptoRng + ?Sized),
        payload: &Payload,
        now: i64,
    ) -> bool {
        self.keyring.merge(&payload.keys);
        let mut has_left = false;
        for (id, entry) in &payload.devices {
            has_left |= self.merge_entry(id, entry, now);
        }
        let must_rotate = has_left && self.is_member();
        if must_rotate {
            self.keyring.rotate(KeySeed::generate(rng), now);
        }
        must_rotate
    }

    /// Merges one device. Returns whether we learn that it left.
    fn merge_entry(&mut self, id: &DeviceId, entry: &Entry, now: i64) -> bool {
        let (state, removed_at) = match entry {
            Entry::Live(record, digest) => {
                let row = Row {
                    state: DeviceState::Registered,
                    record: Some(record.clone()),
                    digest: Some(*digest),
                    removed_at: None,
                    must_broadcast: true,
                };
                match self.rows.get_mut(id) {
                    None => {
                        self.rows.insert(*id, row);
                    }
                    // A device does not come back under the id of one that is gone: say so again.
                    Some(held) if held.is_gone() => {
                        held.removed_at = Some(now);
                        held.must_broadcast = true;
                    }
                    Some(held) => {
                        let must_broadcast =
                            held.must_broadcast || held.state != DeviceState::Registered;
                        let ours = (held.state, held.seqno(), held.digest);
                        let theirs = (row.state, row.seqno(), row.digest);
                        // Without a digest of our own nothing decides between equal numbers.
                        let is_undecided =
                            held.digest.is_none() && (ours.0, ours.1) == (theirs.0, theirs.1);
                        if theirs > ours && !is_undecided {
                            *held = Row {
                                must_broadcast,
                                ..row
                            };
                        }
                    }
                }
                return false;
            }
            Entry::Kicked(at) => (DeviceState::Kicked, *at),
            Entry::Left(at) => (DeviceState::Left, *at),
        };
        let Some(held) = self.rows.get_mut(id) else {
            self.rows.insert(
                *id,
                Row {
                    state,
                    record: None,
                    digest: None,
                    removed_at: Some(removed_at),
                    must_broadcast: false,
                },
            );
            return state == DeviceState::Left;
        };
        let has_left = state == DeviceState::Left && held.state < state;
        if (state, Some(removed_at)) > (held.state, held.removed_at) {
            held.must_broadcast |= held.state == DeviceState::Registered;
            held.state = state;
            held.removed_at = Some(removed_at);
        }
        has_left
    }
}
