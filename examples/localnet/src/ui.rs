//! Steps on a terminal, with a spinner while one takes time.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows the steps of a run: a spinner on a terminal, plain lines elsewhere, nothing if silent.
#[derive(Debug)]
pub struct Steps {
    silent: bool,
    bar: ProgressBar,
    started: Instant,
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
        }
    }

    /// What is being done now.
    pub fn doing(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// What has been done, as a line that stays.
    pub fn done(&self, what: impl AsRef<str>) {
        if !self.silent {
            let at = self.started.elapsed().as_secs_f64();
            let line = format!("  {at:5.2} s  {}", what.as_ref());
            self.bar.suspend(|| println!("{line}"));
        }
    }

    /// Lines without a time.
    pub fn say(&self, what: impl AsRef<str>) {
        if !self.silent {
            self.bar.suspend(|| println!("{}", what.as_ref()));
        }
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
