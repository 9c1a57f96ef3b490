// Words and numbers.

const grouped = (number) => Math.round(number).toLocaleString("en").replaceAll(",", "\u202f");
const plural = (number, one, many = `${one}s`) => `${grouped(number)} ${number === 1 ? one : many}`;
const percent = (share) => `${share > 0 && share < 0.01 ? "<\u202f1" : Math.round(share * 100)}\u202f%`;
const measured = (number, unit) => decimal(number) + (unit ? `\u202f${unit}` : "");

function decimal(number) {
  const size = Math.abs(number);
  if (size >= 1000) return grouped(number).replace("-", "−");
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 || size === 0 ? 2 : 3;
  return number.toFixed(digits).replace("-", "−");
}

// For scales: three digits say enough.
const brief = (number) => (Math.abs(number) >= 1000 ? grouped(number) : String(parseFloat(number.toPrecision(3)))).replace("-", "−");

function timecode(seconds, digits = 2) {
  const scale = 10 ** digits;
  const whole = Math.round(Math.max(0, seconds) * scale);
  const pad = (value, length = 2) => String(value).padStart(length, "0");
  const total = Math.floor(whole / scale);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  const fraction = digits ? `.${pad(whole % scale, digits)}` : "";
  return `${hours ? `${hours}:${pad(minutes)}` : minutes}:${pad(total % 60)}${fraction}`;
}

function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)}\u202fs`;
  const total = Math.round(seconds);
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return [h && `${grouped(h)}\u202fh`, (h || m) && `${m}\u202fmin`, !h && `${s}\u202fs`].filter(Boolean).join(" ");
}

function fileSize(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return measured(bytes / 1000 ** power, units[power]);
}
