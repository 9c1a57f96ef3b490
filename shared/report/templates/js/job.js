// The job as a whole.

function table(heads, rows) {
  const cell = (tag, content, i) => el(tag, { class: [heads[i].number && "number", content && content.alarm && "alarm"].filter(Boolean).join(" ") || false },
    content && content.alarm ? content.alarm : content);
  return el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, heads.map((head, i) => cell("th", head.name, i)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((content, i) => cell("td", content, i)))))));
}
const pairs = (entries) => el("dl", { class: "pairs" }, entries.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
const columns = (...names) => names.map((name) => (name.startsWith("#") ? { name: name.slice(1), number: true } : { name }));

function masthead(job, overview) {
  const states = { complete: "Complete", unfinished: "Unfinished", partial: "Partial" };
  const figures = overview && [
    [plural(overview.totals.items, "item").split(" ")[1], grouped(overview.totals.items)],
    [overview.totals.frames === 1 ? "frame" : "frames", grouped(overview.totals.frames)],
    overview.totals.seconds > 0 && ["of footage", duration(overview.totals.seconds)],
    overview.efficiency && ["frames per second", decimal(overview.efficiency.frames_per_second)],
    overview.efficiency && ["pipeline efficiency", percent(overview.efficiency.value)],
    overview.failures.total > 0 && [overview.failures.total === 1 ? "failure" : "failures", grouped(overview.failures.total), true],
  ].filter(Boolean);
  return el("header", {},
    el("div", { class: "masthead" }, el("h1", {}, job.name), overview && el("span", { class: `state ${job.state}` }, states[job.state])),
    el("p", { class: "source muted" }, [job.source, job.created].filter(Boolean).join(" · ")),
    overview && job.message && el("p", {}, job.message),
    figures && el("dl", { class: "figures" }, figures.map(([name, value, alarm]) => el("div", {}, el("dt", {}, name), el("dd", { class: alarm && "alarm" }, value)))));
}

function stepSection(list) {
  const rows = list.map((step) => [
    step.name === step.stage ? step.name : `${step.name} (${step.stage})`,
    grouped(step.result), step.failed ? { alarm: grouped(step.failed) } : "0", grouped(step.skipped),
    step.task_seconds === null ? "" : duration(step.task_seconds),
    step.frames_per_second === null ? "" : decimal(step.frames_per_second),
    step.complete ? "complete" : "unfinished",
  ]);
  const heads = columns("Step", "#Results", "#Failed", "#Skipped", "#Time in tasks", "#Frames/s per task", "State");
  return el("section", {}, el("h2", {}, "Steps"), el("div", { class: "panel" }, table(heads, rows)));
}

function efficiencySection(efficiency) {
  const parts = efficiency.steps.map((step) => ({ ...step, hue: hueOfStep(step.step) }));
  return el("section", {}, el("h2", {}, "Efficiency"), el("div", { class: "panel efficiency" },
    el("div", {}, el("div", { class: "figure" }, percent(efficiency.value)),
      el("span", { class: "muted small" }, `${decimal(efficiency.frames_per_second)} frames per second, of what the bare work allows`)),
    el("div", {}, efficiency.bottlenecks.map(bottleneckLine),
      el("div", { class: "share", role: "img", "aria-label": parts.map((part) => `${part.step} ${percent(part.share)}`).join(", ") },
        parts.map((part) => el("i", { "--hue": part.hue, style: `flex:${Math.max(0, part.share)} 1 0` }))),
      el("div", { class: "legend" }, parts.map((part) =>
        el("span", { "--hue": part.hue }, el("i"), `${part.step} ${percent(part.share)}, ${duration(part.task_seconds)}`)))),
    el("div", { class: "whole" }, stepTimes(efficiency.steps),
      efficiency.machines.length > 0 && pairs(efficiency.machines.map((one) => [one.name, one.value])))));
}

function bottleneckLine(one) {
  const words = one.text.charAt(0).toUpperCase() + one.text.slice(1);
  return el("p", {}, words, one.setting ? ["; ", el("code", {}, one.setting), ` ${one.effect}.`] : ".");
}

function stepTimes(steps) {
  const heads = columns("Step", "#Wall", "#Processor", "#Device", "#Around tasks", "#Task, median", "#Task, 95 %", "#Memory, most");
  const seconds = (value) => (value === null ? "" : duration(value));
  const memory = (bytes) => (bytes === null ? "" : `${grouped(Math.round(bytes / 1048576))} MiB`);
  return table(heads, steps.map((step) => [
    step.step, duration(step.task_seconds), duration(step.cpu_seconds), step.device_seconds > 0 ? duration(step.device_seconds) : "",
    duration(step.around_seconds), seconds(step.p50_seconds), seconds(step.p95_seconds), memory(step.peak_memory)]));
}

function failureSection(failures) {
  const heads = columns("Item", "#Frame", "#Time", "Step", "Reason");
  const draw = (shown) => table(heads, shown.map((one) => [
    one.file ? `${one.item}/${one.file}` : one.item, grouped(one.frame), timecode(one.pts_ns / 1e9), one.step, one.code ? `${one.code}: ${one.reason}` : one.reason]));
  const beyond = failures.total - failures.shown.length;
  return el("section", {}, el("h2", {}, plural(failures.total, "failure")), el("div", { class: "panel" },
    failures.replay && [el("p", {}, "Try exactly these again:"), el("pre", {}, failures.replay)],
    expandable(failures.shown, 12, draw, "of them"),
    beyond > 0 && el("p", { class: "muted small" }, `${grouped(beyond)} more are in failures.jsonl.`)));
}

function leftOutSection(lines) {
  const draw = (shown) => el("ul", {}, shown.map((line) => el("li", {}, line)));
  return el("section", {}, el("h2", {}, "About the source"), el("div", { class: "panel" }, expandable(lines, 12, draw, "of them")));
}

function planSection(plan, timings) {
  const words = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const settings = plan.steps.map((step) => el("details", {},
    el("summary", {}, step.step, el("span", { class: "muted" }, `  ${step.step === step.stage ? "" : `${step.stage} `}version ${step.version}`)),
    pairs(Object.entries(step.settings).map(([name, value]) => [name, el("code", {}, words(value))]))));
  const facts = [["Pipeline", plan.pipeline], ["Execution class", plan.class], ["Seed", String(plan.seed)]].filter(([, value]) => value);
  const passes = plan.passes.map((pass, i) => [`Pass ${i + 1}`, pass.steps.join(", ") + (pass.reason ? ` – ${pass.reason}` : "")]);
  return el("section", {}, el("h2", {}, "Plan"), el("div", { class: "panel" },
    el("div", { class: "columns" },
      el("div", {}, el("h3", { style: "margin-top:0" }, "What ran"), pairs([...facts, ...passes])),
      timings.length > 0 && el("div", {}, el("h3", { style: "margin-top:0" }, "Time"), pairs(timings.map((one) => [one.name, duration(one.seconds)]))),
      plan.versions.length > 0 && el("div", {}, el("h3", { style: "margin-top:0" }, "Versions"), pairs(plan.versions.map((one) => [one.name, one.value])))),
    settings.length > 0 && el("h3", {}, "Settings"), settings));
}
