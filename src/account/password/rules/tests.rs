use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::account::password::{HashCost, PoolSize};
use crate::crypto::SystemRandom;

const GOOD: &str = "zwölf boxkämpfer";
const ABOUT: [&str; 2] = ["alice@example.test", "Acme Rockets"];

fn pool(size: PoolSize) -> PasswordPool {
    let cost = HashCost { memory: 64, passes: 1, lanes: 1 };
    PasswordPool::new(cost, size, Arc::new(SystemRandom)).unwrap()
}

async fn check(rules: &PasswordRules, password: &str) -> Result<(), PasswordCheckError> {
    let pool = pool(PoolSize { workers: 1, queue: 8 });
    rules.check(&pool, &Redacted(password.to_owned()), &ABOUT).await
}

async fn problem(rules: &PasswordRules, password: &str) -> Option<PasswordProblem> {
    match check(rules, password).await {
        Ok(()) => None,
        Err(PasswordCheckError::Refused(problem)) => Some(problem),
        Err(other) => panic!("{other}"),
    }
}

/// Knows a password, or nothing; notes what it is asked.
#[derive(Clone, Debug)]
struct Leaks(Option<&'static str>, Arc<Mutex<Vec<String>>>);

impl Leaks {
    fn of(known: Option<&'static str>) -> Self {
        Self(known, Arc::default())
    }
}

#[async_trait]
impl BreachedPasswords for Leaks {
    async fn count(&self, password: &str) -> Result<u64, BreachError> {
        self.1.lock().unwrap().push(password.to_owned());
        match self.0 {
            Some(known) => Ok(u64::from(known == password) * 7),
            None => Err(BreachError("out of order".into())),
        }
    }
}

#[tokio::test]
async fn each_reason_is_told() {
    let rules = PasswordRules::default();
    let guessable = |advice| Some(PasswordProblem::Guessable(advice));
    for (password, expected) in [
        (GOOD, None),
        ("seven77", Some(PasswordProblem::TooShort)),
        (&"long enough ".repeat(11), Some(PasswordProblem::TooLong)),
        ("Password1", Some(PasswordProblem::Common)),
        ("ｐａｓｓｗｏｒｄ", Some(PasswordProblem::Common)),
        ("alice@example.TEST", guessable(PasswordAdvice::Personal)),
        ("acme rockets", guessable(PasswordAdvice::Personal)),
        ("alice2026", guessable(PasswordAdvice::Personal)),
        ("aaaaaaaaaaaa", guessable(PasswordAdvice::Repeats)),
    ] {
        assert_eq!(problem(&rules, password).await, expected, "{password}");
    }
}

/// No mixture of characters is asked for: NIST SP 800-63B-4, section 3.1.1.2, item 5.
#[tokio::test]
async fn any_characters_will_do() {
    let rules = PasswordRules::default();
    for password in
        ["kwhzbqtxmvrj", "849203651772", "        x  y  z     ", "☃🦀☂⚓✈☎🦊🐙", "ÆØÅÞÐŁŊŦ"]
    {
        assert_eq!(problem(&rules, password).await, None, "{password}");
    }
}

#[tokio::test]
async fn each_rule_can_be_moved_or_left_out() {
    let lax = PasswordRules::default().min_score(None).refuse_common(false);
    assert_eq!(problem(&lax, "password").await, None);
    // What is known about the user is never a password.
    let personal = Some(PasswordProblem::Guessable(PasswordAdvice::Personal));
    assert_eq!(problem(&lax, "alice@example.test").await, personal);

    let strict = PasswordRules::default().min_score(Some(Score::VeryUnguessable));
    assert!(problem(&strict, "mydogrex7").await.is_some());
    assert_eq!(problem(&strict, "correct horse battery").await, None);

    let long = PasswordRules::default().length(PasswordLength { min: 17, max: 64 });
    assert_eq!(problem(&long, GOOD).await, Some(PasswordProblem::TooShort));
}

#[tokio::test]
async fn what_has_leaked_is_refused_and_asked_for_last() {
    let leaks = Leaks::of(Some(GOOD));
    let rules = PasswordRules::default().breached(leaks.clone());
    assert_eq!(problem(&rules, "password").await, Some(PasswordProblem::Common));
    assert!(leaks.1.lock().unwrap().is_empty());
    // It is asked for as it is hashed.
    let typed = "zwo\u{308}lf boxka\u{308}mpfer";
    assert_eq!(problem(&rules, typed).await, Some(PasswordProblem::Breached));
    assert_eq!(*leaks.1.lock().unwrap(), [GOOD]);
    assert_eq!(problem(&rules, "elf boxkämpfer jagen").await, None);
}

#[tokio::test]
async fn when_nobody_can_tell_the_host_decides() {
    let rules = PasswordRules::default().breached(Leaks::of(None));
    assert!(check(&rules, GOOD).await.is_ok());
    let rules = rules.when_unknown(WhenUnknown::Refuse);
    assert!(matches!(check(&rules, GOOD).await, Err(PasswordCheckError::Unknown(_))));
}

#[tokio::test]
async fn rating_waits_its_turn_like_hashing() {
    let pool = pool(PoolSize { workers: 1, queue: 0 });
    let (go, held) = std::sync::mpsc::channel::<()>();
    let holding = pool.reserve().unwrap().run(move || held.recv().is_ok());
    let rules = PasswordRules::default();
    let rating = async {
        tokio::task::yield_now().await;
        let password = Redacted(GOOD.to_owned());
        let checked = rules.check(&pool, &password, &[]).await;
        let rated = pool.estimate(&password, &[]).await;
        go.send(()).unwrap();
        (checked, rated)
    };
    let (held, (checked, rated)) = tokio::join!(holding, rating);
    assert_eq!(held, Ok(true));
    assert!(matches!(checked, Err(PasswordCheckError::Busy(Busy))));
    assert_eq!(rated, Err(Busy));
    let rated = pool.estimate(&Redacted(GOOD.to_owned()), &[]).await.unwrap();
    assert_eq!(rated.score, Score::VeryUnguessable);
}
