//! The pages about API tokens.

use time::OffsetDateTime;

use super::*;

/// A token in words.
struct TokenLine<'a> {
    item: &'a TokenItem<'a>,
    scopes: Vec<&'a str>,
    times: String,
}

/// A box to tick.
struct ScopeBox<'a> {
    scope: &'a str,
    text: &'a str,
    ticked: bool,
}

template!(TokensPage, "settings/tokens.html", Tokens<'a> {
    lines: Vec<TokenLine<'a>>, scopes: Vec<ScopeBox<'a>>, lifetimes: Vec<(String, String)>,
    problem: Option<&'a str>
});

pub(in crate::page) fn settings_tokens(theme: &Theme, data: &Tokens<'_>) -> String {
    let m = &theme.messages;
    let lines = data
        .tokens
        .iter()
        .map(|item| TokenLine {
            item,
            scopes: item.scopes.iter().map(|scope| theme.scope(scope)).collect(),
            times: times(theme, item),
        })
        .collect();
    let ticked = |scope: &String| data.new.scopes.contains(scope);
    let scopes = data
        .scopes
        .iter()
        .map(|scope| ScopeBox { scope, text: theme.scope(scope), ticked: ticked(scope) })
        .collect();
    let lifetime = |lifetime: &TokenLifetime| match lifetime.days {
        Some(days) => {
            let days = days.to_string();
            (days.clone(), theme.say_with(&m.tokens_lifetime_days, "days", &days))
        }
        None => ("never".to_owned(), theme.say(&m.tokens_lifetime_never)),
    };
    let lifetimes = data.lifetimes.iter().map(lifetime).collect();
    let problem = data.new.problem.map(|problem| match problem {
        TokenProblem::Name => m.tokens_problem_name.as_ref(),
        TokenProblem::Scopes => m.tokens_problem_scopes.as_ref(),
        TokenProblem::Lifetime => m.tokens_problem_lifetime.as_ref(),
        TokenProblem::TooMany => m.tokens_problem_many.as_ref(),
    });
    page(&TokensPage { theme, m, page: data, lines, scopes, lifetimes, problem })
}

fn times(theme: &Theme, item: &TokenItem<'_>) -> String {
    let m = &theme.messages;
    let say = |text: &str, at: OffsetDateTime| theme.say_with(text, "date", &at.date().to_string());
    let used = match item.last_used_at {
        Some(at) => say(&m.tokens_last_used, at),
        None => theme.say(&m.tokens_never_used),
    };
    let mut all = vec![say(&m.tokens_made, item.created_at), used];
    if let Some(end) = item.expires_at {
        let text = if item.expired { &m.tokens_ended } else { &m.tokens_ends };
        all.push(say(text, end));
    }
    all.join(" · ")
}

template!(TokenCreatedPage, "settings/token_created.html", TokenCreated<'a> {});

pub(in crate::page) fn settings_token_created(theme: &Theme, data: &TokenCreated<'_>) -> String {
    page(&TokenCreatedPage { theme, m: &theme.messages, page: data })
}
