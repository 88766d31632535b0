//! Logins from browsers that a user is known by.

use super::*;
use crate::store::{DeviceId, KnownDevice};

impl Kit {
    pub(super) async fn known_devices_are_counted_by_themselves(&self) -> Result<(), Violation> {
        const RULE: &str = "a browser that the user is known by is counted by itself";
        let user = self.register().await?;
        let (home, work) = (self.device(&user).await?, self.device(&user).await?);
        self.mails_written().await?;
        let attempts = race(|caller| {
            let (store, email) = (Arc::clone(&self.store), user.email.clone());
            let device = (caller % 2 == 0).then(|| home.clone());
            async move {
                let (device, notice) = (device.as_ref(), new_delivery());
                store
                    .begin_login(
                        (&email, false),
                        device,
                        LOCKOUT,
                        &notice.clone().into(),
                        &[],
                        epoch(),
                    )
                    .await
            }
        })
        .await?;
        let admitted = |counter| {
            let of = attempts.iter().filter(|attempt| attempt.counter == counter);
            of.filter(|attempt| attempt.locked_until.is_none()).count()
        };
        let each = (admitted(LoginCounter::Device(home.id)), admitted(LoginCounter::Address));
        let allowed = LOCKOUT.attempts as usize;
        rule(RULE, each == (allowed, allowed), each)?;
        let notices = self.mails_written().await?.len();
        rule("each lock writes its notice", notices == 2, notices)?;

        let other = self.begin_from(&user, &work, epoch()).await?;
        let open = other.locked_until.is_none() && other.counter == LoginCounter::Device(work.id);
        rule(RULE, open, other)?;
        let later = self.begin_from(&user, &home, epoch() + LOCKOUT.lock_for).await?.locked_until;
        rule("a lock ends", later.is_none(), later)
    }

    pub(super) async fn a_device_counts_only_for_its_user_and_epoch(
        &self,
    ) -> Result<(), Violation> {
        const RULE: &str = "a browser counts only for its own user, and until the epoch moves";
        let (user, other) = (self.register().await?, self.register().await?);
        let device = self.device(&user).await?;
        for (at_whom, device) in [
            (&other, device.clone()),
            (&user, KnownDevice { epoch: device.epoch + 1, ..device.clone() }),
            (&user, KnownDevice { epoch: device.epoch - 1, ..device.clone() }),
            (&user, KnownDevice { user: other.id.clone(), ..device.clone() }),
        ] {
            let counter = self.begin_from(at_whom, &device, epoch()).await?.counter;
            rule(RULE, counter == LoginCounter::Address, (counter, device))?;
        }
        let nobody = Registered { email: fresh_email(), ..self.register().await? };
        let attempt = self.begin_from(&nobody, &device, epoch()).await?;
        rule(RULE, attempt.user.is_none() && attempt.counter == LoginCounter::Address, attempt)?;

        let token = self.request(&user, LinkPurpose::Reset, at(HOUR)).await?;
        let reset = self.reset(&token, epoch()).await?;
        let counter = self.begin_from(&user, &device, epoch()).await?.counter;
        rule(RULE, counter == LoginCounter::Address, counter)?;
        let PasswordReset::Done { device_epoch, .. } = reset else {
            return rule("a link to reset is used once", false, reset);
        };
        let renewed = KnownDevice { epoch: device_epoch, ..device };
        let counter = self.begin_from(&user, &renewed, epoch()).await?.counter;
        rule("a reset tells the new epoch", counter == LoginCounter::Device(renewed.id), counter)
    }

    pub(super) async fn a_success_forgets_only_its_own_attempts(&self) -> Result<(), Violation> {
        const RULE: &str = "a success forgets its own attempts and no others";
        let user = self.register().await?;
        let (home, work) = (self.device(&user).await?, self.device(&user).await?);
        let lock_all = async || {
            self.fail(&user.email, LOCKOUT.attempts, epoch()).await?;
            for device in [&home, &work] {
                for _ in 0..LOCKOUT.attempts {
                    self.begin_from(&user, device, epoch()).await?;
                }
            }
            Ok::<_, Violation>(())
        };
        for (counter, expected) in [
            (LoginCounter::Device(home.id), [false, true, true]),
            (LoginCounter::Address, [true, true, false]),
        ] {
            lock_all().await?;
            let done = self
                .store
                .complete_login(&user.email, counter, (&password(), None), None, &Effects::none())
                .await?;
            rule(RULE, done == LoginCompletion::Completed, done)?;
            let locked = [
                self.begin_from(&user, &home, epoch()).await?.locked_until.is_some(),
                self.begin_from(&user, &work, epoch()).await?.locked_until.is_some(),
                self.begin(&user.email, epoch()).await?.locked_until.is_some(),
            ];
            rule(RULE, locked == expected, (counter, locked))?;
        }
        Ok(())
    }

    /// A browser that the user is known by, after a login.
    async fn device(&self, user: &Registered) -> Result<KnownDevice, Violation> {
        let attempt = self.begin(&user.email, epoch()).await?;
        self.store
            .complete_login(&user.email, ADDRESS, (&password(), None), None, &Effects::none())
            .await?;
        let epoch = attempt.user.map(|user| user.device_epoch).unwrap_or_default();
        let id = DeviceId(Uuid::from_bytes(SystemRandom.bytes()));
        Ok(KnownDevice { id, user: user.id.clone(), epoch })
    }

    async fn begin_from(
        &self,
        user: &Registered,
        device: &KnownDevice,
        now: OffsetDateTime,
    ) -> Result<LoginAttempt, Violation> {
        let (device, notice) = (Some(device), new_delivery());
        Ok(self
            .store
            .begin_login((&user.email, false), device, LOCKOUT, &notice.clone().into(), &[], now)
            .await?)
    }
}
