//! Both implementations read the same values from the same bytes, and refuse the same bytes.

use bt_oracle::{Tree, integers_fit, read_bendy, read_ours};
use proptest::prelude::*;
use session_proto::bt::MAX_DEPTH;

fn encode(tree: &Tree, out: &mut Vec<u8>) {
    let bytes = |bytes: &[u8], out: &mut Vec<u8>| {
        out.extend(format!("{}:", bytes.len()).bytes());
        out.extend(bytes);
    };
    match tree {
        Tree::Int(digits) => out.extend(format!("i{digits}e").bytes()),
        Tree::Bytes(value) => bytes(value, out),
        Tree::List(items) => {
            out.push(b'l');
            items.iter().for_each(|item| encode(item, out));
            out.push(b'e');
        }
        Tree::Dict(entries) => {
            out.push(b'd');
            for (key, value) in entries {
                bytes(key, out);
                encode(value, out);
            }
            out.push(b'e');
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|int| Tree::Int(int.to_string())),
        any::<u64>().prop_map(|int| Tree::Int(int.to_string())),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Tree::Bytes),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let keys = prop::collection::vec(any::<u8>(), 0..3);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::List),
            prop::collection::btree_map(keys, inner, 0..6)
                .prop_map(|map| Tree::Dict(map.into_iter().collect())),
        ]
    })
}

/// Says of both the same, but for the known differences.
fn agree(bytes: &[u8]) {
    let bendy = read_bendy(bytes, MAX_DEPTH).filter(integers_fit);
    assert_eq!(read_ours(bytes), bendy, "{}", bytes.escape_ascii());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn values_are_read_alike(tree in trees()) {
        let mut bytes = Vec::new();
        encode(&tree, &mut bytes);
        prop_assert_eq!(read_ours(&bytes), Some(tree.clone()));
        prop_assert_eq!(read_bendy(&bytes, MAX_DEPTH), Some(tree));
    }

    #[test]
    fn changed_values_are_read_alike(
        tree in trees(),
        at in any::<prop::sample::Index>(),
        byte in prop_oneof![prop::sample::select(b"deil:0123456789-".to_vec()), any::<u8>()],
    ) {
        let mut bytes = Vec::new();
        encode(&tree, &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        agree(&bytes);
    }

    #[test]
    fn soup_is_read_alike(
        bytes in prop::collection::vec(prop::sample::select(b"deeeilli:0012-ab".to_vec()), 0..16),
    ) {
        agree(&bytes);
    }
}

#[test]
fn short_inputs_are_read_alike() {
    let alphabet = b"deil:012-a";
    let mut inputs = vec![Vec::new()];
    for _ in 0..6 {
        let longer = inputs.iter().flat_map(|input| {
            alphabet
                .iter()
                .map(move |byte| [input.as_slice(), &[*byte]].concat())
        });
        inputs = longer.collect();
        inputs.iter().for_each(|input| agree(input));
    }
}

#[test]
fn the_known_differences_are_these() {
    // Integers out of range.
    for int in ["18446744073709551616", "-9223372036854775809"] {
        let bytes = format!("i{int}e").into_bytes();
        assert_eq!(read_bendy(&bytes, MAX_DEPTH), Some(Tree::Int(int.into())));
        assert_eq!(read_ours(&bytes), None);
    }
    // Bytes after the value: bendy reads the first value and goes on.
    assert_eq!(read_ours(b"i1ei2e"), None);
    // Depth.
    let nested = |depth| [b"l".repeat(depth), b"e".repeat(depth)].concat();
    assert!(read_ours(&nested(MAX_DEPTH)).is_some());
    assert!(read_ours(&nested(MAX_DEPTH + 1)).is_none());
    assert!(read_bendy(&nested(MAX_DEPTH + 1), 2048).is_some());
}
