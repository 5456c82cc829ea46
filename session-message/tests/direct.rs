//! One-to-one messages and sync copies.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use session_identity::{Account, Seed};
use session_message::content::{
    Call, CallStep, Content, Expiration, GroupUpdate, Id, Kind, Profile, ReadReceipt, Typing,
    Unsend,
};
use session_message::{OpenError, SealError, Sealed, admin, direct, namespace, sync, ttl};
use session_proto::content::ContentError;
use session_proto::envelope::{self, Envelope};
use session_proto::padding;
use session_proto::wire::WireError;

const TIME: u64 = 1_754_971_101_000;

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

fn id(account: &Account) -> Id {
    Id::from_bytes(account.id().to_bytes())
}

fn seal(sender: &Account, recipient: &Account, content: &Content) -> Result<Sealed, SealError> {
    direct::seal(&mut rng(), sender, recipient.id(), content, TIME)
}

/// Any bytes as the content of a one-to-one message.
fn seal_raw(sender: &Account, recipient: &Account, raw: &[u8], time: u64) -> Vec<u8> {
    let mut padded = raw.to_vec();
    padding::pad(&mut padded);
    seal_padded(sender, recipient, &padded, time)
}

fn seal_padded(sender: &Account, recipient: &Account, padded: &[u8], time: u64) -> Vec<u8> {
    let to = recipient.x25519_public();
    let sealed = session_crypto::direct::encrypt(&mut rng(), sender.ed25519(), &to, padded);
    let sealed = sealed.unwrap();
    let envelope = Envelope::new(envelope::EnvelopeKind::Session, time, &sealed, &[0; 64]);
    envelope::wrap(&envelope.encode())
}

#[test]
fn what_is_sealed_opens_with_sender_time_and_content() {
    let (alice, bob) = (account(1), account(2));
    let content = Content::text("hello").with_profile(Profile::named("Alice"));
    let sealed = seal(&alice, &bob, &content).unwrap();
    assert_eq!(sealed.namespace, namespace::DEFAULT);
    assert_eq!(sealed.ttl_ms, ttl::DEFAULT_MS);
    let opened = direct::open(&bob, &sealed.data).unwrap();
    assert_eq!(opened.sender, *alice.id());
    assert_eq!(opened.sender_ed25519, alice.ed25519_public());
    assert_eq!(opened.sent_ms, TIME);
    assert!(opened.is_time_signed);
    assert_eq!(opened.content, content);
    assert_eq!(opened.pro, None);
    assert_eq!(opened.conversation(), id(&alice));
    assert_eq!(*opened.raw, content.encode(TIME, None).unwrap());
}
