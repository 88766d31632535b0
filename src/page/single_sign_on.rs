//! Data of the pages about single sign-on.

use serde::Serialize;

use super::Frame;

/// Data of [`Pages::break_glass`](super::Pages::break_glass). Addresses are local paths with the
/// query that keeps the trip.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BreakGlassPage<'a> {
    /// Where the form is posted to: fields `email` and `password`.
    pub action: &'a str,
    /// The page where everybody else logs in.
    pub login: &'a str,
    /// The address to begin with.
    pub email: &'a str,
    /// Whether the last try was refused.
    pub refused: bool,
}

/// Data of [`Pages::settings_single_sign_on`](super::Pages::settings_single_sign_on).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SsoPage<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// The name of the organization.
    pub name: &'a str,
    /// This page: fields `domain` and `mode` are posted to it; `user`, and `named` if it is so, to
    /// `/break-glass` below the page of the organization.
    pub path: &'a str,
    /// The page of the organization.
    pub back: &'a str,
    /// Where those log in who come in all the same: to be kept where it is found without a login.
    pub break_glass: &'a str,
    /// The organization's domains.
    pub domains: &'a [SsoDomainItem],
    /// Its members.
    pub members: &'a [BreakGlassItem],
    /// Why the last thing was not done.
    pub problem: Option<SsoProblem>,
}

/// A domain of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SsoDomainItem {
    /// Its name.
    pub domain: String,
    /// Where its users log in.
    pub login_path: String,
    /// What single sign-on is to them: `off`, `offered` or `enforced`.
    pub mode: &'static str,
}

/// Somebody who may come in although single sign-on is enforced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BreakGlassItem {
    /// The id.
    pub id: String,
    /// The address, or else the id.
    pub name: String,
    /// As what they belong to the organization.
    pub role: String,
    /// Whether they may.
    pub named: bool,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SsoProblem {
    /// Nobody would be left who is known to come in.
    LocksOut,
    /// The domain's users log in with a provider that speaks for nobody's domain.
    LoginWithoutDomains,
    /// The member has no password or no second factor.
    Unfit,
    /// Nobody else is the owner who comes in all the same.
    LastToComeIn,
    /// What was to be changed is not as it was any more.
    Changed,
}

impl<'a> BreakGlassPage<'a> {
    /// The page that posts to `action`.
    pub fn new(action: &'a str, login: &'a str, email: &'a str, refused: bool) -> Self {
        Self { action, login, email, refused }
    }
}

impl<'a> SsoPage<'a> {
    /// The page at `path` of the organization called `name`, with the way back, and the page for
    /// those who come in all the same.
    pub fn new(
        frame: Frame<'a>,
        name: &'a str,
        [path, back, break_glass]: [&'a str; 3],
        (domains, members): (&'a [SsoDomainItem], &'a [BreakGlassItem]),
        problem: Option<SsoProblem>,
    ) -> Self {
        Self { frame, name, path, back, break_glass, domains, members, problem }
    }
}

impl SsoDomainItem {
    /// A domain whose users log in at `login_path`.
    pub fn new(
        domain: impl Into<String>,
        login_path: impl Into<String>,
        mode: &'static str,
    ) -> Self {
        Self { domain: domain.into(), login_path: login_path.into(), mode }
    }
}

impl BreakGlassItem {
    /// A member by id, name and role.
    pub fn new([id, name, role]: [String; 3], named: bool) -> Self {
        Self { id, name, role, named }
    }
}
