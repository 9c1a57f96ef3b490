//! What plans are made of known pipelines.

use crate::fake::{FakeStages, NeedsExt, names, plan_for, plan_within, stage, video};
use framefleet_formats::Encoding;
use framefleet_frames::made::Size;
use framefleet_frames::{Depth, FrameRange, Item, ItemKind, Kind, MadeFrames, Rational, Rendition};
use framefleet_pipeline::{
    Half, Pipeline, PixelInput, PixelSource, PlanError, Sampling, batch_bytes, encoder_bytes, expand, slice_bytes,
    wanted,
};
use framefleet_stage::{Halo, Needs};

fn stages() -> FakeStages {
    FakeStages::default()
        .with("motion", stage().makes(&["motion"]).concludes(&["shot"]).halo(1, 0))
        .with("faces", stage().makes(&["face"]).concludes(&["identity"]))
        .with("masks", stage().requires(&["face"]).makes(&["mask"]).halo(2, 3))
        .with("inpainting", stage().requires(&["mask", "identity"]).latest().maker().halo(5, 5))
        .with("restoration", stage().latest().maker().halo(2, 2))
        .with("grading", stage().latest().maker().welcomes(&["shot"]))
        .with("assemble", stage().latest().group(8))
        .with("summary", Needs { finish_only: true, ..stage().finish_requires(&["shot", "identity"]) })
}

#[test]
fn job_scoped_needs_start_a_pass_and_say_why() {
    let text = "[steps.inpainting]\n[steps.masks]\n[steps.faces]\n[steps.assemble]\n";
    let plan = plan_for(text, &[video(640, 360)], &stages()).unwrap();
    assert_eq!(names(&plan, &(0..4).collect::<Vec<_>>()), ["faces", "masks", "inpainting", "assemble"]);
    assert_eq!(plan.passes.len(), 2);
    assert_eq!(names(&plan, &plan.passes[0].process), ["faces", "masks"]);
    assert_eq!(names(&plan, &plan.passes[1].process), ["inpainting", "assemble"]);
    assert_eq!(plan.passes[0].reason, "");
    assert_eq!(plan.passes[1].reason, "inpainting needs identity, which faces makes over all frames");
    let (_, inpainting) = plan.step("inpainting").unwrap();
    let providers = &inpainting.process.as_ref().unwrap().providers;
    let found: Vec<_> = providers.iter().map(|p| (p.kind.as_str(), plan.steps[p.step].name.as_str(), p.half)).collect();
    assert_eq!(found, [("identity", "faces", Half::Finish), ("mask", "masks", Half::Process)]);
}

#[test]
fn makers_wait_for_the_pass_of_their_readers() {
    let text = "[steps.motion]\n[steps.restoration]\n[steps.grading]\n[steps.assemble]\n";
    let plan = plan_for(text, &[video(640, 360)], &stages()).unwrap();
    assert_eq!(names(&plan, &plan.passes[0].process), ["motion"]);
    assert_eq!(names(&plan, &plan.passes[1].process), ["restoration", "grading", "assemble"]);
    assert_eq!(plan.passes[1].reason, "grading needs shot, which motion makes over all frames");
    let source = |name: &str| plan.step(name).unwrap().1.pixels[0].source;
    let place = |name: &str| plan.step(name).unwrap().0;
    assert_eq!(source("restoration"), PixelSource::Ingest);
    assert_eq!(source("grading"), PixelSource::Step(place("restoration")));
    assert_eq!(source("assemble"), PixelSource::Step(place("grading")));
}

#[test]
fn input_overrides_the_latest_maker() {
    let text = "[steps.restoration]\n[steps.grading]\ninput = 'source'\n[steps.assemble]\ninput = 'restoration'\n";
    let plan = plan_for(text, &[video(640, 360)], &stages()).unwrap();
    assert_eq!(plan.step("grading").unwrap().1.pixels[0].source, PixelSource::Ingest);
    let (restoration, _) = plan.step("restoration").unwrap();
    assert_eq!(plan.step("assemble").unwrap().1.pixels[0].source, PixelSource::Step(restoration));
}

#[test]
fn optional_needs_take_what_is_there() {
    let alone = plan_for("[steps.grading]\n", &[video(640, 360)], &stages()).unwrap();
    assert!(alone.steps[0].process.as_ref().unwrap().providers.is_empty());
    assert_eq!(alone.passes.len(), 1);
}

#[test]
fn needs_choose_among_several_makers() {
    let text = "[steps.motion]\n[steps.motion2]\nstage = 'motion'\n[steps.grading]\nneeds = { shot = 'motion2' }\n";
    let plan = plan_for(text, &[video(640, 360)], &stages()).unwrap();
    let (motion2, _) = plan.step("motion2").unwrap();
    let provider = &plan.step("grading").unwrap().1.process.as_ref().unwrap().providers[0];
    assert_eq!((provider.step, provider.half, provider.required), (motion2, Half::Finish, false));
}

#[test]
fn finish_alone_follows_what_it_reads() {
    let plan = plan_for("[steps.summary]\n[steps.motion]\n[steps.faces]\n", &[video(640, 360)], &stages()).unwrap();
    assert_eq!(names(&plan, &plan.passes[0].process), ["motion", "faces"]);
    assert_eq!(names(&plan, &plan.passes[0].finish), ["motion", "faces", "summary"]);
    assert!(plan.step("summary").unwrap().1.process.is_none());
}

#[test]
fn sampling_per_shot_needs_shots() {
    let plan =
        plan_for("[steps.motion]\n[steps.faces]\nframes = 'per-shot 3'\n", &[video(640, 360)], &stages()).unwrap();
    let (_, faces) = plan.step("faces").unwrap();
    assert_eq!((faces.pass, faces.sampling), (1, Sampling::PerShot(3)));
    assert_eq!(faces.process.as_ref().unwrap().providers[0].kind, Kind::new("shot"));
    assert_eq!(plan.passes[1].reason, "faces samples its frames by shot, which motion makes over all frames");
}

#[test]
fn halos_add_up_along_the_worst_path_of_a_pass() {
    let text =
        "[steps.faces]\n[steps.masks]\n[steps.motion]\n[steps.restoration]\n[steps.grading]\ninput = 'restoration'\n";
    let film = video(640, 360);
    let with_halo = stages().with("faces", stage().makes(&["face"]).concludes(&["identity"]).halo(4, 0));
    let plan = plan_for(text, std::slice::from_ref(&film), &with_halo).unwrap();
    let sum = |name: &str| expand(&plan, plan.step(name).unwrap().0, &film);
    assert_eq!(sum("faces"), Halo { before: 4, after: 0 });
    assert_eq!(sum("masks"), Halo { before: 6, after: 3 });
    assert_eq!(sum("grading"), Halo { before: 2, after: 2 });
    let mut stills = film.clone();
    stills.set_kind(ItemKind::Stills);
    assert_eq!(expand(&plan, plan.step("masks").unwrap().0, &stills), Halo::default());
}

#[test]
fn memory_counts_renditions_made_frames_and_spanned_batches() {
    // 640 × 360 in 8 bits: batches of 32 frames, and a proxy is as large as a full frame.
    let frame = 640 * 360 * 3;
    let film = video(640, 360);
    let needed = |text: &str| plan_for(text, std::slice::from_ref(&film), &stages()).unwrap().memory.needed;
    assert_eq!(needed("[steps.faces]\n"), [2 * 32 * frame], "a batch, and the next one");
    assert_eq!(needed("[steps.motion]\n"), [3 * 32 * frame], "the batch before as well");
    assert_eq!(needed("[steps.masks]\n[steps.faces]\n"), [4 * 32 * frame], "one on each side");
    assert_eq!(
        needed("[steps.restoration]\n[steps.assemble]\n"),
        [(1 + 8 + 1 + 1) * 2 * 32 * frame],
        "a group, and made frames"
    );
    assert_eq!(needed("[steps.faces]\nframes = 'every 8'\n"), [2 * 4 * frame]);
    assert_eq!(
        needed("[steps.motion]\nframes = 'every 8'\n"),
        [3 * 8 * frame],
        "each sampled frame with the one before"
    );
    assert_eq!(needed("[steps.faces]\nframes = '1/s'\n"), [2 * 32 * frame], "nobody knows how many that are");
}

#[test]
fn memory_is_that_of_the_largest_item() {
    let (small, large) = (video(640, 360), video(3840, 2160));
    let both = plan_for("[steps.restoration]\n", &[small.clone(), large.clone()], &stages()).unwrap();
    let alone = plan_for("[steps.restoration]\n", std::slice::from_ref(&large), &stages()).unwrap();
    assert_eq!(both.memory.needed, alone.memory.needed);
    assert!(batch_bytes(&both, 0, &small) < batch_bytes(&both, 0, &large));
}

/// The first thing that is made ×2 of 1080p, made ×2 again, is ×4 of 1080p.
#[test]
fn frames_that_reach_a_step_are_of_the_makers_before_it() {
    let stages = FakeStages::default()
        .with("upscale", stage().latest().enlarges(2))
        .with("grade", stage().latest().maker())
        .with("assemble", stage().latest().group(3));
    let film = video(1920, 1080);
    let text = "[steps.first]\nstage = 'upscale'\n[steps.second]\nstage = 'upscale'\n[steps.grade]\n[steps.assemble]\n\
                [steps.small]\nstage = 'assemble'\ninput = 'first'\n[steps.own]\nstage = 'assemble'\ninput = 'source'\n";
    let plan = plan_for(text, std::slice::from_ref(&film), &stages).unwrap();
    let step = |name: &str| plan.step(name).unwrap().0;
    let reaches = |name: &str| {
        let rules = plan.makers(step(name));
        let largest = framefleet_frames::made::largest(&rules, &film);
        (largest.width, largest.height)
    };
    assert_eq!(reaches("assemble"), (7680, 4320));
    assert_eq!(plan.makers(step("assemble")).len(), 3);
    assert_eq!(
        [reaches("first"), reaches("second"), reaches("small"), reaches("own")],
        [(1920, 1080), (3840, 2160), (3840, 2160), (1920, 1080)]
    );
    // ×2: 24.9 MB, eight in a part; ×4: 99.5 MB, two.
    let parts = |name: &str| plan.part_frames(step(name), &film);
    assert_eq!(["first", "second", "grade", "assemble", "small", "own"].map(parts), [8, 2, 2, 2, 8, 32]);
    assert_eq!(plan.task_frames(step("assemble"), &film), 6);
    assert_eq!(plan.slice_frames(0, &film), 2);
}

#[test]
fn what_is_made_of_a_batch_need_not_fit_into_memory_at_a_time() {
    let stages =
        FakeStages::default().with("upscale", stage().latest().enlarges(4)).with("assemble", stage().latest().group(3));
    let film = video(1920, 1080);
    let pipeline = Pipeline::from_toml("[steps.upscale]\n[steps.assemble]\n", "test").unwrap();
    let plan = plan_within(&pipeline, std::slice::from_ref(&film), &stages, 4 << 30).unwrap();
    let (full, made) = (1920 * 1080 * 3, 7680 * 4320 * 3);
    // Two frames of a part, and the one that is being made.
    assert_eq!((batch_bytes(&plan, 0, &film), slice_bytes(&plan, 0, &film)), (32 * full, 3 * made));
    // Six frames of a piece lie across two batches at most, and one more batch and slice are prepared.
    assert_eq!(plan.memory.needed, [3 * 32 * full + 4 * 3 * made]);
    let error = plan_within(&pipeline, &[film], &stages, 1 << 30).unwrap_err().to_string();
    assert!(error.contains("2 batches of 189.8 MiB and 3 slices of made frames of 284.8 MiB"), "{error}");
}

/// Enlarged ×4, 1080p fits into the default memory with an encoder, whichever that is.
#[test]
fn an_encoder_has_its_part_of_the_memory() {
    const DEFAULT: u64 = 4 << 30;
    let film = video(1920, 1080);
    for encoding in [Encoding::H264, Encoding::H265, Encoding::Prores, Encoding::Dnxhr, Encoding::Ffv1] {
        let encoder = Needs { encodes: Some(encoding), ..stage().latest().group(3) };
        let stages = FakeStages::default().with("upscale", stage().latest().enlarges(4)).with("assemble", encoder);
        let pipeline = Pipeline::from_toml("[steps.upscale]\n[steps.assemble]\n", "test").unwrap();
        let planned = |budget: u64| plan_within(&pipeline, std::slice::from_ref(&film), &stages, budget);
        let plan = planned(DEFAULT).unwrap();
        let bytes = encoder_bytes(&plan, plan.step("assemble").unwrap().0, &film);
        let memory = &plan.memory;
        assert!(memory.encoders(0) >= bytes, "{encoding:?}: room for one at least");
        let window = 2 * batch_bytes(&plan, 0, &film) + 3 * slice_bytes(&plan, 0, &film);
        assert!(memory.frames(0) >= window && memory.frames(0) + memory.encoders(0) == DEFAULT, "{encoding:?}");
        assert_eq!(memory.needed, [window + bytes.max(batch_bytes(&plan, 0, &film) + slice_bytes(&plan, 0, &film))]);
        let least = planned(memory.needed[0]).unwrap().memory;
        assert_eq!((least.encoders(0), least.frames(0)), (bytes, memory.needed[0] - bytes), "{encoding:?}");
        let error = planned(memory.needed[0] - 1).unwrap_err().to_string();
        assert_eq!(error.contains("an encoder takes"), memory.needed[0] == window + bytes, "{error}");
        // With more, encoders and their frames have more of both.
        let more = planned(4 * DEFAULT).unwrap().memory;
        assert!(more.encoders(0) > memory.encoders(0) && more.frames(0) > memory.frames(0), "{encoding:?}");
    }
}

/// A folder keeps its grid; whatever is added to it then, pictures that were there are parts of what they were.
#[test]
fn parts_of_stills_do_not_follow_their_sizes() {
    let enlarged = |size| {
        let made = Some(MadeFrames { size, depth: Depth::Sixteen.into(), ..MadeFrames::default() });
        Needs { made, ..stage().latest().maker() }
    };
    let stages = FakeStages::default()
        .with("same", stage().latest().maker())
        .with("scale", enlarged(Some(Size::Scale(Rational { num: 3, den: 2 }))))
        .with("edge", enlarged(Some(Size::LongEdge(1500))))
        .with("write", stage().latest());
    let text =
        "[steps.same]\n[steps.scale]\n[steps.first]\nstage = 'write'\n[steps.edge]\ninput = 'same'\n[steps.write]\n";
    let folder = |width: u32, height: u32, bits: u32, alpha: bool| {
        let mut stills = video(width, height);
        stills.set_kind(ItemKind::Stills);
        Item { bit_depth: bits, alpha, ..stills }
    };
    let parts = |item: &Item| {
        let plan = plan_for(text, std::slice::from_ref(item), &stages).unwrap();
        (0..plan.steps.len()).map(|step| plan.part_frames(step, item)).collect::<Vec<_>>()
    };
    let first = folder(1200, 900, 8, false);
    let grid = framefleet_frames::frame::batch_frames(&first);
    let grown = Item { batch_frames: u32::try_from(grid).unwrap(), ..folder(9000, 7000, 16, true) };
    assert_eq!(parts(&grown), parts(&first));
    assert_eq!(parts(&first)[0], grid, "what is not enlarged is made of whole batches");
}

/// Parts are those of a batch: they follow from the item and from what is made.
#[test]
fn parts_divide_batches() {
    let stages = FakeStages::default().with("upscale", stage().latest().enlarges(2));
    let parts = |width: u32, height: u32| {
        let film = video(width, height);
        let plan = plan_for("[steps.upscale]\n", std::slice::from_ref(&film), &stages).unwrap();
        (framefleet_frames::frame::batch_frames(&film), plan.part_frames(0, &film))
    };
    assert_eq!(parts(640, 360), (32, 32), "small frames are made of whole batches");
    assert_eq!(parts(1920, 1080), (32, 8));
    assert_eq!(parts(3840, 2160), (10, 2));
    assert_eq!(parts(7680, 4320), (2, 1), "a frame is a part, however large");
}

#[test]
fn stills_under_a_long_edge_count_as_squares() {
    let mut long_edge = stage().latest().maker();
    long_edge.made = Some(MadeFrames { size: Some(Size::LongEdge(4096)), ..MadeFrames::default() });
    let stages = FakeStages::default().with("upscale", long_edge);
    let of = |kind: ItemKind| {
        let mut item = video(1000, 500);
        item.set_kind(kind);
        let plan = plan_for("[steps.upscale]\n", std::slice::from_ref(&item), &stages).unwrap();
        plan.part_frames(0, &item)
    };
    // 4096 × 2048 are 25.2 MB; nobody knows how high a still is that is 4096 wide then, nor which format others will have.
    assert_eq!((of(ItemKind::Video), of(ItemKind::Stills)), (8, 2));
}

#[test]
fn a_job_that_does_not_fit_is_refused_with_the_numbers() {
    let pipeline = Pipeline::from_toml("[steps.restoration]\n[steps.assemble]\n", "test").unwrap();
    let film = [video(640, 360)];
    let needed = plan_within(&pipeline, &film, &stages(), u64::MAX).unwrap().memory.needed[0];
    assert!(plan_within(&pipeline, &film, &stages(), needed).is_ok());
    let error = plan_within(&pipeline, &film, &stages(), needed - 1).unwrap_err();
    assert!(
        matches!(error, PlanError::Memory { needed: n, budget, batches: 10, .. } if n == needed && budget == needed - 1),
        "{error:?}"
    );
    let text = error.to_string();
    for part in ["464.1 MiB", "pass 1", "assemble", "film.mkv", "10 batches", "42.2 MiB", "--memory"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

#[test]
fn wanted_frames_are_the_sampled_ones_with_their_halos() {
    let film = video(640, 360);
    let text = "[steps.motion]\nframes = 'every 10'\n[steps.faces]\nframes = 'every 16'\n[steps.grading]\n";
    let plan = plan_for(text, std::slice::from_ref(&film), &stages()).unwrap();
    let asked = |rendition, range: &FrameRange| {
        let pixels = PixelInput { rendition, source: PixelSource::Ingest };
        let inside = |range: &FrameRange| FrameRange { start: range.start, end: range.end.min(100) };
        let sampled =
            |step: usize, range: &FrameRange| plan.steps[step].sampling.sampled_frames(&inside(range), &|_| None, &[]);
        wanted(&plan, 0, &film, pixels, range, &sampled)
    };
    assert_eq!(asked(Rendition::Proxy, &FrameRange { start: 0, end: 32 }), [0, 9, 10, 16, 19, 20, 29, 30]);
    assert_eq!(
        asked(Rendition::Proxy, &FrameRange { start: 33, end: 40 }),
        [39],
        "halo of frame 40, in the next batch"
    );
    assert!(
        asked(Rendition::Proxy, &FrameRange { start: 99, end: 100 }).is_empty(),
        "frame 100 is not there to have a halo"
    );
    let second = plan.step("grading").unwrap().1.pass;
    assert_eq!(second, 1, "grading takes shots");
    assert!(
        asked(Rendition::Full, &FrameRange { start: 0, end: 32 }).is_empty(),
        "nobody reads full frames in the first pass"
    );
}

#[test]
fn the_smallest_pipeline_adds_what_is_required() {
    let stages = stages();
    let steps = |names: &[&str]| {
        let pipeline = Pipeline::of_stages(names, &stages).unwrap();
        pipeline.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(steps(&["faces"]), ["faces"]);
    assert_eq!(steps(&["inpainting"]), ["faces", "masks", "inpainting"]);
    assert_eq!(steps(&["grading"]), ["grading"], "optional needs add nothing");
    assert_eq!(steps(&["summary"]), ["faces", "motion", "summary"]);
    assert_eq!(steps(&["assemble", "restoration", "faces", "faces"]), ["restoration", "faces", "assemble"]);
    let pipeline = Pipeline::of_stages(&["inpainting"], &stages).unwrap();
    assert!(plan_within(&pipeline, &[video(640, 360)], &stages, 1 << 40).is_ok());
}

#[test]
fn what_joins_others_results_comes_with_them() {
    let joins = || Needs { joins: true, ..stage().welcomes(&["face", "mask"]).makes(&["subject"]) };
    let stages = stages().with("subjects", joins());
    let steps = |names: &[&str]| {
        let pipeline = Pipeline::of_stages(names, &stages).unwrap();
        pipeline.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(steps(&["faces"]), ["faces"], "there is nothing to join");
    assert_eq!(steps(&["masks"]), ["faces", "masks", "subjects"]);
    assert_eq!(steps(&["subjects", "faces"]), ["subjects", "faces"], "who asks for it has it");
    let alone = plan_for("[steps.motion]\n[steps.subjects]\n", &[video(640, 360)], &stages).unwrap_err();
    assert_eq!(
        alone.to_string(),
        "subjects joins face, mask, and no step of the pipeline makes any of them; add a step of a stage that does: faces, masks"
    );
}

#[test]
fn providers_are_added_for_settings_too() {
    let mut pipeline = Pipeline::of_stages(&["faces"], &stages()).unwrap();
    pipeline.set("faces.frames=per-shot 2").unwrap();
    pipeline.add_providers(&stages()).unwrap();
    assert_eq!(pipeline.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["motion", "faces"]);
}

#[test]
fn transparent_frames_are_not_encoded_without_alpha() {
    let film = |encoding| Needs { encodes: Some(encoding), ..stage().latest().group(8) };
    let plan = |encoding| {
        let stages =
            FakeStages::default().with("cut-out", stage().latest().transparent()).with("assemble", film(encoding));
        plan_for("[steps.cut-out]\n[steps.assemble]\n", &[video(640, 360)], &stages)
    };
    for encoding in [Encoding::Auto, Encoding::Prores, Encoding::Ffv1, Encoding::Png, Encoding::Tiff] {
        assert!(plan(encoding).is_ok(), "{encoding:?}");
    }
    for encoding in [Encoding::H264, Encoding::H265, Encoding::Dnxhr] {
        let refused = plan(encoding).unwrap_err().to_string();
        assert!(refused.contains("assemble") && refused.contains("keeps no alpha"), "{refused}");
    }
}
