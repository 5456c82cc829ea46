//! Restores an account from the recovery phrase that is typed in.
//!
//! ```text
//! cargo run -p session-identity --features all-languages --example restore
//! ```
//!
//! Reads one line, the phrase, in any language that is compiled in, and a second one: the account
//! id, if it is known. The phrase is echoed by the terminal; a real program turns that off.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead, Read, stdin};
use std::process::ExitCode;

use session_identity::{Account, AccountId, Seed, phrase};
use zeroize::Zeroizing;

/// More than any phrase takes.
const MAX_INPUT: u64 = 4096;

fn read_line() -> std::io::Result<Zeroizing<String>> {
    // With all its room from the start the text is not copied while it grows.
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
        "This is the phrase, in {language}, of the account\n{}",
        account.id()
    );

    // One wrong word in twelve passes the checksum. The account id tells.
    println!("Account id, if you know it:");
    let known = read_line()?;
    match known.trim() {
        "" => println!("Look at the id above: use the account only if it is yours."),
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
