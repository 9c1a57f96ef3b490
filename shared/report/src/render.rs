//! From a report to HTML files that need nothing but themselves.
use crate::model::{Efficiency, Failures, ItemReport, JobHeader, PageLink, PlanSummary, Report, StepSummary, Timing};
use crate::script::script;
use crate::{MAX_LISTED_ITEMS, MAX_POSTER_BYTES, ReportError};
use base64::Engine;
use minijinja::{Environment, context};
use serde::Serialize;
use std::ops::Range;

/// Items with timelines on one page. With more items than this, `report.html` lists them and they have pages of their
/// own under `report/`.
pub const ITEMS_PER_PAGE: usize = 12;
/// Points of the curve beside an item in the list.
const SPARK_POINTS: usize = 96;

const TEMPLATE: &str = include_str!("../templates/page.html");
const STYLE: &str = include_str!("../templates/page.css");

/// What one page gets to know.
#[derive(Serialize)]
struct Page<'a> {
    job: &'a JobHeader,
    /// Index of the first of `items` in the job.
    first_item: usize,
    items: &'a [ItemReport],
    /// The rest is absent on pages under `report/`.
    overview: Option<Overview<'a>>,
    /// Path to the overview, and to the neighbours; absent where there is none.
    up: Option<&'static str>,
    previous: Option<String>,
    next: Option<String>,
}

/// What `report.html` says about the job as a whole.
#[derive(Serialize)]
struct Overview<'a> {
    totals: Totals,
    steps: &'a [StepSummary],
    efficiency: Option<&'a Efficiency>,
    failures: &'a Failures,
    plan: &'a PlanSummary,
    timings: &'a [Timing],
    pages: &'a [PageLink],
    left_out: &'a [String],
    /// The list of items that have pages of their own.
    listed: Vec<ListedItem<'a>>,
}

#[derive(Serialize)]
struct Totals {
    items: usize,
    frames: u64,
    seconds: f64,
}

/// An item in the list.
#[derive(Serialize)]
struct ListedItem<'a> {
    name: &'a str,
    kind: &'a str,
    width: u32,
    height: u32,
    mixed_sizes: bool,
    fps: Option<f64>,
    seconds: Option<f64>,
    frames: u64,
    shots: u64,
    failures: u64,
    /// Page and anchor.
    href: String,
    poster: Option<String>,
    spark_name: Option<&'a str>,
    spark: Vec<Option<f32>>,
}

/// How many pages under `report/` there are: none when all items fit on `report.html`.
pub fn item_pages(report: &Report) -> usize {
    if report.items.len() <= ITEMS_PER_PAGE { 0 } else { report.items.len().div_ceil(ITEMS_PER_PAGE) }
}

/// Where page `page` (from 0) belongs, relative to the output.
pub fn item_page_path(page: usize) -> String {
    format!("report/{}", page_file(page))
}

/// `report.html`: the whole report, or with more than [`ITEMS_PER_PAGE`] items their list.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let paged = item_pages(report) > 0;
    let overview = Overview {
        totals: totals(report),
        steps: &report.steps,
        efficiency: report.efficiency.as_ref(),
        failures: &report.failures,
        plan: &report.plan,
        timings: &report.timings,
        pages: &report.pages,
        left_out: &report.left_out,
        listed: if paged { listed(report) } else { Vec::new() },
    };
    let page = Page {
        job: &report.job,
        first_item: 0,
        items: if paged { &[] } else { &report.items },
        overview: Some(overview),
        up: None,
        previous: None,
        next: paged.then(|| item_page_path(0)),
    };
    html(&report.job.name, &page)
}

/// Page `page` (from 0) under `report/`, with the timelines of up to [`ITEMS_PER_PAGE`] items; see [`item_page_path`].
pub fn render_item_page(report: &Report, page: usize) -> Result<String, ReportError> {
    let pages = item_pages(report);
    if page >= pages {
        return Err(ReportError::NoPage { page, pages });
    }
    let range = page_range(report, page);
    let title = format!("{} · {}–{}", report.job.name, range.start + 1, range.end);
    let page = Page {
        job: &report.job,
        first_item: range.start,
        items: &report.items[range],
        overview: None,
        up: Some("../report.html"),
        previous: page.checked_sub(1).map(page_file),
        next: (page + 1 < pages).then(|| page_file(page + 1)),
    };
    html(&title, &page)
}

fn page_file(page: usize) -> String {
    format!("items-{:04}.html", page + 1)
}

fn page_range(report: &Report, page: usize) -> Range<usize> {
    let start = page * ITEMS_PER_PAGE;
    start..(start + ITEMS_PER_PAGE).min(report.items.len())
}

fn totals(report: &Report) -> Totals {
    Totals {
        items: report.items.len(),
        frames: report.items.iter().map(frames).sum(),
        seconds: report.items.iter().filter_map(|item| item.seconds).sum(),
    }
}

fn frames(item: &ItemReport) -> u64 {
    item.axis.end.saturating_sub(item.axis.start)
}

/// The first [`MAX_LISTED_ITEMS`] items; pictures as long as [`MAX_POSTER_BYTES`] last.
fn listed(report: &Report) -> Vec<ListedItem<'_>> {
    let mut posters = 0;
    let items = report.items.iter().take(MAX_LISTED_ITEMS).enumerate();
    items.map(|(index, item)| listed_item(index, item, &mut posters)).collect()
}

fn listed_item<'a>(index: usize, item: &'a ItemReport, posters: &mut usize) -> ListedItem<'a> {
    let poster = item.thumbnails.get(item.thumbnails.len() / 2).and_then(|thumbnail| {
        let text = base64::engine::general_purpose::STANDARD.encode(&thumbnail.jpeg);
        *posters += text.len();
        (*posters <= MAX_POSTER_BYTES).then_some(text)
    });
    let series = item.series.iter().find(|series| series.primary);
    ListedItem {
        name: &item.name,
        kind: &item.kind,
        width: item.width,
        height: item.height,
        mixed_sizes: item.mixed_sizes,
        fps: item.fps,
        seconds: item.seconds,
        frames: frames(item),
        shots: item.shots_total,
        failures: item.failures,
        href: format!("{}#item-{index}", item_page_path(index / ITEMS_PER_PAGE)),
        poster,
        spark_name: series.map(|series| series.name.as_str()),
        spark: series.map(|series| spark(&series.mean)).unwrap_or_default(),
    }
}

/// Every n-th point.
fn spark(points: &[Option<f32>]) -> Vec<Option<f32>> {
    points.iter().step_by(points.len().div_ceil(SPARK_POINTS).max(1)).copied().collect()
}

fn html(title: &str, page: &Page<'_>) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.add_template("page.html", TEMPLATE)?;
    let data = inert(&serde_json::to_string(page)?);
    let template = environment.get_template("page.html")?;
    Ok(template.render(context! { title, style => STYLE, script => script(), data })?)
}

/// JSON that no HTML parser finds the end of its script element in, or anything else.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report_of(items: usize) -> Report {
        let item = |index| ItemReport { name: format!("film {index}.mp4"), ..ItemReport::default() };
        Report { items: (0..items).map(item).collect(), ..Report::default() }
    }

    #[test]
    fn markup_in_names_cannot_end_the_data() {
        let mut report = report_of(1);
        report.job.name = "</title><script>alert(1)</script>".to_owned();
        report.items[0].name = "</script><script>alert(1)</script>\u{2028}<!--".to_owned();
        let page = render(&report).unwrap();
        assert!(!page.contains("<script>alert"));
        assert!(!page.contains("</title><script"));
        assert!(!page.contains("\u{2028}"));
    }

    #[test]
    fn many_items_are_spread_over_pages_and_each_is_listed_once() {
        assert_eq!(item_pages(&report_of(ITEMS_PER_PAGE)), 0);
        let report = report_of(2 * ITEMS_PER_PAGE + 1);
        assert_eq!(item_pages(&report), 3);
        let overview = render(&report).unwrap();
        assert_eq!(overview.matches("items-0003.html#item-24").count(), 1);
        assert_eq!(overview.matches("film 24.mp4").count(), 1);
        let last = render_item_page(&report, 2).unwrap();
        assert!(last.contains("film 24.mp4") && !last.contains("film 23.mp4"));
        assert!(matches!(render_item_page(&report, 3), Err(ReportError::NoPage { page: 3, pages: 3 })));
    }

    #[test]
    fn a_page_names_nothing_outside_itself() {
        let page = render(&report_of(1)).unwrap();
        for fetch in ["http:", "https:", "url(", "@import", "src=\"//"] {
            let found = page.replace("http://www.w3.org/2000/svg", "").contains(fetch);
            assert!(!found, "{fetch} is in the page");
        }
    }
}
