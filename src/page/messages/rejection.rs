//! What the pages say that turn a request away.

macro_rules! rejection {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            rejected_invalid_title: "We didn’t understand that",
            rejected_invalid: "What your browser sent is not what we can work with. Please go back, reload the page, and try again.",
            rejected_login_required_title: "Who is there?",
            rejected_login_required: "This address is only for those who have logged in, and for programs with an access token.",
            rejected_cross_origin_title: "That came from somewhere else",
            rejected_cross_origin: "To keep your account safe we accept a form only from our own pages, and this one was sent by another site. Nothing was changed. If it was you, open the page here and try again.",
            rejected_forbidden_title: "This is not open to you",
            rejected_forbidden: "You may not see or do this. If you think you should, ask whoever runs this application.",
            rejected_not_found_title: "There is nothing here",
            rejected_not_found: "The address may be mistyped, or what was here is gone.",
            rejected_method_title: "This address works differently",
            rejected_method: "It can’t be used like that. Please start from a page, not from its address.",
            rejected_too_slow_title: "That took too long",
            rejected_too_slow: "What you sent did not arrive in time. Nothing was changed. Please try again.",
            rejected_too_large_title: "That is too much at once",
            rejected_too_large: "What you sent is longer than we accept here. Nothing was changed. Please go back and send less.",
            rejected_misdirected_title: "We are not known by that name",
            rejected_misdirected: "Your browser asked for another address than ours. Please open the right one.",
            rejected_too_many_title: "One moment, please",
            rejected_too_many: "You have asked for this very often. Please wait a few minutes, and try again.",
            rejected_failed_title: "Something broke",
            rejected_failed: "It is our fault, not yours, and we have made a note of it. Please try again in a moment.",
            rejected_unavailable_title: "Back in a moment",
            rejected_home: "Go to the start page",
        }
    };
}
