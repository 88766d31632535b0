use http::HeaderMap;
use http::header::{ACCEPT, HeaderValue};

use super::headers;
use crate::fuzzing::{Input, Outcome};
use crate::http::wants_html;

/// Who wants HTML says so in some `Accept` header; the order and the case of what is said do not
/// matter; saying it once more, plainly, always helps.
///
/// Each line is an `Accept` header.
pub fn accept(data: &[u8]) -> Outcome {
    let given = headers(&ACCEPT, Input::new(data));
    let html = wants_html(&given);
    let named = data.to_ascii_lowercase().windows(9).any(|part| part == b"text/html");
    assert!(named || !html);

    let changed = |change: &dyn Fn(&[u8]) -> Vec<u8>| -> HeaderMap {
        let values = given.get_all(ACCEPT).iter().rev();
        let values = values.filter_map(|v| HeaderValue::from_bytes(&change(v.as_bytes())).ok());
        values.map(|value| (ACCEPT, value)).collect()
    };
    assert_eq!(html, wants_html(&changed(&|value| value.to_ascii_uppercase())));
    assert_eq!(html, wants_html(&changed(&|value| [b"*/*, ", value].concat())));
    let backwards = |value: &[u8]| {
        let mut ranges: Vec<&[u8]> = value.split(|byte| *byte == b',').collect();
        ranges.reverse();
        ranges.join(&b","[..])
    };
    assert_eq!(html, wants_html(&changed(&backwards)));

    let mut more = given.clone();
    more.append(ACCEPT, HeaderValue::from_static("application/json;q=0.1, text/html;level=1"));
    assert!(wants_html(&more));
    Outcome::accepted(html)
}
