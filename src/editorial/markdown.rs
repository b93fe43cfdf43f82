//! Markdown as HTML that is safe to show, and as plain text.
//!
//! Source: `CommonMark` 0.31 with the tables, strikethroughs and autolinks of GitHub Flavored Markdown. HTML that stands in the source is not taken over.

use std::{collections::HashSet, sync::LazyLock};

use ammonia::{Builder, UrlRelative};
use comrak::{Arena, Options, markdown_to_html, nodes::NodeValue, parse_document};
use unicode_segmentation::UnicodeSegmentation;

/// The media type (RFC 7763).
pub const MEDIA_TYPE: &str = "text/markdown";

static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    options
});

/// What may be left of HTML: the library's list of harmless elements, with links that lead out of the page
/// they are shown on, encrypted or to a mailbox (SECURITY.md I-14).
static HARMLESS: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder.url_schemes(HashSet::from(["https", "mailto"])).url_relative(UrlRelative::Deny);
    builder
});

/// `markdown` as HTML.
#[must_use]
pub fn to_html(markdown: &str) -> String {
    HARMLESS.clean(&markdown_to_html(markdown, &OPTIONS)).to_string()
}

/// What a reader of `markdown` reads, in one line.
#[must_use]
pub fn plain(markdown: &str) -> String {
    let arena = Arena::new();
    let mut plain = String::new();
    for node in parse_document(&arena, markdown, &OPTIONS).descendants() {
        let node = node.data.borrow();
        match &node.value {
            NodeValue::Text(text) => plain.push_str(text),
            NodeValue::Code(code) => plain.push_str(&code.literal),
            NodeValue::CodeBlock(code) => plain.extend([" ", code.literal.as_str()]),
            value if value.block() => plain.push(' '),
            NodeValue::SoftBreak | NodeValue::LineBreak => plain.push(' '),
            _ => {}
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The beginning of `text`: at most `most` characters, whole words as far as one fits, and an ellipsis, one
/// of them, when something is left out.
#[must_use]
pub fn beginning(text: &str, most: usize) -> String {
    if text.char_indices().nth(most).is_none() {
        return text.to_owned();
    }
    let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(end, _)| end);
    let whole = |place: &usize| *place <= end;
    let words = text.char_indices().filter(|(_, character)| character.is_whitespace());
    let word = words.map(|(place, _)| place).take_while(whole).last();
    let cut = word.filter(|place| !text.get(..*place).unwrap_or_default().trim().is_empty());
    // A word longer than that is cut where what looks like one character ends.
    let graphemes = || text.grapheme_indices(true).map(|(place, _)| place).take_while(whole).last();
    let kept = text.get(..cut.or_else(graphemes).unwrap_or_default()).unwrap_or_default();
    format!("{}…", kept.trim_end().trim_end_matches(['.', ',', ';', ':', '…']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_html() {
        let html = to_html(
            "## Neden?\n\nBir **önemli** [bağ](https://sogep.example/a) ve\n\n- iş\n\n|a|b|\n|-|-|\n|1|2|\n",
        );
        for part in [
            "<h2>Neden?</h2>",
            "<strong>önemli</strong>",
            "<a href=\"https://sogep.example/a\" rel=\"noopener noreferrer\">bağ</a>",
            "<li>",
            "<td>2</td>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn nothing_that_acts_is_left() {
        let attacks = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](java\nscript:alert(1))",
            "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
            "[a](vbscript:msgbox(1))",
            "[a](&#106;avascript:alert(1))",
            "![a](javascript:alert(1))",
            "![a](https://sogep.example/a.png\"onerror=\"alert(1))",
            "<javascript:alert(1)>",
            "<svg><style><img src=x onerror=alert(1)></style></svg>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<a href=\"https://sogep.example\" onclick=\"alert(1)\">a</a>",
            "<iframe src=\"https://sogep.example\"></iframe>",
            "<style>@import 'https://sogep.example'</style>",
            "<div style=\"background:url(javascript:alert(1))\">",
            "`<script>alert(1)</script>`",
            "```\n<script>alert(1)</script>\n```",
            "| <script> |\n|-|\n| <img src=x onerror=alert(1)> |",
            "<form action=\"https://sogep.example\"><input></form>",
            "<base href=\"https://sogep.example\">",
            "<meta http-equiv=refresh content=0>",
            "[a]: javascript:alert(1)\n[a]",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        ];
        for attack in attacks {
            let html = to_html(attack);
            let acting = html.to_lowercase().replace("&lt;", "").replace("&quot;", "");
            for part in
                ["<script", "<svg", "<math", "<style", "<iframe", "<form", "<base", "<meta", "<img src=\"x"]
            {
                assert!(!acting.contains(part), "{attack}: {html}");
            }
            assert!(!html.contains("href=\"j") && !html.contains("src=\"j"), "{attack}: {html}");
            assert!(
                !html.split('<').skip(1).any(|tag| tag.split('>').next().unwrap_or_default().contains(" on")),
                "{attack}: {html}"
            );
            assert_eq!(HARMLESS.clean(&html).to_string(), html, "{attack}");
        }
        for kept in ["[a](http://sogep.example)", "[a](/v1/users)", "[a](//sogep.example)", "[a](#b)"] {
            assert!(!to_html(kept).contains("href"), "{kept}");
        }
    }

    #[test]
    fn what_nests_deeper_than_any_text_does_is_shown_all_the_same() {
        for part in [">", "- ", "* ", "[", "(", "**a", "![", "<b>", "`"] {
            let markdown = part.repeat(20_000);
            assert!(to_html(&markdown).len() < 40 * markdown.len(), "{part}");
            let _ = plain(&markdown);
        }
    }

    #[test]
    fn plain_text_is_what_is_read() {
        let markdown = "# Başlık\n\nBir *iki*\nüç [dört](https://a.example) `beş`\n\n- altı\n- yedi\n\n```\nsekiz\n```\n<b>x</b>";
        assert_eq!(plain(markdown), "Başlık Bir iki üç dört beş altı yedi sekiz x");
    }

    #[test]
    fn a_beginning_ends_with_a_word() {
        for (text, most, expected) in [
            ("bir iki üç", 10, "bir iki üç"),
            ("bir iki üç", 9, "bir iki…"),
            ("bir iki üç", 8, "bir iki…"),
            ("bir iki üç", 7, "bir…"),
            ("bir iki, üç", 9, "bir iki…"),
            ("bir iki üç", 3, "bi…"),
            ("bir iki üç", 1, "…"),
            ("  bir iki", 4, "  b…"),
            ("şiddet", 4, "şid…"),
            ("e\u{301}e\u{301}e\u{301}", 4, "e\u{301}…"),
            ("", 1, ""),
        ] {
            assert_eq!(beginning(text, most), expected, "{text} {most}");
        }
    }
}
