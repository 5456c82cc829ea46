//! Version 2 one-to-one messages, as accounts exchange them.
#![cfg(feature = "v2")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_identity::{Account, Seed};
use session_message::content::Content;
use session_message::v2::layer;
use session_message::v2::{AccountKeys, Format, KeySeed};
use session_message::{Disposition, OpenError, Opener, SealError, Sealer, UnixMillis};

const NOW: UnixMillis = UnixMillis::new(1_754_971_101_000);

fn account(byte: u8) -> Account {
    Account::from_seed(&Seed::try_from([byte; 16].as_slice()).unwrap())
}

fn keys(byte: u8) -> AccountKeys {
    AccountKeys::from_seed(&KeySeed::from_bytes([byte; 32]))
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// Every sender with every reader: old and new clients, with and without published keys.
#[test]
fn all_generations_read_each_other() {
    let (alice, bob) = (account(1), account(2));
    let current = keys(1);
    let formats = [
        Format::V1,
        Format::V2WithoutKeys,
        Format::V2(current.public()),
    ];
    for (number, format) in formats.into_iter().enumerate() {
        let content = Content::text("hello");
        let sealed = Sealer::new(&alice)
            .seal_direct_as(&mut rng(), bob.id(), &content, NOW, format)
            .unwrap();
        let mut opener = Opener::new(&bob);
        opener.set_account_keys([keys(3), keys(1), keys(2)]);
        let opened = opener.open_direct(&sealed.data).unwrap();
        assert_eq!(opened.sender, *alice.id());
        assert_eq!(opened.content.as_text(), Some("hello"));
        assert_eq!(opened.sent_at, NOW);
        assert_eq!(opened.has_forward_secrecy, number == 2);

        let copy = Sealer::new(&bob)
            .seal_copy_as(&mut rng(), alice.id(), &content, NOW, format)
            .unwrap();
        let copy = opener.open_direct(&copy.data).unwrap();
        assert_eq!(copy.conversation, alice.id().into());
        // The same message in another format has the same key.
        let v1 = Sealer::new(&bob)
            .seal_copy(&mut rng(), alice.id(), &content, NOW)
            .unwrap();
        assert_eq!(opener.open_direct(&v1.data).unwrap().key(), copy.key());
    }
}

/// A thief of all of today's keys does not open the messages of yesterday.
#[test]
fn old_messages_do_not_open_with_the_keys_of_today() {
    let (alice, bob) = (account(1), account(2));
    let yesterday = keys(1);
    let content = Content::text("hello");
    let format = Format::V2(yesterday.public());
    let sealed = Sealer::new(&alice)
        .seal_direct_as(&mut rng(), bob.id(), &content, NOW, format)
        .unwrap();
    let mut thief = Opener::new(&bob);
    thief.set_account_keys((2..20).map(keys));
    let error = thief.open_direct(&sealed.data).unwrap_err();
    assert_eq!(error, OpenError::NoAccountKey);
    assert_eq!(error.disposition(), Disposition::TryAgainLater);
    thief.set_account_keys([keys(1)]);
    assert!(thief.open_direct(&sealed.data).is_ok());
}

#[test]
fn a_message_without_a_time_is_rejected() {
    let (alice, bob) = (account(1), account(2));
    let mut content = Content::text("hello").encode(NOW, None).unwrap();
    // Without its last field, the time.
    let length = content.len();
    let with_time = layer::seal(&mut rng(), alice.ed25519(), bob.id(), None, &content, None);
    assert!(Opener::new(&bob).open_direct(&with_time.unwrap()).is_ok());
    content.truncate(length - 7);
    let sealed = layer::seal(&mut rng(), alice.ed25519(), bob.id(), None, &content, None).unwrap();
    let error = Opener::new(&bob).open_direct(&sealed).unwrap_err();
    assert_eq!(error, OpenError::NoTime);
    assert_eq!(error.disposition(), Disposition::Drop);
}

#[test]
fn the_rules_of_one_to_one_messages_hold() {
    let (alice, bob) = (account(1), account(2));
    let sealer = Sealer::new(&alice);
    let mut copy = Content::text("hello");
    copy.sync_target = Some(bob.id().into());
    let error = sealer
        .seal_direct_as(&mut rng(), bob.id(), &copy, NOW, Format::V2WithoutKeys)
        .unwrap_err();
    assert!(matches!(error, SealError::Author(_)), "{error}");
    // A client that does not keep to it is not believed.
    let forged = copy.encode(NOW, None).unwrap();
    let sealed = layer::seal(&mut rng(), alice.ed25519(), bob.id(), None, &forged, None).unwrap();
    let error = Opener::new(&bob).open_direct(&sealed).unwrap_err();
    assert!(matches!(error, OpenError::Author(_)), "{error}");
}

#[test]
fn other_versions_are_kept_for_a_newer_program() {
    let mut opener = Opener::new(account(2));
    for data in [&[0, 3][..], &[0], &[0; 1536], &[0, 1, 2]] {
        let error = opener.open_direct(data).unwrap_err();
        assert_eq!(error, OpenError::Version);
        assert_eq!(error.disposition(), Disposition::KeepForNewerVersion);
    }
    // Version 2, but too short.
    let error = opener.open_direct(&[0, 2, 0]).unwrap_err();
    assert!(matches!(error, OpenError::Decrypt(_)));
}
