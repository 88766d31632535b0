use super::limits;
use crate::http::Form;
use crate::provider::ProviderError;

/// OpenID Connect Core, section 3.1.2.1: an opaque text that ID tokens repeat. Optional in the
/// code flow. Control characters are refused: not every store can keep them.
pub(in crate::provider) fn check_nonce(form: &Form) -> Result<Option<String>, ProviderError> {
    match form.get("nonce")? {
        Some(nonce) if nonce.len() > limits::NONCE => Err(ProviderError::ParameterTooLong("nonce")),
        Some(nonce) if nonce.chars().any(char::is_control) => {
            Err(ProviderError::MalformedParameter("nonce"))
        }
        nonce => Ok(nonce.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn a_nonce_has_a_bound() {
        let fits = "n".repeat(limits::NONCE);
        assert_eq!(check_nonce(&form(&[("nonce", &fits)])), Ok(Some(fits.clone())));
        let long = form(&[("nonce", &format!("{fits}n"))]);
        assert_eq!(check_nonce(&long), Err(ProviderError::ParameterTooLong("nonce")));
        assert_eq!(check_nonce(&form(&[])), Ok(None));
    }

    #[test]
    fn a_nonce_has_no_control_characters() {
        for odd in ["\0", "a\r\nb", "\u{85}"] {
            let malformed = Err(ProviderError::MalformedParameter("nonce"));
            assert_eq!(check_nonce(&form(&[("nonce", odd)])), malformed, "{odd:?}");
        }
    }
}
