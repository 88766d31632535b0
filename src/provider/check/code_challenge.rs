use crate::http::Form;
use crate::provider::{Client, ProviderError};

/// The length of a base64url SHA-256 (RFC 7636, section 4.2).
const S256: usize = 43;

/// RFC 7636, section 4.3, with RFC 9700, section 2.1.1: an S256 challenge, or none from a client
/// that may do without: a confidential one, registered so, whose request asks for `openid` and
/// carries a `nonce`, which protects it the same way. A challenge that is there always counts.
pub(in crate::provider) fn check_code_challenge(
    form: &Form,
    client: &Client,
    scopes: &[String],
    nonce: Option<&str>,
) -> Result<Option<String>, ProviderError> {
    let method = form.get("code_challenge_method")?;
    let Some(challenge) = form.get("code_challenge")? else {
        let excused = !client.requires_pkce() && !client.is_public();
        let openid = scopes.iter().any(|scope| scope == "openid");
        return match (excused, method, nonce) {
            (true, None, Some(_)) if openid => Ok(None),
            (true, None, _) => Err(ProviderError::MissingNonce),
            _ => Err(ProviderError::MissingCodeChallenge),
        };
    };
    // Without a method the challenge would be the verifier itself (`plain`).
    if method != Some("S256") {
        return Err(ProviderError::UnsupportedCodeChallengeMethod);
    }
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if challenge.len() != S256 || !challenge.bytes().all(base64url) {
        return Err(ProviderError::MalformedParameter("code_challenge"));
    }
    Ok(Some(challenge.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{confidential, form, public};
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn check(
        client: &Client,
        fields: &[(&str, &str)],
        nonce: Option<&str>,
    ) -> Result<Option<String>, ProviderError> {
        check_code_challenge(&form(fields), client, &["openid".to_owned()], nonce)
    }

    #[test]
    fn a_challenge_is_s256_and_well_formed() {
        let client = public(|_| {});
        let good = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        assert_eq!(check(&client, &good, None).unwrap().as_deref(), Some(CHALLENGE));
        for method in [None, Some("plain"), Some("s256"), Some("S512")] {
            let mut fields = vec![("code_challenge", CHALLENGE)];
            fields.extend(method.map(|method| ("code_challenge_method", method)));
            let refused = check(&client, &fields, Some("n"));
            assert_eq!(refused, Err(ProviderError::UnsupportedCodeChallengeMethod), "{method:?}");
        }
        for bad in [&CHALLENGE[1..], &format!("{CHALLENGE}a"), &format!("{}~", &CHALLENGE[1..])] {
            let fields = [("code_challenge", bad), ("code_challenge_method", "S256")];
            let refused = check(&client, &fields, None);
            assert_eq!(refused, Err(ProviderError::MalformedParameter("code_challenge")), "{bad}");
        }
    }

    #[test]
    fn only_a_confidential_openid_client_with_a_nonce_does_without() {
        let excused = confidential(|client| client.require_pkce = Some(false));
        assert_eq!(check(&excused, &[], Some("n")), Ok(None));
        assert_eq!(check(&excused, &[], None), Err(ProviderError::MissingNonce));
        let plain_oauth = check_code_challenge(&form(&[]), &excused, &["email".into()], Some("n"));
        assert_eq!(plain_oauth, Err(ProviderError::MissingNonce));

        let missing = Err(ProviderError::MissingCodeChallenge);
        assert_eq!(check(&public(|_| {}), &[], Some("n")), missing);
        assert_eq!(check(&confidential(|_| {}), &[], Some("n")), missing);
        assert_eq!(check(&excused, &[("code_challenge_method", "S256")], Some("n")), missing);
    }
}
