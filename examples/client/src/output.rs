//! What the commands say: lines for people or JSON on the standard output, notices and a spinner
//! on the standard error.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use client::error::ClientError;
use client::foreign;
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

    /// How far something is that takes long.
    pub(crate) fn doing_so_far(&self, what: &'static str, bytes: u64, total: Option<u64>) {
        self.bar.set_message(match total {
            Some(total) => format!("{what}: {bytes} of {total} bytes"),
            None => format!("{what}: {bytes} bytes"),
        });
    }

    /// Takes the spinner away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints an event as JSON, or the text that says the same. When this is no error it has left
    /// the program.
    pub(crate) fn print(&self, event: &Value, text: &str) -> Result<(), ClientError> {
        let line = printed(self.json, event, text);
        self.bar
            .suspend(|| {
                let mut out = std::io::stdout().lock();
                writeln!(out, "{line}").and_then(|()| out.flush())
            })
            .map_err(ClientError::Output)
    }

    /// Something worth knowing that is not the result, in one line.
    pub(crate) fn notice(&self, text: &str) {
        let line = notice_line(text);
        // If nobody can see it there is nobody to tell.
        let _ = self.bar.suspend(|| writeln!(std::io::stderr(), "{line}"));
    }
}

/// What is printed for an event. Foreign text has been made visible where it was put in; that nothing
/// else steers the terminal either is seen to here.
fn printed(json: bool, event: &Value, text: &str) -> String {
    if json {
        foreign::json(&event.to_string()).into_owned()
    } else {
        foreign::lines(text).into_owned()
    }
}

fn notice_line(text: &str) -> String {
    format!("client: {}", foreign::line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_does_not_steer_the_terminal() {
        let event = serde_json::json!({"text": "\u{9b}2J\u{202e}"});
        assert_eq!(
            printed(true, &event, "text"),
            r#"{"text":"\u009b2J\u202e"}"#
        );
        assert_eq!(printed(false, &event, "a\n  b\u{1b}c"), "a\n  b\\u{1b}c");
        assert_eq!(
            notice_line("a\nclient: b\u{200b}"),
            "client: a\\u{a}client: b\\u{200b}"
        );
    }
}
