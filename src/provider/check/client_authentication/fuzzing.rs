//! The fuzz target of client authentication.

#![expect(clippy::panic, reason = "a target panics where something does not hold")]

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use url::form_urlencoded::byte_serialize;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::presented::{Presented, read_presented};
use crate::fuzzing::{Input, Outcome};
use crate::http::{Form, bearer};
use crate::provider::AuthMethod;

/// A request presents one client in one way, or is refused; what is presented stands in the
/// request; what is presented by the `Authorization` header is no bearer token; whatever id and
/// secret a client has, it can present them.
///
/// The first line is the form, each other an `Authorization` header.
pub fn client_authentication(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let Ok(form) = Form::parse(input.line()) else { return Outcome::Refused };
    let values = input.lines().filter_map(|line| HeaderValue::from_bytes(line).ok());
    let headers: HeaderMap =
        values.filter(|v| !v.is_empty()).map(|value| (AUTHORIZATION, value)).collect();
    can_be_presented(&form);

    let Ok(presented) = read_presented(&headers, &form) else { return Outcome::Refused };
    let field = |name| form.get(name).ok().flatten();
    assert!(field("client_id").is_none_or(|id| id == presented.client_id()));
    let ways = [
        headers.contains_key(AUTHORIZATION),
        field("client_secret").is_some(),
        field("client_assertion").is_some() || field("client_assertion_type").is_some(),
    ];
    let way = match &presented {
        Presented::Nothing { client_id } => {
            assert!(!client_id.is_empty());
            None
        }
        Presented::Basic { .. } => Some(0),
        Presented::Post { secret, .. } => {
            assert_eq!(field("client_secret"), Some(*secret));
            Some(1)
        }
        Presented::Assertion { jwt, .. } => {
            assert_eq!(field("client_assertion"), Some(*jwt));
            Some(2)
        }
    };
    for (index, used) in ways.into_iter().enumerate() {
        assert_eq!(used, way == Some(index));
    }
    if presented.method() == AuthMethod::ClientSecretBasic {
        assert_eq!(bearer::token(&headers), Ok(None));
    }
    Outcome::Accepted
}

/// RFC 6749, section 2.3.1, as a client does it.
fn can_be_presented(form: &Form) {
    let Some((id, secret)) = form.iter().next() else { return };
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encode(id), encode(secret));
    let header = format!("basic {}", STANDARD.encode(credentials));
    let Ok(header) = HeaderValue::try_from(header) else { panic!("base64 is no header value") };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, header)]);
    let nothing = Form::default();
    let presented = read_presented(&headers, &nothing);
    let expected = Presented::Basic { client_id: id.to_owned(), secret: secret.to_owned() };
    assert!(presented.is_ok_and(|presented| presented == expected), "{id:?} and {secret:?}");
}
