use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use url::form_urlencoded;

use crate::http::Form;
use crate::jose::{RegisteredClaims, UnverifiedJws};
use crate::provider::{AuthMethod, ProviderError};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request says about its client; nothing of it is proven.
#[derive(PartialEq, Eq)]
pub(super) enum Presented<'r> {
    Nothing { client_id: &'r str },
    Basic { client_id: String, secret: String },
    Post { client_id: &'r str, secret: &'r str },
    Assertion { client_id: String, jwt: &'r str },
}

impl Presented<'_> {
    pub(super) fn client_id(&self) -> &str {
        match self {
            Self::Nothing { client_id } | Self::Post { client_id, .. } => client_id,
            Self::Basic { client_id, .. } | Self::Assertion { client_id, .. } => client_id,
        }
    }

    pub(super) fn method(&self) -> AuthMethod {
        match self {
            Self::Nothing { .. } => AuthMethod::None,
            Self::Basic { .. } => AuthMethod::ClientSecretBasic,
            Self::Post { .. } => AuthMethod::ClientSecretPost,
            Self::Assertion { .. } => AuthMethod::PrivateKeyJwt,
        }
    }
}

/// Reads what is presented: one way to authenticate, or none and a `client_id`.
pub(super) fn read_presented<'r>(
    headers: &HeaderMap,
    form: &'r Form,
) -> Result<Presented<'r>, ProviderError> {
    let client_id = form.get("client_id")?;
    let secret = form.get("client_secret")?;
    let assertion = (form.get("client_assertion_type")?, form.get("client_assertion")?);
    let presented = match (read_basic(headers)?, secret, assertion) {
        (Some((client_id, secret)), None, (None, None)) => Presented::Basic { client_id, secret },
        (None, Some(secret), (None, None)) => {
            let client_id = client_id.ok_or(ProviderError::MissingClientAuthentication)?;
            Presented::Post { client_id, secret }
        }
        (None, None, (Some(JWT_BEARER), Some(jwt))) => {
            Presented::Assertion { client_id: claimed_subject(jwt)?, jwt }
        }
        (None, None, (None, None)) => {
            let client_id = client_id.ok_or(ProviderError::MissingClientAuthentication)?;
            Presented::Nothing { client_id }
        }
        (None, None, _) => return Err(ProviderError::MalformedClientAuthentication),
        _ => return Err(ProviderError::MixedClientAuthentication),
    };
    // A client_id beside another proof must be the same: who says two things is believed neither.
    match client_id {
        Some(said) if said != presented.client_id() => {
            Err(ProviderError::MixedClientAuthentication)
        }
        _ => Ok(presented),
    }
}

/// RFC 6749, section 2.3.1: id and secret are form-encoded each, before they are joined.
fn read_basic(headers: &HeaderMap) -> Result<Option<(String, String)>, ProviderError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.as_bytes(),
        _ => return Err(ProviderError::MixedClientAuthentication),
    };
    let credentials = value
        .split_at_checked(6)
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"Basic "))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim_ascii()).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .ok_or(ProviderError::MalformedClientAuthentication)?;
    let (client_id, secret) =
        credentials.split_once(':').ok_or(ProviderError::MalformedClientAuthentication)?;
    Ok(Some((form_decode(client_id), form_decode(secret))))
}

fn form_decode(text: &str) -> String {
    // The parser would split at these; here they can only be data that was not encoded.
    let text = text.replace('&', "%26").replace('=', "%3D");
    let decoded = form_urlencoded::parse(text.as_bytes()).next();
    decoded.map(|(key, _)| Cow::into_owned(key)).unwrap_or_default()
}

/// Whose keys an assertion is to be verified with: its `sub`, which nobody vouches for yet.
fn claimed_subject(jwt: &str) -> Result<String, ProviderError> {
    let claims = UnverifiedJws::parse(jwt)
        .and_then(|jws| jws.danger_unverified_claims::<RegisteredClaims>())
        .map_err(|_| ProviderError::InvalidClientAssertion)?;
    claims.sub.ok_or(ProviderError::InvalidClientAssertion)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(text));
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    fn read(headers: &HeaderMap, form: &[(&str, &str)]) -> Result<String, ProviderError> {
        let form = Form::parse(serde_urlencoded::to_string(form).unwrap().as_bytes()).unwrap();
        let presented = read_presented(headers, &form)?;
        let secret = match &presented {
            Presented::Basic { secret, .. } => secret.as_str(),
            Presented::Post { secret, .. } => secret,
            Presented::Assertion { jwt, .. } => jwt,
            Presented::Nothing { .. } => "",
        };
        Ok(format!("{} {} {secret}", presented.method(), presented.client_id()))
    }

    #[test]
    fn each_way_alone_is_read() {
        let none = HeaderMap::new();
        assert_eq!(read(&none, &[("client_id", "c")]).unwrap(), "none c ");
        let post = [("client_id", "c"), ("client_secret", "s")];
        assert_eq!(read(&none, &post).unwrap(), "client_secret_post c s");
        assert_eq!(read(&basic("c:s"), &[]).unwrap(), "client_secret_basic c s");
        let same = read(&basic("c:s"), &[("client_id", "c")]);
        assert_eq!(same.unwrap(), "client_secret_basic c s");
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        for (text, expected) in [
            ("a%3Ab:c+d%2B", "client_secret_basic a:b c d+"),
            ("c:s:t", "client_secret_basic c s:t"),
            ("c:s=&t", "client_secret_basic c s=&t"),
            ("c:", "client_secret_basic c "),
        ] {
            assert_eq!(read(&basic(text), &[]).unwrap(), expected);
        }
        for scheme in ["basic Yzpz", "BASIC  Yzpz"] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, scheme.parse().unwrap())]);
            assert_eq!(read(&headers, &[]).unwrap(), "client_secret_basic c s", "{scheme}");
        }
    }

    #[test]
    fn more_than_one_way_is_refused() {
        let mixed = Err(ProviderError::MixedClientAuthentication);
        let secret = ("client_secret", "s");
        let assertion = [("client_assertion_type", JWT_BEARER), ("client_assertion", "x.y.z")];
        assert_eq!(read(&basic("c:s"), &[secret]), mixed);
        assert_eq!(read(&basic("c:s"), &assertion), mixed);
        assert_eq!(read(&HeaderMap::new(), &[secret, assertion[0], assertion[1]]), mixed);
        assert_eq!(read(&basic("c:s"), &[("client_id", "d")]), mixed);
        let mut twice = basic("c:s");
        twice.append(AUTHORIZATION, "Basic Yzpz".parse().unwrap());
        assert_eq!(read(&twice, &[]), mixed);
    }

    #[test]
    fn nothing_and_nonsense_are_refused() {
        let missing = Err(ProviderError::MissingClientAuthentication);
        let malformed = Err(ProviderError::MalformedClientAuthentication);
        let none = HeaderMap::new();
        assert_eq!(read(&none, &[]), missing);
        assert_eq!(read(&none, &[("client_secret", "s")]), missing);
        assert_eq!(read(&none, &[("client_assertion", "x"), ("client_id", "c")]), malformed);
        let other_type = [("client_assertion_type", "saml"), ("client_assertion", "x")];
        assert_eq!(read(&none, &other_type), malformed);
        for header in ["Bearer x", "Basic", "Basic !", "Basic Yw==", "Basic /w=="] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
            assert_eq!(read(&headers, &[]), malformed, "{header}");
        }
        let nonsense = [("client_assertion_type", JWT_BEARER), ("client_assertion", "x.y.z")];
        assert_eq!(read(&none, &nonsense), Err(ProviderError::InvalidClientAssertion));
    }
}
