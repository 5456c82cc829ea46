//! bt-encoding: the canonical dialect of bencode in the Session protocol.
//!
//! ```text
//! integer   i42e  i-7e  i0e        -2^63 ..= 2^64-1, shortest form
//! string    5:hello  0:            any bytes
//! list      l 1:a i1e e            values of any kinds
//! dict      d 1:a i1e 1:b 0: e     string keys, strictly ascending as unsigned bytes
//! ```
//!
//! Every value has exactly one encoding, and the reader accepts only that one: no leading zeros, no
//! `-0`, no unsorted or repeated keys, no bytes after the outermost value (protocol: bt-encoding,
//! section 5). Therefore `encode(parse(b)) == b` for every input that parses.
//!
//! [`parse`] checks the whole input in one pass, without recursion and without allocation, and
//! returns a [`Value`] that borrows from it. [`Limits`] bound depth, number of values and size.
//! [`dict()`] and [`list()`] write the canonical encoding, in whichever order keys are given.
//!
//! ```
//! use session_proto::bt;
//!
//! let bytes = bt::dict(|d| {
//!     d.int(b"age", 42);
//!     d.list(b"names", |l| {
//!         l.bytes(b"Ann").bytes(b"Anna");
//!     });
//! });
//! assert_eq!(bytes, b"d3:agei42e5:namesl3:Ann4:Annaee");
//!
//! let dict = bt::parse_dict(&bytes)?;
//! assert_eq!(dict.u64("age")?, 42);
//! let names: Vec<_> = dict.list("names")?.iter().filter_map(|name| name.as_bytes()).collect();
//! assert_eq!(names, [b"Ann".as_slice(), b"Anna"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cursor;
mod int;
mod read;
mod signed;
mod write;

pub use cursor::{Error, Limits};
pub use int::Int;
pub use read::{
    Dict, Entries, Entry, FieldError, Items, Kind, List, Step, Steps, Value, parse, parse_dict,
    parse_list, parse_prefix,
};
pub use signed::{SIGNATURE_KEY, Signed, signed_dict};
pub use write::{DictWriter, ListWriter, dict, dict_with_capacity, list};

/// Maximum number of nested lists and dicts.
///
/// The deepest structure of the protocol has about eight.
pub const MAX_DEPTH: usize = 64;
