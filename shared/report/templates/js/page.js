// Puts the page together: the job, its items, links to other pages.

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
  overview && overview.left_out.length > 0 && leftOutSection(overview.left_out),
  overview && (overview.plan.steps.length > 0 || overview.timings.length > 0) && planSection(overview.plan, overview.timings),
  data.items.length > 1 && pager(),
]);
if (location.hash.startsWith("#item-")) document.getElementById(location.hash.slice(1))?.scrollIntoView();
