//! The script of the report's pages: one file per part of the page, put together.

/// A part by the name of its file.
macro_rules! parts {
    ($($name:literal),* $(,)?) => {
        [$(include_str!(concat!("../templates/js/", $name, ".js"))),*]
    };
}

/// In this order: constants of a part are there for those behind it. What the last one does draws the page.
const PARTS: [&str; 17] = parts![
    "data",
    "dom",
    "format",
    "time",
    "colours",
    "lightbox",
    "list",
    "sheet",
    "rows",
    "curves",
    "timelines",
    "shots",
    "tracks",
    "item",
    "listing",
    "job",
    "page",
];

/// The whole script, in a scope of its own.
pub(crate) fn script() -> String {
    format!("\"use strict\";\n(() => {{\n{}}})();\n", PARTS.join("\n"))
}
