//! The built-in pages: each template with what it shows.

use askama::Template;

use super::theme::initial;
use super::*;
use crate::http::Rejection;

/// A template that did not render would be a fault of ours that no data can cause; the page is
/// then empty rather than half of one.
fn page(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be written");
        String::new()
    })
}

/// Declares the struct behind a template, with the theme and its messages. For use in this folder only:
/// where the crate is a dependency, paths of templates are relative to the folder of this macro.
macro_rules! template {
    ($name:ident, $path:literal, $data:ty { $($field:ident: $type:ty),* }) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            theme: &'a Theme,
            m: &'a Messages,
            page: &'a $data,
            $($field: $type,)*
        }
    };
}

mod admin;
mod admin_mails;
mod admin_organization;
mod admin_webhook;
mod app;
mod deletion;
mod email;
mod mail;
mod mailed;
mod organization;
mod passkey;
mod password;
mod service_account;
mod sessions;
mod single_sign_on;
mod social;
mod tokens;
mod two_factor;

pub(super) use admin::*;
pub(super) use admin_mails::*;
pub(super) use admin_organization::*;
pub(super) use admin_webhook::*;
pub(super) use app::*;
pub(super) use deletion::*;
pub(super) use email::*;
pub(super) use mail::*;
pub(super) use mailed::*;
pub(super) use organization::*;
pub(super) use passkey::*;
pub(super) use password::*;
pub(super) use service_account::*;
pub(super) use sessions::*;
pub(super) use single_sign_on::*;
pub(super) use social::*;
pub(super) use tokens::*;
pub(super) use two_factor::*;

template!(LoginPage, "login.html", Login<'a> {
    notice: Option<&'a str>, problem: Option<&'a str>, doors: Vec<(String, &'a str)>
});

pub(super) fn login(theme: &Theme, data: &Login<'_>) -> String {
    let m = &theme.messages;
    let told = data.notice.map(|notice| match notice {
        LoginNotice::Confirmed => (true, m.login_confirmed.as_ref()),
        LoginNotice::PasswordSet => (true, m.login_password_set.as_ref()),
        LoginNotice::Kept => (true, m.login_kept.as_ref()),
        LoginNotice::TimedOut => (true, m.login_timed_out.as_ref()),
        LoginNotice::SingleSignOn => (true, m.login_sso.as_ref()),
        LoginNotice::NoSingleSignOn => (false, m.login_no_sso.as_ref()),
        LoginNotice::ProviderCancelled => (true, m.login_provider_cancelled.as_ref()),
        LoginNotice::ProviderUnavailable => (false, m.login_provider_unavailable.as_ref()),
        LoginNotice::ProviderFailed => (false, m.login_provider_failed.as_ref()),
        LoginNotice::ProviderNoEmail => (false, m.login_provider_no_email.as_ref()),
        LoginNotice::ProviderNoAccount => (false, m.login_provider_no_account.as_ref()),
        LoginNotice::ProviderMismatch => (false, m.login_provider_mismatch.as_ref()),
        LoginNotice::ProviderPersonal => (false, m.login_provider_personal.as_ref()),
        LoginNotice::ProviderAnother => (false, m.login_provider_another.as_ref()),
    });
    let notice = told.filter(|(good, _)| *good).map(|(_, text)| text);
    let bad = told.filter(|(good, _)| !good).map(|(_, text)| text);
    let passkey_refused = data.passkey.is_some_and(|prompt| prompt.refused);
    let problem = match (data.refused, passkey_refused) {
        (true, _) => Some(m.login_refused.as_ref()),
        (false, true) => Some(m.passkey_refused.as_ref()),
        (false, false) => bad,
    };
    let label = |name: &str| theme.say_with(&m.login_other, "name", name);
    let doors = data.others.iter().map(|door| (label(door.name), door.href)).collect();
    page(&LoginPage { theme, m, page: data, notice, problem, doors })
}

template!(RegisterPage, "register.html", Register<'a> {
    wrong_email: Option<&'a str>, wrong_password: Option<String>, hint: String,
    doors: Vec<(String, &'a str)>, fields: Vec<(SignUpEntry<'a>, String)>, closed: Option<String>
});

pub(super) fn register(theme: &Theme, data: &Register<'_>) -> String {
    let m = &theme.messages;
    let wrong_email = data.invalid_email.then_some(m.email_invalid.as_ref());
    let wrong_password = password_problem(theme, data.password_problem, data.password_length);
    let hint = password_hint(theme, data.password_length);
    let label = |name: &str| theme.say_with(&m.register_other, "name", name);
    let doors = data.others.iter().map(|door| (label(door.name), door.href)).collect();
    let closed = data.closed.map(|closed| match closed {
        SignUpsClosed::ButForInvited => theme.say(&m.register_invited),
        SignUpsClosed::ForAll => theme.say(&m.register_closed),
    });
    let fields = sign_up_fields(theme, data.fields);
    page(&RegisterPage {
        theme,
        m,
        page: data,
        wrong_email,
        wrong_password,
        hint,
        doors,
        fields,
        closed,
    })
}

/// What else the host asks for, each with what is said when it is wrong.
fn sign_up_fields<'a>(theme: &Theme, fields: &[SignUpEntry<'a>]) -> Vec<(SignUpEntry<'a>, String)> {
    let wrong = |field: &SignUpEntry<'_>| {
        let max = field.max_length.to_string();
        theme.say_with(&theme.messages.register_field_wrong, "max", &max)
    };
    fields.iter().map(|field| (*field, wrong(field))).collect()
}

fn password_hint(theme: &Theme, length: PasswordLength) -> String {
    theme.say_with(&theme.messages.password_hint, "min", &length.min.to_string())
}

fn password_problem(
    theme: &Theme,
    problem: Option<PasswordProblem>,
    length: PasswordLength,
) -> Option<String> {
    let m = &theme.messages;
    problem.map(|problem| match problem {
        PasswordProblem::TooShort => {
            theme.say_with(&m.password_too_short, "min", &length.min.to_string())
        }
        PasswordProblem::TooLong => {
            theme.say_with(&m.password_too_long, "max", &length.max.to_string())
        }
        PasswordProblem::Common => theme.say(&m.password_common),
        PasswordProblem::Breached => theme.say(&m.password_breached),
        PasswordProblem::Unchanged => theme.say(&m.password_unchanged),
        PasswordProblem::Unchecked => theme.say(&m.password_unchecked),
        PasswordProblem::Guessable(advice) => {
            theme.say_with(&m.password_guessable, "advice", &theme.say(password_advice(m, advice)))
        }
    })
}

fn password_advice(m: &Messages, advice: PasswordAdvice) -> &str {
    match advice {
        PasswordAdvice::Personal => &m.advice_personal,
        PasswordAdvice::Similar => &m.advice_similar,
        PasswordAdvice::Word => &m.advice_word,
        PasswordAdvice::Name => &m.advice_name,
        PasswordAdvice::Keys => &m.advice_keys,
        PasswordAdvice::Repeats => &m.advice_repeats,
        PasswordAdvice::Sequence => &m.advice_sequence,
        PasswordAdvice::Date => &m.advice_date,
        PasswordAdvice::More => &m.advice_more,
    }
}

template!(CheckMailPage, "check_mail.html", CheckMail<'a> { text: String });

pub(super) fn check_mail(theme: &Theme, data: &CheckMail<'_>) -> String {
    let m = &theme.messages;
    let text = match data.about {
        MailSent::Registration => &m.check_mail_register,
        MailSent::Confirmation => &m.check_mail_confirm,
        MailSent::Reset => &m.check_mail_reset,
        MailSent::LoginLink => &m.check_mail_login_link,
    };
    let text = theme.say_with(text, "email", data.email);
    page(&CheckMailPage { theme, m, page: data, text })
}

template!(ConfirmPage, "confirm.html", Confirm<'a> { text: String, problem: Option<&'a str> });

pub(super) fn confirm(theme: &Theme, data: &Confirm<'_>) -> String {
    let m = &theme.messages;
    let text = if data.asks_password { &m.confirm_password_text } else { &m.confirm_text };
    let text = theme.say_with(text, "email", data.email);
    let problem = data.refused.then_some(m.confirm_refused.as_ref());
    page(&ConfirmPage { theme, m, page: data, text, problem })
}

template!(LinkOverPage, "link_over.html", LinkOver<'a> { text: &'a str, label: &'a str });

pub(super) fn link_over(theme: &Theme, data: &LinkOver<'_>) -> String {
    let m = &theme.messages;
    let (text, label) = match data.was_for {
        LinkFor::Reset | LinkFor::Login => {
            (m.link_over_reset.as_ref(), m.link_over_reset_next.as_ref())
        }
        LinkFor::Confirm => (m.link_over_confirm.as_ref(), m.login_submit.as_ref()),
        LinkFor::ChangeEmail => {
            (m.link_over_email_change.as_ref(), m.link_over_email_change_next.as_ref())
        }
    };
    page(&LinkOverPage { theme, m, page: data, text, label })
}

template!(ForgotPage, "forgot_password.html", ForgotPassword<'a> { wrong_email: Option<&'a str> });

pub(super) fn forgot_password(theme: &Theme, data: &ForgotPassword<'_>) -> String {
    let m = &theme.messages;
    let wrong_email = data.invalid_email.then_some(m.email_invalid.as_ref());
    page(&ForgotPage { theme, m, page: data, wrong_email })
}

template!(ResetPage, "reset_password.html", ResetPassword<'a> {
    lead: String, wrong_password: Option<String>, hint: String
});

pub(super) fn reset_password(theme: &Theme, data: &ResetPassword<'_>) -> String {
    let m = &theme.messages;
    let lead = theme.say_with(&m.reset_lead, "email", data.email);
    let wrong_password = password_problem(theme, data.password_problem, data.password_length);
    let hint = password_hint(theme, data.password_length);
    page(&ResetPage { theme, m, page: data, lead, wrong_password, hint })
}

template!(LogoutPage, "logout.html", Logout<'a> { initial: String });

pub(super) fn logout(theme: &Theme, data: &Logout<'_>) -> String {
    let m = &theme.messages;
    page(&LogoutPage { theme, m, page: data, initial: initial(data.account) })
}

template!(LoggedOutPage, "logged_out.html", LoggedOut<'a> {});

pub(super) fn logged_out(theme: &Theme, data: &LoggedOut<'_>) -> String {
    page(&LoggedOutPage { theme, m: &theme.messages, page: data })
}

template!(ConsentPage, "consent.html", Consent<'a> {
    title: String, initial: String, scopes: Vec<(&'a str, &'a str)>, target: String
});

pub(super) fn consent(theme: &Theme, data: &Consent<'_>) -> String {
    let m = &theme.messages;
    // What a client says of itself is shown as a link only if it is a page.
    let is_page = |uri: &&str| uri.starts_with("https://") || uri.starts_with("http://");
    let data = &Consent {
        client_uri: data.client_uri.filter(is_page),
        policy_uri: data.policy_uri.filter(is_page),
        tos_uri: data.tos_uri.filter(is_page),
        ..data.clone()
    };
    page(&ConsentPage {
        theme,
        m,
        page: data,
        title: theme.say_with(&m.consent_title, "client", data.client_name),
        initial: initial(data.account),
        scopes: data.scopes.iter().map(|scope| (scope.as_str(), theme.scope(scope))).collect(),
        target: theme.say_with(&m.consent_target, "target", data.redirect_target),
    })
}

template!(FormPostPage, "form_post.html", FormPost<'a> {});

pub(super) fn form_post(theme: &Theme, data: &FormPost<'_>) -> String {
    page(&FormPostPage { theme, m: &theme.messages, page: data })
}

template!(ErrorTemplate, "error.html", ErrorPage<'a> {});

pub(super) fn error(theme: &Theme, data: &ErrorPage<'_>) -> String {
    page(&ErrorTemplate { theme, m: &theme.messages, page: data })
}

template!(SettingsOverviewPage, "settings/overview.html", SettingsOverview<'a> {});

pub(super) fn settings_overview(theme: &Theme, data: &SettingsOverview<'_>) -> String {
    page(&SettingsOverviewPage { theme, m: &theme.messages, page: data })
}

template!(RejectedPage, "rejected.html", Rejected<'a> { title: &'a str, text: String, lost: bool });

pub(super) fn rejected(theme: &Theme, data: &Rejected<'_>) -> String {
    let m = &theme.messages;
    let (title, text) = rejection(m, data.rejection);
    // Who is lost did nothing wrong.
    let lost = matches!(
        data.rejection,
        Rejection::NotFound | Rejection::LoginRequired | Rejection::Misdirected
    );
    page(&RejectedPage { theme, m, page: data, title, text: theme.say(text), lost })
}

/// What a rejection is called, and what is said of it.
pub(super) fn rejection(m: &Messages, rejection: Rejection) -> (&str, &str) {
    match rejection {
        Rejection::Invalid => (&m.rejected_invalid_title, &m.rejected_invalid),
        Rejection::LoginRequired => (&m.rejected_login_required_title, &m.rejected_login_required),
        Rejection::CrossOrigin => (&m.rejected_cross_origin_title, &m.rejected_cross_origin),
        Rejection::Forbidden => (&m.rejected_forbidden_title, &m.rejected_forbidden),
        Rejection::NotFound => (&m.rejected_not_found_title, &m.rejected_not_found),
        Rejection::Method => (&m.rejected_method_title, &m.rejected_method),
        Rejection::TooSlow => (&m.rejected_too_slow_title, &m.rejected_too_slow),
        Rejection::TooLarge => (&m.rejected_too_large_title, &m.rejected_too_large),
        Rejection::Misdirected => (&m.rejected_misdirected_title, &m.rejected_misdirected),
        Rejection::TooMany => (&m.rejected_too_many_title, &m.rejected_too_many),
        Rejection::Failed => (&m.rejected_failed_title, &m.rejected_failed),
        Rejection::Unavailable => (&m.rejected_unavailable_title, &m.error_unavailable),
    }
}
