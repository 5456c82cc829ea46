//! The table of all operations.

use std::fmt::Write as _;

use crate::measure::Measured;

/// One operation in the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The part of the table that it belongs to.
    pub group: &'static str,
    /// The operation.
    pub name: String,
    /// The primitives of its floor.
    pub floor: &'static str,
    /// The measurements.
    pub measured: Measured,
    /// Microseconds of the C++ library on the same kind of machine, where known.
    pub reference: Option<f64>,
    /// Bytes that one operation works through, if that is what counts.
    pub bytes: Option<usize>,
}

impl Row {
    /// Operations or bytes in a second.
    fn throughput(&self) -> String {
        let per_second = 1e9 / self.measured.nanoseconds;
        match self.bytes {
            Some(bytes) => format!("{:.0} MB/s", per_second * bytes as f64 / 1e6),
            None => format!("{}/s", grouped(per_second)),
        }
    }

    /// One line, for a terminal.
    pub fn line(&self) -> String {
        let ratio = match self.measured.floor {
            Some((floor, ratio)) => format!("{ratio:5.2} x {:>9} of {}", time(floor), self.floor),
            None => String::new(),
        };
        format!(
            "{:12} {:38} {:>9} {:>12} {:4} allocations {ratio}",
            self.group,
            self.name,
            time(self.measured.nanoseconds),
            self.throughput(),
            self.measured.allocations.calls,
        )
    }

    /// For another run to read with [`times`].
    pub fn saved(&self) -> String {
        let nanoseconds = self.measured.nanoseconds;
        format!("{}\t{}\t{nanoseconds}\n", self.group, self.name)
    }
}

/// Name and nanoseconds of what another run saved.
pub fn times(saved: &str) -> Vec<((String, String), f64)> {
    saved
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let name = (fields.next()?.to_owned(), fields.next()?.to_owned());
            Some((name, fields.next()?.parse().ok()?))
        })
        .collect()
}

/// The table in Markdown, with columns for the times of other runs, if there are any: compiled for this
/// processor, and with the backend `graviola`.
pub fn table(
    rows: &[Row],
    native: &[((String, String), f64)],
    graviola: &[((String, String), f64)],
) -> String {
    let mut out = String::new();
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            let _ = write!(
                out,
                "\n### {}\n\n\
                 | operation | time | throughput | floor | ratio | allocations | native | graviola | C++ |\n\
                 |---|--:|--:|---|--:|--:|--:|--:|--:|\n",
                heading(group),
            );
        }
        let (floor, ratio) = match row.measured.floor {
            Some((floor, ratio)) => (
                format!("{}: {}", time(floor), row.floor),
                format!("{ratio:.2}"),
            ),
            None => (String::new(), String::new()),
        };
        let of = |other: &[((String, String), f64)]| {
            other
                .iter()
                .find(|((group, name), _)| group == row.group && *name == row.name)
                .map_or(String::new(), |(_, nanoseconds)| time(*nanoseconds))
        };
        let (native, graviola) = (of(native), of(graviola));
        let allocations = row.measured.allocations;
        let _ = writeln!(
            out,
            "| {} | {} | {} | {floor} | {ratio} | {} ({}) | {native} | {graviola} | {} |",
            row.name,
            time(row.measured.nanoseconds),
            row.throughput(),
            allocations.calls,
            size(allocations.bytes),
            row.reference
                .map_or(String::new(), |microseconds| time(microseconds * 1e3)),
        );
    }
    out
}

fn heading(group: &str) -> String {
    let mut letters = group.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect()
}

/// A time with three digits and its unit.
pub fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        ..1e3 => (nanoseconds, "ns"),
        ..1e6 => (nanoseconds / 1e3, "µs"),
        _ => (nanoseconds / 1e6, "ms"),
    };
    match value {
        ..10.0 => format!("{value:.2} {unit}"),
        ..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// A number with commas.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        for (nanoseconds, text) in [
            (1.234, "1.23 ns"),
            (999.0, "999 ns"),
            (35_640.0, "35.6 µs"),
            (3_200_000.0, "3.20 ms"),
        ] {
            assert_eq!(time(nanoseconds), text);
        }
    }

    #[test]
    fn numbers_have_commas() {
        assert_eq!(grouped(7.0), "7");
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(grouped(123_456.0), "123,456");
    }

    #[test]
    fn what_was_saved_is_read_again() {
        let saved = times("group\ta name\t12.5\n\nbroken\n");
        assert_eq!(saved, [(("group".into(), "a name".into()), 12.5)]);
    }
}
