//! The vectors run as tests: see `tests/`.
