//! The page as a person has it: in a browser, from a disk.

use crate::fixture::{Drawings, film, report};
use crate::webdriver::Browser;
use framefleet_report::{item_page_path, render, render_item_page};
use std::path::{Path, PathBuf};

pub const HOSTILE: &str = "<script>window.hacked = true</script><img src=x onerror=\"window.hacked = true\">.mov";

/// Writes the report of these films as an output has it, and says where its page is.
fn write_report(folder: &Path, films: &[(&str, u64)]) -> PathBuf {
    let films: Vec<_> = films.iter().map(|(name, frames)| (film(name, *frames), *frames)).collect();
    let report = report(&films, &Drawings);
    std::fs::create_dir_all(folder.join("report")).unwrap();
    for page in 0..framefleet_report::item_pages(&report) {
        std::fs::write(folder.join(item_page_path(page)), render_item_page(&report, page).unwrap()).unwrap();
    }
    let path = folder.join("report.html");
    std::fs::write(&path, render(&report).unwrap()).unwrap();
    path
}

/// Everything in one test: a browser takes longer to start than to answer.
#[tokio::test]
async fn a_person_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    // A person's folder, as a shell would stumble over it.
    let output = folder.path().join("it's small");
    let persons = crate::identities::write(&output).await;
    let small = write_report(&output, &[("ferry.mov", 1800), (HOSTILE, 300)]);
    let names: Vec<String> = (0..14).map(|i| format!("reel {i}.mov")).collect();
    let many: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 200)).collect();
    let many = write_report(&folder.path().join("many"), &many);
    let browser = Browser::start().await;

    browser.open(&small).await;
    the_names_are_text(&browser).await;
    hovering_shows_picture_and_values(&browser).await;
    the_keyboard_moves_the_cursor(&browser).await;
    a_click_on_a_shot_looks_closer(&browser).await;
    the_lightbox_opens_and_closes(&browser).await;
    persons_have_pictures_and_a_bar(&browser).await;
    browser.fits(390).await;
    browser.fits(0).await;

    browser.open(&persons).await;
    crate::identities::read(&browser, &output).await;

    browser.open(&many).await;
    items_have_pages_of_their_own(&browser).await;

    assert_eq!(browser.errors().await, [""; 0]);
    let fetched = browser.requests().await;
    assert!(fetched.iter().any(|url| url.ends_with("small/report.html")), "requests are not watched: {fetched:?}");
    let others: Vec<_> = fetched.iter().filter(|url| !url.ends_with(".html") || !url.starts_with("file://")).collect();
    assert!(others.is_empty(), "the page fetched {others:?}");
    browser.stop().await;
}

async fn the_names_are_text(browser: &Browser) {
    let title = browser.script("return document.querySelectorAll('.item h2')[1].textContent").await;
    assert_eq!(title, HOSTILE);
    assert_eq!(browser.script("return window.hacked === undefined").await, true);
}

async fn hovering_shows_picture_and_values(browser: &Browser) {
    assert_eq!(browser.script("return document.querySelector('.peek').hidden").await, true);
    browser.hover(".series .plot", 0.5).await;
    // The middle of 1800 frames at 25 per second.
    let words = browser.script("return document.querySelector('.peek p').textContent").await;
    assert!(words.as_str().unwrap().starts_with("0:3"), "{words}");
    assert!(words.as_str().unwrap().contains("shot 7") || words.as_str().unwrap().contains("shot 6"), "{words}");
    let pictures = browser.script("return document.querySelector('.peek img').naturalWidth").await;
    assert_eq!(pictures, 480);
    let values =
        "return [...document.querySelectorAll('.item:first-of-type .series .value')].map((v) => v.textContent)";
    let values = browser.script(values).await;
    assert!(values[0].as_str().unwrap().contains("EV") && !values[0].as_str().unwrap().contains("average"), "{values}");
}

async fn the_keyboard_moves_the_cursor(browser: &Browser) {
    browser.script("document.querySelector('.tracks').focus()").await;
    browser.keys(".tracks", fantoccini::key::Key::End).await;
    let at = browser.script("return document.querySelector('.tracks').getAttribute('aria-valuenow')").await;
    assert_eq!(at, "1799");
}

async fn a_click_on_a_shot_looks_closer(browser: &Browser) {
    browser.click_at(".shots .plot", 0.5).await;
    let back = "return document.querySelector('.timelines-head button').hidden";
    assert_eq!(browser.script(back).await, false);
    let width = browser.script("return document.querySelector('.shots svg').viewBox.baseVal.width").await;
    assert_eq!(width, 150);
    browser.click(".timelines-head button").await;
    assert_eq!(browser.script(back).await, true);
}

async fn the_lightbox_opens_and_closes(browser: &Browser) {
    browser.click(".sheet button:nth-child(3)").await;
    assert_eq!(browser.script("return document.getElementById('lightbox').open").await, true);
    let caption = browser.script("return document.querySelector('#lightbox .caption').textContent").await;
    assert!(caption.as_str().unwrap().starts_with("ferry.mov · 0:"), "{caption}");
    browser.click("#lightbox .next").await;
    assert_ne!(browser.script("return document.querySelector('#lightbox .caption').textContent").await, caption);
    browser.click("#lightbox .close").await;
    assert_eq!(browser.script("return document.getElementById('lightbox').open").await, false);
}

async fn persons_have_pictures_and_a_bar(browser: &Browser) {
    let words = browser.script("return document.querySelector('.track-list tbody tr').textContent").await;
    assert!(words.as_str().unwrap().contains("walking"), "{words}");
    let loaded = "return [...document.querySelectorAll('.track-list .strip img')].filter((img) => img.naturalHeight === 96).length";
    assert_eq!(browser.script(loaded).await, 8);
    let bar =
        "const bar = document.querySelector('.track-bar rect:last-child'); return bar.x.baseVal.value / 200 * 1800";
    assert!((browser.script(bar).await.as_f64().unwrap() - 20.0).abs() < 0.1);
    browser.click(".track-list button").await;
    assert_eq!(browser.script("return document.querySelector('.timelines-head button').hidden").await, false);
    browser.click(".timelines-head button").await;
}

async fn items_have_pages_of_their_own(browser: &Browser) {
    assert_eq!(browser.script("return document.querySelectorAll('.listing a').length").await, 14);
    browser.click(".listing a:nth-child(14)").await;
    let title = browser.script("return document.querySelector('#item-13 h2').textContent").await;
    assert_eq!(title, "reel 13.mov");
    browser.click(".pager a").await;
    assert_eq!(browser.script("return document.querySelectorAll('.listing a').length").await, 14);
}
