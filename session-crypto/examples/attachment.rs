//! Encrypts a file as an attachment and decrypts it again, in pieces.
//!
//! ```text
//! cargo run -p session-crypto --example attachment -- FILE
//! ```
//!
//! Without an argument it encrypts 100,000 bytes of its own. The encrypted file and the decrypted one
//! are written to the system's directory for temporary files, and removed.
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use getrandom::{SysRng, rand_core::UnwrapErr};
use session_crypto::Ed25519Secret;
use session_crypto::attachment::{Decryptor, Encryptor, FileKey, Key, KeyHasher, Kind};

type Result<T> = core::result::Result<T, Box<dyn core::error::Error>>;

/// Passes a file to `each` in pieces, so that it is never in memory as a whole.
fn in_pieces(path: &Path, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; 10_000];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            length => each(&piece[..length])?,
        }
    }
}

/// The key is a hash of the content and the sender's seed, so the content is read twice.
fn encrypt(sender: &Ed25519Secret, from: &Path, to: &Path) -> Result<FileKey> {
    let mut hasher = KeyHasher::new(sender, Kind::Attachment);
    in_pieces(from, |piece| {
        hasher.update(piece);
        Ok(())
    })?;
    let file_key = hasher.finalize();

    let (mut file, mut out) = (File::create(to)?, Vec::new());
    let mut encryptor = Encryptor::new(&file_key, fs::metadata(from)?.len(), &mut out)?;
    in_pieces(from, |piece| {
        encryptor.update(piece, &mut out)?;
        file.write_all(&out)?;
        out.clear();
        Ok(())
    })?;
    encryptor.finish()?;
    file.write_all(&out)?;
    Ok(file_key)
}

/// If this fails, the output must not be shown.
fn decrypt(key: &Key, from: &Path, to: &Path) -> Result<()> {
    let (mut file, mut out) = (File::create(to)?, Vec::new());
    let mut decryptor = Decryptor::new(key);
    in_pieces(from, |piece| {
        decryptor.update(piece, &mut out)?;
        file.write_all(&out)?;
        out.clear();
        Ok(())
    })?;
    decryptor.finish(&mut out)?;
    Ok(file.write_all(&out)?)
}

fn main() -> Result<()> {
    let sender = Ed25519Secret::generate(&mut UnwrapErr(SysRng));
    let folder = std::env::temp_dir().join(format!("attachment-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let [own, sealed, opened] = ["own", "sealed", "opened"].map(|name| folder.join(name));
    fs::write(&own, vec![b'x'; 100_000])?;
    let plain = std::env::args_os().nth(1).map_or(own, Into::into);

    let file_key = encrypt(&sender, &plain, &sealed)?;
    println!("{:>9} bytes of content", fs::metadata(&plain)?.len());
    println!(
        "{:>9} bytes encrypted, padding included",
        fs::metadata(&sealed)?.len()
    );
    decrypt(&file_key.key, &sealed, &opened)?;
    assert!(fs::read(&plain)? == fs::read(&opened)?);
    println!("decrypted to the same");

    // The same sender and content yield the same file, which the file server stores once.
    let again = encrypt(&sender, &plain, &opened)?;
    assert_eq!(again.header, file_key.header);
    // A truncated file is detected at its end.
    let mut cut = fs::read(&sealed)?;
    cut.pop();
    fs::write(&sealed, &cut)?;
    let error = decrypt(&file_key.key, &sealed, &opened).unwrap_err();
    println!("a byte less: {error}");
    Ok(fs::remove_dir_all(&folder)?)
}
