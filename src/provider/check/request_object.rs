use crate::http::Form;
use crate::provider::ProviderError;

/// OpenID Connect Core, section 3.1.2.6: what is not supported is refused by name. Ignoring a
/// request object would answer a request that nobody made: the real parameters are inside.
pub(in crate::provider) fn check_request_object(form: &Form) -> Result<(), ProviderError> {
    for (name, refusal) in [
        ("request", ProviderError::RequestNotSupported),
        ("request_uri", ProviderError::RequestUriNotSupported),
        ("registration", ProviderError::RegistrationNotSupported),
    ] {
        if form.get(name)?.is_some() {
            return Err(refusal);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn each_has_an_error_of_its_own() {
        let check = |name| check_request_object(&form(&[(name, "x")]));
        assert_eq!(check("request"), Err(ProviderError::RequestNotSupported));
        assert_eq!(check("request_uri"), Err(ProviderError::RequestUriNotSupported));
        assert_eq!(check("registration"), Err(ProviderError::RegistrationNotSupported));
        assert_eq!(check("requested"), Ok(()));
    }
}
