//! What the profile holds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What does not depend on language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fields {
    /// How to reach it.
    #[serde(default)]
    pub contact: Contact,
}

/// How to reach the organisation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Contact {
    /// E-mail address.
    #[schema(format = "email", max_length = 254, example = "iletisim@sogep.org.tr")]
    pub email: Option<String>,
    /// Website.
    pub website: Option<Website>,
    /// Telephones.
    #[schema(max_items = 20)]
    pub phones: Vec<Phone>,
    /// Postal address.
    pub address: Option<Address>,
    /// Profiles on social media.
    #[schema(max_items = 20)]
    pub social: Vec<SocialProfile>,
}

/// A website.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Website {
    /// As printed.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300, example = "www.sogep.org.tr")]
    pub printed: String,
    /// As an address.
    #[schema(format = "uri", max_length = 2000, example = "http://www.sogep.org.tr")]
    pub url: String,
}

/// A telephone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Phone {
    /// As printed.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60, example = "0532 471 87 46")]
    pub printed: String,
    /// In the international form (ITU-T E.164).
    #[schema(pattern = r"^\+[1-9][0-9]{4,14}$", example = "+905324718746")]
    pub e164: String,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// As printed.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 500)]
    pub printed: String,
    /// Neighbourhood (mahalle).
    #[serde(default)]
    #[schema(max_length = 200, example = "Kamer Hatun Mahallesi")]
    pub neighbourhood: Option<String>,
    /// Street.
    #[serde(default)]
    #[schema(max_length = 200, example = "Hamalbaşı Sok.")]
    pub street: Option<String>,
    /// House number.
    #[serde(default)]
    #[schema(max_length = 60, example = "22-9")]
    pub house_number: Option<String>,
    /// Postal code.
    #[serde(default)]
    #[schema(max_length = 20, example = "34435")]
    pub postal_code: Option<String>,
    /// District (ilçe).
    #[serde(default)]
    #[schema(max_length = 200, example = "Beyoğlu")]
    pub district: Option<String>,
    /// City.
    #[serde(default)]
    #[schema(max_length = 200, example = "İstanbul")]
    pub city: Option<String>,
    /// Country.
    #[serde(default)]
    #[schema(max_length = 200, example = "Türkiye")]
    pub country: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    #[serde(default)]
    #[schema(pattern = "^[A-Z]{2}$", example = "TR")]
    pub country_code: Option<String>,
}

/// A profile on social media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SocialProfile {
    /// The platform.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 60, example = "facebook")]
    pub platform: String,
    /// As printed.
    #[schema(pattern = r"^\S([^\r\n\t]*\S)?$", max_length = 300)]
    pub printed: String,
    /// As an address.
    #[schema(format = "uri", max_length = 2000)]
    pub url: String,
    /// The name there.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub handle: Option<String>,
}

/// What is written once per language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Texts {
    /// Its names.
    pub name: Option<Names>,
    /// Where it is at home.
    pub location: Option<Location>,
    /// What the law knows it as; what is not known is null.
    pub legal: Option<Legal>,
    /// What it is there for, in a sentence.
    #[schema(max_length = 2000)]
    pub mission: Option<String>,
    /// What it says of itself.
    pub about: Option<About>,
    /// Who its members are.
    pub members: Option<Members>,
    /// What it aims at.
    #[schema(max_items = 50, max_length = 5000)]
    pub aims: Vec<String>,
    /// What it works on.
    pub focus_areas: Option<FocusAreas>,
    /// What it holds to.
    pub principles: Option<Principles>,
    /// Words for the frontend.
    pub ui: Option<InterfaceTexts>,
    /// Where these texts come from.
    pub provenance: Option<Provenance>,
    /// Notes of those who prepared these texts.
    #[schema(max_items = 50, max_length = 2000)]
    pub editorial_notes: Vec<String>,
}

/// The names of the organisation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Names {
    /// In full.
    #[schema(max_length = 300, example = "Sosyal Kalkınma ve Cinsiyet Eşitliği Politikaları Merkezi")]
    pub full: Option<String>,
    /// In full, in the original language.
    #[schema(max_length = 300)]
    pub full_original: Option<String>,
    /// In short.
    #[schema(max_length = 100, example = "SOGEP")]
    pub short: Option<String>,
    /// As in its logo.
    #[schema(max_length = 100, example = "sogep")]
    pub wordmark: Option<String>,
    /// As on its letterhead.
    #[schema(max_length = 500)]
    pub printed: Option<String>,
}

/// Where the organisation is at home.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Location {
    /// City.
    #[schema(max_length = 200, example = "İstanbul")]
    pub city: Option<String>,
    /// Country.
    #[schema(max_length = 200, example = "Türkiye")]
    pub country: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    #[schema(pattern = "^[A-Z]{2}$", example = "TR")]
    pub country_code: Option<String>,
}

/// What the law knows the organisation as.
#[expect(clippy::struct_field_names, reason = "legal form is the term")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Legal {
    /// Its legal form.
    #[schema(max_length = 200)]
    pub legal_form: Option<String>,
    /// Its register number.
    #[schema(max_length = 100)]
    pub registration_number: Option<String>,
    /// When it was founded.
    pub founded_on: Option<chrono::NaiveDate>,
    /// What is to be said about this.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// What the organisation says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// The whole text, in paragraphs.
    #[schema(max_items = 50, max_length = 10_000)]
    pub paragraphs: Vec<String>,
    /// The same text in parts.
    #[schema(max_items = 50)]
    pub sections: Vec<Section>,
}

/// A part of the organisation's text about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// What the part is about.
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 60, example = "rationale")]
    pub key: String,
    /// The text.
    #[schema(max_length = 10_000)]
    pub text: String,
}

/// Who the organisation's members are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Members {
    /// In a sentence.
    #[schema(max_length = 2000)]
    pub text: Option<String>,
    /// In groups.
    #[schema(max_items = 50, max_length = 200, example = json!(["akademisyenler"]))]
    pub groups: Vec<String>,
}

/// What the organisation works on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FocusAreas {
    /// The words before the list.
    #[schema(max_length = 2000)]
    pub intro: Option<String>,
    /// The list.
    #[schema(max_items = 50)]
    pub items: Vec<FocusArea>,
}

/// One thing the organisation works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FocusArea {
    /// A key that stays the same in every language.
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 60, example = "capacity-advocacy")]
    pub key: String,
    /// Its place in the list, from 1.
    #[schema(minimum = 1, maximum = 1000)]
    pub position: i32,
    /// The title.
    #[schema(max_length = 300)]
    pub title: String,
    /// Where the title comes from, when not from the source: `editorial`.
    #[serde(default)]
    #[schema(max_length = 60, example = "editorial")]
    pub title_origin: Option<String>,
    /// The text.
    #[schema(max_length = 5000)]
    pub text: String,
}

/// What the organisation holds to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Principles {
    /// The heading.
    #[schema(max_length = 300, example = "İlkeler")]
    pub heading: Option<String>,
    /// The words before the list.
    #[schema(max_length = 2000)]
    pub intro: Option<String>,
    /// The list.
    #[schema(max_items = 50)]
    pub items: Vec<Principle>,
}

/// A principle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Principle {
    /// A key that stays the same in every language.
    #[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 60, example = "anti-militarist")]
    pub key: String,
    /// Its place in the list, from 1.
    #[schema(minimum = 1, maximum = 1000)]
    pub position: i32,
    /// The principle.
    #[schema(max_length = 1000, example = "Anti-militarist")]
    pub text: String,
}

/// Words for the frontend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InterfaceTexts {
    /// The heading over what a reader may also be interested in.
    #[schema(max_length = 300)]
    pub related_heading: Option<String>,
    /// The words beside the ways to reach the organisation.
    pub contact_labels: Option<ContactLabels>,
}

/// The words beside the ways to reach the organisation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContactLabels {
    /// For the postal address.
    #[schema(max_length = 100, example = "Adres")]
    pub address: Option<String>,
    /// For the telephones.
    #[schema(max_length = 100, example = "Telefon")]
    pub phone: Option<String>,
    /// For Facebook.
    #[schema(max_length = 100, example = "Facebook")]
    pub facebook: Option<String>,
}

/// Where the texts in a language come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Provenance {
    /// What they were taken from.
    #[schema(max_length = 300)]
    pub source: Option<String>,
    /// `original` or `translation`.
    #[schema(max_length = 60, example = "original")]
    pub status: Option<String>,
    /// The language they were translated from.
    #[schema(max_length = 35)]
    pub translated_from: Option<String>,
    /// Whether the organisation stands by them.
    pub official: Option<bool>,
    /// What is to be said about this.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}
