//! The pages of administrators.

use super::*;

template!(AdminUsersPage, "admin/users.html", AdminUsers<'a> {});

pub(in crate::page) fn admin_users(theme: &Theme, data: &AdminUsers<'_>) -> String {
    page(&AdminUsersPage { theme, m: &theme.messages, page: data })
}

template!(AdminUserPage, "admin/user.html", AdminUser<'a> {
    state: &'a str, problem: Option<&'a str>
});

pub(in crate::page) fn admin_user(theme: &Theme, data: &AdminUser<'_>) -> String {
    let m = &theme.messages;
    let problem = data.problem.map(|problem| match problem {
        AdminProblem::NoReason => m.admin_reason_refused.as_ref(),
        AdminProblem::FactorNeeded => m.admin_factor_needed.as_ref(),
    });
    page(&AdminUserPage { theme, m, page: data, state: data.state.name(m), problem })
}

template!(AdminAuditPage, "admin/audit.html", AdminAudit<'a> {});

pub(in crate::page) fn admin_audit(theme: &Theme, data: &AdminAudit<'_>) -> String {
    page(&AdminAuditPage { theme, m: &theme.messages, page: data })
}

template!(BannerPart, "admin/banner.html", ImpersonationBanner<'a> { text: String });

pub(in crate::page) fn impersonation_banner(
    theme: &Theme,
    data: &ImpersonationBanner<'_>,
) -> String {
    let m = &theme.messages;
    let text = theme.say_with(&m.impersonation_banner, "account", data.account);
    page(&BannerPart { theme, m, page: data, text })
}
