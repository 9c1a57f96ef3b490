"use strict";
(() => {
const data = JSON.parse(document.getElementById("report-data").textContent);
const page = document.getElementById("page");

// Elements. Text from the data only ever becomes text nodes and attributes, never markup.

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) node.style.setProperty(name, value);
    else if (name === "style") node.style.cssText += value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const jpeg = (base64, attributes) => el("img", { src: `data:image/jpeg;base64,${base64}`, alt: "", decoding: "async", draggable: "false", ...attributes });

// Words and numbers.

const grouped = (number) => Math.round(number).toLocaleString("en").replaceAll(",", "\u202f");
const plural = (number, one, many = `${one}s`) => `${grouped(number)} ${number === 1 ? one : many}`;
const percent = (share) => `${share > 0 && share < 0.01 ? "<\u202f1" : Math.round(share * 100)}\u202f%`;
const measured = (number, unit) => decimal(number) + (unit ? `\u202f${unit}` : "");

function decimal(number) {
  const size = Math.abs(number);
  if (size >= 1000) return grouped(number).replace("-", "−");
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 || size === 0 ? 2 : 3;
  return number.toFixed(digits).replace("-", "−");
}

// For scales: three digits say enough.
const brief = (number) => (Math.abs(number) >= 1000 ? grouped(number) : String(parseFloat(number.toPrecision(3)))).replace("-", "−");

function timecode(seconds, digits = 2) {
  const scale = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * scale);
  const pad = (value, length = 2) => String(value).padStart(length, "0");
  const total = Math.floor(whole / scale);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const fraction = digits ? `.${pad(whole % scale, digits)}` : "";
  return `${hours ? `${hours}:${pad(minutes)}` : minutes}:${pad(total % 60)}${fraction}`;
}

function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)}\u202fs`;
  const total = Math.round(seconds);
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return [h && `${grouped(h)}\u202fh`, (h || m) && `${m}\u202fmin`, !h && `${s}\u202fs`].filter(Boolean).join(" ");
}

function fileSize(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return measured(bytes / 1000 ** power, units[power]);
}

// Frames and times.

const frameCount = (item) => item.axis.end - item.axis.start;
const columnOf = (item, frame) => Math.floor((frame - item.axis.start) / item.axis.frames_per_column);
const lastIndexNotAfter = (list, start) => {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].start <= start) low = middle + 1; else high = middle;
  }
  return low - 1;
};
const runAt = (runs, frame) => {
  const run = runs[lastIndexNotAfter(runs, frame)];
  return run && frame < run.end ? run : null;
};

function secondsAt(item, frame) {
  if (!item.fps) return null;
  const column = columnOf(item, frame);
  const start = item.axis.seconds[column];
  if (start === null || start === undefined) return frame / item.fps;
  return start + (frame - item.axis.start - column * item.axis.frames_per_column) / item.fps;
}

function frameAtSeconds(item, seconds) {
  let [low, high] = [item.axis.start, item.axis.end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (secondsAt(item, middle) < seconds) low = middle + 1; else high = middle;
  }
  return low;
}

function place(item, frame, digits = 2) {
  const seconds = secondsAt(item, frame);
  return seconds === null ? fileOf(item, frame) || `Picture ${grouped(frame + 1)}` : timecode(seconds, digits);
}
const fileOf = (item, frame) => (item.thumbnails.find((one) => one.frame === frame) || {}).file;

const nearestThumbnail = (item, frame) => item.thumbnails.reduce(
  (best, one) => (best && Math.abs(best.frame - frame) <= Math.abs(one.frame - frame) ? best : one), null);

// Colours of labels: the same label has the same one everywhere on the page.

const NEUTRAL = new Set(["static", "neutral", "none", "unknown", "unspecified", "normal", "idle", "minimal", "unclear"]);
const labelHues = new Map([["cool", "var(--b0)"], ["warm", "var(--b1)"], ["low", "var(--b3)"], ["high", "var(--b6)"]]);
const given = labelHues.size;
function hueOfLabel(label) {
  if (label.startsWith("failed")) return "var(--bad)";
  if (label.startsWith("skipped") || NEUTRAL.has(label)) return "var(--neutral)";
  if (!labelHues.has(label)) labelHues.set(label, `var(--b${(labelHues.size - given) % 8})`);
  return labelHues.get(label);
}
const steps = [];
function hueOfStep(step) {
  if (!steps.includes(step)) steps.push(step);
  return `var(--c${steps.indexOf(step) % 6})`;
}

// Lightbox.

const lightbox = (() => {
  const dialog = document.getElementById("lightbox");
  const [previous, next] = [dialog.querySelector(".previous"), dialog.querySelector(".next")];
  let item = null;
  let index = 0;
  function show(to) {
    index = Math.min(Math.max(to, 0), item.thumbnails.length - 1);
    const { frame, jpeg: base64 } = item.thumbnails[index];
    const shot = runAt(item.shots, frame);
    dialog.querySelector("img").src = `data:image/jpeg;base64,${base64}`;
    dialog.querySelector("img").alt = `${item.name}, frame ${frame}`;
    dialog.querySelector(".caption").textContent =
      [item.name, place(item, frame), item.fps && `frame ${grouped(frame)}`, shot && `shot ${shot.number + 1}`].filter(Boolean).join(" · ");
    previous.disabled = index === 0;
    next.disabled = index === item.thumbnails.length - 1;
  }
  previous.addEventListener("click", () => show(index - 1));
  next.addEventListener("click", () => show(index + 1));
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(index - 1);
    if (event.key === "ArrowRight") show(index + 1);
  });
  return { open(which, at) { item = which; show(at); dialog.showModal(); } };
})();

// A list that begins short.

function expandable(entries, shown, draw, words) {
  const container = draw(entries.slice(0, shown));
  if (entries.length <= shown) return container;
  const holder = el("div", {}, container);
  const more = el("button", { type: "button", class: "quiet more" }, `Show all ${grouped(entries.length)} ${words}`);
  more.addEventListener("click", () => { holder.replaceChildren(draw(entries)); });
  holder.append(more);
  return holder;
}

// Contact sheet.

function contactSheet(item, timelines) {
  // Full rows of six and of three.
  const shown = 18;
  const tile = (index) => {
    const { frame, jpeg: base64 } = item.thumbnails[index];
    const shot = runAt(item.shots, frame);
    const open = () => lightbox.open(item, index);
    const peek = () => timelines.point(frame, false);
    return el("button", { type: "button", onclick: open, onpointerenter: peek, onfocus: peek, "aria-label": `Enlarge ${place(item, frame)}` },
      jpeg(base64), el("span", {}, place(item, frame, 1), el("span", {}, shot ? `shot ${shot.number + 1}` : "")));
  };
  const all = item.thumbnails.map((_, index) => index);
  const spread = all.length <= shown ? all : Array.from({ length: shown }, (_, i) => all[Math.floor((i + 0.5) * all.length / shown)]);
  const ratio = item.kind === "stills" ? "1 / 1" : `${item.width || 16} / ${item.height || 9}`;
  const sheet = el("div", { class: "sheet", "--ratio": ratio }, spread.map(tile));
  const more = all.length > shown && el("button", { type: "button", class: "quiet more" }, `Show all ${grouped(all.length)} pictures`);
  if (more) more.addEventListener("click", () => { sheet.replaceChildren(...all.map(tile)); more.remove(); });
  return el("div", { class: "sheet-holder" }, sheet, more);
}

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

// A step that looks at every n-th frame leaves columns empty between: they are no gaps in the curve.
function usualSpacing(values) {
  const gaps = [];
  let last = -1;
  values.forEach((value, i) => {
    if (value === null) return;
    if (last >= 0) gaps.push(i - last);
    last = i;
  });
  return gaps.length ? gaps.sort((a, b) => a - b)[gaps.length >> 1] * 1.5 : 1;
}

function range(series) {
  let [low, high] = [Infinity, -Infinity];
  const [mins, maxs] = series.min.length ? [series.min, series.max] : [series.mean, series.mean];
  for (const value of mins) if (value !== null && value < low) low = value;
  for (const value of maxs) if (value !== null && value > high) high = value;
  if (low > high) return null;
  const [least, greatest] = [low, high];
  if (low >= 0 && low < 0.4 * high) low = 0;
  const margin = (high - low || Math.abs(high) || 1) * 0.08;
  return { least, greatest, low: low === 0 ? 0 : low - margin, high: high + margin };
}

function curve(values, y, spacing) {
  let path = "";
  let last = -Infinity;
  values.forEach((value, i) => {
    if (value === null) return;
    const at = y(value).toFixed(1);
    path += i - last <= spacing ? `L${i + 0.5} ${at}` : `M${i} ${at}H${i + 0.5}`;
    last = i;
  });
  return path;
}

function envelope(series, y) {
  const pieces = [];
  let from = -1;
  const close = (to) => {
    if (from < 0) return;
    const upper = series.max.slice(from, to).map((value, i) => `${from + i + 0.5} ${y(value).toFixed(1)}`);
    const lower = series.min.slice(from, to).map((value, i) => `${from + i + 0.5} ${y(value).toFixed(1)}`).reverse();
    pieces.push(`M${upper.join("L")}L${lower.join("L")}Z`);
    from = -1;
  };
  series.min.forEach((value, i) => {
    if (value === null) close(i);
    else if (from < 0) from = i;
  });
  close(series.min.length);
  return pieces.join("");
}

// Fewer columns: what a narrow plot can show of a long item.
function coarser(series, factor) {
  const [mins, maxs] = series.min.length ? [series.min, series.max] : [series.mean, series.mean];
  const combined = (values, combine) => Array.from({ length: Math.ceil(values.length / factor) }, (_, i) => {
    const known = values.slice(i * factor, (i + 1) * factor).filter((value) => value !== null);
    return known.length ? combine(known) : null;
  });
  return {
    mean: combined(series.mean, (known) => known.reduce((sum, value) => sum + value, 0) / known.length),
    min: combined(mins, (known) => Math.min(...known)),
    max: combined(maxs, (known) => Math.max(...known)),
  };
}

const WIDE = 600;
function curves(series, y) {
  const layer = (one, factor) => svg("g", { transform: `scale(${factor} 1)` },
    one.min.length > 0 && svg("path", { class: "range", d: envelope(one, y) }),
    svg("path", { class: "mean", d: curve(one.mean, y, usualSpacing(one.mean)) }));
  const factor = Math.ceil(series.mean.length / WIDE);
  return [layer(series, 1), factor > 1 && layer(coarser(series, factor), factor)].filter(Boolean);
}

function seriesRow(item, series) {
  const bounds = range(series);
  if (!bounds) return null;
  const y = (value) => 100 - 100 * (value - bounds.low) / (bounds.high - bounds.low);
  const spacing = usualSpacing(series.mean);
  const known = series.mean.filter((value) => value !== null);
  const average = known.reduce((sum, value) => sum + value, 0) / known.length;
  const words = `${series.name}: ${decimal(bounds.least)} to ${measured(bounds.greatest, series.unit)}, ${measured(average, series.unit)} on average`;
  const [fine, coarse] = curves(series, y);
  const plot = el("div", { class: "plot", "--hue": hueOfStep(series.step) }, canvas(100, words, fine, coarse),
    el("span", { class: "scale high", "aria-hidden": "true" }, brief(bounds.greatest)),
    el("span", { class: "scale low", "aria-hidden": "true" }, brief(bounds.low === 0 ? 0 : bounds.least)));
  const resize = (view) => {
    const far = coarse && (view.end - view.start) / item.axis.frames_per_column > WIDE;
    fine.style.display = far ? "none" : "";
    if (coarse) coarse.style.display = far ? "" : "none";
  };
  const show = (frame) => {
    if (frame === null) return [measured(average, series.unit), "on average"];
    const at = nearestKnown(series.mean, columnOf(item, frame), Math.ceil(spacing / 2));
    if (at < 0) return ["–"];
    const spread = series.min.length && series.min[at] !== series.max[at] && `${decimal(series.min[at])} to ${decimal(series.max[at])}`;
    return [measured(series.mean[at], series.unit), spread];
  };
  return row("series", series.name, series.step, plot, show, resize);
}

function nearestKnown(values, column, reach) {
  for (let i = 0; i <= reach; i++) {
    const at = [column - i, column + i].find((one) => (values[one] ?? null) !== null);
    if (at !== undefined) return at;
  }
  return -1;
}

function tickRow(item) {
  const plot = el("div", { class: "plot", "aria-hidden": "true" });
  const resize = (view) => {
    const count = Math.max(2, Math.floor(plot.clientWidth / 110));
    const [from, to] = item.fps ? [secondsAt(item, view.start), secondsAt(item, view.end)] : [view.start, view.end];
    const steps = item.fps
      ? [0.04, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400]
      : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000];
    const step = steps.find((one) => (to - from) / one <= count) || (to - from) / count;
    const marks = [];
    for (let at = Math.ceil(from / step - 1e-6) * step; at <= to && marks.length <= count + 1; at += step) {
      const frame = item.fps ? frameAtSeconds(item, at) : at;
      const share = (frame - view.start) / (view.end - view.start);
      if (share > 1) break;
      const words = item.fps ? timecode(at, step < 0.1 ? 2 : step < 1 ? 1 : 0) : grouped(at + 1);
      marks.push(el("span", { class: share > 0.97 && "last", style: `left:${share * 100}%` }, words));
    }
    plot.replaceChildren(...marks);
  };
  return row("ticks", "", null, plot, () => [], resize);
}

// The timelines of one item: one cursor and one view over all rows.

function timelines(item) {
  const whole = { start: item.axis.start, end: item.axis.end };
  let view = whole;
  let pinned = null;
  const listeners = [];
  const tracks = el("div", {
    class: "tracks", tabindex: 0, role: "slider", "aria-label": `Position in ${item.name}`,
    "aria-valuemin": whole.start, "aria-valuemax": whole.end - 1, "aria-valuenow": whole.start,
  });
  const crosshair = el("div", { class: "crosshair", hidden: true });
  const selection = el("div", { class: "selection", hidden: true });
  const peek = el("div", { class: "peek", hidden: true });
  const back = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => look(whole) }, "Show the whole item");
  const rest = [...item.bands, ...item.series].filter((one) => !one.primary).length;
  const more = rest > 0 && el("button", { type: "button", class: "quiet", "aria-expanded": "false", onclick: () => expand() }, `Show ${rest} more`);
  let rows = [];

  function build(all) {
    const chosen = (list) => list.filter((one) => all || one.primary);
    rows = [
      item.thumbnails.length > 0 && filmRow(item),
      item.shots.length > 0 && shotRow(item),
      ...chosen(item.bands).map((band) => bandRow(item, band)),
      ...chosen(item.series).map((series) => seriesRow(item, series)),
      tickRow(item),
    ].filter(Boolean);
    tracks.replaceChildren(...rows.map((one) => one.node), selection, crosshair);
    rows.forEach((one) => one.show(null));
  }
  function expand() {
    const all = more.getAttribute("aria-expanded") === "false";
    more.setAttribute("aria-expanded", String(all));
    more.textContent = all ? "Show less" : `Show ${rest} more`;
    build(all);
    draw();
  }
  function draw() {
    const per = item.axis.frames_per_column;
    for (const one of rows) {
      for (const drawing of one.plot.querySelectorAll("svg")) {
        drawing.setAttribute("viewBox", `${(view.start - whole.start) / per} 0 ${(view.end - view.start) / per} ${drawing.viewBox.baseVal.height}`);
      }
      if (one.resize) one.resize(view);
    }
    back.hidden = view.start === whole.start && view.end === whole.end;
    // The plots may have become narrower: the cursor stays at its frame, not at its pixel.
    if (pinned !== null) point(pinned, !peek.hidden);
  }
  function look(to) {
    const least = Math.min(8, whole.end - whole.start);
    const start = Math.max(whole.start, Math.floor(Math.min(to.start, whole.end - least)));
    view = { start, end: Math.min(whole.end, Math.ceil(Math.max(to.end, start + least))) };
    point(null);
    draw();
    listeners.forEach((listener) => listener(view));
  }
  // Where the plots are inside `tracks`.
  const extent = () => ({ left: rows[0].plot.offsetLeft, width: rows[0].plot.clientWidth || 1 });
  function frameAt(event) {
    const { left, width } = extent();
    const share = (event.clientX - tracks.getBoundingClientRect().left - left) / width;
    if (share < 0 || share > 1) return null;
    return Math.min(view.end - 1, Math.floor(view.start + share * (view.end - view.start)));
  }
  function xOf(frame) {
    const { left, width } = extent();
    return left + (frame + 0.5 - view.start) / (view.end - view.start) * width;
  }
  function point(frame, withPicture = true) {
    const visible = frame !== null && frame >= view.start && frame < view.end;
    pinned = visible ? frame : null;
    crosshair.hidden = !visible;
    peek.hidden = !visible || !withPicture;
    rows.forEach((one) => one.show(visible ? frame : null));
    if (!visible) return;
    crosshair.style.left = `${xOf(frame)}px`;
    const shot = runAt(item.shots, frame);
    const words = [place(item, frame, 2), item.fps && `frame ${grouped(frame)}`, shot && `shot ${shot.number + 1}`].filter(Boolean).join(" · ");
    tracks.setAttribute("aria-valuenow", frame);
    tracks.setAttribute("aria-valuetext", words);
    if (withPicture) drawPeek(frame, words);
  }
  function drawPeek(frame, words) {
    const picture = nearestThumbnail(item, frame);
    const off = picture && picture.frame !== frame;
    const note = off && el("span", { class: "muted" }, el("br"), `Nearest picture: ${place(item, picture.frame, 2)}`);
    peek.replaceChildren(...[picture && jpeg(picture.jpeg), el("p", {}, words, note)].filter(Boolean));
    const limit = tracks.clientWidth - peek.offsetWidth;
    peek.style.left = `${Math.max(0, Math.min(limit, xOf(frame) - peek.offsetWidth / 2))}px`;
  }

  let dragFrom = null;
  tracks.addEventListener("pointermove", (event) => {
    const frame = frameAt(event);
    point(frame);
    if (dragFrom === null || frame === null) return;
    const [a, b] = [xOf(Math.min(dragFrom, frame)), xOf(Math.max(dragFrom, frame))];
    selection.hidden = b - a < 6;
    selection.style.left = `${a}px`;
    selection.style.width = `${b - a}px`;
  });
  tracks.addEventListener("pointerleave", () => { if (dragFrom === null) point(null); });
  tracks.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (event.pointerType === "mouse") {
      dragFrom = frameAt(event);
      tracks.setPointerCapture(event.pointerId);
    }
    point(frameAt(event));
  });
  tracks.addEventListener("pointercancel", () => { dragFrom = null; selection.hidden = true; });
  tracks.addEventListener("pointerup", (event) => {
    const [from, to] = [dragFrom, frameAt(event)];
    const dragged = !selection.hidden;
    dragFrom = null;
    selection.hidden = true;
    if (from === null || to === null) return;
    if (dragged) look({ start: Math.min(from, to), end: Math.max(from, to) + 1 });
  });
  tracks.addEventListener("click", (event) => {
    // A captured pointer clicks on `tracks` itself: where it is says which row is meant.
    const under = document.elementsFromPoint(event.clientX, event.clientY);
    if (!under.some((node) => node.closest && node.closest(".shots .plot"))) return;
    const frame = frameAt(event);
    const shot = frame === null ? null : runAt(item.shots, frame);
    if (shot) look(shot);
  });
  tracks.addEventListener("dblclick", () => look(whole));
  tracks.addEventListener("blur", () => point(null));
  tracks.addEventListener("keydown", (event) => {
    const stride = Math.max(1, Math.round((view.end - view.start) / 400)) * (event.shiftKey ? 10 : 1);
    const at = pinned ?? view.start;
    const to = { ArrowLeft: at - stride, ArrowRight: at + stride, Home: view.start, End: view.end - 1 }[event.key];
    if (to !== undefined) point(Math.min(view.end - 1, Math.max(view.start, to)));
    else if (event.key === "Enter") look(runAt(item.shots, at) || whole);
    else if (event.key === "Escape") look(whole);
    else return;
    event.preventDefault();
  });

  build(false);
  const node = el("div", { class: "timelines panel" },
    el("div", { class: "timelines-head" }, el("h3", {}, "Timelines"), el("span", {}, back, " ", more)),
    el("div", { style: "position:relative" }, tracks, peek));
  new ResizeObserver(draw).observe(tracks);
  return { node, point, look, onLook: (listener) => listeners.push(listener) };
}

// Shot list.

function shotList(item, lines) {
  const names = [...new Set(item.shots.flatMap((shot) => shot.labels.map((label) => label.name)))];
  // With far fewer pictures than shots, most rows would have none.
  const pictures = item.thumbnails.length * 2 > item.shots.length;
  const draw = (shots) => {
    const rows = shots.map((shot) => {
      const inside = item.thumbnails.filter((one) => one.frame >= shot.start && one.frame < shot.end);
      const picture = inside[inside.length >> 1];
      const look = () => { lines.look(shot); lines.node.scrollIntoView({ block: "center" }); };
      const value = (name) => (shot.labels.find((label) => label.name === name) || { value: "" }).value;
      const seconds = item.fps && shot.end_seconds !== null && shot.start_seconds !== null ? shot.end_seconds - shot.start_seconds : null;
      return el("tr", {},
        el("td", {}, el("button", { type: "button", onclick: look, "aria-label": `Look closer at shot ${shot.number + 1}` }, `${shot.number + 1}`)),
        pictures && el("td", {}, picture && jpeg(picture.jpeg)),
        el("td", { class: "number" }, shot.start_seconds === null ? "" : timecode(shot.start_seconds)),
        el("td", { class: "number" }, seconds === null ? "" : duration(seconds)),
        el("td", { class: "number" }, grouped(shot.end - shot.start)),
        names.map((name) => el("td", {}, value(name))));
    });
    const heads = ["Shot", pictures && "", "Start", "Length", "Frames"].filter((head) => head !== false);
    return el("div", { class: "scroll" }, el("table", { class: "shot-list" },
      el("thead", {}, el("tr", {}, heads.map((head, i) => el("th", { class: i >= heads.length - 3 && "number" }, head)), names.map((name) => el("th", {}, name)))),
      el("tbody", {}, rows)));
  };
  const beyond = item.shots_total - item.shots.length;
  return [
    el("h3", {}, plural(item.shots_total, "shot")),
    expandable(item.shots, 10, draw, "shots"),
    beyond > 0 && el("p", { class: "muted small" }, `${grouped(beyond)} more are in summary/.`),
  ];
}

// [tracks.js]

// One item.

function factsOf(item, frames, shots) {
  return [
    item.width && `${item.mixed_sizes ? "up to " : ""}${item.width}\u202f×\u202f${item.height}`,
    item.seconds !== null && duration(item.seconds),
    plural(frames, item.kind === "stills" ? "picture" : "frame"),
    item.fps && `${decimal(item.fps)} fps`,
    item.bit_depth > 8 && `${item.bit_depth} bit`,
    item.codec && (item.container ? `${item.codec} in ${item.container}` : item.codec),
    item.audio && "sound",
    item.bytes && fileSize(item.bytes),
    shots,
  ].filter(Boolean).join(" · ");
}

function itemSection(item, index) {
  const lines = timelines(item);
  const failed = item.failures > 0 && el("span", { class: "alarm" }, ` · ${plural(item.failures, "failure")}`);
  const nothing = frameCount(item) === 0;
  return el("section", { class: "item", id: `item-${index}` },
    el("h2", {}, item.name),
    el("p", { class: "facts" }, factsOf(item, frameCount(item), null), failed),
    nothing && el("p", { class: "muted" }, "Nothing of this item is done yet."),
    item.thumbnails.length > 0 && contactSheet(item, lines),
    !nothing && lines.node,
    item.shots.length > 0 && shotList(item, lines),
    item.tracks.length > 0 && trackList(item, lines));
}

// The list of items that have pages of their own.

function listing(items, total) {
  const spark = (item) => {
    const known = item.spark.filter((value) => value !== null);
    if (known.length < 2) return null;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const y = (value) => 24 - 22 * (value - low) / (high - low || 1);
    const drawing = canvas(26, `${item.spark_name}: ${decimal(low)} to ${decimal(high)}`, svg("path", { d: curve(item.spark, y, usualSpacing(item.spark)) }));
    drawing.setAttribute("viewBox", `0 0 ${item.spark.length} 26`);
    return drawing;
  };
  const cards = items.map((item) => el("a", { href: item.href },
    item.poster ? jpeg(item.poster, { loading: "lazy" }) : el("div", { class: "empty" }),
    el("span", { class: "title" }, item.name),
    el("span", { class: "small muted" }, factsOf({ ...item, bit_depth: 8 }, item.frames, item.shots > 0 && plural(item.shots, "shot")),
      item.failures > 0 && el("span", { style: "color:var(--bad)" }, ` · ${plural(item.failures, "failure")}`)),
    spark(item)));
  const filter = el("input", { class: "filter", type: "search", placeholder: "Find an item by name", "aria-label": "Find an item by name" });
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase();
    items.forEach((item, i) => { cards[i].hidden = !item.name.toLowerCase().includes(words); });
  });
  const beyond = total - items.length;
  return el("section", {}, el("h2", {}, "Items"), filter, el("div", { class: "listing" }, cards),
    beyond > 0 && el("p", { class: "muted" }, `${grouped(beyond)} more items are on the pages under report/.`));
}

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
    el("div", {}, el("p", {}, efficiency.bottleneck),
      el("div", { class: "share", role: "img", "aria-label": parts.map((part) => `${part.step} ${percent(part.share)}`).join(", ") },
        parts.map((part) => el("i", { "--hue": part.hue, style: `flex:${Math.max(0, part.share)} 1 0` }))),
      el("div", { class: "legend" }, parts.map((part) =>
        el("span", { "--hue": part.hue }, el("i"), `${part.step} ${percent(part.share)}, ${duration(part.task_seconds)}`))))));
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

function pager() {
  if (!data.up) return null;
  return el("nav", { class: "pager", "aria-label": "Pages" }, el("a", { href: data.up }, "All items"),
    data.previous && el("a", { href: data.previous, rel: "prev" }, "Previous page"), data.next && el("a", { href: data.next, rel: "next" }, "Next page"));
}

const overview = data.overview;
fill(page, {}, [
  pager(),
  masthead(data.job, overview),
  overview && overview.pages.length > 0 && el("p", {}, overview.pages.map((page) => el("a", { href: page.href }, page.title, " "))),
  overview && overview.listed.length > 0 && listing(overview.listed, overview.totals.items),
  data.items.map((item, i) => itemSection(item, data.first_item + i)),
  overview && overview.efficiency && efficiencySection(overview.efficiency),
  overview && overview.steps.length > 0 && stepSection(overview.steps),
  overview && overview.failures.total > 0 && failureSection(overview.failures),
  overview && (overview.plan.steps.length > 0 || overview.timings.length > 0) && planSection(overview.plan, overview.timings),
  data.items.length > 1 && pager(),
]);
if (location.hash.startsWith("#item-")) document.getElementById(location.hash.slice(1))?.scrollIntoView();
})();
