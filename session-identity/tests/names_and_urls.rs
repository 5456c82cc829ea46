//! Names and community URLs: accepted and rejected forms.
#![allow(clippy::unwrap_used, missing_docs)]

use core::hash::BuildHasher;
use std::hash::RandomState;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use session_identity::AccountId;
use session_identity::community::{BaseUrl, Community, Link, Room, UrlError, parse_key};
use session_identity::name::{Name, NameError};
use session_identity::session_types::base32z;

const ID: &str = "05d2ad010eeb72d72e561d9de7bd7b6989af77dcabffa03a5111a6c859ae5c3a72";

fn id() -> AccountId {
    ID.parse().unwrap()
}

#[test]
fn valid_names_are_read_in_lower_case() {
    let longest = "a".repeat(64);
    for text in [
        "Hello",
        "1Hello",
        "1Hello1",
        "_Hello1",
        "1Hello_",
        "_Hello_",
        "999",
        "xn--tda",
        "xn--Mnchen-Ost-9db",
        "a",
        "_",
        &longest,
    ] {
        let name: Name = text.parse().unwrap();
        assert_eq!(name.as_str(), text.to_lowercase());
        assert_eq!(name.to_string(), text.to_lowercase());
        assert_eq!(format!("{name:?}"), format!("Name({name})"));
        let lower = Name::from_lower_case(name.as_str()).unwrap();
        assert_eq!(name.hash(), lower.hash());
        assert_eq!(Name::from_lower_case(text).is_ok(), name.as_str() == text);
    }
}

#[test]
fn invalid_names_are_refused_with_the_reason() {
    let long = "a".repeat(65);
    for (text, error) in [
        ("", NameError::Length { got: 0 }),
        (&long, NameError::Length { got: 65 }),
        ("-", NameError::Hyphen),
        ("-a", NameError::Hyphen),
        ("a-", NameError::Hyphen),
        ("@", NameError::Character),
        ("'Hello", NameError::Character),
        ("@Hello", NameError::Character),
        ("[Hello", NameError::Character),
        ("]Hello", NameError::Character),
        ("Hello ", NameError::Character),
        (" Hello", NameError::Character),
        ("Hello World", NameError::Character),
        ("Hello\\ World", NameError::Character),
        ("\"hello\"", NameError::Character),
        ("hello.loki", NameError::Character),
        ("müller", NameError::Character),
        ("a\0", NameError::Character),
    ] {
        assert_eq!(text.parse::<Name>(), Err(error), "{text}");
    }
    assert_eq!(Name::from_lower_case("Test"), Err(NameError::UpperCase));
}

#[test]
fn the_vector_of_the_specification_opens() {
    let name: Name = "Test".parse().unwrap();
    assert_eq!(
        name.hash_base64(),
        "kosgNmlD4q/RHrwOri5TqTvxd6T881vMZNUDcE5l4gI="
    );
    let nonce = const_hex::decode("00112233445566778899aabbccddeeff00ffeeddccbbaa99").unwrap();
    let value = const_hex::decode(
        "3575802dd9bfea72672a208840f37ca289ceade5d3ffacabe2d231f109d20432\
         9fc33e28c331580d9a8c9b8a64cacfec97",
    )
    .unwrap();
    assert_eq!(name.open(&value, &nonce), Ok(id()));
    assert!(name.open(b"invalid", &nonce).is_err());
    assert!(name.open(&value, b"invalid").is_err());
}

#[test]
fn every_changed_bit_of_a_record_is_noticed() {
    let name: Name = "test".parse().unwrap();
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (value, nonce) = name.seal(&mut rng, &id());
    assert_eq!(name.open(&value, &nonce), Ok(id()));
    for bit in 0..value.len() * 8 {
        let mut changed = value;
        if let Some(byte) = changed.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        assert!(name.open(&changed, &nonce).is_err());
    }
    let other: Name = "test2".parse().unwrap();
    assert!(other.open(&value, &nonce).is_err());
}

#[cfg(feature = "legacy-names")]
#[test]
fn an_old_record_opens_and_a_wrong_length_costs_nothing() {
    let name: Name = "test".parse().unwrap();
    let value = const_hex::decode(
        "dbd4bc89bd2c9e5322fd9f4cadcaa66a0c38f15d0c927a86cc36e895fe1f3c53\
         2a3958d972563f52ca858e94eec22dc360",
    )
    .unwrap();
    assert_eq!(name.open_legacy(&value), Ok(id()));
    for length in [0, 15, 16, 48, 50] {
        assert!(name.open_legacy(&vec![0; length]).is_err());
    }
}

#[test]
fn an_id_of_another_kind_behind_a_name_is_rejected() {
    // As the name service would never store it: a group's id, correctly encrypted.
    use session_crypto::{Blake2b, SymmetricKey, xchacha};
    let name: Name = "test".parse().unwrap();
    let key = Blake2b::<32>::keyed(&name.hash()).chain(b"test").finalize();
    let key = SymmetricKey::from_bytes(key);
    let open = |prefix: u8| {
        let mut value = id().to_bytes();
        value[0] = prefix;
        let tag = xchacha::encrypt_detached(&key, &[7; 24], &mut value).unwrap();
        name.open(&[value.as_slice(), &tag].concat(), &[7; 24])
    };
    assert_eq!(open(0x05), Ok(id()));
    assert!(open(0x03).is_err());
}

const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn the_urls_of_the_specification_are_one_room() {
    let upper = KEY.to_uppercase();
    let base64 = "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8";
    let base32z = "yrtwk3hjixg66yjdeiuauk6p7hy1gtm8tgih55abrpnsxnpm3zzo";
    let https = "https://example.com";
    let http = "http://example.com";
    for (url, key, base) in [
        ("https://example.com/SomeRoom", KEY, https),
        ("HTTPS://EXAMPLE.COM/sOMErOOM", upper.as_str(), https),
        ("HTTPS://EXAMPLE.COM/r/someroom", KEY, https),
        ("http://example.com/r/someroom", KEY, http),
        ("HTTPS://EXAMPLE.com:443/r/someroom", KEY, https),
        ("HTTP://EXAMPLE.com:80/r/someroom", KEY, http),
        ("http://example.com:80/r/someroom", base64, http),
        ("http://example.com:80/r/someroom", base32z, http),
        ("http://example.com:0/r/someroom", KEY, http),
        ("http://example.com:0080/r/someroom", KEY, http),
    ] {
        let community: Community = format!("{url}?public_key={key}").parse().unwrap();
        assert_eq!(community.base.as_str(), base);
        assert_eq!(format!("{:?}", community.base), format!("BaseUrl({base})"));
        assert_eq!(community.room.id(), "someroom");
        assert_eq!(const_hex::encode(community.key.as_bytes()), KEY);
    }
}

#[test]
fn urls_are_refused_with_the_reason() {
    let base = |text: &str| text.parse::<BaseUrl>().unwrap_err();
    for text in [
        "example.com",
        "ftp://example.com",
        "://example.com",
        "",
        "https:/example.com",
    ] {
        assert_eq!(base(text), UrlError::Scheme, "{text}");
    }
    for text in [
        "https://localhost",
        "https://a.b",
        "https://.example",
        "https://example.",
        "https://exam..ple",
        "https://exam_ple.com",
        "https://user@example.com",
        "https://example.com!x",
        "https://exämple.com",
        "https://[::1.2]",
        "https://",
    ] {
        assert!(
            matches!(base(text), UrlError::Host | UrlError::Port),
            "{text}"
        );
    }
    for text in [
        "https://example.com:",
        "https://example.com:65536",
        "https://example.com:+80",
    ] {
        assert_eq!(base(text), UrlError::Port, "{text}");
    }
    for text in [
        "https://example.com/x",
        "https://example.com//",
        "https://example.com:80x",
    ] {
        assert_eq!(base(text), UrlError::Path, "{text}");
    }
    let long = format!("https://{}.com", "a".repeat(260));
    assert_eq!(base(&long), UrlError::Length { got: 272 });

    let link = |text: &str| text.parse::<Link>().unwrap_err();
    for text in ["", "room", "https://example.com", "http://example.com"] {
        assert_eq!(link(text), UrlError::NoRoom, "{text}");
    }
    let community = |text: &str| text.parse::<Community>().unwrap_err();
    assert_eq!(community("https://example.com/room"), UrlError::NoKey);
    let url = format!("https://example.com/r/no room?public_key={KEY}");
    assert_eq!(community(&url), UrlError::Room);
    let url = format!("https://example.com/room?PUBLIC_KEY={KEY}");
    assert_eq!(community(&url), UrlError::NoKey);
}

#[test]
fn rooms_are_the_same_in_either_case_and_keep_their_spelling() {
    let (one, two): (Room, Room) = ("SomeRoom".parse().unwrap(), "someroom".parse().unwrap());
    assert_eq!(one, two);
    let other: Room = "other".parse().unwrap();
    assert_ne!(one, other);
    let state = RandomState::new();
    assert_eq!(state.hash_one(&one), state.hash_one(&two));
    assert_ne!(state.hash_one(&one), state.hash_one(&other));
    assert_eq!((one.as_typed(), two.as_typed()), ("SomeRoom", "someroom"));
    let long = "r".repeat(65);
    for text in ["", "a b", "a/b", "ä", "a.b", &long] {
        assert_eq!(text.parse::<Room>(), Err(UrlError::Room));
    }
}

#[test]
fn keys_with_unused_bits_or_other_forms_are_rejected() {
    let base64 = "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8";
    let base32z = "yrtwk3hjixg66yjdeiuauk6p7hy1gtm8tgih55abrpnsxnpm3zzo";
    let key = parse_key(KEY).unwrap();
    for text in [base64, &format!("{base64}="), base32z] {
        assert_eq!(parse_key(text), Ok(key));
    }
    // The last digit carries two bits too many in base64, four in z-base-32.
    let other_end = |text: &str, end: &str| {
        let mut text = text.to_owned();
        text.pop();
        text + end
    };
    for text in [
        other_end(base64, "9"),
        other_end(base64, "+"),
        other_end(base32z, "y") + "y",
        other_end(base32z, "n"),
        base32z.to_uppercase(),
        base64.replace('8', "-"),
        format!("{base64}A"),
        format!("0x{}", "0".repeat(62)),
        String::new(),
    ] {
        assert_eq!(parse_key(&text), Err(UrlError::Key), "{text}");
    }
}

#[test]
fn the_longest_url_has_the_length_of_its_limit() {
    let labels = [
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(61),
    ];
    let url = format!(
        "https://{}:65535/r/{}?public_key={KEY}",
        labels.join("."),
        "r".repeat(64)
    );
    assert_eq!(url.len(), session_identity::community::MAX_URL_LENGTH);
    let community: Community = url.parse().unwrap();
    assert_eq!(community.base.as_str().len(), 267);
    assert_eq!(community.to_string().len(), 408);
}

proptest! {
    #[test]
    fn base32z_keys_come_back(key: [u8; 32]) {
        let text = base32z::encode(&key);
        prop_assert_eq!(text.len(), 52);
        prop_assert_eq!(parse_key(&text).unwrap().to_bytes(), key);
    }

    #[test]
    fn names_come_back(text in "[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?", seed: [u8; 32]) {
        let name: Name = text.parse().unwrap();
        let (value, nonce) = name.seal(&mut ChaCha20Rng::from_seed(seed), &id());
        prop_assert_eq!(name.open(&value, &nonce), Ok(id()));
    }

    #[test]
    fn communities_come_back(
        host in "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,20}){1,3}",
        port in 1u16..,
        room in "[A-Za-z0-9_-]{1,64}",
        key: [u8; 32],
    ) {
        prop_assume!(host.len() >= 4);
        let key = const_hex::encode(key);
        let url = format!("https://{host}:{port}/r/{room}?public_key={key}");
        let community: Community = url.parse().unwrap();
        prop_assert_eq!(community.to_string().parse(), Ok(community));
    }

    #[test]
    fn no_text_panics(text in "\\PC*", tail in "\\PC*") {
        let _ = text.parse::<Name>();
        let _ = text.parse::<Link>();
        let _ = format!("https://{text}/r/{tail}").parse::<Community>();
        let _ = format!("https://example.com/{text}?public_key={tail}").parse::<Community>();
    }
}
