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
