use crate::account::token::{ApiToken, NotAnApiToken, TokenPrefix};
use crate::fuzzing::{Input, Outcome};

/// A token is read letter for letter, under its own prefix alone, and is what a scanner looks for;
/// with any one letter changed it is not read at all.
///
/// The first line is the prefix.
pub fn api_token(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let prefix = str::from_utf8(input.line()).ok().and_then(|text| text.parse().ok());
    let (Some(prefix), Ok(text)) = (prefix, str::from_utf8(input.rest())) else {
        return Outcome::Refused;
    };
    let prefix: TokenPrefix = prefix;
    let parsed = ApiToken::parse(&prefix, text);
    let foreign = !text.starts_with(&format!("{prefix}_"));
    assert_eq!(parsed.as_ref().is_err_and(|error| *error == NotAnApiToken::Foreign), foreign);
    let Ok(token) = parsed else { return Outcome::Refused };

    assert_eq!(token.expose(), text);
    let random = text.rsplit('_').next().unwrap_or_default();
    assert!(random.len() == 49 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    for at in 0..text.len() {
        let mut changed = text.to_owned();
        let other = if text[at..].starts_with('a') { "b" } else { "a" };
        changed.replace_range(at..=at, other);
        assert!(ApiToken::parse(&prefix, &changed).is_err(), "{changed}");
    }
    Outcome::Accepted
}
