//! What a cell holds, and the value it stands for.

use serde_json::{Number, Value};

use super::{
    credit::{self, CreditCell},
    words::folded,
};

/// What a spreadsheet takes for the beginning of a formula, or strips to get to one.
///
/// Source: OWASP, CSV Injection.
const TRIGGERS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// What an empty text is written as.
const EMPTY: &str = "\\e";
/// What stands for a language that has no text at all.
pub const BARE: &str = "\\0";

/// What a column's cells hold.
#[derive(Clone, Debug)]
pub enum Form {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A word of a closed list.
    Word(Vec<Word>),
    /// Several of these.
    List(Box<Form>),
    /// People and partners.
    Credits(CreditCell),
    /// Identifiers, with their schemes.
    Identifiers,
    /// Anything else.
    Json,
}

/// A word of a closed list.
#[derive(Clone, Debug)]
pub struct Word {
    /// As it is sent.
    pub code: String,
    /// What it may be called, folded.
    pub labels: Vec<String>,
}

/// `text` so that no spreadsheet takes it for a formula. One that would, behind whatever
/// apostrophes it has, gets one more.
#[must_use]
pub fn defused(text: String) -> String {
    if is_risky(&text) { format!("'{text}") } else { text }
}

/// `text` as it was before [`defused`]. An apostrophe that stands before anything else stays.
#[must_use]
pub fn plain(text: &str) -> &str {
    text.strip_prefix('\'').filter(|_| is_risky(text)).unwrap_or(text)
}

fn is_risky(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(TRIGGERS)
}

/// A text, so that neither nothing nor a mark of ours is mistaken for it.
fn written_text(text: &str) -> String {
    match text {
        "" => EMPTY.to_owned(),
        _ if is_mark(text) => format!("\\{text}"),
        _ => text.to_owned(),
    }
}

fn read_text(cell: &str) -> String {
    let unified = cell.replace("\r\n", "\n").replace('\r', "\n");
    match unified.strip_prefix('\\') {
        Some("e") => String::new(),
        Some(rest) if is_mark(rest) => rest.to_owned(),
        _ => unified,
    }
}

/// Whether `text` is one of our marks, behind any number of backslashes.
fn is_mark(text: &str) -> bool {
    text.starts_with('\\') && matches!(text.trim_start_matches('\\'), "e" | "0")
}

/// Items joined by `|`.
pub fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join("|")
}

/// An item of a list.
pub fn written_item(item: &str) -> String {
    if item.is_empty() { EMPTY.to_owned() } else { item.replace('\\', "\\\\").replace('|', "\\|") }
}

/// The items of a cell, each still with its backslashes.
pub fn items(cell: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut escaped = false;
    for letter in cell.chars() {
        if letter == '|' && !escaped {
            items.push(String::new());
        } else if let Some(item) = items.last_mut() {
            item.push(letter);
        }
        escaped = letter == '\\' && !escaped;
    }
    items
}

/// An item without its backslashes; one before any other character is a backslash.
pub fn read_item(item: &str, special: &[char]) -> String {
    if item == EMPTY {
        return String::new();
    }
    let mut text = String::new();
    let mut letters = item.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some(next)) if *next == '\\' || special.contains(next) => {
                text.extend(letters.next());
            }
            _ => text.push(letter),
        }
    }
    text
}

impl Form {
    /// What stands in the cell for `value`.
    pub fn write(&self, value: &Value) -> String {
        match (self, value) {
            (_, Value::Null) => String::new(),
            (_, Value::Array(items)) if items.is_empty() => String::new(),
            (Self::List(_), Value::Array(items)) => {
                joined(items.iter().map(|item| written_item(&bare(item))))
            }
            (Self::Credits(form), Value::Array(items)) => joined(items.iter().map(|item| form.write(item))),
            (Self::Identifiers, Value::Array(items)) => {
                joined(items.iter().map(|item| written_item(&credit::identifier(item))))
            }
            (Self::Text | Self::Word(_), Value::String(text)) => defused(written_text(text)),
            (_, other) => other.to_string(),
        }
    }

    /// The whole cell, with what [`Form::write`] leaves to be done for lists.
    pub fn cell(&self, value: &Value) -> String {
        match self {
            Self::List(_) | Self::Credits(_) | Self::Identifiers => defused(self.write(value)),
            _ => self.write(value),
        }
    }

    /// The value that a cell stands for; none when it is empty.
    ///
    /// # Errors
    /// A code and a sentence that say what is wanted.
    pub fn read(&self, cell: &str) -> Result<Option<Value>, (&'static str, String)> {
        let cell = plain(cell);
        // A blank text is a text; where there are words and numbers, a blank is nothing.
        let keeps_blanks = match self {
            Self::Text => true,
            Self::List(item) => matches!(**item, Self::Text),
            _ => false,
        };
        if cell.is_empty() || (cell.trim().is_empty() && !keeps_blanks) {
            return Ok(None);
        }
        let trimmed = cell.trim();
        let wrong = |code, wanted: &str| Err((code, format!("wanted: {wanted}")));
        let value = match self {
            Self::Text => Value::String(read_text(cell)),
            Self::Integer => match trimmed.parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => return wrong("type", "a whole number"),
            },
            Self::Number => match number(trimmed) {
                Some(number) => number,
                None => return wrong("type", "a number"),
            },
            Self::Boolean => match folded(trimmed).as_str() {
                "true" | "yes" | "evet" | "dogru" | "1" => true.into(),
                "false" | "no" | "hayir" | "yanlis" | "0" => false.into(),
                _ => return wrong("type", "true or false"),
            },
            Self::Word(words) => word(words, trimmed)?,
            Self::List(form) => {
                let read = |item: String| match &**form {
                    Self::Word(words) => word(words, item.trim()),
                    Self::Text => Ok(Value::String(read_item(&item.replace("\r\n", "\n"), &['|']))),
                    other => other.read(&item).map(Option::unwrap_or_default),
                };
                Value::Array(items(cell).into_iter().map(read).collect::<Result<_, _>>()?)
            }
            Self::Credits(form) => {
                let read = |item: String| form.read(&item);
                Value::Array(items(cell).into_iter().map(read).collect::<Result<_, _>>()?)
            }
            Self::Identifiers => {
                let read = |item: String| credit::read_identifier(&read_item(&item, &['|']));
                Value::Array(items(cell).into_iter().map(read).collect::<Result<_, _>>()?)
            }
            Self::Json => match crate::http::json::parse(trimmed.as_bytes()) {
                Ok(value) => value,
                Err(detail) => return Err(("malformed", format!("wanted: JSON; {detail}"))),
            },
        };
        Ok(Some(value))
    }
}

/// A text without quotation marks, any other value as JSON has it.
fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A number, perhaps with a decimal comma.
fn number(text: &str) -> Option<Value> {
    let unified = if text.contains('.') { text.to_owned() } else { text.replacen(',', ".", 1) };
    let plain = unified.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !plain {
        return None;
    }
    if let Ok(whole) = unified.parse::<i64>() {
        return Some(whole.into());
    }
    let float = unified.parse::<f64>().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is small enough")]
    let whole = (float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0).then_some(float as i64);
    whole.map(Value::from).or_else(|| Number::from_f64(float).map(Value::Number))
}

/// The word that `text` is, or is a label of.
pub fn word(words: &[Word], text: &str) -> Result<Value, (&'static str, String)> {
    if let Some(word) = words.iter().find(|word| word.code == text) {
        return Ok(word.code.clone().into());
    }
    let label = folded(text);
    let found = words.iter().find(|word| word.labels.contains(&label));
    found.map(|word| word.code.clone().into()).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|word| word.code.as_str()).collect();
        ("not_in_list", format!("must be one of: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let texts = [
            "", "a", "=1+1", "'=1+1", "''=1+1", "+", "-", "@SUM(A1)", "\tx", "\nx", "'", "''", "'a", "a'b",
            "\\e", "\\\\e", "\\0", "\\", "\\x", "e", "a|b", "a\\|b", "|", " ", "  a  ", "a;b,c\td", "\"",
            "\"\"", "a\nb", "＝x", "doi:x", "<a>", "ışğİ", "null", "true", "007", "1,5",
        ];
        let text = Form::Text;
        let list = Form::List(Box::new(Form::Text));
        for one in texts {
            let cell = text.cell(&one.into());
            assert_eq!(text.read(&cell), Ok(Some(one.into())), "{one:?} as {cell:?}");
            assert!(!cell.starts_with(TRIGGERS), "{cell:?}");
            for other in texts {
                let items = json!([one, other]);
                let cell = list.cell(&items);
                assert_eq!(list.read(&cell), Ok(Some(items)), "{cell:?}");
                assert!(!cell.starts_with(TRIGGERS), "{cell:?}");
            }
            let items = json!([one]);
            assert_eq!(list.read(&list.cell(&items)), Ok(Some(items)), "{one:?}");
        }
        assert_eq!(list.read(&list.cell(&json!([]))), Ok(None));
        assert_eq!(text.read(&text.cell(&Value::Null)), Ok(None));
    }

    #[test]
    fn numbers_and_truths_are_read_as_spreadsheets_write_them() {
        assert_eq!(Form::Number.read("41,5"), Ok(Some(json!(41.5))));
        assert_eq!(Form::Number.read("-73.98"), Ok(Some(json!(-73.98))));
        assert_eq!(Form::Number.read("100.0"), Ok(Some(json!(100))));
        assert_eq!(Form::Boolean.read("TRUE"), Ok(Some(json!(true))));
        assert_eq!(Form::Boolean.read("Hayır"), Ok(Some(json!(false))));
        assert_eq!(Form::Integer.read(" 7 "), Ok(Some(json!(7))));
        assert!(Form::Integer.read("7a").is_err() && Form::Number.read("1,2,3").is_err());
        assert!(Form::Number.read("NaN").is_err() && Form::Number.read("inf").is_err());
    }
}
