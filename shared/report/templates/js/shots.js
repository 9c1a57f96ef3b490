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
