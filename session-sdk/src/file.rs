//! Files that are sent and received.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use session_client::content::Attachment;
use session_client::{Fetched, SealFileError, SealedFile};
use session_identity::Account;
use zeroize::Zeroizing;

use crate::error::{Error, FileError};

/// Length of the pieces in which a file is read.
const PIECE: usize = 64 * 1024;
/// Maximum length of a name that [`safe_name`] gives, in bytes.
const MAX_NAME: usize = 100;
/// Names that are tried for a file that is saved.
const MAX_TRIES: u32 = 1_000;

/// A file to be sent.
#[derive(Debug, Clone)]
pub struct NewFile {
    source: Source,
    name: String,
    content_type: String,
    caption: Option<String>,
}

#[derive(Clone)]
enum Source {
    Path(PathBuf),
    Bytes(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Bytes(bytes) => f.debug_tuple("Bytes").field(&bytes.len()).finish(),
        }
    }
}

impl NewFile {
    /// A file on the disk. It is read when it is sent, in pieces. Its name goes with it, and the media type that the
    /// ending of the name says.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Self {
            content_type: media_type(&path).to_owned(),
            // A path without a name is that of no file, and cannot be read.
            name: name.unwrap_or_else(|| "file".to_owned()),
            source: Source::Path(path),
            caption: None,
        }
    }

    /// A file in memory, with its name.
    #[must_use]
    pub fn from_bytes(name: &str, content: impl Into<Vec<u8>>) -> Self {
        Self {
            content_type: media_type(Path::new(name)).to_owned(),
            name: name.to_owned(),
            source: Source::Bytes(Zeroizing::new(content.into())),
            caption: None,
        }
    }

    /// Sets the name that recipients see.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sets the media type, such as `image/png`.
    #[must_use]
    pub fn with_type(mut self, content_type: &str) -> Self {
        content_type.clone_into(&mut self.content_type);
        self
    }

    /// Sets the caption.
    #[must_use]
    pub fn with_caption(mut self, caption: &str) -> Self {
        self.caption = Some(caption.to_owned());
        self
    }

    /// Encrypts the file.
    pub(crate) fn seal(self, account: &Account) -> Result<(SealedFile, Attachment), Error> {
        let sealed = match &self.source {
            Source::Bytes(content) => {
                SealedFile::attachment(account, content).map_err(FileError::Seal)?
            }
            Source::Path(path) => {
                let read = |take: &mut dyn FnMut(&[u8])| each_piece(path, take);
                SealedFile::attachment_in_pieces(account, read).map_err(|reason| match reason {
                    SealFileError::Read(reason) => FileError::Read(reason),
                    SealFileError::Size(reason) => FileError::Seal(SealFileError::Size(reason)),
                    _ => FileError::Seal(SealFileError::Changed),
                })?
            }
        };
        let about = Attachment {
            file_name: Some(self.name),
            content_type: Some(self.content_type),
            caption: self.caption,
            ..Attachment::default()
        };
        Ok((sealed, about))
    }
}

fn each_piece(path: &Path, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut piece = Zeroizing::new(vec![0; PIECE]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => take(piece.get(..length).ok_or(io::ErrorKind::InvalidData)?),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The media type of a file by its name. Clients show pictures by it.
fn media_type(path: &Path) -> &'static str {
    let ending = path.extension();
    let ending = ending.map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("mp4") => "video/mp4",
        Some("mp3") => "audio/mpeg",
        Some("txt") => "text/plain",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// Returns a name for a file that somebody sent: never a path, hidden, empty, or something that a terminal or a file
/// system would take for more than a name. At most 100 bytes.
#[must_use]
pub fn safe_name(file: &Attachment) -> String {
    let given = file.file_name.as_deref().unwrap_or("");
    // What stands after the last separator of any system.
    let last = given.rsplit(['/', '\\']).next().unwrap_or("");
    let is_kept = |character: &char| {
        let is_mark = matches!(*character, ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\0');
        // Zero-width characters and those that change the direction of writing hide the ending.
        let is_hidden = matches!(*character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}');
        !character.is_control() && !is_mark && !is_hidden
    };
    let kept: String = last.chars().filter(is_kept).collect();
    let trimmed = kept.trim_matches([' ', '.']);
    let (stem, ending) = match trimmed.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 10 && !stem.is_empty() => (stem, Some(ending)),
        _ => (trimmed, None),
    };
    let room = MAX_NAME.saturating_sub(ending.map_or(0, |ending| ending.len().saturating_add(1)));
    let end = stem.floor_char_boundary_at(room);
    let stem = stem.get(..end).unwrap_or("");
    // Devices of another system.
    let bare = stem
        .split('.')
        .next()
        .unwrap_or("")
        .trim_end()
        .to_ascii_uppercase();
    let is_device = matches!(bare.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (bare.len() == 4 && (bare.starts_with("COM") || bare.starts_with("LPT")));
    let stem = match stem {
        "" => "file".to_owned(),
        stem if is_device => format!("_{stem}"),
        stem => stem.to_owned(),
    };
    match ending {
        Some(ending) => format!("{stem}.{ending}"),
        None => stem,
    }
}

trait Boundary {
    fn floor_char_boundary_at(&self, end: usize) -> usize;
}

impl Boundary for str {
    /// The last boundary of a character that is at most `end`.
    fn floor_char_boundary_at(&self, end: usize) -> usize {
        let mut end = end.min(self.len());
        while !self.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        end
    }
}

/// Decrypts a file into `folder`, under a name that is free. Nothing is replaced, and nothing is left if it fails.
pub(crate) fn save(file: &Fetched, folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let (path, mut output) = create(folder, name).map_err(FileError::Write)?;
    let written = file.decrypt(|piece| output.write_all(piece));
    let finished = written
        .map_err(|reason| match reason {
            session_client::DecryptFileError::Take(reason) => FileError::Write(reason),
            _ => FileError::Decrypt,
        })
        .and_then(|_| output.sync_all().map_err(FileError::Write));
    if let Err(reason) = finished {
        // It has no content that is worth something.
        let _ = std::fs::remove_file(&path);
        return Err(reason.into());
    }
    Ok(path)
}

/// Makes a file that was not there.
fn create(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) => (stem, format!(".{ending}")),
        None => (name, String::new()),
    };
    for number in 1..=MAX_TRIES {
        let name = match number {
            1 => format!("{stem}{ending}"),
            number => format!("{stem} ({number}){ending}"),
        };
        let path = folder.join(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(given: &str) -> String {
        safe_name(&Attachment {
            file_name: Some(given.to_owned()),
            ..Attachment::default()
        })
    }

    #[test]
    fn names_of_strangers_are_names_and_nothing_else() {
        for (given, safe) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("/etc/shadow", "shadow"),
            ("C:\\Windows\\x.dll", "x.dll"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            ("a/", "file"),
            (".bashrc", "bashrc"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("a\u{1b}[2Jb\nc.txt", "a[2Jbc.txt"),
            ("con.txt", "_con.txt"),
            ("COM1", "_COM1"),
            ("Zoë 東京.jpg", "Zoë 東京.jpg"),
            ("a:b|c?.txt", "abc.txt"),
            (" . x . ", "x"),
        ] {
            assert_eq!(name(given), safe, "{given:?}");
        }
        let long = name(&format!("{}.jpeg", "ü".repeat(200)));
        assert!(long.len() <= MAX_NAME && long.ends_with("ü.jpeg"), "{long}");
        assert_eq!(name(&"x".repeat(300)).len(), MAX_NAME);
        assert_eq!(safe_name(&Attachment::default()), "file");
    }

    #[test]
    fn a_saved_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for expected in ["a.txt", "a (2).txt", "a (3).txt"] {
            let (path, _) = create(folder.path(), "a.txt").unwrap();
            assert_eq!(path.file_name().unwrap(), expected);
        }
        assert!(create(&folder.path().join("missing"), "a.txt").is_err());
    }
}
