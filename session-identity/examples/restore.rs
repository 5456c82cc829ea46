//! Restores an account from a typed recovery phrase.
//!
//! ```text
//! cargo run -p session-identity --features all-languages --example restore
//! ```
//!
//! Reads the phrase, one line in any language that is compiled in, and then the account id, if it is
//! known. The terminal echoes the phrase; a real program disables that.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead, Read, stdin};
use std::process::ExitCode;

use session_identity::{Account, AccountId, Seed, phrase};
use zeroize::Zeroizing;

/// Maximum length of a line in bytes; every phrase is shorter.
const MAX_INPUT: u64 = 4096;

fn read_line() -> std::io::Result<Zeroizing<String>> {
    // With sufficient capacity from the start, the text does not move while it grows.
    let mut line = Zeroizing::new(String::with_capacity(4096));
    stdin().lock().take(MAX_INPUT).read_line(&mut line)?;
    Ok(line)
}

fn restore() -> Result<(), Box<dyn core::error::Error>> {
    println!("Recovery phrase, 13 or 25 words:");
    let typed = read_line()?;
    let (seed, language) = Seed::from_phrase_in_any_language(&typed)?;
    for read in phrase::substitutions(&typed, language) {
        println!(
            "word {}: {:?} was read as {:?}",
            read.position, read.typed, read.word
        );
    }
    let account = Account::from_seed(&seed);
    println!(
        "This {language} phrase restores the account\n{}",
        account.id()
    );

    // One wrong word in twelve passes the checksum. The account id detects it.
    println!("Account id, if you know it:");
    let known = read_line()?;
    match known.trim() {
        "" => println!("Compare the id above: use the account only if it is yours."),
        known if known.parse::<AccountId>()? == *account.id() => println!("Restored."),
        _ => return Err("this phrase restores another account: a word is wrong".into()),
    }
    Ok(())
}

fn main() -> ExitCode {
    match restore() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
