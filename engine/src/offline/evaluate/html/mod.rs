//! The report as one HTML page: no script, no network, light and dark.
//!
//! | file | what it does |
//! |---|---|
//! | `page` | the page from the report: tables, sections |
//! | `plots`, `scatter` | bars and a scatter plot as inline SVG |
//! | `style` | colours and rules |

mod page;
mod plots;
mod scatter;
mod style;

/// Text inside HTML: names of systems, items and fields are other people's text.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn markup_in_names_is_text() {
        assert_eq!(super::escape("<b a='1'>&\""), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;");
    }
}
