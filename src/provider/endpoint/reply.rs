use http::{Response, StatusCode};

use super::refusal::Refusal;
use crate::crypto::OpaqueToken;
use crate::http::redirect::{form_action, with_query};
use crate::http::{Body, respond};
use crate::page::{FormPost, Pages};
use crate::provider::ProviderError;
use crate::provider::check::{ProvenRedirectUri, ResponseMode};
use crate::provider::issuer::Issuer;
use crate::provider::server::Provider;

/// Where and how the answer to an authorization request goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    redirect_uri: ProvenRedirectUri,
    mode: ResponseMode,
    state: Option<String>,
}

impl Reply {
    pub(super) fn new(
        redirect_uri: ProvenRedirectUri,
        mode: ResponseMode,
        state: Option<String>,
    ) -> Self {
        Self { redirect_uri, mode, state }
    }

    /// Where it goes.
    pub(super) fn redirect_uri(&self) -> &ProvenRedirectUri {
        &self.redirect_uri
    }

    /// A refusal that the client is told of; but one that is about the browser's network, not the
    /// client's request, is shown where it can say when to come again.
    pub(super) fn refuse(&self, error: ProviderError) -> Refusal {
        match error {
            ProviderError::TooManyLongRequests(_) => Refusal::Browser(error),
            _ => Refusal::Redirect(self.clone(), error),
        }
    }

    /// RFC 6749, section 4.1.2: the code.
    pub(super) fn code(&self, provider: &Provider, code: &OpaqueToken) -> Response<Body> {
        self.send(&provider.issuer, &*provider.pages, &[("code", &code.expose())])
    }

    /// RFC 6749, section 4.1.2.1: the error.
    pub(super) fn error(
        &self,
        issuer: &Issuer,
        pages: &dyn Pages,
        error: ProviderError,
    ) -> Response<Body> {
        let (code, description) = (error.code().as_str(), error.to_string());
        self.send(issuer, pages, &[("error", code), ("error_description", &description)])
    }

    /// `state` always goes back, and so does `iss`, by which a client of many servers knows which
    /// of them answered (RFC 9207).
    fn send(&self, issuer: &Issuer, pages: &dyn Pages, answer: &[(&str, &str)]) -> Response<Body> {
        let state = self.state.as_deref().map(|state| ("state", state));
        let iss = ("iss", issuer.as_str());
        let fields: Vec<(&str, &str)> = answer.iter().copied().chain(state).chain([iss]).collect();
        match self.mode {
            ResponseMode::Query => {
                respond::see_other(&with_query(self.redirect_uri.as_str(), &fields))
            }
            ResponseMode::FormPost => {
                let page = FormPost { action: self.redirect_uri.as_str(), fields: &fields };
                let page = pages.form_post(&page);
                respond::html_with_form_action(StatusCode::OK, page, &self.form_action())
            }
        }
    }

    /// The source that a page's `form-action` must allow so that its form, or the redirect that
    /// answers it, may lead to the client (Content Security Policy Level 3, section 6.4.1).
    pub(super) fn form_action(&self) -> String {
        form_action(self.redirect_uri.as_str())
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::page::Theme;
    use crate::provider::check::prove_redirect_uri;
    use crate::provider::{AuthMethod, Client, ClientMetadata};

    fn reply(uri: &str, state: Option<&str>) -> Reply {
        let mut metadata = ClientMetadata::new("spa");
        metadata.redirect_uris = vec![uri.to_owned()];
        metadata.token_endpoint_auth_method = Some(AuthMethod::None);
        let proven = prove_redirect_uri(uri, &Client::new(metadata).unwrap()).unwrap();
        Reply::new(proven, ResponseMode::Query, state.map(str::to_owned))
    }

    fn location(reply: &Reply) -> String {
        let issuer = Issuer::parse("https://op.example").unwrap();
        let response = reply.error(&issuer, &Theme::new("Op"), ProviderError::ConsentDenied);
        response.headers()["location"].to_str().unwrap().to_owned()
    }

    #[test]
    fn an_answer_is_merged_into_the_query_that_was_registered() {
        let answer = "error=access_denied&error_description=The+user+said+no.\
                      &state=s&iss=https%3A%2F%2Fop.example";
        for (uri, expected) in [
            ("https://c.example/cb", format!("https://c.example/cb?{answer}")),
            ("https://c.example/cb?a=b%20c", format!("https://c.example/cb?a=b%20c&{answer}")),
            ("https://c.example/cb?", format!("https://c.example/cb?{answer}")),
            ("https://c.example/cb?a&", format!("https://c.example/cb?a&{answer}")),
            ("com.example.app:/cb", format!("com.example.app:/cb?{answer}")),
        ] {
            assert_eq!(location(&reply(uri, Some("s"))), expected);
        }
    }

    #[test]
    fn a_state_cannot_add_a_header_or_a_field() {
        let evil = "x&code=evil#\r\nSet-Cookie: a=b é";
        let location = location(&reply("https://c.example/cb", Some(evil)));
        assert!(!location.contains(['\r', '\n', ' ', '#']) && !location.contains("&code="));
        let url = Url::parse(&location).unwrap();
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1;
        assert_eq!(state, evil);
    }

    #[test]
    fn a_form_may_lead_to_the_client_and_nowhere_else() {
        for (uri, expected) in [
            ("https://c.example:8443/cb?x", "https://c.example:8443"),
            ("http://127.0.0.1:3001/cb", "http://127.0.0.1:3001"),
            ("http://[::1]:3001/cb", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
            ("com.example.app://auth/cb", "com.example.app:"),
        ] {
            assert_eq!(reply(uri, None).form_action(), expected);
        }
    }
}
