use http::HeaderMap;
use http::header::ACCEPT;

/// Whether the caller is a browser navigating: its `Accept` header names `text/html`
/// (RFC 9110, section 12.5.1) with a quality above zero. `*/*` alone, or no header, is a program.
pub fn wants_html(headers: &HeaderMap) -> bool {
    names(headers, |media| media.eq_ignore_ascii_case("text/html"))
}

/// Whether the caller is a program that says so: its `Accept` header names JSON, and not
/// `text/html`.
pub fn wants_json(headers: &HeaderMap) -> bool {
    let is_json = |media: &str| {
        let media = media.to_ascii_lowercase();
        media == "application/json"
            || (media.starts_with("application/") && media.ends_with("+json"))
    };
    names(headers, is_json) && !wants_html(headers)
}

/// Whether the `Accept` header names such a media type with a quality above zero.
fn names(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> bool {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next().is_some_and(&wanted);
            named
                && !parts.any(|parameter| {
                    parameter
                        .split_once('=')
                        .is_some_and(|(q, v)| q.eq_ignore_ascii_case("q") && v.parse() == Ok(0.0))
                })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_and_programs_are_told_apart() {
        for (accept, html, json) in [
            ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", true, false),
            ("application/json, Text/HTML;q=0.1", true, false),
            ("text/html;q=0", false, false),
            ("text/html; q=0.000", false, false),
            ("text/html;q=0, application/json", false, true),
            ("*/*", false, false),
            ("Application/JSON", false, true),
            ("text/plain, application/problem+json;q=0.5", false, true),
            ("application/json;q=0", false, false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!((wants_html(&headers), wants_json(&headers)), (html, json), "{accept}");
        }
        assert!(!wants_html(&HeaderMap::new()) && !wants_json(&HeaderMap::new()));
    }
}
