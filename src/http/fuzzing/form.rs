use crate::fuzzing::Outcome;
use crate::http::{Form, FormError, limits};

const NAMES: [&str; 4] = ["a", "client_id", "state", "resource"];

/// A form is read as a reader written from the specification alone reads it; written again, it is
/// the same form; a field is there once, or is not read at all.
pub fn form(data: &[u8]) -> Outcome {
    let expected = read(data);
    let form = match Form::parse(data) {
        Ok(form) => form,
        Err(error) => {
            let segments = data.split(|b| *b == b'&').count();
            assert_eq!(error == FormError::TooManyFields, segments > limits::FORM_FIELDS);
            assert!(expected.is_none() || segments > limits::FORM_FIELDS, "{error}");
            return Outcome::Refused;
        }
    };
    let pairs: Vec<(String, String)> = owned(&form);
    assert_eq!(Some(&pairs), expected.as_ref());
    assert!(pairs.len() <= limits::FORM_FIELDS);

    let written = serde_urlencoded::to_string(&pairs).unwrap_or_default();
    assert_eq!(Form::parse(written.as_bytes()).map(|again| owned(&again)), Ok(pairs.clone()));

    for name in NAMES {
        let values: Vec<&str> =
            pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        let value = match values[..] {
            [] | [""] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(FormError::Repeated(name)),
        };
        assert_eq!(form.get(name), value);
        assert_eq!(form.require(name), value.and_then(|v| v.ok_or(FormError::Missing(name))));
        assert_eq!(form.all(name).collect::<Vec<_>>(), values);
    }
    Outcome::Accepted
}

fn owned(form: &Form) -> Vec<(String, String)> {
    form.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// WHATWG URL, section 5.1, but that what is no UTF-8 is nothing at all.
fn read(data: &[u8]) -> Option<Vec<(String, String)>> {
    let segments = data.split(|b| *b == b'&').filter(|segment| !segment.is_empty());
    let pair = |segment: &[u8]| {
        let end = segment.iter().position(|b| *b == b'=').unwrap_or(segment.len());
        Some((decode(&segment[..end])?, decode(segment.get(end + 1..).unwrap_or_default())?))
    };
    segments.map(pair).collect()
}

fn decode(mut text: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    while let [first, rest @ ..] = text {
        text = rest;
        match (first, rest) {
            (b'%', [high, low, rest @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    bytes.push(u8::try_from(high * 16 + low).ok()?);
                    text = rest;
                }
                _ => bytes.push(b'%'),
            },
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\u{FFFD}'))
}
