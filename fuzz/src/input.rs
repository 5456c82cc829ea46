//! Takes the fuzzer's bytes apart, and the keys and the generator that targets share.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use session_crypto::{Ed25519Secret, X25519Public};
use session_identity::{Account, GroupId, Seed};

/// The same generator every time, so that an input always does the same.
pub fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

/// Account by number. The seed program and the targets must agree on these.
pub fn account(number: u8) -> Account {
    Account::from_seed(&Seed::from_full(&[number; 32]))
}

/// The group of all targets.
pub fn group() -> (Ed25519Secret, GroupId) {
    let secret = Ed25519Secret::from_seed(&[9; 32]);
    let id = GroupId::from_ed25519(&secret.public());
    (secret, id)
}

/// The community server of all targets.
pub fn server() -> X25519Public {
    Ed25519Secret::from_seed(&[8; 32]).to_x25519().public()
}

/// Reads from the front of the fuzzer's bytes; zeros when they are used up.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let taken = self.take(N);
        out[..taken.len()].copy_from_slice(taken);
        out
    }

    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// At most so many bytes.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A piece of 0 to 255 bytes, with its length in front.
    pub fn piece(&mut self) -> &'a [u8] {
        let length = self.byte();
        self.take(length.into())
    }

    /// What is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }
}
