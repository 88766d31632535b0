use crate::account::social::protocol::callback::{Callback, name_of_apple_user};
use crate::account::social::protocol::limits;
use crate::fuzzing::{Input, Outcome};
use crate::http::Form;

/// An answer that is read has one state, within bounds, and a code or a word for why there is none;
/// a name that Apple tells is one line.
///
/// The first line is the query, the rest is what Apple says of a user.
pub fn social_answer(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let query = input.line();
    let name = str::from_utf8(input.rest()).ok().and_then(name_of_apple_user);
    if let Some(name) = &name {
        assert!(!name.is_empty() && name.chars().count() <= limits::NAME);
        assert!(!name.contains(char::is_control));
    }
    let answer = Form::parse(query).ok().and_then(|form| {
        let answer = Callback::read(&form).ok()?;
        assert_eq!(form.all("state").collect::<Vec<_>>(), [answer.state.as_str()]);
        Some(answer)
    });
    let Some(answer) = answer else { return Outcome::accepted(name.is_some()) };
    match &answer.outcome {
        Ok(code) => assert!(!code.is_empty() && code.len() <= limits::CODE),
        Err(word) => {
            assert!(word.len() <= 64);
            assert!(word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        }
    }
    Outcome::Accepted
}
