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
