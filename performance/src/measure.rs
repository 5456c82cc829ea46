//! Times of operations, in processor time: other work on the machine is not counted.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::allocations::{Allocations, allocations_of};

/// Duration and number of measurements.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Minimum duration of one turn of an operation.
    pub turn: Duration,
    /// Number of turns of each operation.
    pub turns: usize,
}

impl Effort {
    /// For figures that are kept: about a second for each operation and each floor.
    pub const FULL: Self = Self {
        turn: Duration::from_millis(8),
        turns: 121,
    };
    /// To see that everything runs.
    pub const QUICK: Self = Self {
        turn: Duration::from_micros(500),
        turns: 5,
    };
}

/// The measurements of one operation.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Nanoseconds of one operation, the median of all turns.
    pub nanoseconds: f64,
    /// Nanoseconds of one operation in the fastest turn, when the machine did least else.
    pub fastest: f64,
    /// Nanoseconds of its floor, if it has one, and the median of the ratios of adjacent turns.
    pub floor: Option<(f64, f64)>,
    /// Allocations of one operation.
    pub allocations: Allocations,
}

/// One operation and perhaps its floor, in turns.
pub fn measure<T>(
    effort: Effort,
    mut operation: impl FnMut() -> T,
    floor: Option<&mut dyn FnMut()>,
) -> Measured {
    // What is made on first use is made now.
    black_box(operation());
    let allocations = allocations_of(&mut operation);
    let mut operation = || {
        black_box(operation());
    };
    let count = repetitions(effort, &mut operation);
    let mut times = Vec::with_capacity(effort.turns);
    let Some(floor) = floor else {
        times.extend((0..effort.turns).map(|_| turn(count, &mut operation)));
        return Measured {
            fastest: fastest(&times),
            nanoseconds: median(times),
            floor: None,
            allocations,
        };
    };
    let floor_count = repetitions(effort, floor);
    let mut floors = Vec::with_capacity(effort.turns);
    for _ in 0..effort.turns {
        times.push(turn(count, &mut operation));
        floors.push(turn(floor_count, floor));
    }
    let ratios = times.iter().zip(&floors).map(|(time, floor)| time / floor);
    let ratio = median(ratios.collect());
    Measured {
        fastest: fastest(&times),
        nanoseconds: median(times),
        floor: Some((median(floors), ratio)),
        allocations,
    }
}

/// One operation on what `prepare` makes anew for each run; that is not counted.
pub fn measure_prepared<S, T>(
    effort: Effort,
    mut prepare: impl FnMut() -> S,
    mut operation: impl FnMut(S) -> T,
) -> Measured {
    black_box(operation(prepare()));
    let prepared = prepare();
    let allocations = allocations_of(|| operation(prepared));
    let mut once = || {
        let prepared = prepare();
        let started = processor_time();
        let made = black_box(operation(prepared));
        let time = processor_time().saturating_sub(started);
        drop(made);
        time.as_secs_f64() * 1e9
    };
    let times: Vec<f64> = (0..effort.turns).map(|_| once()).collect();
    Measured {
        fastest: fastest(&times),
        nanoseconds: median(times),
        floor: None,
        allocations,
    }
}

/// What this process has had of processors so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Returns the number of runs in one turn.
fn repetitions(effort: Effort, run: &mut dyn FnMut()) -> u32 {
    let mut count = 1;
    loop {
        let started = processor_time();
        for _ in 0..count {
            run();
        }
        let elapsed = processor_time().saturating_sub(started);
        if elapsed >= effort.turn || count >= 1 << 24 {
            return count;
        }
        count *= 2;
    }
}

/// Nanoseconds of one run, over `count` of them.
fn turn(count: u32, run: &mut dyn FnMut()) -> f64 {
    let started = processor_time();
    for _ in 0..count {
        run();
    }
    let elapsed = processor_time().saturating_sub(started);
    elapsed.as_secs_f64() * 1e9 / f64::from(count)
}

fn fastest(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The middle one; the upper of two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![3.0, 1.0, 100.0]), 3.0);
        assert_eq!(median(vec![5.0]), 5.0);
        assert!(median(vec![]).is_nan());
        assert_eq!(fastest(&[3.0, 1.0, 100.0]), 1.0);
    }

    #[test]
    fn what_is_prepared_is_not_counted() {
        let effort = Effort {
            turn: Duration::ZERO,
            turns: 5,
        };
        let long = || (0..2_000_000_u64).map(black_box).sum::<u64>();
        let measured = measure_prepared(effort, long, |sum| sum + 1);
        let whole = measure(effort, long, None);
        assert!(measured.nanoseconds < whole.nanoseconds / 10.0);
    }

    #[test]
    fn every_turn_runs_both() {
        let (mut runs, mut floors) = (0, 0);
        let effort = Effort {
            turn: Duration::ZERO,
            turns: 3,
        };
        let measured = measure(effort, || runs += 1, Some(&mut || floors += 1));
        // Once to warm up, once for the allocations, once to find the count, then the turns.
        assert_eq!((runs, floors), (6, 4));
        assert!(measured.floor.is_some());
    }
}
