use crate::http::Form;
use crate::provider::ProviderError;
use crate::scope::Prompt;

/// OpenID Connect Core, section 3.1.2.1: what to show; `none` alone, each value once. A value we
/// do not know is an error, since ignoring it would skip what the client relies on.
pub(in crate::provider) fn check_prompt(form: &Form) -> Result<Vec<Prompt>, ProviderError> {
    let mut prompts = Vec::new();
    for value in form.get("prompt")?.unwrap_or_default().split(' ').filter(|v| !v.is_empty()) {
        let prompt = match value {
            "none" => Prompt::None,
            "login" => Prompt::Login,
            "consent" => Prompt::Consent,
            "select_account" => Prompt::SelectAccount,
            _ => return Err(ProviderError::UnsupportedPrompt),
        };
        if prompts.contains(&prompt) {
            return Err(ProviderError::MalformedParameter("prompt"));
        }
        prompts.push(prompt);
    }
    if prompts.contains(&Prompt::None) && prompts.len() > 1 {
        return Err(ProviderError::PromptNoneNotAlone);
    }
    Ok(prompts)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::form;
    use super::*;

    fn check(prompt: &str) -> Result<Vec<Prompt>, ProviderError> {
        check_prompt(&form(&[("prompt", prompt)]))
    }

    #[test]
    fn none_stands_alone_and_each_value_once() {
        assert_eq!(check_prompt(&form(&[])), Ok(vec![]));
        assert_eq!(check("none"), Ok(vec![Prompt::None]));
        assert_eq!(check("login consent"), Ok(vec![Prompt::Login, Prompt::Consent]));
        assert_eq!(check("select_account"), Ok(vec![Prompt::SelectAccount]));
        assert_eq!(check("none login"), Err(ProviderError::PromptNoneNotAlone));
        assert_eq!(check("consent none"), Err(ProviderError::PromptNoneNotAlone));
        assert_eq!(check("login login"), Err(ProviderError::MalformedParameter("prompt")));
        for unknown in ["create", "Login", "login,consent", "none\u{0}"] {
            assert_eq!(check(unknown), Err(ProviderError::UnsupportedPrompt), "{unknown}");
        }
    }
}
