//! What we write to people: Turkish first, English below.
//!
//! A subject says neither who we are nor what happened: it shows on locked screens (SECURITY.md A-16).
//! Links come from the caller, built on the configured base URL, and stand on a line of their own.

use super::Message;

/// What happened to an account, for a notice to whom it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The password was changed.
    PasswordChanged,
    /// A second factor was set up.
    SecondFactorSetUp,
    /// The second factor was removed.
    SecondFactorRemoved,
    /// A refresh token came back that had been used: somebody has a copy. The session is ended.
    SessionStolen,
    /// A recovery code let somebody in.
    RecoveryCodeUsed,
}

impl Notice {
    /// Every notice.
    pub const ALL: [Self; 5] = [
        Self::PasswordChanged,
        Self::SecondFactorSetUp,
        Self::SecondFactorRemoved,
        Self::SessionStolen,
        Self::RecoveryCodeUsed,
    ];

    /// What happened, in Turkish and in English.
    fn event(self) -> (&'static str, &'static str) {
        match self {
            Self::PasswordChanged => {
                ("Hesabınızın parolası değiştirildi.", "The password of your account was changed.")
            }
            Self::SecondFactorSetUp => (
                "Hesabınızda ikinci doğrulama adımı kuruldu.",
                "A second factor was set up for your account.",
            ),
            Self::SecondFactorRemoved => (
                "Hesabınızdan ikinci doğrulama adımı kaldırıldı.",
                "The second factor was removed from your account.",
            ),
            Self::SessionStolen => (
                "Hesabınızdaki bir oturumun anahtarı ikinci kez kullanıldı; kopyalanmış olabilir. O oturumu kapattık.",
                "The key of one of your sessions was used twice; somebody may have a copy. We ended that session.",
            ),
            Self::RecoveryCodeUsed => (
                "Hesabınıza bir kurtarma koduyla giriş yapıldı. O kod artık geçersiz.",
                "Somebody signed in to your account with a recovery code. That code no longer works.",
            ),
        }
    }

    /// What to do, in Turkish and in English.
    fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::SessionStolen => (
                "Yeniden giriş yapın, parolanızı değiştirin ve tanımadığınız oturumları kapatın. \
                 Sonra yöneticinize haber verin.",
                "Sign in again, change your password and end the sessions you do not know. \
                 Then tell your administrator.",
            ),
            _ => (
                "Bunu siz yaptıysanız başka bir şey yapmanız gerekmez. Siz yapmadıysanız parolanızı hemen \
                 yenileyin ve yöneticinize haber verin.",
                "If this was you, there is nothing more to do. If it was not, reset your password now and \
                 tell your administrator.",
            ),
        }
    }
}

/// An invitation to set a password; `link` is good for 72 hours.
#[must_use]
pub fn invitation(to: &str, link: &str) -> Message {
    let turkish = format!(
        "Sizin için bir hesap açıldı. Parolanızı belirlemek için:\n\n{link}\n\n\
         Bağlantı 72 saat geçerlidir ve bir kez kullanılır. Beklemediğiniz bir ileti ise silin: \
         parola belirlenmeden hesap kullanılamaz."
    );
    let english = format!(
        "An account was made for you. To choose your password:\n\n{link}\n\n\
         The link works once, within 72 hours. If you did not expect this message, delete it: \
         nobody can use the account before a password is chosen."
    );
    message(to, &turkish, &english)
}

/// A way to a new password; `link` is good for one hour.
#[must_use]
pub fn password_reset(to: &str, link: &str) -> Message {
    let turkish = format!(
        "Parolanızı yenilemek için bir istek aldık. Yeni parolanızı belirlemek için:\n\n{link}\n\n\
         Bağlantı 1 saat geçerlidir ve bir kez kullanılır. İsteği siz yapmadıysanız bu iletiyi silin: \
         parolanız değişmedi."
    );
    let english = format!(
        "We received a request to reset your password. To choose a new one:\n\n{link}\n\n\
         The link works once, within 1 hour. If it was not you who asked, delete this message: \
         your password has not changed."
    );
    message(to, &turkish, &english)
}

/// A notice that something changed about the account.
#[must_use]
pub fn security_notice(to: &str, notice: Notice) -> Message {
    let (turkish, english) = notice.event();
    let (turkish_advice, english_advice) = notice.advice();
    message(to, &format!("{turkish}\n\n{turkish_advice}"), &format!("{english}\n\n{english_advice}"))
}

fn message(to: &str, turkish: &str, english: &str) -> Message {
    Message {
        to: to.to_owned(),
        subject: "Hesabınız · Your account".to_owned(),
        text: format!("Merhaba,\n\n{turkish}\n\n---\n\nHello,\n\n{english}\n"),
        not_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://example.org/account/password#token=k7Jq";

    #[test]
    fn invitations_and_resets_are_golden() {
        insta::assert_snapshot!(invitation("a@example.org", LINK).text);
        insta::assert_snapshot!(password_reset("a@example.org", LINK).text);
    }

    #[test]
    fn notices_are_golden() {
        let texts = Notice::ALL.map(|notice| security_notice("a@example.org", notice).text);
        insta::assert_snapshot!(texts.join("=====\n"));
    }

    #[test]
    fn subjects_tell_nothing_and_links_stand_alone() {
        let with_links = [invitation("a@example.org", LINK), password_reset("a@example.org", LINK)];
        for message in &with_links {
            assert_eq!(message.text.lines().filter(|line| *line == LINK).count(), 2);
        }
        let notices = Notice::ALL.map(|notice| security_notice("a@example.org", notice));
        for message in with_links.iter().chain(&notices) {
            assert_eq!(message.subject, "Hesabınız · Your account");
            assert_eq!(message.to, "a@example.org");
        }
    }
}
