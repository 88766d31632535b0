//! Data of the pages about organizations.

use serde::Serialize;
use time::OffsetDateTime;

use super::json::as_time;
use super::{Frame, PasswordLength, PasswordProblem, SignUpEntry};

/// Data of [`Pages::settings_organizations`](super::Pages::settings_organizations).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OrganizationList<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Those the user belongs to.
    pub organizations: &'a [OrganizationItem],
    /// Where to post fields `name`, and `slug` if the user chooses one, to make another; `None` if
    /// users make none.
    pub create: Option<&'a str>,
    /// The name to begin with.
    pub name: &'a str,
    /// Why the last thing was not done.
    pub problem: Option<OrganizationProblem>,
}

/// An organization of the user's.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OrganizationItem {
    /// Its name.
    pub name: String,
    /// What the user is in it.
    pub role: String,
    /// Its page.
    pub path: String,
    /// Where to post to act in it, with the query that keeps the trip.
    pub switch: String,
    /// Where to post to leave it.
    pub leave: String,
    /// Whether the user acts in it.
    pub current: bool,
}

/// Why something was not done to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrganizationProblem {
    /// The name is none.
    Name,
    /// The name is one that programs make a link of.
    NameIsLink,
    /// The slug cannot be chosen.
    Slug,
    /// Another organization has the slug, or had it.
    SlugTaken,
    /// The user has made too many of late.
    TooMany,
    /// Nobody else would own it.
    LastOwner,
    /// Nobody else is the owner who comes in although single sign-on is enforced.
    LastToComeIn,
    /// The address is none.
    Email,
    /// The user's own address is not confirmed.
    Unconfirmed,
    /// The address is that of a member.
    AlreadyMember,
    /// The user has invited too many of late.
    InviterLimit,
    /// Too many were invited to it of late.
    OrganizationLimit,
    /// The host does not want it.
    Refused,
    /// What was to be changed is not as it was any more.
    Changed,
}

/// Data of [`Pages::settings_organization`](super::Pages::settings_organization).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OrganizationPage<'a> {
    /// What stands around the page.
    pub frame: Frame<'a>,
    /// Its name.
    pub name: &'a str,
    /// Its name in URLs.
    pub slug: &'a str,
    /// Its page; forms are posted below it, to `/rename`, `/invite`, `/revoke`, `/role`, `/remove`,
    /// `/second-factor` and `/delete`.
    pub path: &'a str,
    /// All of the user's organizations.
    pub back: &'a str,
    /// The page of its service accounts, if the user sees to them.
    pub service_accounts: Option<&'a str>,
    /// Whether the user may invite, and change and remove others.
    pub manages: bool,
    /// Whether the user may delete it, and say what it asks of its members.
    pub owns: bool,
    /// Whether its members act in it with a second factor only.
    pub requires_second_factor: bool,
    /// The page about its single sign-on, if there is one.
    pub single_sign_on: Option<&'a str>,
    /// Who belongs to it.
    pub members: &'a [MemberItem],
    /// The page with the members after these.
    pub more: Option<&'a str>,
    /// Who is invited.
    pub invitations: &'a [InvitationItem],
    /// The roles that the user may give.
    pub roles: &'a [String],
    /// Why the last thing was not done.
    pub problem: Option<OrganizationProblem>,
}

/// A member.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MemberItem {
    /// The id.
    pub id: String,
    /// The address, or else the id.
    pub name: String,
    /// As what.
    pub role: String,
    /// Whether it is the user.
    pub is_self: bool,
    /// Whether the user may change and remove this member.
    pub changeable: bool,
}

/// An invitation that nobody has followed yet.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InvitationItem {
    /// The id.
    pub id: String,
    /// Who is invited.
    pub email: String,
    /// As what.
    pub role: String,
    /// Until when.
    #[serde(serialize_with = "as_time")]
    pub until: OffsetDateTime,
}

/// Data of [`Pages::invitation`](super::Pages::invitation).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InvitationPage<'a> {
    /// What can be done with it.
    pub state: InvitationState<'a>,
    /// Where the form is posted to: field `token`, and `password` to sign up.
    pub action: &'a str,
    /// The secret of the link.
    pub token: &'a str,
    /// The page to log in, and to come back from.
    pub login: &'a str,
    /// The page to log out, and to come back from.
    pub logout: &'a str,
    /// The application itself.
    pub home: &'a str,
    /// What else the host asks for at the registration.
    pub fields: &'a [SignUpEntry<'a>],
    /// Why the host refuses the registration, in its own words.
    pub refused: Option<&'a str>,
}

/// What can be done with an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState<'a> {
    /// Nothing: it is unknown, used, replaced, revoked or over.
    Over,
    /// It is for somebody else than who is logged in; of it, nothing is told.
    Other {
        /// Who is logged in.
        account: &'a str,
    },
    /// The address of who is logged in has to be confirmed first.
    Unconfirmed {
        /// The address.
        email: &'a str,
    },
    /// Who is logged in can accept it.
    Ready {
        /// The organization.
        organization: &'a str,
        /// Who is logged in.
        email: &'a str,
    },
    /// Nobody is logged in: it takes a login, or, unless sign-ups are closed, a new account with the
    /// invited address.
    Visitor {
        /// The organization.
        organization: &'a str,
        /// The invited address.
        email: &'a str,
        /// Whether the address has an account.
        taken: bool,
        /// Whether nobody signs up, the invited neither: the page has no form then.
        closed: bool,
        /// What was wrong with the password.
        password_problem: Option<PasswordProblem>,
        /// How long a password may be.
        password_length: PasswordLength,
    },
}

impl<'a> OrganizationList<'a> {
    /// The page with these organizations.
    pub fn new(
        frame: Frame<'a>,
        organizations: &'a [OrganizationItem],
        create: Option<&'a str>,
        (name, problem): (&'a str, Option<OrganizationProblem>),
    ) -> Self {
        Self { frame, organizations, create, name, problem }
    }
}

impl OrganizationItem {
    /// An organization at this path, in which the user has this role.
    pub fn new(
        name: impl Into<String>,
        role: impl Into<String>,
        [path, switch, leave]: [String; 3],
        current: bool,
    ) -> Self {
        Self { name: name.into(), role: role.into(), path, switch, leave, current }
    }
}

impl<'a> OrganizationPage<'a> {
    /// The page of an organization: its names, and its path and the way back.
    pub fn new(frame: Frame<'a>, [name, slug]: [&'a str; 2], [path, back]: [&'a str; 2]) -> Self {
        Self {
            frame,
            name,
            slug,
            path,
            back,
            service_accounts: None,
            manages: false,
            owns: false,
            requires_second_factor: false,
            single_sign_on: None,
            members: &[],
            more: None,
            invitations: &[],
            roles: &[],
            problem: None,
        }
    }
}

impl MemberItem {
    /// A member by id, name and role.
    pub fn new([id, name, role]: [String; 3], is_self: bool, changeable: bool) -> Self {
        Self { id, name, role, is_self, changeable }
    }
}

impl InvitationItem {
    /// An invitation by id, address and role.
    pub fn new([id, email, role]: [String; 3], until: OffsetDateTime) -> Self {
        Self { id, email, role, until }
    }
}

impl<'a> InvitationPage<'a> {
    /// The page that posts to `action`, with the ways to log in, to log out, and home.
    pub fn new(
        state: InvitationState<'a>,
        [action, token]: [&'a str; 2],
        [login, logout, home]: [&'a str; 3],
    ) -> Self {
        Self { state, action, token, login, logout, home, fields: &[], refused: None }
    }

    /// The same, where the host asks for more at the registration, or has refused it.
    #[must_use]
    pub fn asking(mut self, fields: &'a [SignUpEntry<'a>], refused: Option<&'a str>) -> Self {
        (self.fields, self.refused) = (fields, refused);
        self
    }
}
