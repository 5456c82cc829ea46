//! bt-encoding: the vectors of the protocol specification, and one test for each refused input.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs
)]

use session_proto::bt::{self, Error, FieldError, Int, Kind, Limits, Step, Steps, Value};

/// A value of its own, to compare what is read with what was meant.
#[derive(Debug, Clone, PartialEq)]
enum Tree {
    Int(Int),
    Bytes(Vec<u8>),
    List(Vec<Tree>),
    Dict(Vec<(Vec<u8>, Tree)>),
}

impl Tree {
    fn read(value: &Value<'_>) -> Self {
        match value {
            Value::Int(int) => Self::Int(*int),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::List(list) => Self::List(list.iter().map(|value| Self::read(&value)).collect()),
            Value::Dict(dict) => Self::Dict(
                dict.iter()
                    .map(|entry| (entry.key.to_vec(), Self::read(&entry.value)))
                    .collect(),
            ),
        }
    }

    /// Reads the value that begins with `step`. `None` if it is an end.
    fn walk<'a>(step: Step<'a>, steps: &mut Steps<'a>) -> Option<Self> {
        Some(match step {
            Step::Int(int) => Self::Int(int),
            Step::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Step::List => {
                let mut items = Vec::new();
                while let Some(item) = Self::walk(steps.next()?, steps) {
                    items.push(item);
                }
                Self::List(items)
            }
            Step::Dict => {
                let mut entries = Vec::new();
                while let Some(Step::Bytes(key)) = steps.next() {
                    entries.push((key.to_vec(), Self::walk(steps.next()?, steps)?));
                }
                Self::Dict(entries)
            }
            Step::End => return None,
        })
    }

    fn write_to(&self, list: &mut bt::ListWriter<'_>) {
        match self {
            Self::Int(int) => list.int(*int),
            Self::Bytes(bytes) => list.bytes(bytes),
            Self::List(items) => list.list(|l| items.iter().for_each(|item| item.write_to(l))),
            Self::Dict(entries) => list.dict(|d| {
                for (key, value) in entries {
                    value.write_entry(key, d);
                }
            }),
        };
    }

    fn write_entry(&self, key: &[u8], dict: &mut bt::DictWriter<'_>) {
        match self {
            Self::Int(int) => dict.int(key, *int),
            Self::Bytes(bytes) => dict.bytes(key, bytes),
            Self::List(items) => dict.list(key, |l| items.iter().for_each(|i| i.write_to(l))),
            Self::Dict(entries) => dict.dict(key, |d| {
                for (key, value) in entries {
                    value.write_entry(key, d);
                }
            }),
        };
    }

    /// Without the list around it.
    fn encode(&self) -> Vec<u8> {
        let list = bt::list(|l| self.write_to(l));
        list[1..list.len() - 1].to_vec()
    }
}

fn int(value: impl Into<Int>) -> Tree {
    Tree::Int(value.into())
}

fn text(value: &str) -> Tree {
    Tree::Bytes(value.as_bytes().to_vec())
}

fn list(items: impl IntoIterator<Item = Tree>) -> Tree {
    Tree::List(items.into_iter().collect())
}

fn dict(entries: impl IntoIterator<Item = (&'static str, Tree)>) -> Tree {
    let entries = entries.into_iter();
    Tree::Dict(
        entries
            .map(|(key, value)| (key.as_bytes().to_vec(), value))
            .collect(),
    )
}

/// The same tree with its dicts in the order of a reader.
fn sorted(tree: &Tree) -> Tree {
    match tree {
        Tree::List(items) => Tree::List(items.iter().map(sorted).collect()),
        Tree::Dict(entries) => {
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Tree::Dict(entries)
        }
        other => other.clone(),
    }
}

#[test]
fn vectors_of_the_specification() {
    let cases = [
        (int(42), "i42e"),
        (
            int(-8_000_000_000_000_000_000_i64),
            "i-8000000000000000000e",
        ),
        (int(i64::MIN), "i-9223372036854775808e"),
        (
            int(10_000_000_000_000_000_000_u64),
            "i10000000000000000000e",
        ),
        (int(u64::MAX), "i18446744073709551615e"),
        (
            dict([
                ("hi", int(123)),
                ("omg", int(-7890)),
                ("bye", int(456)),
                ("zap", int(0)),
            ]),
            "d3:byei456e2:hii123e3:omgi-7890e3:zapi0ee",
        ),
        (
            dict([("c", text("x")), ("a", text("z")), ("b", text("y"))]),
            "d1:a1:z1:b1:y1:c1:xe",
        ),
        (
            list([text("a"), text(""), text("\0"), text("\0\0\0goo")]),
            "l1:a0:1:\x006:\x00\0\0gooe",
        ),
        (
            dict([
                (
                    "foo",
                    list([
                        dict([("a", list([int(1), int(2), int(3)])), ("b", list([]))]),
                        dict([("c", list([int(-5), int(4)]))]),
                    ]),
                ),
                ("bar", list([])),
            ]),
            "d3:barle3:foold1:ali1ei2ei3ee1:bleed1:cli-5ei4eeeee",
        ),
        (
            list([
                int(42),
                text("hi"),
                list([int(1), int(2), int(3), int(4), int(5)]),
            ]),
            "li42e2:hili1ei2ei3ei4ei5eee",
        ),
        (
            dict([
                ("a", int(0)),
                ("b", int(-8_000_000_000_000_000_000_i64)),
                ("c", int(10_000_000_000_000_000_000_u64)),
                ("d", int(-123)),
                ("e", int(123)),
            ]),
            "d1:ai0e1:bi-8000000000000000000e1:ci10000000000000000000e1:di-123e1:ei123ee",
        ),
        (int(3), "i3e"),
        (text("hi"), "2:hi"),
        (int(-42), "i-42e"),
        (
            list([
                int(-123),
                int(23),
                text("!"),
                text("Foo"),
                text("foo"),
                text("~"),
            ]),
            "li-123ei23e1:!3:Foo3:foo1:~e",
        ),
        (
            dict([
                ("a", int(23)),
                ("B", text("x")),
                ("c", list([int(-3), int(4), text("1"), text("2")])),
                ("D", dict([("x", int(1)), ("y", int(2))])),
                ("d", dict([("e", dict([("f", dict([("g", text(""))]))]))])),
            ]),
            "d1:B1:x1:Dd1:xi1e1:yi2ee1:ai23e1:cli-3ei4e1:11:2e1:dd1:ed1:fd1:g0:eeee",
        ),
    ];
    for (tree, encoded) in cases {
        let encoded = encoded.as_bytes();
        assert_eq!(tree.encode(), encoded);
        assert_eq!(Tree::read(&bt::parse(encoded).unwrap()), sorted(&tree));
    }
}

#[test]
fn forms_that_the_specification_refuses_are_refused() {
    for bad in [
        // Refused by the reference reader as well.
        "i-9223372036854775809e",
        "dex",
        "i123eIN YOUR DATA READING YOUR INTS!",
        "2:hibye",
        "li1e",
        "ie",
        "i-e",
        "i+1e",
        "i 1e",
        "i1.0e",
        "i1",
        "5:abcd",
        // Some of these are accepted by the reference reader.
        "i01e",
        "i007e",
        "i-007e",
        "i-0e",
        "i-01e",
        "02:hi",
        "05:hello",
        "d1:b0:1:a0:e",
        "d1:a0:1:a1:xe",
        "i30000000000000000000e",
        "i99999999999999999999e",
        "i18446744073709551616e",
        "d1:ae",
        "di1e1:xe",
        "lle",
        "l1:a",
        "",
        "e",
        "-1:a",
        ":",
        "x",
        "d1:a",
        "d",
        "l",
        "00:",
        "1",
    ] {
        assert!(bt::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let cases: [(&str, Error); 14] = [
        ("i1", Error::End { at: 2 }),
        ("lx", Error::UnexpectedByte { at: 1, byte: b'x' }),
        ("li01ee", Error::NotShortest { at: 2 }),
        ("li-0ee", Error::NotShortest { at: 1 }),
        ("i-9223372036854775809e", Error::Range { at: 0 }),
        // The first 20 digits alone are in range.
        ("i100000000000000000000e", Error::Range { at: 1 }),
        ("100000000000000000000:", Error::Range { at: 0 }),
        (
            "l5:abcd",
            Error::StringLength {
                at: 1,
                announced: 5,
                left: 4,
            },
        ),
        ("di1e1:xe", Error::KeyKind { at: 1 }),
        ("d1:a0:1:a0:e", Error::DuplicateKey { at: 6 }),
        ("d1:b0:1:a0:e", Error::KeyOrder { at: 6 }),
        ("d1:ae", Error::MissingValue { at: 4 }),
        ("i1ee", Error::TrailingBytes { at: 3, left: 1 }),
        (
            "18446744073709551615:",
            Error::StringLength {
                at: 0,
                announced: u64::MAX,
                left: 0,
            },
        ),
    ];
    for (input, error) in cases {
        assert_eq!(bt::parse(input.as_bytes()), Err(error), "{input}");
    }
}

#[test]
fn a_million_nested_lists_are_refused_without_recursion() {
    for opening in ["l", "d0:", "ld0:"] {
        let deep = opening.repeat(1_000_000);
        let error = bt::parse(deep.as_bytes()).unwrap_err();
        assert_eq!(error, Error::TooDeep { limit: 64 });
    }
}

#[test]
fn depth_is_bounded_exactly() {
    let nested = |depth| [b"l".repeat(depth), b"e".repeat(depth)].concat();
    assert!(bt::parse(&nested(64)).is_ok());
    assert!(bt::parse(&nested(65)).is_err());
    let limits = Limits {
        depth: 2,
        ..Limits::DEFAULT
    };
    assert!(bt::parse_prefix(&nested(2), &limits).is_ok());
    assert_eq!(
        bt::parse_prefix(&nested(3), &limits),
        Err(Error::TooDeep { limit: 2 })
    );
}

#[test]
fn count_and_size_are_bounded() {
    let limits = Limits {
        items: 4,
        size: 20,
        ..Limits::DEFAULT
    };
    assert!(bt::parse_prefix(b"li1ei2ei3ee", &limits).is_ok());
    assert!(bt::parse_prefix(b"d1:ai1e1:bi1ee", &limits).is_err());
    assert_eq!(
        bt::parse_prefix(b"li1ei2ei3ei4ee", &limits),
        Err(Error::TooManyItems { limit: 4 })
    );
    assert!(bt::parse_prefix(b"17:aaaaaaaaaaaaaaaaa", &limits).is_ok());
    assert_eq!(
        bt::parse_prefix(b"18:aaaaaaaaaaaaaaaaaa", &limits),
        Err(Error::TooLong { limit: 20, got: 21 })
    );
}

#[test]
fn bytes_after_a_value_are_handed_out_by_parse_prefix_alone() {
    let (value, rest) = bt::parse_prefix(b"le\0\0", &Limits::DEFAULT).unwrap();
    assert!(value.as_list().unwrap().is_empty());
    assert_eq!(rest, b"\0\0");
}

#[test]
fn fields_are_checked() {
    let dict = bt::parse_dict(b"d0:i1e1:a3:abc1:bi-1e1:lle1:mdee").unwrap();
    assert_eq!(dict.int("").unwrap(), Int::from(1));
    assert_eq!(dict.u64("").unwrap(), 1);
    assert_eq!(dict.i64("b").unwrap(), -1);
    assert_eq!(dict.array("a").unwrap(), b"abc");
    assert!(dict.list("l").unwrap().is_empty());
    assert!(dict.dict("m").unwrap().is_empty());
    assert_eq!(dict.u64("b"), Err(FieldError::Range { key: "b" }));
    assert_eq!(dict.bytes("x"), Err(FieldError::Missing { key: "x" }));
    assert_eq!(
        dict.array::<4>("a"),
        Err(FieldError::Length {
            key: "a",
            expected: 4,
            got: 3
        })
    );
    assert_eq!(
        dict.list("a"),
        Err(FieldError::Kind {
            key: "a",
            expected: Kind::List,
            got: Kind::Bytes
        })
    );
    let large = bt::parse_dict(b"d1:ai9223372036854775808ee").unwrap();
    assert_eq!(large.i64("a"), Err(FieldError::Range { key: "a" }));
    assert_eq!(large.u64("a"), Ok(1 << 63));
}

#[test]
fn the_outermost_kind_is_checked() {
    assert!(matches!(
        bt::parse_dict(b"le"),
        Err(Error::OutermostKind {
            expected: Kind::Dict
        })
    ));
    assert!(bt::parse_list(b"de").is_err());
}

#[test]
fn entries_have_their_offsets_and_raw_bytes() {
    let bytes = b"d1:ali1ee2:bbd1:xi2eee";
    let entries: Vec<_> = bt::parse_dict(bytes).unwrap().iter().collect();
    assert_eq!(entries[0].key_offset, 1);
    assert_eq!(entries[0].raw, b"li1ee");
    assert_eq!(entries[1].key_offset, 9);
    assert_eq!(entries[1].raw, b"d1:xi2ee");
}

#[test]
fn unknown_values_are_written_again_byte_for_byte() {
    let bytes = b"d0:i18446744073709551615e1:ali-1ed1:xleee1:b3:\0\xff\xffe";
    let read = bt::parse_dict(bytes).unwrap();
    let written = bt::dict(|d| {
        for entry in read {
            d.value(entry.key, &entry.value);
        }
    });
    assert_eq!(written, bytes);
}

#[test]
fn values_can_be_looked_at() {
    let value = bt::parse(b"li-7e2:abd1:ai1eee").unwrap();
    let list = value.as_list().unwrap();
    assert!(!list.is_empty());
    let mut items = list.iter();
    let mut offsets = Vec::new();
    while items.next().is_some() {
        offsets.push(items.offset());
    }
    assert_eq!(offsets, [5, 9, 17]);
    let int = list.iter().next().unwrap().as_int().unwrap();
    assert_eq!(int.as_i128(), -7);
    let dict = list.iter().last().unwrap().as_dict().unwrap();
    assert!(!dict.is_empty());
    assert!(bt::parse_dict(b"de").unwrap().is_empty());
    // Debug shows what is inside.
    assert!(format!("{list:?}").starts_with("[Int("), "{list:?}");
    assert!(format!("{dict:?}").contains("Int("), "{dict:?}");
    let kinds = [Kind::Int, Kind::Bytes, Kind::List, Kind::Dict].map(|kind| kind.to_string());
    assert!(kinds.iter().all(|kind| !kind.is_empty()));
    assert_eq!(kinds[3], "dict");
}

#[test]
fn keys_come_out_sorted_as_unsigned_bytes() {
    let order: [&[u8]; 17] = [
        b"", b"#", b"&", b"(", b")", b"*", b"+", b"1", b"<", b"=", b"@", b"A", b"Z", b"a", b"aa",
        b"~", b"\x80",
    ];
    let written = bt::dict(|d| {
        for key in order.iter().rev() {
            d.bytes(key, b"v");
        }
    });
    let keys: Vec<_> = bt::parse_dict(&written)
        .unwrap()
        .iter()
        .map(|entry| entry.key)
        .collect();
    assert_eq!(keys, order);
}

#[test]
fn a_key_written_twice_keeps_its_last_value() {
    let written = bt::dict(|d| {
        d.int(b"b", 1).int(b"c", 2).int(b"a", 3);
        d.int(b"b", 44).int(b"c", 5).int(b"d", 6).int(b"a", 7);
    });
    assert_eq!(written, b"d1:ai7e1:bi44e1:ci5e1:di6ee");
}

#[test]
fn a_signature_covers_everything_before_its_key() {
    let bytes = bt::signed_dict(
        |d| {
            d.bytes(b"#", b"n").int(b"G", 1);
        },
        |message| {
            assert_eq!(message, b"d1:#1:n1:Gi1e");
            [7; 64]
        },
    )
    .unwrap();
    assert!(bytes.ends_with(b"\x07\x07e"));
    let signed = bt::parse_dict(&bytes).unwrap().signed().unwrap();
    assert_eq!(signed.message, b"d1:#1:n1:Gi1e");
    assert_eq!(signed.signature, &[7; 64]);
}

#[test]
fn signatures_that_are_missing_short_or_not_last_are_refused() {
    let with = |entries: &[(&[u8], usize)]| {
        bt::dict(|d| {
            for (key, length) in entries {
                d.bytes(key, &vec![1; *length]);
            }
        })
    };
    let signed = |bytes: &[u8]| bt::parse_dict(bytes).unwrap().signed().map(|_| ());
    let twice = |bytes: &[u8]| {
        let dict = bt::parse_dict(bytes).unwrap();
        dict.signed_twice().map(|(_, second)| second.is_some())
    };
    assert_eq!(signed(&with(&[(b"~", 64)])), Ok(()));
    assert!(signed(&with(&[(b"a", 64)])).is_err());
    assert!(signed(&with(&[(b"~", 63)])).is_err());
    assert!(signed(&with(&[(b"~", 65)])).is_err());
    assert_eq!(
        signed(&with(&[(b"~", 64), (b"~P", 64)])),
        Err(FieldError::AfterSignature)
    );
    assert_eq!(twice(&with(&[(b"~", 64)])), Ok(false));
    assert_eq!(twice(&with(&[(b"~", 64), (b"~P", 64)])), Ok(true));
    assert!(twice(&with(&[(b"~", 64), (b"~P", 63)])).is_err());
    assert_eq!(
        twice(&with(&[(b"~", 64), (b"~Q", 64)])),
        Err(FieldError::AfterSignature)
    );
    assert!(twice(&with(&[(b"~", 64), (b"~P", 64), (b"~Q", 1)])).is_err());
    for late in ["~", "~P", "\u{80}"] {
        let bytes = bt::signed_dict(
            |d| {
                d.int(late.as_bytes(), 1);
            },
            |_| [0; 64],
        );
        assert_eq!(bytes, Err(FieldError::AfterSignature));
    }
}

#[test]
fn a_second_signature_covers_the_first() {
    let bytes = bt::dict(|d| {
        d.int(b"a", 1).bytes(b"~", &[1; 64]).bytes(b"~P", &[2; 64]);
    });
    let (first, second) = bt::parse_dict(&bytes).unwrap().signed_twice().unwrap();
    assert_eq!(first.message, b"d1:ai1e");
    let second = second.unwrap();
    assert_eq!(second.signature, &[2; 64]);
    assert_eq!(second.message, &bytes[..bytes.len() - 1 - 64 - 7]);
}

mod properties {
    use proptest::prelude::*;

    use super::{Int, Step, Tree, bt, sorted};

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(|int| Tree::Int(Int::from(int))),
            any::<u64>().prop_map(|int| Tree::Int(Int::from(int))),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Tree::Bytes),
        ];
        leaf.prop_recursive(6, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Tree::List),
                prop::collection::hash_map(prop::collection::vec(any::<u8>(), 0..4), inner, 0..8)
                    .prop_map(|map| Tree::Dict(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(tree in trees()) {
            let bytes = tree.encode();
            prop_assert_eq!(Tree::read(&bt::parse(&bytes).unwrap()), sorted(&tree));
        }

        #[test]
        fn steps_read_what_iterators_read(tree in trees()) {
            let bytes = [b"l".as_slice(), &tree.encode(), b"e"].concat();
            let list = bt::parse_list(&bytes).unwrap();
            let mut steps = list.steps();
            let walked = Tree::walk(steps.next().unwrap(), &mut steps);
            prop_assert_eq!(walked, Some(sorted(&tree)));
            prop_assert_eq!((steps.next(), steps.next()), (Some(Step::End), None));
            if let Some(dict) = list.iter().next().and_then(|value| value.as_dict()) {
                let walked = Tree::walk(Step::Dict, &mut dict.steps());
                prop_assert_eq!(walked, Some(sorted(&tree)));
            }
        }

        #[test]
        fn what_parses_is_canonical(
            bytes in prop::collection::vec(prop::sample::select(b"deil:0123-ab".to_vec()), 0..24),
        ) {
            if let Ok(value) = bt::parse(&bytes) {
                prop_assert_eq!(Tree::read(&value).encode(), bytes);
            }
        }

        #[test]
        fn no_prefix_of_a_value_is_a_value(tree in trees(), cut in any::<prop::sample::Index>()) {
            let bytes = tree.encode();
            let cut = cut.index(bytes.len());
            prop_assert!(bt::parse(&bytes[..cut]).is_err());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = bt::parse(&bytes);
        }
    }
}
