//! The pages about service accounts.

use super::tokens::{ScopeBox, TokenLine, lifetime_choices, lines, scope_boxes, token_problem};
use super::*;

template!(ServiceAccountsPage, "settings/service_accounts.html", ServiceAccountList<'a> {
    problem: Option<&'a str>, lead: String
});

pub(in crate::page) fn settings_service_accounts(
    theme: &Theme,
    data: &ServiceAccountList<'_>,
) -> String {
    let m = &theme.messages;
    let problem = data.problem.map(|problem| match problem {
        ServiceAccountProblem::Name => m.service_accounts_problem_name.as_ref(),
        ServiceAccountProblem::TooMany => m.service_accounts_problem_many.as_ref(),
    });
    let lead = theme.say_with(&m.service_accounts_lead, "organization", data.organization);
    page(&ServiceAccountsPage { theme, m, page: data, problem, lead })
}

template!(OneServiceAccountPage, "settings/service_account.html", ServiceAccountPage<'a> {
    lines: Vec<TokenLine<'a>>, scopes: Vec<ScopeBox<'a>>, lifetimes: Vec<(String, String)>,
    problem: Option<&'a str>
});

pub(in crate::page) fn settings_service_account(
    theme: &Theme,
    data: &ServiceAccountPage<'_>,
) -> String {
    let m = &theme.messages;
    page(&OneServiceAccountPage {
        theme,
        m,
        page: data,
        lines: lines(theme, data.credentials),
        scopes: scope_boxes(theme, data.scopes, data.new.scopes),
        lifetimes: lifetime_choices(theme, data.lifetimes),
        problem: data.new.problem.map(|problem| token_problem(m, problem)),
    })
}
