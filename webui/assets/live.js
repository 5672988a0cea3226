// The stream of events, and whether the gateway can be reached. Comes back by itself, whatever ended it.
import {door, hooks} from './api.js';

const PAUSES = [1000, 2000, 4000, 8000];  // ms between attempts; the last one stays
const POLL = 30000;                       // where there is no stream: ask as often
const STEADY = 20000;                     // and at least as often for the status: that a limit was passed, no event says
const QUIET = {status: 5000, mailboxes: 1500, traffic: 1500};  // ms between two refreshes of one kind

/** Emits "status" (also: counts of mail moved), "traffic", "mailboxes" (something changed: ask), "log" (detail: lines), "reach" (detail: boolean). */
export const live = new EventTarget();

let source = null;
let withLog = false;
let wanted = false;
let tries = 0;
let timer = 0;
let polling = 0;
let steady = 0;
let reached = true;
const due = new Map();   // kind -> whether more hints came since the last refresh
const late = new Set();  // kinds that changed while the page was hidden

function emit(kind, detail) {
  live.dispatchEvent(new CustomEvent(kind, {detail}));
}

/** Hints are joined: the first at once, those of the next moments together. The last of them all is followed by one more refresh: what the first was answered may have been counted a moment before the change. */
function hint(kind) {
  if (document.hidden) late.add(kind);
  else if (due.has(kind)) due.set(kind, true);
  else {
    emit(kind);
    due.set(kind, false);
    setTimeout(() => settle(kind), QUIET[kind]);
  }
}

function settle(kind) {
  const more = due.get(kind);
  due.delete(kind);
  if (more) hint(kind);
  else if (document.hidden) late.add(kind);
  else emit(kind);
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  for (const kind of late) hint(kind);
  late.clear();
});

function setReached(now) {
  if (now === reached) return;
  reached = now;
  emit('reach', now);
  if (now) ['status', 'traffic', 'mailboxes'].forEach(hint);
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(connect, PAUSES[Math.min(tries++, PAUSES.length - 1)]);
}

function drop() {
  source?.close();
  source = null;
  clearInterval(polling);
  polling = 0;
}

function linesOf(data) {
  try {
    const said = JSON.parse(data);
    return Array.isArray(said) ? said : said.lines ?? [said];
  } catch {
    return [];
  }
}

function open() {
  drop();
  source = new EventSource('/api/v1/events' + (withLog ? '?log=1' : ''));
  let opened = false;
  source.onopen = () => {
    opened = true;
    tries = 0;
    setReached(true);
  };
  for (const kind of ['status', 'traffic', 'mailboxes']) source.addEventListener(kind, () => hint(kind));
  source.addEventListener('traffic', () => hint('status'));
  source.addEventListener('log', (event) => emit('log', linesOf(event.data)));
  source.addEventListener('end', () => {
    drop();
    later();
  });
  source.onerror = () => {
    drop();
    if (opened || tries > 0) later();  // it was there, and may be again at once
    else {
      tries = 1;
      polling = setInterval(() => ['status', 'traffic', 'mailboxes'].forEach(hint), POLL);
      later();
    }
  };
}

/** First looks whether the gateway answers and knows us: a stream's failure would not say why. */
async function connect() {
  if (!wanted) return;
  let said;
  try {
    said = await door();
  } catch (error) {
    setReached(error.code !== 'unreachable');
    later();
    return;
  }
  if (said.session === false && hooks.sessionEnded) await hooks.sessionEnded();
  setReached(true);  // not before: it makes every screen ask
  if (wanted && !source) open();
}

/** Starts, or starts over where the lines of the log are wanted from now on, or not any more. */
export function listen(log) {
  if (wanted && withLog === log && source) return;
  withLog = log;
  wanted = true;
  clearInterval(steady);
  steady = setInterval(() => reached && hint('status'), STEADY);
  open();
}

export function hush() {
  wanted = false;
  clearTimeout(timer);
  clearInterval(steady);
  drop();
}

/** A request found nobody: no need to wait until the stream sees it. */
hooks.unreachable = () => {
  if (!wanted || !reached) return;
  setReached(false);
  drop();
  tries = 0;
  later();
};

export const isReached = () => reached;
