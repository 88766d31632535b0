use axum::BoxError;
use donjon::account::{Accounts, CreateError};

use crate::config::UserConfig;

/// Makes the configured users, as far as they are not there yet. Their claims become the account's
/// attributes; whether the address is confirmed is the account's own business.
pub(crate) async fn users(users: &[UserConfig], accounts: &Accounts) -> Result<(), BoxError> {
    for user in users {
        let mut attributes = user.claims.clone();
        let verified = attributes.remove("email_verified");
        let verified = verified.and_then(|value| value.as_bool()).unwrap_or(true);
        match accounts.create(&user.email, Some(&user.password), attributes, verified).await {
            Ok(_) | Err(CreateError::EmailTaken) => {}
            Err(error) => return Err(format!("user {:?}: {error}", user.email).into()),
        }
    }
    Ok(())
}
