//! Data of the pages for what is mailed: links and codes.

use serde::Serialize;

use super::{PasswordLength, PasswordProblem};

/// Data of [`Pages::confirm_code`](super::Pages::confirm_code).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ConfirmCode<'a> {
    /// Where the form is posted to: fields `email`, `code`, and `password` if it is asked for.
    pub action: &'a str,
    /// Where to post `email` to, to have the mail sent again.
    pub resend: &'a str,
    /// The page to ask for a new password, for whoever chose none or forgot it.
    pub forgot: &'a str,
    /// The address to begin with.
    pub email: &'a str,
    /// Whether the account's password is asked for, since no account was made in this browser.
    pub asks_password: bool,
    /// Whether the last try was refused.
    pub refused: bool,
}

impl<'a> ConfirmCode<'a> {
    /// The page with these paths: of its form, to send again, to ask for a new password.
    pub fn new(
        [action, resend, forgot]: [&'a str; 3],
        email: &'a str,
        asks_password: bool,
        refused: bool,
    ) -> Self {
        Self { action, resend, forgot, email, asks_password, refused }
    }
}

/// Data of [`Pages::ask_login_link`](super::Pages::ask_login_link).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AskLoginLink<'a> {
    /// Where the form is posted to: field `email`.
    pub action: &'a str,
    /// The page to log in with a password.
    pub login: &'a str,
    /// The address to begin with.
    pub email: &'a str,
    /// Whether the address was none.
    pub invalid_email: bool,
}

impl<'a> AskLoginLink<'a> {
    /// The page that posts to `action`.
    pub fn new(action: &'a str, login: &'a str, email: &'a str, invalid_email: bool) -> Self {
        Self { action, login, email, invalid_email }
    }
}

/// Data of [`Pages::open_login_link`](super::Pages::open_login_link).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OpenLoginLink<'a> {
    /// Where the form is posted to: fields `token`, `email` and `password` if they are asked for,
    /// and `remember` if checked.
    pub action: &'a str,
    /// The secret of the link.
    pub token: &'a str,
    /// The page to ask for a new password, for whoever chose none or forgot it.
    pub forgot: &'a str,
    /// The address; `None` if it is asked for, since the link was asked for in another browser.
    pub email: Option<&'a str>,
    /// Whether the account's password is asked for, since the account was made in another browser
    /// and nobody has confirmed its address.
    pub asks_password: bool,
    /// Whether the last try was refused.
    pub refused: bool,
}

impl<'a> OpenLoginLink<'a> {
    /// The page that posts the token to its action; and the page to ask for a new password.
    pub fn new(
        [action, token, forgot]: [&'a str; 3],
        email: Option<&'a str>,
        asks_password: bool,
        refused: bool,
    ) -> Self {
        Self { action, token, forgot, email, asks_password, refused }
    }
}

/// Data of [`Pages::check_mail`](super::Pages::check_mail).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckMail<'a> {
    /// What the mail is about.
    pub about: MailSent,
    /// Where to post `email` and the `code` that the mail carries, if it does.
    pub code: Option<&'a str>,
    /// The address.
    pub email: &'a str,
    /// Where to post `email` to, to have it sent again.
    pub resend: &'a str,
    /// The page to log in.
    pub login: &'a str,
}

/// What a mail is about that was, perhaps, sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MailSent {
    /// A registration.
    Registration,
    /// A confirmation that a login waits for, or that was asked for again.
    Confirmation,
    /// A new password.
    Reset,
    /// A link to log in.
    LoginLink,
}

/// Data of [`Pages::confirm`](super::Pages::confirm).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Confirm<'a> {
    /// Where the form is posted to: fields `token`, and `password` if it is asked for.
    pub action: &'a str,
    /// The secret of the link.
    pub token: &'a str,
    /// The address.
    pub email: &'a str,
    /// Whether the account's password is asked for, since the account was made in another browser.
    pub asks_password: bool,
    /// Whether the last try was refused.
    pub refused: bool,
    /// The page to ask for a new password, for whoever chose none or forgot it.
    pub forgot: &'a str,
}

/// Data of [`Pages::link_over`](super::Pages::link_over).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LinkOver<'a> {
    /// What the link was for.
    pub was_for: LinkFor,
    /// Where to go on: to ask for another, or to log in.
    pub next: &'a str,
}

/// What a mailed link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkFor {
    /// To confirm an address.
    Confirm,
    /// To set a new password.
    Reset,
    /// To log in.
    Login,
    /// To have another address.
    ChangeEmail,
}

/// Data of [`Pages::forgot_password`](super::Pages::forgot_password).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ForgotPassword<'a> {
    /// Where the form is posted to: field `email`.
    pub action: &'a str,
    /// The page to log in.
    pub login: &'a str,
    /// The address to begin with.
    pub email: &'a str,
    /// Whether the address was none.
    pub invalid_email: bool,
}

/// Data of [`Pages::reset_password`](super::Pages::reset_password).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ResetPassword<'a> {
    /// Where the form is posted to: fields `token` and `password`.
    pub action: &'a str,
    /// The secret of the link.
    pub token: &'a str,
    /// Whose password it is.
    pub email: &'a str,
    /// What was wrong with the password.
    pub password_problem: Option<PasswordProblem>,
    /// How long a password may be.
    pub password_length: PasswordLength,
}
