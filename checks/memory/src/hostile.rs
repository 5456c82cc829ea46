//! Input that asks for memory: shapes by which a few bytes announce or become many.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// `head`, then `item` again and again, then `tail`; `size` bytes at most.
fn repeated(head: &str, item: &str, tail: &str, size: usize) -> Vec<u8> {
    let room = size.saturating_sub(head.len() + tail.len());
    [
        head.to_owned(),
        item.repeat(room / item.len()),
        tail.to_owned(),
    ]
    .concat()
    .into_bytes()
}

/// `head`, then nests of so many `open`, one `inside` and as many `close`, then `tail`; `size` bytes at
/// most.
fn nests(
    head: &str,
    open: &str,
    inside: &str,
    close: &str,
    tail: &str,
    depth: usize,
    size: usize,
) -> Vec<u8> {
    // A comma stands before each nest, not before each level.
    let comma = if open.starts_with(',') { "," } else { "" };
    let open = open.trim_start_matches(',').repeat(depth);
    let nest = format!("{comma}{open}{inside}{}", close.repeat(depth));
    repeated(head, &nest, tail, size)
}

/// Every shape, in about so many bytes.
pub fn shapes(size: usize) -> Vec<Vec<u8>> {
    let mut random = vec![0; size];
    ChaCha20Rng::seed_from_u64(1).fill_bytes(&mut random);
    let keys = |open: &str, close: &str, entry: &dyn Fn(usize) -> String| {
        let mut text = open.to_owned();
        for index in 0.. {
            let entry = entry(index);
            if text.len() + entry.len() + close.len() > size {
                break;
            }
            text.push_str(&entry);
        }
        (text + close).into_bytes()
    };
    let mut all = vec![
        random,
        vec![0; size],
        vec![0xff; size],
        vec![b'A'; size],
        // Bencoding: nesting, many small items, announced lengths.
        repeated("", "l", "", size),
        repeated("", "d0:", "", size),
        repeated("l", "le", "e", size),
        repeated("l", "0:", "e", size),
        repeated("l", "i0e", "e", size),
        repeated("999999999:", "a", "", size),
        repeated("d", "1:a0:", "e", size),
        repeated("d1:#24:aaaaaaaaaaaaaaaaaaaaaaaa1:el", "0:", "ee", size),
        keys("d", "e", &|index| format!("8:{index:08}0:")),
        // Lists and dictionaries of one entry, and of two, side by side and in each other.
        repeated("l", "d0:0:e", "e", size),
        repeated("l", "d0:0:1:a0:e", "e", size),
        nests("l", "d0:", "0:", "e", "e", 30, size),
        nests("l", "l", "", "e", "e", 30, size),
        // JSON: the same, and members that are looked for.
        repeated("", "[", "", size),
        repeated("", "{\"a\":", "", size),
        repeated("[0", ",0", "]", size),
        repeated("[[]", ",[]", "]", size),
        repeated("[{}", ",{}", "]", size),
        repeated("[\"\"", ",\"\"", "]", size),
        repeated("[{\"\":0}", ",{\"\":0}", "]", size),
        repeated("[[0]", ",[0]", "]", size),
        repeated("{\"\":0", ",\"\":0", "}", size),
        nests("[0", ",{\"\":", "0", "}", "]", 120, size),
        nests("[0", ",[", "", "]", "]", 120, size),
        repeated("{\"a\":\"", "\\u0041", "\"}", size),
        // The same in a request, and in an answer that was sent through a path.
        repeated(
            "{\"method\":\"info\",\"params\":{\"x\":[{\"\":0}",
            ",{\"\":0}",
            "]}}",
            size,
        ),
        repeated("{\"status\":200,\"a\":[0", ",0", "]}", size),
        repeated("{\"status\":200,\"a\":[[]", ",[]", "]}", size),
        nests("{\"status\":200,\"a\":[0", ",[", "0", "]", "]}", 100, size),
        nests(
            "{\"status\":200,\"a\":[0",
            ",{\"\":",
            "0",
            "}",
            "]}",
            100,
            size,
        ),
        keys(
            "{\"status\":200,\"body\":\"\",\"headers\":{",
            "\"z\":\"\"}}",
            &|index| format!("\"{index:x}\":\"\","),
        ),
        keys("{\"status\":200,", "\"z\":0}", &|index| {
            format!("\"{index:x}\":0,")
        }),
        keys("{", "\"z\":0}", &|index| format!("\"{index}\":0,")),
        keys(
            "{\"method\":\"store\",\"params\":{",
            "\"z\":0}}",
            &|index| format!("\"{index}\":0,"),
        ),
        repeated(
            "{\"method\":\"batch\",\"params\":{\"requests\":[0",
            ",0",
            "]}}",
            size,
        ),
        repeated(
            "{\"method\":\"batch\",\"params\":{\"requests\":[{\"method\":\"info\",\"params\":{}}",
            ",{\"method\":\"info\",\"params\":{}}",
            "]}}",
            size,
        ),
        repeated(
            "{\"method\":\"delete\",\"params\":{\"messages\":[\"\"",
            ",\"\"",
            "]}}",
            size,
        ),
        repeated(
            "{\"method\":\"store\",\"params\":{\"data\":\"",
            "A",
            "\"}}",
            size,
        ),
        repeated(
            "{\"result\":{\"service_node_states\":[{}",
            ",{}",
            "]}}",
            size,
        ),
        repeated(
            "{\"service_node_states\":[{\"public_ip\":\"\"}",
            ",{\"public_ip\":\"\"}",
            "]}",
            size,
        ),
        repeated("{\"snodes\":[{}", ",{}", "],\"swarm\":\"1\"}", size),
        repeated("{\"messages\":[{}", ",{}", "],\"hf\":[19,4],\"t\":1}", size),
        keys(
            "{\"swarm\":{",
            "\"z\":0},\"hf\":[19,4],\"t\":1}",
            &|index| format!("\"{index}\":{{}},"),
        ),
        // Text: words, and a word that is like none.
        repeated("", "abbey ", "", size),
        repeated("", "zzzz ", "", size),
        repeated("https://", "a", "", size),
        repeated("https://example.com/r?public_key=", "a", "", size),
    ];
    // Protobuf: empty messages in every field that repeats.
    for item in [
        [0x0a, 0],
        [0x12, 0],
        [0x1a, 0],
        [0x2a, 0],
        [0x52, 0],
        [0x08, 1],
    ] {
        let inner = item.repeat(size / 2);
        let mut outer = vec![0x0a];
        let mut length = inner.len();
        while length >= 0x80 {
            outer.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend_from_slice(&inner);
        all.extend([inner, outer]);
    }
    all
}

/// A compressed frame that becomes 128 KiB for each 4 bytes.
pub fn zstd_bomb(size: usize) -> Vec<u8> {
    // A window of 8 MiB, no size announced.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 13 << 3];
    let blocks = size.saturating_sub(frame.len()) / 4;
    for block in 1..=blocks {
        let header = 128 << 10 << 3 | 0b010 | u32::from(block == blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b'a');
    }
    frame
}

/// A protobuf field of bytes.
fn field(number: u32, inside: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in [u64::from(number << 3 | 2), inside.len() as u64] {
        let mut value = value;
        while value >= 0x80 {
            out.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    out.extend_from_slice(inside);
    out
}

/// Contents that are right, as large as they may be in about so many bytes: a text, receipts, a list
/// of hashes, candidates of a call, and attachments and previews with all that they can hold.
pub fn contents(size: usize) -> Vec<Vec<u8>> {
    let data = |inside: &[u8]| field(1, inside);
    let receipts = [8, 1]
        .into_iter()
        .chain([16, 1].repeat(size.min(20_000) / 2));
    let attachment = |number: u8| {
        let id = [0x09, number, 0, 0, 0, 0, 0, 0, 0];
        let text = vec![b'a'; size / 100];
        [
            id.to_vec(),
            field(2, &text),
            field(7, &text),
            field(11, &text),
        ]
        .concat()
    };
    let attachments: Vec<u8> = (0..32)
        .flat_map(|number| field(2, &attachment(number)))
        .collect();
    let preview = [
        field(1, b"https://example.com/"),
        field(2, &vec![b'p'; size / 32]),
    ]
    .concat();
    // Of delete-content: hashes, and the signature of an admin.
    let hashes = field(2, &[b'h'; 43]).repeat(size.min(180_000) / 45);
    let deleted = [hashes, field(3, &[1; 64])].concat();
    let sdps: Vec<u8> = (0..256)
        .flat_map(|_| field(2, &vec![b's'; size / 512]))
        .collect();
    // Text that grows when it is repaired: as much of it as is accepted.
    let invalid = |size: usize| [0xff, b'a', b'a', b'a'].repeat(size / 4);
    let invalid_names: Vec<u8> = (0..32)
        .flat_map(|number| {
            let id = [0x09, number, 0, 0, 0, 0, 0, 0, 0];
            field(2, &[&id[..], &field(7, &invalid(size / 40))].concat())
        })
        .collect();
    // Deprecated fields, which are left out.
    let quote = [
        vec![8, 1],
        field(2, &[b'0'; 66]),
        field(3, &vec![b'q'; size]),
    ]
    .concat();
    vec![
        data(&field(1, &invalid(size))),
        data(&invalid_names),
        data(&[field(1, b"text"), field(8, &quote)].concat()),
        data(&field(1, &vec![b't'; size])),
        data(&[field(1, b"text"), attachments].concat()),
        data(&[field(1, b"text"), field(10, &preview).repeat(16)].concat()),
        field(5, &receipts.collect::<Vec<u8>>()),
        field(
            3,
            &[
                vec![8, 1],
                sdps,
                field(5, b"1d4f9a8e-0000-4000-8000-000000000000"),
            ]
            .concat(),
        ),
        data(&field(120, &field(7, &deleted))),
    ]
}

/// A multi-recipient message of the right form with as many entries as fit, none of which opens.
pub fn recipients(size: usize) -> Vec<u8> {
    let entry = [b"40:".as_slice(), &[7; 40]].concat();
    let entries = entry.repeat(size.saturating_sub(40) / entry.len());
    [b"d1:#24:".as_slice(), &[1; 24], b"1:el", &entries, b"ee"].concat()
}
