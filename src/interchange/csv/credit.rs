//! People, partners and identifiers in a cell: `role: Name <person:slug>`, `doi:10.5555/abc`.

use serde_json::{Map, Value, json};

use super::cell::{Word, read_item, word};
use crate::editorial::kind::{Agents, CreditField};

/// How the credits of a field are written.
#[derive(Clone, Debug)]
pub struct CreditCell {
    /// The roles there are to have; one that is the only one is not written.
    pub roles: Vec<Word>,
    /// Who may stand here.
    pub agents: Agents,
}

/// What has a backslash before it in a name.
const SPECIAL: [char; 2] = ['|', '<'];

impl CreditCell {
    /// The credits of `field`; `roles` are its roles with their labels.
    pub fn new(field: &CreditField, roles: Vec<Word>) -> Self {
        Self { roles, agents: field.agents }
    }

    /// One credit.
    pub fn write(&self, credit: &Value) -> String {
        let part = |name: &str| credit.get(name).and_then(Value::as_str);
        let mut text = String::new();
        if let (Some(role), true) = (part("role"), self.roles.len() > 1) {
            text.push_str(role);
            text.push(':');
        }
        let mut add = |part: &str| {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(part);
        };
        if let Some(name) = part("name") {
            add(&name.replace('\\', "\\\\").replace('|', "\\|").replace('<', "\\<"));
        }
        for kind in ["person", "partner"] {
            if let Some(who) = part(kind) {
                add(&format!("<{kind}:{who}>"));
            }
        }
        text
    }

    /// Reads one credit.
    ///
    /// # Errors
    /// A code and a sentence that say what is wanted.
    pub fn read(&self, item: &str) -> Result<Value, (&'static str, String)> {
        let mut rest = item.trim();
        let mut credit = Map::new();
        if self.roles.len() > 1 {
            let wanted = || {
                let known: Vec<&str> = self.roles.iter().map(|word| word.code.as_str()).collect();
                let detail = format!("wanted: a role before the name, such as `{}: Ad`", known.join("|"));
                ("required", detail)
            };
            let (role, after) = rest.split_once(':').ok_or_else(wanted)?;
            credit.insert("role".to_owned(), word(&self.roles, role.trim())?);
            rest = after.trim();
        }
        while let Some(start) = reference(rest) {
            let inner = rest.get(start + 1..rest.len() - 1).unwrap_or_default();
            let (kind, who) = match inner.split_once(':') {
                Some((kind, who)) => (kind.trim(), who.trim()),
                None if self.agents == Agents::Partners => ("partner", inner.trim()),
                None => ("person", inner.trim()),
            };
            let kind = match super::words::folded(kind).as_str() {
                "person" | "kisi" => "person",
                "partner" | "paydas" => "partner",
                _ => return Err(("format", "wanted: <person:slug> or <partner:slug>".to_owned())),
            };
            if credit.insert(kind.to_owned(), who.into()).is_some() {
                return Err(("repeated", "one name can stand for one person or partner".to_owned()));
            }
            rest = rest.get(..start).unwrap_or_default().trim_end();
        }
        if !rest.is_empty() {
            credit.insert("name".to_owned(), read_item(rest, &SPECIAL).into());
        }
        Ok(credit.into())
    }
}

/// Where the `<…>` at the end of `text` begins, if there is one.
fn reference(text: &str) -> Option<usize> {
    if !text.ends_with('>') {
        return None;
    }
    let mut escaped = false;
    let mut found = None;
    for (index, letter) in text.char_indices() {
        if letter == '<' && !escaped {
            found = Some(index);
        }
        escaped = letter == '\\' && !escaped;
    }
    found
}

/// An identifier, with its scheme.
pub fn identifier(value: &Value) -> String {
    let part = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{}:{}", part("scheme"), part("value"))
}

/// Reads an identifier.
///
/// # Errors
/// A code and a sentence that say what is wanted.
pub fn read_identifier(text: &str) -> Result<Value, (&'static str, String)> {
    match text.split_once(':') {
        Some((scheme, value)) => Ok(json!({ "scheme": scheme.trim().to_lowercase(), "value": value.trim() })),
        None => Err(("format", "wanted: an identifier with its scheme, such as doi:10.5555/abc".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(roles: &[&str], agents: Agents) -> CreditCell {
        let word = |code: &&str| Word { code: (*code).to_owned(), labels: vec![(*code).to_owned()] };
        CreditCell { roles: roles.iter().map(word).collect(), agents }
    }

    #[test]
    fn credits_are_read_back_as_they_were() {
        let one = cell(&["author"], Agents::Any);
        let many = cell(&["editor", "translator"], Agents::Any);
        for name in
            ["Işıl Öztürk", "A: B", "a|b", "<x>", "a <person:b>", "\\<", "x\\", "a>", "editor: x", "=x"]
        {
            for (person, partner) in [(None, None), (Some("isil"), None), (None, Some("dernek"))] {
                let mut credit = json!({ "name": name });
                if let Some(person) = person {
                    credit["person"] = person.into();
                }
                if let Some(partner) = partner {
                    credit["partner"] = partner.into();
                }
                assert_eq!(one.read(&one.write(&credit)), Ok(credit.clone()), "{}", one.write(&credit));
                credit["role"] = "translator".into();
                assert_eq!(many.read(&many.write(&credit)), Ok(credit.clone()), "{}", many.write(&credit));
            }
        }
        let unnamed = json!({ "person": "isil" });
        assert_eq!(one.read(&one.write(&unnamed)), Ok(unnamed));
        assert!(many.read("Ad Soyad").is_err());
        assert_eq!(
            cell(&["publisher"], Agents::Partners).read("<dernek>"),
            Ok(json!({ "partner": "dernek" }))
        );
    }
}
