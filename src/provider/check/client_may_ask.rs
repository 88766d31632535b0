use crate::provider::{Client, GrantType, ProviderError};

/// RFC 6749, section 4.1.2.1 (`unauthorized_client`): the client is registered for codes.
pub(in crate::provider) fn check_client_may_ask(client: &Client) -> Result<(), ProviderError> {
    if client.allows_grant(GrantType::AuthorizationCode) {
        Ok(())
    } else {
        Err(ProviderError::GrantTypeNotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{confidential, public};
    use super::*;

    #[test]
    fn a_machine_does_not_send_users() {
        let machine =
            confidential(|client| client.grant_types = Some(vec![GrantType::ClientCredentials]));
        assert_eq!(check_client_may_ask(&machine), Err(ProviderError::GrantTypeNotAllowed));
        assert_eq!(check_client_may_ask(&public(|_| {})), Ok(()));
    }
}
