//! Ways to hurt a node on purpose.

use std::fmt;
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use session_types::MonotonicTime;

/// How a node lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lie {
    /// It says that it stored a message and does not.
    Drop,
    /// It says that every account is in another swarm.
    WrongSwarm,
    /// It changes a byte of every answer.
    Garble,
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drop => "drop",
            Self::WrongSwarm => "wrong-swarm",
            Self::Garble => "garble",
        })
    }
}

impl FromStr for Lie {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "drop" => Ok(Self::Drop),
            "wrong-swarm" => Ok(Self::WrongSwarm),
            "garble" => Ok(Self::Garble),
            _ => Err(format!(
                "`{text}` is not a lie; there are drop, wrong-swarm and garble"
            )),
        }
    }
}

/// Faults of a node. A node that is down does not listen; that is no fault here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fault {
    /// It waits so long before it answers.
    pub slow: Duration,
    /// It lies.
    pub lie: Option<Lie>,
    /// Its clock is ahead by so many ms, behind if negative.
    pub clock_ms: i64,
    /// UDP of clients does not reach it, so that it is reached over HTTPS alone.
    pub udp_blocked: bool,
}

/// The faults of one node, to be changed while it runs.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Fault>);

impl Faults {
    /// Current faults.
    pub fn now(&self) -> Fault {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is wrong.
    pub fn change(&self, change: impl FnOnce(&mut Fault)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Maximum delay that an order may ask for, in ms.
pub const MAX_SLOW_MS: u64 = 60_000;

/// Reads the delay of an order.
pub(crate) fn parse_slow(text: &str) -> Result<Duration, String> {
    let ms: u64 = text
        .parse()
        .map_err(|_| format!("`{text}` is not a time in ms"))?;
    match ms > MAX_SLOW_MS {
        true => Err(format!("at most {MAX_SLOW_MS} ms")),
        false => Ok(Duration::from_millis(ms)),
    }
}

/// Reads the shift of a clock, in ms.
pub(crate) fn parse_clock(text: &str) -> Result<i64, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a time in ms"))
}

/// The time since the start of this process.
pub fn monotonic() -> MonotonicTime {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    MonotonicTime::new(ORIGIN.elapsed())
}

/// The time in ms since 1970, on a clock that is ahead by `shift` ms.
pub fn now_ms(shift: i64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    now.saturating_add_signed(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lies_are_read_as_they_are_written() {
        for lie in [Lie::Drop, Lie::WrongSwarm, Lie::Garble] {
            assert_eq!(lie.to_string().parse(), Ok(lie));
            assert_eq!(serde_json::to_string(&lie).unwrap(), format!("\"{lie}\""));
        }
        assert!("truth".parse::<Lie>().is_err());
    }

    #[test]
    fn a_shifted_clock_is_shifted() {
        let (early, now, late) = (now_ms(-1_000_000), now_ms(0), now_ms(1_000_000));
        assert!(early < now && now < late);
        assert_eq!(now_ms(i64::MIN), 0);
    }
}
