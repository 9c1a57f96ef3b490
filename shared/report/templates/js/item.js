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
