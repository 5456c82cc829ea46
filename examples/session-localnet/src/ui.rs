//! Steps on a terminal, with a spinner while one takes time.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::host::foreign;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows the steps of a run: a spinner on a terminal, plain lines elsewhere, nothing if silent.
#[derive(Debug)]
pub struct Steps {
    silent: bool,
    bar: ProgressBar,
    started: Instant,
    /// Why a line could not be written, the first time.
    unwritten: Mutex<Option<String>>,
}

impl Steps {
    /// Starts the clock.
    pub fn new(silent: bool) -> Self {
        let target = if silent {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self {
            silent,
            bar,
            started: Instant::now(),
            unwritten: Mutex::default(),
        }
    }

    /// Shows the current step.
    pub fn doing(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// Prints a completed step as a line that stays.
    pub fn done(&self, what: impl AsRef<str>) {
        if !self.silent {
            let at = self.started.elapsed().as_secs_f64();
            let line = format!("  {at:5.2} s  {}", what.as_ref());
            self.line(&line);
        }
    }

    /// Lines without a time.
    pub fn say(&self, what: impl AsRef<str>) {
        if !self.silent {
            self.line(what.as_ref());
        }
    }

    fn line(&self, text: &str) {
        let printed = self.bar.suspend(|| print(text));
        self.note(printed);
    }

    /// Prints an event of the JSON output.
    pub fn event(&self, event: impl std::fmt::Display) {
        self.note(print_event(event));
    }

    fn note(&self, printed: Result<(), String>) {
        if let Err(reason) = printed {
            let mut unwritten = self
                .unwritten
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            unwritten.get_or_insert(reason);
        }
    }

    /// Whether all lines have left the program.
    ///
    /// # Errors
    ///
    /// A sentence that says why the first one that has not could not be written.
    pub fn outcome(&self) -> Result<(), String> {
        let unwritten = self
            .unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unwritten.clone().map_or(Ok(()), Err)
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes the spinner away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Prints a line on the standard output. When this is no error it has left the program.
///
/// # Errors
///
/// A sentence that says why it cannot be written.
pub fn print(line: impl std::fmt::Display) -> Result<(), String> {
    // What the network says has passed other hands.
    written(&foreign::lines(&line.to_string()))
}

/// Prints a JSON object on the standard output, as [`print()`] does a line.
///
/// # Errors
///
/// As [`print()`].
pub fn print_event(event: impl std::fmt::Display) -> Result<(), String> {
    written(&foreign::json(&event.to_string()))
}

fn written(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("the output cannot be written: {error}"))
}
