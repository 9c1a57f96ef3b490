//! Requests as messages, and back.
use super::{JobRequest, ModelOptions};
use crate::error::JobError;
use crate::files::NamedFile;
use crate::pipeline_choice::PipelineChoice;
use framefleet_pipeline::{GivenFile, JobRange};
use framefleet_proto::control::{RequestFile, SubmitRequest};
use std::fmt::Display;
use std::num::NonZeroU64;
use std::str::FromStr;

impl From<&JobRequest> for SubmitRequest {
    fn from(request: &JobRequest) -> Self {
        let (pipeline_name, pipeline, stages) = match request.pipeline.clone() {
            PipelineChoice::Text { name, toml } => (name, toml, Vec::new()),
            PipelineChoice::Stages(stages) => (String::new(), String::new(), stages),
        };
        Self {
            source: request.source.clone(),
            output: request.output.clone(),
            pipeline,
            pipeline_name,
            stages,
            set: request.set.clone(),
            start: text(request.range.start),
            end: text(request.range.end),
            seed: request.seed,
            priority: request.priority,
            project: request.project.clone().unwrap_or_default(),
            preview: number(request.preview),
            fresh: request.fresh,
            retry_failed: request.retry_failed,
            max_failures: text(request.max_failures),
            mixed_class: request.mixed_class,
            memory: number(request.memory),
            device: request.models.device.to_string(),
            precision: text(request.models.precision),
            optimisation: request.models.optimisation.to_string(),
            allow_licence: request.models.allowed.clone(),
            files: request.files.iter().cloned().map(RequestFile::from).collect(),
        }
    }
}

impl TryFrom<SubmitRequest> for JobRequest {
    type Error = JobError;

    /// Reads a message. An empty text is a value that was not said.
    fn try_from(request: SubmitRequest) -> Result<Self, JobError> {
        let pipeline = match request.pipeline.is_empty() {
            true => PipelineChoice::Stages(request.stages),
            false => PipelineChoice::Text { name: request.pipeline_name, toml: request.pipeline },
        };
        Ok(Self {
            source: request.source,
            output: request.output,
            pipeline,
            set: request.set,
            range: JobRange { start: value(&request.start)?, end: value(&request.end)? },
            seed: request.seed,
            preview: NonZeroU64::new(request.preview),
            fresh: request.fresh,
            retry_failed: request.retry_failed,
            max_failures: value(&request.max_failures)?,
            mixed_class: request.mixed_class,
            memory: NonZeroU64::new(request.memory),
            models: ModelOptions {
                device: value(&request.device)?.unwrap_or_default(),
                precision: value(&request.precision)?,
                optimisation: value(&request.optimisation)?.unwrap_or_default(),
                allowed: request.allow_licence,
            },
            files: request.files.into_iter().map(NamedFile::from).collect(),
            priority: request.priority,
            project: Some(request.project).filter(|project| !project.is_empty()),
        })
    }
}

impl From<NamedFile> for RequestFile {
    /// With its content, which says digest and length; without, with these.
    fn from(NamedFile { given, content }: NamedFile) -> Self {
        let GivenFile { step, setting, path, digest, bytes } = given;
        match content {
            Some(content) => Self { step, setting, path, content, ..Self::default() },
            None => Self { step, setting, path, digest, length: bytes, ..Self::default() },
        }
    }
}

impl From<RequestFile> for NamedFile {
    fn from(file: RequestFile) -> Self {
        let RequestFile { step, setting, path, content, digest, length } = file;
        if digest.is_empty() {
            return Self::with_content(step, setting, path, content);
        }
        Self { given: GivenFile { step, setting, path, digest, bytes: length }, content: None }
    }
}

fn text(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn number(value: Option<NonZeroU64>) -> u64 {
    value.map_or(0, NonZeroU64::get)
}

fn value<T: FromStr<Err: Display>>(text: &str) -> Result<Option<T>, JobError> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error: T::Err| JobError::Request(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::FailureLimit;
    use bytes::Bytes;
    use framefleet_infer::{DeviceChoice, Optimisation, Precision};
    use framefleet_pipeline::Position;
    use proptest::prelude::*;
    use prost::Message as _;

    fn words() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[a-z.=]{1,8}", 0..3)
    }

    fn pipelines() -> impl Strategy<Value = PipelineChoice> {
        let text = ("[a-z]{1,8}", "[ -~\n]{1,40}").prop_map(|(name, toml)| PipelineChoice::Text { name, toml });
        prop_oneof![text, words().prop_map(PipelineChoice::Stages)]
    }

    fn ranges() -> impl Strategy<Value = JobRange> {
        let position = || {
            prop::option::of(prop_oneof![any::<u64>().prop_map(Position::Frame), (0i64..).prop_map(Position::TimeNs)])
        };
        (position(), position()).prop_map(|(start, end)| JobRange { start, end })
    }

    fn limits() -> impl Strategy<Value = Option<FailureLimit>> {
        let percent = (0.0..=100.0f64).prop_map(FailureLimit::Percent);
        prop::option::of(prop_oneof![any::<u64>().prop_map(FailureLimit::Frames), percent])
    }

    fn models() -> impl Strategy<Value = ModelOptions> {
        let devices =
            prop_oneof![Just(DeviceChoice::Auto), Just(DeviceChoice::Cpu), any::<u32>().prop_map(DeviceChoice::Cuda)];
        let precisions =
            prop::option::of(prop::sample::select(vec![Precision::Fp32, Precision::Fp16, Precision::Int8]));
        let levels = [Optimisation::Off, Optimisation::Basic, Optimisation::Extended, Optimisation::All];
        let optimisations = prop::sample::select(levels.to_vec());
        (devices, precisions, optimisations, words()).prop_map(|(device, precision, optimisation, allowed)| {
            ModelOptions { device, precision, optimisation, allowed }
        })
    }

    fn files() -> impl Strategy<Value = Vec<NamedFile>> {
        let file = ("[a-z]{1,4}", prop::collection::vec(any::<u8>(), 0..20), any::<bool>());
        let file = file.prop_map(|(step, content, deposited)| {
            let file = NamedFile::with_content(step, "text".to_owned(), "a.txt".to_owned(), Bytes::from(content));
            if deposited { NamedFile { content: None, ..file } } else { file }
        });
        prop::collection::vec(file, 0..3)
    }

    fn requests() -> impl Strategy<Value = JobRequest> {
        let texts = ("[ -~]{0,12}", "[ -~]{0,12}", words(), prop::option::of("[a-z]{1,8}"));
        let numbers = (any::<u64>(), any::<Option<NonZeroU64>>(), any::<Option<NonZeroU64>>(), any::<i32>());
        let flags = any::<(bool, bool, bool)>();
        let parts = (texts, numbers, flags, (pipelines(), ranges(), limits(), models(), files()));
        parts.prop_map(|((source, output, set, project), (seed, preview, memory, priority), flags, typed)| {
            let ((fresh, retry_failed, mixed_class), (pipeline, range, max_failures, models, files)) = (flags, typed);
            JobRequest {
                source,
                output,
                pipeline,
                set,
                range,
                seed,
                preview,
                fresh,
                retry_failed,
                max_failures,
                mixed_class,
                memory,
                models,
                files,
                priority,
                project,
            }
        })
    }

    proptest! {
        #[test]
        fn a_request_comes_back_as_it_was(request in requests()) {
            let bytes = SubmitRequest::from(&request).encode_to_vec();
            let message = SubmitRequest::decode(bytes.as_slice()).unwrap();
            prop_assert_eq!(JobRequest::try_from(message).unwrap(), request);
        }
    }

    #[test]
    fn what_a_message_does_not_say_is_the_default() {
        assert_eq!(JobRequest::try_from(SubmitRequest::default()).unwrap(), JobRequest::default());
    }

    #[test]
    fn wrong_values_are_refused_with_what_is_right() {
        let refused = |change: fn(&mut SubmitRequest)| {
            let mut message = SubmitRequest::default();
            change(&mut message);
            match JobRequest::try_from(message) {
                Err(JobError::Request(text)) => text,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(
            refused(|of| of.start = "soon".to_owned()),
            "\"soon\" is no place in an item; write a frame number (120) or a time (12.5s, 1m30s, 00:01:02.5)"
        );
        assert_eq!(
            refused(|of| of.max_failures = "many".to_owned()),
            "\"many\" is neither a number of frames (20) nor a share (2%)"
        );
        assert_eq!(
            refused(|of| of.device = "tpu".to_owned()),
            "\"tpu\" is no device: say auto, cpu, or cuda:N with the number of the GPU"
        );
        assert_eq!(refused(|of| of.precision = "fp8".to_owned()), "\"fp8\" is no precision: say fp32, fp16 or int8");
        assert_eq!(
            refused(|of| of.optimisation = "most".to_owned()),
            "\"most\" is no way to rewrite graphs: say off, basic, extended or all"
        );
    }
}
