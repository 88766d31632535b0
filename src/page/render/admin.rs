//! The pages of administrators.

use super::*;

template!(AdminUsersPage, "admin/users.html", AdminUsers<'a> {});

pub(in crate::page) fn admin_users(theme: &Theme, data: &AdminUsers<'_>) -> String {
    page(&AdminUsersPage { theme, m: &theme.messages, page: data })
}

template!(AdminUserPage, "admin/user.html", AdminUser<'a> {
    state: &'a str, problem: Option<String>
});

pub(in crate::page) fn admin_user(theme: &Theme, data: &AdminUser<'_>) -> String {
    let m = &theme.messages;
    let problem = data.problem.as_ref().map(|problem| match problem {
        AdminProblem::NoReason => m.admin_reason_refused.to_string(),
        AdminProblem::FactorNeeded => m.admin_factor_needed.to_string(),
        AdminProblem::NoFactor => m.admin_no_factor.to_string(),
        AdminProblem::OnlyWayIn => m.admin_only_way_in.to_string(),
        AdminProblem::AlreadyDisabled => m.admin_already_disabled.to_string(),
        AdminProblem::NotDisabled => m.admin_not_disabled.to_string(),
        AdminProblem::AlreadyLeaving => m.admin_already_leaving.to_string(),
        AdminProblem::CoolingDown { until } => {
            theme.say_with(&m.admin_cooling_down, "date", &until.date().to_string())
        }
        AdminProblem::SoleOwner(names) => {
            theme.say_with(&m.admin_sole_owner, "names", &names.join(", "))
        }
        AdminProblem::NotLeaving => m.admin_not_leaving.to_string(),
        AdminProblem::NoAddress => m.admin_no_address.to_string(),
        AdminProblem::MailedTooOften => m.admin_mailed_too_often.to_string(),
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
