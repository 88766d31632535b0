use serde::{Deserialize, Serialize};

use crate::http::Form;
use crate::provider::ProviderError;

/// How the answer travels (OAuth 2.0 Multiple Response Types, section 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::provider) enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// Posted to the redirect URI by a form (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// Every mode there is.
    pub(in crate::provider) const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    /// The registered name.
    pub(in crate::provider) fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

/// OAuth 2.0 Multiple Response Types, section 2.1: the mode asked for, or `query`. A mode that is
/// not supported is an error, which travels in the query.
pub(in crate::provider) fn check_response_mode(form: &Form) -> Result<ResponseMode, ProviderError> {
    match form.get("response_mode")? {
        None => Ok(ResponseMode::Query),
        Some(name) => ResponseMode::ALL
            .into_iter()
            .find(|mode| mode.as_str() == name)
            .ok_or(ProviderError::UnsupportedResponseMode),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn unknown_modes_are_not_taken_for_the_query() {
        assert_eq!(check_response_mode(&form(&[])), Ok(ResponseMode::Query));
        for mode in ResponseMode::ALL {
            let asked = form(&[("response_mode", mode.as_str())]);
            assert_eq!(check_response_mode(&asked), Ok(mode));
        }
        for other in ["fragment", "jwt", "web_message", "Query"] {
            let refused = check_response_mode(&form(&[("response_mode", other)]));
            assert_eq!(refused, Err(ProviderError::UnsupportedResponseMode), "{other}");
        }
    }
}
