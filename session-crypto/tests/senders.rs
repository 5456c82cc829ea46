//! A remembered sender changes how long opening takes, and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_crypto::direct::{self, Senders};
use session_crypto::x25519::PreparedPublic;
use session_crypto::{
    DecryptError, Ed25519PublicExt as _, Ed25519Secret, X25519Public, X25519Secret, sealed_box,
};

struct Bob {
    secret: X25519Secret,
    public: X25519Public,
}

impl Bob {
    fn new() -> Self {
        let secret = X25519Secret::from_bytes([2; 32]);
        let public = secret.public();
        Self { secret, public }
    }

    fn sealed_by(&self, seed: u8, message: &[u8]) -> Vec<u8> {
        let sender = Ed25519Secret::from_seed(&[seed; 32]);
        direct::seal_deterministic(&sender, &self.public, message).unwrap()
    }

    /// Opens in both ways, which must agree.
    fn open(&self, senders: &mut Senders, sealed: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let plain = direct::open(&self.secret, &self.public, sealed);
        let other = direct::open_remembering(senders, &self.secret, &self.public, sealed);
        let parts = |opened: direct::Opened| {
            let message = opened.message.to_vec();
            (opened.sender, opened.sender_x25519, message)
        };
        let (plain, other) = (plain.map(parts), other.map(parts));
        assert_eq!(plain, other);
        plain.map(|(_, _, message)| message)
    }
}

#[test]
fn messages_of_strangers_and_of_acquaintances_open_alike() {
    let (bob, mut senders) = (Bob::new(), Senders::new(10));
    for round in 0..3 {
        for seed in 1..=5 {
            let message = [seed, round];
            let opened = bob.open(&mut senders, &bob.sealed_by(seed, &message));
            assert_eq!(opened.unwrap(), message);
        }
        assert_eq!((senders.len(), senders.is_empty()), (5, false));
    }
}

#[test]
fn an_acquaintance_is_not_trusted_further_than_a_stranger() {
    let (bob, mut senders) = (Bob::new(), Senders::new(10));
    let sealed = bob.sealed_by(1, b"message");
    bob.open(&mut senders, &sealed).unwrap();
    let inner = sealed_box::open(&bob.secret, &bob.public, &sealed).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for bit in 0..8 * inner.len() {
        let mut forged = inner.to_vec();
        forged[bit / 8] ^= 1 << (bit % 8);
        let forged = sealed_box::seal(&mut rng, &bob.public, &forged).unwrap();
        assert!(bob.open(&mut senders, &forged).is_err(), "bit {bit}");
    }
    // What was forged in the name of others is not remembered either.
    assert_eq!(senders.len(), 1);
    for length in 0..sealed.len() {
        assert!(bob.open(&mut senders, &sealed[..length]).is_err());
    }
}

#[test]
fn the_sender_unused_for_longest_makes_way() {
    let (bob, mut senders) = (Bob::new(), Senders::new(2));
    assert!(senders.is_empty());
    // 1 and 2 are known; 1 writes again, so 3 takes the place of 2.
    for seed in [1, 2, 1, 3, 2, 1, 3] {
        bob.open(&mut senders, &bob.sealed_by(seed, b"m")).unwrap();
        assert!((1..=2).contains(&senders.len()));
    }
    let mut nobody = Senders::new(0);
    bob.open(&mut nobody, &bob.sealed_by(1, b"m")).unwrap();
    assert!(nobody.is_empty());
    assert_eq!(
        format!("{senders:?}"),
        "Senders { capacity: 2, len: 2, .. }"
    );
}

#[test]
fn a_prepared_recipient_gets_the_same_bytes() {
    let bob = Bob::new();
    let prepared = PreparedPublic::new(bob.public);
    let sender = Ed25519Secret::from_seed(&[1; 32]);
    let rng = || ChaCha20Rng::seed_from_u64(5);
    assert_eq!(
        direct::seal(&mut rng(), &sender, &prepared, b"message").unwrap(),
        direct::seal(&mut rng(), &sender, &bob.public, b"message").unwrap()
    );
    assert_eq!(
        sealed_box::seal(&mut rng(), &prepared, b"message").unwrap(),
        sealed_box::seal(&mut rng(), &bob.public, b"message").unwrap()
    );
    let nobody = PreparedPublic::new(X25519Public::from_bytes([0; 32]));
    assert!(direct::seal(&mut rng(), &sender, &nobody, b"message").is_err());
}

#[test]
fn what_an_account_sealed_to_itself_opens_alike() {
    let account = Ed25519Secret::from_seed(&[7; 32]);
    let (secret, public) = (account.to_x25519(), account.x25519_public());
    let sealed = direct::seal_deterministic(&account, &public, b"a config").unwrap();
    let own = direct::open_own(&account, &secret, &public, &sealed).unwrap();
    let opened = direct::open(&secret, &public, &sealed).unwrap();
    assert_eq!(own.message, opened.message);
    assert_eq!(own.sender, account.public());
    assert_eq!(own.sender_x25519, opened.sender_x25519);
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(direct::open_own(&account, &secret, &public, &changed).is_err());
        assert!(direct::open_own(&account, &secret, &public, &sealed[..at]).is_err());
    }
    // Another account can seal to this one, but not in its name.
    let other = Ed25519Secret::from_seed(&[8; 32]);
    let foreign = direct::seal_deterministic(&other, &public, b"a config").unwrap();
    assert!(direct::open(&secret, &public, &foreign).is_ok());
    assert!(direct::open_own(&account, &secret, &public, &foreign).is_err());
    let forged = {
        let mut content = b"a config".to_vec();
        content.extend_from_slice(account.public().as_bytes());
        let signature = other.sign_parts(&[&content, public.as_bytes()]);
        content.extend_from_slice(signature.as_bytes());
        let rng = &mut ChaCha20Rng::seed_from_u64(1);
        sealed_box::seal(rng, &public, &content).unwrap()
    };
    assert!(direct::open_own(&account, &secret, &public, &forged).is_err());
}

#[test]
fn the_verifying_key_of_a_pair_is_that_of_its_public_key() {
    let account = Ed25519Secret::from_seed(&[7; 32]);
    let (own, checked) = (
        account.verifying_key(),
        account.public().to_verifying_key().unwrap(),
    );
    assert_eq!(own.public(), checked.public());
    assert_eq!(own.to_x25519().unwrap(), checked.to_x25519().unwrap());
    let signature = account.sign(b"text");
    assert!(own.verify(b"text", &signature).is_ok());
    assert!(own.verify(b"Text", &signature).is_err());
}
