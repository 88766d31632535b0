use lettre::transport::smtp::response::Response;

use crate::delivery::smtp::refusal::{Step, Verdict, verdict};
use crate::fuzzing::{Input, Outcome};

/// Whatever a server answers: a mail is given up, or tried less often, only by a refusal of this mail or
/// its recipient whose enhanced status, as a plain reader sees it, says just that.
///
/// The first byte is how far the conversation has come, the rest is the answer.
pub fn smtp_reply(data: &[u8]) -> Outcome {
    let mut input = Input::new(data);
    let step = match input.byte() {
        b's' => Step::Sender,
        b'r' => Step::Recipient,
        b'c' => Step::Content,
        _ => Step::Server,
    };
    let reply = str::from_utf8(input.rest()).ok().and_then(|text| text.parse::<Response>().ok());
    let Some(reply) = reply else { return Outcome::Refused };
    let code = u16::from(reply.code());
    let said = reply.message().collect::<Vec<_>>().join(" ");
    for early in [Step::Server, Step::Sender] {
        assert_eq!(verdict(early, code, &said), Verdict::Passing);
    }
    let verdict = verdict(step, code, &said);
    if verdict == Verdict::Passing {
        return Outcome::Refused;
    }
    assert!(matches!(code, 550..=554 | 556), "{code}");
    match (verdict, status(&said)) {
        (Verdict::Policy, Some([5, 7, detail])) => {
            assert!(!(8..=14).contains(&detail) && detail != 28, "{said}");
        }
        (Verdict::ForGood, None | Some([5, 0, _])) => assert_eq!(step, Step::Recipient, "{said}"),
        (Verdict::ForGood, Some([5, 1, detail])) => assert!(!matches!(detail, 7 | 8), "{said}"),
        (Verdict::ForGood, Some([5, 2, 1 | 3] | [5, 3, 4] | [5, 6, _])) => {}
        (verdict, status) => panic!("{verdict:?} by {status:?}: {said}"),
    }
    Outcome::Accepted
}

/// The enhanced status of a refusal, as RFC 3463, section 2, has it.
fn status(said: &str) -> Option<[u16; 3]> {
    let is_status =
        |part: &&str| (1..=3).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    let word = said.trim_start().split(char::is_whitespace).next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let numbers: Vec<u16> =
        parts.iter().filter(|part| is_status(part)).filter_map(|part| part.parse().ok()).collect();
    let status = <[u16; 3]>::try_from(numbers).ok().filter(|_| parts.len() == 3)?;
    (4..=5).contains(&status[0]).then_some(status)
}
