use askama::Template;

/// The page that asks a user whether a client may have what it asks for.
#[derive(Debug, Template)]
#[template(path = "oauth/consent.html")]
pub(crate) struct Consent<'a> {
    /// Where the form goes.
    pub(crate) action: &'a str,
    /// The mark of the user it is shown to.
    pub(crate) shown_to: &'a str,
    pub(crate) client_name: &'a str,
    pub(crate) client_uri: Option<&'a str>,
    pub(crate) policy_uri: Option<&'a str>,
    pub(crate) tos_uri: Option<&'a str>,
    /// The origin that the browser goes on to.
    pub(crate) redirect_target: &'a str,
    /// What the user knows the account by.
    pub(crate) account: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) resources: &'a [String],
}

impl Consent<'_> {
    /// What a scope lets a client do, in words.
    fn describe(scope: &str) -> &str {
        match scope {
            "openid" => "know which account is yours",
            "profile" => "see your name and profile",
            "email" => "see your email address",
            "address" => "see your postal address",
            "phone" => "see your phone number",
            "offline_access" => "keep this access while you are away",
            other => other,
        }
    }
}

/// The page of an authorization that cannot go on.
#[derive(Debug, Template)]
#[template(path = "oauth/error.html")]
pub(crate) struct OauthError<'a> {
    /// The OAuth error code.
    pub(crate) code: &'a str,
    /// The fault and the fix.
    pub(crate) description: &'a str,
}

/// The page that posts an answer to a client: OAuth 2.0 Form Post Response Mode. It works without
/// a script, so there is a button.
#[derive(Debug, Template)]
#[template(path = "oauth/form_post.html")]
pub(crate) struct FormPost<'a> {
    /// The client's redirect URI.
    pub(crate) action: &'a str,
    /// The fields of the answer.
    pub(crate) fields: &'a [(&'a str, &'a str)],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_text() {
        let evil = "\"><script>alert(1)</script>";
        let consent = Consent {
            action: "/oauth/interactions/x",
            shown_to: "mark",
            client_name: evil,
            client_uri: None,
            policy_uri: None,
            tos_uri: None,
            redirect_target: evil,
            account: evil,
            scopes: &[evil.to_owned()],
            resources: &[evil.to_owned()],
        };
        let form_post = FormPost { action: evil, fields: &[("state", evil)] };
        let error = OauthError { code: evil, description: evil };
        for page in [consent.render(), form_post.render(), error.render()] {
            assert!(!page.unwrap().contains("<script"));
        }
    }
}
