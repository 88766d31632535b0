//! What is said to whoever lets another application in, and on the way there.

macro_rules! consent {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            consent_page_title: "Allow access",
            consent_title: "{client} would like to use your {product} account",
            consent_scopes: "It will be able to",
            consent_resources: "It will use these services",
            consent_approve: "Allow",
            consent_deny: "Cancel",
            consent_target: "You will go on to {target}. Allow this only if you trust it.",
            consent_privacy: "Privacy policy",
            consent_terms: "Terms of service",
            scope_openid: "Know who you are",
            scope_profile: "See your name and profile",
            scope_email: "See your email address",
            scope_address: "See your postal address",
            scope_phone: "See your phone number",
            scope_offline_access: "Keep access while you are away",

            form_post_title: "Almost there",
            form_post_text: "Go on to finish what you began.",
            form_post_submit: "Continue",
        }
    };
}
