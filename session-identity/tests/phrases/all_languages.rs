//! Properties of every language, and peculiarities of some.

use super::*;
use crate::vectors::{LONG, LONG_BYTES, SHORT};
use session_identity::phrase::DetectError;

#[test]
fn vectors_of_every_language_hold_both_ways() {
    assert_eq!(SHORT.len(), Language::ALL.len());
    for (name, text, place) in SHORT {
        let language: Language = name.parse().unwrap();
        assert_eq!(*encode(&counting::<16>(), language).unwrap(), *text);
        assert_eq!(*decode(text, language).unwrap(), counting::<16>());
        let words = words(text);
        assert_eq!(words[12], words[*place], "{name}");
    }
    let bytes = const_hex::decode(LONG_BYTES).unwrap();
    assert_eq!(LONG.len(), Language::ALL.len());
    for (name, text) in LONG {
        let language: Language = name.parse().unwrap();
        let written = phrase::encode_without_checksum(&bytes, language).unwrap();
        assert_eq!(*written, *text);
        assert_eq!(*decode_without_checksum(text, language).unwrap(), bytes);
    }
}

#[test]
fn languages_are_found_by_both_names_and_in_order() {
    for language in Language::ALL {
        assert_eq!(language.english_name().parse(), Ok(*language));
        assert_eq!(language.native_name().parse(), Ok(*language));
    }
    assert!("english".parse::<Language>().is_err());
    assert!("Klingon".parse::<Language>().is_err());
    let names: Vec<_> = Language::ALL.iter().map(|l| l.english_name()).collect();
    assert_eq!(names[0], "English");
    assert!(names[1..].is_sorted());
}

#[test]
fn german_letters_may_be_decomposed_or_capital() {
    let german = Language::German;
    let text = "Crash mögen Muster ".repeat(4) + "Muster";
    assert_eq!(*encode(&[4; 16], german).unwrap(), text);
    for typed in [
        text.replace('ö', "o\u{308}"),
        text.replace("mögen", "MÖGEN"),
        text.replace("mögen", "MO\u{308}GEN"),
        text.to_lowercase(),
    ] {
        assert_eq!(*decode(&typed, german).unwrap(), [4; 16]);
    }
    // The mark is part of the letter.
    assert!(decode(&text.replace('ö', "o"), german).is_err());
}

#[test]
fn russian_letters_may_be_decomposed_without_becoming_another_word() {
    let russian = Language::Russian;
    let composed = ["тайна"; 12].join(" ");
    let decomposed = composed.replace('й', "и\u{306}");
    let other = ["таинство"; 12].join(" ");
    let read = |text: &str| decode_without_checksum(text, russian).unwrap();
    assert_eq!(read(&composed), read(&decomposed));
    assert_ne!(read(&composed), read(&other));
}

#[test]
fn sharp_s_is_not_double_s() {
    // Under full case folding these pairs have one canonical prefix.
    for (one, two) in [("Floskel", "Floß"), ("Maßanzug", "Maßkrug")] {
        let read = |word: &str| {
            let text = [word, "Abakus", "Abakus"].join(" ");
            decode_without_checksum(&text, Language::German).unwrap()
        };
        assert_ne!(read(one), read(two));
    }
    // A capital ẞ is a ß.
    let lower = decode_without_checksum("Floß Abakus Abakus", Language::German).unwrap();
    let upper = decode_without_checksum("FLOẞ ABAKUS ABAKUS", Language::German).unwrap();
    assert_eq!(lower, upper);
}

#[test]
fn double_s_is_sharp_s_in_the_beginning_of_a_word_that_has_it() {
    let german = Language::German;
    let read = |word: &str| decode_without_checksum(&[word, "Abakus", "Abakus"].join(" "), german);
    for (typed, word) in [
        ("FUSSBAD", "Fußbad"),
        ("Fussbad", "Fußbad"),
        ("FUSSB", "Fußbad"),
        ("MASSANZUG", "Maßanzug"),
        ("MASSKRUG", "Maßkrug"),
        ("WEISSBIER", "Weißbier"),
        // The prefix is that of "Floskel", but the whole word is another.
        ("FLOSS", "Floß"),
        ("FLOS", "Floskel"),
        ("Flosse", "Floskel"),
    ] {
        assert_eq!(read(typed), read(word), "{typed}");
        assert!(read(word).is_ok());
        // "Flosse" is the one that counts as another word.
        let listed = phrase::substitutions(typed, german);
        assert_eq!(listed.len(), usize::from(typed == "Flosse"), "{typed}");
    }
    // The beginning of no word of the list.
    for typed in ["Massage", "FUSSBALL", "Weissagung"] {
        assert!(
            matches!(read(typed), Err(PhraseError::UnknownWord(_))),
            "{typed}"
        );
    }
    let completed: Vec<_> = german.words_beginning_with("fuss").collect();
    assert_eq!(completed, ["Fußbad"]);
}

#[test]
fn words_shorter_than_the_prefix_match_only_whole() {
    let spanish = Language::Spanish;
    let short: Vec<_> = spanish
        .words()
        .filter(|word| word.chars().count() < spanish.prefix_length())
        .collect();
    assert_eq!(short.len(), 36);
    for word in short {
        let read =
            |first: &str| decode_without_checksum(&[first, "ábaco", "ábaco"].join(" "), spanish);
        assert!(read(word).is_ok());
        assert_ne!(read(&format!("{word}x")), read(word));
    }
}

#[test]
fn the_language_of_a_phrase_is_found() {
    for (name, text, _) in SHORT {
        let language: Language = name.parse().unwrap();
        let (seed, found) = Seed::from_phrase_in_any_language(text).unwrap();
        assert_eq!(found, language);
        assert_eq!(seed.expose_bytes(), counting::<16>());
    }
}

#[test]
fn mixed_languages_are_no_phrase() {
    let (_, russian, _) = SHORT.iter().find(|(name, ..)| *name == "Russian").unwrap();
    let mut mixed = words(russian);
    mixed[5] = "tiger";
    let error = phrase::detect(&mixed.join(" ")).unwrap_err();
    let DetectError::NotFound { nearest, error } = error else {
        panic!("{error}");
    };
    assert_eq!(nearest, Language::Russian);
    assert!(matches!(error, PhraseError::UnknownWord(error) if error.position() == 6));
}

#[test]
fn a_wrong_checksum_is_a_phrase_in_no_language() {
    let error = phrase::detect(&with_word(EN_16, 12, "amaze")).unwrap_err();
    let expected = DetectError::NotFound {
        nearest: EN,
        error: PhraseError::Checksum,
    };
    assert_eq!(error, expected);
    assert!(matches!(
        phrase::detect("abbey abbey"),
        Err(DetectError::Phrase(PhraseError::WordCount { got: 2, .. }))
    ));
}

#[test]
fn a_phrase_that_says_the_same_in_two_languages_is_taken() {
    // The second word of both lists is "abdiki" and "abducts", and no other list has one like it.
    let text = ["abducts"; 13].join(" ");
    let bytes = decode(&text, EN).unwrap();
    assert_eq!(*decode(&text, Language::Esperanto).unwrap(), *bytes);
    assert_eq!(*phrase::decode_any(&text).unwrap().1, *bytes);
}

#[test]
fn words_that_differ_in_one_bit_are_not_the_same() {
    let (_, german, _) = SHORT.iter().find(|(name, ..)| *name == "German").unwrap();
    let words: Vec<&str> = Language::German.words().collect();
    for (of, other) in [('d', 'ä'), ('v', 'ö')] {
        let mut count = 0;
        for word in words.iter().filter_map(|word| word.strip_prefix(of)) {
            let prefix: String = word.chars().take(3).collect();
            let typed = format!("{other}{word}");
            if words
                .iter()
                .any(|word| word.starts_with(&format!("{other}{prefix}")))
            {
                continue;
            }
            let error = decode(&with_word(german, 0, &typed), Language::German).unwrap_err();
            assert!(
                matches!(error, PhraseError::UnknownWord(_)),
                "{typed}: {error}"
            );
            count += 1;
        }
        assert!(count > 0);
    }
}

#[test]
fn a_phrase_in_two_languages_is_not_guessed() {
    // Words that two lists share, in an order that satisfies both checksums.
    let both = |one: Language, two: Language| {
        let shared: Vec<&str> = one
            .words()
            .filter(|word| two.words().any(|other| other == *word))
            .collect();
        shared.windows(3).find_map(|window| {
            window.iter().find_map(|last| {
                let text = [window, &[*last]].concat().join(" ");
                let fits = |language| decode(&text, language).ok();
                (fits(one)? != fits(two)?).then_some(text)
            })
        })
    };
    let text = both(Language::English, Language::French).unwrap();
    // Esperanto knows these words too, but by their first letters only.
    let error = phrase::detect(&text).unwrap_err();
    let languages = vec![Language::English, Language::French];
    assert_eq!(error, DetectError::Ambiguous { languages });
    assert_eq!(
        error.to_string(),
        "a phrase in English and French, of a different account in each: name the language it was \
         written in"
    );
    assert!(matches!(
        Seed::from_phrase_in_any_language(&text),
        Err(DetectError::Phrase(PhraseError::WordCount { got: 4, .. }))
    ));
}

#[test]
fn the_language_in_which_every_word_stands_whole_wins() {
    let text = "refer library adapt citadel segments nuance tomorrow pamphlet language apology \
        obliged diet citadel";
    let (seed, language) = Seed::from_phrase_in_any_language(text).unwrap();
    assert_eq!(language, Language::English);
    // Esperanto reads it too, as another account.
    let other = Seed::from_phrase(text, Language::Esperanto).unwrap();
    assert_ne!(seed.expose_full(), other.expose_full());
    // In capitals it stands whole as well; cut to its first letters, it stands whole nowhere.
    assert_eq!(phrase::detect(&text.to_uppercase()), Ok(Language::English));
    let cut: Vec<String> = text
        .split(' ')
        .map(|word| word.chars().take(4).collect())
        .collect();
    let languages = vec![Language::English, Language::Esperanto];
    assert_eq!(
        phrase::detect(&cut.join(" ")),
        Err(DetectError::Ambiguous { languages })
    );
}

#[test]
fn all_languages_of_an_ambiguous_phrase_are_named() {
    // Three lists share these beginnings; the checksum word is searched for.
    let shared = |word: &&str| {
        let word: String = word.chars().take(4).collect();
        let text = [word.as_str(); 12].join(" ");
        [Language::English, Language::Esperanto, Language::French]
            .iter()
            .all(|language| decode_without_checksum(&text, *language).is_ok())
    };
    let words: Vec<String> = EN
        .words()
        .filter(shared)
        .map(|word| word.chars().take(4).collect())
        .collect();
    let text = words.windows(6).flat_map(|window| {
        (0..6).map(move |last| {
            let mut text = window.join(" ");
            text.push(' ');
            text.push_str(&window[last]);
            text
        })
    });
    let mut most = 0;
    for text in text {
        if let Err(DetectError::Ambiguous { languages }) = phrase::detect(&text) {
            assert!(languages.is_sorted() && languages.len() > 1);
            for language in Language::ALL {
                let fits = decode(&text, *language).is_ok();
                assert_eq!(languages.contains(language), fits, "{text}: {language}");
            }
            most = most.max(languages.len());
        }
    }
    assert!(most > 2, "no phrase in three languages was found");
}

#[test]
fn an_error_is_that_of_the_language_in_which_most_words_stand_whole() {
    for (name, text, _) in SHORT {
        let language: Language = name.parse().unwrap();
        let error = phrase::detect(&with_word(text, 3, "#####")).unwrap_err();
        let DetectError::NotFound { nearest, error } = error else {
            panic!("{error}");
        };
        assert_eq!(nearest, language);
        assert!(matches!(error, PhraseError::UnknownWord(error) if error.position() == 4));
    }
}

/// Foldings of clients: how they fold a word before its letters enter the checksum: newest, this crate's first form,
/// older.
fn german_foldings(word: &str) -> [String; 3] {
    let simple = word.to_lowercase();
    [simple.replace('ß', "ss"), simple, word.to_ascii_lowercase()]
}

/// The positions of the three checksum words of a German phrase.
fn german_checksums(words: &[&str]) -> [usize; 3] {
    [0, 1, 2].map(|folding| {
        let prefixes: String = words
            .iter()
            .flat_map(|word| {
                let folded = german_foldings(word)[folding].clone();
                folded.chars().take(4).collect::<Vec<_>>()
            })
            .collect();
        crc32(prefixes.as_bytes()) as usize % words.len()
    })
}

/// Written without regard to the one in the library.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    })
}

#[test]
fn german_checksums_of_three_foldings_are_accepted_and_the_newest_is_written() {
    let german = Language::German;
    let list: Vec<&str> = german.words().collect();
    let mut differing = [0; 3];
    for word in list
        .iter()
        .filter(|word| !word.is_ascii())
        .chain(&["Abakus"])
    {
        for filler in ["Abakus", "Bach", "Crash", "Muster", "Übermut", "Fußbad"] {
            let words = [*word, filler, "Zyklop"];
            let Ok(bytes) = decode_without_checksum(&words.join(" "), german) else {
                continue;
            };
            let places = german_checksums(&words);
            for place in 0..3 {
                let text = [words[0], words[1], words[2], words[place]].join(" ");
                let same = |other: &usize| words[*other] == words[place];
                let accepted = decode(&text, german).is_ok();
                assert_eq!(accepted, places.iter().any(same), "{text}");
                // The capital of a word is that of the list, however it was typed.
                assert_eq!(decode(&text.to_lowercase(), german).is_ok(), accepted);
                assert_eq!(decode(&text.to_uppercase(), german).is_ok(), accepted);
            }
            let written = encode(&bytes, german).unwrap();
            assert!(written.ends_with(words[places[0]]), "{}", *written);
            for (differing, place) in differing.iter_mut().zip(places) {
                *differing += usize::from(place != places[0]);
            }
        }
    }
    assert!(differing[1] > 10 && differing[2] > 10, "{differing:?}");
}

#[test]
fn a_german_phrase_of_an_older_client_is_read() {
    let text = "Benutzer entheben Ästhetik Blödelei Anlage Vandale Anlage";
    let bytes = const_hex::decode("a7aebcc9ad113be0").unwrap();
    assert_eq!(*decode(text, Language::German).unwrap(), bytes);
    assert_eq!(phrase::detect(text), Ok(Language::German));
    // Newer clients fold the capital Ä as well, which selects another word.
    let written = encode(&bytes, Language::German).unwrap();
    let (words, _) = text.rsplit_once(' ').unwrap();
    assert_eq!(*written, format!("{words} Ästhetik"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn seeds_survive_every_language(short: [u8; 16], full: [u8; 32]) {
        for language in Language::ALL.iter().copied() {
            for seed in [Seed::from_short(&short), Seed::from_full(&full)] {
                let text = seed.to_phrase(language);
                let read = Seed::from_phrase(&text, language).unwrap();
                prop_assert_eq!(read.expose_full(), seed.expose_full());
                let capital_sharp_s = text.replace('ß', "ẞ").to_uppercase();
                for loud in [text.to_uppercase(), capital_sharp_s] {
                    let read = Seed::from_phrase(&loud, language).unwrap();
                    prop_assert_eq!(read.expose_full(), seed.expose_full());
                }
                let bare = text.rsplit_once(' ').unwrap().0;
                let read = Seed::from_phrase_without_checksum(bare, language).unwrap();
                prop_assert_eq!(read.expose_full(), seed.expose_full());
            }
        }
    }
}
