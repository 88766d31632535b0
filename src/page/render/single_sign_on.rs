//! The pages about single sign-on.

use super::*;

template!(GlassPage, "break_glass.html", BreakGlassPage<'a> {});

pub(in crate::page) fn break_glass(theme: &Theme, data: &BreakGlassPage<'_>) -> String {
    page(&GlassPage { theme, m: &theme.messages, page: data })
}

template!(SettingsPage, "settings/single_sign_on.html", SsoPage<'a> {
    problem: Option<&'a str>, glass: String
});

pub(in crate::page) fn settings_single_sign_on(theme: &Theme, data: &SsoPage<'_>) -> String {
    let m = &theme.messages;
    let problem = data.problem.map(|problem| match problem {
        SsoProblem::LocksOut => m.sso_locks_out.as_ref(),
        SsoProblem::LoginWithoutDomains => m.sso_without_domains.as_ref(),
        SsoProblem::Unfit => m.sso_unfit.as_ref(),
        SsoProblem::LastToComeIn => m.sso_last_to_come_in.as_ref(),
        SsoProblem::Changed => m.organization_changed.as_ref(),
    });
    let glass = theme.say_with(&m.sso_glass_lead, "path", data.break_glass);
    page(&SettingsPage { theme, m, page: data, problem, glass })
}
