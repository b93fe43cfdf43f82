//! Closed lists: words that are stored, sent, and explained to readers in Turkish and English.

use sea_orm::entity::prelude::*;

use super::labels::words;

mod sent;

pub use sent::{Happened, RelatedReason};

/// Declares a closed list that is stored and sent, as [`words!`] does.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident: $en:literal, $tr:literal { $($words:tt)+ }) => {
        words! {
            $(#[$doc])*
            #[derive(EnumIter, DeriveActiveEnum)]
            #[sea_orm(rs_type = "String", db_type = "Text", rename_all = "snake_case")]
            $name: $en, $tr { $($words)+ }
        }
    };
}

vocabulary! {
    /// What an entry is.
    Kind: "Kind of entry", "Kayıt türü" {
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
    State: "State", "Durum" {
        Draft: "Draft", "Taslak";
        InReview: "In review", "İncelemede";
        Scheduled: "Scheduled", "Zamanlanmış";
        Published: "Published", "Yayımlanmış";
        Archived: "Archived", "Arşivlenmiş";
    }
}

vocabulary! {
    /// Who may see an entry once it is published.
    Visibility: "Visibility", "Görünürlük" {
        Public: "Everybody", "Herkes";
        Partners: "Partner organisations", "Paydaş kuruluşlar";
        Internal: "The organisation", "Kuruluş içi";
    }
}

vocabulary! {
    /// What happened to an entry.
    What: "What happened to an entry", "Kayda ne oldu" {
        Created: "Created", "Oluşturuldu";
        Updated: "Updated", "Güncellendi";
        Published: "Published", "Yayımlandı";
        Unpublished: "Withdrawn", "Yayından kaldırıldı";
        Deleted: "Deleted", "Silindi";
    }
}

vocabulary! {
    /// What a one-time token is for.
    OneTimePurpose: "Purpose of a one-time token", "Tek kullanımlık anahtarın amacı" {
        Invitation: "Invitation", "Davet";
        PasswordReset: "Password reset", "Parola sıfırlama";
    }
}

vocabulary! {
    /// Who did something, for the audit trail.
    ActorType: "Kind of actor", "İşlemi yapan" {
        Nobody: "Somebody without a good credential", "Kimliği bilinmeyen";
        Account: "An account", "Hesap";
        Key: "A key", "Anahtar";
        System: "The program itself, from its command line", "Programın kendisi (komut satırı)";
    }
}

vocabulary! {
    /// Whether what the audit trail tells of was done.
    AuditOutcome: "Outcome", "Sonuç" {
        Success: "Done", "Yapıldı";
        Failure: "Refused", "Reddedildi";
    }
}

vocabulary! {
    /// What the audit trail tells of; the words are those of the OWASP Logging Vocabulary where it has one.
    AuditAction: "Action", "İşlem" {
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
        SynonymCreated: "Synonym made", "Eş anlamlı eklendi";
        SynonymUpdated: "Synonym changed", "Eş anlamlı değişti";
        SynonymDeleted: "Synonym deleted", "Eş anlamlı silindi";
        ContentImported: "Content imported", "İçerik içe aktarıldı";
        ContentExported: "Content exported", "İçerik dışa aktarıldı";
        AuditLost: "Lines about refused requests were dropped: too many at once", "Çok sayıda ret: satırlar düşürüldü";
    }
}

vocabulary! {
    /// The part somebody had in an entry.
    Role: "Contributor role", "Katkı rolü" {
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
    IdentifierScheme: "Identifier scheme", "Tanımlayıcı türü" {
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
    ProjectStatus: "Project status", "Proje durumu" {
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
    Reach: "Geographic scope", "Coğrafi kapsam" {
        Local: "Local", "Yerel";
        National: "National", "Ulusal";
        Regional: "Regional", "Bölgesel";
        Eu: "European Union", "Avrupa Birliği";
        Global: "Global", "Küresel";
    }
}

vocabulary! {
    /// The form of an event.
    EventType: "Event type", "Etkinlik türü" {
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
    EventStatus: "Event status", "Etkinlik durumu" {
        Tentative: "Tentative", "Kesinleşmedi";
        Confirmed: "Confirmed", "Kesinleşti";
        Cancelled: "Cancelled", "İptal edildi";
        Postponed: "Postponed", "Ertelendi";
    }
}

vocabulary! {
    /// How people attend an event.
    AttendanceMode: "Attendance mode", "Katılım biçimi" {
        InPerson: "In person", "Yüz yüze";
        Online: "Online", "Çevrim içi";
        Hybrid: "Hybrid", "Karma";
    }
}

vocabulary! {
    /// How precisely the public may learn where an event is.
    LocationPrecision: "Precision of the location", "Konum kesinliği" {
        Exact: "Exact place", "Tam adres";
        City: "City only", "Yalnızca kent";
        Hidden: "Withheld", "Gizli";
    }
}

vocabulary! {
    /// The form of a publication; each has its place in the COAR resource types.
    PublicationType: "Publication type", "Yayın türü" {
        ResearchReport: "Research report", "Araştırma raporu", "http://purl.org/coar/resource_type/c_18ws";
        PolicyBrief: "Policy brief", "Politika notu", "http://purl.org/coar/resource_type/c_186u";
        PolicyProposal: "Policy proposal", "Politika önerisi", "http://purl.org/coar/resource_type/c_186u";
        MonitoringReport: "Monitoring report", "İzleme raporu", "http://purl.org/coar/resource_type/c_93fc";
        ShadowReport: "Shadow report", "Gölge rapor", "http://purl.org/coar/resource_type/c_93fc";
        Toolkit: "Toolkit", "Araç seti", "http://purl.org/coar/resource_type/c_e059";
        Guide: "Guide", "Kılavuz", "http://purl.org/coar/resource_type/c_71bd";
        TrainingMaterial: "Training material", "Eğitim materyali", "http://purl.org/coar/resource_type/c_e059";
        Article: "Article", "Makale", "http://purl.org/coar/resource_type/c_6501";
        Book: "Book", "Kitap", "http://purl.org/coar/resource_type/c_2f33";
        BookChapter: "Book chapter", "Kitap bölümü", "http://purl.org/coar/resource_type/c_3248";
        ConferencePaper: "Conference paper", "Bildiri", "http://purl.org/coar/resource_type/c_5794";
        WorkingPaper: "Working paper", "Çalışma metni", "http://purl.org/coar/resource_type/c_8042";
        Infographic: "Infographic", "İnfografik", "http://purl.org/coar/resource_type/c_ecc8";
        Video: "Video", "Video", "http://purl.org/coar/resource_type/c_12ce";
        Dataset: "Dataset", "Veri seti", "http://purl.org/coar/resource_type/c_ddb1";
        Statement: "Statement", "Açıklama", "http://purl.org/coar/resource_type/c_18cf";
        News: "News", "Haber", "http://purl.org/coar/resource_type/c_998f";
    }
}

vocabulary! {
    /// Who may read the full text of a publication (COAR access rights, in words).
    Access: "Access right", "Erişim hakkı" {
        Open: "Open access", "Açık erişim", "http://purl.org/coar/access_right/c_abf2";
        Embargoed: "Embargoed access", "Ambargolu erişim", "http://purl.org/coar/access_right/c_f1cf";
        Restricted: "Restricted access", "Sınırlı erişim", "http://purl.org/coar/access_right/c_16ec";
        MetadataOnly: "Metadata only access", "Yalnızca üstveri erişimi", "http://purl.org/coar/access_right/c_14cb";
    }
}

vocabulary! {
    /// Whom a publication is written for.
    Audience: "Audience", "Hedef kitle" {
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
    Outcome: "Outcome of a practice", "Deneyimin sonucu" {
        Worked: "Worked", "İşe yaradı";
        Mixed: "Mixed", "Kısmen işe yaradı";
        Failed: "Failed", "Başarısız oldu";
    }
}

vocabulary! {
    /// What a person is to the organisation.
    PersonRole: "Role in the organisation", "Kuruluştaki görev" {
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
    ConsentScope: "Scope of consent", "Rızanın kapsamı" {
        Name: "Name", "Ad";
        Photo: "Photo", "Fotoğraf";
        Biography: "Biography", "Özgeçmiş";
        Role: "Role in the organisation", "Kuruluştaki görev";
        Affiliation: "Affiliation", "Bağlı olunan kurum";
    }
}

vocabulary! {
    /// What kind of organisation a partner is.
    PartnerType: "Partner type", "Paydaş türü" {
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
    TransactionType: "Transaction type", "İşlem türü" {
        IncomingFunds: "Incoming funds", "Gelen fon";
        Disbursement: "Disbursement", "Aktarım";
        Expenditure: "Expenditure", "Harcama";
    }
}

vocabulary! {
    /// What the values of a result are counted in (IATI indicator measures, in words).
    Measure: "Measure of an indicator", "Göstergenin ölçüsü" {
        Unit: "Unit", "Adet";
        Percentage: "Percentage", "Yüzde";
        Nominal: "Nominal", "Adsal";
        Ordinal: "Ordinal", "Sıralı";
        Qualitative: "Qualitative", "Nitel";
    }
}

vocabulary! {
    /// What an account may do; each role includes those before it.
    AccountRole: "Account role", "Hesap rolü" {
        Viewer: "Viewer", "Okuyucu";
        Author: "Author", "Yazar";
        Editor: "Editor", "Editör";
        Admin: "Administrator", "Yönetici";
        Owner: "Owner", "Sahip";
    }
}

vocabulary! {
    /// What a key is for.
    KeyType: "Key type", "Anahtar türü" {
        Publishable: "Publishable key, safe in a browser", "Yayımlanabilir anahtar";
        Secret: "Secret key of a partner or a server", "Gizli anahtar";
    }
}
