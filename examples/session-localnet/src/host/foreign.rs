//! Text that somebody else wrote, on its way to a terminal.
//!
//! Nodes, servers and senders choose the bytes of what they say. On a terminal, control characters move
//! the cursor or repaint the screen, a line break forges a line of somebody else, and bidirectional and
//! invisible characters make one text look like another. [`Foreign`] is the type of such text: its
//! [`Display`](fmt::Display) form is one line on which everything is visible.

use std::borrow::Cow;
use std::fmt;

/// A text from outside, as it came. What is displayed of it is one line without invisible characters:
/// these are escaped as `\u{…}`.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Foreign(String);

impl Foreign {
    /// The text as it came, for a comparison or for an encoding that escapes. Not for a terminal.
    pub fn as_untrusted(&self) -> &str {
        &self.0
    }

    /// The text in more lines than one, if it has them: for where each line is indented.
    pub fn lines(&self) -> Cow<'_, str> {
        lines(&self.0)
    }
}

impl From<String> for Foreign {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Foreign {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(&self.0))
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A text on one line: line breaks are escaped too.
pub fn line(text: &str) -> Cow<'_, str> {
    escape(text, false)
}

/// A text with its line breaks, everything else that a terminal would obey or hide escaped.
pub fn lines(text: &str) -> Cow<'_, str> {
    escape(text, true)
}

/// JSON text in which no string holds a character that a terminal would obey or hide. It parses to the
/// same value.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        // A line break between two values is none of a string, in which it would be escaped already.
        if is_hidden(character) && character != '\n' {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Whether a text is one line without characters that a terminal would obey or hide.
pub fn is_plain(text: &str) -> bool {
    matches!(line(text), Cow::Borrowed(_))
}

fn escape(text: &str, keep_breaks: bool) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut changed = false;
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let is_kept = !is_hidden(character)
            || (keep_breaks && character == '\n')
            || is_part_of_emoji(before, character, rest.peek().copied());
        if is_kept {
            out.push(character);
        } else {
            changed = true;
            out.extend(character.escape_unicode());
        }
        before = Some(character);
    }
    if changed {
        Cow::Owned(out)
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a terminal obeys a character instead of showing it, or shows nothing for it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether an invisible character holds an emoji together: a joiner between two pictures, or the sign
/// behind a picture that says it is one.
fn is_part_of_emoji(before: Option<char>, character: char, after: Option<char>) -> bool {
    let is_picture = |at: Option<char>| {
        at.is_some_and(|at| {
            matches!(at, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
                | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
                | '\u{1f000}'..='\u{1faff}')
        })
    };
    match character {
        '\u{200d}' => (is_picture(before) || before == Some('\u{fe0f}')) && is_picture(after),
        '\u{fe0f}' => {
            let is_key = before.is_some_and(|key| matches!(key, '0'..='9' | '#' | '*'));
            is_picture(before) || (is_key && after == Some('\u{20e3}'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        for (text, shown) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\rb\tc\0", "a\\u{d}b\\u{9}c\\u{0}"),
            ("a\u{7f}", "a\\u{7f}"),
            ("\u{202e}exe.txt", "\\u{202e}exe.txt"),
            (
                "\u{2066}a\u{2069}\u{61c}\u{200f}",
                "\\u{2066}a\\u{2069}\\u{61c}\\u{200f}",
            ),
            (
                "pay\u{200b}pal\u{feff}\u{ad}\u{2060}",
                "pay\\u{200b}pal\\u{feff}\\u{ad}\\u{2060}",
            ),
            ("a\u{200d}b\u{fe0f}", "a\\u{200d}b\\u{fe0f}"),
            ("\u{e0041}", "\\u{e0041}"),
            ("a\u{2028}b\u{85}c", "a\\u{2028}b\\u{85}c"),
        ] {
            assert_eq!(Foreign::from(text).to_string(), shown);
            assert_eq!(format!("{:?}", Foreign::from(text)), format!("\"{shown}\""));
            assert_eq!(lines(text), shown);
            assert!(!is_plain(text));
        }
    }

    #[test]
    fn a_line_break_stays_where_lines_are_asked_for() {
        let text = Foreign::from("a\nb\u{1b}");
        assert_eq!(text.to_string(), "a\\u{a}b\\u{1b}");
        assert_eq!(text.lines(), "a\nb\\u{1b}");
        assert_eq!(text.as_untrusted(), "a\nb\u{1b}");
    }

    #[test]
    fn what_people_write_is_shown_as_it_is() {
        for text in [
            "",
            "Grüße, Ελλάδα, русский, 日本語, العربية",
            "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3} 👍🏽",
        ] {
            assert_eq!(line(text), text);
            assert!(is_plain(text));
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"text": "\u{9b}\u{202e}\u{e0041}\n\"é"});
        let text = value.to_string();
        let shown = json(&text);
        assert!(!shown.chars().any(is_hidden), "{shown:?}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
        assert!(matches!(json("{\"a\":\"é\"}"), Cow::Borrowed(_)));
    }
}
