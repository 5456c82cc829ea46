//! What the commands say: lines for people or JSON on the standard output, notices and a spinner
//! on the standard error.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use client::error::ClientError;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::Value;

/// How long something takes before a spinner is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the commands say what they have to say.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: bool,
    bar: ProgressBar,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if std::io::stderr().is_terminal() {
            let bar = bar.clone();
            std::thread::spawn(move || {
                std::thread::sleep(PATIENCE);
                if !bar.is_finished() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.enable_steady_tick(Duration::from_millis(100));
                }
            });
        }
        Self { json, bar }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// What is being done now.
    pub(crate) fn doing(&self, what: &'static str) {
        self.bar.set_message(what);
    }

    /// Takes the spinner away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints an event as JSON, or the text that says the same. When this is no error it has left
    /// the program.
    pub(crate) fn print(&self, event: &Value, text: &str) -> Result<(), ClientError> {
        let line = if self.json {
            event.to_string()
        } else {
            text.to_owned()
        };
        self.bar
            .suspend(|| {
                let mut out = std::io::stdout().lock();
                writeln!(out, "{line}").and_then(|()| out.flush())
            })
            .map_err(ClientError::Output)
    }

    /// Something worth knowing that is not the result.
    pub(crate) fn notice(&self, text: &str) {
        // If nobody can see it there is nobody to tell.
        let _ = self
            .bar
            .suspend(|| writeln!(std::io::stderr(), "client: {text}"));
    }
}

/// A text from a stranger, without what would steer the terminal.
pub(crate) fn shown(text: &str) -> String {
    let is_steering = |character: char| {
        character.is_control()
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            character if is_steering(character) => '\u{fffd}',
            character => character,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            shown("a\nb\u{1b}[2J\r\u{202e}ß"),
            "a\nb\u{fffd}[2J\u{fffd}\u{fffd}ß"
        );
    }
}
