// Sizes, speeds and times as people read them; sizes as the server writes them, in decimal units.

const UNITS = ["kB", "MB", "GB", "TB", "PB"];

export function size(bytes) {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let amount = bytes / 1000;
  let unit = 0;
  for (; amount >= 999.5 && unit < UNITS.length - 1; unit += 1) amount /= 1000;
  return `${amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

export function speed(bytes) {
  return bytes > 0 ? `${size(bytes)}/s` : "";
}

export function left(seconds) {
  if (seconds === null || seconds > 99 * 3600) return "";
  if (seconds < 60) return `${Math.max(1, seconds)} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min left`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

export function percent(part, whole) {
  return `${whole > 0 ? Math.floor((100 * part) / whole) : 0} %`;
}

export function files(count, word = "file") {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

/** What there is to say, with dots between. */
export function joined(...parts) {
  return parts.filter(Boolean).join(" · ");
}
