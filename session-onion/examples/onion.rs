//! Builds an onion by hand, layer by layer, compares it with that of `client::seal`, and peels it.
//!
//! ```text
//! cargo run -p session-onion --example onion
//! ```
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::panic)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::{Ed25519Secret, X25519Public, X25519Secret};
use session_onion::client::{Hop, Request, seal};
use session_onion::node::{Arrival, Node, Peeled};
use session_onion::{Cipher, LayerKey};

type Error = Box<dyn core::error::Error>;

/// Encodes length, blob and JSON.
fn frame(blob: &[u8], json: &str) -> Result<Vec<u8>, Error> {
    let length = u32::try_from(blob.len())?.to_le_bytes();
    Ok([length.as_slice(), blob, json.as_bytes()].concat())
}

/// Encrypts a layer to a key. Returns the ephemeral public key and the ciphertext.
fn layer(
    rng: &mut ChaCha20Rng,
    to: &X25519Public,
    plaintext: &[u8],
) -> Result<(X25519Public, Vec<u8>), Error> {
    let ephemeral = X25519Secret::generate(rng);
    let public = ephemeral.public();
    let key = LayerKey::for_client(Cipher::XChaCha20, &ephemeral, &public, to)?;
    Ok((public, key.seal(rng, plaintext)?))
}

fn main() -> Result<(), Error> {
    // Guard, relay, and the node that answers. Their Ed25519 keys are public.
    let secrets = [1, 2, 3].map(|seed| Ed25519Secret::from_seed(&[seed; 32]));
    let nodes = secrets.map(|secret| Node::new(secret.public(), secret.to_x25519()));
    let [guard, relay, last] = &nodes;
    let body = br#"{"method":"info","params":{}}"#;
    let hex = |bytes: &[u8; 32]| const_hex::encode(bytes);

    // From the inside out, with fixed randomness to compare. In production, use the operating system's
    // generator.
    let rng = &mut ChaCha20Rng::from_seed([7; 32]);
    let plain = frame(body, r#"{"headers":""}"#)?;
    println!("for the last node  {:>4} bytes", plain.len());
    let (mut ephemeral, mut blob) = layer(rng, last.x25519(), &plain)?;
    for (node, next) in [(relay, last), (guard, relay)] {
        let json = format!(
            r#"{{"destination":"{}","enc_type":"xchacha20","ephemeral_key":"{}"}}"#,
            hex(next.ed25519().as_bytes()),
            hex(ephemeral.as_bytes()),
        );
        let plain = frame(&blob, &json)?;
        println!(
            "for a relay        {:>4} bytes, which end in {json}",
            plain.len()
        );
        (ephemeral, blob) = layer(rng, node.x25519(), &plain)?;
    }
    let key = hex(ephemeral.as_bytes());
    let json = format!(r#"{{"enc_type":"xchacha20","ephemeral_key":"{key}"}}"#);
    let packet = frame(&blob, &json)?;
    println!("the packet         {:>4} bytes", packet.len());

    // One call with the same randomness makes the same bytes.
    let hops = [guard, relay].map(|node| Hop::new(*node.ed25519(), *node.x25519()));
    let to = Hop::new(*last.ed25519(), *last.x25519());
    let rng = &mut ChaCha20Rng::from_seed([7; 32]);
    let sealed = seal(rng, &hops, &Request::storage(&to, body))?;
    assert_eq!(sealed.packet, packet);

    // Each node opens its layer and finds the next node, or the request.
    let Peeled::Relay(first) = guard.peel(rng, &Arrival::https(&packet)?, &[])? else {
        panic!("the guard is no destination");
    };
    assert_eq!(first.next, *relay.ed25519());
    let message = first.message();
    println!("guard to relay     {:>4} bytes", message.len());
    let Peeled::Relay(second) = relay.peel(rng, &Arrival::node(&message)?, &[])? else {
        panic!("the relay is no destination");
    };
    let message = second.message();
    println!("relay to last      {:>4} bytes", message.len());
    let Peeled::Deliver(request) = last.peel(rng, &Arrival::node(&message)?, &[])? else {
        panic!("the last node is the destination");
    };
    assert_eq!(request.body, body);
    println!(
        "delivered          {}",
        String::from_utf8_lossy(&request.body)
    );
    Ok(())
}
