//! The pages where a user changes the email address.

use super::*;

template!(EmailSettingsPage, "settings/email.html", EmailSettings<'a> {
    wrong_email: Option<&'a str>, wrong_code: Option<&'a str>, notice: Option<String>,
    pending: Option<String>
});

pub(in crate::page) fn settings_email(theme: &Theme, data: &EmailSettings<'_>) -> String {
    let m = &theme.messages;
    let wrong_email = data.problem.map(|problem| match problem {
        EmailProblem::Invalid => m.email_invalid.as_ref(),
        EmailProblem::Managed => m.email_managed.as_ref(),
        EmailProblem::Unchanged => m.email_unchanged.as_ref(),
    });
    let waits_for = data.pending.map(|(email, _)| email).unwrap_or_default();
    let notice = data.notice.map(|notice| match notice {
        EmailNotice::Asked => theme.say_with(&m.email_change_asked, "email", waits_for),
        EmailNotice::Cancelled => theme.say(&m.email_change_cancelled),
    });
    let pending = data.pending.map(|(email, until)| {
        let until = until.date().to_string();
        theme.say_all(&m.email_change_pending, &[("email", email), ("date", &until)])
    });
    let wrong_code = data.code_refused.then_some(m.email_change_code_refused.as_ref());
    page(&EmailSettingsPage { theme, m, page: data, wrong_email, wrong_code, notice, pending })
}

template!(ConfirmEmailPage, "settings/email_confirm.html", ConfirmEmailChange<'a> {
    lead: String, problem: Option<String>
});

pub(in crate::page) fn settings_email_confirm(
    theme: &Theme,
    data: &ConfirmEmailChange<'_>,
) -> String {
    let m = &theme.messages;
    let lead = theme.say_with(&m.email_change_confirm_lead, "email", data.email);
    let taken = || theme.say_with(&m.email_change_taken, "email", data.email);
    let problem = data.taken.then(taken);
    page(&ConfirmEmailPage { theme, m, page: data, lead, problem })
}
