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

/// What a refusal is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may go better later: the server does not know us, or is not there, or a quota is used up.
    Passing,
    /// A policy of the receiver's is against the mail. It may be mistaken about us, and think better
    /// of it, but not for being asked over and over.
    Policy,
    /// This recipient or this mail is refused, whoever sends it and whenever.
    ForGood,
}

/// What it means that a server refuses: RFC 5321, section 4.2.3, and the enhanced status (RFC 3463, and
/// the registry of RFC 5248) that tells what has the same code apart. What is said to the sender alone,
/// before a recipient is named, is about us and not about the mail, and so is what the server says of
/// who we are.
pub(super) fn verdict(step: Step, code: u16, said: &str) -> Verdict {
    if !matches!(code, 550..=554 | 556) || matches!(step, Step::Server | Step::Sender) {
        return Verdict::Passing;
    }
    match enhanced(said) {
        // It contradicts the code, and says that it passes.
        Some((4, ..)) => Verdict::Passing,
        // The sender's address.
        Some((_, 1, 7 | 8)) => Verdict::Passing,
        // No such address; switched off; too long; a kind of content that is not taken.
        Some((_, 1, _) | (_, 2, 1 | 3) | (_, 3, 4) | (_, 6, _)) => Verdict::ForGood,
        // Who we are, or how we say so; a flood of mails, which ends.
        Some((_, 7, 8..=14 | 28)) => Verdict::Passing,
        Some((_, 7, _)) => Verdict::Policy,
        None | Some((_, 0, _)) if step == Step::Recipient => Verdict::ForGood,
        _ => Verdict::Passing,
    }
}

/// Class, subject and detail of an enhanced status of a refusal, if the text begins with one (RFC 2034,
/// section 4; RFC 3463, section 2).
fn enhanced(said: &str) -> Option<(u16, u16, u16)> {
    let mut parts = said.split_whitespace().next()?.split('.');
    let mut number = || {
        let digits = parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()))?;
        (1..=3).contains(&digits.len()).then(|| digits.parse().ok())?
    };
    let status = (number()?, number()?, number()?);
    (matches!(status.0, 4 | 5) && parts.next().is_none()).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_the_recipient_or_the_mail_is_for_good() {
        use Step::{Content, Recipient, Sender, Server};
        use Verdict::{ForGood, Passing, Policy};
        for (step, code, said, expected) in [
            (Recipient, 550, "5.1.1 no such user", ForGood),
            (Recipient, 550, "no such user", ForGood),
            (Recipient, 553, "", ForGood),
            (Recipient, 556, "5.1.10 null MX", ForGood),
            (Recipient, 550, "5.2.1 disabled", ForGood),
            (Recipient, 554, "5.0.0 undefined", ForGood),
            (Recipient, 552, "5.2.2 mailbox full", Passing),
            (Recipient, 550, "5.4.5 Daily user sending limit exceeded", Passing),
            (Recipient, 554, "5.7.1 blocked", Policy),
            (Recipient, 550, "5.7.0 not like that", Policy),
            (Recipient, 550, "5.7.26 unauthenticated mail", Policy),
            (Recipient, 550, "5.7.28 mail flood", Passing),
            (Recipient, 550, "5.7.8 wrong password", Passing),
            (Recipient, 554, "5.7.14 trust relationship required", Passing),
            (Recipient, 553, "5.1.8 sender's domain", Passing),
            (Recipient, 500, "5.1.1 what?", Passing),
            (Recipient, 450, "5.1.1 greylisted", Passing),
            (Recipient, 450, "4.7.1 greylisted", Passing),
            (Recipient, 550, "4.7.1 greylisted", Passing),
            (Recipient, 550, "4.1.1 not now", Passing),
            (Recipient, 530, "5.7.0 authentication required", Passing),
            (Content, 550, "5.4.5 Daily user sending limit exceeded", Passing),
            (Content, 554, "5.7.1 looks like spam", Policy),
            (Content, 550, "5.7.509 DMARC", Policy),
            (Content, 554, "transaction failed", Passing),
            (Content, 554, "5.6.0 malformed", ForGood),
            (Content, 552, "5.3.4 too big", ForGood),
            (Content, 550, "5.1.1 no such user", ForGood),
            (Content, 451, "4.7.1 looks like spam", Passing),
            (Sender, 550, "5.1.1 whatever", Passing),
            (Sender, 554, "5.7.1 listed", Passing),
            (Server, 554, "5.6.0 no service", Passing),
            (Server, 554, "5.7.1 listed", Passing),
        ] {
            assert_eq!(verdict(step, code, said), expected, "{step:?} {code} {said}");
        }
    }

    #[test]
    fn a_status_is_three_numbers() {
        for said in [
            "",
            "5",
            "5.1",
            "5.1.",
            "5..1",
            "5.1.1.1 x",
            "2.1.1 x",
            "55.1.1 x",
            "5.x.1",
            "5.+1.1",
            "5.1.1000",
            "5.1.1:",
            "no 5.1.1",
            "2001:db8::1",
        ] {
            assert_eq!(enhanced(said), None, "{said}");
        }
        assert_eq!(enhanced("5.1.10 x\ny"), Some((5, 1, 10)));
        assert_eq!(enhanced(" 4.7.999"), Some((4, 7, 999)));
    }
}
