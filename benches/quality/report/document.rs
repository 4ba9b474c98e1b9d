//! The file as a whole: sections by task, and an overview of them.

use std::collections::BTreeMap;

/// What a section begins with; its name and its line of the overview follow.
const MARK: &str = "<!-- task ";
const MARK_END: &str = " -->";

/// One task in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its row of the overview, without the outer bars.
    pub overview: String,
    /// Its text, from the heading on.
    pub text: String,
}

/// The sections of the file by the names of their tasks.
#[derive(Debug, Default, PartialEq)]
pub struct Document {
    sections: BTreeMap<String, Section>,
}

impl Document {
    /// Takes a file apart. What is before the first section comes from the template and is not kept.
    pub fn read(text: &str) -> Document {
        let section = |part: &str| {
            let (mark, text) = part.split_once(MARK_END)?;
            let (name, overview) = mark.split_once(": ")?;
            let section = Section { overview: overview.to_owned(), text: text.trim().to_owned() };
            Some((name.to_owned(), section))
        };
        Document { sections: text.split(MARK).skip(1).filter_map(section).collect() }
    }

    /// Puts a section in the place of an older one of the same task.
    pub fn replace(&mut self, task: &str, section: Section) {
        self.sections.insert(task.to_owned(), section);
    }

    /// The file, with the sections in the order of `tasks`. Sections of other tasks are dropped: nothing measures them.
    pub fn text(&self, tasks: &[&str]) -> String {
        let present = || tasks.iter().filter_map(|task| Some((task, self.sections.get(*task)?)));
        let overview: String = present().map(|(_, section)| format!("| {} |\n", section.overview)).collect();
        let sections: Vec<String> = present()
            .map(|(task, section)| format!("{MARK}{task}: {}{MARK_END}\n{}\n", section.overview, section.text))
            .collect();
        include_str!("results.md")
            .replace("{overview}", &format!("{}{}", include_str!("overview.md"), overview.trim_end()))
            .replace("{sections}", sections.join("\n").trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(overview: &str, text: &str) -> Section {
        Section { overview: overview.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn one_section_is_replaced_and_the_others_stay() {
        let mut document = Document::default();
        document.replace("movies", section("Movies | 1", "## Movies\n\n| a |\n|---|"));
        document.replace("shop", section("Shop | 2", "## Shop"));
        document.replace("gone", section("Gone | 3", "## Gone"));
        let text = document.text(&["shop", "movies"]);
        assert!(
            text.contains("| Shop | 2 |\n| Movies | 1 |\n\n<!-- task shop: Shop | 2 -->\n## Shop\n\n<!-- task movies")
        );
        assert!(!text.contains("Gone"));

        let mut again = Document::read(&text);
        again.replace("shop", section("Shop | 4", "## Shop, later"));
        let later = again.text(&["shop", "movies"]);
        assert_eq!(later, text.replace("Shop | 2", "Shop | 4").replace("## Shop\n", "## Shop, later\n"));
        assert_eq!(Document::read(&later), again);
    }
}
