//! Files that a crash cannot leave half written, and that nobody but their owner can read.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file that only its owner may read. A crash leaves the old content or the new one. A
/// symbolic link is replaced, not followed.
///
/// # Errors
///
/// An I/O error if it cannot be written.
pub fn write_atomically(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = Draft::beside(file)?;
    new.write_all(content)?;
    new.replace()
}

/// Writes a new file that only its owner may read. An existing file, or a symbolic link, is left alone.
/// A crash leaves the whole file or none under this name.
///
/// # Errors
///
/// An I/O error if it cannot be written; its kind is `AlreadyExists` if the file exists.
pub fn write_new(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = Draft::beside(file)?;
    new.write_all(content)?;
    new.publish()
}

/// Moves a file to a name beside it that is free, and returns that name.
///
/// # Errors
///
/// An I/O error if it cannot be moved.
pub fn put_aside(file: &Path) -> io::Result<PathBuf> {
    for number in 1_u32.. {
        let mut aside = file.as_os_str().to_owned();
        aside.push(".unusable");
        if number > 1 {
            aside.push(format!(".{number}"));
        }
        // Taken by an empty file first, for nobody else to take it.
        match create_private(aside.as_ref()) {
            Ok(_) => {
                fs::rename(file, &aside)?;
                sync_directory(file)?;
                return Ok(aside.into());
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Makes a directory, and those above it, that only its owner may enter. One that is there stays as it
/// is.
///
/// # Errors
///
/// An I/O error if it cannot be made.
pub fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Whether other users than its owner may read or write a file.
///
/// # Errors
///
/// An I/O error if the file cannot be looked at.
pub fn is_exposed(file: &Path) -> io::Result<bool> {
    let about = fs::metadata(file)?;
    #[cfg(unix)]
    let exposed = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0;
    #[cfg(not(unix))]
    let exposed = {
        let _ = about;
        false
    };
    Ok(exposed)
}

/// Creates a file that only its owner may read, and that must not be there yet.
///
/// # Errors
///
/// An I/O error if it cannot be made; its kind is `AlreadyExists` if there is anything of that name.
pub fn create_private(file: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(file)
}

/// A file under another name until it is whole, removed if it never is.
#[derive(Debug)]
pub struct Draft {
    file: File,
    now: PathBuf,
    then: PathBuf,
    is_done: bool,
}

impl Draft {
    /// An empty file beside `then`, which it will be. Its name is random, so that nobody can put
    /// another file there before.
    ///
    /// # Errors
    ///
    /// An I/O error if it cannot be made.
    pub fn beside(then: &Path) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|_| io::Error::other("no random numbers"))?;
        let mut now = OsString::from(then);
        now.push(format!(".{}.new", const_hex::encode(random)));
        let now = PathBuf::from(now);
        Ok(Self {
            file: create_private(&now)?,
            now,
            then: then.to_owned(),
            is_done: false,
        })
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// An I/O error if they cannot be written.
    pub fn write_all(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)
    }

    /// Gives the file its name; what had it before is gone.
    ///
    /// # Errors
    ///
    /// An I/O error, after which the old file is there unless the directory could not be synchronized.
    pub fn replace(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.now, &self.then)?;
        self.is_done = true;
        sync_directory(&self.then)
    }

    /// Gives the file its name, which must be free.
    ///
    /// # Errors
    ///
    /// An I/O error; its kind is `AlreadyExists` if there is anything of that name.
    pub fn publish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        match fs::hard_link(&self.now, &self.then) {
            // The draft is removed when it is dropped.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // A file system without hard links: the name is taken by an empty file first.
            Err(_) => {
                create_private(&self.then)?;
                fs::rename(&self.now, &self.then)?;
                self.is_done = true;
            }
        }
        sync_directory(&self.then)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.now);
        }
    }
}

/// Brings the names of a file's directory to the disk.
#[cfg(unix)]
fn sync_directory(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
    match File::open(directory.unwrap_or(Path::new(".")))?.sync_all() {
        // Some file systems cannot, and then need not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        outcome => outcome,
    }
}

#[cfg(not(unix))]
fn sync_directory(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// The right to change a file, held by one process at a time.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for it. It is a lock on another file beside the one that is changed, which is itself
    /// replaced; the system releases it when the process ends, however it ends.
    ///
    /// # Errors
    ///
    /// An I/O error if the file beside it cannot be made or locked. On a file system without locks
    /// there is none to hold.
    pub fn take(state: &Path) -> io::Result<Self> {
        let file = Self::beside(state)?;
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
            _ => Ok(Self { _file: file }),
        }
    }

    /// The same without waiting; none if another process has it.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn try_take(state: &Path) -> io::Result<Option<Self>> {
        let file = Self::beside(state)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() != io::ErrorKind::Unsupported => {
                Err(error)
            }
            _ => Ok(Some(Self { _file: file })),
        }
    }

    fn beside(state: &Path) -> io::Result<File> {
        let mut beside = state.as_os_str().to_owned();
        beside.push(".lock");
        let beside = PathBuf::from(beside);
        if let Ok(about) = fs::symlink_metadata(&beside)
            && !about.is_file()
        {
            let reason = format!("{} is not a file", beside.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        private(OpenOptions::new().write(true).create(true).truncate(false)).open(beside)
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_does_not_replace_an_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phrase");
        write_new(&file, b"first").unwrap();
        let error = write_new(&file, b"second").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["phrase"], "no draft is left behind");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        for content in [b"first".as_slice(), b"second", b""] {
            write_atomically(&file, content).unwrap();
            assert_eq!(fs::read(&file).unwrap(), content);
        }
        assert_eq!(names(folder.path()), ["state"]);
    }

    /// A process that is killed meanwhile leaves no empty or half file under the name.
    #[test]
    fn a_new_file_is_whole_when_its_name_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let content = vec![7; 16 << 20];
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write_new(&file, &content));
            let first_seen = loop {
                if let Ok(about) = fs::metadata(&file) {
                    break about.len();
                }
                assert!(!writer.is_finished() || file.exists());
            };
            assert_eq!(first_seen, content.len() as u64);
            writer.join().unwrap().unwrap();
        });
    }

    #[test]
    fn the_name_of_a_draft_cannot_be_taken_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let drafts = [Draft::beside(&file).unwrap(), Draft::beside(&file).unwrap()];
        assert_eq!(names(folder.path()).len(), 2);
        drop(drafts);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_draft_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("phrase");
        // As if the process had been killed while it writes: the name is not taken by an empty file.
        let mut draft = Draft::beside(&file).unwrap();
        draft.write_all(b"half").unwrap();
        assert!(!file.exists());
        drop(draft);
        assert!(names(folder.path()).is_empty());
        write_new(&file, b"whole").unwrap();
    }

    #[test]
    fn what_was_put_aside_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        let mut asides = Vec::new();
        for content in ["first", "second", "third"] {
            fs::write(&file, content).unwrap();
            let aside = put_aside(&file).unwrap();
            assert!(!file.exists());
            asides.push((aside, content));
        }
        for (aside, content) in asides {
            assert_eq!(fs::read_to_string(aside).unwrap(), content);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("other"), "other").unwrap();
        symlink(path("other"), path("state")).unwrap();
        write_atomically(&path("state"), b"state").unwrap();
        assert!(!fs::symlink_metadata(path("state")).unwrap().is_symlink());
        assert_eq!(fs::read(path("state")).unwrap(), b"state");
        symlink(path("other"), path("phrase")).unwrap();
        symlink(path("nowhere"), path("dangling")).unwrap();
        for name in ["phrase", "dangling"] {
            let error = write_new(&path(name), b"phrase").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        }
        symlink(path("nowhere"), path("locked.lock")).unwrap();
        assert!(Lock::take(&path("locked")).is_err());
        assert!(!path("nowhere").exists());
        assert_eq!(fs::read(path("other")).unwrap(), b"other");
    }

    #[cfg(unix)]
    #[test]
    fn files_and_directories_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_directory(&inner).unwrap();
        make_directory(&inner).unwrap();
        assert_eq!(
            (mode(&inner), mode(&folder.path().join("a"))),
            (0o700, 0o700)
        );
        let file = inner.join("file");
        write_new(&file, b"").unwrap();
        assert_eq!(mode(&file), 0o600);
        assert!(!is_exposed(&file).unwrap());
        // What was open to others is no longer after it was replaced.
        for open in [0o644, 0o620, 0o601] {
            fs::set_permissions(&file, fs::Permissions::from_mode(open)).unwrap();
            assert!(is_exposed(&file).unwrap());
        }
        write_atomically(&file, b"").unwrap();
        assert_eq!(mode(&file), 0o600);
        let _lock = Lock::take(&file).unwrap();
        assert_eq!(mode(&inner.join("file.lock")), 0o600);
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state");
        let lock = Lock::try_take(&file).unwrap();
        assert!(lock.is_some() && Lock::try_take(&file).unwrap().is_none());
        drop(lock);
        assert!(Lock::try_take(&file).unwrap().is_some());
    }
}
