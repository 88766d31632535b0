use http::Response;
use http::request::Parts;
use url::form_urlencoded;

use super::interaction::{context, path};
use crate::http::{Body, ReturnTo, respond};
use crate::provider::ProviderError;
use crate::provider::interaction::{Interaction, keep};
use crate::provider::resolver::ask;
use crate::provider::server::Provider;
use crate::scope::Interaction as Question;

/// Sends the user to the host to log in (OpenID Connect Core, section 3.1.2.3). The host sends
/// them back to `return_to`, where everything is looked at anew.
pub(super) async fn answer(
    provider: &Provider,
    parts: &Parts,
    interaction: Interaction,
) -> Result<Response<Body>, ProviderError> {
    let context = context(provider, &interaction, Question::Authorize);
    let answer = async { provider.resolver.redirect_for_login(parts, &context).await };
    let host_path = ask("redirect_for_login", answer).await?;
    let return_to = path(provider, &interaction);
    let anew = interaction.request.demands_new_login();
    let location = login_location(&host_path, &return_to, interaction.id.as_str(), anew)?;
    let mut response = respond::see_other(&location);
    let interaction = interaction.after_login();
    keep(provider, &interaction, parts, response.headers_mut()).await?;
    Ok(response)
}

/// The host's path with our fields, in place of any of the same name. One that demands a new login
/// says so: another party that vouches for users would not know otherwise.
fn login_location(
    host_path: &str,
    return_to: &str,
    interaction_id: &str,
    anew: bool,
) -> Result<String, ProviderError> {
    let local = ReturnTo::parse(host_path).filter(|path| !path.as_str().contains('#'));
    let Some(local) = local else {
        tracing::error!(host_path, "redirect_for_login must answer a local path");
        return Err(ProviderError::LoginPathNotLocal);
    };
    let (path, query) = local.as_str().split_once('?').unwrap_or((local.as_str(), ""));
    let fields = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !["return_to", "interaction_id", "prompt"].contains(&&**name));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .append_pair("return_to", return_to)
        .append_pair("interaction_id", interaction_id)
        .extend_pairs(anew.then_some(("prompt", "login")))
        .finish();
    Ok(format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_names_a_local_path_and_gets_our_fields() {
        let ours = "return_to=%2Foauth%2Finteractions%2Fx&interaction_id=x";
        for (path, expected) in [
            ("/login", format!("/login?{ours}")),
            ("/login?", format!("/login?{ours}")),
            ("/login?tenant=a%26b", format!("/login?tenant=a%26b&{ours}")),
            (
                "/login?return_to=/evil&a=b&interaction_id=y&prompt=none",
                format!("/login?a=b&{ours}"),
            ),
        ] {
            let location = |anew| login_location(path, "/oauth/interactions/x", "x", anew);
            assert_eq!(location(false).as_deref(), Ok(expected.as_str()));
            assert_eq!(location(true), Ok(format!("{expected}&prompt=login")));
        }
    }

    #[test]
    fn a_path_that_leaves_the_host_is_the_hosts_fault() {
        for bad in ["https://evil.example/login", "//evil.example", "/\\evil", "login", "", "/a#b"]
        {
            let refused = login_location(bad, "/x", "x", false);
            assert_eq!(refused, Err(ProviderError::LoginPathNotLocal), "{bad}");
        }
    }
}
