//! Recovery phrases: the vectors of the protocol, the mistakes people make, and every language.
#![cfg(feature = "english")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

#[cfg(feature = "all-languages")]
mod all_languages;
#[cfg(feature = "all-languages")]
mod vectors;
#[cfg(feature = "all-languages")]
mod written;

use proptest::prelude::*;
use session_identity::phrase::{self, decode, decode_without_checksum, encode};
use session_identity::{Account, Language, PhraseError, Seed};

const EN: Language = Language::English;
const EN_16: &str =
    "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted faxed faxed";
const EN_32: &str = "amaze buffet cake entrance symptoms tiger lamb maze nestle python dusted \
    faxed update vague zinger boxes ornament renting glass gained island nabbing afield calamity \
    boxes";

fn counting<const LENGTH: usize>() -> [u8; LENGTH] {
    core::array::from_fn(|index| u8::try_from(index).unwrap())
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// The phrase with the word at `index` replaced.
fn with_word(phrase: &str, index: usize, word: &str) -> String {
    let mut words = words(phrase);
    words[index] = word;
    words.join(" ")
}

fn decoded(text: &str) -> Vec<u8> {
    decode(text, EN).unwrap().to_vec()
}

#[test]
fn english_vectors_hold_both_ways() {
    let cases: [(&[u8], &str); 4] = [
        (&counting::<16>(), EN_16),
        (&counting::<32>(), EN_32),
        (&[0; 16], &["abbey"; 13].join(" ")),
        (
            &[0xff; 16],
            "foamy solved soggy foamy solved soggy foamy solved soggy foamy solved soggy solved",
        ),
    ];
    for (bytes, text) in cases {
        assert_eq!(*encode(bytes, EN).unwrap(), text);
        assert_eq!(decoded(text), bytes);
        let seed = Seed::try_from(bytes).unwrap();
        assert_eq!(*seed.to_phrase(EN), text);
        assert_eq!(Seed::from_phrase(text, EN).unwrap().expose_bytes(), bytes);
    }
    // 1443 + 1626 * 363 + 1626^2 * 25, little-endian.
    let bytes = [0x45, 0x96, 0xf9, 0x03];
    let text = phrase::encode_without_checksum(&bytes, EN).unwrap();
    assert_eq!(*text, "ugly birth buckets");
    assert_eq!(*decode_without_checksum(&text, EN).unwrap(), bytes);
}

#[test]
fn only_the_first_letters_of_a_word_count() {
    let cut = "ama buf cak ent sym tig lam maz nes pyt dus fax fax";
    let typos = "amazing buffalo cakewalk entropy symbol tigger lambda mazurka nestling pythons \
        dustpan faxing faxing";
    for text in [cut, typos, &with_word(EN_16, 12, "faxidermy")] {
        assert_eq!(decoded(text), counting::<16>());
    }
    // Two letters are not enough.
    assert!(matches!(
        decode(&with_word(EN_16, 0, "am"), EN),
        Err(PhraseError::UnknownWord(error)) if error.position() == 1
    ));
}

#[test]
fn case_and_white_space_do_not_count() {
    let shouted = EN_16.to_uppercase();
    let spread = EN_16.replace(' ', " \t\r\n\u{3000}\u{a0}");
    let framed = format!("\n  {EN_16} \n");
    for text in [&shouted, &spread, &framed] {
        assert_eq!(decoded(text), counting::<16>());
    }
}

#[test]
fn changed_phrases_fail_the_checksum() {
    let mut swapped = words(EN_16);
    swapped.swap(0, 1);
    for text in [
        with_word(EN_16, 12, "amaze"),
        with_word(EN_16, 11, "gagged"),
        swapped.join(" "),
    ] {
        assert_eq!(decode(&text, EN), Err(PhraseError::Checksum));
    }
}

#[test]
fn unknown_words_are_named_as_typed_with_their_position() {
    let Err(PhraseError::UnknownWord(error)) = decode(&with_word(EN_16, 12, "zzzzz"), EN) else {
        panic!("zzzzz is no word");
    };
    assert_eq!((error.position(), error.word()), (13, "zzzzz"));
    let Err(PhraseError::UnknownWord(error)) =
        decode_without_checksum("abbey abducts ZZZunknown", EN)
    else {
        panic!("ZZZunknown is no word");
    };
    assert_eq!((error.position(), error.word()), (3, "ZZZunknown"));
    assert_eq!(format!("{error:?}"), format!("UnknownWord({error})"));
    assert_eq!(error.language(), EN);
}

#[test]
fn mistyped_words_are_answered_with_the_nearest_ones() {
    for (typed, meant) in [
        ("maaze", "amaze"),
        ("smyptoms", "symptoms"),
        ("tgier", "tiger"),
        ("ehtics", "ethics"),
        ("bbey", "abbey"),
        ("xoom", "zoom"),
        ("\u{feff}amaze", "amaze"),
        ("a\u{200b}maze", "amaze"),
        ("\u{1d41a}maze", "amaze"),
    ] {
        let Err(PhraseError::UnknownWord(error)) = decode(&with_word(EN_16, 4, typed), EN) else {
            panic!("{typed} is no word");
        };
        assert_eq!(error.word(), typed);
        assert!(
            error.suggestions().contains(&meant),
            "{typed}: {:?}",
            error.suggestions()
        );
    }
    let Err(PhraseError::UnknownWord(error)) = decode(&with_word(EN_16, 4, "012345"), EN) else {
        panic!("012345 is no word");
    };
    assert!(error.suggestions().is_empty());
}

#[test]
fn suggestions_come_by_likeness_and_then_in_the_order_of_the_list() {
    for (typed, nearest) in [
        ("a..m..a..z..e", &["amaze", "maze", "ablaze"][..]),
        ("zzzzz", &["dizzy", "fuzzy", "jazz"]),
        ("yebba", &["zebra", "yearbook", "cobra"]),
        ("xbbaeq", &["abbey"]),
    ] {
        let Err(PhraseError::UnknownWord(error)) = decode(&with_word(EN_16, 4, typed), EN) else {
            panic!("{typed} is no word");
        };
        assert_eq!(error.suggestions(), nearest, "{typed}");
    }
}

#[test]
fn the_message_shows_what_cannot_be_seen() {
    let error = decode(&with_word(EN_16, 0, "a\u{200b}maze"), EN).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with(r#"word 1, "a\u{200b}maze", is not in the English list"#));
    assert!(message.contains("nearest: amaze"), "{message}");
}

#[test]
fn a_letter_beyond_the_script_is_no_part_of_another_word() {
    // Without its block U+0161 is 0x61, "a", and one more than the "l" before it, an "m".
    let typed = with_word(EN_16, 0, "al\u{161}ze");
    let error = decode(&typed, EN).unwrap_err();
    assert!(matches!(error, PhraseError::UnknownWord { .. }), "{error}");
}

#[test]
fn impossible_triples_are_rejected() {
    // 4296298500, above 2^32 - 1: another decoder keeps its low 32 bits.
    assert_eq!(
        decode_without_checksum("abbey abbey zoom", EN),
        Err(PhraseError::InvalidValue { first: 1, last: 3 })
    );
    let mut second = words(EN_16);
    second.splice(3..6, ["abbey", "abbey", "zoom"]);
    assert_eq!(
        decode(&second.join(" "), EN),
        Err(PhraseError::InvalidValue { first: 4, last: 6 })
    );
    // The greatest possible value is that of four bytes ff.
    assert_eq!(
        *decode_without_checksum("foamy solved soggy", EN).unwrap(),
        [0xff; 4]
    );
}

#[test]
fn errors_come_in_the_order_of_the_protocol() {
    // A wrong triple before an unknown word, an unknown word before the checksum.
    let text = "abbey abbey zoom zzzzz abbey abbey abbey";
    assert!(matches!(
        decode(text, EN),
        Err(PhraseError::InvalidValue { .. })
    ));
    let text = "abbey zzzzz zoom abbey abbey zoom abbey";
    assert!(matches!(decode(text, EN), Err(PhraseError::UnknownWord(_))));
}

#[test]
fn wrong_counts_are_refused_by_every_reader() {
    let count = |got| move |error: &PhraseError| matches!(error, PhraseError::WordCount { got: count, .. } if *count == got);
    for words in 0..60 {
        let text = vec!["abbey"; words].join(" ");
        let (short, checksum) = (words % 3 == 0, words % 3 == 1);
        let checks = [
            (
                words == 13 || words == 25,
                Seed::from_phrase(&text, EN).err(),
            ),
            (
                words == 12 || words == 24,
                Seed::from_phrase_without_checksum(&text, EN).err(),
            ),
            (
                checksum && (4..=49).contains(&words),
                decode(&text, EN).err(),
            ),
            (
                short && (3..=48).contains(&words),
                decode_without_checksum(&text, EN).err(),
            ),
        ];
        for (accepted, error) in checks {
            assert_eq!(error.is_none(), accepted, "{words} words");
            assert!(error.as_ref().is_none_or(count(words)));
        }
    }
}

#[test]
fn wrong_lengths_are_not_written() {
    for length in 0..80 {
        let written = encode(&vec![7; length], EN);
        let right = length > 0 && length <= 64 && length % 4 == 0;
        assert_eq!(written.is_ok(), right, "{length} bytes");
    }
}

#[test]
fn zero_width_characters_never_part_words() {
    for invisible in [
        "\u{200b}", "\u{200c}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{ad}",
    ] {
        let joined = EN_16.replacen(' ', invisible, 1);
        assert!(matches!(
            Seed::from_phrase(&joined, EN),
            Err(PhraseError::WordCount { got: 12, .. })
        ));
        let led = format!("{invisible}{EN_16}");
        assert!(matches!(
            Seed::from_phrase(&led, EN),
            Err(PhraseError::UnknownWord(error)) if error.position() == 1
        ));
        // Behind the letters that count it is ignored like everything else there.
        let behind = EN_16.replacen(' ', &format!("{invisible} "), 1);
        assert_eq!(decoded(&behind), counting::<16>());
    }
}

#[test]
fn combining_marks_are_not_lost() {
    // "ämaze" is not "amaze", however it is written.
    for text in ["a\u{308}maze", "ämaze", "am\u{301}aze", "a\u{34f}maze"] {
        assert!(matches!(
            decode(&with_word(EN_16, 0, text), EN),
            Err(PhraseError::UnknownWord(_))
        ));
    }
}

#[test]
fn a_megabyte_of_anything_is_rejected() {
    let megabyte = 1 << 20;
    for (piece, accepted) in [
        ("abbey ", false),
        (" ", false),
        ("a", false),
        ("\u{308}", false),
        ("\u{323}\u{301}", false),
        ("\u{200b}", false),
        ("가", false),
    ] {
        let text = piece.repeat(megabyte / piece.len());
        let phrase = format!("{EN_16} {text}");
        assert_eq!(Seed::from_phrase(&text, EN).is_ok(), accepted);
        assert_eq!(decode(&text, EN).is_ok(), accepted);
        let trailing_space = piece == " ";
        assert_eq!(Seed::from_phrase(&phrase, EN).is_ok(), trailing_space);
        // As one word of a phrase, behind letters that make it a word.
        let long = with_word(EN_16, 0, &format!("amaze{text}"));
        assert_eq!(Seed::from_phrase(&long, EN).is_ok(), trailing_space);
    }
}

#[test]
fn words_read_as_others_are_listed() {
    let typed = with_word(&with_word(EN_16, 0, "amazing"), 2, "Cak");
    let listed = phrase::substitutions(&typed, EN);
    assert_eq!(listed.len(), 1);
    let first = listed[0];
    assert_eq!(
        (first.position, first.typed, first.word),
        (1, "amazing", "amaze")
    );
    // What cannot be seen is listed too.
    let typed = with_word(EN_16, 4, "symptoms\u{200b}");
    assert_eq!(phrase::substitutions(&typed, EN)[0].position, 5);
    for typed in [EN_16, &EN_16.to_uppercase(), "ama buf xyzzy"] {
        assert_eq!(phrase::substitutions(typed, EN), []);
    }
}

#[test]
fn words_are_completed_in_either_case() {
    let words: Vec<_> = EN.words_beginning_with("Am").collect();
    assert_eq!(
        words,
        [
            "amaze", "ambush", "amended", "amidst", "ammo", "amnesty", "among", "amply", "amused"
        ]
    );
    assert_eq!(EN.words_beginning_with("").count(), 1626);
    assert_eq!(EN.words_beginning_with("xyz").count(), 0);
    // Nothing is left of it, which no word begins with.
    assert_eq!(EN.words_beginning_with(&"a".repeat(129)).count(), 0);
}

#[test]
fn no_secret_is_printed() {
    let seed = Seed::from_short(&counting());
    assert_eq!(format!("{seed:?}"), "Seed(..)");
    let account = Account::from_seed(&seed);
    let expected = format!("Account {{ id: AccountId({}), .. }}", account.id());
    assert_eq!(format!("{account:?}"), expected);
}

#[test]
fn seeds_of_other_lengths_are_rejected() {
    for length in (0..70).filter(|length| ![16, 32].contains(length)) {
        let error = Seed::try_from(vec![1; length].as_slice()).unwrap_err();
        assert_eq!(error.got, length);
    }
}

#[test]
fn a_full_seed_that_ends_with_zeros_is_a_short_one() {
    let mut full = [0; 32];
    full[..16].copy_from_slice(&counting::<16>());
    let seed = Seed::from_full(&full);
    assert!(seed.is_short());
    assert_eq!(*seed.to_phrase(EN), EN_16);
    // Not hashed, not stretched: sixteen zeros and no more.
    assert_eq!(*Seed::from_short(&counting()).expose_full(), full);
    full[31] = 1;
    assert_eq!(Seed::from_full(&full).expose_bytes().len(), 32);
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*", words in prop::collection::vec("[a-zäß\u{308}]{0,6}", 0..30)) {
        for language in Language::ALL.iter().copied() {
            let _ = decode(&text, language);
            let _ = decode_without_checksum(&text, language);
            let _ = Seed::from_phrase(&words.join(" "), language);
        }
    }
}
