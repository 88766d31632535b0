//! The pages for what is mailed: codes, and links to log in.

use super::*;

template!(ConfirmCodePage, "confirm_code.html", ConfirmCode<'a> { problem: Option<&'a str> });

pub(in crate::page) fn confirm_code(theme: &Theme, data: &ConfirmCode<'_>) -> String {
    let m = &theme.messages;
    let problem = data.refused.then_some(m.confirm_code_refused.as_ref());
    page(&ConfirmCodePage { theme, m, page: data, problem })
}

template!(AskPage, "ask_login_link.html", AskLoginLink<'a> { wrong_email: Option<&'a str> });

pub(in crate::page) fn ask_login_link(theme: &Theme, data: &AskLoginLink<'_>) -> String {
    let m = &theme.messages;
    let wrong_email = data.invalid_email.then_some(m.email_invalid.as_ref());
    page(&AskPage { theme, m, page: data, wrong_email })
}

template!(OpenPage, "open_login_link.html", OpenLoginLink<'a> {
    lead: String, problem: Option<&'a str>
});

pub(in crate::page) fn open_login_link(theme: &Theme, data: &OpenLoginLink<'_>) -> String {
    let m = &theme.messages;
    let lead = match data.email {
        Some(email) => theme.say_with(&m.login_link_open_lead, "email", email),
        None => theme.say(&m.login_link_elsewhere_lead),
    };
    let problem = data.refused.then_some(m.login_link_refused.as_ref());
    page(&OpenPage { theme, m, page: data, lead, problem })
}
