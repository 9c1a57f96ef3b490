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
