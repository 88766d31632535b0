//! The page that lets an app of the host's own log in.

use super::*;

template!(AppLoginPage, "app_login.html", AppLogin<'a> {
    title: String, lead: String, initial: String, scopes: Vec<(&'a str, &'a str)>
});

pub(in crate::page) fn app_login(theme: &Theme, data: &AppLogin<'_>) -> String {
    let m = &theme.messages;
    page(&AppLoginPage {
        theme,
        m,
        page: data,
        title: theme.say_with(&m.app_login_title, "app", data.app),
        lead: theme.say_with(&m.app_login_lead, "app", data.app),
        initial: initial(data.account),
        scopes: data.scopes.iter().map(|scope| (scope.as_str(), theme.scope(scope))).collect(),
    })
}
