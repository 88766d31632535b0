use crate::http::Form;
use crate::provider::ProviderError;

/// The parameters that mean something to us, except `resource`, which may be repeated (RFC 8707,
/// section 2). `client_id` and `redirect_uri` were read before.
const ONCE: [&str; 18] = [
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "display",
    "ui_locales",
    "claims_locales",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "claims",
    "request",
    "request_uri",
];

/// RFC 6749, section 3.1: no parameter more than once, since two readers of a request could
/// believe different ones. Parameters we do not know are ignored, however often they come.
pub(in crate::provider) fn check_repeated(form: &Form) -> Result<(), ProviderError> {
    ONCE.into_iter().try_for_each(|name| form.get(name).map(drop)).map_err(ProviderError::from)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn what_we_know_comes_once_and_what_we_do_not_know_as_it_likes() {
        for name in ONCE {
            let twice = form(&[(name, "a"), ("x", "y"), (name, "a")]);
            assert_eq!(check_repeated(&twice), Err(ProviderError::RepeatedParameter(name)));
        }
        let fine = [("x", "a"), ("x", "b"), ("resource", "a"), ("resource", "b"), ("scope", "c")];
        assert_eq!(check_repeated(&form(&fine)), Ok(()));
    }
}
