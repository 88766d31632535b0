use crate::http::Form;
use crate::provider::ProviderError;

/// RFC 6749, section 3.1.1, with RFC 9700, section 2.1.2: `code`, and no other.
pub(in crate::provider) fn check_response_type(form: &Form) -> Result<(), ProviderError> {
    match form.require("response_type")? {
        "code" => Ok(()),
        _ => Err(ProviderError::UnsupportedResponseType),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn nothing_but_a_code_is_given_in_the_front_channel() {
        assert_eq!(check_response_type(&form(&[("response_type", "code")])), Ok(()));
        for other in ["token", "id_token", "code token", "code id_token", "none", "Code", " code"] {
            let refused = check_response_type(&form(&[("response_type", other)]));
            assert_eq!(refused, Err(ProviderError::UnsupportedResponseType), "{other}");
        }
        assert!(check_response_type(&form(&[])).is_err());
    }
}
