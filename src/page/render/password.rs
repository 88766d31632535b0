//! The pages where a user chooses a password while having an account.

use super::*;

template!(PasswordSettingsPage, "settings/password.html", PasswordSettings<'a> {
    problem: Option<&'a str>, notice: Option<&'a str>, wrong_password: Option<String>, hint: String
});

pub(in crate::page) fn settings_password(theme: &Theme, data: &PasswordSettings<'_>) -> String {
    let m = &theme.messages;
    let problem = data.refused.then_some(m.password_current_refused.as_ref());
    let notice = data.changed.then_some(m.password_changed.as_ref());
    let wrong_password = password_problem(theme, data.password_problem, data.password_length);
    let hint = password_hint(theme, data.password_length);
    page(&PasswordSettingsPage { theme, m, page: data, problem, notice, wrong_password, hint })
}

template!(ChoosePage, "new_password.html", NewPasswordPage<'a> {
    lead: String, wrong_password: Option<String>, hint: String
});

pub(in crate::page) fn new_password(theme: &Theme, data: &NewPasswordPage<'_>) -> String {
    let m = &theme.messages;
    let lead = theme.say_with(&m.new_password_lead, "email", data.email);
    let wrong_password = password_problem(theme, data.password_problem, data.password_length);
    let hint = password_hint(theme, data.password_length);
    page(&ChoosePage { theme, m, page: data, lead, wrong_password, hint })
}
