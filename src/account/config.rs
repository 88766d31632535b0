use http::StatusCode;
use time::Duration;

use super::deletion::DeletionPolicy;
use super::limits::Limits;
use super::settings;
use crate::http::Mount;
use crate::store::{LockoutPolicy, RateLimit};

/// The absolute paths of the account pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Sign up; `/register`.
    pub register: String,
    /// The mailed link to confirm an address; `/confirm`.
    pub confirm: String,
    /// Where the link to confirm is asked for again; `/confirm/resend`.
    pub resend: String,
    /// Log in; `/login`.
    pub login: String,
    /// Where somebody who is logged in proves again who they are; `/login/again`.
    pub again: String,
    /// The second step of logging in, for those who have a second factor; `/login/verify`.
    pub verify: String,
    /// Where those log in whom their organization lets in although it enforces single sign-on;
    /// `/login/break-glass`.
    pub break_glass: String,
    /// Where a login leads that must choose another password first; `/login/password`.
    pub new_password: String,
    /// The script that pages with passkeys have; `/login/passkey.js`.
    pub passkey_script: String,
    /// Ask for a link to log in; `/login/link`.
    pub login_link: String,
    /// That link; `/login/link/open`.
    pub open_login_link: String,
    /// Log in with another provider (feature `social`): this path and the provider's id, and pages
    /// below that; `/login/with`.
    pub social: String,
    /// Where a user lets an app of the host's own log in; `/app/login`. This and the next three are
    /// there if there are [`apps`](super::app).
    pub app_login: String,
    /// Where such an app exchanges its code; `/app/session`.
    pub app_session: String,
    /// Where it exchanges its refresh token; `/app/session/refresh`.
    pub app_refresh: String,
    /// Where it logs out; `/app/session/revoke`.
    pub app_revoke: String,
    /// Log out; `/logout`.
    pub logout: String,
    /// Ask for a new password; `/forgot-password`.
    pub forgot_password: String,
    /// The mailed link to set it; `/reset-password`.
    pub reset_password: String,
    /// Where a user keeps an account that is going to be deleted; `/keep-account`.
    pub keep_account: String,
    /// The mailed link to join an organization; `/invitation`.
    pub invitation: String,
    /// The pages where a user sees to their own account, this one and all below it; `/settings`.
    pub settings: String,
    /// The pages of administrators, this one and all below it; `/admin`. There are none unless the
    /// host says who is one.
    pub admin: String,
    /// Where a visitor goes who came from nowhere in particular; `/`. Not answered by this layer.
    pub home: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            register: "/register".to_owned(),
            confirm: "/confirm".to_owned(),
            resend: "/confirm/resend".to_owned(),
            login: "/login".to_owned(),
            again: "/login/again".to_owned(),
            verify: "/login/verify".to_owned(),
            break_glass: "/login/break-glass".to_owned(),
            new_password: "/login/password".to_owned(),
            passkey_script: "/login/passkey.js".to_owned(),
            login_link: "/login/link".to_owned(),
            open_login_link: "/login/link/open".to_owned(),
            social: "/login/with".to_owned(),
            app_login: "/app/login".to_owned(),
            app_session: "/app/session".to_owned(),
            app_refresh: "/app/session/refresh".to_owned(),
            app_revoke: "/app/session/revoke".to_owned(),
            logout: "/logout".to_owned(),
            forgot_password: "/forgot-password".to_owned(),
            reset_password: "/reset-password".to_owned(),
            keep_account: "/keep-account".to_owned(),
            invitation: "/invitation".to_owned(),
            settings: "/settings".to_owned(),
            admin: "/admin".to_owned(),
            home: "/".to_owned(),
        }
    }
}

/// What each account page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Register,
    Confirm,
    Resend,
    Login,
    Again,
    Verify,
    BreakGlass,
    NewPassword,
    PasskeyScript,
    LoginLink,
    OpenLoginLink,
    AppLogin,
    AppSession,
    AppRefresh,
    AppRevoke,
    Logout,
    ForgotPassword,
    ResetPassword,
    KeepAccount,
    Invitation,
    Settings(settings::Flow),
    Admin,
    /// By the place of the provider.
    #[cfg(feature = "social")]
    Social(usize, super::social::Flow),
}

impl Flow {
    /// Who may post to it.
    pub(super) fn mount(self) -> Mount {
        match self {
            // Providers do, who answer by form.
            #[cfg(feature = "social")]
            Self::Social(_, super::social::Flow::Callback) => Mount::ENDPOINT,
            // Programs do, which have no cookie.
            Self::AppSession | Self::AppRefresh | Self::AppRevoke => Mount::ENDPOINT,
            _ => Mount::PAGE,
        }
    }

    /// Whether an answer to its form could tell by its time whose the address in it is. Whoever comes
    /// in by it need not wait: that says more than any time.
    pub(super) fn keeps_silent(self, status: StatusCode) -> bool {
        match self {
            Self::Register
            | Self::Resend
            | Self::ForgotPassword
            | Self::LoginLink
            | Self::Settings(settings::Flow::Email) => true,
            Self::Login | Self::BreakGlass | Self::Confirm => {
                status == StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => false,
        }
    }

    /// Whether its form is counted against the limits by the transition that it begins with.
    pub(super) fn counts_itself(self) -> bool {
        matches!(self, Self::Login | Self::BreakGlass | Self::Verify | Self::Again)
            || self.is_for_programs()
    }

    /// Whether it is no page, and only posted to.
    pub(super) fn is_for_programs(self) -> bool {
        matches!(self, Self::AppSession | Self::AppRefresh | Self::AppRevoke)
    }
}

impl Paths {
    fn own(&self) -> Vec<(&str, Flow)> {
        vec![
            (&self.register, Flow::Register),
            (&self.confirm, Flow::Confirm),
            (&self.resend, Flow::Resend),
            (&self.login, Flow::Login),
            (&self.again, Flow::Again),
            (&self.verify, Flow::Verify),
            (&self.break_glass, Flow::BreakGlass),
            (&self.new_password, Flow::NewPassword),
            (&self.passkey_script, Flow::PasskeyScript),
            (&self.login_link, Flow::LoginLink),
            (&self.open_login_link, Flow::OpenLoginLink),
            (&self.app_login, Flow::AppLogin),
            (&self.app_session, Flow::AppSession),
            (&self.app_refresh, Flow::AppRefresh),
            (&self.app_revoke, Flow::AppRevoke),
            (&self.logout, Flow::Logout),
            (&self.forgot_password, Flow::ForgotPassword),
            (&self.reset_password, Flow::ResetPassword),
            (&self.keep_account, Flow::KeepAccount),
            (&self.invitation, Flow::Invitation),
        ]
    }

    /// The flow that a path belongs to.
    pub(super) fn flow(&self, path: &str) -> Option<Flow> {
        let own = self.own().into_iter().find(|(own, _)| *own == path).map(|(_, flow)| flow);
        let settings = || {
            let rest = path.strip_prefix(self.settings.as_str())?;
            settings::Flow::at(rest).map(Flow::Settings)
        };
        let admin = || {
            let rest = path.strip_prefix(self.admin.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some(Flow::Admin)
        };
        own.or_else(settings).or_else(admin)
    }

    /// A path that cannot be one: not absolute, with a query, or of two flows.
    pub(super) fn fault(&self) -> Option<&str> {
        let own = self.own();
        let twice = |path: &str| own.iter().filter(|(other, _)| *other == path).count() > 1;
        let others = [self.social.as_str(), self.home.as_str(), self.admin.as_str()];
        let mut paths = own.iter().map(|(path, _)| *path).chain(others);
        paths.find(|path| !is_plain(path) || twice(path))
    }
}

/// Whether it is an absolute path of this host, without a query, that nobody reads as another.
pub(super) fn is_plain(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\%".contains(&b))
}

/// The rules of the account pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How old a password may be; a login with an older one leads to choosing another. `None`, since
    /// passwords that are changed for their age are made worse by it (NIST SP 800-63B-4, section
    /// 3.1.1.2). To have one account choose another is
    /// [`Accounts::require_password_change`](super::Accounts::require_password_change).
    pub password_max_age: Option<Duration>,
    /// How long a link to confirm an address works; 48 hours.
    pub confirm_for: Duration,
    /// How often the codes to confirm an address may be tried, however many are mailed; 5 times in an
    /// hour. Each code may be tried five times.
    pub code_tries: RateLimit,
    /// How often a user may try the codes that are mailed for a change of the address, for however many
    /// addresses they ask; 20 times in a day.
    pub email_change_tries: RateLimit,
    /// How long a link to log in works; 10 minutes. Zero for no such links.
    pub login_link_for: Duration,
    /// How long a change of an address waits to be confirmed; 24 hours.
    pub email_change_for: Duration,
    /// How long a link to set a new password works; one hour.
    pub reset_for: Duration,
    /// When an address is locked, or a browser that its user is known by; for 15 minutes after 5
    /// attempts.
    pub lockout: LockoutPolicy,
    /// How long a user is known by a browser after logging in with it; 180 days. A stranger who
    /// locks an address does not lock its owner out of such a browser. Zero for not at all.
    pub known_for: Duration,
    /// When the codes of a user are locked, those of an authenticator app and backup codes together;
    /// for 15 minutes after 5 attempts.
    pub second_factor_lockout: LockoutPolicy,
    /// How long a browser asks for no second factor once its user trusts it; 30 days, and never
    /// longer than [`Policy::known_for`]. Zero for not at all.
    pub trust_for: Duration,
    /// How often a link may be asked for, per address and purpose, how often its owner is told that
    /// somebody tried to sign up with it, and how often a user asks for another address; 3 times in
    /// 15 minutes.
    pub link_requests: RateLimit,
    /// Answers to whoever signs up, asks for a link or another address, or fails to log in are given when a multiple of
    /// this has gone by since the question, so that what little they differ by tells nothing of the address;
    /// 100 ms. Zero for at once.
    ///
    /// It hides no difference that is larger. Where password hashes are stored at several costs, what evens
    /// out logins is to declare them: [`AccountLayerBuilder::stored_as`](super::AccountLayerBuilder::stored_as).
    pub even_answers: Duration,
    /// How often forms may be posted.
    pub limits: Limits,
    /// How long an account stays of which nothing came: somebody signed up, and nobody has confirmed
    /// the address, or ever logged in; 7 days, and never shorter than a link to confirm it works. What
    /// the host makes is none of these. Zero for as long as there is a database.
    pub abandoned_for: Duration,
    /// Whether a user logs in whose address is not confirmed; not.
    pub unconfirmed: Unconfirmed,
    /// Who may sign up; everybody.
    pub sign_ups: SignUps,
    /// How accounts end.
    pub deletion: DeletionPolicy,
}

/// Who may sign up. What the host's own code does by [`Accounts`](super::Accounts), and another layer, as
/// that of SAML, is not asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUps {
    /// Everybody: by the form, by an invitation to an organization, and by a provider if
    /// [`SocialPolicy::sign_up`](super::social::SocialPolicy::sign_up) says so, too.
    Open,
    /// Who has an invitation to an organization, by its link and a password.
    Invited,
    /// Nobody. Who is invited and has an account joins. An account whose address nobody has confirmed
    /// goes to nobody by the word of a provider, whatever domain that speaks for: here and where sign-ups
    /// take an invitation.
    Closed,
}

/// Whether a user logs in whose address is not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfirmed {
    /// Yes; the host sees it in `Account::email_verified`. Whoever signs up with an address, and then
    /// logs in, learns whether the address was free.
    Allow,
    /// No; with the right password the login is refused as with a wrong one, so that nobody learns
    /// whether an address was free by signing up with it, and the link is sent again.
    Block,
}

impl Default for Policy {
    fn default() -> Self {
        let window = Duration::minutes(15);
        Self {
            password_max_age: None,
            confirm_for: Duration::hours(48),
            code_tries: RateLimit { times: 5, window: Duration::HOUR },
            email_change_tries: RateLimit { times: 20, window: Duration::DAY },
            login_link_for: Duration::minutes(10),
            email_change_for: Duration::DAY,
            reset_for: Duration::HOUR,
            lockout: LockoutPolicy { attempts: 5, lock_for: window },
            known_for: Duration::days(180),
            second_factor_lockout: LockoutPolicy { attempts: 5, lock_for: window },
            trust_for: Duration::days(30),
            link_requests: RateLimit { times: 3, window },
            even_answers: Duration::milliseconds(100),
            limits: Limits::default(),
            abandoned_for: Duration::days(7),
            unconfirmed: Unconfirmed::Block,
            sign_ups: SignUps::Open,
            deletion: DeletionPolicy::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain_and_lead_to_one_flow_each() {
        assert_eq!(Paths::default().fault(), None);
        assert_eq!(Paths::default().flow("/login"), Some(Flow::Login));
        assert_eq!(Paths::default().flow("/login/"), None);
        for bad in ["login", "//login", "/log in", "/login?a", "/register", ""] {
            let paths = Paths { login: bad.to_owned(), ..Paths::default() };
            assert_eq!(paths.fault(), Some(bad));
        }
    }
}
