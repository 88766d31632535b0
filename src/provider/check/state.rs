use super::limits;
use crate::http::Form;
use crate::provider::ProviderError;

/// RFC 6749, section 4.1.1: an opaque text that the answer repeats exactly. It is not held to
/// the specification's ASCII, which clients do not keep to either; control characters are
/// refused.
pub(in crate::provider) fn check_state(form: &Form) -> Result<(), ProviderError> {
    match form.get("state")? {
        Some(state) if state.len() > limits::STATE => Err(ProviderError::ParameterTooLong("state")),
        Some(state) if state.chars().any(char::is_control) => {
            Err(ProviderError::MalformedParameter("state"))
        }
        _ => Ok(()),
    }
}

/// The `state` that goes with any answer, an error too: one that passes [`check_state`].
pub(in crate::provider) fn read_state(form: &Form) -> Option<String> {
    check_state(form).ok().and_then(|()| form.get("state").ok().flatten()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn what_cannot_be_repeated_is_refused_and_not_repeated() {
        let long = "s".repeat(limits::STATE + 1);
        for bad in [&long, "a\r\nSet-Cookie: b", "a\u{0}", "a\u{85}"] {
            let form = form(&[("state", bad)]);
            assert!(check_state(&form).is_err(), "{bad:?}");
            assert_eq!(read_state(&form), None, "{bad:?}");
        }
        let twice = form(&[("state", "a"), ("state", "b")]);
        assert_eq!(check_state(&twice), Err(ProviderError::RepeatedParameter("state")));
        assert_eq!(read_state(&twice), None);
    }

    #[test]
    fn the_rest_is_repeated_exactly() {
        for good in ["x", "a b+c%20&=é\u{1F600}", &"s".repeat(limits::STATE)] {
            let form = form(&[("state", good)]);
            assert_eq!(check_state(&form), Ok(()));
            assert_eq!(read_state(&form).as_deref(), Some(good));
        }
    }
}
