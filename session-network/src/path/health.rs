//! How long answers take, and how long to wait for one.

use core::time::Duration;

/// The usual time of answers, as TCP estimates that of its acknowledgements (RFC 6298): a smoothed
/// time, and a smoothed deviation from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Health {
    usual: Option<Duration>,
    deviation: Duration,
}

impl Health {
    /// The usual time of an earlier run. How far answers deviate from it is not known.
    pub(crate) fn restored(usual: Duration) -> Self {
        let usual = usual.min(Duration::from_secs(60));
        Self {
            usual: Some(usual),
            deviation: weighted(usual, 1, Duration::ZERO),
        }
    }

    /// The usual time, if an answer ever came.
    pub(crate) const fn usual(&self) -> Option<Duration> {
        self.usual
    }

    /// Takes the time of an answer.
    pub(crate) fn answered(&mut self, took: Duration) {
        let Some(usual) = self.usual else {
            self.usual = Some(took);
            self.deviation = weighted(took, 1, Duration::ZERO);
            return;
        };
        let difference = usual.abs_diff(took);
        self.deviation = weighted(self.deviation, 3, difference);
        self.usual = Some(weighted(usual, 7, took));
    }

    /// How long to wait: four deviations more than usual, or `unknown` if no answer ever came; within
    /// bounds.
    pub(crate) fn limit(&self, least: Duration, most: Duration, unknown: Duration) -> Duration {
        let limit = self.usual.map_or(unknown, |usual| {
            usual.saturating_add(self.deviation.saturating_mul(4))
        });
        limit.max(least).min(most)
    }
}

/// `(old * weight + new) / (weight + 1)`.
fn weighted(old: Duration, weight: u32, new: Duration) -> Duration {
    let sum = old.saturating_mul(weight).saturating_add(new);
    let parts = weight.saturating_add(1);
    sum.checked_div(parts).unwrap_or(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_limit_follows_the_usual_time_within_bounds() {
        let (least, most) = (ms(1_000), ms(4_000));
        let limit = |health: &Health| health.limit(least, most, ms(2_000));
        let mut health = Health::default();
        assert_eq!((limit(&health), health.usual()), (ms(2_000), None));
        assert_eq!(health.limit(least, most, ms(500)), least);
        assert_eq!(health.limit(least, most, ms(5_000)), most);
        health.answered(ms(800));
        assert_eq!(limit(&health), ms(2_400));
        for _ in 0..60 {
            health.answered(ms(800));
        }
        assert_eq!(limit(&health), least);
        for _ in 0..60 {
            health.answered(ms(3_000));
        }
        assert!((ms(3_000)..ms(3_100)).contains(&limit(&health)));
        health.answered(ms(60_000));
        assert_eq!(limit(&health), most);
        let restored = Health::restored(ms(1_000));
        assert_eq!(limit(&restored), ms(3_000));
    }
}
