use super::*;

/// The pages of administrators.
pub(super) fn pages(theme: &dyn Pages, email: &str, text: &str) -> Vec<(&'static str, String)> {
    let then = time::OffsetDateTime::UNIX_EPOCH;
    let mut office = AdminFrame::new(email, text, text, text);
    (office.organizations, office.webhooks, office.mails) = (Some(text), Some(text), Some(text));
    let account = crate::scope::Account::new(crate::scope::UserId::new("u-1").unwrap());
    let account = account.with_email(email, true);
    let lines = [AdminUserLine::new(&account, AccountState::Disabled, then, text.to_owned())];
    let entry = crate::audit::Entry::new(crate::audit::Action::LOG_IN).refused();
    let audited = [AuditLine::of(&entry.at(then, &crate::crypto::SystemRandom))];

    let name = if text == EVIL { EVIL } else { "Acme" };
    let owned = |texts: [&str; 3]| texts.map(str::to_owned);
    let organizations = [AdminOrganizationLine::new(owned([name, text, text]), then)];
    let members = [
        AdminMember::new([text, email, "owner", text].map(str::to_owned), true),
        AdminMember::new([text, email, text, text].map(str::to_owned), false),
    ];
    let roles = owned(["owner", "member", text]);
    let invitations = [InvitationItem::new(owned([text, email, text]), then)];
    let domains = ["enforced", "offered", "off"].map(|mode| SsoDomainItem::new(name, text, mode));
    let plain = AdminOrganization::new(office, [name, text], [text; 2], then);
    let mut organization = plain.clone();
    (organization.requires_second_factor, organization.grants_domains) = (true, true);
    (organization.members, organization.more) = (&members, Some(text));
    (organization.invitations, organization.domains) = (&invitations, &domains);
    (organization.roles, organization.problem) = (&roles, Some(AdminOrganizationProblem::Domain));
    organization.webhooks = Some(text);

    let endpoints =
        [true, false].map(|on| AdminWebhookLine::new([text, text].map(str::to_owned), on));
    let mut hooks = AdminWebhooks::new(office, &endpoints);
    hooks.organization = Some((name, text));
    let dead = [AdminDeadEvent::new(owned([text, "user.created", text]), then, 10)];
    let attempts = [AdminAttempt::new(1, then, text.to_owned())];
    let events = owned(["user.created", "user.deleted", text]);
    let mut hook = AdminWebhook::new(office, text, [text; 2]);
    let plain_hook = hook.clone();
    (hook.organization, hook.events, hook.enabled) = (Some(name), &events, false);
    (hook.dead, hook.attempts, hook.overlaps) = (&dead, &attempts, &[24, 0]);
    hook.problem = Some(AdminWebhookProblem::TooManySecrets);
    let secret = AdminWebhookSecret::new(office, text, (text, 24), text);

    let mails = [AdminDeadMail::new([text, text].map(str::to_owned), 10, then)];

    vec![
        ("admin-users", theme.admin_users(&AdminUsers::new(office, text, &lines, Some(text)))),
        (
            "admin-user",
            theme.admin_user(
                &AdminUser::new(office, &account, (AccountState::Open, true), text)
                    .with_password(true)
                    .with_entries(&audited)
                    .refused(Some(AdminProblem::FactorNeeded)),
            ),
        ),
        (
            "admin-user-sole-owner",
            theme.admin_user(
                &AdminUser::new(office, &account, (AccountState::Open, false), text)
                    .refused(Some(AdminProblem::SoleOwner(vec![text.to_owned()]))),
            ),
        ),
        (
            "admin-audit",
            theme.admin_audit(&AdminAudit::new(office, &audited, (text, text), [text; 2], None)),
        ),
        (
            "admin-organizations",
            theme.admin_organizations(&AdminOrganizations::new(
                office,
                text,
                &organizations,
                (text, Some(text)),
            )),
        ),
        ("admin-organization", theme.admin_organization(&organization)),
        ("admin-organization-plain", theme.admin_organization(&plain)),
        ("admin-webhooks", theme.admin_webhooks(&hooks)),
        ("admin-webhooks-none", theme.admin_webhooks(&AdminWebhooks::new(office, &[]))),
        ("admin-webhook", theme.admin_webhook(&hook)),
        ("admin-webhook-plain", theme.admin_webhook(&plain_hook)),
        ("admin-webhook-secret", theme.admin_webhook_secret(&secret)),
        ("admin-mails", theme.admin_mails(&AdminMails::new(office, &mails, &[2, 0], text))),
        ("admin-mails-none", theme.admin_mails(&AdminMails::new(office, &[], &[], text))),
    ]
}
