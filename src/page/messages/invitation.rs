//! What is said to whoever is invited to an organization.

macro_rules! invitation {
    ($($before:tt)*) => {
        gather! {
            $($before)*
            invitation_title: "Join {organization}",
            invitation_ready: "You are logged in as {email}, who is invited.",
            invitation_accept: "Accept the invitation",
            invitation_visitor: "{email} is invited.",
            invitation_login: "Log in to accept",
            invitation_register: "Create account and accept",
            invitation_taken: "This address has an account. Log in to accept the invitation.",
            invitation_closed: "No new accounts are made at the moment. If you have one with this address, or your company logs you in, you can accept all the same.",
            invitation_over: "The invitation was used already, was replaced or taken back, or is too old. Ask for a new one.",
            invitation_other_title: "This invitation isn’t for you",
            invitation_other: "It is for another address than that of {account}. If it was sent to you, log out, and open the link again.",
            invitation_unconfirmed_title: "Confirm your address first",
            invitation_unconfirmed: "{email} is invited, but has not been confirmed yet. Follow the link in the message that we sent you when you signed up, then open this one again.",
        }
    };
}
