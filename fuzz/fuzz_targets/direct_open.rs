//! One-to-one ciphertexts from strangers are refused, never a crash.
#![no_main]

use libfuzzer_sys::fuzz_target;
use session_crypto::{Ed25519Secret, direct};

fuzz_target!(|data: &[u8]| {
    let secret = Ed25519Secret::from_seed(&[7; 32]).to_x25519();
    let _ = direct::decrypt(&secret, &secret.public(), data);
});
