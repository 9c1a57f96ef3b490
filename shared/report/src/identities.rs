//! The page of identities: who appears, with a strip of faces each, and how to correct it.
use crate::ReportError;
use base64::Engine;
use framefleet_frames::Identity;
use framefleet_frames::annotation::Value;
use framefleet_ledger::{Ledger, Manifest};
use minijinja::{Environment, context};

/// Most identities that a page shows: those with the most faces.
const MAX_IDENTITIES: usize = 400;
/// Most faces of a strip.
const MAX_STRIP: usize = 16;
/// Most bytes of base64 that the faces of a page take.
const MAX_BYTES: usize = 12 << 20;

const TEMPLATE: &str = include_str!("../templates/identities.html");
const STYLE: &str = include_str!("../templates/page.css");

/// A page beside the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraPage {
    /// Where it belongs, relative to the output.
    pub path: String,
    /// What links to it say.
    pub title: String,
    /// The page.
    pub html: String,
}

/// A page for every step that has identities.
pub async fn identity_pages(ledger: &Ledger) -> Result<Vec<ExtraPage>, ReportError> {
    let mut pages = Vec::new();
    for manifest in ledger.manifests().await? {
        let block = ledger.scoped(&manifest).await?;
        let identity =
            |scoped: &framefleet_frames::ScopedAnnotation| match scoped.annotation.as_ref()?.value.as_ref()? {
                Value::Identity(identity) => Some(identity.clone()),
                _ => None,
            };
        let identities: Vec<Identity> = block.scoped.iter().filter_map(identity).collect();
        if !identities.is_empty() {
            pages.push(page(ledger, &manifest, identities).await?);
        }
    }
    Ok(pages)
}

async fn page(ledger: &Ledger, manifest: &Manifest, mut identities: Vec<Identity>) -> Result<ExtraPage, ReportError> {
    let count = identities.len();
    // Named ones first, then those seen most.
    identities.sort_by(|a, b| {
        a.name.is_empty().cmp(&b.name.is_empty()).then(b.faces.cmp(&a.faces)).then(a.number.cmp(&b.number))
    });
    identities.truncate(MAX_IDENTITIES);
    let mut left = MAX_BYTES;
    let mut shown = Vec::new();
    for identity in &identities {
        let mut strip = Vec::new();
        for crop in identity.crops.iter().take(MAX_STRIP) {
            let path = format!("artifacts/{}/{crop}", manifest.step);
            let Some(bytes) = ledger.read_file(&path).await? else { continue };
            let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
            if text.len() <= left {
                left -= text.len();
                strip.push(text);
            }
        }
        shown.push(context! {
            number => identity.number,
            name => identity.name.as_str(),
            faces => identity.faces,
            tracks => identity.tracks,
            items => identity.items.join(", "),
            cohesion => format!("{:.2}", identity.cohesion),
            silhouette => identity.silhouette.map(|value| format!("{value:.2}")).unwrap_or_default(),
            medoid => medoid(identity).unwrap_or_default(),
            strip,
        });
    }
    let mut environment = Environment::new();
    environment.add_template("identities.html", TEMPLATE)?;
    let step = manifest.step.as_str();
    let title = format!("Identities of {step}");
    let commands = commands(ledger.output().url(), step, &identities);
    let template = environment.get_template("identities.html")?;
    let html = template.render(context! { title => title.as_str(), commands, count, shown, style => STYLE })?;
    Ok(ExtraPage { path: format!("report/identities-{step}.html"), title, html })
}

/// The face that shows an identity best, as corrections speak of it.
fn medoid(identity: &Identity) -> Option<String> {
    identity.medoid.as_ref().map(|face| format!("{}:{}:{}", face.item, face.frame, face.instance))
}

/// A command for every correction that these identities allow, ready for a shell.
fn commands(output: &str, step: &str, identities: &[Identity]) -> Vec<String> {
    let number = |at: usize| identities.get(at).map(|identity| identity.number.to_string());
    let several_tracks = identities.iter().find(|identity| identity.tracks > 1);
    let verbs = [
        number(0).map(|first| vec!["name".to_owned(), first, "A name".to_owned()]),
        number(0).zip(number(1)).map(|(first, second)| vec!["merge".to_owned(), first, second]),
        several_tracks.and_then(medoid).map(|face| vec!["split".to_owned(), face]),
        identities.last().map(|last| vec!["drop".to_owned(), last.number.to_string()]),
    ];
    // Only a NUL cannot be quoted, and no item has one in its name.
    let command = |verb: Vec<String>| {
        shlex::try_join(["framefleet", "edit", output, step].into_iter().chain(verb.iter().map(String::as_str))).ok()
    };
    verbs.into_iter().flatten().filter_map(command).collect()
}
