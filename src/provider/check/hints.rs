use super::limits;
use crate::http::Form;
use crate::provider::ProviderError;

/// What helps the host to serve the user; nothing here decides anything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::provider) struct Hints {
    /// Who the client thinks will log in.
    pub(in crate::provider) login_hint: Option<String>,
    /// The context classes it would like, best first.
    pub(in crate::provider) acr_values: Vec<String>,
    /// The languages the user reads, best first.
    pub(in crate::provider) ui_locales: Vec<String>,
}

/// OpenID Connect Core, section 3.1.2.1: hints for the host's pages, handed on within bounds and
/// without control characters. `display` and `claims_locales` change nothing here and are ignored.
pub(in crate::provider) fn check_hints(form: &Form) -> Result<Hints, ProviderError> {
    Ok(Hints {
        login_hint: bounded(form, "login_hint", limits::LOGIN_HINT)?.map(str::to_owned),
        acr_values: list(form, "acr_values")?,
        ui_locales: list(form, "ui_locales")?,
    })
}

fn list(form: &Form, name: &'static str) -> Result<Vec<String>, ProviderError> {
    let text = bounded(form, name, limits::LIST)?.unwrap_or_default();
    Ok(text.split(' ').filter(|value| !value.is_empty()).map(str::to_owned).collect())
}

fn bounded<'a>(
    form: &'a Form,
    name: &'static str,
    limit: usize,
) -> Result<Option<&'a str>, ProviderError> {
    match form.get(name)? {
        Some(text) if text.len() > limit => Err(ProviderError::ParameterTooLong(name)),
        Some(text) if text.chars().any(char::is_control) => {
            Err(ProviderError::MalformedParameter(name))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn hints_are_read_within_bounds() {
        let hints = check_hints(&form(&[
            ("login_hint", "alice@example.test"),
            ("acr_values", "urn:a urn:b"),
            ("ui_locales", "se"),
            ("display", "popup"),
        ]))
        .unwrap();
        assert_eq!(hints.login_hint.as_deref(), Some("alice@example.test"));
        assert_eq!(hints.acr_values, ["urn:a", "urn:b"]);
        assert_eq!(hints.ui_locales, ["se"]);
        for name in ["login_hint", "acr_values", "ui_locales"] {
            let long = form(&[(name, &"x".repeat(600))]);
            assert_eq!(check_hints(&long), Err(ProviderError::ParameterTooLong(name)));
            let odd = form(&[(name, "a\nb")]);
            assert_eq!(check_hints(&odd), Err(ProviderError::MalformedParameter(name)));
        }
    }
}
