//! Ids: accepted and rejected forms.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs
)]

use proptest::prelude::*;
use session_crypto::Ed25519PublicExt;
use session_crypto::{Ed25519Public, KeyError, X25519Public};
use session_identity::AccountIdExt;
use session_identity::blinded::MatchError;
use session_identity::{
    AccountId, AnyId, BlindedId15, BlindedId25, GroupId, IdError, UnblindedId, VersionId,
};

const TEXT: &str = "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72";
const KNOWN: [u8; 6] = [0x00, 0x03, 0x05, 0x07, 0x15, 0x25];

#[test]
fn both_cases_of_hex_are_read_and_lower_case_is_written() {
    let id: AccountId = TEXT.parse().unwrap();
    assert_eq!(TEXT.to_uppercase().parse(), Ok(id));
    assert_eq!(id.to_string(), TEXT);
    assert_eq!(format!("{id:?}"), format!("AccountId({TEXT})"));
}

#[test]
fn text_of_another_length_is_rejected() {
    let (short, long) = (&TEXT[..65], format!("{TEXT}0"));
    for (text, got) in [(short, 65), (&long, 67), ("", 0), (&TEXT[2..], 64)] {
        assert_eq!(text.parse::<AccountId>(), Err(IdError::TextLength { got }));
        assert_eq!(text.parse::<AnyId>(), Err(IdError::TextLength { got }));
    }
    // Nothing is trimmed.
    let spaced = format!(" {TEXT} ");
    assert!(spaced.parse::<AccountId>().is_err());
}

#[test]
fn text_that_is_not_hex_is_rejected() {
    let with = |at: usize, piece: &str| {
        let mut text = TEXT.to_owned();
        text.replace_range(at..at + piece.len(), piece);
        text.parse::<AccountId>()
    };
    for (at, piece) in [
        (0, "g"),
        (65, "x"),
        (30, " "),
        (30, "é"),
        (0, "0x"),
        (2, "+"),
    ] {
        assert_eq!(with(at, piece), Err(IdError::NotHex), "{piece} at {at}");
    }
}

#[test]
fn bytes_of_another_length_are_rejected() {
    for got in [0, 32, 34, 66] {
        let bytes = vec![5; got];
        assert_eq!(
            AccountId::try_from(bytes.as_slice()),
            Err(IdError::Length { got })
        );
        assert_eq!(
            AnyId::try_from(bytes.as_slice()),
            Err(IdError::Length { got })
        );
    }
}

#[test]
fn each_type_takes_its_own_prefix_only() {
    fn taken<T: for<'a> TryFrom<&'a [u8], Error = IdError>>(expected: u8) {
        for got in 0..=u8::MAX {
            let mut bytes = [7; 33];
            bytes[0] = got;
            match T::try_from(&bytes) {
                Ok(_) => assert_eq!(got, expected),
                Err(error) => {
                    assert_ne!(got, expected);
                    assert_eq!(error, IdError::Prefix { expected, got });
                }
            }
        }
    }
    taken::<AccountId>(0x05);
    taken::<GroupId>(0x03);
    taken::<BlindedId15>(0x15);
    taken::<BlindedId25>(0x25);
    taken::<UnblindedId>(0x00);
    taken::<VersionId>(0x07);
}

#[test]
fn any_id_has_the_kind_of_its_prefix() {
    for got in 0..=u8::MAX {
        let mut bytes = [7; 33];
        bytes[0] = got;
        match AnyId::from_bytes(bytes).kind() {
            Ok(kind) => {
                let id = AnyId::from(kind);
                assert!(KNOWN.contains(&got));
                assert_eq!(id.prefix(), got);
                assert_eq!(id.to_bytes(), bytes);
                assert_eq!(id.x25519().is_some(), got == 0x05);
                assert_eq!(id.ed25519().is_some(), got != 0x05);
            }
            Err(error) => {
                assert!(!KNOWN.contains(&got));
                assert_eq!(error, IdError::UnknownPrefix { got });
            }
        }
    }
}

#[test]
fn any_id_becomes_the_kind_it_is_and_no_other() {
    let id: AnyId = TEXT.parse().unwrap();
    assert_eq!(AccountId::try_from(id), TEXT.parse());
    let (expected, got) = (0x03, 0x05);
    assert_eq!(
        GroupId::try_from(id),
        Err(IdError::Prefix { expected, got })
    );
}

#[test]
fn keys_that_cannot_be_used_fail_the_check() {
    let group = |key| {
        GroupId::from_ed25519(&Ed25519Public::from_bytes(key))
            .ed25519()
            .to_x25519()
            .map(|_| ())
    };
    // The identity, in canonical form and not, and a y-coordinate above p.
    let mut one = [0; 32];
    one[0] = 1;
    assert_eq!(group(one), Err(KeyError::NotPrimeOrder));
    let mut twisted = one;
    twisted[31] = 0x80;
    assert!(group(twisted).is_err());
    assert_eq!(group([0xff; 32]), Err(KeyError::NotAPoint));
    // No x-coordinate goes with y = 2.
    let mut two = [0; 32];
    two[0] = 2;
    assert_eq!(group(two), Err(KeyError::NotAPoint));

    let account = |key| AccountId::from_x25519(&X25519Public::from_bytes(key));
    assert!(account([0; 32]).check().is_err());
    let good: AccountId = TEXT.parse().unwrap();
    assert_eq!(good.check(), Ok(()));
}

#[test]
fn only_blinded_ids_are_matched() {
    let account: AccountId = TEXT.parse().unwrap();
    let server = X25519Public::from_bytes([9; 32]);
    for prefix in [0x00, 0x03, 0x05, 0x07] {
        let mut bytes = account.to_bytes();
        bytes[0] = prefix;
        let id = AnyId::from_bytes(bytes);
        assert_eq!(
            account.matches(&id, &server),
            Err(MatchError::NotBlinded { prefix })
        );
    }
}

proptest! {
    #[test]
    fn text_and_bytes_of_every_id_come_back(prefix in prop::sample::select(&KNOWN), key: [u8; 32]) {
        let mut bytes = [prefix; 33];
        bytes[1..].copy_from_slice(&key);
        let id = AnyId::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(id.to_string().len(), 66);
        prop_assert_eq!(AnyId::try_from(id.as_bytes().as_slice()), Ok(id));
        prop_assert_eq!(id.key_bytes(), &key);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,70}", bytes in prop::collection::vec(any::<u8>(), 0..70)) {
        let _ = text.parse::<AnyId>();
        let _ = text.parse::<AccountId>();
        let _ = AnyId::try_from(bytes.as_slice());
    }
}
