//! The canonical writer.

use alloc::vec::Vec;
use core::fmt::Write;

use super::cursor::Cursor;
use super::int::Int;
use super::read::Value;

/// Writes a dict.
///
/// ```
/// let bytes = session_proto::bt::dict(|d| {
///     d.int(b"n", -11).bytes(b"h", b"hash");
/// });
/// // Keys are sorted, in whichever order they are given.
/// assert_eq!(bytes, b"d1:h4:hash1:ni-11ee");
/// ```
#[must_use]
pub fn dict(fill: impl FnOnce(&mut DictWriter<'_>)) -> Vec<u8> {
    dict_with_capacity(0, fill)
}

/// Writes a dict into a buffer of `capacity` bytes, as [`dict()`].
///
/// For secrets: a buffer that grows leaves a copy behind that is not zeroized.
#[must_use]
pub fn dict_with_capacity(capacity: usize, fill: impl FnOnce(&mut DictWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(capacity);
    DictWriter::fill(&mut out, fill);
    out
}

/// Writes a list.
#[must_use]
pub fn list(fill: impl FnOnce(&mut ListWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    ListWriter::fill(&mut out, fill);
    out
}

fn put_decimal(out: &mut Vec<u8>, number: impl core::fmt::Display) {
    struct Sink<'a>(&'a mut Vec<u8>);
    impl Write for Sink<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    #[expect(clippy::expect_used, reason = "the sink never fails")]
    write!(Sink(out), "{number}").expect("the sink never fails");
}

fn put_int(out: &mut Vec<u8>, int: Int) {
    out.push(b'i');
    put_decimal(out, int);
    out.push(b'e');
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_decimal(out, bytes.len());
    out.push(b':');
    out.extend_from_slice(bytes);
}

fn put_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Int(int) => put_int(out, *int),
        Value::Bytes(bytes) => put_bytes(out, bytes),
        Value::List(list) => out.extend_from_slice(list.raw()),
        Value::Dict(dict) => out.extend_from_slice(dict.raw()),
    }
}

/// Writes the elements of a list.
#[derive(Debug)]
pub struct ListWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl ListWriter<'_> {
    fn fill(out: &mut Vec<u8>, fill: impl FnOnce(&mut ListWriter<'_>)) {
        out.push(b'l');
        fill(&mut ListWriter { out });
        out.push(b'e');
    }

    /// Adds an integer.
    pub fn int(&mut self, int: impl Into<Int>) -> &mut Self {
        put_int(self.out, int.into());
        self
    }

    /// Adds a byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        put_bytes(self.out, bytes);
        self
    }

    /// Adds a list.
    pub fn list(&mut self, fill: impl FnOnce(&mut ListWriter<'_>)) -> &mut Self {
        ListWriter::fill(self.out, fill);
        self
    }

    /// Adds a dict.
    pub fn dict(&mut self, fill: impl FnOnce(&mut DictWriter<'_>)) -> &mut Self {
        DictWriter::fill(self.out, fill);
        self
    }

    /// Adds a parsed value, byte for byte.
    pub fn value(&mut self, value: &Value<'_>) -> &mut Self {
        put_value(self.out, value);
        self
    }
}

/// Writes the entries of a dict.
///
/// Keys may be given in any order and are written in ascending order. The last value of a repeated
/// key counts. Ascending keys cost nothing; another key is moved to its place in time linear in the
/// dict.
#[derive(Debug)]
pub struct DictWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Offset of the first entry.
    first: usize,
    /// Offset of the entry with the greatest key.
    last: Option<usize>,
}

impl DictWriter<'_> {
    /// Writes a dict. Returns the offset of the entry with the greatest key.
    pub(super) fn fill(out: &mut Vec<u8>, fill: impl FnOnce(&mut DictWriter<'_>)) -> Option<usize> {
        out.push(b'd');
        let mut writer = DictWriter {
            first: out.len(),
            last: None,
            out,
        };
        fill(&mut writer);
        let last = writer.last;
        out.push(b'e');
        last
    }

    /// Adds an integer.
    pub fn int(&mut self, key: &[u8], int: impl Into<Int>) -> &mut Self {
        self.entry(key, |out| put_int(out, int.into()))
    }

    /// Adds a byte string.
    pub fn bytes(&mut self, key: &[u8], bytes: &[u8]) -> &mut Self {
        self.entry(key, |out| put_bytes(out, bytes))
    }

    /// Adds a list.
    pub fn list(&mut self, key: &[u8], fill: impl FnOnce(&mut ListWriter<'_>)) -> &mut Self {
        self.entry(key, |out| ListWriter::fill(out, fill))
    }

    /// Adds a dict.
    pub fn dict(&mut self, key: &[u8], fill: impl FnOnce(&mut DictWriter<'_>)) -> &mut Self {
        self.entry(key, |out| {
            DictWriter::fill(out, fill);
        })
    }

    /// Adds a parsed value, byte for byte.
    pub fn value(&mut self, key: &[u8], value: &Value<'_>) -> &mut Self {
        self.entry(key, |out| put_value(out, value))
    }

    fn entry(&mut self, key: &[u8], write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        let start = self.out.len();
        put_bytes(self.out, key);
        write(self.out);
        let in_order = self
            .last
            .is_none_or(|last| key_at(self.out, last) < Some(key));
        if in_order {
            self.last = Some(start);
        } else {
            self.place(start, key);
        }
        self
    }

    /// Moves the last entry, which begins at `start`, to its place in the order of keys.
    fn place(&mut self, start: usize, key: &[u8]) {
        let mut at = self.first;
        while let Some((other, length)) = entry_at(self.out, at) {
            if other == key {
                // The new entry replaces the older one.
                self.out.drain(at..at.saturating_add(length));
                let start = start.saturating_sub(length);
                rotate(self.out, at, start);
                return self.find_last();
            }
            if other > key {
                rotate(self.out, at, start);
                return self.find_last();
            }
            at = at.saturating_add(length);
        }
    }

    fn find_last(&mut self) {
        let mut at = self.first;
        while let Some((_, length)) = entry_at(self.out, at) {
            self.last = Some(at);
            at = at.saturating_add(length);
        }
    }
}

/// Moves the bytes from `start` on to `at`.
fn rotate(out: &mut [u8], at: usize, start: usize) {
    if let (Some(length), Some(tail)) = (out.len().checked_sub(start), out.get_mut(at..)) {
        tail.rotate_right(length);
    }
}

/// Returns the key of the entry that begins at `at`. `None` if the entries end there.
pub(super) fn key_at(out: &[u8], at: usize) -> Option<&[u8]> {
    Cursor::new(out.get(at..)?).string().ok()
}

/// Returns the key of the entry that begins at `at`, and the length of key and value. `None` if the
/// entries end there.
fn entry_at(out: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let mut cursor = Cursor::new(out.get(at..)?);
    let key = cursor.string().ok()?;
    cursor.skip_value()?;
    Some((key, cursor.at()))
}
