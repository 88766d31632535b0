use serde::Serialize;
use serde_json::{Map, Value};

use super::super::*;

/// The pages as JSON: what each is given, its name, and the forms it would have. Mails and whatever
/// else no front end shows are those of the host.
#[derive(Debug)]
pub(crate) struct JsonPages(pub(crate) std::sync::Arc<dyn Pages>);

/// One object: the page's name, its forms, and what it is given.
fn write(name: &str, forms: &[(&str, &[&str])], page: &impl Serialize) -> String {
    let mut object = match serde_json::to_value(page) {
        Ok(Value::Object(object)) => object,
        Ok(_) => Map::new(),
        Err(error) => {
            tracing::error!(%error, name, "a page could not be written as JSON");
            Map::new()
        }
    };
    let member = |(member, fields): &(&str, &[&str])| ((*member).to_owned(), Value::from(*fields));
    let forms = forms.iter().map(member).collect::<Map<_, _>>();
    object.insert("page".to_owned(), name.into());
    object.insert("forms".to_owned(), forms.into());
    Value::Object(object).to_string()
}

/// Each page by its name, with its forms: the member that says where to post to (what follows a slash
/// is put behind it), and the fields.
macro_rules! pages {
    ($($name:ident($data:ident): { $($member:literal: [$($field:literal),*]),* $(,)? };)*) => {
        impl Pages for JsonPages {
            fn theme(&self) -> &Theme {
                self.0.theme()
            }

            fn error(&self, page: &ErrorPage<'_>) -> String {
                self.0.error(page)
            }

            fn rejected(&self, page: &Rejected<'_>) -> String {
                self.0.rejected(page)
            }

            fn impersonation_banner(&self, banner: &ImpersonationBanner<'_>) -> String {
                self.0.impersonation_banner(banner)
            }

            fn mail(&self, letter: &Letter<'_>) -> Mail {
                self.0.mail(letter)
            }

            $(fn $name(&self, page: &$data<'_>) -> String {
                write(stringify!($name), &[$(($member, &[$($field),*])),*], page)
            })*
        }
    };
}

pages! {
    login(Login): { "action": ["email", "password", "remember", "single_sign_on", "credential"] };
    verify_login(VerifyLogin): { "action": ["code", "trust", "credential"] };
    new_password(NewPasswordPage): { "action": ["password"] };
    login_again(LoginAgain): { "action": ["password", "code", "credential"] };
    register(Register): { "action": ["email", "password"] };
    check_mail(CheckMail): { "code": ["email", "code"], "resend": ["email"] };
    confirm(Confirm): { "action": ["token", "password"] };
    confirm_code(ConfirmCode): { "action": ["email", "code", "password"], "resend": ["email"] };
    ask_login_link(AskLoginLink): { "action": ["email"] };
    open_login_link(OpenLoginLink): { "action": ["token", "email", "password", "remember"] };
    link_over(LinkOver): {};
    forgot_password(ForgotPassword): { "action": ["email"] };
    reset_password(ResetPassword): { "action": ["token", "password"] };
    settings_overview(SettingsOverview): {};
    settings_password(PasswordSettings): { "action": ["current", "password"] };
    settings_email(EmailSettings): { "action": ["email"], "confirm": ["code"], "cancel": [] };
    settings_email_confirm(ConfirmEmailChange): { "action": ["token"] };
    settings_two_factor(TwoFactor): { "regenerate": ["code", "credential"], "disable": ["code"] };
    settings_two_factor_setup(TwoFactorSetup): { "action": ["code"] };
    settings_backup_codes(BackupCodes): {};
    settings_tokens(Tokens): { "action": ["name", "scope", "lifetime"], "revoke": ["id"] };
    settings_token_created(TokenCreated): {};
    settings_export(ExportAccount): { "action": [] };
    settings_delete(DeleteAccount): { "action": ["confirm", "password", "code"] };
    account_leaving(AccountLeaving): {};
    keep_account(KeepAccount): { "action": ["token"] };
    settings_organizations(OrganizationList): { "create": ["name", "slug"] };
    settings_organization(OrganizationPage): {
        "path/rename": ["name"],
        "path/invite": ["email", "role"],
        "path/revoke": ["invitation"],
        "path/role": ["user", "role"],
        "path/remove": ["user"],
        "path/second-factor": ["required"],
        "path/delete": ["slug"],
    };
    settings_single_sign_on(SsoPage): {
        "path": ["domain", "mode"],
        "back/break-glass": ["user", "named"],
    };
    break_glass(BreakGlassPage): { "action": ["email", "password"] };
    settings_service_accounts(ServiceAccountList): { "action": ["name"] };
    settings_service_account(ServiceAccountPage): {
        "path/credentials": ["name", "scope", "lifetime"],
        "path/rotate": ["id"],
        "path/revoke": ["id"],
        "path/disable": [],
        "path/enable": [],
    };
    invitation(InvitationPage): { "action": ["token", "password"] };
    admin_users(AdminUsers): {};
    admin_user(AdminUser): {
        "action/revoke-sessions": [],
        "action/send-reset": [],
        "action/require-password-change": [],
        "action/disable": [],
        "action/enable": [],
        "action/remove-second-factor": [],
        "action/delete": [],
        "action/keep": [],
        "action/impersonate": ["reason"],
    };
    admin_organizations(AdminOrganizations): {};
    admin_organization(AdminOrganization): {
        "path/remove": ["user"],
        "path/role": ["user", "role"],
        "path/revoke": ["invitation"],
        "path/grant-domain": ["domain", "login_path"],
        "path/withdraw-domain": ["domain"],
        "path/delete": ["slug"],
    };
    admin_webhooks(AdminWebhooks): {};
    admin_webhook(AdminWebhook): {
        "path/replay": ["event"],
        "path/replay-all": [],
        "path/enable": [],
        "path/disable": [],
        "path/rotate": ["overlap"],
    };
    admin_webhook_secret(AdminWebhookSecret): {};
    admin_mails(AdminMails): { "action": ["days"] };
    admin_audit(AdminAudit): {};
    settings_passkeys(PasskeySettings): {
        "add": ["name", "credential"],
        "rename": ["id", "name"],
        "delete": ["id"],
    };
    link_identity(LinkIdentity): { "action": [] };
    provider_email(ProviderEmail): { "action": ["email", "token"] };
    settings_connections(Connections): { "link": ["provider"], "unlink": ["provider"] };
    app_login(AppLogin): { "action": ["decision"] };
    settings_sessions(SessionList): {
        "revoke": ["session"],
        "revoke_others": [],
        "forget_browsers": [],
        "sign_out": ["apps"],
    };
    logout(Logout): { "action": [] };
    logged_out(LoggedOut): {};
}
