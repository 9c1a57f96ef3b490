// Colours of labels: the same label has the same one everywhere on the page.

const NEUTRAL = new Set(["static", "neutral", "none", "unknown", "unspecified", "normal", "idle", "minimal", "unclear"]);
const labelHues = new Map([["cool", "var(--b0)"], ["warm", "var(--b1)"], ["low", "var(--b3)"], ["high", "var(--b6)"]]);
const given = labelHues.size;
function hueOfLabel(label) {
  if (label.startsWith("failed")) return "var(--bad)";
  if (label.startsWith("skipped") || NEUTRAL.has(label)) return "var(--neutral)";
  if (!labelHues.has(label)) labelHues.set(label, `var(--b${(labelHues.size - given) % 8})`);
  return labelHues.get(label);
}
const steps = [];
function hueOfStep(step) {
  if (!steps.includes(step)) steps.push(step);
  return `var(--c${steps.indexOf(step) % 6})`;
}
