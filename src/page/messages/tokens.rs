//! What is said of API tokens.

macro_rules! tokens {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            settings_tokens: "API tokens",
            tokens_lead: "For scripts and programs that use {product} in your name. Whoever has a token can do what it allows.",
            tokens_none: "There are none yet.",
            tokens_expired: "Expired",
            tokens_made: "Made {date}",
            tokens_last_used: "last used {date}",
            tokens_never_used: "never used",
            tokens_ends: "works until {date}",
            tokens_ended: "worked until {date}",
            tokens_revoke: "Revoke",
            tokens_new_title: "New token",
            tokens_name_label: "Name",
            tokens_name_hint: "What it is for, so that you recognise it later.",
            tokens_scopes_label: "It may",
            tokens_lifetime_label: "It works for",
            tokens_lifetime_days: "{days} days",
            tokens_lifetime_never: "Until you revoke it",
            tokens_submit: "Make a token",
            tokens_problem_name: "Give the token a name of at most 100 characters.",
            tokens_problem_scopes: "Choose at least one thing that the token may do.",
            tokens_problem_lifetime: "A token can’t work for that long. Choose one of the times below.",
            tokens_problem_many: "You have as many tokens as you can have. Revoke one that you don’t need any more.",
            token_created_title: "Your new token",
            token_created_lead: "Copy it now: it is shown only this once. Keep it as you keep a password.",
            token_created_done: "I have copied it",
        }
    };
}
