//! A job before it runs: its source is probed, its plan stands.
use crate::error::JobError;
use crate::left_out::LeftOut;
use crate::output::paths;
use crate::plan::{Planner, Resources};
use crate::request::JobRequest;
use bytes::Bytes;
use framefleet_fleet::{Classes, check_request};
use framefleet_frames::Item;
use framefleet_ledger::Output;
use framefleet_pipeline::{Pipeline, Plan};
use framefleet_proto::control::SubmitRequest;
use framefleet_stage::{Probe, SourceStage};
use ingest::Ingest;
use std::sync::Arc;

/// Reasons that are given where nothing of a source can be read.
const NAMED: usize = 10;

/// A job whose source was probed and whose plan fits.
pub struct PreparedJob {
    planner: Planner,
    /// Without the contents of its files.
    request: JobRequest,
    /// Those contents, as far as they came with it.
    contents: Vec<Bytes>,
    pipeline: Pipeline,
    resources: Resources,
    source: Arc<dyn SourceStage>,
    items: Vec<Item>,
    refused: Vec<(String, String)>,
    left_out: LeftOut,
    memory_needed: u64,
}

impl PreparedJob {
    /// Probes the source of a request, which reads the headers of all its files, and refuses a plan that does not fit the
    /// resources. What is wrong with the pipeline is said before the source is touched.
    pub fn open(mut request: JobRequest, resources: Resources, planner: Planner) -> Result<Self, JobError> {
        let contents = request.take_contents();
        check_request(&SubmitRequest::from(&request)).map_err(JobError::Request)?;
        let pipeline = request.pipeline(planner.registry())?;
        let unbounded = Resources { memory: u64::MAX, ..resources.clone() };
        planner.plan(&request, &pipeline, &[], &unbounded)?;
        let (source, Probe { mut items, mut refused, passed_over }) = probe(&request.source, &pipeline)?;
        let output = Output::parse(&request.output).map_err(|error| JobError::Request(error.to_string()))?;
        refused.extend(paths::refuse_long(&mut items, pipeline.steps.iter().map(|step| step.name.as_str()), &output));
        if items.is_empty() {
            return Err(JobError::Request(nothing_readable(&request.source, &refused)));
        }
        let (source, left_out) = (Arc::new(source), LeftOut::of_source(passed_over, &items));
        let mut job = Self {
            planner,
            request,
            contents,
            pipeline,
            resources,
            source,
            items,
            refused,
            left_out,
            memory_needed: 0,
        };
        let needed = job.plan(&job.items)?.memory.needed;
        job.memory_needed = needed.into_iter().max().unwrap_or_default();
        Ok(job)
    }

    /// The job for workers of these classes, with so many bytes for frames. Refused when its plan does not fit them.
    pub fn for_workers(mut self, classes: Classes, memory: u64) -> Result<Self, JobError> {
        self.resources = Resources { classes, memory, ..self.resources };
        self.plan(&self.items)?;
        Ok(self)
    }

    /// The plan over items, as far as they are known.
    pub fn plan(&self, items: &[Item]) -> Result<Plan, JobError> {
        self.planner.plan(&self.request, &self.pipeline, items, &self.resources)
    }

    /// What is asked for, without the contents of files.
    pub fn request(&self) -> &JobRequest {
        &self.request
    }

    /// Stages and models of this machine.
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    /// What is done, with the settings asked for.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The items, as their headers describe them.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Files of the source that are no readable item: (name, why).
    pub fn refused(&self) -> &[(String, String)] {
        &self.refused
    }

    /// What the job does not take of its source.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Bytes that its frames in flight need at least.
    pub fn memory_needed(&self) -> u64 {
        self.memory_needed
    }

    /// Opens the source's items.
    pub(crate) fn source(&self) -> Arc<dyn SourceStage> {
        Arc::clone(&self.source)
    }

    /// Contents of the request's files that do not lie in the output yet.
    pub(crate) fn contents(&self) -> &[Bytes] {
        &self.contents
    }
}

/// Opens the source that a pipeline's ingest settings make, and finds its items.
fn probe(source: &str, pipeline: &Pipeline) -> Result<(Ingest, Probe), JobError> {
    let stage = Ingest::new(ingest::resolve(&pipeline.ingest.settings)?);
    let probe = stage.probe(source).map_err(|error| JobError::Request(error.to_string()))?;
    Ok((stage, probe))
}

/// Why nothing of a source can be read: the first reasons, and how many more there are. A message for people that travels to a client has little
/// room; the log has all.
fn nothing_readable(source: &str, refused: &[(String, String)]) -> String {
    let mut lines: Vec<String> = refused.iter().take(NAMED).map(|(name, why)| format!("  {name}: {why}")).collect();
    let more = refused.get(NAMED..).unwrap_or_default();
    for (name, why) in more {
        tracing::warn!(file = name, why, "not readable");
    }
    if !more.is_empty() {
        lines.push(format!("  and {} more, each with its reason in the log", more.len()));
    }
    format!("nothing in {source} can be read:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundreds_of_reasons_are_counted() {
        let refused = |count: usize| -> Vec<(String, String)> {
            (0..count).map(|number| (format!("{number}.mp4"), "no video".to_owned())).collect()
        };
        assert_eq!(nothing_readable("films", &refused(1)), "nothing in films can be read:\n  0.mp4: no video");
        let many = nothing_readable("films", &refused(300));
        assert!(
            many.lines().count() == 12 && many.ends_with("and 290 more, each with its reason in the log"),
            "{many}"
        );
    }
}
