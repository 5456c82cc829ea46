//! The comparisons run as tests: see `tests/`.
