use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::{constant_time_eq, sha256};
use crate::http::Form;
use crate::provider::ProviderError;

/// Whoever redeems the code is whoever asked for it.
#[derive(Debug)]
pub struct VerifiedPkce(());

/// RFC 7636, section 4.6: the verifier is what the challenge was made of. A code that was asked for
/// without a challenge takes no verifier (RFC 9700, section 4.8.2): that somebody has one means that
/// the challenge was stripped from the request on its way.
pub(in crate::provider) fn check_code_verifier(
    form: &Form,
    challenge: Option<&str>,
) -> Result<VerifiedPkce, ProviderError> {
    let verified = match (challenge, form.get("code_verifier")?) {
        (None, None) => true,
        (None, Some(_)) => return Err(ProviderError::UnexpectedCodeVerifier),
        (Some(_), None) => return Err(ProviderError::MissingCodeVerifier),
        (Some(challenge), Some(verifier)) => is_verifier(verifier) && matches(challenge, verifier),
    };
    if verified { Ok(VerifiedPkce(())) } else { Err(ProviderError::WrongCodeVerifier) }
}

/// RFC 7636, section 4.1.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

fn matches(challenge: &str, verifier: &str) -> bool {
    let expected = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
    constant_time_eq(challenge.as_bytes(), expected.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    // RFC 7636, appendix B.
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn check(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), ProviderError> {
        let fields: Vec<_> =
            verifier.map(|verifier| ("code_verifier", verifier)).into_iter().collect();
        check_code_verifier(&form(&fields), challenge).map(drop)
    }

    #[test]
    fn the_verifier_is_what_the_challenge_was_made_of() {
        assert_eq!(check(Some(CHALLENGE), Some(VERIFIER)), Ok(()));
        assert_eq!(check(None, None), Ok(()));
        let short = &VERIFIER[1..];
        for wrong in
            [short, CHALLENGE, &format!("{short}l"), &"a".repeat(129), &format!("{short}é")]
        {
            let refused = check(Some(CHALLENGE), Some(wrong));
            assert_eq!(refused, Err(ProviderError::WrongCodeVerifier), "{wrong}");
        }
    }

    #[test]
    fn neither_side_can_leave_it_out() {
        assert_eq!(check(Some(CHALLENGE), None), Err(ProviderError::MissingCodeVerifier));
        assert_eq!(check(None, Some(VERIFIER)), Err(ProviderError::UnexpectedCodeVerifier));
    }

    #[test]
    fn the_challenge_is_not_compared_with_itself() {
        // `plain` by the back door: a verifier equal to the challenge.
        assert_eq!(check(Some(CHALLENGE), Some(CHALLENGE)), Err(ProviderError::WrongCodeVerifier));
    }
}
