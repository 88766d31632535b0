//! Data of the pages of administrators about organizations.

use serde::Serialize;
use time::OffsetDateTime;

use super::json::as_time;
use super::{AdminFrame, InvitationItem, SsoDomainItem};

/// An organization in a list.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminOrganizationLine {
    /// Its name.
    pub name: String,
    /// Its name in URLs.
    pub slug: String,
    /// The page about it.
    pub path: String,
    /// When it was made.
    #[serde(serialize_with = "as_time")]
    pub created_at: OffsetDateTime,
}

impl AdminOrganizationLine {
    /// The line of an organization by name, slug and the page about it.
    pub fn new([name, slug, path]: [String; 3], created_at: OffsetDateTime) -> Self {
        Self { name, slug, path, created_at }
    }
}

/// Data of [`Pages::admin_organizations`](super::Pages::admin_organizations).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminOrganizations<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// How the name, the slug or a domain begins: field `name` of a GET to the page.
    pub prefix: &'a str,
    /// What was found.
    pub organizations: &'a [AdminOrganizationLine],
    /// This page.
    pub path: &'a str,
    /// The next page.
    pub next: Option<&'a str>,
}

impl<'a> AdminOrganizations<'a> {
    /// The page with these organizations, where it is, and the next one.
    pub fn new(
        frame: AdminFrame<'a>,
        prefix: &'a str,
        organizations: &'a [AdminOrganizationLine],
        (path, next): (&'a str, Option<&'a str>),
    ) -> Self {
        Self { frame, prefix, organizations, path, next }
    }
}

/// A member of an organization, as an administrator sees them.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminMember {
    /// The id.
    pub id: String,
    /// The address, or else the id.
    pub name: String,
    /// As what.
    pub role: String,
    /// The page about the user.
    pub path: String,
    /// Whether they come in although single sign-on is enforced.
    pub comes_in: bool,
}

impl AdminMember {
    /// A member by id, name, role and the page about the user.
    pub fn new([id, name, role, path]: [String; 4], comes_in: bool) -> Self {
        Self { id, name, role, path, comes_in }
    }
}

/// Data of [`Pages::admin_organization`](super::Pages::admin_organization).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdminOrganization<'a> {
    /// What stands around the page.
    pub frame: AdminFrame<'a>,
    /// Its name.
    pub name: &'a str,
    /// Its name in URLs.
    pub slug: &'a str,
    /// The page; forms are posted below it: `/remove` (field `user`), `/role` (`user`, `role`),
    /// `/revoke` (`invitation`), `/grant-domain` (`domain`, `login_path`), `/withdraw-domain`
    /// (`domain`) and `/delete` (`slug`).
    pub path: &'a str,
    /// The list of organizations.
    pub back: &'a str,
    /// When it was made.
    #[serde(serialize_with = "as_time")]
    pub created_at: OffsetDateTime,
    /// Whether its members act in it with a second factor only.
    pub requires_second_factor: bool,
    /// Who belongs to it.
    pub members: &'a [AdminMember],
    /// The page with the members after these.
    pub more: Option<&'a str>,
    /// The roles that there are.
    pub roles: &'a [String],
    /// Who is invited.
    pub invitations: &'a [InvitationItem],
    /// Its domains.
    pub domains: &'a [SsoDomainItem],
    /// Whether organizations get domains here.
    pub grants_domains: bool,
    /// Its webhook endpoints, if the administrator may see to them.
    pub webhooks: Option<&'a str>,
    /// Why the last thing was not done.
    pub problem: Option<AdminOrganizationProblem>,
}

impl<'a> AdminOrganization<'a> {
    /// The page of an organization by name and slug, its path and the way back.
    pub fn new(
        frame: AdminFrame<'a>,
        [name, slug]: [&'a str; 2],
        [path, back]: [&'a str; 2],
        created_at: OffsetDateTime,
    ) -> Self {
        Self {
            frame,
            name,
            slug,
            path,
            back,
            created_at,
            requires_second_factor: false,
            members: &[],
            more: None,
            roles: &[],
            invitations: &[],
            domains: &[],
            grants_domains: false,
            webhooks: None,
            problem: None,
        }
    }
}

/// Why something was not done to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdminOrganizationProblem {
    /// Nobody else owns it.
    LastOwner,
    /// Nobody else is the owner who comes in although single sign-on is enforced.
    LastToComeIn,
    /// The name that was typed to delete it is not its own.
    Slug,
    /// The domain is none.
    Domain,
    /// The domain is another organization's.
    DomainTaken,
    /// Where the users of the domain log in is no path of the application's.
    LoginPath,
    /// Where they log in is a provider that speaks for nobody's domain.
    LoginWithoutDomains,
    /// What was to be changed is not as it was any more.
    Changed,
}
