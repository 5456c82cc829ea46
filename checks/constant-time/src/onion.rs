//! The keys of onion layers, and what they seal.

use std::hint::black_box;

use session_crypto::X25519Secret;
use session_onion::{Cipher, LayerKey};

use crate::{Check, PublicRng, changed, message, peer_public, secret_key};

fn secret() -> X25519Secret {
    X25519Secret::from_bytes(secret_key())
}

pub fn check(check: &mut Check) {
    for cipher in [Cipher::XChaCha20, Cipher::AesGcm] {
        check.clean("onion layer sealed by a client", || {
            let public = X25519Secret::from_bytes([7; 32]).public();
            let key = LayerKey::for_client(cipher, &secret(), &public, &peer_public()).unwrap();
            black_box(key.seal(&mut PublicRng, &message()).unwrap());
        });
        check.clean("onion layer opened by a node", || {
            let (public, client) = (
                X25519Secret::from_bytes([7; 32]).public(),
                X25519Secret::from_bytes([9; 32]),
            );
            let key = LayerKey::for_client(cipher, &client, &client.public(), &public).unwrap();
            let sealed = key.seal(&mut PublicRng, &[1; 100]).unwrap();
            let key = LayerKey::for_server(cipher, &secret(), &public, &client.public()).unwrap();
            let _ = black_box(key.open(&changed(sealed)));
        });
    }
}
