//! Ciphers and signatures on their own. Each opener sees the fuzzer's bytes twice: as they are, and
//! as the plaintext of a ciphertext with a right tag.

use curve25519_dalek::montgomery::MontgomeryPoint;
use session_crypto::attachment::{self, Decryptor, FileKey, Key, legacy, picture};
use session_crypto::config::{self, Domain};
use session_crypto::secretstream::{SecretStream, Tag};
use session_crypto::x25519::PreparedPublic;
use session_crypto::{
    Ed25519Public, Ed25519PublicExt as _, Ed25519Secret, Ed25519Signature, SymmetricKey,
    X25519Public, X25519PublicExt as _, X25519Secret, direct, push, sealed_box, xchacha,
};

use crate::input::{Input, rng};

const KEY: [u8; 32] = [3; 32];
static SYMMETRIC: SymmetricKey = SymmetricKey::from_bytes(KEY);

/// Decrypts in pieces of the given lengths.
fn in_pieces(key: &Key, file: &[u8], mut lengths: Input<'_>) -> Option<Vec<u8>> {
    let mut decryptor = Decryptor::new(key);
    let mut out = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let length = match lengths.is_empty() {
            true => rest.len(),
            false => usize::from(lengths.byte()) * 97 + 1,
        };
        let (piece, left) = rest.split_at(length.min(rest.len()));
        decryptor.update(piece, &mut out).ok()?;
        rest = left;
    }
    decryptor.finish(&mut out).ok()?;
    Some(out)
}

/// A file from a stranger, at once and in pieces.
pub fn attachment_open(data: &[u8]) {
    let mut input = Input::new(data);
    let lengths = input.piece();
    let file = input.rest();
    let key = Key::from_bytes(KEY);
    let whole = attachment::decrypt(&key, file).ok();
    let pieces = in_pieces(&key, file, Input::new(lengths));
    assert_eq!(whole.as_deref(), pieces.as_ref());
    let _ = picture::decrypt(&key, file);
    let sealed = picture::encrypt(&mut rng(), &key, file).expect("it is short");
    let opened = picture::decrypt(&key, &sealed).ok();
    // There is no empty picture.
    let expected = Some(file).filter(|file| !file.is_empty());
    assert_eq!(opened.as_ref().map(|picture| picture.as_slice()), expected);
}

/// A stream whose chunks have right tags, and lengths, contents and marks of the fuzzer's choice.
pub fn attachment_inside(data: &[u8]) {
    let mut input = Input::new(data);
    let lengths = input.piece();
    let header = input.array();
    let mut stream = SecretStream::new(&SYMMETRIC, &header);
    let mut file = vec![attachment::MAGIC];
    file.extend_from_slice(&header);
    for _ in 0..4 {
        let tag = Tag::from_byte(input.byte() & 3).expect("0 to 3 are tags");
        let mut chunk = input.piece().to_vec();
        if input.flag() {
            chunk.resize(attachment::CHUNK_LENGTH, 0);
        }
        let (encrypted_tag, mac) = stream.push(tag, &mut chunk).expect("it is short");
        file.push(encrypted_tag);
        file.extend_from_slice(&chunk);
        file.extend_from_slice(&mac);
        if input.is_empty() {
            break;
        }
    }
    let key = Key::from_bytes(KEY);
    let whole = attachment::decrypt(&key, &file).ok();
    let pieces = in_pieces(&key, &file, Input::new(lengths));
    assert_eq!(whole.as_deref(), pieces.as_ref());

    let file_key = FileKey { key, header };
    let content = input.rest();
    let file = attachment::encrypt(&file_key, content).expect("it is short");
    assert_eq!(
        **attachment::decrypt(&file_key.key, &file).expect("ours"),
        *content
    );
}

/// The old form of attachments.
pub fn attachment_legacy(data: &[u8]) {
    let mut input = Input::new(data);
    let keys = legacy::Keys::from_bytes([4; 64]);
    let pad = input.flag();
    let digest = input.array();
    let size = usize::from(input.byte()) * 16;
    let blob = input.rest();
    let _ = legacy::decrypt(&keys, &digest, size, blob);
    if let Ok(made) = legacy::encrypt(&mut rng(), &keys, blob, pad) {
        let opened = legacy::decrypt(&keys, &made.digest, blob.len(), &made.blob);
        assert_eq!(**opened.expect("ours"), *blob);
    }
}

/// Encrypted configs and their padding.
pub fn config_decrypt(data: &[u8]) {
    let domain = Domain::new("UserProfile").expect("it is short");
    let _ = config::decrypt(&SYMMETRIC, domain, data);
    let padded = config::pad(data).expect("it is short");
    // A padded config begins with the first byte that is no zero.
    let start = data
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(data.len());
    assert_eq!(config::unpad(&padded), &data[start..]);
    let sealed = config::encrypt(&SYMMETRIC, domain, data).expect("it is short");
    assert_eq!(
        **config::decrypt(&SYMMETRIC, domain, &sealed).expect("ours"),
        *data
    );
}

/// The Edwards route of Diffie-Hellman, with and without a table, against the Montgomery ladder.
pub fn dh_ladder(data: &[u8]) {
    let mut input = Input::new(data);
    let (secret, peer) = (input.array(), input.array());
    let ladder = MontgomeryPoint(peer).mul_clamped(secret).to_bytes();
    let ladder = Some(ladder).filter(|shared| *shared != [0; 32]);
    let secret = X25519Secret::from_bytes(secret);
    let peer = X25519Public::from_bytes(peer);
    let plain = secret.diffie_hellman(&peer).ok();
    assert_eq!(plain.map(|shared| *shared.expose_bytes()), ladder);
    let prepared = PreparedPublic::new(peer);
    let shared = secret.diffie_hellman_prepared(&prepared).ok();
    assert_eq!(shared.map(|shared| *shared.expose_bytes()), ladder);
    let base = MontgomeryPoint::mul_base_clamped(*secret.expose_bytes());
    assert_eq!(secret.public().as_bytes(), base.as_bytes());
}

/// Signature checks against the strict one of ed25519-dalek, at once and prepared.
pub fn ed25519_verify(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.byte();
    let (mut key, mut signature): ([u8; 32], [u8; 64]) = (input.array(), input.array());
    let message = input.rest();
    if kind & 1 == 1 {
        // A right signature, with some bits flipped.
        let secret = Ed25519Secret::from_seed(&KEY);
        let (public, made) = (secret.public().to_bytes(), secret.sign(message).to_bytes());
        let xor = |place: &mut u8, byte: &u8| *place ^= byte;
        key.iter_mut()
            .zip(&public)
            .for_each(|(place, byte)| xor(place, byte));
        signature
            .iter_mut()
            .zip(&made)
            .for_each(|(place, byte)| xor(place, byte));
    }
    let theirs = ed25519_dalek::VerifyingKey::from_bytes(&key).is_ok_and(|key| {
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        key.verify_strict(message, &signature).is_ok()
    });
    let key = Ed25519Public::from_bytes(key);
    let signature = Ed25519Signature::from_bytes(signature);
    let ours = key.verify(message, &signature).is_ok();
    let prepared = key
        .to_verifying_key()
        .is_ok_and(|key| key.verify(message, &signature).is_ok());
    // Ours refuses at least what theirs refuses; the two ways of ours agree.
    assert!(theirs || !ours);
    assert_eq!(ours, prepared);
    let (front, back) = message.split_at(message.len() / 2);
    assert_eq!(key.verify_parts(&[front, back], &signature).is_ok(), ours);
    // A key of the prime-order subgroup in canonical form leaves no room for another opinion.
    if key.to_x25519().is_ok() {
        assert_eq!(ours, theirs);
    }
}

/// Push payloads.
pub fn push_decrypt(data: &[u8]) {
    let _ = push::decrypt(&SYMMETRIC, data);
    let sealed = xchacha::encrypt(&mut rng(), &SYMMETRIC, data).expect("it is short");
    let opened = push::decrypt(&SYMMETRIC, &sealed).expect("the tag is right");
    assert!(data.starts_with(&opened));
}

/// Sealed boxes, and the signed message inside of one-to-one ciphertexts.
pub fn sealed_box(data: &[u8]) {
    let secret = Ed25519Secret::from_seed(&KEY).to_x25519();
    let public = secret.public();
    let _ = sealed_box::open(&secret, &public, data);
    let _ = direct::open(&secret, &public, data);
    let sealed = sealed_box::seal(&mut rng(), &public, data).expect("the key is good");
    assert_eq!(
        **sealed_box::open(&secret, &public, &sealed).expect("ours"),
        *data
    );
    // Anything but a signed message inside.
    let _ = direct::open(&secret, &public, &sealed);
}

/// XEd25519: what is signed verifies, what is flipped does not.
pub fn xed25519(data: &[u8]) {
    let mut input = Input::new(data);
    let secret = X25519Secret::from_bytes(input.array());
    let (place, flip) = (usize::from(input.byte() % 64), input.byte());
    let key = X25519Public::from_bytes(input.array());
    let stranger = Ed25519Signature::from_bytes(input.array());
    let message = input.rest();
    let _ = session_crypto::xed25519::verify(&key, message, &stranger);
    let positive = key.to_ed25519_positive();
    assert!(!positive.is_negative());
    let signature = session_crypto::xed25519::sign(&mut rng(), &secret, message);
    let public = secret.public();
    assert!(session_crypto::xed25519::verify(&public, message, &signature).is_ok());
    let mut bytes = signature.to_bytes();
    bytes[place] ^= flip;
    let flipped =
        session_crypto::xed25519::verify(&public, message, &Ed25519Signature::from_bytes(bytes));
    assert_eq!(flipped.is_ok(), flip == 0);
}
