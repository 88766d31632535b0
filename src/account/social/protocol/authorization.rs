//! The request that a browser carries to a provider (RFC 6749, section 4.1.1; OpenID Core, section
//! 3.1.2.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

use crate::crypto::sha256;

/// What nobody but this code may say in a request.
pub(in crate::account::social) const RESERVED: &[&str] = &[
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "max_age",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// The request.
pub(in crate::account::social) struct AuthorizationRequest<'a> {
    pub(in crate::account::social) endpoint: &'a str,
    pub(in crate::account::social) client_id: &'a str,
    pub(in crate::account::social) redirect_uri: &'a str,
    pub(in crate::account::social) scopes: &'a [String],
    pub(in crate::account::social) state: &'a str,
    /// OpenID only.
    pub(in crate::account::social) nonce: Option<&'a str>,
    /// The secret whose hash is sent (RFC 7636).
    pub(in crate::account::social) verifier: &'a str,
    pub(in crate::account::social) form_post: bool,
    /// Whether the user has to prove anew who they are.
    pub(in crate::account::social) anew: bool,
    /// What the host adds.
    pub(in crate::account::social) parameters: &'a [(String, String)],
}

impl AuthorizationRequest<'_> {
    /// Where to send the browser; `None` if the endpoint is no URL.
    pub(in crate::account::social) fn url(&self) -> Option<String> {
        let mut url = Url::parse(self.endpoint).ok()?;
        let ours = |name: &str| RESERVED.contains(&name) || (self.anew && name == "prompt");
        let kept: Vec<(String, String)> =
            url.query_pairs().into_owned().filter(|(name, _)| !ours(name)).collect();
        url.set_fragment(None);
        url.set_query(None);
        let scope = self.scopes.join(" ");
        let challenge = URL_SAFE_NO_PAD.encode(sha256(self.verifier.as_bytes()));
        let mut query = url.query_pairs_mut();
        query.extend_pairs(kept);
        let added = self.parameters.iter().filter(|(name, _)| !ours(name));
        query.extend_pairs(added.map(|(name, value)| (name, value)));
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("state", self.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if !scope.is_empty() {
            query.append_pair("scope", &scope);
        }
        if let Some(nonce) = self.nonce {
            query.append_pair("nonce", nonce);
        }
        if self.form_post {
            query.append_pair("response_mode", "form_post");
        }
        if self.anew {
            query.append_pair("prompt", "login").append_pair("max_age", "0");
        }
        drop(query);
        Some(url.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn request(endpoint: &str, parameters: &[(&str, &str)], anew: bool) -> Vec<(String, String)> {
        let parameters: Vec<_> =
            parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let url = AuthorizationRequest {
            endpoint,
            client_id: "me",
            redirect_uri: "https://app.example/login/with/op/callback",
            scopes: &["openid".to_owned(), "email".to_owned()],
            state: "the state",
            nonce: Some("the nonce"),
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            form_post: false,
            anew,
            parameters: &parameters,
        };
        let url = Url::parse(&url.url().unwrap()).unwrap();
        assert_eq!(url.fragment(), None);
        url.query_pairs().into_owned().collect()
    }

    /// The challenge is that of RFC 7636, appendix B.
    #[test]
    fn every_request_has_pkce_state_and_nonce() {
        let sent: BTreeMap<_, _> =
            request("https://op.example/authorize?tenant=a", &[("hd", "b")], false)
                .into_iter()
                .collect();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "me"),
            ("redirect_uri", "https://app.example/login/with/op/callback"),
            ("scope", "openid email"),
            ("state", "the state"),
            ("nonce", "the nonce"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("tenant", "a"),
            ("hd", "b"),
        ] {
            assert_eq!(sent[name], value, "{name}");
        }
        assert_eq!(sent.len(), 10);
    }

    #[test]
    fn nobody_overrides_what_is_ours() {
        for name in RESERVED.iter().copied().chain(["prompt"]) {
            let endpoint = format!("https://op.example/authorize?{name}=evil#{name}=evil");
            let sent = request(&endpoint, &[(name, "evil")], true);
            assert!(sent.iter().all(|(_, value)| value != "evil"), "{name}: {sent:?}");
            let times = sent.iter().filter(|(sent, _)| sent == name).count();
            let unsent = matches!(name, "request" | "request_uri" | "response_mode");
            assert_eq!(times, usize::from(!unsent), "{name}");
        }
        assert_eq!(request("https://op.example/", &[("prompt", "select_account")], false).len(), 9);
    }
}
