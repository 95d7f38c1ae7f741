// Writes <time datetime data-shape> in the reader's own time zone and words.

const language = document.documentElement.lang || undefined;
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const weekday = new Intl.DateTimeFormat(language, { weekday: "long" });
const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const DAY = 86_400_000; // milliseconds
const WEEK = 7; // days

/** How many midnights, of the reader's, lie between this moment and now. */
export function daysAgo(moment) {
  return Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / DAY);
}

function written(moment, shape) {
  const days = daysAgo(moment);
  if (shape === "clock" || (shape === "rail" && days <= 0)) return clock.format(moment);
  if (shape === "day" && days <= 1) {
    const word = relative.format(-Math.max(days, 0), "day");
    return word.charAt(0).toLocaleUpperCase(language) + word.slice(1);
  }
  return days < WEEK ? weekday.format(moment) : date.format(moment);
}

/** Rewrites every time inside `part`. */
export function localise(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.textContent = written(moment, time.dataset.shape);
  }
}
