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
