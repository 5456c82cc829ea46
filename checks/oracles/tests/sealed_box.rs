//! Sealed boxes against crypto_box 0.9.1, in both directions.

use crypto_box::aead::OsRng;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use session_crypto::{X25519Secret, sealed_box};

#[test]
fn what_one_seals_the_other_opens() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for length in (0..200).chain([1000, 4096, 65_536, 1_000_000]) {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        let mut message = vec![0; length];
        rng.fill_bytes(&mut message);

        let ours = X25519Secret::from_bytes(secret);
        let theirs = crypto_box::SecretKey::from(secret);
        assert_eq!(ours.public().as_bytes(), theirs.public_key().as_bytes());

        let sealed = sealed_box::seal(&mut rng, &ours.public(), &message).unwrap();
        assert_eq!(theirs.unseal(&sealed).unwrap(), message);
        let sealed = theirs.public_key().seal(&mut OsRng, &message).unwrap();
        assert_eq!(
            *sealed_box::open(&ours, &ours.public(), &sealed).unwrap(),
            message
        );
    }
}

#[test]
fn both_refuse_what_was_changed() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let ours = X25519Secret::from_bytes([7; 32]);
    let theirs = crypto_box::SecretKey::from([7; 32]);
    let sealed = sealed_box::seal(&mut rng, &ours.public(), b"message").unwrap();
    for bit in 0..8 * sealed.len() {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(sealed_box::open(&ours, &ours.public(), &changed).is_err());
        assert!(theirs.unseal(&changed).is_err());
    }
    for length in 0..sealed.len() {
        assert!(sealed_box::open(&ours, &ours.public(), &sealed[..length]).is_err());
        assert!(theirs.unseal(&sealed[..length]).is_err());
    }
}
