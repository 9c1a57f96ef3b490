// Rows of the timelines. Each is { node, plot, show(frame | null), resize?(view) }; drawings span the whole item in
// columns, so that looking closer is a matter of their viewBox.

function row(kind, name, note, plot, show, resize) {
  const value = el("div", { class: "value" });
  const label = el("div", { class: "name" }, name, note && el("small", {}, note));
  const node = el("div", { class: `track ${kind}` }, label, plot, value);
  const write = (words) => value.replaceChildren(...(words || []).map((word, i) => (i && word ? el("small", {}, word) : word || "")));
  return { node, plot, show: (frame) => write(show(frame)), resize };
}

function canvas(height, label, ...children) {
  return svg("svg", { viewBox: `0 0 1 ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, ...children);
}

function filmRow(item) {
  const plot = el("div", { class: "plot" });
  const resize = (view) => {
    const width = 56 * Math.min(2.4, Math.max(0.5, (item.width || 16) / (item.height || 9)));
    const count = Math.max(1, Math.min(40, Math.round(plot.clientWidth / width)));
    const middle = (i) => view.start + (i + 0.5) * (view.end - view.start) / count;
    plot.replaceChildren(...Array.from({ length: count }, (_, i) => jpeg(nearestThumbnail(item, middle(i)).jpeg)));
  };
  return row("film", "Frames", null, plot, () => [], resize);
}

function shotRow(item) {
  const per = item.axis.frames_per_column;
  const rects = item.shots.map((shot, i) => svg("rect", {
    x: (shot.start - item.axis.start) / per, width: (shot.end - shot.start) / per, y: 0, height: 10, fill: `var(--cut-${i % 2 ? "b" : "a"})`,
  }));
  const numbers = el("div", { class: "numbers", "aria-hidden": "true" });
  const plot = el("div", { class: "plot" }, canvas(10, `${plural(item.shots_total, "shot")}`, rects), numbers);
  const resize = (view) => {
    const scale = plot.clientWidth / (view.end - view.start);
    const visible = item.shots.filter((shot) => shot.end > view.start && shot.start < view.end);
    const cut = visible.map((shot) => ({ shot, from: Math.max(shot.start, view.start), to: Math.min(shot.end, view.end) }));
    const wide = cut.filter(({ from, to }) => (to - from) * scale > 26).slice(0, 200);
    numbers.replaceChildren(...wide.map(({ shot, from, to }) =>
      fill(el("span", {}, String(shot.number + 1)), { style: `left:${((from + to) / 2 - view.start) * scale}px` }, [])));
  };
  const show = (frame) => {
    if (frame === null) return [plural(item.shots_total, "shot")];
    const shot = runAt(item.shots, frame);
    return shot ? [`Shot ${shot.number + 1}`, shot.labels.map((label) => label.value).slice(0, 2).join(", ")] : [];
  };
  return row("shots", "Shots", "click one to look closer", plot, show, resize);
}

function bandRow(item, band) {
  const per = item.axis.frames_per_column;
  // One failed frame in an hour has to be seen.
  const problems = band.name === "Problems";
  const edge = (hue) => (problems ? { stroke: hue, "stroke-width": 2, "vector-effect": "non-scaling-stroke" } : {});
  const rects = band.runs.map((run) => svg("rect", {
    x: (run.start - item.axis.start) / per, width: (run.end - run.start) / per, y: 0, height: 10, fill: hueOfLabel(run.label),
    ...edge(hueOfLabel(run.label)),
  }));
  const lengths = new Map();
  for (const run of band.runs) lengths.set(run.label, (lengths.get(run.label) || 0) + run.end - run.start);
  const total = [...lengths.values()].reduce((sum, length) => sum + length, 0);
  const shares = [...lengths].sort((a, b) => b[1] - a[1]).map(([label, length]) => ({ label, words: `${label} ${percent(length / total)}` }));
  const legend = el("div", { class: "legend" }, shares.slice(0, 8).map(({ label, words }) =>
    el("span", { "--hue": hueOfLabel(label) }, el("i"), problems ? label : words)));
  const summary = `${band.name}: ${shares.slice(0, 8).map((share) => share.words).join(", ")}`;
  const show = (frame) => (frame === null ? [] : [(runAt(band.runs, frame) || { label: "–" }).label]);
  return row("band", band.name, band.step, el("div", { class: "plot" }, canvas(10, summary, rects), legend), show);
}
