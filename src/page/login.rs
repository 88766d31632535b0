//! Data of the pages to log in and to sign up.

use serde::Serialize;

use super::{PasskeyPrompt, PasswordLength, PasswordProblem};

/// Data of [`Pages::login`](super::Pages::login). Addresses are local paths with the query that keeps the trip.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Login<'a> {
    /// Where the form is posted to: fields `email`, `password`, and `remember` if checked.
    pub action: &'a str,
    /// The page to sign up.
    pub register: &'a str,
    /// The page to ask for a new password.
    pub forgot: &'a str,
    /// The address to begin with.
    pub email: &'a str,
    /// Whether `remember` is checked.
    pub remember: bool,
    /// Whether somebody is logged in, but has to log in again.
    pub again: bool,
    /// Whether the last try was refused.
    pub refused: bool,
    /// What was just done.
    pub notice: Option<LoginNotice>,
    /// Other ways to log in, beside the form.
    pub others: &'a [OtherDoor<'a>],
    /// What is asked of the browser, where there are passkeys; the same form takes its answer, in a
    /// field `credential`.
    pub passkey: Option<PasskeyPrompt<'a>>,
    /// The page to ask for a link to log in, if there are such links.
    pub link: Option<&'a str>,
    /// Whether the form has a second button, called `single_sign_on`: to log in where the domain of
    /// the address says, without a password.
    pub single_sign_on: bool,
    /// The page to confirm an address, if nobody is let in without: a login that is refused may lack
    /// no more than that, and does not say so.
    pub confirm: Option<&'a str>,
}

/// Another way to log in than the form of [`Pages::login`](super::Pages::login): a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OtherDoor<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Where it leads, with the query that keeps the trip.
    pub href: &'a str,
}

/// What a user did before coming to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoginNotice {
    /// Confirmed the address.
    Confirmed,
    /// Set a new password.
    PasswordSet,
    /// Took too long to go on with a second factor or a provider, or could not.
    TimedOut,
    /// Kept an account that was going to be deleted.
    Kept,
    /// Tried something else, though their organization has them log in with single sign-on.
    SingleSignOn,
    /// Tried single sign-on with an address whose domain has none.
    NoSingleSignOn,
    /// Turned back at a provider.
    ProviderCancelled,
    /// Came from a provider that did not answer.
    ProviderUnavailable,
    /// Came from a provider whose answer was not as it must be.
    ProviderFailed,
    /// Came from a provider that vouches for no address.
    ProviderNoEmail,
    /// Came from a provider, and nobody may sign up.
    ProviderNoAccount,
    /// Came from a provider as one user, with the address of another.
    ProviderMismatch,
    /// Came from the provider that has to be used, with an account of their own and not with that of
    /// their organization.
    ProviderPersonal,
    /// Came from the provider that has to be used, as another user there than the account is linked to.
    ProviderAnother,
}

/// Data of [`Pages::register`](super::Pages::register).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Register<'a> {
    /// Where the form is posted to: fields `email` and `password`.
    pub action: &'a str,
    /// The page to log in.
    pub login: &'a str,
    /// The address to begin with.
    pub email: &'a str,
    /// Whether the address was none.
    pub invalid_email: bool,
    /// What was wrong with the password.
    pub password_problem: Option<PasswordProblem>,
    /// How long a password may be.
    pub password_length: PasswordLength,
    /// Other ways to sign up, beside the form.
    pub others: &'a [OtherDoor<'a>],
    /// What else the host asks for.
    pub fields: &'a [SignUpEntry<'a>],
    /// Why the host refuses, in its own words.
    pub refused: Option<&'a str>,
    /// That nobody signs up here: there is no form then.
    pub closed: Option<SignUpsClosed>,
}

/// Who may not sign up by the form, where that is everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpsClosed {
    /// Those who are invited sign up by the link in their mail.
    ButForInvited,
    /// Nobody signs up.
    ForAll,
}

/// A field that the host asks for at the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignUpEntry<'a> {
    /// What it is called in the form.
    pub name: &'a str,
    /// What it is called on the page.
    pub label: &'a str,
    /// What was typed.
    pub value: &'a str,
    /// How many characters it takes.
    pub max_length: usize,
    /// Whether it must be filled in.
    pub required: bool,
    /// Whether what was typed is too long, or missing.
    pub wrong: bool,
}
