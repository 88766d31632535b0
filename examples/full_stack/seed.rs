use axum::BoxError;
use donjon::account::{Accounts, CreateError};

use crate::config::Config;

/// Makes the configured users, as far as they are not there yet. Their claims become the account's
/// attributes; whether the address is confirmed is the account's own business.
pub(crate) async fn users(config: &Config, accounts: &Accounts) -> Result<(), BoxError> {
    for (index, user) in config.users.iter().enumerate() {
        let mut attributes = user.claims.clone();
        let verified = attributes.remove("email_verified");
        let verified = verified.and_then(|value| value.as_bool()).unwrap_or(true);
        match accounts.create(&user.email, Some(&user.password), attributes, verified).await {
            Ok(_) | Err(CreateError::EmailTaken) => {}
            Err(error @ CreateError::Password(_)) => {
                let fault = format!("{error}; write 8 to 128 characters");
                return Err(config.fault(format!("users[{index}].password"), fault).into());
            }
            Err(error) => return Err(config.fault(format!("users[{index}]"), error).into()),
        }
    }
    Ok(())
}
