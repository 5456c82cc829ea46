//! Literals (RFC 8878, sections 3.1.1.3.1 and 4.2).

use alloc::vec;
use alloc::vec::Vec;

use super::bits::Bits;
use super::{cut, fse};

/// Maximum length of a code, in bits.
const MAX_BITS: u8 = 11;
/// Fewer literals are stored as they are, as by the reference encoder.
const MIN_LITERALS: usize = 64;
/// Literals up to this length are one stream; longer ones are four.
const ONE_STREAM: usize = 1023;
/// Accuracy of the table of weights.
const WEIGHT_LOG: u32 = 6;

/// Appends the section of literals.
pub(super) fn put_literals(out: &mut Vec<u8>, literals: &[u8]) -> Option<()> {
    let before = out.len();
    if let Some((first, rest)) = literals.split_first()
        && rest.len() > 3
        && rest.iter().all(|byte| byte == first)
    {
        put_short_header(out, 1, literals.len());
        out.push(*first);
        return Some(());
    }
    if literals.len() >= MIN_LITERALS && put_coded(out, literals).is_some() {
        return Some(());
    }
    cut(out, before);
    put_short_header(out, 0, literals.len());
    out.extend_from_slice(literals);
    Some(())
}

/// Appends the header of raw literals (kind 0) or of repeated ones (kind 1).
fn put_short_header(out: &mut Vec<u8>, kind: usize, length: usize) {
    let (header, width) = match length {
        0..=31 => (kind | length << 3, 1),
        32..=4095 => (kind | 1 << 2 | length << 4, 2),
        _ => (kind | 3 << 2 | length << 4, 3),
    };
    out.extend(header.to_le_bytes().iter().take(width));
}

/// How often each byte occurs. Four tables: the same byte in a row would wait for itself in one.
fn count(literals: &[u8]) -> [u32; 256] {
    let mut tables = [[0_u32; 256]; 4];
    let (groups, rest) = literals.as_chunks::<4>();
    let add = |table: &mut [u32; 256], byte: u8| {
        if let Some(count) = table.get_mut(usize::from(byte)) {
            *count = count.wrapping_add(1);
        }
    };
    let [first, second, third, fourth] = &mut tables;
    for [a, b, c, d] in groups {
        add(first, *a);
        add(second, *b);
        add(third, *c);
        add(fourth, *d);
    }
    rest.iter().for_each(|byte| add(first, *byte));
    let mut counts = [0_u32; 256];
    for table in &tables {
        for (sum, count) in counts.iter_mut().zip(table) {
            *sum = sum.wrapping_add(*count);
        }
    }
    counts
}

/// Appends Huffman-coded literals. Returns `None` if that does not shorten them.
fn put_coded(out: &mut Vec<u8>, literals: &[u8]) -> Option<()> {
    let counts = count(literals);
    // Hardly uneven: the reference encoder does not try either.
    if counts
        .iter()
        .all(|count| *count as usize <= (literals.len() >> 7).saturating_add(4))
    {
        return None;
    }
    let lengths = code_lengths(&counts)?;
    let bits = counts
        .iter()
        .zip(&lengths)
        .fold(0_u64, |sum, (count, length)| {
            sum.wrapping_add(u64::from(*count).wrapping_mul(u64::from(*length)))
        });
    if bits >> 3 >= literals.len() as u64 {
        return None;
    }
    let max_bits = lengths.iter().copied().max()?;
    let codes = codes(&lengths, max_bits)?;
    let (format, width, header_len) = match literals.len() {
        ..=ONE_STREAM => (0_u64, 10, 3_usize),
        1024..=16_383 => (2, 14, 4),
        _ => (3, 18, 5),
    };
    // Written again when the length of the body is known.
    let start = out.len();
    out.resize(start.wrapping_add(header_len), 0);
    let body = out.len();
    put_code(out, &lengths, max_bits)?;
    if literals.len() <= ONE_STREAM {
        put_stream(out, literals, &codes)?;
    } else {
        let jump_table = out.len();
        out.extend_from_slice(&[0; 6]);
        let mut sizes = Vec::with_capacity(4);
        for stream in literals.chunks(literals.len().div_ceil(4)) {
            let start = out.len();
            put_stream(out, stream, &codes)?;
            sizes.push(u16::try_from(out.len().wrapping_sub(start)).ok()?);
        }
        let sizes = sizes.iter().take(3).flat_map(|size| size.to_le_bytes());
        let places = out.iter_mut().skip(jump_table);
        places.zip(sizes).for_each(|(place, byte)| *place = byte);
    }
    let length = out.len().wrapping_sub(body);
    let gain = (literals.len() >> 6).wrapping_add(2);
    if length.wrapping_add(gain) >= literals.len() {
        return None;
    }
    let header = 2
        | format << 2
        | (literals.len() as u64) << 4
        | (length as u64) << 4_u32.wrapping_add(width);
    let header = header.to_le_bytes();
    let places = out
        .iter_mut()
        .skip(start)
        .zip(header.iter().take(header_len));
    places.for_each(|(place, byte)| *place = *byte);
    Some(())
}

fn put_stream(out: &mut Vec<u8>, literals: &[u8], codes: &[(u16, u8); 256]) -> Option<()> {
    let start = out.len();
    // Room for codes of the maximum length, and for the bit at the end.
    let words = literals.len().checked_mul(usize::from(MAX_BITS))? >> 5;
    let room = words.checked_add(2)?.checked_mul(4)?;
    out.resize(start.checked_add(room)?, 0);
    let mut places = out.get_mut(start..)?.as_chunks_mut::<4>().0.iter_mut();
    let (mut held, mut count, mut written) = (0_u64, 0_u32, start);
    for pair in literals.rchunks(2) {
        for byte in pair.iter().rev() {
            let (code, length) = *codes.get(usize::from(*byte))?;
            held |= u64::from(code) << count;
            count = count.wrapping_add(length.into());
        }
        // Two codes and fewer than 32 bits fit into a word.
        if count >= 32 {
            let [a, b, c, d, ..] = held.to_le_bytes();
            *places.next()? = [a, b, c, d];
            written = written.wrapping_add(4);
            held >>= 32;
            count = count.wrapping_sub(32);
        }
    }
    out.truncate(written);
    Bits::with(out, held, count).finish();
    Some(())
}

/// Returns the length of the code of each symbol, 0 for those that do not occur. Returns `None` if
/// fewer than two symbols occur.
fn code_lengths(counts: &[u32; 256]) -> Option<[u8; 256]> {
    let mut leaves: Vec<(u32, usize)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(symbol, count)| (*count, symbol))
        .collect();
    if leaves.len() < 2 {
        return None;
    }
    leaves.sort_unstable();
    // Two queues: leaves, and inner nodes in the order in which they are made.
    let mut inner: Vec<u32> = Vec::with_capacity(leaves.len());
    let mut parents = vec![0_usize; leaves.len().wrapping_mul(2)];
    let (mut next_leaf, mut next_inner) = (0_usize, 0_usize);
    for _ in 1..leaves.len() {
        let mut sum = 0_u32;
        for _ in 0..2 {
            let leaf = leaves.get(next_leaf).map(|(count, _)| *count);
            let node = inner.get(next_inner).copied();
            let child = match (leaf, node) {
                (Some(leaf), Some(node)) if node < leaf => None,
                (Some(leaf), _) => Some(leaf),
                (None, _) => None,
            };
            let place = match child {
                Some(leaf) => {
                    sum = sum.wrapping_add(leaf);
                    next_leaf = next_leaf.wrapping_add(1);
                    next_leaf.wrapping_sub(1)
                }
                None => {
                    sum = sum.wrapping_add(node?);
                    next_inner = next_inner.wrapping_add(1);
                    leaves.len().wrapping_add(next_inner).wrapping_sub(1)
                }
            };
            *parents.get_mut(place)? = leaves.len().wrapping_add(inner.len());
        }
        inner.push(sum);
    }
    // From the root, which is the last node, down.
    let root = leaves.len().wrapping_add(inner.len()).wrapping_sub(1);
    let mut depths = vec![0_u8; root.wrapping_add(1)];
    for node in (0..root).rev() {
        let parent = *parents.get(node)?;
        let depth = depths.get(parent)?.saturating_add(1);
        *depths.get_mut(node)? = depth;
    }
    let mut lengths = [0; 256];
    for ((_, symbol), depth) in leaves.iter().zip(depths) {
        *lengths.get_mut(*symbol)? = depth.min(MAX_BITS);
    }
    complete(&mut lengths, &leaves)?;
    Some(lengths)
}

/// Makes cut lengths those of a complete code again. `leaves`: the symbols, the rarest first.
fn complete(lengths: &mut [u8; 256], leaves: &[(u32, usize)]) -> Option<()> {
    const FULL: u32 = 1 << MAX_BITS;
    let share = |length: u8| 1_u32 << MAX_BITS.wrapping_sub(length);
    let mut sum = leaves.iter().try_fold(0_u32, |sum, (_, symbol)| {
        Some(sum.wrapping_add(share(*lengths.get(*symbol)?)))
    })?;
    // Longer codes for the rarest symbols that are not at the limit, the longest of them first.
    while sum > FULL {
        let candidates = leaves.iter().filter_map(|(_, symbol)| {
            let length = *lengths.get(*symbol)?;
            (length < MAX_BITS).then_some((length, *symbol))
        });
        let (length, symbol) =
            candidates.reduce(|one, other| if other.0 > one.0 { other } else { one })?;
        *lengths.get_mut(symbol)? = length.wrapping_add(1);
        sum = sum.wrapping_sub(share(length.wrapping_add(1)));
    }
    // Shorter codes for the most frequent symbols whose share still fits, the longest first.
    while sum < FULL {
        let candidates = leaves.iter().rev().filter_map(|(_, symbol)| {
            let length = *lengths.get(*symbol)?;
            (share(length) <= FULL.wrapping_sub(sum)).then_some((length, *symbol))
        });
        let (length, symbol) =
            candidates.reduce(|one, other| if other.0 > one.0 { other } else { one })?;
        *lengths.get_mut(symbol)? = length.wrapping_sub(1);
        sum = sum.wrapping_add(share(length));
    }
    Some(())
}

/// Returns code and length of each symbol: the longest codes are the lowest.
fn codes(lengths: &[u8; 256], max_bits: u8) -> Option<[(u16, u8); 256]> {
    let mut codes = [(0, 0); 256];
    let mut next = 0_u16;
    for length in (1..=max_bits).rev() {
        for (code, _) in codes
            .iter_mut()
            .zip(lengths)
            .filter(|(_, own)| **own == length)
        {
            *code = (next, length);
            next = next.checked_add(1)?;
        }
        next >>= 1;
    }
    Some(codes)
}

/// Appends the description of the code: the weights of all symbols but the last.
fn put_code(out: &mut Vec<u8>, lengths: &[u8; 256], max_bits: u8) -> Option<()> {
    let last = lengths.iter().rposition(|length| *length > 0)?;
    let weight = |length: &u8| match length {
        0 => 0,
        length => max_bits.wrapping_add(1).wrapping_sub(*length),
    };
    let weights: Vec<u8> = lengths.iter().take(last).map(weight).collect();
    let mut coded = Vec::with_capacity(128);
    let is_coded = put_weights(&mut coded, &weights);
    let direct = weights.len().div_ceil(2);
    if is_coded.is_some() && coded.len() < 128 && (coded.len() < direct || weights.len() > 128) {
        out.push(u8::try_from(coded.len()).ok()?);
        out.extend_from_slice(&coded);
        return Some(());
    }
    let count = u8::try_from(weights.len())
        .ok()
        .filter(|count| *count <= 128)?;
    out.push(count.checked_add(127)?);
    for pair in weights.chunks(2) {
        let (high, low) = (pair.first()?, pair.get(1).unwrap_or(&0));
        out.push(high << 4 | low);
    }
    Some(())
}

/// Appends FSE-coded weights: two states take turns.
fn put_weights(out: &mut Vec<u8>, weights: &[u8]) -> Option<()> {
    if weights.len() < 3 {
        return None;
    }
    let mut counts = [0_u32; MAX_BITS as usize + 1];
    for weight in weights {
        let count: &mut u32 = counts.get_mut(usize::from(*weight))?;
        *count = count.wrapping_add(1);
    }
    let distribution = fse::normalize(&counts, WEIGHT_LOG)?;
    fse::put_distribution(out, &distribution, WEIGHT_LOG)?;
    let table = fse::Table::new(&distribution, WEIGHT_LOG)?;
    let mut bits = Bits::new(out);
    let mut states: [Option<u32>; 2] = [None; 2];
    for (index, weight) in weights.iter().enumerate().rev() {
        let state = states.get_mut(index & 1)?;
        match state {
            None => *state = table.start(*weight),
            Some(state) => table.put(&mut bits, state, *weight)?,
        }
    }
    let [even, odd] = states;
    table.put_state(&mut bits, odd?);
    table.put_state(&mut bits, even?);
    bits.finish();
    Some(())
}
