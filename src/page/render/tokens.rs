//! The pages about API tokens.

use time::OffsetDateTime;

use super::*;

/// A token in words.
pub(super) struct TokenLine<'a> {
    pub(super) item: &'a TokenItem<'a>,
    pub(super) scopes: Vec<&'a str>,
    pub(super) times: String,
}

/// A box to tick.
pub(super) struct ScopeBox<'a> {
    pub(super) scope: &'a str,
    pub(super) text: &'a str,
    pub(super) ticked: bool,
}

template!(TokensPage, "settings/tokens.html", Tokens<'a> {
    lines: Vec<TokenLine<'a>>, scopes: Vec<ScopeBox<'a>>, lifetimes: Vec<(String, String)>,
    problem: Option<&'a str>
});

pub(in crate::page) fn settings_tokens(theme: &Theme, data: &Tokens<'_>) -> String {
    let m = &theme.messages;
    page(&TokensPage {
        theme,
        m,
        page: data,
        lines: lines(theme, data.tokens),
        scopes: scope_boxes(theme, data.scopes, data.new.scopes),
        lifetimes: lifetime_choices(theme, data.lifetimes),
        problem: data.new.problem.map(|problem| token_problem(m, problem)),
    })
}

pub(super) fn lines<'a>(theme: &'a Theme, tokens: &'a [TokenItem<'a>]) -> Vec<TokenLine<'a>> {
    let line = |item: &'a TokenItem<'a>| TokenLine {
        item,
        scopes: item.scopes.iter().map(|scope| theme.scope(scope)).collect(),
        times: times(theme, item),
    };
    tokens.iter().map(line).collect()
}

pub(super) fn scope_boxes<'a>(
    theme: &'a Theme,
    scopes: &'a [String],
    asked: &[String],
) -> Vec<ScopeBox<'a>> {
    let boxed = |scope: &'a String| ScopeBox {
        scope,
        text: theme.scope(scope),
        ticked: asked.contains(scope),
    };
    scopes.iter().map(boxed).collect()
}

/// What each choice is posted as, and what it is called.
pub(super) fn lifetime_choices(
    theme: &Theme,
    lifetimes: &[TokenLifetime],
) -> Vec<(String, String)> {
    let m = &theme.messages;
    let choice = |lifetime: &TokenLifetime| match lifetime.days {
        Some(days) => {
            let days = days.to_string();
            (days.clone(), theme.say_with(&m.tokens_lifetime_days, "days", &days))
        }
        None => ("never".to_owned(), theme.say(&m.tokens_lifetime_never)),
    };
    lifetimes.iter().map(choice).collect()
}

pub(super) fn token_problem(m: &Messages, problem: TokenProblem) -> &str {
    match problem {
        TokenProblem::Name => &m.tokens_problem_name,
        TokenProblem::Scopes => &m.tokens_problem_scopes,
        TokenProblem::Lifetime => &m.tokens_problem_lifetime,
        TokenProblem::TooMany => &m.tokens_problem_many,
    }
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
