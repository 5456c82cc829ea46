//! The reading side of an account.

use core::borrow::Borrow;
use core::fmt;

use session_crypto::DecryptError;
use session_crypto::direct::{self, Senders};
use session_identity::Account;

/// Number of senders that an [`Opener`] remembers unless told otherwise.
const DEFAULT_SENDERS: usize = 64;

/// Opens the messages of one account.
///
/// It owns or borrows the account: `A` is an [`Account`], a reference to one, or an `Arc` or `Rc` of
/// one. It remembers the validated keys of recent senders: another one-to-one message of such a
/// sender takes about a third less time to open. The result does not depend on it.
///
/// What an opener checks, and what is left to the caller, is listed in the documentation of the
/// [crate](crate). An error says what to do with the message:
/// [`OpenError::disposition`](crate::OpenError::disposition).
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::{Account, Seed};
/// use session_message::content::Content;
/// use session_message::{Disposition, Opener, Sealer, UnixMillis};
///
/// let [alice, bob, eve] = [(); 3].map(|()| Account::from_seed(&Seed::generate(rng)));
/// let now = UnixMillis::new(1_754_971_101_000);
/// let message = Sealer::new(&alice).seal_direct(rng, bob.id(), &Content::text("hello"), now)?;
/// let opened = Opener::new(&bob).open_direct(&message.data)?;
/// assert_eq!(opened.content.as_text(), Some("hello"));
/// let error = Opener::new(&eve).open_direct(&message.data).unwrap_err();
/// assert_eq!(error.disposition(), Disposition::Drop);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Opener<A: Borrow<Account>> {
    account: A,
    senders: Senders,
    #[cfg(feature = "v2")]
    pub(crate) account_keys: alloc::vec::Vec<session_crypto::v2::AccountKeys>,
}

impl<A: Borrow<Account>> Opener<A> {
    /// Makes the opener of an account. It remembers the keys of 64 senders.
    #[must_use]
    pub const fn new(account: A) -> Self {
        Self {
            account,
            senders: Senders::new(DEFAULT_SENDERS),
            #[cfg(feature = "v2")]
            account_keys: alloc::vec::Vec::new(),
        }
    }

    /// Remembers the keys of `count` senders, and forgets those that it knows. Zero is allowed.
    #[must_use]
    pub fn remembering(mut self, count: usize) -> Self {
        self.senders = Senders::new(count);
        self
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &Account {
        self.account.borrow()
    }

    /// Decrypts a one-to-one ciphertext.
    pub(crate) fn decrypt(&mut self, ciphertext: &[u8]) -> Result<direct::Opened, DecryptError> {
        let account: &Account = self.account.borrow();
        let (secret, public) = (account.x25519(), account.x25519_public());
        direct::open_remembering(&mut self.senders, secret, &public, ciphertext)
    }
}

impl<A: Borrow<Account>> fmt::Debug for Opener<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("account", self.account().id())
            .field("senders", &self.senders)
            .finish_non_exhaustive()
    }
}
