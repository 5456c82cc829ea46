//! Device ids, and the record of a device.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use session_crypto::v2::{KemPublic, PublicKeys};
use session_crypto::{Blake2b, X25519Public};
use session_proto::bt;

use super::payload::PayloadError;

/// The random id of a device, 32 bytes. It is never used again after the device left or was removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId([u8; 32]);

impl DeviceId {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// Wraps the bytes of an id.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws a new id.
    #[must_use]
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Returns the bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

/// A version of a program: `1.2.3` is 1,002,003 in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(pub i64);

impl Version {
    /// Makes a version. The second and the third number are at most 999.
    #[must_use]
    pub fn new(major: u32, minor: u32, patch: u32) -> Self {
        let [minor, patch] = [minor, patch].map(|number| i64::from(number.min(999)));
        let major = i64::from(major).saturating_mul(1_000_000);
        let rest = minor.saturating_mul(1000).saturating_add(patch);
        Self(major.saturating_add(rest))
    }

    /// Returns the three numbers.
    #[must_use]
    pub const fn parts(self) -> (i64, i64, i64) {
        let (thousands, patch) = (self.0.div_euclid(1000), self.0.rem_euclid(1000));
        (
            thousands.div_euclid(1000),
            thousands.rem_euclid(1000),
            patch,
        )
    }
}

/// The record of a device. Only the device itself edits it, except when it is admitted or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number of the edit; 1 for the first.
    pub seqno: i64,
    /// Time of the edit, in Unix seconds.
    pub updated: i64,
    /// Public keys of the device, not validated.
    pub keys: PublicKeys,
    /// Name of the device as received; at most 64 bytes by convention.
    pub description: Vec<u8>,
    /// `i` for iOS, `a` Android, `d` desktop, `c` command line, or a longer text; may be empty.
    pub kind: Vec<u8>,
    /// Version of the program.
    pub version: Version,
    /// Unknown entries: the key, and the value as a list of one, encoded.
    unknown: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Record {
    /// Makes a record without a description.
    #[must_use]
    pub const fn new(seqno: i64, updated: i64, keys: PublicKeys) -> Self {
        Self {
            seqno,
            updated,
            keys,
            description: Vec::new(),
            kind: Vec::new(),
            version: Version(0),
            unknown: Vec::new(),
        }
    }

    /// Returns the description as text, with replacement characters for what is not UTF-8.
    #[must_use]
    pub fn description_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.description)
    }

    /// Returns the entries that this version does not know: key and encoded value.
    pub fn unknown(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.unknown.iter().map(|(key, listed)| {
            let value = listed.get(1..listed.len().saturating_sub(1));
            // Absent: never, a list has its two delimiters.
            (key.as_slice(), value.unwrap_or_default())
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`PayloadError`] if a part is missing or has the wrong kind or length, or the number is below 1.
    pub(super) fn read(dict: &bt::Dict<'_>) -> Result<Self, PayloadError> {
        let optional = |key: &'static str| match dict.get(key.as_bytes()) {
            Some(_) => dict.bytes(key).map(<[u8]>::to_vec),
            None => Ok(Vec::new()),
        };
        let seqno = dict.i64("#")?;
        if seqno < 1 {
            return Err(PayloadError::Seqno { got: seqno });
        }
        let version = match dict.get(b"v") {
            Some(_) => Version(dict.i64("v")?),
            None => Version(0),
        };
        let is_known = |key: &[u8]| matches!(key, b"#" | b"@" | b"M" | b"X" | b"d" | b"t" | b"v");
        let unknown = dict
            .iter()
            .filter(|entry| !is_known(entry.key))
            .map(|entry| {
                let listed = bt::list(|list| {
                    list.value(&entry.value);
                });
                (entry.key.to_vec(), listed)
            })
            .collect();
        Ok(Self {
            seqno,
            updated: dict.i64("@")?,
            keys: PublicKeys {
                kem: KemPublic::from_bytes(dict.array("M")?),
                x25519: X25519Public::from_bytes(*dict.array("X")?),
            },
            description: optional("d")?,
            kind: optional("t")?,
            version,
            unknown,
        })
    }

    /// Writes the entries of the record.
    pub(super) fn write(&self, dict: &mut bt::DictWriter<'_>) {
        dict.int(b"#", self.seqno);
        dict.int(b"@", self.updated);
        dict.bytes(b"M", self.keys.kem.as_bytes());
        dict.bytes(b"X", self.keys.x25519.as_bytes());
        dict.bytes(b"d", &self.description);
        if !self.kind.is_empty() {
            dict.bytes(b"t", &self.kind);
        }
        if self.version != Version(0) {
            dict.int(b"v", self.version.0);
        }
        for (key, listed) in &self.unknown {
            let value = bt::parse_list(listed)
                .ok()
                .and_then(|list| list.iter().next());
            if let Some(value) = value {
                dict.value(key, &value);
            }
        }
    }

    /// Returns the digest of the record as this crate writes it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&bt::dict(|dict| self.write(dict)))
    }
}

/// The digest of an encoded record, 8 bytes. It decides between two records with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 8]);

impl Digest {
    pub(super) fn of(encoded: &[u8]) -> Self {
        Self(Blake2b::<8>::new().chain(encoded).finalize())
    }
}
