// Frames and times.

const frameCount = (item) => item.axis.end - item.axis.start;
const columnOf = (item, frame) => Math.floor((frame - item.axis.start) / item.axis.frames_per_column);
const lastIndexNotAfter = (list, start) => {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].start <= start) low = middle + 1; else high = middle;
  }
  return low - 1;
};
const runAt = (runs, frame) => {
  const run = runs[lastIndexNotAfter(runs, frame)];
  return run && frame < run.end ? run : null;
};

function secondsAt(item, frame) {
  if (!item.fps) return null;
  const column = columnOf(item, frame);
  const start = item.axis.seconds[column];
  if (start === null || start === undefined) return frame / item.fps;
  return start + (frame - item.axis.start - column * item.axis.frames_per_column) / item.fps;
}

function frameAtSeconds(item, seconds) {
  let [low, high] = [item.axis.start, item.axis.end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (secondsAt(item, middle) < seconds) low = middle + 1; else high = middle;
  }
  return low;
}

function place(item, frame, digits = 2) {
  const seconds = secondsAt(item, frame);
  return seconds === null ? fileOf(item, frame) || `Picture ${grouped(frame + 1)}` : timecode(seconds, digits);
}
const fileOf = (item, frame) => (item.thumbnails.find((one) => one.frame === frame) || {}).file;

const nearestThumbnail = (item, frame) => item.thumbnails.reduce(
  (best, one) => (best && Math.abs(best.frame - frame) <= Math.abs(one.frame - frame) ? best : one), null);
