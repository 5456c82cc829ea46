//! A small network: nodes by number, each with the keys of its number.

use base64ct::{Base64, Encoding};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::{Ed25519Secret, X25519Secret};
use session_onion::client::Hop;
use session_onion::node::{Answer, Arrival, Node, Peeled, Refused};
use session_onion::packet::Layer;
use session_onion::{Cipher, LayerKey};

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

pub(crate) fn node(number: u8) -> Node {
    let secret = Ed25519Secret::from_seed(&[number; 32]);
    Node::new(secret.public(), secret.to_x25519())
}

pub(crate) fn hop(number: u8) -> Hop {
    let node = node(number);
    Hop::new(*node.ed25519(), *node.x25519())
}

pub(crate) fn hex_of(node: &Node) -> String {
    const_hex::encode(node.ed25519().as_bytes())
}

/// A frame with a right length.
pub(crate) fn frame(blob: &[u8], json: &str) -> Vec<u8> {
    let length = u32::try_from(blob.len()).unwrap().to_le_bytes();
    [&length, blob, json.as_bytes()].concat()
}

/// A layer for a node that a client has made by hand.
pub(crate) struct Made {
    pub(crate) packet: Vec<u8>,
    pub(crate) message: Vec<u8>,
    pub(crate) key: LayerKey,
}

pub(crate) fn layer_for(node: &Node, cipher: Cipher, plaintext: &[u8]) -> Made {
    let ephemeral = X25519Secret::from_bytes([0x42; 32]);
    let public = ephemeral.public();
    let key = LayerKey::for_client(cipher, &ephemeral, &public, node.x25519()).unwrap();
    let layer = Layer {
        ciphertext: &key.seal(&mut rng(), plaintext).unwrap(),
        ephemeral_key: public,
        cipher,
        hop_no: 0,
    };
    Made {
        packet: layer.to_packet().unwrap(),
        message: layer.to_message(),
        key,
    }
}

/// Peels a plaintext on a node.
pub(crate) fn peel(node: &Node, plaintext: &[u8]) -> Result<Peeled, Refused> {
    let made = layer_for(node, Cipher::XChaCha20, plaintext);
    node.peel(&mut rng(), &Arrival::https(&made.packet).unwrap(), &[])
}

/// The text of an answer that is encrypted as base64.
pub(crate) fn decrypt(key: &LayerKey, answer: &Answer) -> String {
    assert_eq!(answer.status, 200);
    let sealed = Base64::decode_vec(core::str::from_utf8(&answer.body).unwrap()).unwrap();
    String::from_utf8(key.open(&sealed).unwrap()).unwrap()
}

pub(crate) fn text(answer: &Answer) -> (u16, &str) {
    (answer.status, core::str::from_utf8(&answer.body).unwrap())
}
