//! The keys that all devices of the account share, and their rotation.

use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};

use session_crypto::Blake2b;
use session_crypto::v2::{AccountKeys, KeySeed, PublicKeys};
use session_identity::AccountId;
use session_message::v2::publication;
use subtle::ConstantTimeEq;

use super::record::DeviceId;

/// Seconds for which a replaced key is kept: 14 days in which messages are stored, a day in which senders
/// cache keys, and a day to spare.
pub const RETENTION: i64 = 16 * 24 * 60 * 60;
/// Seconds after which the earliest device replaces a key.
const ROTATION_MIN: f64 = 11.0 * 3600.0;
/// Seconds within which all devices replace it, if none did before.
const ROTATION_SPREAD: f64 = 2.0 * 3600.0;

/// A key set of the account.
#[derive(Debug)]
pub struct AccountKey {
    /// The seed, of which the keys are derived.
    pub seed: KeySeed,
    /// When the key was made, in Unix seconds.
    pub created: i64,
    /// When it was replaced, in Unix seconds; `None` for the current key.
    pub rotated: Option<i64>,
    /// Whether a group message of this device contained it.
    pub is_distributed: bool,
}

impl AccountKey {
    /// Returns a copy.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self {
            seed: self.seed.duplicate(),
            created: self.created,
            rotated: self.rotated,
            is_distributed: self.is_distributed,
        }
    }

    /// Order in which keys are tried and written: the current one first, then those replaced last.
    fn order(&self) -> (bool, Reverse<Option<i64>>, Reverse<i64>) {
        (
            self.rotated.is_some(),
            Reverse(self.rotated),
            Reverse(self.created),
        )
    }
}

/// The account keys of one device, in the order in which they are tried.
#[derive(Debug, Default)]
pub struct Keyring(Vec<AccountKey>);

impl Keyring {
    pub(super) const EMPTY: Self = Self(Vec::new());

    /// Restores the keys, in any order.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = AccountKey>) -> Self {
        let mut keyring = Self(keys.into_iter().collect());
        keyring.sort();
        keyring
    }

    /// Returns the keys: the current one first, then those replaced last.
    #[must_use]
    pub fn keys(&self) -> &[AccountKey] {
        &self.0
    }

    /// Returns the current key.
    #[must_use]
    pub fn current(&self) -> Option<&AccountKey> {
        self.0.first().filter(|key| key.rotated.is_none())
    }

    fn sort(&mut self) {
        self.0.sort_by_key(AccountKey::order);
    }

    /// Adds a new key at `now` (Unix seconds), which replaces the current one.
    pub fn rotate(&mut self, seed: KeySeed, now: i64) {
        let newest = self.0.iter().map(|key| key.created).max();
        let created = newest.map_or(now, |newest| now.max(newest.saturating_add(1)));
        self.0.push(AccountKey {
            seed,
            created,
            rotated: None,
            is_distributed: false,
        });
        self.settle();
    }

    /// Merges the keys of a group message. All devices end with the same current key, in whichever order
    /// they see the messages. A key that was not known counts as undistributed.
    pub fn merge<'a>(&mut self, received: impl IntoIterator<Item = &'a AccountKey>) {
        for key in received {
            let known = self
                .0
                .iter_mut()
                .find(|known| bool::from(known.seed.ct_eq(&key.seed)));
            match known {
                Some(known) => {
                    known.rotated = match (known.rotated, key.rotated) {
                        (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
                        (ours, theirs) => ours.or(theirs),
                    };
                }
                None => {
                    self.0.push(AccountKey {
                        is_distributed: false,
                        ..key.duplicate()
                    });
                    if key.rotated.is_none() {
                        self.settle();
                    }
                }
            }
        }
        self.sort();
    }

    /// Leaves one current key: the latest, and of several the one with the smallest seed.
    fn settle(&mut self) {
        let later = |a: &&AccountKey, b: &&AccountKey| -> Ordering {
            let seeds = b.seed.expose_bytes().cmp(a.seed.expose_bytes());
            a.created.cmp(&b.created).then(seeds)
        };
        let winner = self
            .0
            .iter()
            .filter(|key| key.rotated.is_none())
            .max_by(later)
            .map(|key| (key.seed.duplicate(), key.created));
        if let Some((seed, created)) = winner {
            for key in self.0.iter_mut().filter(|key| key.rotated.is_none()) {
                if !bool::from(key.seed.ct_eq(&seed)) {
                    key.rotated = Some(created);
                }
            }
        }
        self.sort();
    }

    /// Drops keys that were replaced so long ago that nothing can come for them, at `now` (Unix seconds).
    pub fn drop_expired(&mut self, now: i64) {
        let oldest = now.saturating_sub(RETENTION);
        self.0
            .retain(|key| key.rotated.is_none_or(|rotated| rotated >= oldest));
    }

    /// Notes that a group message of this device contained all keys.
    pub(super) fn set_distributed(&mut self) {
        for key in &mut self.0 {
            key.is_distributed = true;
        }
    }

    pub(super) fn is_distributed(&self) -> bool {
        self.0.iter().all(|key| key.is_distributed)
    }
}

/// Returns which keys of the account our own publications show, given in the order of an answer.
///
/// If the current key is not among them, it has to be published: `session_message::v2::publication`.
#[must_use]
pub fn published<'a, 'm>(
    account: &AccountId,
    keys: &'a Keyring,
    messages: impl IntoIterator<Item = &'m [u8]>,
) -> Vec<&'a AccountKey> {
    let shown: Vec<PublicKeys> = messages
        .into_iter()
        .filter_map(|message| publication::read(account, message).ok())
        .collect();
    let is_shown = |key: &&AccountKey| shown.contains(AccountKeys::from_seed(&key.seed).public());
    keys.keys().iter().filter(is_shown).collect()
}

/// Returns the seconds after the creation of a key at which a device replaces it.
///
/// `devices` is the number of registered devices, this one included. The earliest of all devices is
/// uniform in 11 to 13 hours, however many there are.
#[must_use]
pub fn rotation_delay(current: &KeySeed, device: &DeviceId, devices: usize) -> f64 {
    let hash = Blake2b::<8>::keyed_personal(current.expose_bytes(), b"SessionAccKeyRot")
        .chain(device.as_bytes())
        .finalize();
    // 2^64.
    let uniform = u64::from_le_bytes(hash) as f64 / 18_446_744_073_709_551_616.0;
    let mut power = 1.0;
    for _ in 0..devices {
        power *= uniform;
    }
    ROTATION_MIN + ROTATION_SPREAD * (1.0 - power)
}

/// Returns the time at which a device replaces the current key, in Unix seconds, rounded down.
#[must_use]
pub fn rotation_time(current: &AccountKey, device: &DeviceId, devices: usize) -> i64 {
    let delay = rotation_delay(&current.seed, device, devices);
    #[expect(clippy::cast_possible_truncation, reason = "at most thirteen hours")]
    let seconds = delay as i64;
    current.created.saturating_add(seconds)
}
