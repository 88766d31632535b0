//! What is said to whoever signs up.

macro_rules! register {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            register_title: "Create your account",
            register_lead: "One address and a good password, and you are in.",
            register_submit: "Create account",
            register_closed_title: "Registration is closed",
            register_closed: "Nobody can create an account at {product} at the moment.",
            register_invited: "{product} takes new accounts by invitation. If you have one, open the link in the mail.",
            register_field_wrong: "Please fill this in, with at most {max} characters.",
            register_other: "Sign up with {name}",
            login_prompt: "Already have an account?",
            login_link: "Log in",
            email_invalid: "This doesn’t look like an email address. Is a letter missing?",
        }
    };
}
