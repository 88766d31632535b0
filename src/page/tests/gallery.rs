mod admin;

use super::*;

/// Every built-in page, once with ordinary data and once with `EVIL` wherever text goes.
pub(super) fn gallery(theme: &dyn Pages, email: &str, text: &str) -> Vec<(&'static str, String)> {
    let length = PasswordLength { min: 8, max: 128 };
    let scopes =
        ["openid", "profile", "email", "offline_access", "api:read", text].map(str::to_owned);
    let others =
        [OtherDoor { name: if text == EVIL { EVIL } else { "Acme" }, href: "/saml/acme/login" }];
    let login = Login {
        action: text,
        register: text,
        forgot: text,
        email,
        remember: true,
        again: false,
        refused: false,
        notice: None,
        others: &[],
        passkey: None,
        single_sign_on: false,
        link: Some(text),
        confirm: Some(text),
    };
    let options = if text == EVIL { EVIL } else { "{\"challenge\":\"AAAA\"}" };
    let prompt = PasskeyPrompt::new(options, "/login/passkey.js?v=1", true);
    let register = Register {
        action: text,
        login: text,
        email,
        invalid_email: false,
        password_problem: None,
        password_length: length,
        others: &[],
        fields: &[],
        refused: None,
        closed: None,
    };
    let field = |name, wrong| SignUpEntry {
        name,
        label: text,
        value: text,
        max_length: 80,
        required: true,
        wrong,
    };
    let fields = [field("name", false), field("team", true)];
    let refused = Register {
        invalid_email: true,
        password_problem: Some(PasswordProblem::TooShort),
        ..register.clone()
    };
    let vetoed = Register { fields: &fields, refused: Some(text), ..register.clone() };
    let closed = |closed| Register { closed: Some(closed), ..register.clone() };
    let reset = ResetPassword {
        action: text,
        token: text,
        email,
        password_problem: None,
        password_length: length,
    };
    let confirm = Confirm {
        action: text,
        token: text,
        email,
        asks_password: false,
        refused: false,
        forgot: text,
    };
    let check = |about| CheckMail { about, code: Some(text), email, resend: text, login: text };
    let by_link = |email| OpenLoginLink::new([text; 3], email, email.is_none(), true);
    let consent = Consent {
        action: text,
        shown_to: text,
        client_name: if text == EVIL { EVIL } else { "Paperclip Planner" },
        client_uri: Some("https://planner.example"),
        policy_uri: Some("https://planner.example/privacy"),
        tos_uri: Some("javascript:alert(1)"),
        redirect_target: "https://planner.example",
        account: email,
        scopes: &scopes,
        resources: &[],
    };
    let links = [
        FrameLink::new(SettingsArea::Overview, text, false),
        FrameLink::new(SettingsArea::TwoFactor, text, true),
        FrameLink::new(SettingsArea::Passkeys, text, false),
    ];
    let frame = Frame::new(email, &links, text, text);
    let then = time::OffsetDateTime::UNIX_EPOCH;
    let address_settings = EmailSettings::new(frame, [text; 3], Some(email));
    let new_address = ConfirmEmailChange::new(frame, [text; 2], email);
    let password = |has| PasswordSettings::new(frame, (text, email), has, length);
    let epoch = time::OffsetDateTime::UNIX_EPOCH;
    let entries = [
        PasskeyEntry::new("1", text, (epoch, Some(epoch)), true),
        PasskeyEntry::new(text, "YubiKey", (epoch, None), false).suspended(true),
    ];
    let passkeys = |entries, prompt| PasskeySettings::new(frame, entries, [text; 3], prompt);
    let key = if text == EVIL { EVIL } else { "GEZD GNBV" };
    let token = |expired| {
        let at = time::OffsetDateTime::UNIX_EPOCH;
        TokenItem::new(text, key, &scopes, (at, None, Some(at)), expired)
    };
    let lifetimes = [TokenLifetime::days(30), TokenLifetime::never()];
    let tokens =
        |items, new| Tokens::new(frame, items, [text; 2], (&scopes, &lifetimes), new).clone();
    let provider = if text == EVIL { EVIL } else { "Acme" };
    let link = |step| LinkIdentity::new([text; 3], provider, email, step);
    let address = |step| ProviderEmail::new([text; 2], provider, email, step);
    let epoch = time::OffsetDateTime::UNIX_EPOCH;
    let connected = [Connection::new("acme", provider, Some(email), epoch)];
    let offers = [ConnectionOffer::new("other", provider)];
    let connections =
        |linked, ways, notice| Connections::new(frame, (linked, &offers), [text; 3], ways, notice);
    let member = MemberItem::new([text, email, "admin"].map(str::to_owned), false, true);
    let myself = MemberItem::new([text, email, text].map(str::to_owned), true, false);
    let members = [member, myself];
    let epoch = time::OffsetDateTime::UNIX_EPOCH;
    let invitations = [InvitationItem::new([text, email, text].map(str::to_owned), epoch)];
    let roles = ["owner", "admin", text].map(str::to_owned);
    let name = if text == EVIL { EVIL } else { "Acme" };
    let items = [OrganizationItem::new(name, text, [text; 3].map(str::to_owned), true)];
    let organizations =
        |items, problem| OrganizationList::new(frame, items, Some(text), (name, problem));
    let mut organization = OrganizationPage::new(frame, [name, text], [text, text]);
    (organization.manages, organization.owns) = (true, true);
    (organization.members, organization.more) = (&members, Some(text));
    (organization.invitations, organization.roles) = (&invitations, &roles);
    organization.service_accounts = Some(text);
    organization.single_sign_on = Some(text);
    let domains = [SsoDomainItem::new(name, text, "enforced")];
    let glasses = [
        BreakGlassItem::new([text, email, text].map(str::to_owned), true),
        BreakGlassItem::new([text, email, text].map(str::to_owned), false),
    ];
    let sso = |problem| SsoPage::new(frame, name, [text; 3], (&domains, &glasses), problem);
    let no_sso = SsoPage::new(frame, name, [text; 3], (&[], &[]), None);
    let notice = Some(LoginNotice::SingleSignOn);
    let sso_login = Login { single_sign_on: true, notice, ..login.clone() };
    let plain = OrganizationPage { manages: false, owns: false, ..organization.clone() };
    let invitation = |state| InvitationPage::new(state, [text; 2], [text; 3]);
    let visitor = |taken, closed| InvitationState::Visitor {
        organization: name,
        email,
        taken,
        closed,
        password_problem: None,
        password_length: length,
    };
    let phone = SeenDevice::new(Some("Safari"), Some("iPhone"))
        .at(Some([192, 0, 2, 7].into()), Some(if text == EVIL { EVIL } else { "Bern, CH" }.into()));
    let times = [time::OffsetDateTime::UNIX_EPOCH; 2];
    let sessions = [
        SessionItem::new("1".into(), phone.clone(), times).current(true),
        SessionItem::new(text.into(), SeenDevice::default(), times).impersonated(true),
    ];
    let unknown = UnknownLogin::new(&phone, times[0], text);
    let again = LoginAgain::new([text; 3], email);
    let mut pages = second_factor(theme, frame, text, (prompt, key));
    pages.extend([
        ("organizations", theme.settings_organizations(&organizations(&items, None))),
        (
            "organizations-refused",
            theme.settings_organizations(&organizations(&[], Some(OrganizationProblem::SlugTaken))),
        ),
        ("login-single-sign-on", theme.login(&sso_login)),
        ("break-glass", theme.break_glass(&BreakGlassPage::new(text, text, email, true))),
        ("single-sign-on", theme.settings_single_sign_on(&sso(Some(SsoProblem::LocksOut)))),
        ("single-sign-on-none", theme.settings_single_sign_on(&no_sso)),
        (
            "mail-member-removed",
            theme.mail(&Letter::MemberRemoved { organization: name, organizations: text }).html,
        ),
        (
            "mail-role-changed",
            theme
                .mail(&Letter::RoleChanged { organization: name, role: text, organizations: text })
                .html,
        ),
        (
            "mail-break-glass",
            theme
                .mail(&Letter::BreakGlass { organization: name, member: email, settings: text })
                .html,
        ),
        (
            "mail-break-glass-suspected",
            theme
                .mail(&Letter::BreakGlassSuspected {
                    organization: name,
                    member: email,
                    settings: text,
                })
                .html,
        ),
        ("organization", theme.settings_organization(&organization)),
        ("organization-member", theme.settings_organization(&plain)),
        ("invitation-over", theme.invitation(&invitation(InvitationState::Over))),
        (
            "invitation-other",
            theme.invitation(&invitation(InvitationState::Other { account: email })),
        ),
        (
            "invitation-unconfirmed",
            theme.invitation(&invitation(InvitationState::Unconfirmed { email })),
        ),
        (
            "invitation-ready",
            theme.invitation(&invitation(InvitationState::Ready { organization: name, email })),
        ),
        ("invitation-visitor", theme.invitation(&invitation(visitor(false, false)))),
        ("invitation-taken", theme.invitation(&invitation(visitor(true, false)))),
        ("invitation-closed", theme.invitation(&invitation(visitor(false, true)))),
        (
            "mail-invitation",
            theme
                .mail(&Letter::Invitation { link: text, organization: name, inviter: Some(email) })
                .html,
        ),
        (
            "sessions",
            theme.settings_sessions(
                &SessionList::new(frame, &sessions, [text; 3], Some(SessionsNotice::Revoked))
                    .forgetting_browsers_at(Some(text)),
            ),
        ),
        ("again-password", theme.login_again(&again.clone().asking(true, false))),
        ("again-both", theme.login_again(&again.clone().asking(true, true))),
        ("again-code", theme.login_again(&again.clone().asking(false, true).refused(true))),
        ("again-no-way", theme.login_again(&again.clone().with_doors(&others, Some(text)))),
        (
            "again-elsewhere",
            theme.login_again(&again.clone().with_provider(OtherDoor { name: email, href: text })),
        ),
        (
            "again-passkey",
            theme.login_again(&again.clone().asking(true, false).with_passkey(Some(prompt))),
        ),
        ("again-passkey-only", theme.login_again(&again.with_passkey(Some(prompt)))),
        ("mail-new-device", theme.mail(&Letter::NewDevice(unknown)).html),
        ("mail-suspicious", theme.mail(&Letter::SuspiciousLogin(unknown)).html),
        ("email", theme.settings_email(&address_settings)),
        (
            "email-refused",
            theme.settings_email(&EmailSettings {
                typed: text,
                problem: Some(EmailProblem::Unchanged),
                pending: Some((email, epoch)),
                notice: Some(EmailNotice::Asked),
                code_refused: true,
                ..address_settings.clone()
            }),
        ),
        ("email-confirm", theme.settings_email_confirm(&new_address)),
        (
            "email-taken",
            theme
                .settings_email_confirm(&ConfirmEmailChange { taken: true, ..new_address.clone() }),
        ),
        ("mail-change-email", theme.mail(&Letter::ChangeEmail { link: text, code: "012345" }).html),
        ("mail-email-wanted", theme.mail(&Letter::EmailWanted { home: text }).html),
        ("mail-email-asked", theme.mail(&Letter::EmailChangeAsked { forgot: text, email }).html),
        ("mail-email-changed", theme.mail(&Letter::EmailChanged { home: text, email }).html),
        ("password-change", theme.settings_password(&password(true))),
        ("password-first", theme.settings_password(&password(false))),
        (
            "password-refused",
            theme.settings_password(&PasswordSettings {
                refused: true,
                password_problem: Some(PasswordProblem::Unchanged),
                ..password(true)
            }),
        ),
        (
            "password-changed",
            theme.settings_password(&PasswordSettings { changed: true, ..password(true) }),
        ),
        (
            "new-password",
            theme.new_password(&NewPasswordPage::new(text, text, email, None, length)),
        ),
        ("passkeys-none", theme.settings_passkeys(&passkeys(&[], Some(prompt)))),
        (
            "passkeys-one",
            theme.settings_passkeys(&passkeys(&entries[..1], Some(prompt)).with_only_one(true)),
        ),
        (
            "passkeys-full",
            theme.settings_passkeys(
                &passkeys(&entries, None).with_notice(Some(PasskeyNotice::LastWayIn)),
            ),
        ),
        ("tokens-none", theme.settings_tokens(&tokens(&[], NewToken::default()))),
        (
            "tokens",
            theme.settings_tokens(&tokens(
                &[token(false), token(true)],
                NewToken::refused(text, &scopes, TokenProblem::Lifetime),
            )),
        ),
        ("token-created", theme.settings_token_created(&TokenCreated::new(frame, key, text, text))),
        (
            "service-accounts",
            theme.settings_service_accounts(&ServiceAccountList::new(
                frame,
                [name, text],
                [text; 2],
                &[ServiceAccountItem::new(text, text, true)],
                Some(ServiceAccountProblem::TooMany),
            )),
        ),
        ("service-account", {
            let credentials = [token(false), token(true)];
            let mut page = ServiceAccountPage::new(frame, name, [text; 2], &credentials);
            (page.scopes, page.new) =
                (&scopes, NewToken::refused(text, &scopes, TokenProblem::Name));
            theme.settings_service_account(&page)
        }),
        ("mail-token", theme.mail(&Letter::TokenCreated { name: key, tokens: text }).html),
        (
            "impersonated",
            on_top(
                &theme.settings_overview(&SettingsOverview::new(frame, Some(email), true)),
                &theme.impersonation_banner(&ImpersonationBanner::new(email, text)),
            ),
        ),
        ("delete", theme.settings_delete(&DeleteAccount::new(frame, text, (true, true), 14, None))),
        (
            "delete-refused",
            theme.settings_delete(&DeleteAccount::new(
                frame,
                text,
                (true, false),
                0,
                Some(DeletionProblem::SoleOwner(vec![email.to_owned()])),
            )),
        ),
        ("export", theme.settings_export(&ExportAccount::new(frame, text))),
        ("leaving", theme.account_leaving(&AccountLeaving::new(Some(then), text))),
        ("left", theme.account_leaving(&AccountLeaving::new(None, text))),
        ("keep", theme.keep_account(&KeepAccount::new(text, text, then))),
        ("mail-deletion", theme.mail(&Letter::DeletionRequested { keep: text, at: then }).html),
        ("mail-kept", theme.mail(&Letter::DeletionCancelled { forgot: text }).html),
        ("mail-deleted", theme.mail(&Letter::Deleted { home: text }).html),
        ("login", theme.login(&Login { remember: false, email: "", ..login.clone() })),
        ("login-refused", theme.login(&Login { refused: true, ..login.clone() })),
        (
            "login-confirmed",
            theme.login(&Login { notice: Some(LoginNotice::Confirmed), ..login.clone() }),
        ),
        ("login-others", theme.login(&Login { others: &others, email: "", ..login.clone() })),
        (
            "login-passkey",
            theme.login(&Login { passkey: Some(prompt), email: "", ..login.clone() }),
        ),
        ("login-again", theme.login(&Login { again: true, ..login.clone() })),
        ("register", theme.register(&register)),
        ("register-others", theme.register(&Register { others: &others, ..register.clone() })),
        ("link-identity-log-in", theme.link_identity(&link(LinkStep::LogIn))),
        ("link-identity-other", theme.link_identity(&link(LinkStep::OtherAccount))),
        ("link-identity", theme.link_identity(&link(LinkStep::Confirm))),
        (
            "provider-email",
            theme.provider_email(&address(ProviderEmailStep::Ask { invalid: false })),
        ),
        (
            "provider-email-wrong",
            theme.provider_email(&address(ProviderEmailStep::Ask { invalid: true })),
        ),
        ("provider-email-sent", theme.provider_email(&address(ProviderEmailStep::Sent))),
        (
            "provider-email-confirm",
            theme.provider_email(&address(ProviderEmailStep::Confirm { token: text })),
        ),
        (
            "provider-email-elsewhere",
            theme.provider_email(&address(ProviderEmailStep::OtherBrowser)),
        ),
        ("connections-none", theme.settings_connections(&connections(&[], 1, None))),
        (
            "connections",
            theme.settings_connections(&connections(&connected, 2, Some(ConnectionNotice::Linked))),
        ),
        (
            "connections-last",
            theme.settings_connections(&connections(
                &connected,
                1,
                Some(ConnectionNotice::LastWayIn),
            )),
        ),
        (
            "login-provider-failed",
            theme.login(&Login { notice: Some(LoginNotice::ProviderFailed), ..login.clone() }),
        ),
        ("register-refused", theme.register(&refused)),
        ("register-vetoed", theme.register(&vetoed)),
        ("register-closed", theme.register(&closed(SignUpsClosed::ForAll))),
        ("register-invited", theme.register(&closed(SignUpsClosed::ButForInvited))),
        ("check-mail-register", theme.check_mail(&check(MailSent::Registration))),
        ("check-mail-confirm", theme.check_mail(&check(MailSent::Confirmation))),
        ("check-mail-reset", theme.check_mail(&check(MailSent::Reset))),
        ("confirm", theme.confirm(&confirm)),
        ("confirm-password", theme.confirm(&Confirm { asks_password: true, ..confirm.clone() })),
        (
            "confirm-refused",
            theme.confirm(&Confirm { asks_password: true, refused: true, ..confirm }),
        ),
        ("link-over", theme.link_over(&LinkOver { was_for: LinkFor::Reset, next: text })),
        ("confirm-code", theme.confirm_code(&ConfirmCode::new([text; 3], email, true, true))),
        ("ask-login-link", theme.ask_login_link(&AskLoginLink::new(text, text, email, true))),
        ("open-login-link", theme.open_login_link(&by_link(Some(email)))),
        ("open-login-link-elsewhere", theme.open_login_link(&by_link(None))),
        (
            "forgot-password",
            theme.forgot_password(&ForgotPassword {
                action: text,
                login: text,
                email,
                invalid_email: false,
            }),
        ),
        ("reset-password", theme.reset_password(&reset)),
        ("logout", theme.logout(&Logout { action: text, stay: text, account: email })),
        ("logged-out", theme.logged_out(&LoggedOut { login: text })),
        ("consent", theme.consent(&consent)),
        (
            "app-login",
            theme.app_login(&AppLogin::new([text; 2], text, email, &scopes, &[("state", text)])),
        ),
        ("form-post", theme.form_post(&FormPost { action: text, fields: &[("code", text)] })),
        ("rejected", theme.rejected(&Rejected::new(Rejection::NotFound).with_home(text))),
        ("rejected-cross-origin", theme.rejected(&Rejected::new(Rejection::CrossOrigin))),
        ("error", theme.error(&ErrorPage { code: "invalid_request", description: text })),
        ("mail-confirm", theme.mail(&Letter::Confirm { link: text, code: "012345" }).html),
        ("mail-login-link", theme.mail(&Letter::LoginLink { link: text }).html),
        ("mail-taken", theme.mail(&Letter::EmailTaken { forgot: text }).html),
        ("mail-reset", theme.mail(&Letter::Reset { link: text }).html),
        ("mail-password-set", theme.mail(&Letter::PasswordSet { forgot: text }).html),
        ("mail-password-changed", theme.mail(&Letter::PasswordChanged { forgot: text }).html),
        ("mail-password-added", theme.mail(&Letter::PasswordAdded { forgot: text }).html),
        ("mail-factor-locked", theme.mail(&Letter::SecondFactorLocked { forgot: text }).html),
        ("mail-passkey-added", theme.mail(&Letter::PasskeyAdded { forgot: text }).html),
        ("mail-passkey-removed", theme.mail(&Letter::PasskeyRemoved { forgot: text }).html),
        ("mail-passkey-suspected", theme.mail(&Letter::PasskeySuspected { forgot: text }).html),
        ("mail-app-added", theme.mail(&Letter::AppAdded { forgot: text }).html),
        ("mail-codes-replaced", theme.mail(&Letter::BackupCodesReplaced { forgot: text }).html),
        ("mail-code-used", theme.mail(&Letter::BackupCodeUsed { forgot: text, left: 9 }).html),
        ("mail-app-removed", theme.mail(&Letter::AppRemoved { forgot: text }).html),
        ("mail-factor-removed", theme.mail(&Letter::SecondFactorRemoved { forgot: text }).html),
        ("mail-locked", theme.mail(&Letter::Locked { forgot: text }).html),
    ]);
    pages.extend(admin::pages(theme, email, text));
    pages
}
