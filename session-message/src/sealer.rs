//! The writing side of an account.

use core::borrow::Borrow;
use core::fmt;

use session_identity::Account;

use crate::pro::Signer;

/// Seals the messages of one account.
///
/// It owns or borrows the account: `A` is an [`Account`], a reference to one, or an `Arc` or `Rc` of
/// one. With Session Pro it also holds the rotating key, and every message that it seals is signed
/// with it.
///
/// Each method checks what the recipients would check, so that no message is sent that they would
/// drop. The random generator and the time of sending are arguments; the time is that of the
/// network's clock and must lie between [`SENT_MIN`](crate::SENT_MIN) and
/// [`SENT_MAX`](crate::SENT_MAX).
///
/// ```
/// # use getrandom::{SysRng, rand_core::UnwrapErr};
/// # let rng = &mut UnwrapErr(SysRng);
/// use session_identity::{Account, Seed};
/// use session_message::content::Content;
/// use session_message::{Opener, Sealer, UnixMillis};
///
/// let [alice, bob] = [(); 2].map(|()| Account::from_seed(&Seed::generate(rng)));
/// let sealer = Sealer::new(&alice);
/// let now = UnixMillis::new(1_754_971_101_000);
/// let message = sealer.seal_direct(rng, bob.id(), &Content::text("hello"), now)?;
/// let opened = Opener::new(&bob).open_direct(&message.data)?;
/// assert_eq!(opened.sender, *alice.id());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Sealer<A: Borrow<Account>> {
    account: A,
    pro: Option<Signer>,
}

impl<A: Borrow<Account>> Sealer<A> {
    /// Makes the sealer of an account, without Session Pro.
    #[must_use]
    pub const fn new(account: A) -> Self {
        Self { account, pro: None }
    }

    /// Signs all messages with Session Pro.
    #[must_use]
    pub fn with_pro(mut self, signer: Signer) -> Self {
        self.pro = Some(signer);
        self
    }

    /// Replaces the Session Pro key, which changes every week, or removes it.
    pub fn set_pro(&mut self, signer: Option<Signer>) {
        self.pro = signer;
    }

    /// Returns the account.
    #[must_use]
    pub fn account(&self) -> &Account {
        self.account.borrow()
    }

    pub(crate) const fn pro(&self) -> Option<&Signer> {
        self.pro.as_ref()
    }
}

impl<A: Borrow<Account>> fmt::Debug for Sealer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("account", self.account().id())
            .field("pro", &self.pro.is_some())
            .finish_non_exhaustive()
    }
}
