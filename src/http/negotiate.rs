use http::HeaderMap;
use http::header::ACCEPT;

/// Whether the caller is a browser navigating: its `Accept` header names `text/html`
/// (RFC 9110, section 12.5.1) with a quality above zero. `*/*` alone, or no header, is a program.
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let html = parts.next().is_some_and(|media| media.eq_ignore_ascii_case("text/html"));
            html && !parts.any(|parameter| {
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
        for (accept, expected) in [
            ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", true),
            ("application/json, Text/HTML;q=0.1", true),
            ("text/html;q=0", false),
            ("text/html; q=0.000", false),
            ("*/*", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(wants_html(&headers), expected, "{accept}");
        }
        assert!(!wants_html(&HeaderMap::new()));
    }
}
