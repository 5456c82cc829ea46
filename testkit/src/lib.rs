//! Helpers that the tests of several crates share. Not published; everything here panics on purpose.
//!
//! [`Vectors`] reads the JSON files of `tests/vectors/`, or of the directory named by the
//! environment variable `SESSION_VECTORS`, whose layout `tests/vectors/README.md` describes.
//! [`Replay`] is a generator that returns given bytes, to reproduce an output exactly.

use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

/// One vector file.
#[derive(Debug)]
pub struct Vectors {
    topic: String,
    content: Value,
}

impl Vectors {
    /// Reads `<topic>.json`. Panics, which fails the test, if it is not there.
    pub fn load(topic: &str) -> Self {
        let folder = std::env::var_os("SESSION_VECTORS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors"),
            PathBuf::from,
        );
        let path = folder.join(format!("{topic}.json"));
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("vector file {}: {error}", path.display()));
        let content = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("vector file {}: {error}", path.display()));
        Self {
            topic: topic.to_owned(),
            content,
        }
    }

    /// Runs `check` on every case of an array and prints how many there were. Panics if the array
    /// is missing or empty, and names the case whose check panicked.
    pub fn each(&self, array: &str, mut check: impl FnMut(Case<'_>)) {
        let cases = self.content[array]
            .as_array()
            .unwrap_or_else(|| panic!("{}: no array {array}", self.topic));
        assert!(!cases.is_empty(), "{}: array {array} is empty", self.topic);
        for (index, value) in cases.iter().enumerate() {
            let case = Case(value);
            let run = std::panic::AssertUnwindSafe(|| check(case));
            if let Err(panic) = std::panic::catch_unwind(run) {
                let note = case.opt_text("note").unwrap_or("");
                eprintln!("{}: case {index} of {array} failed ({note})", self.topic);
                std::panic::resume_unwind(panic);
            }
        }
        println!("{}: {array}: {} cases", self.topic, cases.len());
    }
}

/// One case: a JSON object, with readers for its fields that panic where the type is another.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a>(pub &'a Value);

impl<'a> Case<'a> {
    /// The field as it is; null if absent.
    pub fn value(self, field: &str) -> &'a Value {
        &self.0[field]
    }

    /// Returns whether the field is present and not null.
    pub fn has(self, field: &str) -> bool {
        !self.0[field].is_null()
    }

    /// A text.
    pub fn text(self, field: &str) -> &'a str {
        self.opt_text(field)
            .unwrap_or_else(|| panic!("no text {field} in {}", self.0))
    }

    /// A text, or none.
    pub fn opt_text(self, field: &str) -> Option<&'a str> {
        self.0[field].as_str()
    }

    /// A truth value.
    pub fn flag(self, field: &str) -> bool {
        self.0[field]
            .as_bool()
            .unwrap_or_else(|| panic!("no bool {field} in {}", self.0))
    }

    /// A truth value; false if absent.
    pub fn opt_flag(self, field: &str) -> bool {
        self.0[field].as_bool().unwrap_or(false)
    }

    /// An unsigned number.
    pub fn number(self, field: &str) -> u64 {
        self.0[field]
            .as_u64()
            .unwrap_or_else(|| panic!("no number {field} in {}", self.0))
    }

    /// An unsigned number given as decimal text.
    pub fn decimal(self, field: &str) -> u64 {
        self.text(field)
            .parse()
            .unwrap_or_else(|error| panic!("{field}: {error}"))
    }

    /// A number with a sign.
    pub fn signed(self, field: &str) -> i64 {
        self.0[field]
            .as_i64()
            .unwrap_or_else(|| panic!("no integer {field} in {}", self.0))
    }

    /// Bytes given in hex.
    pub fn hex(self, field: &str) -> Vec<u8> {
        const_hex::decode(self.text(field))
            .unwrap_or_else(|error| panic!("{field} is not hex: {error}"))
    }

    /// Bytes given in hex, or none.
    pub fn opt_hex(self, field: &str) -> Option<Vec<u8>> {
        self.has(field).then(|| self.hex(field))
    }

    /// Exactly `N` bytes given in hex.
    pub fn array<const N: usize>(self, field: &str) -> [u8; N] {
        let bytes = self.hex(field);
        bytes
            .as_slice()
            .try_into()
            .unwrap_or_else(|_| panic!("{field}: {} bytes", bytes.len()))
    }

    /// A list of byte strings given in hex.
    pub fn hexes(self, field: &str) -> Vec<Vec<u8>> {
        let list = self.0[field]
            .as_array()
            .unwrap_or_else(|| panic!("no list {field}"));
        list.iter()
            .map(|item| const_hex::decode(item.as_str().unwrap()).unwrap())
            .collect()
    }

    /// A list of objects.
    pub fn list(self, field: &str) -> Vec<Case<'a>> {
        let list = self.0[field]
            .as_array()
            .unwrap_or_else(|| panic!("no list {field}"));
        list.iter().map(Case).collect()
    }

    /// An object inside this one.
    pub fn object(self, field: &str) -> Case<'a> {
        Case(&self.0[field])
    }
}

/// Bytes given in hex. Panics if the text is malformed.
pub fn hex(text: &str) -> Vec<u8> {
    const_hex::decode(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Exactly `N` bytes given in hex. Panics if the text is malformed.
pub fn array<const N: usize>(text: &str) -> [u8; N] {
    const_hex::decode_to_array(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A generator with a fixed seed, so that a test repeats.
pub fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

/// A generator that returns the given draws, one after the other, and panics when they are used up
/// or a draw has another length.
#[derive(Debug)]
pub struct Replay {
    draws: std::collections::VecDeque<Vec<u8>>,
}

impl Replay {
    /// Will return these draws in order.
    pub fn new(draws: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            draws: draws.into_iter().collect(),
        }
    }

    /// Returns whether every draw was used.
    pub fn is_used_up(&self) -> bool {
        self.draws.is_empty()
    }
}

impl rand_core::TryRng for Replay {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        let draw = self
            .draws
            .pop_front()
            .expect("one more draw than there are");
        assert_eq!(draw.len(), out.len(), "a draw of another length");
        for (place, byte) in out.iter_mut().zip(draw) {
            *place = byte;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Replay {}
