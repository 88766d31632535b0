use std::fmt::Debug;

use serde::Serialize;

use super::mail::{Letter, Mail};
use super::{
    AccountLeaving, AdminAudit, AdminMails, AdminOrganization, AdminOrganizations, AdminUser,
    AdminUsers, AdminWebhook, AdminWebhookSecret, AdminWebhooks, AppLogin, AskLoginLink,
    BackupCodes, BreakGlassPage, CheckMail, Confirm, ConfirmCode, ConfirmEmailChange, Connections,
    DeleteAccount, EmailSettings, ExportAccount, ForgotPassword, ImpersonationBanner,
    InvitationPage, KeepAccount, LinkIdentity, LinkOver, Login, LoginAgain, NewPasswordPage,
    OpenLoginLink, OrganizationList, OrganizationPage, PasskeySettings, PasswordSettings,
    ProviderEmail, Register, ResetPassword, ServiceAccountList, ServiceAccountPage, SessionList,
    SettingsOverview, SsoPage, Theme, TokenCreated, Tokens, TwoFactor, TwoFactorSetup, VerifyLogin,
    render,
};
use crate::http::Rejection;

/// The pages and mails of the application. Each has a built-in default in the look of a
/// [`Theme`]; a host replaces those it wants, one by one. A theme itself is all the defaults.
///
/// A page is a whole HTML document. It may carry inline styles, and images from the application's
/// own origin; no script runs on it but ours, where it asks for a passkey
/// ([`PasskeyPrompt`](super::PasskeyPrompt)). Whatever it shows of its data must be escaped. The element ids
/// of the built-in pages (`email`, `password`, `submit`, `approve`, `deny`, `error`,
/// `error-description`, `logged-out`) are what outside tools look for.
///
/// ```
/// use donjon::page::{LoggedOut, Pages, Theme};
///
/// #[derive(Debug)]
/// struct Mine(Theme);
///
/// impl Pages for Mine {
///     fn theme(&self) -> &Theme {
///         &self.0
///     }
///
///     fn logged_out(&self, _: &LoggedOut<'_>) -> String {
///         "<!doctype html><title>Bye</title><p id=logged-out>Bye!".to_owned()
///     }
/// }
/// ```
pub trait Pages: Debug + Send + Sync + 'static {
    /// The look of the built-in pages.
    fn theme(&self) -> &Theme;

    /// Where a user logs in.
    fn login(&self, page: &Login<'_>) -> String {
        render::login(self.theme(), page)
    }

    /// The second step of logging in, for those who have a second factor.
    fn verify_login(&self, page: &VerifyLogin<'_>) -> String {
        render::verify_login(self.theme(), page)
    }

    /// The last step of logging in, for those who must choose another password first.
    fn new_password(&self, page: &NewPasswordPage<'_>) -> String {
        render::new_password(self.theme(), page)
    }

    /// Where somebody who is logged in proves again who they are.
    fn login_again(&self, page: &LoginAgain<'_>) -> String {
        render::login_again(self.theme(), page)
    }

    /// Where a user signs up.
    fn register(&self, page: &Register<'_>) -> String {
        render::register(self.theme(), page)
    }

    /// After something was mailed, or was not: it never says which.
    fn check_mail(&self, page: &CheckMail<'_>) -> String {
        render::check_mail(self.theme(), page)
    }

    /// Behind the mailed link to confirm an address. Mail scanners open links, so it takes a click
    /// more.
    fn confirm(&self, page: &Confirm<'_>) -> String {
        render::confirm(self.theme(), page)
    }

    /// Where a user types the code that came with the link to confirm an address.
    fn confirm_code(&self, page: &ConfirmCode<'_>) -> String {
        render::confirm_code(self.theme(), page)
    }

    /// Where a user asks for a link to log in.
    fn ask_login_link(&self, page: &AskLoginLink<'_>) -> String {
        render::ask_login_link(self.theme(), page)
    }

    /// Behind the mailed link to log in. Mail scanners open links, so it takes a click more.
    fn open_login_link(&self, page: &OpenLoginLink<'_>) -> String {
        render::open_login_link(self.theme(), page)
    }

    /// Behind a mailed link that opens nothing.
    fn link_over(&self, page: &LinkOver<'_>) -> String {
        render::link_over(self.theme(), page)
    }

    /// Where a user asks for a new password.
    fn forgot_password(&self, page: &ForgotPassword<'_>) -> String {
        render::forgot_password(self.theme(), page)
    }

    /// Behind the mailed link to set a new password.
    fn reset_password(&self, page: &ResetPassword<'_>) -> String {
        render::reset_password(self.theme(), page)
    }

    /// Where a user sees to their own account.
    fn settings_overview(&self, page: &SettingsOverview<'_>) -> String {
        render::settings_overview(self.theme(), page)
    }

    /// Where a user changes the password, or sets the first one.
    fn settings_password(&self, page: &PasswordSettings<'_>) -> String {
        render::settings_password(self.theme(), page)
    }

    /// Where a user asks for another email address.
    fn settings_email(&self, page: &EmailSettings<'_>) -> String {
        render::settings_email(self.theme(), page)
    }

    /// Behind the mailed link to have another address. Mail scanners open links, so it takes a click
    /// more.
    fn settings_email_confirm(&self, page: &ConfirmEmailChange<'_>) -> String {
        render::settings_email_confirm(self.theme(), page)
    }

    /// Where a user sees to their second factor.
    fn settings_two_factor(&self, page: &TwoFactor<'_>) -> String {
        render::settings_two_factor(self.theme(), page)
    }

    /// Where a user sets up an authenticator app.
    fn settings_two_factor_setup(&self, page: &TwoFactorSetup<'_>) -> String {
        render::settings_two_factor_setup(self.theme(), page)
    }

    /// Shows fresh backup codes, once.
    fn settings_backup_codes(&self, page: &BackupCodes<'_>) -> String {
        render::settings_backup_codes(self.theme(), page)
    }

    /// The API tokens of a user.
    fn settings_tokens(&self, page: &Tokens<'_>) -> String {
        render::settings_tokens(self.theme(), page)
    }

    /// Shows a fresh API token, once.
    fn settings_token_created(&self, page: &TokenCreated<'_>) -> String {
        render::settings_token_created(self.theme(), page)
    }

    /// Where a user takes all that is known of them.
    fn settings_export(&self, page: &ExportAccount<'_>) -> String {
        render::settings_export(self.theme(), page)
    }

    /// Where a user asks for the end of the account.
    fn settings_delete(&self, page: &DeleteAccount<'_>) -> String {
        render::settings_delete(self.theme(), page)
    }

    /// After a user asked for the end of the account.
    fn account_leaving(&self, page: &AccountLeaving<'_>) -> String {
        render::account_leaving(self.theme(), page)
    }

    /// Asks whether an account that is going to be deleted is to be kept.
    fn keep_account(&self, page: &KeepAccount<'_>) -> String {
        render::keep_account(self.theme(), page)
    }

    /// Where a user sees to their organizations.
    fn settings_organizations(&self, page: &OrganizationList<'_>) -> String {
        render::settings_organizations(self.theme(), page)
    }

    /// Where the members of an organization see to it.
    fn settings_organization(&self, page: &OrganizationPage<'_>) -> String {
        render::settings_organization(self.theme(), page)
    }

    /// Where the owners of an organization see to its single sign-on.
    fn settings_single_sign_on(&self, page: &SsoPage<'_>) -> String {
        render::settings_single_sign_on(self.theme(), page)
    }

    /// Where those log in whom their organization lets in although it enforces single sign-on.
    fn break_glass(&self, page: &BreakGlassPage<'_>) -> String {
        render::break_glass(self.theme(), page)
    }

    /// Where the managers of an organization see to its service accounts.
    fn settings_service_accounts(&self, page: &ServiceAccountList<'_>) -> String {
        render::settings_service_accounts(self.theme(), page)
    }

    /// Where they see to one of them, and its credentials.
    fn settings_service_account(&self, page: &ServiceAccountPage<'_>) -> String {
        render::settings_service_account(self.theme(), page)
    }

    /// Behind the mailed link to join an organization. Mail scanners open links, so it takes a
    /// click more.
    fn invitation(&self, page: &InvitationPage<'_>) -> String {
        render::invitation(self.theme(), page)
    }

    /// Where an administrator looks for users.
    fn admin_users(&self, page: &AdminUsers<'_>) -> String {
        render::admin_users(self.theme(), page)
    }

    /// Where an administrator sees to one user.
    fn admin_user(&self, page: &AdminUser<'_>) -> String {
        render::admin_user(self.theme(), page)
    }

    /// Where an administrator looks for organizations.
    fn admin_organizations(&self, page: &AdminOrganizations<'_>) -> String {
        render::admin_organizations(self.theme(), page)
    }

    /// Where an administrator sees to one organization.
    fn admin_organization(&self, page: &AdminOrganization<'_>) -> String {
        render::admin_organization(self.theme(), page)
    }

    /// Where an administrator sees whom webhooks tell.
    fn admin_webhooks(&self, page: &AdminWebhooks<'_>) -> String {
        render::admin_webhooks(self.theme(), page)
    }

    /// Where an administrator sees to one webhook endpoint.
    fn admin_webhook(&self, page: &AdminWebhook<'_>) -> String {
        render::admin_webhook(self.theme(), page)
    }

    /// Shows the new secret of a webhook endpoint, once.
    fn admin_webhook_secret(&self, page: &AdminWebhookSecret<'_>) -> String {
        render::admin_webhook_secret(self.theme(), page)
    }

    /// Where an administrator sees which mails were given up.
    fn admin_mails(&self, page: &AdminMails<'_>) -> String {
        render::admin_mails(self.theme(), page)
    }

    /// Where an administrator reads the audit log.
    fn admin_audit(&self, page: &AdminAudit<'_>) -> String {
        render::admin_audit(self.theme(), page)
    }

    /// What is seen on every page while an administrator acts as a user: a piece of HTML.
    fn impersonation_banner(&self, banner: &ImpersonationBanner<'_>) -> String {
        render::impersonation_banner(self.theme(), banner)
    }

    /// Where a user sees to their passkeys.
    fn settings_passkeys(&self, page: &PasskeySettings<'_>) -> String {
        render::settings_passkeys(self.theme(), page)
    }

    /// Asks whether to link an identity at a provider to the account that has its address.
    fn link_identity(&self, page: &LinkIdentity<'_>) -> String {
        render::link_identity(self.theme(), page)
    }

    /// Asks for an address, whose provider vouches for none.
    fn provider_email(&self, page: &ProviderEmail<'_>) -> String {
        render::provider_email(self.theme(), page)
    }

    /// Where a user sees to the identities at other providers.
    fn settings_connections(&self, page: &Connections<'_>) -> String {
        render::settings_connections(self.theme(), page)
    }

    /// Asks whether to let an app of the host's own log in.
    fn app_login(&self, page: &AppLogin<'_>) -> String {
        render::app_login(self.theme(), page)
    }

    /// Where a user sees where they are logged in.
    fn settings_sessions(&self, page: &SessionList<'_>) -> String {
        render::settings_sessions(self.theme(), page)
    }

    /// Asks whether to log out: a link from elsewhere must not do it.
    fn logout(&self, page: &Logout<'_>) -> String {
        render::logout(self.theme(), page)
    }

    /// After a logout.
    fn logged_out(&self, page: &LoggedOut<'_>) -> String {
        render::logged_out(self.theme(), page)
    }

    /// Asks whether a client may act for the user.
    fn consent(&self, page: &Consent<'_>) -> String {
        render::consent(self.theme(), page)
    }

    /// Carries an answer to a client by a form (OAuth 2.0 Form Post Response Mode).
    fn form_post(&self, page: &FormPost<'_>) -> String {
        render::form_post(self.theme(), page)
    }

    /// Says what is wrong and what to do.
    fn error(&self, page: &ErrorPage<'_>) -> String {
        render::error(self.theme(), page)
    }

    /// Says why a request went nowhere: no such page, too much, from another site.
    fn rejected(&self, page: &Rejected<'_>) -> String {
        render::rejected(self.theme(), page)
    }

    /// Writes a mail.
    fn mail(&self, letter: &Letter<'_>) -> Mail {
        render::mail(self.theme(), letter)
    }
}

impl Pages for Theme {
    fn theme(&self) -> &Theme {
        self
    }
}

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PasswordProblem {
    /// It has too few characters.
    TooShort,
    /// It has too many characters.
    TooLong,
    /// It is one of those that most people choose.
    Common,
    /// It has leaked somewhere.
    Breached,
    /// It is the one that there is.
    Unchanged,
    /// Nobody could tell just now whether it has leaked.
    Unchecked,
    /// It is easy to guess.
    Guessable(PasswordAdvice),
}

/// What would make a password harder to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PasswordAdvice {
    /// Leave out what others know: the name, the address, the product.
    Personal,
    /// Keep away from a common password, however it is spelt.
    Similar,
    /// Do not rest on one word.
    Word,
    /// Do not rest on names.
    Name,
    /// Do not follow the rows of the keyboard.
    Keys,
    /// Do not repeat.
    Repeats,
    /// Do not count or spell along.
    Sequence,
    /// Leave out dates and years.
    Date,
    /// Make it longer.
    More,
}

/// How many characters a password has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PasswordLength {
    /// At least.
    pub min: usize,
    /// At most.
    pub max: usize,
}

/// Data of [`Pages::logout`].
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Logout<'a> {
    /// Where the form is posted to.
    pub action: &'a str,
    /// Where to go instead.
    pub stay: &'a str,
    /// Who is logged in: the address, or else the id.
    pub account: &'a str,
}

/// Data of [`Pages::logged_out`].
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LoggedOut<'a> {
    /// The page to log in.
    pub login: &'a str,
}

/// Data of [`Pages::consent`].
#[derive(Clone, Debug)]
pub struct Consent<'a> {
    /// Where the form is posted to: fields `shown_to`, and `decision`, which is `approve` or
    /// `deny`.
    pub action: &'a str,
    /// The mark that ties the form to the user it was shown to.
    pub shown_to: &'a str,
    /// The client's name.
    pub client_name: &'a str,
    /// The client's page.
    pub client_uri: Option<&'a str>,
    /// The client's privacy policy.
    pub policy_uri: Option<&'a str>,
    /// The client's terms.
    pub tos_uri: Option<&'a str>,
    /// Where the answer goes: an origin, or the scheme of an app's own address.
    pub redirect_target: &'a str,
    /// Who is logged in: the address, or else the id.
    pub account: &'a str,
    /// The scopes asked for.
    pub scopes: &'a [String],
    /// The resources asked for (RFC 8707).
    pub resources: &'a [String],
}

/// Data of [`Pages::form_post`].
#[derive(Clone, Debug)]
pub struct FormPost<'a> {
    /// The client's redirect URI.
    pub action: &'a str,
    /// The fields of the answer.
    pub fields: &'a [(&'a str, &'a str)],
}

/// Data of [`Pages::error`].
#[derive(Clone, Debug)]
pub struct ErrorPage<'a> {
    /// A code for tools and support, such as `invalid_request`.
    pub code: &'a str,
    /// The fault and the fix.
    pub description: &'a str,
}

/// Data of [`Pages::rejected`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rejected<'a> {
    /// What was wrong.
    pub rejection: Rejection,
    /// Where to go on, if anywhere.
    pub home: Option<&'a str>,
}

impl<'a> Rejected<'a> {
    /// The page for this fault, which leads nowhere.
    pub fn new(rejection: Rejection) -> Self {
        Self { rejection, home: None }
    }

    /// The same page, with a link to this path.
    #[must_use]
    pub fn with_home(self, path: &'a str) -> Self {
        Self { home: Some(path), ..self }
    }
}
