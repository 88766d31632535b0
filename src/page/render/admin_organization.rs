//! The pages of administrators about organizations.

use super::*;

template!(AdminOrganizationsPage, "admin/organizations.html", AdminOrganizations<'a> {});

pub(in crate::page) fn admin_organizations(theme: &Theme, data: &AdminOrganizations<'_>) -> String {
    page(&AdminOrganizationsPage { theme, m: &theme.messages, page: data })
}

template!(AdminOrganizationPage, "admin/organization.html", AdminOrganization<'a> {
    problem: Option<&'a str>
});

pub(in crate::page) fn admin_organization(theme: &Theme, data: &AdminOrganization<'_>) -> String {
    let m = &theme.messages;
    let problem = data.problem.map(|problem| match problem {
        AdminOrganizationProblem::LastOwner => m.organization_last_owner.as_ref(),
        AdminOrganizationProblem::LastToComeIn => m.sso_last_to_come_in.as_ref(),
        AdminOrganizationProblem::Slug => m.admin_slug_differs.as_ref(),
        AdminOrganizationProblem::Domain => m.admin_domain_invalid.as_ref(),
        AdminOrganizationProblem::DomainTaken => m.admin_domain_taken.as_ref(),
        AdminOrganizationProblem::LoginPath => m.admin_login_path_invalid.as_ref(),
        AdminOrganizationProblem::LoginWithoutDomains => m.sso_without_domains.as_ref(),
        AdminOrganizationProblem::Changed => m.organization_changed.as_ref(),
    });
    page(&AdminOrganizationPage { theme, m, page: data, problem })
}
