//! `report.html`: gathers what the output holds and draws it, with pictures decoded from the source.
use crate::failure::Failure;
use crate::source_batches::SourceBatches;
use bytes::Bytes;
use framefleet_infer::Device;
use framefleet_ledger::Ledger;
use framefleet_media::{Frame, Item, Rendition};
use framefleet_pipeline::Plan;
use framefleet_records::replay_command;
use framefleet_report::model::{
    Efficiency as EfficiencySummary, JobSummary, Label, PageLink, PlanSummary, State, StepShare, Timing,
};
use framefleet_report::{JobFacts, Thumbnails, encode_jpeg};
use framefleet_stage::{Field, HeapSink, IngestRequest, SourceStage};
use orchestrator::{Efficiency, Machines, Progress};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the report says besides results.
pub struct ReportFacts<'a> {
    /// The source as given.
    pub source: &'a str,
    /// When the run began.
    pub started: &'a str,
    /// How far the job got, and in a sentence what that means.
    pub state: (State, String),
    /// The plan.
    pub plan: &'a Plan,
    /// What stages say of their results, by stage.
    pub fields: &'a BTreeMap<String, Vec<Field>>,
    /// Progress at the end of the run.
    pub progress: &'a Progress,
    /// What it could run on.
    pub machines: Machines,
}

/// Draws the report of an output.
pub async fn draw(ledger: &Ledger, source: Arc<dyn SourceStage>, facts: &ReportFacts<'_>) -> Result<(), Failure> {
    let decoder = Decoder { source, batches: SourceBatches::open(ledger).await? };
    let mut report = framefleet_report::gather(ledger, job_facts(ledger.output().url(), facts), &decoder)
        .await
        .map_err(Failure::failed)?;
    for page in framefleet_report::identity_pages(ledger).await.map_err(Failure::failed)? {
        report.pages.push(PageLink { title: page.title, href: page.path.clone() });
        ledger.write_file(&page.path, Bytes::from(page.html)).await?;
    }
    let page = framefleet_report::render(&report).map_err(Failure::failed)?;
    ledger.write_file("report.html", Bytes::from(page)).await?;
    for page in 0..framefleet_report::item_pages(&report) {
        let html = framefleet_report::render_item_page(&report, page).map_err(Failure::failed)?;
        ledger.write_file(&framefleet_report::item_page_path(page), Bytes::from(html)).await?;
    }
    Ok(())
}

fn job_facts(output: &str, facts: &ReportFacts) -> JobFacts {
    let progress = facts.progress;
    let total: f64 = progress.steps.iter().map(|step| step.task_seconds).sum();
    let worked = progress.steps.iter().filter(|step| step.task_seconds > 0.0);
    let shares = worked.clone().map(|step| StepShare {
        step: step.step.clone(),
        task_seconds: step.task_seconds,
        share: step.task_seconds / total,
    });
    let measured = Efficiency::of(progress, facts.machines);
    let efficiency = (total > 0.0).then(|| EfficiencySummary {
        value: measured.efficiency,
        frames_per_second: measured.frames_per_second,
        bottleneck: bottleneck(progress, &measured),
        steps: shares.collect(),
    });
    let mut timings = vec![Timing { name: "this run".to_owned(), seconds: progress.elapsed.as_secs_f64() }];
    timings.extend(
        progress.first_result.map(|time| Timing { name: "first result".to_owned(), seconds: time.as_secs_f64() }),
    );
    let name = facts.source.trim_end_matches('/').rsplit('/').next().unwrap_or(facts.source);
    let failed = progress.steps.iter().any(|step| step.failed > 0);
    JobFacts {
        job: JobSummary {
            name: name.to_owned(),
            source: facts.source.to_owned(),
            created: facts.started.replace('T', " ").replace('Z', " UTC"),
            state: facts.state.0,
            message: facts.state.1.clone(),
        },
        efficiency,
        plan: plan_summary(facts.plan),
        timings,
        task_seconds: worked.map(|step| (step.step.clone(), step.task_seconds)).collect(),
        replay: if failed { replay_command(output) } else { String::new() },
        fields: facts.fields.clone(),
    }
}

/// What held the run up, in a sentence.
pub fn bottleneck(progress: &Progress, efficiency: &Efficiency) -> String {
    let Some(step) = progress.bottleneck() else { return "nothing had to be done".to_owned() };
    let total: f64 = progress.steps.iter().map(|step| step.task_seconds).sum();
    let percent = |share: f64| 100.0 * share;
    let device = match efficiency.device {
        0.0 => String::new(),
        share => format!(", devices ran {:.0} % of the time", percent(share)),
    };
    format!(
        "{} took {:.0} % of all task time; threads were busy {:.0} % of the time, {:.0} % of that waiting{device}",
        step.step,
        percent(step.task_seconds / total),
        percent(efficiency.utilisation),
        percent(efficiency.waiting),
    )
}

/// Devices beside the processor that models really ran on, by the reports of their sessions.
pub fn devices(networks: &[Value]) -> usize {
    let device = |report: &Value| (report["worker"].to_string(), report["device"].to_string());
    let used = networks.iter().filter(|report| report["device"] != serde_json::json!(Device::Cpu));
    used.map(device).collect::<BTreeSet<_>>().len()
}

fn plan_summary(plan: &Plan) -> PlanSummary {
    let version = Label { name: "framefleet".to_owned(), value: env!("CARGO_PKG_VERSION").to_owned() };
    PlanSummary { versions: vec![version], ..PlanSummary::from(plan) }
}

/// A frame's number, and its picture as a JPEG file.
type FrameJpeg = (u64, Vec<u8>);

/// Decodes pictures for the report from the source.
struct Decoder {
    source: Arc<dyn SourceStage>,
    batches: SourceBatches,
}

impl Decoder {
    /// Pictures of the first of some frames of an item and of those in the same batch, and how many these are.
    fn of_batch(&self, item: &Item, frames: &[u64], side: u32) -> Result<(Vec<FrameJpeg>, usize), Failure> {
        let found = frames.first().map(|first| self.batches.of(item, *first)).transpose()?.flatten();
        let Some((item, batch)) = found else { return Ok((Vec::new(), 1)) };
        let end = batch.start + batch.pts_ns.len() as u64;
        let proxy: Vec<u64> = frames.iter().copied().take_while(|frame| *frame < end).collect();
        let (count, mut sink) = (proxy.len(), HeapSink::default());
        let request = IngestRequest { batch, proxy, full: Vec::new() };
        let (places, _) = self.source.ingest(&item, &request, &mut sink).map_err(Failure::failed)?;
        let frames = sink.into_frames(Rendition::Proxy, &places).map_err(Failure::failed)?;
        let jpeg = |frame: &Frame| Some((frame.number, encode_jpeg(&frame.image, side).ok()?));
        Ok((frames.iter().filter_map(jpeg).collect(), count))
    }
}

impl Thumbnails for Decoder {
    fn jpeg(&self, item: &Item, mut frames: &[u64], side: u32) -> Vec<FrameJpeg> {
        let mut pictures = Vec::new();
        while !frames.is_empty() {
            let done = match self.of_batch(item, frames, side) {
                Ok((more, count)) => {
                    pictures.extend(more);
                    count
                }
                Err(error) => {
                    tracing::warn!(item = item.name, error = error.message, "no pictures for the report");
                    1
                }
            };
            frames = frames.get(done.max(1)..).unwrap_or_default();
        }
        pictures
    }
}
