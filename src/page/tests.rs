mod gallery;
mod second_factor;

use self::gallery::gallery;
use self::second_factor::second_factor;
use super::*;
use crate::http::Rejection;

/// What nobody must be able to put into a page.
const EVIL: &str = "\"><script>alert(1)</script>{product}' onload=x";

fn theme() -> Theme {
    Theme::new("Northwind").with_scope("api:read", "Read your projects")
}

#[test]
fn every_page_is_whole_and_shows_what_it_is_for() {
    let pages = gallery(&theme(), "alice@example.test", "/somewhere?return_to=%2Fapp");
    // To look at them: DONJON_GALLERY=some/directory cargo test page
    if let Ok(directory) = std::env::var("DONJON_GALLERY") {
        for (name, html) in &pages {
            std::fs::write(format!("{directory}/{name}.html"), html).unwrap();
        }
    }
    for (name, html) in &pages {
        assert!(html.starts_with("<!doctype html>") && html.trim().ends_with("</html>"), "{name}");
        let scripts = html.matches("<script").count();
        let ours = html.matches("<script src=\"/login/passkey.js?v=1\" defer></script>").count();
        assert!(!html.contains("{product}") && scripts == ours && ours <= 1, "{name}");
    }
    let ids = |name: &str, ids: &[&str]| {
        let html = &pages.iter().find(|(page, _)| *page == name).unwrap().1;
        for id in ids {
            assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{name} #{id}");
        }
    };
    ids("login", &["email", "password", "remember", "submit"]);
    ids("verify-login", &["code", "trust", "submit"]);
    ids("login-passkey", &["email", "password", "submit", "passkey"]);
    ids("verify-login-passkey", &["code", "trust", "submit", "passkey"]);
    ids("verify-login-only-passkey", &["passkey"]);
    ids("passkeys-none", &["passkey", "name"]);
    ids("verify-login-refused", &["code", "submit"]);
    ids("step-up", &["code", "trust", "submit"]);
    ids("step-up-passkey", &["code", "trust", "submit", "passkey"]);
    ids("step-up-backup", &["code", "submit", "passkey"]);
    ids("step-up-only-passkey", &["trust", "passkey"]);
    ids("two-factor-refused", &["regenerate", "disable", "codes-low"]);
    ids("two-factor-passkey", &["two-factor-off", "setup", "codes-left", "passkey-codes"]);
    ids("two-factor-passkey-low", &["codes-left", "codes-low", "passkey-codes"]);
    ids("tokens", &["tokens", "name", "lifetime", "submit"]);
    ids("tokens-none", &["no-tokens", "submit"]);
    ids("token-created", &["token", "done"]);
    ids("two-factor-setup", &["secret", "code", "submit"]);
    ids(
        "admin-user",
        &["state", "require-password-change", "disable", "delete", "reason", "impersonate"],
    );
    ids("admin-organizations", &["name", "search", "organizations", "next"]);
    ids(
        "admin-organization",
        &["members", "more", "invitations", "domains", "domain", "login-path", "grant-domain"],
    );
    ids("admin-organization-plain", &["second-factor", "members", "confirm", "delete"]);
    ids("admin-webhooks", &["webhooks"]);
    ids("admin-webhooks-none", &["no-webhooks"]);
    ids("admin-webhook", &["dead", "replay-all", "attempts", "enable", "overlap", "rotate"]);
    ids("admin-webhook-plain", &["state", "none-dead", "disable", "rotate"]);
    ids("admin-webhook-secret", &["secret", "done"]);
    ids("admin-mails", &["mails", "days", "revive"]);
    ids("admin-mails-none", &["no-mails"]);
    ids("impersonated", &["stop-impersonation"]);
    ids("delete", &["password", "code", "confirm", "delete"]);
    ids("delete-refused", &["password", "confirm", "delete"]);
    ids("keep", &["keep-text", "submit"]);
    ids("email", &["current-email", "email", "submit"]);
    ids(
        "email-refused",
        &["pending-email", "code", "confirm", "cancel", "email", "email-hint", "submit"],
    );
    ids("email-confirm", &["submit"]);
    ids("password-change", &["email", "current", "password", "submit"]);
    ids("password-first", &["email", "password", "submit"]);
    ids("new-password", &["email", "password", "submit"]);
    ids("organizations", &["name", "slug", "submit"]);
    ids("organization", &["members", "email", "role", "invite", "rename", "delete", "more"]);
    ids("invitation-ready", &["accept"]);
    ids("invitation-visitor", &["login", "email", "password", "submit"]);
    ids("invitation-other", &["invitation-other", "logout"]);
    ids(
        "sessions",
        &["sessions", "this-device", "revoke-others", "forget-browsers", "apps", "sign-out"],
    );
    ids("again-password", &["password", "submit", "other-login"]);
    ids("again-code", &["code", "submit"]);
    ids("again-no-way", &["no-way", "by-link", "set-password", "other-login"]);
    ids("again-elsewhere", &["elsewhere", "provider"]);
    ids("again-passkey", &["password", "submit", "passkey", "other-login"]);
    ids("again-passkey-only", &["passkey", "other-login"]);
    ids("register", &["email", "password", "submit"]);
    ids("register-refused", &["email", "password", "submit"]);
    ids("check-mail-register", &["code", "submit", "resend"]);
    ids("confirm-code", &["email", "code", "password", "submit"]);
    ids("ask-login-link", &["email", "submit"]);
    ids("open-login-link", &["remember", "submit"]);
    ids("open-login-link-elsewhere", &["email", "password", "submit", "forgot"]);
    ids("confirm", &["submit"]);
    ids("confirm-refused", &["password", "submit", "forgot"]);
    ids("consent", &["approve", "deny"]);
    ids("error", &["error", "error-description"]);
    ids("rejected", &["error", "error-description", "home"]);
    ids("logged-out", &["logged-out"]);
}

#[test]
fn no_data_becomes_markup() {
    for (name, html) in gallery(&theme(), EVIL, EVIL) {
        let html = html.replace("<script src=\"/login/passkey.js?v=1\" defer></script>", "");
        assert!(!html.contains("<script") && !html.contains("' onload"), "{name}: {html}");
        assert!(!html.contains("javascript:"), "{name}");
    }
}

#[test]
fn a_theme_cannot_break_out_of_the_style() {
    let theme = Theme::new("</style><script>").with_accent("#010203".parse().unwrap());
    let html = theme.logged_out(&LoggedOut { login: "/" });
    assert!(html.contains("--accent:#010203;") && !html.contains("<script>"));
}

#[test]
fn who_is_lost_is_not_alarmed() {
    let alarms = |rejection| theme().rejected(&Rejected::new(rejection)).contains("icon bad");
    assert!(!alarms(Rejection::NotFound) && alarms(Rejection::CrossOrigin));
}

#[test]
fn a_page_of_nobody_has_no_name() {
    let html = Theme::new("").rejected(&Rejected::new(Rejection::Unavailable));
    assert!(!html.contains("class=\"brand\"") && html.contains("<title>Back in a moment</title>"));
}

#[test]
fn a_mail_says_the_same_as_text_and_as_html() {
    let mail = theme().mail(&Letter::Reset { link: "https://app.example/reset?a=1&b=2" });
    assert!(mail.text.contains("https://app.example/reset?a=1&b=2"));
    assert!(mail.html.contains("https://app.example/reset?a=1&#38;b=2"));
    assert_eq!(mail.subject, "Choose a new password");
    assert!(!mail.text.contains("&#"), "{}", mail.text);
}

#[test]
fn each_problem_of_a_password_is_said_in_words() {
    use PasswordAdvice::*;

    let theme = Theme::new("Acme");
    let advice = [Personal, Similar, Word, Name, Keys, Repeats, Sequence, Date, More];
    use PasswordProblem::{Breached, Common, Unchanged, Unchecked};
    let problems = [Common, Breached, Unchanged, Unchecked].into_iter();
    let mut said: Vec<String> = problems
        .chain(advice.map(PasswordProblem::Guessable))
        .map(|problem| {
            theme.register(&Register {
                action: "/register",
                login: "/login",
                email: "",
                invalid_email: false,
                password_problem: Some(problem),
                password_length: PasswordLength { min: 8, max: 128 },
                others: &[],
                fields: &[],
                refused: None,
                closed: None,
            })
        })
        .collect();
    assert!(said.iter().all(|page| !page.contains("{advice}")));
    said.dedup();
    assert_eq!(said.len(), 13);
}

/// The pages that have no JSON: nothing of an account is on them.
#[cfg(feature = "accounts")]
const HTML_ONLY: [&str; 4] = ["consent", "form-post", "error", "rejected"];

#[cfg(feature = "accounts")]
#[test]
fn every_page_of_an_account_says_in_json_what_it_is_and_where_its_forms_go() {
    let theme = Theme::new("Acme");
    let html = gallery(&theme, "a@b.example", "text");
    let json = JsonPages(std::sync::Arc::new(theme));
    let mut names = std::collections::BTreeSet::new();
    for (name, page) in gallery(&json, "a@b.example", "text") {
        let is_html = name.starts_with("mail-") || HTML_ONLY.iter().any(|it| name.starts_with(it));
        if is_html {
            assert!(html.contains(&(name, page)), "{name}");
            continue;
        }
        // The gallery puts the banner of an impersonation before a page, in HTML as it is.
        let said = page.find('{').and_then(|begin| page.get(begin..)).expect(name);
        let page: serde_json::Value = serde_json::from_str(said).expect(name);
        let page = page.as_object().expect(name);
        names.insert(page["page"].as_str().expect(name).to_owned());
        for member in ["logged_in", "impersonation"] {
            assert!(!page.contains_key(member), "{name}");
        }
        for form in page["forms"].as_object().expect(name).keys() {
            let (member, _) = form.split_once('/').unwrap_or((form, ""));
            assert!(page[member].is_string() || page[member].is_null(), "{form} of {name}");
        }
    }
    assert_eq!(names.len(), 50, "{names:?}");
}
