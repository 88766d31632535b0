//! What is said when something goes wrong.

macro_rules! error {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            error_second_factor_required: "A second factor is asked for here. Please log in with yours.",

            error_title: "That didn’t work",
            error_code_label: "Error code:",
            error_login_required: "Please log in first.",
            error_app: "This app asked to log in in a way that it may not. Open it again, or look for a newer version of it.",
            error_impersonating: "You can’t do this while you act as somebody else.",
            error_unavailable: "We can’t do this right now. Please try again in a moment.",
            error_busy: "A lot of people are logging in right now. Please try again in a few seconds.",
            error_form: "The form didn’t arrive as we sent it. Please go back, reload the page, and try again.",
            error_method: "This address can’t be used like that. Please start from the login page.",
        }
    };
}
