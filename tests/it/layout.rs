//! Who may use whom: the rows of the table in `src/lib.rs`.

use std::path::{Path, PathBuf};

/// Modules by row; a module may use those of its own row and of lower ones.
const ROWS: [&[&str]; 5] = [
    &["clock", "config", "entity", "telemetry"],
    &["app", "cache", "crypto", "db", "http", "jobs", "mail", "metrics", "search", "trail"],
    &["auth", "editorial"],
    &[
        "audit",
        "backlog",
        "changes",
        "content",
        "discovery",
        "events",
        "interchange",
        "keys",
        "kinds",
        "organisation",
        "partners",
        "people",
        "practices",
        "previews",
        "projects",
        "publications",
        "reading",
        "schedule",
        "service",
        "sessions",
        "synonyms",
        "topics",
        "users",
        "vocabularies",
    ],
    &["command", "front", "router", "server", "worker"],
];

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that follow `crate::` in a source, those in braces included.
fn used(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in text.split("crate::").skip(1) {
        let word = |text: &str| {
            text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>()
        };
        let Some(list) = part.strip_prefix('{') else {
            names.push(word(part));
            continue;
        };
        let mut depth = 1;
        let mut at_name = true;
        for (index, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => at_name = true,
                _ if at_name && letter.is_alphabetic() => {
                    names.push(word(&list[index..]));
                    at_name = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

#[test]
fn lower_rows_never_name_upper_ones() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut files = Vec::new();
    sources(root, &mut files);
    let mut checked = 0;
    for file in files {
        let path = file.strip_prefix(root).unwrap();
        let module = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(own) = row(module) else {
            assert!(matches!(module, "lib" | "main"), "{module} stands in no row");
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for name in used(&code) {
            let Some(other) = row(&name) else { continue };
            assert!(other <= own, "{} uses {name}, which stands above it", path.display());
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} uses were found");
}
