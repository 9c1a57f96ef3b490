// What the page shows, and where.

const data = JSON.parse(document.getElementById("report-data").textContent);
const page = document.getElementById("page");
