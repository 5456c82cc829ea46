//! Times as people read and write them.

/// A time in ms since 1970 as `2026-11-27T20:01:07.123Z`.
pub fn written(ms: u64) -> String {
    let in_day = ms % 86_400_000;
    let (year, month, day) = date(ms);
    let (seconds, millis) = (in_day / 1000, in_day % 1000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Reads what [`written`] writes, or a number of ms since 1970.
pub fn read(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = text.get(from..to)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, millis) = (
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
        number(20, 23)?,
    );
    let in_day = ((hour * 60 + minute) * 60 + second) * 1000 + millis;
    let ms = days_of(year, month, day)? * 86_400_000 + in_day;
    // What is written otherwise, or is no time, does not come back as it was.
    (written(ms) == text).then_some(ms)
}

/// The date of a time in ms since 1970, in UTC: year, month from 1, and day from 1.
pub fn date(ms: u64) -> (u64, u64, u64) {
    // Years that begin in March, so that a leap day is the last of its year; eras of 400 years.
    let days = ms / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

/// The number of days since 1970 of a date.
fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = year.checked_sub(u64::from(month <= 2))?;
    let (era, of_era) = (year / 400, year % 400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month + 2) / 5 + day - 1;
    let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_times_and_read_again() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_795_809_667_123, "2026-11-27T20:01:07.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(written(ms), text);
            assert_eq!(read(text), Some(ms));
            assert_eq!(read(&ms.to_string()), Some(ms));
        }
    }

    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "now",
            "-1",
            "2026-11-27",
            "2026-13-01T00:00:00.000Z",
            "2026-02-30T00:00:00.000Z",
            "2026-11-27T24:00:00.000Z",
            "2026-11-27T20:01:07.123",
            "1969-12-31T23:59:59.999Z",
            "99999999999999999999999",
            "2026-11-27T20:01:07.1é3Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        // No time is too far away to be written.
        assert!(!written(u64::MAX).is_empty());
    }
}
