//! The account ids of the storage layer: any prefix byte and 32 key bytes.
//!
//! A storage server does not look at the prefix beyond telling `05` from the others, so this type
//! takes every byte. The typed ids of clients convert into it.

use core::fmt;
use core::str::FromStr;

use session_crypto::{Ed25519Public, X25519Public};
use session_identity::{AccountId, AnyId, GroupId};

/// An account id as storage servers take it: a prefix byte and 32 key bytes (33 bytes, 66 hex
/// digits).
///
/// The prefix is `05` for users, whose key bytes are an X25519 key, and `03` for groups, whose key
/// bytes are an Ed25519 key; every other byte is treated as `03` is (protocol: storage-rpc,
/// section 2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageAccount([u8; 33]);

/// A text or byte string that is not an account id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an account id of 33 bytes or 66 hex digits")]
pub struct AccountError;

impl StorageAccount {
    /// Length in bytes.
    pub const LENGTH: usize = 33;
    /// Prefix of user accounts.
    pub const USER_PREFIX: u8 = 0x05;
    /// Prefix of groups.
    pub const GROUP_PREFIX: u8 = 0x03;

    /// Takes the bytes as an id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 33]) -> Self {
        Self(bytes)
    }

    /// The id of a prefix and key bytes.
    #[must_use]
    pub fn from_parts(prefix: u8, key: &[u8; 32]) -> Self {
        let mut id = [prefix; 33];
        let (_, rest) = id.split_at_mut(1);
        rest.copy_from_slice(key);
        Self(id)
    }

    /// The user account of an X25519 key.
    #[must_use]
    pub fn user(key: &X25519Public) -> Self {
        Self::from_parts(Self::USER_PREFIX, key.as_bytes())
    }

    /// The group of an Ed25519 key.
    #[must_use]
    pub fn group(key: &Ed25519Public) -> Self {
        Self::from_parts(Self::GROUP_PREFIX, key.as_bytes())
    }

    /// The bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// The prefix byte.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.0[0]
    }

    /// The 32 bytes after the prefix.
    #[must_use]
    pub fn key(&self) -> &[u8; 32] {
        self.0.last_chunk().unwrap_or(&[0; 32])
    }

    /// Whether this is a user account (`05`).
    #[must_use]
    pub const fn is_user(&self) -> bool {
        self.prefix() == Self::USER_PREFIX
    }

    /// The place of the account on the ring of swarms (protocol: swarm, section 2.1): the four
    /// big-endian words of the key, folded by exclusive or. The prefix does not enter it.
    #[must_use]
    pub fn position(&self) -> u64 {
        let (words, _) = self.key().as_chunks::<8>();
        words
            .iter()
            .fold(0, |position, word| position ^ u64::from_be_bytes(*word))
    }
}

impl From<AccountId> for StorageAccount {
    fn from(id: AccountId) -> Self {
        Self::from_bytes(*id.as_bytes())
    }
}

impl From<GroupId> for StorageAccount {
    fn from(id: GroupId) -> Self {
        Self::from_bytes(*id.as_bytes())
    }
}

impl From<AnyId> for StorageAccount {
    fn from(id: AnyId) -> Self {
        Self::from_bytes(id.to_bytes())
    }
}

impl TryFrom<&[u8]> for StorageAccount {
    type Error = AccountError;

    fn try_from(bytes: &[u8]) -> Result<Self, AccountError> {
        bytes.try_into().map(Self).map_err(|_| AccountError)
    }
}

impl FromStr for StorageAccount {
    type Err = AccountError;

    /// Takes 66 hex digits of either case.
    fn from_str(text: &str) -> Result<Self, AccountError> {
        crate::hex::decode(text).map(Self).ok_or(AccountError)
    }
}

/// 66 lower-case hex digits.
impl fmt::Display for StorageAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::hex::write(f, &self.0)
    }
}

impl fmt::Debug for StorageAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StorageAccount({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    #[test]
    fn both_cases_of_hex_are_read_and_lower_case_is_written() {
        let text = "053506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8";
        let id: StorageAccount = text.to_ascii_uppercase().parse().unwrap();
        assert_eq!(id, text.parse().unwrap());
        assert_eq!(std::format!("{id}"), text);
        assert_eq!(id.prefix(), 5);
        assert_eq!(id.key()[0], 0x35);
    }

    #[test]
    fn other_lengths_and_digits_are_refused() {
        let text = "053506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8";
        let (short, long) = (text.trim_end_matches('8'), text.to_owned() + "00");
        for bad in [short, &long, "", "0x", &text.replace('a', "g")] {
            assert_eq!(bad.parse::<StorageAccount>(), Err(AccountError));
        }
        assert_eq!(StorageAccount::try_from(&[5; 32][..]), Err(AccountError));
    }

    #[test]
    fn positions_are_those_of_the_specification() {
        for (id, position) in [
            (
                "053506f4a71324b7dd114eddbf4e311f39dde243e1f2cb97c40db1961f70ebaae8",
                17589930838143112648,
            ),
            (
                "05cf27da303a50ac8c4b2d43d27259505c9bcd73fc21cf2a57902c3d050730b604",
                10370619079776428163,
            ),
            (
                "03d3511706b8b34f6e8411bf07bd22ba6b2435ca56846fbccf6eb1e166a6cd15cc",
                2144983569669512198,
            ),
            (
                "ff0f06693428fca9102a451e3f28d9cc743d8ea60a89ab6aa69eb119470c11cbd3",
                9690840703409570833,
            ),
            (
                "05ffba630924aa1224bb930dde21c0d11bf004608f2812217f8ac812d6c7e3ad48",
                4532060000165252872,
            ),
            (
                "05eeeeeeeeeeeeeeee777777777777777711111111111111118888888888888888",
                0,
            ),
            (
                "050123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                0,
            ),
            (
                "05fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe",
                1,
            ),
            (
                "05ffffffffffffffffffffffffffffffffffffffffffffffff7fffffffffffffff",
                9223372036854775808,
            ),
            (
                "05000000000000000000000000000000000000000000000000ffffffffffffffff",
                18446744073709551615,
            ),
            (
                "050000000000000000000000000000000000000000000000000123456789abcdef",
                81985529216486895,
            ),
        ] {
            assert_eq!(id.parse::<StorageAccount>().unwrap().position(), position);
        }
    }
}
