//! Plans: a number and a unit, or for life (protocol: community, section 9).

use core::fmt;
use core::str::FromStr;

/// Unit of a plan. It is preserved: `12m` is not `1y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `s`
    Seconds,
    /// `d`
    Days,
    /// `w`
    Weeks,
    /// `m`
    Months,
    /// `y`
    Years,
}

impl Unit {
    const ALL: [Self; 5] = [
        Self::Seconds,
        Self::Days,
        Self::Weeks,
        Self::Months,
        Self::Years,
    ];

    const fn letter(self) -> char {
        match self {
            Self::Seconds => 's',
            Self::Days => 'd',
            Self::Weeks => 'w',
            Self::Months => 'm',
            Self::Years => 'y',
        }
    }
}

/// Duration of a subscription.
///
/// ```
/// use session_services::pro::{Plan, Unit};
///
/// assert_eq!("12m".parse(), Ok(Plan::Lasting { count: 12, unit: Unit::Months }));
/// assert!("1M".parse::<Plan>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plan {
    /// For a number of units.
    Lasting {
        /// Number of units, at least 1.
        count: u64,
        /// Of what.
        unit: Unit,
    },
    /// For life.
    Lifetime,
}

/// The text is not a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a number without leading zeros and one of s, d, w, m, y, or `lifetime`")]
pub struct PlanError;

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        if text == "lifetime" {
            return Ok(Self::Lifetime);
        }
        let mut units = Unit::ALL.iter();
        let found = units.find_map(|unit| Some((text.strip_suffix(unit.letter())?, *unit)));
        let (digits, unit) = found.ok_or(PlanError)?;
        let is_number =
            !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse() {
            Ok(count) if is_number => Ok(Self::Lasting { count, unit }),
            _ => Err(PlanError),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lifetime => f.pad("lifetime"),
            Self::Lasting { count, unit } => write!(f, "{count}{}", unit.letter()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_grammar_is_closed() {
        for good in ["30s", "14d", "2w", "1m", "3m", "1y", "12m", "lifetime"] {
            let plan: Plan = good.parse().unwrap();
            assert_eq!(plan.to_string(), good);
        }
        for bad in [
            "",
            "m",
            "1",
            "0m",
            "01m",
            "1y6m",
            "-1m",
            "+1m",
            "1x",
            "1 m",
            "1M",
            "1mm",
            "1.5m",
            "9999999999999999999999m",
            "lifetime2",
            "Lifetime",
        ] {
            assert_eq!(bad.parse::<Plan>(), Err(PlanError), "{bad}");
        }
    }
}
