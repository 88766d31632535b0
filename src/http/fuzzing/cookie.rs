use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::headers;
use crate::fuzzing::{Input, Outcome};
use crate::http::{CookieJar, CookiePolicy};

const NAMES: [&str; 3] = ["session", "__Host-session", "a"];

/// A cookie that is read was presented, and no other of its name; whatever else is presented, ours
/// is read. A cookie that is set has our attributes, no other, and is read back as it was set.
///
/// Each line is a `Cookie` header; the first also a value to set.
pub fn cookie(data: &[u8]) -> Outcome {
    let headers = headers(&COOKIE, Input::new(data));
    let found = NAMES.map(|name| reads_what_was_presented(&headers, name));
    let jar = CookieJar::of(&headers);
    for (name, value) in jar.iter() {
        let presented = presented(&headers);
        assert!(presented.contains(&(name.as_bytes(), value.as_bytes())), "{name}={value}");
    }
    if let Ok(value) = str::from_utf8(Input::new(data).line()) {
        for base in ["https://app.example", "http://127.0.0.1:3000"] {
            sets_what_is_read(base, value);
        }
    }
    Outcome::accepted(found.contains(&true))
}

/// Every pair that is presented.
fn presented(headers: &HeaderMap) -> Vec<(&[u8], &[u8])> {
    let values = || headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = values().flat_map(|value| value.split(|byte| *byte == b';'));
    pairs
        .filter_map(|pair| {
            let pair = pair.trim_ascii();
            let at = pair.iter().position(|byte| *byte == b'=')?;
            Some((&pair[..at], &pair[at + 1..]))
        })
        .collect()
}

fn reads_what_was_presented(headers: &HeaderMap, name: &str) -> bool {
    let pairs = presented(headers);
    let mut named = pairs.iter().filter(|(key, _)| *key == name.as_bytes());
    let expected = match (named.next(), named.next()) {
        (Some((_, value)), None) => str::from_utf8(value).ok(),
        _ => None,
    };
    let found = CookieJar::of(headers).get(name);
    assert_eq!(found, expected, "{name}");
    found.is_some()
}

fn sets_what_is_read(base: &str, value: &str) {
    let Ok(policy) = CookiePolicy::for_base_url(base) else { return };
    let name = policy.name("session");
    let set = policy.set("session", value, None);
    let mut parts = set.to_str().unwrap_or_default().split("; ");
    let pair = parts.next().unwrap_or_default();
    if pair.is_empty() {
        return;
    }
    assert_eq!(pair, format!("{name}={value}"));
    let attributes: Vec<&str> = parts.collect();
    let secure = base.starts_with("https");
    let expected: &[&str] = if secure {
        &["HttpOnly", "SameSite=Lax", "Secure", "Path=/"]
    } else {
        &["HttpOnly", "SameSite=Lax", "Path=/"]
    };
    assert_eq!(attributes, expected);
    let Ok(sent) = HeaderValue::try_from(format!("theme=dark; {pair}; lang=en")) else {
        panic!("a cookie that was set cannot be sent: {pair:?}");
    };
    let headers = HeaderMap::from_iter([(COOKIE, sent)]);
    assert_eq!(CookieJar::of(&headers).get(&name), Some(value));
}
