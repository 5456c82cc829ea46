use alloc::string::String;
use alloc::vec;

use proptest::prelude::*;

use super::super::{Limits, decompress};
use super::*;

const LIMITS: Limits = Limits {
    max_length: 64 << 20,
    max_window: 8 << 20,
};

/// Compresses, decompresses with two decoders, and returns the frame.
fn compress(plain: &[u8]) -> Vec<u8> {
    let frame = Encoder.compress(plain);
    let reference = zstd::bulk::decompress(&frame, plain.len()).unwrap();
    assert!(reference == plain, "the reference decoder disagrees");
    if !plain.is_empty() {
        let own = decompress(&frame, &LIMITS).unwrap();
        assert!(*own == plain, "our decoder disagrees");
    }
    assert!(frame.len() <= plain.len() + (plain.len() >> 12) + 16);
    frame
}

/// Random bytes without a pattern.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(next).collect()
}

#[test]
fn frames_state_their_size() {
    for length in [
        0_usize, 1, 40, 255, 256, 257, 65_791, 65_792, 131_072, 131_073, 500_000,
    ] {
        let plain: Vec<u8> = (0..length).map(|i| (i / 40) as u8).collect();
        let frame = compress(&plain);
        let mut decoder = ruzstd::decoding::FrameDecoder::new();
        decoder.init(frame.as_slice()).unwrap();
        assert_eq!(decoder.content_size(), length as u64);
        assert!(!decoder.is_finished());
    }
}

#[test]
fn long_content_has_a_window_that_every_decoder_supports() {
    let mut plain = vec![0; WINDOW - 1];
    plain.extend(b"a repetition beyond the window");
    plain.extend(&noise(WINDOW));
    plain.extend(b"a repetition beyond the window, and another one within the window");
    plain.extend(b"another one within the window");
    let frame = compress(&plain);
    assert_eq!(frame[4] & SINGLE_SEGMENT, 0);
    let frame = compress(&plain[..WINDOW]);
    assert_eq!(frame[4] & SINGLE_SEGMENT, SINGLE_SEGMENT);
}

#[test]
fn noise_is_stored_as_it_is() {
    for length in [1, 100, 1000, 131_072, 300_000] {
        let plain = noise(length);
        let blocks = length.div_ceil(MAX_BLOCK);
        assert!(compress(&plain).len() <= length + 9 + 3 * blocks);
    }
}

#[test]
fn one_byte_again_and_again_is_short() {
    for length in [100, 1000, 131_072, 1_000_000] {
        assert!(compress(&vec![7; length]).len() < 32 + 24 * length.div_ceil(MAX_BLOCK));
    }
}

/// Every code of a literal length and of a repetition length, and large offsets.
#[test]
fn all_lengths_and_offsets_are_encoded() {
    let random = noise(400_000);
    for length in (0..300).chain([511, 513, 1027, 4098, 65_537, 70_000, 131_071]) {
        // A repetition of this length between literals; then one of a fixed length after as many.
        let first = [
            &random[..length],
            &random[300_000..300_050],
            &random[..length],
        ]
        .concat();
        compress(&first);
        let second = [
            &random[200_000..200_100],
            &random[..length],
            &random[200_000..200_100],
            &random[200_010..200_090],
        ];
        compress(&second.concat());
    }
    let far = [
        &random[..],
        &random[5..70_000],
        &random[..100],
        &random[1..100],
    ]
    .concat();
    assert!(compress(&far).len() < 401_000);
}

/// Codes that the limit of 11 bits cuts.
#[test]
fn very_uneven_literals_are_encoded() {
    for seed in 0..64_usize {
        let mut plain = Vec::new();
        let (mut one, mut other) = (1_usize, 1_usize + seed % 5);
        for symbol in 0..20_u8 {
            plain.extend(core::iter::repeat_n(symbol.wrapping_mul(13), one));
            (one, other) = (other, one + other);
        }
        // Shuffled, so that nothing repeats.
        let order = noise(plain.len() * 2);
        for index in (1..plain.len()).rev() {
            let random = usize::from(order[2 * index]) << 8 | usize::from(order[2 * index - 1]);
            plain.swap(index, random % (index + 1));
        }
        compress(&plain);
    }
}

/// A text of lines that repeat in part, as configs and messages do.
fn structured() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[a-z ]{0,30}".prop_map(String::into_bytes),
        Just(b"1:ai1e1:ji1600000000e1:n".to_vec()),
        (any::<u8>(), 0_usize..3000).prop_map(|(byte, count)| vec![byte; count]),
        (0_usize..5000, 0_usize..200)
            .prop_map(|(from, count)| noise(from + count)[from..].to_vec()),
    ];
    proptest::collection::vec((piece, 1_usize..20), 0..60).prop_map(|pieces| {
        let repeated = pieces
            .iter()
            .map(|(piece, count)| piece.repeat(1 + count / 10));
        let again = pieces.iter().rev().map(|(piece, _)| piece.clone());
        repeated.chain(again).collect::<Vec<_>>().concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn structured_bytes_come_back(plain in structured()) {
        compress(&plain);
    }

    #[test]
    fn bytes_of_few_values_come_back(plain in proptest::collection::vec(0_u8..6, 0..3000)) {
        compress(&plain);
    }

    #[test]
    fn distributions_fill_their_table(
        counts in proptest::collection::vec(0_u32..10_000, 2..53),
        log in 6_u32..10,
    ) {
        let used = counts.iter().filter(|count| **count > 0).count();
        let distribution = fse::normalize(&counts, log);
        prop_assert_eq!(distribution.is_some(), used >= 2);
        if let Some(distribution) = distribution {
            let sum: i64 = distribution.iter().map(|count| i64::from(*count)).sum();
            prop_assert_eq!(sum, 1 << log);
            for (count, states) in counts.iter().zip(&distribution) {
                prop_assert_eq!(*count > 0, *states > 0);
            }
            prop_assert!(fse::Table::new(&distribution, log).is_some());
            prop_assert!(fse::put_distribution(&mut Vec::new(), &distribution, log).is_some());
        }
    }
}
