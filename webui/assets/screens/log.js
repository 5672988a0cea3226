// The live log, filtered here and by the server; and the words of those lines that are about mail.
import {get, query} from '../api.js';
import {h, replace} from '../dom.js';
import {attempt} from '../dialog.js';
import * as format from '../format.js';
import {field, head, select, time} from '../parts.js';
import {nameOf} from '../state.js';
import {text} from '../text.js';

const t = text.log;
const MOST = 1000;  // lines on the screen
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error'];

/** "event key=value key="value with blanks"" as its parts. */
export function parse(line) {
  const fields = {};
  const event = line.text.replace(/ ([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)/g, (all, key, value) => {
    fields[key] = value.startsWith('"') ? value.slice(1, -1) : value;
    return '';
  });
  return {event: event.trim(), fields};
}

const link = (mailbox) => h('a', {href: `#/mailboxes/${mailbox}`, text: nameOf(mailbox)});

/** What a line says about mail, for "just now"; null where it is about something else. */
export function words(line) {
  const {event, fields} = parse(line);
  const mailbox = (fields.mailbox ?? fields.on ?? '').split(/[,@ ]/)[0];
  if (!/^mbx-[0-9a-f]{32}$/.test(mailbox)) return line.level === 'info' ? null : [event, fields.who && h('span', {class: 'quiet', text: ` (${fields.who})`})];
  const of = (words) => [link(mailbox), ' ', h('span', {class: 'quiet', text: words})];
  if (event === 'message stored') return of(t.stored(format.size(Number(fields.octets)), fields.tls));
  if (event === 'logout') return of(Number(fields.deleted) ? t.fetched(fields.deleted) : t.looked);
  if (event === 'login') return null;
  return of(fields.who ? `${event} (${fields.who})` : event);
}

function lineOf(line) {
  return h('li', {class: {warning: 'warning', error: 'error-line'}[line.level] ?? ''}, time(line.at, format.instant), h('span', {class: 'level', text: line.level}), h('span', {text: line.text}));
}

export async function open({parameters}) {
  const filter = {level: parameters.get('level') ?? 'info', contains: parameters.get('contains') ?? ''};
  const list = h('ol', {class: 'log', tabIndex: 0, 'aria-label': t.title});
  const count = h('p', {class: 'quiet', role: 'status'});
  let shown = [];
  let paused = false;
  let missed = 0;

  const passes = (line) => LEVELS.indexOf(line.level) >= LEVELS.indexOf(filter.level) && line.text.toLowerCase().includes(filter.contains.toLowerCase());
  function draw() {
    replace(list, shown.length ? [...shown].reverse().map(lineOf) : h('li', {}, h('span', {class: 'quiet', text: filter.contains ? t.noMatch : t.empty})));
    count.textContent = paused ? t.paused(missed) : t.lines(shown.length);
  }
  async function load() {
    shown = (await get('/log' + query({...filter, limit: MOST}))).lines;
    missed = 0;
    draw();
  }
  const pause = h('button', {type: 'button', 'aria-pressed': 'false', text: t.pause, onclick: () => attempt(pause, async () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    if (!paused) await load();
    else draw();
  })});
  const level = select(LEVELS.map((one) => [one, t.from[one]]), filter.level, {onchange: () => { filter.level = level.value; look(); }});
  let typing = 0;
  const contains = h('input', {type: 'search', value: filter.contains, autocomplete: 'off', oninput: () => { clearTimeout(typing); typing = setTimeout(() => { filter.contains = contains.value.trim(); look(); }, 250); }});
  function look() {
    history.replaceState(null, '', '#/log' + query(filter));
    attempt(null, load);
  }
  await load();
  return {
    title: t.title, log: true,
    element: h('div', {class: 'screen'}, head(t.title, pause), h('p', {class: 'quiet', text: t.intro}),
      h('div', {class: 'row', role: 'search'}, field(t.contains, '', {control: contains}), field(t.level, '', {control: level})), count, h('div', {class: 'table'}, list)),
    lines(fresh) {
      const fit = fresh.filter(passes);
      if (!fit.length) return;
      if (paused) missed += fit.length;
      else shown = [...shown, ...fit].slice(-MOST);
      if (paused) count.textContent = t.paused(missed);
      else append(fit);
    },
  };

  function append(fit) {
    if (shown.length === fit.length) return draw();
    list.prepend(...[...fit].reverse().map(lineOf));
    while (list.children.length > MOST) list.lastElementChild.remove();
    count.textContent = t.lines(shown.length);
  }
}
