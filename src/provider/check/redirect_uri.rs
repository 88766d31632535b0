use crate::http::Form;
use crate::http::redirect::{differs_in_loopback_port, is_of_the_web};
use crate::provider::{Client, ProviderError};

/// Where the answer goes: a redirect URI that is the client's own. Only `check_redirect_uri`
/// makes one, so nothing is ever redirected to an address that was not compared first.
///
/// ```compile_fail,E0423
/// use donjon::provider::proof::ProvenRedirectUri;
///
/// let forged = ProvenRedirectUri("https://evil.example/".to_owned());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenRedirectUri {
    uri: String,
    identifies: bool,
}

impl ProvenRedirectUri {
    /// The URI, byte for byte as the client sent it.
    pub fn as_str(&self) -> &str {
        &self.uri
    }

    /// Whether no other program than the client gets what is sent there, or has a use for it
    /// (RFC 8252, section 8.6): the client authenticates, or the URI is one of the web's, or has
    /// the very port on this machine that was registered. Any program can have a scheme of an
    /// app's, or listen on some port.
    pub fn identifies_the_client(&self) -> bool {
        self.identifies
    }
}

/// RFC 9700, section 2.1: the `redirect_uri` is one of the client's, byte for byte. It must be
/// there even if the client has but one (OpenID Connect Core, section 3.1.2.1).
///
/// One exception, RFC 8252, section 7.3: a native app listens on whatever port it is given, so a
/// public client's `http://127.0.0.1/…` or `http://[::1]/…` may come with any port. `localhost`
/// may not: it is a name, and names can be made to lead elsewhere (section 8.3).
///
/// # Errors
/// Browser errors, since there is nowhere else to send them yet.
pub(in crate::provider) fn check_redirect_uri(
    form: &Form,
    client: &Client,
) -> Result<ProvenRedirectUri, ProviderError> {
    prove_redirect_uri(form.require("redirect_uri")?, client)
}

/// The same for a URI that is not in a request any more but in an interaction: the client may
/// have lost it meanwhile.
pub(in crate::provider) fn prove_redirect_uri(
    uri: &str,
    client: &Client,
) -> Result<ProvenRedirectUri, ProviderError> {
    let registered = client.redirect_uris().iter().any(|registered| registered == uri);
    let native = || {
        let mut registered = client.redirect_uris().iter();
        client.is_public() && registered.any(|registered| differs_in_loopback_port(registered, uri))
    };
    if !registered && !native() {
        return Err(ProviderError::UnregisteredRedirectUri);
    }
    let identifies = !client.is_public() || (registered && is_of_the_web(uri));
    Ok(ProvenRedirectUri { uri: uri.to_owned(), identifies })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{confidential, form, public};
    use super::*;

    fn check(client: &Client, uri: &str) -> Result<(), ProviderError> {
        check_redirect_uri(&form(&[("redirect_uri", uri)]), client)
            .map(|proven| assert_eq!(proven.as_str(), uri))
    }

    #[test]
    fn only_the_very_bytes_that_were_registered_are_redirected_to() {
        let client = public(|client| {
            client.redirect_uris =
                vec!["https://client.example/cb".into(), "https://client.example/cb?a=b".into()];
        });
        assert_eq!(check(&client, "https://client.example/cb"), Ok(()));
        assert_eq!(check(&client, "https://client.example/cb?a=b"), Ok(()));
        for attack in [
            "https://evil.example/cb",
            "https://client.example/cb/",
            "https://client.example/cb/random",
            "https://client.example/c",
            "https://client.example/",
            "https://client.example/cb?a=c",
            "https://client.example/cb?a=b&c=d",
            "https://client.example/cb#a",
            "https://client.example/x/../cb",
            "https://client.example/%63b",
            "https://client.example/cb%00",
            "https://client.example:443/cb",
            "HTTPS://client.example/cb",
            "https://CLIENT.example/cb",
            "http://client.example/cb",
            "https://client.example@evil.example/cb",
            "https://client.example.evil.example/cb",
            "https://evil.example/https://client.example/cb",
            "//client.example/cb",
            "javascript:alert(1)//https://client.example/cb",
            " https://client.example/cb",
            "https://client.example/cb\r\nx: y",
        ] {
            assert_eq!(
                check(&client, attack),
                Err(ProviderError::UnregisteredRedirectUri),
                "{attack}"
            );
        }
    }

    #[test]
    fn a_scheme_of_an_apps_identifies_nobody_who_does_not_authenticate() {
        let register = |client: &mut crate::provider::ClientMetadata| {
            client.redirect_uris = vec!["com.example.app:/cb".into(), "https://a.example/".into()];
        };
        for (client, uri, identifies) in [
            (public(register), "com.example.app:/cb", false),
            (public(register), "https://a.example/", true),
            (confidential(register), "com.example.app:/cb", true),
        ] {
            let proven = prove_redirect_uri(uri, &client).unwrap();
            assert_eq!(proven.identifies_the_client(), identifies, "{uri}");
        }
    }

    #[test]
    fn it_must_be_there_and_once() {
        let client = public(|_| {});
        let missing = check_redirect_uri(&form(&[]), &client).unwrap_err();
        assert_eq!(missing, ProviderError::MissingParameter("redirect_uri"));
        let uri = ("redirect_uri", "https://client.example/cb");
        let twice = check_redirect_uri(&form(&[uri, uri]), &client).unwrap_err();
        assert_eq!(twice, ProviderError::RepeatedParameter("redirect_uri"));
    }

    #[test]
    fn a_native_app_listens_on_any_loopback_port() {
        let uris = ["http://127.0.0.1:3001/cb", "http://[::1]/cb?a=b", "http://localhost:3001/cb"];
        let register = |client: &mut crate::provider::ClientMetadata| {
            client.redirect_uris = uris.map(str::to_owned).into();
        };
        let client = public(register);
        for good in ["http://127.0.0.1:3001/cb", "http://127.0.0.1:51004/cb", "http://127.0.0.1/cb"]
        {
            assert_eq!(check(&client, good), Ok(()), "{good}");
        }
        assert_eq!(check(&client, "http://[::1]:51004/cb?a=b"), Ok(()));
        for attack in [
            "http://localhost:51004/cb",
            "http://127.0.0.2:3001/cb",
            "https://127.0.0.1:3001/cb",
            "http://127.0.0.1:51004/cb/x",
            "http://127.0.0.1:51004/cb?a=b",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1:80.evil.example/cb",
            "http://[::1]:51004/cb",
        ] {
            assert!(check(&client, attack).is_err(), "{attack}");
        }
        // Any program could be on the other port; the one that was registered is somebody's.
        let identifies = |uri| prove_redirect_uri(uri, &client).unwrap().identifies_the_client();
        assert!(identifies("http://127.0.0.1:3001/cb") && identifies("http://localhost:3001/cb"));
        assert!(!identifies("http://127.0.0.1:51004/cb") && !identifies("http://[::1]/cb?a=b"));
        // A confidential client runs on a server, which knows its port.
        assert!(check(&confidential(register), "http://127.0.0.1:51004/cb").is_err());
    }
}
