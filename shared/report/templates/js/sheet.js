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
