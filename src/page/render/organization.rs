//! The pages about organizations.

use super::*;

template!(ListPage, "settings/organizations.html", OrganizationList<'a> { problem: Option<&'a str> });

pub(in crate::page) fn settings_organizations(
    theme: &Theme,
    data: &OrganizationList<'_>,
) -> String {
    let m = &theme.messages;
    let problem = data.problem.map(|problem| problem_text(m, problem));
    page(&ListPage { theme, m, page: data, problem })
}

template!(OnePage, "settings/organization.html", OrganizationPage<'a> { problem: Option<&'a str> });

pub(in crate::page) fn settings_organization(theme: &Theme, data: &OrganizationPage<'_>) -> String {
    let m = &theme.messages;
    let problem = data.problem.map(|problem| problem_text(m, problem));
    page(&OnePage { theme, m, page: data, problem })
}

fn problem_text(m: &Messages, problem: OrganizationProblem) -> &str {
    match problem {
        OrganizationProblem::Name => &m.organization_name_invalid,
        OrganizationProblem::NameIsLink => &m.organization_name_link,
        OrganizationProblem::Slug => &m.organization_slug_invalid,
        OrganizationProblem::SlugTaken => &m.organization_slug_taken,
        OrganizationProblem::TooMany => &m.organization_too_many,
        OrganizationProblem::LastOwner => &m.organization_last_owner,
        OrganizationProblem::LastToComeIn => &m.sso_last_to_come_in,
        OrganizationProblem::Email => &m.email_invalid,
        OrganizationProblem::Unconfirmed => &m.organization_unconfirmed,
        OrganizationProblem::AlreadyMember => &m.organization_already_member,
        OrganizationProblem::InviterLimit => &m.organization_inviter_limit,
        OrganizationProblem::OrganizationLimit => &m.organization_limit,
        OrganizationProblem::Refused => &m.organization_refused,
        OrganizationProblem::Changed => &m.organization_changed,
    }
}

template!(InvitationTemplate, "invitation.html", InvitationPage<'a> {
    title: String, text: String, email: &'a str, hint: String, wrong_password: Option<String>,
    fields: Vec<(SignUpEntry<'a>, String)>
});

pub(in crate::page) fn invitation(theme: &Theme, data: &InvitationPage<'_>) -> String {
    let m = &theme.messages;
    let joining = |organization| theme.say_with(&m.invitation_title, "organization", organization);
    let (title, text, email) = match data.state {
        InvitationState::Over => {
            (m.link_over_title.clone().into_owned(), theme.say(&m.invitation_over), "")
        }
        InvitationState::Other { account } => {
            let text = theme.say_with(&m.invitation_other, "account", account);
            (m.invitation_other_title.clone().into_owned(), text, "")
        }
        InvitationState::Unconfirmed { email } => {
            let text = theme.say_with(&m.invitation_unconfirmed, "email", email);
            (m.invitation_unconfirmed_title.clone().into_owned(), text, email)
        }
        InvitationState::Ready { organization, email } => {
            (joining(organization), theme.say_with(&m.invitation_ready, "email", email), email)
        }
        InvitationState::Visitor { organization, email, .. } => {
            (joining(organization), theme.say_with(&m.invitation_visitor, "email", email), email)
        }
    };
    let (mut hint, mut wrong_password) = (String::new(), None);
    if let InvitationState::Visitor { password_problem: problem, password_length, .. } = data.state
    {
        hint = password_hint(theme, password_length);
        wrong_password = password_problem(theme, problem, password_length);
    }
    let fields = sign_up_fields(theme, data.fields);
    page(&InvitationTemplate {
        theme,
        m,
        page: data,
        title,
        text,
        email,
        hint,
        wrong_password,
        fields,
    })
}
