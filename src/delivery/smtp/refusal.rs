//! Which refusals of a mail server are for good.

/// How far the handing over of a mail had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To the server: connecting, TLS, logging in.
    Server,
    /// To who sends it.
    Sender,
    /// To who gets it.
    Recipient,
    /// To the mail itself.
    Content,
}

/// Whether the server refuses this recipient or this mail, whoever sends it and whenever: RFC 5321,
/// section 4.2.3, and the enhanced status (RFC 3463) that tells it from what has the same code but may
/// go better later: a quota of the day, a sender on a list, a policy. That the server does not know
/// us, or what we say, is not the mail's fault.
pub(super) fn is_for_good(step: Step, code: u16, said: &str) -> bool {
    let is_refusal = matches!(code, 550..=554 | 556);
    let concerns_the_mail = match enhanced(said) {
        // The sender's address.
        Some((1, 7 | 8)) => false,
        // No such address; switched off; too long; a kind of content that is not taken.
        Some((1, _) | (2, 1 | 3) | (3, 4) | (6, _)) => true,
        None | Some((0, _)) => step == Step::Recipient,
        Some(_) => false,
    };
    is_refusal && concerns_the_mail && matches!(step, Step::Recipient | Step::Content)
}

/// Subject and detail of an enhanced status that says "permanent", if the text begins with one (RFC
/// 2034, section 4).
fn enhanced(said: &str) -> Option<(u16, u16)> {
    let mut parts = said.split_whitespace().next()?.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |text: &str| text.parse().ok();
    (class == "5" && parts.next().is_none()).then_some((number(subject)?, number(detail)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_the_recipient_or_the_mail_is_for_good() {
        use Step::{Content, Recipient, Sender, Server};
        for (step, code, said, expected) in [
            (Recipient, 550, "5.1.1 no such user", true),
            (Recipient, 550, "no such user", true),
            (Recipient, 553, "", true),
            (Recipient, 556, "5.1.10 null MX", true),
            (Recipient, 550, "5.2.1 disabled", true),
            (Recipient, 554, "5.0.0 undefined", true),
            (Recipient, 552, "5.2.2 mailbox full", false),
            (Recipient, 550, "5.4.5 Daily user sending limit exceeded", false),
            (Recipient, 554, "5.7.1 blocked", false),
            (Recipient, 553, "5.1.8 sender's domain", false),
            (Recipient, 500, "5.1.1 what?", false),
            (Recipient, 450, "5.1.1 greylisted", false),
            (Content, 550, "5.4.5 Daily user sending limit exceeded", false),
            (Content, 554, "5.7.1 looks like spam", false),
            (Content, 554, "transaction failed", false),
            (Content, 554, "5.6.0 malformed", true),
            (Content, 552, "5.3.4 too big", true),
            (Content, 550, "5.1.1 no such user", true),
            (Sender, 550, "5.1.1 whatever", false),
            (Sender, 554, "5.7.1 listed", false),
            (Server, 554, "5.6.0 no service", false),
        ] {
            assert_eq!(is_for_good(step, code, said), expected, "{step:?} {code} {said}");
        }
    }

    #[test]
    fn a_status_is_three_numbers() {
        for said in ["", "5", "5.1", "5.1.1.1 x", "4.1.1 x", "5.x.1", "no 5.1.1", "2001:db8::1"] {
            assert_eq!(enhanced(said), None, "{said}");
        }
        assert_eq!(enhanced("5.1.10 x\ny"), Some((1, 10)));
    }
}
