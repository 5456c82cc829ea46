//! The statistics of the bars: how far chance alone can go.

/// Share of cells at the bar that chance alone makes miss it.
pub const FALSE_ALARM: f64 = 0.025;
/// Share of results in which a bound is too low.
pub const OUTSIDE: f64 = 0.05;

/// The probability that at least `least` of `trials` succeed, each with the same probability.
pub fn at_least(least: usize, trials: usize, probability: f64) -> f64 {
    if least == 0 {
        return 1.0;
    }
    if probability <= 0.0 || least > trials {
        return 0.0;
    }
    if probability >= 1.0 {
        return 1.0;
    }
    let (yes, no) = (probability.ln(), (1.0 - probability).ln());
    let mut ways = 0.0;
    let mut sum = 0.0;
    for count in 0..=trials {
        if count >= least {
            sum += (ways + count as f64 * yes + (trials - count) as f64 * no).exp();
        }
        ways += ((trials - count) as f64).ln() - (count as f64 + 1.0).ln();
    }
    sum.min(1.0)
}

/// The largest count that is not a miss, if each of `trials` succeeds with a probability: a larger one
/// comes about by chance in less than [`FALSE_ALARM`] of all cases.
pub fn limit(trials: usize, probability: f64) -> usize {
    let is_no_miss = |count: &usize| at_least(*count, trials, probability) >= FALSE_ALARM;
    (0..=trials).rev().find(is_no_miss).unwrap_or(0)
}

/// The upper bound of the probability of which `count` of `trials` is the result (Clopper and
/// Pearson): it is larger in at most [`OUTSIDE`] of all cases.
pub fn upper_bound(count: usize, trials: usize) -> f64 {
    if count >= trials {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        // The probability of a result as small as this one.
        if 1.0 - at_least(count + 1, trials, middle) > OUTSIDE {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
