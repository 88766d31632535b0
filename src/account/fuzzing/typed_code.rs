use crate::account::MailCode;
use crate::account::mfa::BackupCode;
use crate::fuzzing::Outcome;

/// A code is the one that is printed, however it was typed.
pub fn typed_code(data: &[u8]) -> Outcome {
    let Ok(typed) = str::from_utf8(data) else { return Outcome::Refused };
    let mail = MailCode::parse(typed).map(|code| code.expose());
    if let Some(code) = &mail {
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
        let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(*code, digits);
        assert_eq!(MailCode::parse(code).map(|again| again.expose()).as_ref(), Some(code));
    }
    let backup = BackupCode::parse(typed).map(|code| code.expose());
    if let Some(code) = &backup {
        let groups: Vec<usize> = code.split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5]);
        assert!(!code.contains(['I', 'L', 'O', 'U']));
        let again = |typed: &str| BackupCode::parse(typed).map(|code| code.expose());
        for same in [code.clone(), code.to_lowercase(), code.replace('0', "o").replace('1', "l")] {
            assert_eq!(again(&same).as_ref(), Some(code), "{same}");
        }
        let letters = typed.chars().filter(char::is_ascii_alphanumeric);
        assert_eq!(letters.count(), 10);
    }
    Outcome::accepted(mail.is_some() || backup.is_some())
}
