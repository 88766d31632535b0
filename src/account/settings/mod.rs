//! The pages where a user sees to their own account, all below [`Paths::settings`].
//!
//! [`Paths::settings`]: super::Paths::settings

#[cfg(feature = "social")]
pub(super) mod connections;
mod delete;
mod export;
mod organization;
mod organizations;
mod overview;
mod password;
mod sessions;
mod tokens;
mod two_factor;
mod two_factor_setup;

use http::Method;

use self::organization::OrganizationFlow;
pub(super) use self::organization::single_sign_on_path;
pub(super) use self::two_factor_setup::cookie as setup_cookie;
use super::config::Paths;
use super::site::{Answer, Site, Visit};
use super::{AccountError, email_change};
use crate::page::{Frame, FrameLink, SettingsArea};
use crate::scope::Account;

/// Where a second factor is set up.
pub(super) fn second_factor_setup(site: &Site) -> String {
    Flow::TwoFactorSetup.path(site)
}

/// One of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Overview,
    Email,
    EmailConfirm,
    EmailCancel,
    Password,
    TwoFactor,
    TwoFactorSetup,
    BackupCodes,
    TwoFactorDisable,
    Passkeys,
    PasskeyRename,
    PasskeyDelete,
    Tokens,
    TokenRevoke,
    Export,
    Delete,
    Sessions,
    RevokeSession,
    RevokeOtherSessions,
    ForgetBrowsers,
    SignOutEverywhere,
    Organizations,
    Organization(OrganizationFlow),
    #[cfg(feature = "social")]
    Connections,
    #[cfg(feature = "social")]
    ConnectionsLink,
    #[cfg(feature = "social")]
    ConnectionsUnlink,
}

/// Where the organizations are.
const ORGANIZATIONS: &str = "/organizations";

/// Where each is, below the path of them all.
const FLOWS: &[(&str, Flow)] = &[
    ("", Flow::Overview),
    ("/email", Flow::Email),
    ("/email/confirm", Flow::EmailConfirm),
    ("/email/cancel", Flow::EmailCancel),
    ("/password", Flow::Password),
    ("/two-factor", Flow::TwoFactor),
    ("/two-factor/setup", Flow::TwoFactorSetup),
    ("/two-factor/backup-codes", Flow::BackupCodes),
    ("/two-factor/disable", Flow::TwoFactorDisable),
    ("/passkeys", Flow::Passkeys),
    ("/passkeys/rename", Flow::PasskeyRename),
    ("/passkeys/delete", Flow::PasskeyDelete),
    ("/tokens", Flow::Tokens),
    ("/tokens/revoke", Flow::TokenRevoke),
    ("/export", Flow::Export),
    ("/delete", Flow::Delete),
    ("/sessions", Flow::Sessions),
    ("/sessions/revoke", Flow::RevokeSession),
    ("/sessions/revoke-others", Flow::RevokeOtherSessions),
    ("/sessions/forget-browsers", Flow::ForgetBrowsers),
    ("/sessions/sign-out", Flow::SignOutEverywhere),
    (ORGANIZATIONS, Flow::Organizations),
    #[cfg(feature = "social")]
    ("/connections", Flow::Connections),
    #[cfg(feature = "social")]
    ("/connections/link", Flow::ConnectionsLink),
    #[cfg(feature = "social")]
    ("/connections/unlink", Flow::ConnectionsUnlink),
];

/// The pages that a user can choose from, in order.
const AREAS: &[(SettingsArea, Flow)] = &[
    (SettingsArea::Overview, Flow::Overview),
    (SettingsArea::Email, Flow::Email),
    (SettingsArea::Password, Flow::Password),
    (SettingsArea::TwoFactor, Flow::TwoFactor),
    (SettingsArea::Passkeys, Flow::Passkeys),
    (SettingsArea::Sessions, Flow::Sessions),
    (SettingsArea::Organizations, Flow::Organizations),
    (SettingsArea::Tokens, Flow::Tokens),
    (SettingsArea::Export, Flow::Export),
    (SettingsArea::Delete, Flow::Delete),
    #[cfg(feature = "social")]
    (SettingsArea::Connections, Flow::Connections),
];

impl Flow {
    /// The page at this path below them all.
    pub(super) fn at(rest: &str) -> Option<Self> {
        let fixed = FLOWS.iter().find(|(path, _)| *path == rest).map(|(_, flow)| *flow);
        fixed.or_else(|| {
            let rest = rest.strip_prefix(ORGANIZATIONS)?.strip_prefix('/')?;
            OrganizationFlow::at(rest).map(Flow::Organization)
        })
    }

    /// Whether there is such a page here.
    pub(super) fn is_there(self, site: &Site) -> bool {
        match self {
            Self::Passkeys | Self::PasskeyRename | Self::PasskeyDelete => site.passkeys.is_some(),
            Self::Tokens | Self::TokenRevoke => site.tokens.is_some(),
            Self::ForgetBrowsers => site.devices.trust_for().is_some(),
            Self::Organization(OrganizationFlow::SingleSignOn | OrganizationFlow::BreakGlass) => {
                site.organizations.single_sign_on
            }
            Self::Organization(OrganizationFlow::ServiceAccounts(_)) => {
                site.tokens.is_some() && site.organizations.service_accounts.is_some()
            }
            #[cfg(feature = "social")]
            Self::Connections | Self::ConnectionsLink | Self::ConnectionsUnlink => {
                site.social.is_some()
            }
            _ => true,
        }
    }

    /// Its path.
    pub(super) fn path(self, site: &Site) -> String {
        self.path_in(&site.paths)
    }

    fn path_in(self, paths: &Paths) -> String {
        let rest = FLOWS.iter().find(|(_, flow)| *flow == self).map_or("", |(path, _)| *path);
        format!("{}{rest}", paths.settings)
    }
}

/// Where the user sees where they are logged in.
pub(super) fn sessions_path(paths: &Paths) -> String {
    Flow::Sessions.path_in(paths)
}

/// Where the user sees to their organizations.
pub(super) fn organizations_path(paths: &Paths) -> String {
    Flow::Organizations.path_in(paths)
}

pub(super) async fn go(site: &Site, flow: Flow, method: &Method, visit: &Visit) -> Answer {
    let shows = method == Method::GET || method == Method::HEAD;
    let submits = method == Method::POST;
    match flow {
        Flow::Overview if shows => overview::show(site, visit),
        Flow::Email if shows => email_change::show(site, visit).await,
        Flow::Email if submits => email_change::request(site, visit).await,
        Flow::EmailConfirm if shows => email_change::show_confirm(site, visit).await,
        Flow::EmailConfirm if submits => email_change::confirm(site, visit).await,
        Flow::EmailCancel if shows => Ok(email_change::back(site)),
        Flow::EmailCancel if submits => email_change::cancel(site, visit).await,
        Flow::Password if shows => password::show(site, visit).await,
        Flow::Password if submits => password::submit(site, visit).await,
        Flow::TwoFactor if shows => two_factor::show(site, visit).await,
        Flow::TwoFactorSetup if shows => two_factor_setup::show(site, visit).await,
        Flow::TwoFactorSetup if submits => two_factor_setup::confirm(site, visit).await,
        // Whoever had to log in in between comes back by a GET.
        Flow::BackupCodes | Flow::TwoFactorDisable if shows => Ok(two_factor::back(site)),
        Flow::BackupCodes if submits => two_factor::regenerate(site, visit).await,
        Flow::TwoFactorDisable if submits => two_factor::disable(site, visit).await,
        Flow::Passkeys | Flow::PasskeyRename | Flow::PasskeyDelete if shows || submits => {
            let keys = site.passkeys.as_ref().ok_or(AccountError::Method)?;
            keys.settings(site, (flow, method), visit).await
        }
        Flow::Tokens if shows => tokens::show(site, visit).await,
        Flow::Tokens if submits => tokens::create(site, visit).await,
        Flow::TokenRevoke if shows => Ok(tokens::back(site)),
        Flow::TokenRevoke if submits => tokens::revoke(site, visit).await,
        Flow::Export if shows => export::show(site, visit),
        Flow::Export if submits => export::download(site, visit).await,
        Flow::Delete if shows => delete::show(site, visit).await,
        Flow::Delete if submits => delete::submit(site, visit).await,
        Flow::Sessions if shows => sessions::show(site, visit).await,
        Flow::RevokeSession
        | Flow::RevokeOtherSessions
        | Flow::ForgetBrowsers
        | Flow::SignOutEverywhere
            if shows =>
        {
            Ok(sessions::list(site))
        }
        Flow::ForgetBrowsers if submits => sessions::forget_browsers(site, visit).await,
        Flow::RevokeSession if submits => sessions::revoke(site, visit).await,
        Flow::RevokeOtherSessions if submits => sessions::revoke_others(site, visit).await,
        Flow::SignOutEverywhere if submits => sessions::sign_out(site, visit).await,
        Flow::Organizations if shows => organizations::show(site, visit).await,
        Flow::Organizations if submits => organizations::create(site, visit).await,
        Flow::Organization(flow) if shows => organization::show(site, flow, visit).await,
        Flow::Organization(flow) if submits => organization::change(site, flow, visit).await,
        #[cfg(feature = "social")]
        Flow::Connections if shows => connections::show(site, visit).await,
        #[cfg(feature = "social")]
        Flow::ConnectionsLink | Flow::ConnectionsUnlink if shows => {
            Ok(connections::back(site, None))
        }
        #[cfg(feature = "social")]
        Flow::ConnectionsLink if submits => connections::begin(site, visit).await,
        #[cfg(feature = "social")]
        Flow::ConnectionsUnlink if submits => connections::unlink(site, visit).await,
        _ => Err(AccountError::Method),
    }
}

/// What the frame of a page is made of.
pub(super) struct FrameParts {
    name: String,
    links: Vec<FrameLink>,
}

impl FrameParts {
    /// The frame around `current`, for this account.
    pub(super) fn new(site: &Site, account: &Account, current: Flow) -> Self {
        let links = AREAS
            .iter()
            .filter(|(_, flow)| flow.is_there(site))
            .map(|(area, flow)| FrameLink::new(*area, flow.path(site), *flow == current))
            .collect();
        let name = account.email().unwrap_or(account.id().as_str()).to_owned();
        Self { name, links }
    }

    /// As the page takes it.
    pub(super) fn frame<'a>(&'a self, site: &'a Site) -> Frame<'a> {
        Frame::new(&self.name, &self.links, &site.paths.logout, &site.paths.home)
    }
}
