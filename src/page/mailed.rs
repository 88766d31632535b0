//! Data of the pages for what is mailed: codes, and links to log in.

/// Data of [`Pages::confirm_code`](super::Pages::confirm_code).
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
