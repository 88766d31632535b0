use crate::http::Form;
use crate::provider::ProviderError;

/// OpenID Connect Core, section 3.1.2.1: the oldest login that will do, in whole seconds.
pub(in crate::provider) fn check_max_age(form: &Form) -> Result<Option<u32>, ProviderError> {
    let Some(text) = form.get("max_age")? else { return Ok(None) };
    let malformed = ProviderError::MalformedParameter("max_age");
    // `parse` would also take a plus sign.
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(malformed);
    }
    text.parse().map(Some).map_err(|_| malformed)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    #[test]
    fn seconds_are_digits() {
        let check = |text| check_max_age(&form(&[("max_age", text)]));
        assert_eq!(check_max_age(&form(&[])), Ok(None));
        assert_eq!(check("0"), Ok(Some(0)));
        assert_eq!(check("15000"), Ok(Some(15_000)));
        for bad in ["-1", "+1", " 1", "1.5", "1e3", "99999999999", "١"] {
            assert_eq!(check(bad), Err(ProviderError::MalformedParameter("max_age")), "{bad}");
        }
    }
}
