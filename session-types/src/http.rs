//! Requests to servers and their responses as plain data, and the text forms that they use.
//!
//! Communities, the file server, the push server and the others are asked over HTTP inside of onion
//! requests. These types carry what such a payload carries; they neither send nor parse it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::UnixMillis;

/// A method of HTTP that the servers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `GET`; has no body.
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`; has no body.
    Delete,
}

impl Method {
    /// Returns the name in upper case, as signatures cover it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The servers do not know the method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected GET, POST, PUT or DELETE")]
pub struct UnknownMethod;

/// Parses the name of a method in upper case.
impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        match text {
            "GET" => Ok(Self::Get),
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "DELETE" => Ok(Self::Delete),
            _ => Err(UnknownMethod),
        }
    }
}

/// Header names and values. Names have no case.
pub type Headers = Vec<(String, String)>;

/// Returns the value of the last header with this name, compared without case.
#[must_use]
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .rev()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// A request to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path with its query. It begins with a slash.
    pub path: String,
    /// The headers in the order in which they are sent.
    pub headers: Headers,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// Creates a request without headers and body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Creates a GET.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body and adds its `Content-Type`.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.with_header("Content-Type", content_type)
    }

    /// Returns the value of a header, found without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns the path and the query behind the first `?`; the query is empty if absent.
    #[must_use]
    pub fn path_and_query(&self) -> (&str, &str) {
        self.path.split_once('?').unwrap_or((&self.path, ""))
    }
}

/// A response of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, their names in lower case if a server of these crates wrote them.
    pub headers: Headers,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Response {
    /// Creates a response with a body of a type.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: alloc::vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Returns the value of a header, found without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Returns whether the status is one of success: 200 to 299.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Returns the reason phrase of a status that service nodes send; `Unknown` for any other.
#[must_use]
pub const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        406 => "Not Acceptable",
        410 => "Gone",
        413 => "Payload Too Large",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    }
}

/// Encodes an error as nodes send it over QUIC: status, reason phrase, an empty line, the body
/// (protocol: storage-rpc, section 1.3).
///
/// ```
/// let error = session_types::http::error_body(421, b"[421,{}]");
/// assert_eq!(error, b"421 Misdirected Request\n\n[421,{}]");
/// ```
#[must_use]
pub fn error_body(status: u16, body: &[u8]) -> Vec<u8> {
    let head = format!("{status} {}\n\n", reason_phrase(status));
    [head.as_bytes(), body].concat()
}

/// The `Content-Length` is malformed or above a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LengthError {
    /// The value is not a decimal number.
    #[error("expected a decimal content-length")]
    NotANumber,
    /// The announced body is longer than the limit.
    #[error("expected a body of at most {limit} bytes, {announced} announced")]
    TooLong {
        /// The announced length in bytes.
        announced: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

/// Checks the announced length of a body before the body is read. Returns it if there is one.
///
/// # Errors
///
/// [`LengthError`] if the header is malformed or above `limit` bytes.
pub fn announced_length(
    headers: &[(String, String)],
    limit: u64,
) -> Result<Option<u64>, LengthError> {
    let Some(text) = header(headers, "content-length") else {
        return Ok(None);
    };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let announced: u64 = match text.parse() {
        Ok(number) if digits => number,
        // All digits, but more than 64 bits.
        Err(_) if digits => u64::MAX,
        _ => return Err(LengthError::NotANumber),
    };
    if announced > limit {
        return Err(LengthError::TooLong { announced, limit });
    }
    Ok(Some(announced))
}

/// Decodes percent escapes. Returns `None` if an escape is incomplete or the result is not UTF-8.
#[must_use]
pub fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else {
            return None;
        };
        let digits = [*high, *low];
        let [byte] = crate::hex::decode::<1>(core::str::from_utf8(&digits).ok()?)?;
        out.push(byte);
        rest = tail;
    }
    String::from_utf8(out).ok()
}

/// Escapes every byte but letters, digits and `-._~`, with upper-case digits.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// The last second of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of a month; `month` counts from 0.
const fn month_length(year: u64, month: usize) -> u64 {
    match month {
        1 if is_leap(year) => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

/// Writes a time as an HTTP date, such as `Fri, 27 Nov 2026 17:16:12 GMT`. Times after the year
/// 9999 become its last second.
#[must_use]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "the year is at most 9999, and days are subtracted only while there are more"
)]
pub fn date(time: UnixMillis) -> String {
    let seconds = time.as_secs().min(LAST_SECOND);
    let mut days = seconds / 86_400;
    // The first of January 1970 was a Thursday.
    let name = match days % 7 {
        0 => "Thu",
        1 => "Fri",
        2 => "Sat",
        3 => "Sun",
        4 => "Mon",
        5 => "Tue",
        _ => "Wed",
    };
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let mut month_name = "Jan";
    for (month, text) in MONTHS.iter().enumerate() {
        month_name = text;
        let length = month_length(year, month);
        if days < length {
            break;
        }
        days -= length;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let day = days + 1;
    format!("{name}, {day:02} {month_name} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Parses an HTTP date of the form that [`date`] writes. Returns `None` for any other text.
#[must_use]
pub fn parse_date(text: &str) -> Option<UnixMillis> {
    // `Fri, 27 Nov 2026 17:16:12 GMT`; writing it again checks every part, weekday included.
    let mut words = text.split(' ');
    let _weekday = words.next()?;
    let day: u64 = words.next()?.parse().ok()?;
    let month_name = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month_name)?;
    let year: u64 = words.next()?.parse().ok()?;
    if !(1970..=9999).contains(&year) {
        return None;
    }
    let mut clock = words.next()?.split(':');
    let mut seconds: u64 = 0;
    for _ in 0..3 {
        let part: u64 = clock.next()?.parse().ok()?;
        seconds = seconds.checked_mul(60)?.checked_add(part)?;
    }
    let mut days = day.checked_sub(1)?;
    for earlier in 1970..year {
        days = days.checked_add(if is_leap(earlier) { 366 } else { 365 })?;
    }
    for earlier in 0..month {
        days = days.checked_add(month_length(year, earlier))?;
    }
    let time = UnixMillis::from_secs(days.checked_mul(86_400)?.checked_add(seconds)?);
    (date(time) == text).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_795_799_772, "Fri, 27 Nov 2026 17:16:12 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(date(UnixMillis::from_secs(seconds)), text);
            assert_eq!(parse_date(text), Some(UnixMillis::from_secs(seconds)));
        }
        assert_eq!(date(UnixMillis::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
        for bad in [
            "",
            "Fri, 27 Nov 2026 17:16:12",
            "Sat, 27 Nov 2026 17:16:12 GMT",
            "Fri, 32 Nov 2026 17:16:12 GMT",
            "Fri, 27 Nov 2026 17:16:60 GMT",
            "Fri, 27 Nov 99999999999 17:16:12 GMT",
            "Fri, 0 Nov 2026 17:16:12 GMT",
        ] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn escapes_are_decoded_and_bad_ones_refused() {
        assert_eq!(percent_decode("a%20%F0%9f%8d%95").unwrap(), "a 🍕");
        assert_eq!(percent_encode("a b/🎂"), "a%20b%2F%F0%9F%8E%82");
        for bad in ["%", "%2", "%zz", "%ff", "%0x"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn announced_lengths_have_a_limit() {
        let headers = |value: &str| alloc::vec![("Content-Length".to_owned(), value.to_owned())];
        assert_eq!(announced_length(&[], 5), Ok(None));
        assert_eq!(announced_length(&headers("5"), 5), Ok(Some(5)));
        for (value, announced) in [("6", 6), ("99999999999999999999999", u64::MAX)] {
            let error = LengthError::TooLong {
                announced,
                limit: 5,
            };
            assert_eq!(announced_length(&headers(value), 5), Err(error));
        }
        for bad in ["", "+5", "-1", "5 ", "five"] {
            let error = Err(LengthError::NotANumber);
            assert_eq!(announced_length(&headers(bad), 5), error, "{bad}");
        }
    }

    #[test]
    fn header_names_have_no_case_and_the_last_counts() {
        let request = Request::get("/a?b=c")
            .with_header("X-A", "1")
            .with_header("x-a", "2");
        assert_eq!(request.header("X-a"), Some("2"));
        assert_eq!(request.path_and_query(), ("/a", "b=c"));
        assert_eq!(Request::get("/a").path_and_query(), ("/a", ""));
    }
}
