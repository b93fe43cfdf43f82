//! Closed lists: words that are stored, sent, and explained to readers in Turkish and English.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Declares a closed list. A word is stored and sent in `snake_case`; beside it stand its English
/// and its Turkish label.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $variant:ident: $en:literal, $tr:literal;)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            EnumIter, DeriveActiveEnum, Serialize, Deserialize, ToSchema,
        )]
        #[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = concat!($en, " · ", $tr)] $(#[$attribute])* $variant,)+
        }

        impl super::labels::Labelled for $name {
            const LABELS: &'static [(Self, &'static str, &'static str)] = &[$((Self::$variant, $en, $tr)),+];
        }
    };
}

vocabulary! {
    /// What an entry is.
    Kind {
        Organisation: "Organisation", "Kuruluş";
        Project: "Project", "Proje";
        Event: "Event", "Etkinlik";
        Publication: "Publication", "Yayın";
        Practice: "Practice", "Deneyim";
        Person: "Person", "Kişi";
        Partner: "Partner", "Paydaş";
        Topic: "Topic", "Konu";
    }
}

vocabulary! {
    /// How far an entry is on its way to the public.
    State {
        Draft: "Draft", "Taslak";
        InReview: "In review", "İncelemede";
        Scheduled: "Scheduled", "Zamanlanmış";
        Published: "Published", "Yayımlanmış";
        Archived: "Archived", "Arşivlenmiş";
    }
}

vocabulary! {
    /// Who may see an entry once it is published.
    Visibility {
        Public: "Everybody", "Herkes";
        Partners: "Partner organisations", "Paydaş kuruluşlar";
        Internal: "The organisation", "Kuruluş içi";
    }
}

vocabulary! {
    /// What happened to an entry.
    What {
        Created: "Created", "Oluşturuldu";
        Updated: "Updated", "Güncellendi";
        Published: "Published", "Yayımlandı";
        Unpublished: "Withdrawn", "Yayından kaldırıldı";
        Deleted: "Deleted", "Silindi";
    }
}

vocabulary! {
    /// What a one-time token is for.
    OneTimePurpose {
        Invitation: "Invitation", "Davet";
        PasswordReset: "Password reset", "Parola sıfırlama";
    }
}

vocabulary! {
    /// Who did something, for the audit trail.
    ActorType {
        Nobody: "Somebody without a good credential", "Kimliği bilinmeyen";
        Account: "An account", "Hesap";
        Key: "A key", "Anahtar";
        System: "The program itself, from its command line", "Programın kendisi (komut satırı)";
    }
}

vocabulary! {
    /// Whether what the audit trail tells of was done.
    AuditOutcome {
        Success: "Done", "Yapıldı";
        Failure: "Refused", "Reddedildi";
    }
}

vocabulary! {
    /// What the audit trail tells of; the words are those of the OWASP Logging Vocabulary where it has one.
    AuditAction {
        AuthnLoginSuccess: "Signed in", "Oturum açıldı";
        AuthnLoginFail: "Signing in failed", "Oturum açılamadı";
        AuthnLoginLock: "Signing in was put off: too many failures", "Çok sayıda hata: oturum açma ertelendi";
        AuthnFail: "A wrong credential was sent", "Geçersiz kimlik bilgisi gönderildi";
        AuthnTokenReuse: "A used refresh token came again", "Kullanılmış yenileme anahtarı yeniden geldi";
        AuthnReauthentication: "Proved again who they are", "Kimlik yeniden doğrulandı";
        AuthnPasswordChange: "Password changed", "Parola değişti";
        AuthnPasswordReset: "Password reset asked for", "Parola sıfırlama istendi";
        AuthnFactorAdded: "Second factor set up", "İkinci doğrulama kuruldu";
        AuthnFactorRemoved: "Second factor removed", "İkinci doğrulama kaldırıldı";
        AuthnRecoveryCodeUsed: "Recovery code used", "Kurtarma kodu kullanıldı";
        AuthnRecoveryCodesRenewed: "Recovery codes renewed", "Kurtarma kodları yenilendi";
        AuthzFail: "Not allowed", "Yetki yok";
        SessionEnded: "Session ended", "Oturum sonlandırıldı";
        UserCreated: "Account created", "Hesap oluşturuldu";
        UserInvited: "Invitation sent", "Davet gönderildi";
        UserUpdated: "Account changed", "Hesap değişti";
        UserRoleChanged: "Role changed", "Rol değişti";
        UserDisabled: "Account disabled", "Hesap kapatıldı";
        UserEnabled: "Account enabled", "Hesap açıldı";
        UserDeleted: "Account deleted", "Hesap silindi";
        KeyCreated: "Key made", "Anahtar oluşturuldu";
        KeyFirstUsed: "Key used for the first time", "Anahtar ilk kez kullanıldı";
        KeyRotated: "Key replaced by a new one", "Anahtar yenilendi";
        KeyRevoked: "Key revoked", "Anahtar iptal edildi";
        SigningKeyRotated: "Signing key replaced", "İmza anahtarı yenilendi";
        SecretsResealed: "Sealed anew under the present master secret", "Güncel ana sırla yeniden mühürlendi";
        ContentCreated: "Entry created", "Kayıt oluşturuldu";
        ContentUpdated: "Entry changed", "Kayıt değişti";
        ContentPublished: "Entry published", "Kayıt yayımlandı";
        ContentUnpublished: "Entry withdrawn", "Kayıt yayından kaldırıldı";
        ContentDeleted: "Entry moved to the trash", "Kayıt çöpe taşındı";
        ContentSubmitted: "Entry sent to review", "Kayıt incelemeye gönderildi";
        ContentScheduled: "Entry scheduled", "Kayıt zamanlandı";
        ContentRestored: "Entry taken out of the trash", "Kayıt çöpten çıkarıldı";
        ContentPurged: "Entry deleted for good", "Kayıt kalıcı olarak silindi";
        PreviewCreated: "Preview link made", "Önizleme bağlantısı oluşturuldu";
        PreviewRevoked: "Preview link revoked", "Önizleme bağlantısı iptal edildi";
        JobRetried: "Job tried again", "İş yeniden denendi";
        JobDiscarded: "Job discarded", "İş silindi";
        ContentImported: "Content imported", "İçerik içe aktarıldı";
        ContentExported: "Content exported", "İçerik dışa aktarıldı";
        AuditLost: "Lines about refused requests were dropped: too many at once", "Çok sayıda ret: satırlar düşürüldü";
    }
}

vocabulary! {
    /// The part somebody had in an entry.
    Role {
        Author: "Author", "Yazar";
        Editor: "Editor", "Editör";
        Translator: "Translator", "Çevirmen";
        Illustrator: "Illustrator", "Çizer";
        Reviewer: "Reviewer", "Hakem";
        Researcher: "Researcher", "Araştırmacı";
        Contributor: "Contributor", "Katkıda bulunan";
        Publisher: "Publisher", "Yayıncı";
        Coordinator: "Coordinator", "Koordinatör";
        Adviser: "Adviser", "Danışman";
        TeamMember: "Team member", "Ekip üyesi";
        Speaker: "Speaker", "Konuşmacı";
        Moderator: "Moderator", "Kolaylaştırıcı";
        Panellist: "Panellist", "Panelist";
        Trainer: "Trainer", "Eğitmen";
        Organiser: "Organiser", "Düzenleyen";
        CoOrganiser: "Co-organiser", "Ortak düzenleyen";
        Host: "Host", "Ev sahibi";
        Funder: "Funder", "Fon sağlayan";
        Lead: "Lead organisation", "Yürütücü kuruluş";
        Implementer: "Implementing partner", "Uygulayıcı ortak";
        Supporter: "Supporter", "Destekleyen";
    }
}

vocabulary! {
    /// The system an identifier belongs to.
    IdentifierScheme {
        Doi: "DOI", "DOI";
        Isbn: "ISBN", "ISBN";
        Issn: "ISSN", "ISSN";
        Urn: "URN", "URN";
        Handle: "Handle", "Handle";
        Orcid: "ORCID iD", "ORCID";
        Ror: "ROR ID", "ROR";
        #[serde(rename = "org-id")]
        OrgId: "org-id.guide identifier", "org-id.guide kimliği";
        Iati: "IATI identifier", "IATI kimliği";
        Oai: "OAI identifier", "OAI kimliği";
        Wikidata: "Wikidata item", "Wikidata maddesi";
        Url: "Web address", "Web adresi";
    }
}

vocabulary! {
    /// How far a project is (IATI activity status, in words).
    ProjectStatus {
        Planned: "Planned", "Planlanan";
        Active: "Active", "Sürüyor";
        Finalising: "Finalising", "Sonuçlandırılıyor";
        Completed: "Completed", "Tamamlandı";
        Suspended: "Suspended", "Askıda";
        Cancelled: "Cancelled", "İptal edildi";
    }
}

vocabulary! {
    /// How far something reaches.
    Reach {
        Local: "Local", "Yerel";
        National: "National", "Ulusal";
        Regional: "Regional", "Bölgesel";
        Eu: "European Union", "Avrupa Birliği";
        Global: "Global", "Küresel";
    }
}

vocabulary! {
    /// The form of an event.
    EventType {
        Conference: "Conference", "Konferans";
        Panel: "Panel", "Panel";
        Workshop: "Workshop", "Atölye";
        Training: "Training", "Eğitim";
        Seminar: "Seminar", "Seminer";
        Meeting: "Meeting", "Toplantı";
        Campaign: "Campaign", "Kampanya";
        Forum: "Forum", "Forum";
        Webinar: "Webinar", "Çevrim içi seminer";
        Press: "Press event", "Basın toplantısı";
    }
}

vocabulary! {
    /// Whether an event takes place.
    EventStatus {
        Tentative: "Tentative", "Kesinleşmedi";
        Confirmed: "Confirmed", "Kesinleşti";
        Cancelled: "Cancelled", "İptal edildi";
        Postponed: "Postponed", "Ertelendi";
    }
}

vocabulary! {
    /// How people attend an event.
    AttendanceMode {
        InPerson: "In person", "Yüz yüze";
        Online: "Online", "Çevrim içi";
        Hybrid: "Hybrid", "Karma";
    }
}

vocabulary! {
    /// How precisely the public may learn where an event is.
    LocationPrecision {
        Exact: "Exact place", "Tam adres";
        City: "City only", "Yalnızca kent";
        Hidden: "Withheld", "Gizli";
    }
}

vocabulary! {
    /// The form of a publication; each has its place in the COAR resource types.
    PublicationType {
        ResearchReport: "Research report", "Araştırma raporu";
        PolicyBrief: "Policy brief", "Politika notu";
        PolicyProposal: "Policy proposal", "Politika önerisi";
        MonitoringReport: "Monitoring report", "İzleme raporu";
        ShadowReport: "Shadow report", "Gölge rapor";
        Toolkit: "Toolkit", "Araç seti";
        Guide: "Guide", "Kılavuz";
        TrainingMaterial: "Training material", "Eğitim materyali";
        Article: "Article", "Makale";
        Book: "Book", "Kitap";
        BookChapter: "Book chapter", "Kitap bölümü";
        ConferencePaper: "Conference paper", "Bildiri";
        WorkingPaper: "Working paper", "Çalışma metni";
        Infographic: "Infographic", "İnfografik";
        Video: "Video", "Video";
        Dataset: "Dataset", "Veri seti";
        Statement: "Statement", "Açıklama";
        News: "News", "Haber";
    }
}

vocabulary! {
    /// Who may read the full text of a publication (COAR access rights, in words).
    Access {
        Open: "Open access", "Açık erişim";
        Embargoed: "Embargoed access", "Ambargolu erişim";
        Restricted: "Restricted access", "Sınırlı erişim";
        MetadataOnly: "Metadata only access", "Yalnızca üstveri erişimi";
    }
}

vocabulary! {
    /// Whom a publication is written for.
    Audience {
        CivilSociety: "Civil society", "Sivil toplum";
        PolicyMakers: "Policy makers", "Politika yapıcılar";
        LocalGovernment: "Local government", "Yerel yönetimler";
        Researchers: "Researchers", "Araştırmacılar";
        Practitioners: "Practitioners", "Uygulayıcılar";
        Educators: "Educators", "Eğitimciler";
        Media: "Media", "Medya";
        GeneralPublic: "General public", "Genel kamuoyu";
    }
}

vocabulary! {
    /// What came of what was tried.
    Outcome {
        Worked: "Worked", "İşe yaradı";
        Mixed: "Mixed", "Kısmen işe yaradı";
        Failed: "Failed", "Başarısız oldu";
    }
}

vocabulary! {
    /// What a person is to the organisation.
    PersonRole {
        Member: "Member", "Üye";
        Staff: "Staff", "Çalışan";
        Board: "Board member", "Yönetim kurulu üyesi";
        Researcher: "Researcher", "Araştırmacı";
        Activist: "Activist", "Aktivist";
        Academic: "Academic", "Akademisyen";
        Volunteer: "Volunteer", "Gönüllü";
    }
}

vocabulary! {
    /// What a person has agreed to have shown.
    ConsentScope {
        Name: "Name", "Ad";
        Photo: "Photo", "Fotoğraf";
        Biography: "Biography", "Özgeçmiş";
        Role: "Role in the organisation", "Kuruluştaki görev";
        Affiliation: "Affiliation", "Bağlı olunan kurum";
    }
}

vocabulary! {
    /// What kind of organisation a partner is.
    PartnerType {
        Ngo: "Non-governmental organisation", "Sivil toplum kuruluşu";
        WomensOrganisation: "Women's organisation", "Kadın örgütü";
        PublicBody: "Public body", "Kamu kurumu";
        Municipality: "Municipality", "Belediye";
        University: "University", "Üniversite";
        Union: "Trade union", "Sendika";
        International: "International organisation", "Uluslararası kuruluş";
        Funder: "Funder", "Fon kuruluşu";
        Media: "Media", "Medya";
        Company: "Company", "Şirket";
    }
}

vocabulary! {
    /// What money did (IATI transaction types 1, 3 and 4, in words).
    TransactionType {
        IncomingFunds: "Incoming funds", "Gelen fon";
        Disbursement: "Disbursement", "Aktarım";
        Expenditure: "Expenditure", "Harcama";
    }
}

vocabulary! {
    /// What the values of a result are counted in (IATI indicator measures, in words).
    Measure {
        Unit: "Unit", "Adet";
        Percentage: "Percentage", "Yüzde";
        Nominal: "Nominal", "Adsal";
        Ordinal: "Ordinal", "Sıralı";
        Qualitative: "Qualitative", "Nitel";
    }
}

vocabulary! {
    /// What an account may do; each role includes those before it.
    AccountRole {
        Viewer: "Viewer", "Okuyucu";
        Author: "Author", "Yazar";
        Editor: "Editor", "Editör";
        Admin: "Administrator", "Yönetici";
        Owner: "Owner", "Sahip";
    }
}

vocabulary! {
    /// What a key is for.
    KeyType {
        Publishable: "Publishable key, safe in a browser", "Yayımlanabilir anahtar";
        Secret: "Secret key of a partner or a server", "Gizli anahtar";
    }
}
