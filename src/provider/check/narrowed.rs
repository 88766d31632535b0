use super::check_resource;
use crate::http::Form;
use crate::provider::ProviderError;

/// RFC 6749, section 6: a refresh may ask for less than was granted, never for more. Left out or
/// empty, the scope is as before; one of spaces alone is no scope (section 3.3).
pub(in crate::provider) fn check_narrowed_scope(
    form: &Form,
    granted: &[String],
) -> Result<Vec<String>, ProviderError> {
    let Some(asked) = form.get("scope")? else { return Ok(granted.to_vec()) };
    let asked: Vec<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
    if asked.is_empty() {
        return Err(ProviderError::MalformedScope);
    }
    if asked.iter().any(|scope| !granted.iter().any(|granted| granted == scope)) {
        return Err(ProviderError::ScopeNotGranted);
    }
    Ok(granted.iter().filter(|scope| asked.contains(&scope.as_str())).cloned().collect())
}

/// RFC 8707, section 2.2: a token request may name some of the resources that were granted.
pub(in crate::provider) fn check_narrowed_resource(
    form: &Form,
    granted: &[String],
) -> Result<Vec<String>, ProviderError> {
    let asked = check_resource(form)?;
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    if asked.iter().all(|resource| granted.contains(resource)) {
        Ok(asked)
    } else {
        Err(ProviderError::ResourceNotGranted)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    fn granted(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn less_may_be_asked_for_and_never_more() {
        let all = granted(&["openid", "read", "write"]);
        let scope = |scope| check_narrowed_scope(&form(&[("scope", scope)]), &all);
        assert_eq!(check_narrowed_scope(&form(&[]), &all).unwrap(), all);
        assert_eq!(scope("write openid write").unwrap(), ["openid", "write"]);
        assert_eq!(scope("").unwrap(), all);
        for none in [" ", "   "] {
            assert_eq!(scope(none), Err(ProviderError::MalformedScope));
        }
        for more in ["admin", "read admin", "READ", "read,write"] {
            assert_eq!(scope(more), Err(ProviderError::ScopeNotGranted), "{more}");
        }

        let all = granted(&["https://a.example", "https://b.example"]);
        let resource = |uri| check_narrowed_resource(&form(&[("resource", uri)]), &all);
        assert_eq!(check_narrowed_resource(&form(&[]), &all).unwrap(), all);
        assert_eq!(resource("https://b.example").unwrap(), ["https://b.example"]);
        assert_eq!(resource("https://c.example"), Err(ProviderError::ResourceNotGranted));
        assert_eq!(resource("c"), Err(ProviderError::InvalidResource));
    }
}
