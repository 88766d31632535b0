//! What the host has to say when somebody signs up or logs in.

mod ask;
mod field;
mod login;
mod refusal;
mod sign_up;

use std::fmt::Debug;

use async_trait::async_trait;

pub(super) use self::ask::{Applied, may_sign_up, refuse_login, refuse_newcomer};
pub use self::field::SignUpField;
pub(super) use self::field::{entries, fault, problem};
pub use self::login::{Login, LoginDoor};
pub use self::refusal::Refusal;
pub use self::sign_up::{SignUp, SignUpAttributes, SignUpWay};

/// What the host has to say when somebody signs up or logs in: who may, and what is known of them from
/// the first moment on. What the host's own code does by [`Accounts`](super::Accounts) is not asked
/// about, and neither is a login that another layer writes, as that of SAML does.
///
/// A hook that errs, panics or takes more than ten seconds refuses the request: it is answered 503.
/// A login that is refused, whatever for, is in the audit log, and nobody is locked out by it who has
/// proven who they are: a password counts as right, a code is used up, and a mailed link works again. What
/// was proven of an address stays: a provider that vouches for that of an account which nobody ever
/// confirmed takes the account over before its login is judged.
///
/// ```
/// use async_trait::async_trait;
/// use donjon::account::{AccountHook, AccountLayer, Login, Refusal};
/// use donjon::account::{SignUp, SignUpAttributes, SignUpField};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Profile {
///     display_name: String,
///     #[serde(default)]
///     banned: bool,
/// }
///
/// #[derive(Debug)]
/// struct House;
///
/// #[async_trait]
/// impl AccountHook for House {
///     async fn permits_sign_up(&self, who: &SignUp<'_>) -> Result<SignUpAttributes, Refusal> {
///         if who.email.ends_with("@trash.example") {
///             return Err(Refusal::because("Please use an address that you keep."));
///         }
///         let display_name = who.field("display_name").unwrap_or("Somebody").trim().to_owned();
///         Ok(SignUpAttributes::of(&Profile { display_name, banned: false })?)
///     }
///
///     async fn permits_login(&self, who: &Login<'_>) -> Result<(), Refusal> {
///         match who.account.attributes_as::<Profile>()?.banned {
///             true => Err(Refusal::because("Your account is suspended.")),
///             false => Ok(()),
///         }
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # use donjon::crypto::{Keyring, SystemRandom};
/// # use donjon::store::SqlStore;
/// # let store = SqlStore::connect("sqlite::memory:").await?;
/// # let keyring = Keyring::ephemeral(&SystemRandom);
/// let accounts = AccountLayer::builder(&store, &keyring, "https://app.example")
///     .account_hook(House)
///     .sign_up_fields([SignUpField::new("display_name", "What may we call you?").max_length(80)])
///     .build()?;
/// # drop(accounts);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait AccountHook: Debug + Send + Sync + 'static {
    /// Whether somebody may sign up, and what the new account has from then on: it is written with the
    /// account, or not at all. By default they may, and it has nothing.
    ///
    /// It is asked after every rule of ours and before anybody looks whether the address has an account,
    /// so that what it says, and how long it takes, tells a stranger nothing of that: unless it looks
    /// itself. Two who sign up at once may both be asked before either has an account. What the form
    /// says has been typed by somebody who has not shown yet that the address is theirs
    /// ([`SignUp::email_verified`]). Who takes over an account that nobody ever confirmed, by a
    /// provider that vouches for the address, is asked about, and keeps the attributes that it has.
    ///
    /// # Errors
    /// [`Refusal`]: nobody signs up, and the page says why.
    async fn permits_sign_up(&self, who: &SignUp<'_>) -> Result<SignUpAttributes, Refusal> {
        let _ = who;
        Ok(SignUpAttributes::default())
    }

    /// Whether a user who has proven who they are may come in, by whichever door; asked after every rule
    /// of ours, right before there is a session, and once more when a login waited for another answer
    /// in between (another password, whether to keep the account). Who signs up and comes in by one
    /// request, by an invitation or a provider, is asked about before the account is written, which is
    /// shown as it will be: who is refused has none. By default they may.
    ///
    /// It is not asked again while a session lasts, nor when its user proves once more who they are:
    /// whoever is to go at once is disabled. An administrator who acts as a user does not log in.
    ///
    /// # Errors
    /// [`Refusal`]: there is no session, the login does not wait any more, the browser is not remembered,
    /// and the page says why, to the one who has proven to be the user.
    async fn permits_login(&self, who: &Login<'_>) -> Result<(), Refusal> {
        let _ = who;
        Ok(())
    }
}
