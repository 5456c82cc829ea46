//! The state between two runs and, if it is in a file, between several clients that run at the same
//! time.

use std::path::PathBuf;

use client::durable::Lock;
use client::error::ClientError;
use client::state::{Loaded, State};

use crate::arguments::Shared;
use crate::output::Output;

/// What this client remembers.
#[derive(Clone)]
pub(crate) struct Memory {
    file: Option<PathBuf>,
    account: String,
    out: Output,
    state: State,
}

impl Memory {
    /// The state of an account: what --state holds, or nothing.
    pub(crate) fn open(shared: &Shared, account: &str, out: &Output) -> Result<Self, ClientError> {
        let mut memory = Self {
            file: shared.state.clone(),
            account: account.to_owned(),
            out: out.clone(),
            state: State::new(account),
        };
        memory.change(|_| Ok(()))?;
        Ok(memory)
    }

    /// What was remembered when it was last looked at.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// Changes what is remembered. If it is in a file, another client that does the same waits; so
    /// none undoes what the other did. After an error the file is as it was.
    pub(crate) fn change<T>(
        &mut self,
        change: impl FnOnce(&mut State) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let Some(file) = &self.file else {
            return change(&mut self.state);
        };
        let failed = |what| {
            move |reason| ClientError::File {
                what,
                path: file.clone(),
                reason,
            }
        };
        let _lock = Lock::take(file).map_err(failed("cannot lock the state in"))?;
        let loaded = State::load(file, &self.account);
        self.state = match loaded.map_err(failed("cannot read the state from"))? {
            Loaded::Known(state) | Loaded::Fresh(state) => state,
            Loaded::Unusable {
                state,
                reason,
                aside,
            } => {
                self.out.notice(&format!(
                    "{} could not be used: {reason}; it is now {}, and this is a fresh start",
                    file.display(),
                    aside.display()
                ));
                state
            }
        };
        let before = self.state.clone();
        let done = change(&mut self.state)?;
        if self.state != before {
            let saved = self.state.save(file);
            saved.map_err(failed("cannot write the state to"))?;
        }
        Ok(done)
    }
}
