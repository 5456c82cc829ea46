//! Sequences (RFC 8878, section 3.1.1.3.2).

use alloc::vec::Vec;

use super::bits::Bits;
use super::fse::{self, Table};
use super::matches::Sequence;

/// Baselines of the codes of literal lengths, from code 16 on.
const LITERALS: [(u32, u32); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16_384, 14),
    (32_768, 15),
    (65_536, 16),
];
/// Baselines of the codes of repetition lengths less 3, from code 32 on.
const LENGTHS: [(u32, u32); 21] = [
    (32, 1),
    (34, 1),
    (36, 1),
    (38, 1),
    (40, 2),
    (44, 2),
    (48, 3),
    (56, 3),
    (64, 4),
    (80, 4),
    (96, 5),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16_384, 14),
    (32_768, 15),
    (65_536, 16),
];

/// The three kinds of codes.
struct Kind {
    /// The distribution that decoders know, and its accuracy.
    predefined: &'static [i16],
    predefined_log: u32,
    /// Maximum accuracy of another distribution.
    max_log: u32,
}

const LITERALS_KIND: Kind = Kind {
    predefined: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1,
        1, 1, -1, -1, -1, -1,
    ],
    predefined_log: 6,
    max_log: 9,
};
const LENGTHS_KIND: Kind = Kind {
    predefined: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    predefined_log: 6,
    max_log: 9,
};
const OFFSETS_KIND: Kind = Kind {
    predefined: &[
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
    ],
    predefined_log: 5,
    max_log: 8,
};
/// Fewer sequences always take the predefined distributions.
const MIN_SEQUENCES: usize = 32;

/// A code and the bits that follow it.
#[derive(Clone, Copy)]
struct Code {
    code: u8,
    extra: u32,
    bits: u32,
}

/// Returns the code of a value: itself, or the last baseline that is not above it.
fn code(value: u32, first: u8, baselines: &[(u32, u32)]) -> Option<Code> {
    if value < first.into() {
        let code = u8::try_from(value).ok()?;
        return Some(Code {
            code,
            extra: 0,
            bits: 0,
        });
    }
    let index = baselines
        .partition_point(|(baseline, _)| *baseline <= value)
        .checked_sub(1)?;
    let (baseline, bits) = *baselines.get(index)?;
    Some(Code {
        code: first.checked_add(u8::try_from(index).ok()?)?,
        extra: value.checked_sub(baseline)?,
        bits,
    })
}

fn offset_code(offset: u32) -> Option<Code> {
    let bits = offset.checked_ilog2()?;
    Some(Code {
        code: u8::try_from(bits).ok()?,
        extra: offset.wrapping_sub(1 << bits),
        bits,
    })
}

/// Appends the section of sequences. Returns `None` once the output is longer than `limit`.
pub(super) fn put_sequences(out: &mut Vec<u8>, sequences: &[Sequence], limit: usize) -> Option<()> {
    let count = sequences.len();
    match u16::try_from(count).ok()?.to_be_bytes() {
        [0, low @ ..=127] => out.push(low),
        [high @ ..=0x7e, low] => out.extend_from_slice(&[high | 0x80, low]),
        _ => {
            out.push(0xff);
            let rest = u16::try_from(count.checked_sub(0x7f00)?).ok()?;
            out.extend_from_slice(&rest.to_le_bytes());
        }
    }
    if count == 0 {
        return Some(());
    }
    let mut codes = Vec::with_capacity(count);
    for sequence in sequences {
        codes.push([
            code(sequence.literals, 16, &LITERALS)?,
            offset_code(sequence.offset)?,
            code(sequence.length.checked_sub(3)?, 32, &LENGTHS)?,
        ]);
    }
    let modes = out.len();
    out.push(0);
    let mut choose = |kind: &Kind, place: usize, shift: u32| {
        let (mode, table) =
            put_table(out, kind, codes.iter().filter_map(|codes| codes.get(place)))?;
        *out.get_mut(modes)? |= mode << shift;
        Some(table)
    };
    let literals = choose(&LITERALS_KIND, 0, 6)?;
    let offsets = choose(&OFFSETS_KIND, 1, 4)?;
    let lengths = choose(&LENGTHS_KIND, 2, 2)?;

    // What is written last is read first.
    let mut bits = Bits::new(out);
    let mut codes = codes.iter().rev();
    let [literal, offset, length] = codes.next()?;
    let mut literal_state = literals.start(literal.code)?;
    let mut offset_state = offsets.start(offset.code)?;
    let mut length_state = lengths.start(length.code)?;
    put_extra(&mut bits, literal, length, offset);
    for [literal, offset, length] in codes {
        offsets.put(&mut bits, &mut offset_state, offset.code)?;
        lengths.put(&mut bits, &mut length_state, length.code)?;
        literals.put(&mut bits, &mut literal_state, literal.code)?;
        put_extra(&mut bits, literal, length, offset);
        if bits.written() > limit {
            return None;
        }
    }
    lengths.put_state(&mut bits, length_state);
    offsets.put_state(&mut bits, offset_state);
    literals.put_state(&mut bits, literal_state);
    bits.finish();
    Some(())
}

/// Writes the bits that follow the codes of a sequence: of the lengths at most 32 together.
fn put_extra(bits: &mut Bits<'_>, literal: &Code, length: &Code, offset: &Code) {
    let lengths = literal.extra | length.extra << literal.bits;
    bits.put(lengths, literal.bits.wrapping_add(length.bits));
    bits.put(offset.extra, offset.bits);
}

/// Chooses the table of a kind of codes, appends its description, and returns its mode.
fn put_table<'a>(
    out: &mut Vec<u8>,
    kind: &Kind,
    codes: impl Iterator<Item = &'a Code>,
) -> Option<(u8, Table)> {
    let mut counts = [0_u32; 64];
    let mut total = 0_usize;
    for code in codes {
        let count = counts.get_mut(usize::from(code.code))?;
        *count = count.wrapping_add(1);
        total = total.wrapping_add(1);
    }
    let last = counts.iter().rposition(|count| *count > 0)?;
    let counts = counts.get(..=last)?;
    if total > 2 && counts.last().is_some_and(|count| *count as usize == total) {
        let symbol = u8::try_from(last).ok()?;
        out.push(symbol);
        return Some((1, Table::repeated(symbol)));
    }
    let known = fse::cost(counts, kind.predefined, kind.predefined_log);
    // An eighth of a state for each sequence is accurate enough.
    let log = total.ilog2().saturating_sub(2).clamp(5, kind.max_log);
    if total >= MIN_SEQUENCES
        && let Some(own) = fse::normalize(counts, log)
    {
        let before = out.len();
        fse::put_distribution(out, &own, log)?;
        let description = out.len().wrapping_sub(before) as u64;
        let cost = fse::cost(counts, &own, log)?.wrapping_add(description << 11);
        if known.is_none_or(|known| cost < known) {
            return Some((2, Table::new(&own, log)?));
        }
        out.truncate(before);
    }
    known?;
    Some((0, Table::new(kind.predefined, kind.predefined_log)?))
}
