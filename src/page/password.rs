//! Data of the pages where a user chooses a password while having an account.

use serde::Serialize;

use super::{Frame, PasswordLength, PasswordProblem};

/// Data of [`Pages::settings_password`](super::Pages::settings_password).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PasswordSettings<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Where the form is posted to: fields `password`, and `current` if there is a password.
    pub action: &'a str,
    /// Whose password it is.
    pub email: &'a str,
    /// Whether there is a password to be changed; without one it is the first.
    pub has_password: bool,
    /// Whether it was just changed.
    pub changed: bool,
    /// Whether the present password was wrong.
    pub refused: bool,
    /// What was wrong with the new one.
    pub password_problem: Option<PasswordProblem>,
    /// How long a password may be.
    pub password_length: PasswordLength,
}

impl<'a> PasswordSettings<'a> {
    /// The page that posts to `action`, for the owner of an address.
    pub fn new(
        frame: Frame<'a>,
        (action, email): (&'a str, &'a str),
        has_password: bool,
        password_length: PasswordLength,
    ) -> Self {
        Self {
            frame,
            action,
            email,
            has_password,
            changed: false,
            refused: false,
            password_problem: None,
            password_length,
        }
    }
}

/// Data of [`Pages::new_password`](super::Pages::new_password).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NewPasswordPage<'a> {
    /// Where the form is posted to: field `password`.
    pub action: &'a str,
    /// The page to begin anew.
    pub login: &'a str,
    /// Whose password it is.
    pub email: &'a str,
    /// What was wrong with the password.
    pub password_problem: Option<PasswordProblem>,
    /// How long a password may be.
    pub password_length: PasswordLength,
}

impl<'a> NewPasswordPage<'a> {
    /// The page that posts to `action`, for the owner of an address.
    pub fn new(
        action: &'a str,
        login: &'a str,
        email: &'a str,
        password_problem: Option<PasswordProblem>,
        password_length: PasswordLength,
    ) -> Self {
        Self { action, login, email, password_problem, password_length }
    }
}
