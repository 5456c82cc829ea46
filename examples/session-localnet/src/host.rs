//! What a program of this network needs of its machine: HTTPS, files that survive a crash, text of
//! strangers on a terminal, and dates. The command-line client of this workspace has the same.

pub mod clock;
pub mod durable;
pub mod foreign;
pub mod http;
