//! Commands about the account: its phrase, its id, its name.

use std::fs;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use client::durable::{is_exposed, write_new};
use client::error::ClientError;
use client::foreign::{is_plain, line};
use client::state::State;
use serde_json::json;
use session_identity::phrase::{Language, substitutions};
use session_identity::{Account, AccountId, Seed};
use zeroize::Zeroizing;

use crate::arguments::Shared;
use crate::memory::Memory;
use crate::output::Output;

/// The longest line that is read from the standard input, in bytes.
const MAX_LINE: u64 = 4096;
/// The longest name, in bytes (Session clients take no longer one).
const MAX_NAME: usize = 100;

/// Makes an account.
pub(crate) fn new(shared: &Shared, out: &Output) -> Result<(), ClientError> {
    let (seed, phrase) = loop {
        let seed = Seed::random().map_err(|_| ClientError::Random)?;
        let phrase = seed.to_phrase(Language::English);
        // A phrase that fits another language as well would need --language ever after.
        if is_read_back(&phrase, &seed) {
            break (seed, phrase);
        }
    };
    let id = Account::from_seed(&seed).id().to_string();
    // A phrase that is in a file is not shown: a terminal keeps what it has shown.
    if let Some(path) = &shared.phrase_file {
        write_phrase(path, &phrase)?;
        let event = json!({"event": "account", "id": id, "phrase_file": path});
        let path = path.display();
        let text = format!("account id       {id}\nrecovery phrase  is in {path}");
        return out.print(&event, &text);
    }
    let event = json!({"event": "account", "id": id, "phrase": phrase.as_str()});
    let text = format!(
        "account id       {id}\nrecovery phrase  {}",
        phrase.as_str()
    );
    out.print(&event, &text)
}

/// Restores an account from a phrase on the standard input.
pub(crate) fn restore(
    shared: &Shared,
    expected: Option<&str>,
    yes: bool,
    out: &Output,
) -> Result<(), ClientError> {
    let path = shared.phrase_file.as_ref().ok_or_else(|| {
        ClientError::Usage("name the new file for the phrase by --phrase-file".to_owned())
    })?;
    let expected = expected.map(account_id).transpose()?;
    if fs::symlink_metadata(path).is_ok() {
        return Err(phrase_not_written(
            path,
            std::io::ErrorKind::AlreadyExists.into(),
        ));
    }
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        out.notice("type the recovery phrase and press Enter");
    }
    let text = read_line()?;
    let (seed, language) = read_phrase(&text, shared.language.as_deref())?;
    let id = *Account::from_seed(&seed).id();
    for read in substitutions(&text, language) {
        out.notice(&format!(
            "word {}, `{}`, counts as `{}`",
            read.position,
            line(read.typed),
            read.word
        ));
    }
    match expected {
        Some(expected) if expected != id => {
            return Err(ClientError::Usage(format!(
                "the phrase gives the account {id}, not {expected}"
            )));
        }
        Some(_) => {}
        None if yes => {}
        None => {
            out.notice(&format!(
                "this {language} phrase gives the account {id}; is it yours? Type yes"
            ));
            if read_line()?.trim() != "yes" {
                return Err(ClientError::Usage(
                    "not confirmed, so nothing was written".to_owned(),
                ));
            }
        }
    }
    let phrase = seed.to_phrase(language);
    write_phrase(path, &phrase)?;
    if !is_read_back(&phrase, &seed) {
        out.notice(&format!(
            "the phrase fits several languages: give --language {language:?} with this file",
            language = language.english_name()
        ));
    }
    let event = json!({"event": "account", "id": id.to_string(), "language": language.to_string()});
    out.print(&event, &id.to_string())
}

/// Prints or changes the profile name.
pub(crate) fn name(shared: &Shared, text: Option<&str>, out: &Output) -> Result<(), ClientError> {
    let Some(file) = &shared.state else {
        let text = "the name is kept in a file: name it by --state".to_owned();
        return Err(ClientError::Usage(text));
    };
    let id = match &shared.phrase_file {
        Some(_) => account(shared, out)?.id().to_string(),
        None => account_of_state(file)?,
    };
    let mut memory = Memory::open(shared, &id, out)?;
    if let Some(text) = text {
        let name = check_name(text)?.map(str::to_owned);
        memory.change(|state| {
            state.name = name;
            Ok(())
        })?;
    }
    let name = &memory.state().name;
    let event = json!({"event": "name", "name": name});
    let text = name
        .as_deref()
        .map_or_else(|| "(no name)".to_owned(), |name| line(name).into_owned());
    out.print(&event, &text)
}

/// The account that a state belongs to, for what needs no secret of it.
fn account_of_state(file: &Path) -> Result<String, ClientError> {
    let unreadable = |reason| ClientError::File {
        what: "cannot read the state from",
        path: file.to_owned(),
        reason,
    };
    State::account_in(file).map_err(unreadable)?.ok_or_else(|| {
        ClientError::Usage(format!(
            "{} is no state yet, so the account is not known: name the file with its phrase by \
             --phrase-file",
            file.display()
        ))
    })
}

/// A name that others will take; none if it is empty.
pub(crate) fn check_name(text: &str) -> Result<Option<&str>, ClientError> {
    let text = text.trim();
    if text.len() > MAX_NAME {
        return Err(ClientError::Usage(format!(
            "the name has {} bytes, and at most {MAX_NAME} are allowed",
            text.len()
        )));
    }
    if !is_plain(text) {
        return Err(ClientError::Usage(format!(
            "the name `{}` has line breaks, control characters or invisible characters",
            line(text)
        )));
    }
    Ok((!text.is_empty()).then_some(text))
}

/// An account id from the command line.
pub(crate) fn account_id(text: &str) -> Result<AccountId, ClientError> {
    text.parse().map_err(|reason| ClientError::AccountId {
        text: text.into(),
        reason,
    })
}

/// The account of the phrase file.
pub(crate) fn account(shared: &Shared, out: &Output) -> Result<Account, ClientError> {
    let path = shared.phrase_file.as_ref().ok_or_else(|| {
        ClientError::Usage("no account: name the file with its phrase by --phrase-file".to_owned())
    })?;
    let text = read_small("cannot read the recovery phrase from", path)?;
    if is_exposed(path).unwrap_or(false) {
        out.notice(&format!(
            "other users of this machine may read the recovery phrase in {}: make it yours alone \
             (chmod 600)",
            path.display()
        ));
    }
    let text = std::str::from_utf8(&text).map_err(|_| {
        ClientError::Usage(format!(
            "{} holds no recovery phrase: it is not text",
            path.display()
        ))
    })?;
    let (seed, _) = read_phrase(text, shared.language.as_deref())?;
    Ok(Account::from_seed(&seed))
}

fn read_phrase(text: &str, language: Option<&str>) -> Result<(Seed, Language), ClientError> {
    let Some(name) = language else {
        return Ok(Seed::from_phrase_in_any_language(text)?);
    };
    let is_it = |language: &&Language| {
        let names = [language.english_name(), language.native_name()];
        names
            .iter()
            .any(|known| known.to_lowercase() == name.to_lowercase())
    };
    let language = Language::ALL.iter().find(is_it).copied().ok_or_else(|| {
        let known: Vec<&str> = Language::ALL
            .iter()
            .map(|known| known.english_name())
            .collect();
        ClientError::Usage(format!(
            "`{}` is no language of phrases; there are {}",
            line(name),
            known.join(", ")
        ))
    })?;
    Ok((Seed::from_phrase(text, language)?, language))
}

/// Whether a phrase gives the seed without naming its language.
fn is_read_back(phrase: &str, seed: &Seed) -> bool {
    Seed::from_phrase_in_any_language(phrase)
        .is_ok_and(|(read, _)| read.expose_full() == seed.expose_full())
}

fn write_phrase(path: &Path, phrase: &str) -> Result<(), ClientError> {
    let line = Zeroizing::new(format!("{phrase}\n"));
    write_new(path, line.as_bytes()).map_err(|reason| phrase_not_written(path, reason))
}

fn phrase_not_written(path: &Path, reason: std::io::Error) -> ClientError {
    ClientError::File {
        what: "cannot write the recovery phrase to",
        path: path.to_owned(),
        reason,
    }
}

/// One line of the standard input.
pub(crate) fn read_line() -> Result<Zeroizing<String>, ClientError> {
    let unreadable = |reason| ClientError::File {
        what: "cannot read",
        path: PathBuf::from("the standard input"),
        reason,
    };
    // All the room at once, so that no part of a secret stays behind when it grows.
    let mut line = Zeroizing::new(String::with_capacity(MAX_LINE as usize));
    let mut input = std::io::stdin().lock().take(MAX_LINE);
    input.read_line(&mut line).map_err(unreadable)?;
    Ok(line)
}

/// Reads a file of at most 64 KiB: a phrase or certificates.
pub(crate) fn read_small(
    what: &'static str,
    path: &Path,
) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    let failed = |reason| ClientError::File {
        what,
        path: path.to_owned(),
        reason,
    };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > 64 * 1024 {
        return Err(failed(std::io::Error::other(format!(
            "it has {length} bytes"
        ))));
    }
    fs::read(path).map(Zeroizing::new).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        assert_eq!(check_name(" Alice ").unwrap(), Some("Alice"));
        assert_eq!(check_name("  ").unwrap(), None);
        assert_eq!(check_name("Zoë 👍🏽").unwrap(), Some("Zoë 👍🏽"));
        for bad in [
            "Al\nice",
            "Al\rice",
            "\u{1b}[1m",
            "Al\u{200b}ice",
            "Al\u{202e}ice",
            "Al\u{2028}ice",
        ] {
            let error = check_name(bad).unwrap_err().to_string();
            assert!(is_plain(&error) && error.contains("line breaks"), "{error}");
        }
        assert!(check_name(&"n".repeat(101)).is_err());
    }
}
