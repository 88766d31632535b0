//! What a browser brings back from a provider (RFC 6749, section 4.1.2; RFC 9207).

use serde::{Deserialize, Serialize};

use super::{limits, state};
use crate::http::{Form, FormError};

/// The longest word for an error that is noted, in bytes.
const ERROR: usize = 64;
/// The longest of what Apple says of a user at the first login, in bytes.
const USER: usize = 1024;

/// The answer of a provider, of which nothing is proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::account::social) struct Callback {
    /// The code, or the reason why there is none.
    pub(in crate::account::social) outcome: Result<String, String>,
    pub(in crate::account::social) state: String,
    pub(in crate::account::social) iss: Option<String>,
    /// What Apple says of a user, once.
    pub(in crate::account::social) user: Option<String>,
}

impl Callback {
    /// Reads the fields of an answer.
    ///
    /// # Errors
    /// [`FormError`] for a field that comes twice, or one that must be there and is not, or is
    /// longer than it ever needs to be.
    pub(in crate::account::social) fn read(form: &Form) -> Result<Self, FormError> {
        let state = form.require("state")?.to_owned();
        let iss = form.get("iss")?.map(str::to_owned);
        let outcome = match form.get("error")? {
            Some(error) => Err(word(error)),
            None => Ok(form.require("code")?.to_owned()),
        };
        let too_long = state.len() > state::LONGEST
            || iss.as_ref().is_some_and(|iss| iss.len() > limits::URL)
            || outcome.as_ref().is_ok_and(|code| code.len() > limits::CODE);
        if too_long {
            return Err(FormError::Syntax);
        }
        let user = form.get("user")?.filter(|user| user.len() <= USER).map(str::to_owned);
        Ok(Self { outcome, state, iss, user })
    }
}

/// An error code as it may stand in a log.
fn word(error: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
    error.chars().take(ERROR).filter(plain).collect()
}

/// The name in what Apple says of a user at the first login. Nobody vouches for it.
pub(in crate::account::social) fn name_of_apple_user(json: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct User {
        name: Name,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Name {
        first_name: Option<String>,
        last_name: Option<String>,
    }

    let Name { first_name, last_name } = serde_json::from_str::<User>(json).ok()?.name;
    let parts: Vec<String> = [first_name, last_name].into_iter().flatten().collect();
    super::profile::person(&parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Callback, FormError> {
        Callback::read(&Form::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn an_answer_has_a_state_and_either_a_code_or_an_error() {
        let good = read("code=c&state=s&iss=https%3A%2F%2Fop.example").unwrap();
        assert_eq!(good.outcome.as_deref(), Ok("c"));
        assert_eq!((good.state.as_str(), good.iss.as_deref()), ("s", Some("https://op.example")));
        // Whoever sends both has refused.
        let refused = read("error=access_denied%0d%0a&code=c&state=s").unwrap();
        assert_eq!(refused.outcome.unwrap_err(), "access_denied");
        let (code, state) = ("c".repeat(limits::CODE + 1), "s".repeat(state::LONGEST + 1));
        for bad in [
            "code=c",
            "state=s",
            "",
            "code=c&state=s&state=s",
            "code=c&code=d&state=s",
            "code=c&state=s&iss=a&iss=b",
            &format!("code={code}&state=s"),
            &format!("code=c&state={state}"),
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn apple_tells_a_name_once_in_a_form_of_its_own() {
        let name = |json| name_of_apple_user(json);
        assert_eq!(
            name(r#"{"name":{"firstName":"Zoë","lastName":"O'Hara"},"email":"x@y"}"#).unwrap(),
            "Zoë O'Hara"
        );
        assert_eq!(name(r#"{"name":{"firstName":"Zoë\u0000\n"}}"#).unwrap(), "Zoë");
        for bad in ["", "{}", "[]", r#"{"name":"x"}"#, r#"{"name":{}}"#] {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
