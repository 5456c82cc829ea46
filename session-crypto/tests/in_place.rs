//! Opening in place and into a new buffer agree, and a rejected buffer stays unchanged.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use core::fmt::Debug;

use session_crypto::config::{self, Domain};
use session_crypto::{
    DecryptError, Ed25519Secret, SymmetricKey, X25519Secret, direct, group, sealed_box, xchacha,
};
use testkit::rng;

/// Compares two ways to open `sealed`, and what is one bit away from it or shorter.
fn check<T: Debug + PartialEq>(
    sealed: &[u8],
    open: impl Fn(&[u8]) -> Result<T, DecryptError>,
    open_in_place: impl Fn(&mut [u8]) -> Result<T, DecryptError>,
) {
    assert_eq!(
        open_in_place(&mut sealed.to_vec()).unwrap(),
        open(sealed).unwrap()
    );
    let flipped = (0..8 * sealed.len()).map(|bit| {
        let mut changed = sealed.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    });
    let cut = (0..sealed.len()).map(|length| sealed[..length].to_vec());
    for changed in flipped.chain(cut) {
        let mut buffer = changed.clone();
        assert_eq!(open_in_place(&mut buffer), Err(DecryptError));
        assert_eq!(buffer, changed);
        assert_eq!(open(&changed), Err(DecryptError));
    }
}

fn key(byte: u8) -> SymmetricKey {
    SymmetricKey::from_bytes([byte; 32])
}

const CONTENTS: [&[u8]; 3] = [b"", b"m", &[7; 100]];

#[test]
fn the_plain_form() {
    let key = key(1);
    for content in CONTENTS {
        check(
            &xchacha::encrypt(&mut rng(), &key, content).unwrap(),
            |sealed| Ok(xchacha::decrypt(&key, sealed)?.to_vec()),
            |buffer| Ok(xchacha::decrypt_in_place(&key, buffer)?.to_vec()),
        );
    }
}

#[test]
fn group_messages() {
    let keys = [1, 2, 3].map(key);
    for content in CONTENTS {
        for multiple in [0, 64] {
            check(
                &group::encrypt(&mut rng(), &keys[1], content, multiple).unwrap(),
                |sealed| {
                    let opened = group::decrypt(&keys, sealed)?;
                    assert_eq!(*opened.content, content);
                    Ok((opened.key_index, opened.content.to_vec()))
                },
                |buffer| {
                    let opened = group::decrypt_in_place(&keys, buffer)?;
                    Ok((opened.key_index, opened.content.to_vec()))
                },
            );
        }
    }
}

#[test]
fn configs() {
    let domain = Domain::new("Contacts").unwrap();
    for content in CONTENTS {
        check(
            &config::encrypt(&key(1), domain, content).unwrap(),
            |sealed| Ok(config::decrypt(&key(1), domain, sealed)?.to_vec()),
            |buffer| Ok(config::decrypt_in_place(&key(1), domain, buffer)?.to_vec()),
        );
    }
}

#[test]
fn sealed_boxes_and_one_to_one_messages() {
    let secret = X25519Secret::from_bytes([2; 32]);
    let public = secret.public();
    let sender = Ed25519Secret::from_seed(&[1; 32]);
    for content in &CONTENTS[..2] {
        check(
            &sealed_box::seal(&mut rng(), &public, content).unwrap(),
            |sealed| Ok(sealed_box::open(&secret, &public, sealed)?.to_vec()),
            |buffer| Ok(sealed_box::open_in_place(&secret, &public, buffer)?.to_vec()),
        );
        check(
            &direct::seal(&mut rng(), &sender, &public, content).unwrap(),
            |sealed| {
                let opened = direct::open(&secret, &public, sealed)?;
                assert_eq!(opened.message.as_slice(), *content);
                Ok((opened.sender, opened.sender_x25519, opened.message.to_vec()))
            },
            |buffer| {
                let opened = direct::open_in_place(&secret, &public, buffer)?;
                Ok((opened.sender, opened.sender_x25519, opened.message.to_vec()))
            },
        );
    }
}

#[test]
fn a_box_with_a_forged_sender_is_refused_in_place() {
    let secret = X25519Secret::from_bytes([2; 32]);
    let public = secret.public();
    let sender = Ed25519Secret::from_seed(&[1; 32]);
    let sealed = direct::seal(&mut rng(), &sender, &public, b"message").unwrap();
    let inner = sealed_box::open(&secret, &public, &sealed).unwrap();
    for byte in 0..inner.len() {
        let mut inner = inner.to_vec();
        inner[byte] ^= 1;
        let mut sealed = sealed_box::seal(&mut rng(), &public, &inner).unwrap();
        let refused = direct::open_in_place(&secret, &public, &mut sealed);
        assert_eq!(refused.err(), Some(DecryptError), "byte {byte}");
    }
}
