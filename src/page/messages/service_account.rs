//! What is said of an organization's service accounts.

macro_rules! service_account {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            service_accounts_title: "Service accounts",
            service_accounts_lead: "Programs that use {product} for {organization}, in nobody’s name.",
            service_accounts_new_title: "New service account",
            service_accounts_name_hint: "Which program it is, so that you recognise it later.",
            service_accounts_submit: "Make a service account",
            service_accounts_disabled: "Disabled",
            service_accounts_problem_name: "Give it a name of at most 100 characters.",
            service_accounts_problem_many: "This organization has as many service accounts as it can have.",
            service_accounts_rotate_lead: "To change a credential without a pause, rotate it: you get another one like it, and both work. Revoke the old one once nothing uses it any more.",
            service_accounts_no_credentials: "It has no credentials.",
            service_accounts_rotate: "Rotate",
            service_accounts_credential_title: "New credential",
            service_accounts_credential_submit: "Make a credential",
            service_accounts_disable_title: "Disable",
            service_accounts_disable_lead: "None of its credentials works until you enable it again.",
            service_accounts_disable: "Disable it",
            service_accounts_enable: "Enable it",
        }
    };
}
