//! bt-encoding: the reader against itself, the writer and bendy.

use session_proto::bt::{self, DictWriter, Kind, Limits, ListWriter, Value};

use crate::input::Input;

/// What is accepted is canonical: written again it gives the same bytes.
pub fn parse(data: &[u8]) {
    if let Ok(value) = bt::parse(data) {
        assert_eq!(bytes_of(&value), data);
        walk(&value);
    }
    if let Ok((value, rest)) = bt::parse_prefix(data, &Limits::DEFAULT) {
        assert_eq!([&bytes_of(&value), rest].concat(), data);
        assert_eq!(bt::parse(data).is_ok(), rest.is_empty());
    }
    let kind = bt::parse(data).ok().map(|value| value.kind());
    assert_eq!(bt::parse_dict(data).is_ok(), kind == Some(Kind::Dict));
    assert_eq!(bt::parse_list(data).is_ok(), kind == Some(Kind::List));
}

fn bytes_of(value: &Value<'_>) -> Vec<u8> {
    let list = bt::list(|list| {
        list.value(value);
    });
    list[1..list.len() - 1].to_vec()
}

/// Visits every element by every way there is.
fn walk(value: &Value<'_>) {
    match value {
        Value::Int(int) => {
            let wide = int.as_i128();
            assert_eq!(int.as_u64(), u64::try_from(wide).ok());
            assert_eq!(int.as_i64(), i64::try_from(wide).ok());
        }
        Value::Bytes(_) => {}
        Value::List(list) => {
            assert_eq!(list.iter().next().is_none(), list.is_empty());
            list.iter().for_each(|item| walk(&item));
        }
        Value::Dict(dict) => {
            let mut last: Option<&[u8]> = None;
            for entry in dict.iter() {
                assert!(last.is_none_or(|last| last < entry.key));
                assert_eq!(dict.get(entry.key), Some(entry.value));
                last = Some(entry.key);
                walk(&entry.value);
            }
        }
    }
}

/// Signed dicts: what is signed is a piece of the input.
pub fn signed(data: &[u8]) {
    let Ok(dict) = bt::parse_dict(data) else {
        return;
    };
    if let Ok(signed) = dict.signed() {
        assert!(data.starts_with(signed.message));
    }
    if let Ok((outer, inner)) = dict.signed_twice() {
        assert!(data.starts_with(outer.message));
        if let Some(inner) = inner {
            assert!(inner.message.len() < data.len());
        }
    }
}

/// What the writer makes is accepted, whatever the order of keys.
pub fn write(data: &[u8]) {
    let mut input = Input::new(data);
    let bytes = bt::dict(|dict| fill_dict(dict, &mut input, 0));
    let parsed = bt::parse_dict(&bytes).expect("the writer is canonical");
    walk(&Value::Dict(parsed));
    let mut input = Input::new(data);
    let bytes = bt::list(|list| fill_list(list, &mut input, 0));
    let parsed = bt::parse_list(&bytes).expect("the writer is canonical");
    walk(&Value::List(parsed));
}

fn fill_dict(dict: &mut DictWriter<'_>, input: &mut Input<'_>, depth: usize) {
    for _ in 0..input.byte() % 8 {
        let key_length = usize::from(input.byte() % 4);
        let key = input.take(key_length);
        match input.byte() % 4 {
            0 => dict.int(key, input.number().cast_signed()),
            1 => dict.bytes(key, input.piece()),
            2 if depth < 8 => dict.list(key, |list| fill_list(list, input, depth + 1)),
            3 if depth < 8 => dict.dict(key, |dict| fill_dict(dict, input, depth + 1)),
            _ => dict.int(key, input.number()),
        };
    }
}

fn fill_list(list: &mut ListWriter<'_>, input: &mut Input<'_>, depth: usize) {
    for _ in 0..input.byte() % 8 {
        match input.byte() % 4 {
            0 => list.int(input.number().cast_signed()),
            1 => list.bytes(input.piece()),
            2 if depth < 8 => list.list(|list| fill_list(list, input, depth + 1)),
            3 if depth < 8 => list.dict(|dict| fill_dict(dict, input, depth + 1)),
            _ => list.int(input.number()),
        };
    }
}

/// Against bendy: what one accepts, so does the other, but for what bendy leaves open.
///
/// bendy takes integers of any size and bytes after the end, and has no limit on items.
pub fn bendy(data: &[u8]) {
    let mut decoder = bendy::decoding::Decoder::new(data).with_max_depth(bt::MAX_DEPTH);
    let theirs = decoder.next_object().ok().flatten().and_then(read_bendy);
    match bt::parse(data) {
        Ok(value) => {
            let theirs = theirs.expect("bendy takes all that is canonical");
            assert!(theirs.in_range);
            assert_eq!(bytes_of(&value).len(), data.len());
        }
        Err(bt::Error::TrailingBytes { .. } | bt::Error::TooManyItems { .. }) => {}
        Err(bt::Error::TooDeep { .. }) => {}
        Err(error) => {
            assert!(theirs.is_none_or(|theirs| !theirs.in_range), "{error}");
        }
    }
}

struct Theirs {
    /// Whether every integer is one of the protocol.
    in_range: bool,
}

fn read_bendy(object: bendy::decoding::Object<'_, '_>) -> Option<Theirs> {
    use bendy::decoding::Object;
    let mut in_range = true;
    match object {
        Object::Integer(digits) => {
            in_range = digits
                .parse::<i128>()
                .is_ok_and(|int| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&int));
        }
        Object::Bytes(_) => {}
        Object::List(mut list) => {
            while let Some(item) = list.next_object().ok()? {
                in_range &= read_bendy(item)?.in_range;
            }
        }
        Object::Dict(mut dict) => {
            while let Some((_, value)) = dict.next_pair().ok()? {
                in_range &= read_bendy(value)?.in_range;
            }
        }
    }
    Some(Theirs { in_range })
}
