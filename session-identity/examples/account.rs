//! Creates an account and shows what is derived from its seed.
//!
//! ```text
//! cargo run -p session-identity --features getrandom --example account
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use session_identity::blinded::blinded15;
use session_identity::session_types::X25519Public;
use session_identity::{Account, AccountId, AccountIdExt, Language, Seed};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    // An account is 16 random bytes.
    let seed = Seed::random()?;
    let account = Account::from_seed(&seed);
    println!("account id       {}", account.id());
    println!("Ed25519 key      {}", account.unblinded_id());

    // Its owner writes down twelve words and a checksum word.
    let phrase = seed.to_phrase(Language::English);
    println!("recovery phrase  {}", *phrase);
    assert_eq!(phrase.split(' ').count(), 13);

    // Only the first three letters of an English word count, in either case.
    let short: Vec<String> = phrase
        .split(' ')
        .map(|word| word.chars().take(3).collect::<String>().to_uppercase())
        .collect();
    let short = short.join("  ");
    println!("read the same    {short}");
    let again = Account::from_seed(&Seed::from_phrase(&short, Language::English)?);
    assert_eq!(again.id(), account.id());

    // The id is 05 and the X25519 key. Parsing checks the text form.
    let typed = account.id().to_string();
    assert_eq!(typed.parse::<AccountId>()?, *account.id());
    let error = typed.replacen("05", "15", 1).parse::<AccountId>();
    println!("with prefix 15   {}", error.unwrap_err());

    // In a community the account has another id, which depends on the server's key.
    let server = X25519Public::from_bytes([0x42; 32]);
    let blinded = blinded15(&account.ed25519_public(), &server)?;
    println!("in a community   {blinded}");
    let candidates = account.id().candidates15(&server)?;
    assert!(candidates.contains(&blinded));
    println!("                 the account id suffices to recognize it");
    Ok(())
}
