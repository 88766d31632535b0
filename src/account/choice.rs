//! What becomes of a password that somebody wants to have.

use super::AccountError;
use super::password::PasswordCheckError;
use super::site::Site;
use crate::crypto::Redacted;
use crate::page::PasswordProblem;

/// What is wrong with a password that the owner of an address wants; `None` if it may be chosen.
/// What it costs depends on the password, and never on whether the address has an account.
pub(super) async fn problem(
    site: &Site,
    password: &Redacted<String>,
    email: &str,
) -> Result<Option<PasswordProblem>, AccountError> {
    let about = [email, site.pages.theme().product()];
    match site.password_rules.check(&site.passwords, password, &about).await {
        Ok(()) => Ok(None),
        Err(PasswordCheckError::Refused(problem)) => Ok(Some(problem)),
        Err(PasswordCheckError::Busy(busy)) => Err(busy.into()),
        Err(PasswordCheckError::Unknown(error)) => {
            tracing::warn!(%error, "a password was refused");
            Ok(Some(PasswordProblem::Unchecked))
        }
    }
}
