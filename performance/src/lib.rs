//! Measures an operation beside its floor: the primitives that it cannot avoid.
//!
//! Both run in turns, a few milliseconds each, in the same process. So what else the machine does
//! meanwhile meets both, and the median of the ratios says more than either time.

pub mod allocations;
pub mod measure;
pub mod plot;
pub mod report;
