// Numbers, sizes and times as people read them. Times are the browser's zone, spans are counted from
// the server's clock.
import {text} from './text.js';

const LOCALE = text.locale;
const whole = new Intl.NumberFormat(LOCALE);
const oneDigit = new Intl.NumberFormat(LOCALE, {maximumFractionDigits: 1});
const clock = new Intl.DateTimeFormat(LOCALE, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const seconds = new Intl.DateTimeFormat(LOCALE, {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const weekday = new Intl.DateTimeFormat(LOCALE, {weekday: 'short'});
const date = new Intl.DateTimeFormat(LOCALE, {day: 'numeric', month: 'short', year: 'numeric'});
const dayMonth = new Intl.DateTimeFormat(LOCALE, {day: 'numeric', month: 'short'});
const whole_ = new Intl.DateTimeFormat(LOCALE, {dateStyle: 'long', timeStyle: 'long'});

let ahead = 0;  // of this machine's clock, in ms

/** The server's clock as an answer told it. */
export function setServerTime(at) {
  if (at) ahead = Date.parse(at) - Date.now();
}
export const now = () => Date.now() + ahead;

export const number = (value) => whole.format(value);

export function size(octets) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (octets >= 1024 && unit + 1 < units.length) {
    octets /= 1024;
    ++unit;
  }
  return `${oneDigit.format(octets >= 100 ? Math.round(octets) : octets)} ${units[unit]}`;
}

/** "3 h", "2 days": one unit, cut down, as in "waits for 21 h". */
export function span(milliseconds) {
  const s = Math.max(0, Math.floor(milliseconds / 1000));
  if (s < 60) return text.time.seconds(s);
  if (s < 3600) return text.time.minutes(Math.floor(s / 60));
  if (s < 48 * 3600) return text.time.hours(Math.floor(s / 3600));
  return text.time.days(Math.floor(s / 86400));
}

export const since = (at) => span(now() - Date.parse(at));
export const until = (at) => span(Date.parse(at) - now());

function daysApart(a, b) {
  const midnight = (x) => new Date(x.getFullYear(), x.getMonth(), x.getDate());
  return Math.round((midnight(a) - midnight(b)) / 86400000);
}

/** Short: "14:31", "yesterday 14:31", "Thu 14:31", "12 Nov 2026". */
export function when(at) {
  const then = new Date(at);
  const days = daysApart(then, new Date(now()));
  const hour = clock.format(then);
  if (days === 0) return hour;
  if (days === -1) return text.time.yesterday(hour);
  if (days === 1) return text.time.tomorrow(hour);
  if (Math.abs(days) < 7) return `${weekday.format(then)} ${hour}`;
  return date.format(then);
}

/** With the day said wherever it matters: for deadlines. */
export function moment(at) {
  const then = new Date(at);
  const days = daysApart(then, new Date(now()));
  const hour = clock.format(then);
  if (days === 0) return text.time.today(hour);
  if (days === -1) return text.time.yesterday(hour);
  if (days === 1) return text.time.tomorrow(hour);
  return `${date.format(then)}, ${hour}`;
}

export const hourOf = (at) => clock.format(new Date(at));
export const dayOf = (at) => dayMonth.format(new Date(at));
export const dateOf = (at) => date.format(new Date(at));
export const full = (at) => whole_.format(new Date(at));

/** Of a log line: the second counts. */
export function instant(at) {
  const then = new Date(at);
  const hour = seconds.format(then);
  return daysApart(then, new Date(now())) === 0 ? hour : `${dayMonth.format(then)} ${hour}`;
}

/** A server's sentence with its UTC times in local words. */
export const localTimes = (sentence) =>
  sentence.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (at) => moment(at));
