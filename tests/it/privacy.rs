//! Privacy: what may not be known is nowhere, by no way.

use serde_json::Value;
use sogep::content::DEMO;

/// One line of the sample content.
pub struct Sample {
    pub collection: String,
    pub slug: String,
    pub line: Value,
}

impl Sample {
    /// Whether everybody may see the entry.
    pub fn is_public(&self) -> bool {
        self.line["state"] == "published"
            && self.line["visibility"].as_str().unwrap_or("public") == "public"
            && (self.collection != "people" || self.has_consent())
    }

    fn has_consent(&self) -> bool {
        let consent = &self.line["consent"];
        let names = consent["scope"].as_array().is_some_and(|scope| scope.contains(&"name".into()));
        names && consent["withdrawn_at"].is_null()
    }
}

/// The sample content as its files have it.
pub fn samples() -> Vec<Sample> {
    let lines = DEMO.iter().flat_map(|(collection, text)| text.lines().map(move |line| (collection, line)));
    lines
        .map(|(collection, line)| {
            let line: Value = serde_json::from_str(line).unwrap();
            let slug = line["slug"].as_str().unwrap().to_owned();
            Sample { collection: collection.to_string(), slug, line }
        })
        .collect()
}
