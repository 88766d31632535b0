//! What is said of an organization's single sign-on, and of coming in without it.

macro_rules! single_sign_on {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            sso_title: "Single sign-on",
            sso_link: "See how members log in",
            sso_lead: "Whoever has an address in one of your domains can log in with your company’s own login. Where it is required, nothing else lets them in.",
            sso_no_domains: "This organization has no domain yet. Please ask us for one.",
            sso_mode_label: "How to log in",
            sso_off: "As everybody does",
            sso_offered: "Single sign-on, or as everybody does",
            sso_enforced: "Single sign-on only",
            sso_glass_title: "If your company’s login doesn’t answer",
            sso_glass_lead: "These members then log in at {path}, with password and second step. All owners are told each time.",
            sso_glass_named: "Comes in all the same",
            sso_glass_add: "Let in all the same",
            sso_glass_remove: "Don’t any more",
            sso_locks_out: "Nobody would be sure to come in any more. First let an owner in all the same, or log in with single sign-on yourself.",
            sso_without_domains: "The login of this domain leads to a provider that can’t tell who belongs to a domain, so nobody of it could log in there. It takes another one.",
            sso_unfit: "They need a password and a second step first.",
            sso_last_to_come_in: "Nobody else who owns this organization would come in if its single sign-on doesn’t answer. Let another owner in all the same first, or require it no more.",
            sso_factor_needed: "Your organization requires single sign-on, and you are the only owner who comes in if that doesn’t answer: with this second step. Let another owner in all the same first.",
            login_sso: "Your organization logs in with single sign-on. Go on with the button for it.",
            login_no_sso: "There is no single sign-on for this address. Please log in with your password.",
            login_sso_submit: "Continue with single sign-on",
            break_glass_title: "Emergency login",
            break_glass_lead: "For those few whom their organization lets in when its single sign-on doesn’t answer. All its owners are told.",
            break_glass_refused: "Not right, or not for you. After several tries there is a break of a few minutes.",
        }
    };
}
