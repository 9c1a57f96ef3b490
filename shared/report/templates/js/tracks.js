// Persons that were followed: a bar on the item's time, a strip of pictures, and what is known.

function trackList(item, lines) {
  const length = Math.max(1, item.axis.end - item.axis.start);
  const names = [...new Set(item.tracks.flatMap((track) => track.labels.map((label) => label.name)))];
  const bar = (track) => svg("svg", { class: "track-bar", viewBox: "0 0 200 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { x: 0, y: 4, width: 200, height: 2, class: "track-all" }),
    svg("rect", {
      x: (track.start - item.axis.start) / length * 200, y: 1,
      width: Math.max(1.5, (track.end - track.start) / length * 200), height: 8, rx: 1,
      style: `fill: hsl(${track.number * 137.5 % 360} 60% 50%)`,
    }));
  const draw = (tracks) => {
    const rows = tracks.map((track) => {
      const look = () => { lines.look(track); lines.node.scrollIntoView({ block: "center" }); };
      const value = (name) => (track.labels.find((label) => label.name === name) || { value: "" }).value;
      const seconds = track.start_seconds === null || track.end_seconds === null ? null : track.end_seconds - track.start_seconds;
      return el("tr", {},
        el("td", {}, el("button", { type: "button", onclick: look, "aria-label": `Look closer at person ${track.number}` }, `${track.number}`)),
        el("td", { class: "strip" }, track.strip.map((one) => jpeg(one.jpeg, { title: `frame ${one.frame}` }))),
        el("td", {}, bar(track)),
        el("td", { class: "number" }, track.start_seconds === null ? "" : timecode(track.start_seconds)),
        el("td", { class: "number" }, seconds === null ? "" : duration(seconds)),
        names.map((name) => el("td", {}, value(name))));
    });
    const heads = ["Person", "", "When", "Start", "Length"];
    return el("div", { class: "scroll" }, el("table", { class: "shot-list track-list" },
      el("thead", {}, el("tr", {}, heads.map((head, i) => el("th", { class: i >= 3 && "number" }, head)), names.map((name) => el("th", {}, name)))),
      el("tbody", {}, rows)));
  };
  const beyond = item.tracks_total - item.tracks.length;
  return [
    el("h3", {}, plural(item.tracks_total, "person followed", "persons followed")),
    expandable(item.tracks, 12, draw, "persons"),
    beyond > 0 && el("p", { class: "muted small" }, `${grouped(beyond)} shorter ones are in summary/.`),
  ];
}
