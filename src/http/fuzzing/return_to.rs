use http::HeaderValue;
use url::Url;

use crate::fuzzing::Outcome;
use crate::http::{ReturnTo, limits};

/// Pages that a browser may be sent away from.
const PAGES: [&str; 4] = [
    "https://app.example/",
    "https://app.example/login?return_to=/x",
    "http://127.0.0.1:3000/a/b/",
    "https://[2001:db8::1]:8443/a?b#c",
];

/// Where a browser is sent back to is a header's value and on the site, seen from any of its pages;
/// what it resolves to there may be returned to as well.
pub fn return_to(data: &[u8]) -> Outcome {
    let Some(return_to) = str::from_utf8(data).ok().and_then(ReturnTo::parse) else {
        return Outcome::Refused;
    };
    let text = return_to.as_str();
    assert_eq!(text.as_bytes(), data);
    assert!(text.len() <= limits::RETURN_TO);
    assert!(HeaderValue::from_str(text).is_ok());
    for page in PAGES {
        let (Ok(page), Ok(there)) = (Url::parse(page), Url::parse(page).and_then(|p| p.join(text)))
        else {
            panic!("{text:?} leads nowhere from {page}");
        };
        assert_eq!(there.origin(), page.origin(), "{text:?} leads to {there}");
        assert_eq!((there.username(), there.password()), ("", None));
        let local = &there[url::Position::BeforePath..];
        let again = ReturnTo::parse(local).is_some() || local.len() > limits::RETURN_TO;
        assert!(again, "{text:?} resolves to {local:?}");
    }
    Outcome::Accepted
}
