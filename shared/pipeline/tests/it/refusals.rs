//! Errors of bad pipelines: what is wrong, where, and what to do.

use crate::fake::{FakeStages, NeedsExt, plan_for, stage, video};
use framefleet_frames::ItemKind;
use framefleet_pipeline::Pipeline;
use framefleet_stage::{Batch, Host, Job, Needs, Outputs, Registry, SetupError, Stage, StageError};
use serde::{Deserialize, Serialize};

fn stages() -> FakeStages {
    FakeStages::default()
        .with("motion", stage().makes(&["motion"]).concludes(&["shot"]).halo(1, 0))
        .with("faces", stage().makes(&["face"]).concludes(&["identity"]))
        .with("masks", stage().requires(&["face"]).makes(&["mask"]))
        .with("grading", stage().latest().maker().requires(&["shot"]))
        .with("selfish", stage().requires(&["own"]).concludes(&["own"]))
        .with("a", stage().requires(&["b"]).makes(&["a"]))
        .with("b", stage().requires(&["c"]).makes(&["b"]))
        .with("c", stage().welcomes(&["a"]).makes(&["c"]))
        .with("hopeless", stage().requires(&["nothing"]))
        .with("tally", Needs { finish_only: true, ..stage().finish_requires(&["face"]) })
        .with("tracker", stage().latest().maker().concludes(&["track"]))
        .with("follower", stage().latest().requires(&["track"]))
        .with("faces2", stage().makes(&["face"]))
}

/// What the planner says against a pipeline; nothing when it takes it.
fn refusal(text: &str) -> String {
    plan_for(text, &[video(640, 360)], &stages()).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn files() {
    let typo = refusal("name = 'x'\n\n[steps.motion]\nprfile = 'fast'\n");
    for part in ["test.toml", "line 4", "prfile", "profile", "frames", "settings"] {
        assert!(typo.contains(part), "{part}: {typo}");
    }
    let top = refusal("stepz = 3\n");
    assert!(top.contains("stepz") && top.contains("ingest") && top.contains("line 1"), "{top}");
    let none = refusal("name = 'x'\n");
    assert!(none.contains("test.toml") && none.contains("steps"), "{none}");
    assert_eq!(refusal("[steps]\n"), "pipeline test has 0 steps; it must have 1 to 256");
    let sampling = refusal("[steps.motion]\nframes = 'some'\n");
    assert!(
        sampling.contains("line 2")
            && sampling.contains("\"some\" is no choice of frames")
            && sampling.contains("every N"),
        "{sampling}"
    );
    assert!(refusal("[steps.'../x']\n").contains("\"../x\" cannot be the name of a step"));
    assert!(refusal("[steps.source]\n").contains("\"source\" cannot be the name of a step"));
    assert!(refusal("[steps.motion]\n[steps.motion]\n").contains("line 2"));
    let many: String = (0..257).map(|n| format!("[steps.s{n}]\n")).collect();
    assert_eq!(refusal(&many), "pipeline test has 257 steps; it must have 1 to 256");
}

#[test]
fn stages_and_needs() {
    assert_eq!(
        refusal("[steps.poze]\n"),
        "step poze: there is no stage \"poze\"; known stages: a, b, c, faces, faces2, follower, grading, hopeless, masks, motion, selfish, \
         tally, tracker"
    );
    assert_eq!(
        refusal("[steps.masks]\n"),
        "masks.process needs face, and no step of the pipeline makes it; add a step of a stage that does: faces, faces2"
    );
    assert_eq!(
        refusal("[steps.hopeless]\n"),
        "hopeless.process needs nothing, and no step of the pipeline makes it; no stage makes it with its default settings"
    );
    assert_eq!(
        refusal("[steps.faces]\n[steps.other]\nstage = 'faces'\n[steps.masks]\n"),
        "masks.process needs face, which faces and other make; choose one: needs = { face = \"…\" } in [steps.masks]"
    );
    assert_eq!(
        refusal("[steps.selfish]\n"),
        "selfish.process needs own, which its own finish half makes: that takes two steps, one that makes own and one that uses it"
    );
    assert_eq!(
        refusal("[steps.faces]\n[steps.tally]\n"),
        "tally.finish needs face, which faces makes per batch: finish reads the records of its own step and what others make over all frames"
    );
    assert_eq!(
        refusal("[steps.a]\n[steps.b]\n[steps.c]\n"),
        "the steps wait for each other: a.process → c.process → b.process → a.process (each arrow: is needed by)"
    );
}

#[test]
fn choices() {
    assert_eq!(
        refusal("[steps.faces]\n[steps.masks]\nneeds = { face = 'eyes' }\n"),
        "[steps.masks] needs = { face = \"eyes\" }: steps that make face: faces"
    );
    assert_eq!(
        refusal("[steps.faces]\n[steps.masks]\nneeds = { shot = 'faces' }\n"),
        "[steps.masks] needs = { shot = \"faces\" }: the step does not need it; it needs face"
    );
    assert_eq!(
        refusal("[steps.motion]\n[steps.grading]\ninput = 'motion'\n"),
        "[steps.grading] input = \"motion\": no other step of this name makes frames; possible: source"
    );
    assert_eq!(
        refusal("[steps.motion]\ninput = 'source'\n"),
        "[steps.motion] input = \"source\": the step looks at no full frames, so it has no input to choose"
    );
    assert_eq!(
        refusal("[steps.faces]\nframes = 'per-shot 2'\n"),
        "faces.process needs shot to sample frames per shot, and no step of the pipeline makes it over all frames; add a step of a stage \
         that does: motion"
    );
    assert!(
        refusal("[steps.motion]\nframes = 'per-shot 2'\n")
            .contains("motion.process needs shot, which its own finish half makes")
    );
    assert!(
        refusal("[steps.tally]\nframes = 'every 2'\n")
            .contains("[steps.tally] frames = \"every 2\": stage tally looks at no frames")
    );
}

#[test]
fn rates_have_no_meaning_on_stills() {
    let mut stills = video(640, 360);
    stills.name = "photos".to_owned();
    stills.set_kind(ItemKind::Stills);
    let error = plan_for("[steps.faces]\nframes = '2/s'\n", &[stills], &stages()).unwrap_err().to_string();
    assert!(error.contains("frames = \"2/s\": photos is a folder of stills"), "{error}");
}

#[test]
fn made_frames_do_not_outlive_their_pass() {
    assert_eq!(
        refusal("[steps.tracker]\n[steps.follower]\n"),
        "step follower reads the frames that tracker makes, but it can only run in a later pass (follower needs track, which tracker makes \
         over all frames), and frames do not outlive their pass; let follower read the source (input = \"source\"), or drop what it waits for"
    );
    assert!(plan_for("[steps.tracker]\n[steps.follower]\ninput = 'source'\n", &[video(640, 360)], &stages()).is_ok());
}

#[test]
fn providers_that_have_to_be_chosen() {
    let error = Pipeline::of_stages(&["masks"], &stages()).unwrap_err().to_string();
    assert_eq!(error, "step masks needs face, which the stages faces and faces2 make; add the one you want");
    assert!(Pipeline::of_stages(&["masks", "faces2"], &stages()).is_ok());
    let error = Pipeline::of_stages(&["nope"], &stages()).unwrap_err().to_string();
    assert!(error.contains("there is no stage \"nope\"; known stages: a, b"), "{error}");
}

#[test]
fn assignments() {
    let mut pipeline = Pipeline::from_toml("[steps.motion]\n[steps.faces]\n", "films.toml").unwrap();
    let mut refused = |assignment: &str| pipeline.set(assignment).unwrap_err().to_string();
    assert_eq!(refused("moton.corners=3"), "pipeline films has no step \"moton\"; its steps: motion, faces");
    assert_eq!(refused("motion"), "cannot set \"motion\": write step.key=value");
    assert_eq!(refused("motion=3"), "cannot set \"motion=3\": write step.key=value");
    assert_eq!(refused("motion.=3"), "cannot set \"motion.=3\": the key is missing; write step.key=value");
    assert_eq!(refused("motion.profile=3"), "cannot set \"motion.profile=3\": profile is a word, not 3");
    assert!(refused("motion.frames=often").contains("\"often\" is no choice of frames"));
}

/// A stage with settings, as stages are.
struct Blur;

#[derive(Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct BlurSettings {
    /// Pixels.
    radius: u32,
}

impl framefleet_stage::Settings for BlurSettings {}

impl Stage for Blur {
    const NAME: &'static str = "blur";
    const ABOUT: &'static str = "blurs";
    const VERSION: u32 = 7;
    type Settings = BlurSettings;

    fn needs(_: &BlurSettings) -> Needs {
        Needs::default()
    }

    fn load(_: &Host, _: &BlurSettings) -> Result<Self, SetupError> {
        Ok(Self)
    }

    fn process(&self, _: &Job, _: &Batch, _: &mut Outputs) -> Result<(), StageError> {
        Ok(())
    }
}

#[test]
fn settings_are_checked_by_their_stage() {
    let registry = Registry::new().with::<Blur>().unwrap();
    let planned = |text: &str| plan_for(text, &[video(640, 360)], &registry);
    let plan = planned("[steps.soft]\nstage = 'blur'\nsettings = { radius = 4 }\n").unwrap();
    assert_eq!((plan.steps[0].version, plan.steps[0].settings["radius"].as_u64()), (7, Some(4)));
    let refused = |text: &str| planned(text).unwrap_err().to_string();
    assert_eq!(
        refused("[steps.soft]\nstage = 'blur'\nsettings = { radios = 4 }\n"),
        "step soft: stage blur has no setting \"radios\"; known settings: radius"
    );
    assert_eq!(
        refused("[steps.blur]\nprofile = 'fsat'\n"),
        "step blur: stage blur has no profile \"fsat\"; known profiles: balanced"
    );
    assert!(
        refused("[steps.blur]\nsettings = { radius = 'x' }\n").starts_with("step blur: stage blur, setting radius: ")
    );
}

#[test]
fn frames_that_cannot_be_are_not_made() {
    let refusal = |factor: i64| {
        let stages = FakeStages::default().with("upscale", stage().latest().enlarges(factor));
        plan_for("[steps.upscale]\n", &[video(1920, 1080)], &stages).unwrap_err().to_string()
    };
    assert!(refusal(0).contains("step upscale makes frames that cannot be: a scale of 0/1"), "{}", refusal(0));
    let huge = refusal(64);
    for part in ["step upscale", "film.mkv", "122880×69120", "32768 pixels"] {
        assert!(huge.contains(part), "{part} is missing: {huge}");
    }
}
