// The overview: first what needs the admin, then how things are, then what happens.
import {get} from '../api.js';
import {chart, chartTable} from '../chart.js';
import {h, replace} from '../dom.js';
import * as format from '../format.js';
import {card, notice, said, time} from '../parts.js';
import {text} from '../text.js';
import {createMailbox} from './create.js';
import {drainButton, endButton} from './drain.js';
import {words as wordsOf} from './log.js';
import * as state from '../state.js';

const t = text.overview;
const narrow = matchMedia('(max-width: 560px)');
const JUST_NOW = 8;  // lines
const DISK_SOON = 2 * 86400000;

/** Where the page can do something about it. */
function wayOut(finding) {
  if (finding.mailbox && finding.kind !== 'unknown_mailbox') return [`#/mailboxes/${finding.mailbox}`, t.openMailbox];
  return {certificate: ['#/certificate', t.openCertificate], record: ['#/backup', t.openBackup], unknown_mailbox: ['#/mailboxes', t.openMailboxes], twin: ['#/twins', t.openTwins]}[finding.kind];
}

/** Until when: senders give up, other things end. */
function deadlines(finding) {
  return (finding.deadlines ?? []).map(({who, at}) => {
    const people = !who.startsWith('The ');
    const over = Date.parse(at) < format.now();
    const moment = format.moment(at);
    return h('p', {class: 'until', text: over ? (people ? t.gaveUp : t.ended)(who, moment) : (people ? t.givesUp : t.ends)(who, moment, format.until(at))});
  });
}

/** The server's sentence with the mailbox's name in place of its address, where that is known. */
function headOf(one) {
  const name = one.mailbox && state.nameOf(one.mailbox, '');
  const words = name ? one.text.replace(`${one.mailbox} (${name})`, name).replaceAll(one.mailbox, name) : one.text;
  return said((/^mbx-/.test(words) ? words : words.charAt(0).toUpperCase() + words.slice(1)) + (/[.!?]$/.test(words) ? '' : '.'));
}

export function finding(one, redraw) {
  const way = wayOut(one);
  return notice({
    kind: one.severity === 'critical' ? 'bad' : '',
    title: headOf(one),
    more: deadlines(one),
    body: [t.toDo, ' ', said(one.advice), /[.!?]$/.test(one.advice) ? '' : '.'],
    action: one.kind === 'drain' && redraw ? endButton(redraw) : way && location.hash !== way[0] && h('a', {class: 'button', href: way[0], 'data-key': `go-${one.kind}-${one.mailbox}`, text: way[1]}),
  });
}

function headline(status, redraw) {
  const needs = status.warnings.length;
  const words = h('div', {class: 'stack'}, h('h1', {tabIndex: -1, text: needs ? text.needs(needs) : t.well}),
    h('p', {class: 'quiet'}, needs ? t.elseWell : t.wellBelow, ' ', t.looked(format.hourOf(status.now ?? new Date().toISOString()))));
  return h('header', {class: 'page'}, words, drainButton(status, redraw));
}

function drainCard(drain) {
  if (!drain) return null;
  const words = text.drain;
  return card(words.card, drain.until ? format.until(drain.until) : words.never, drain.drained ? words.drained : words.waiting(drain.waiting), 'warn');
}

function diskCard(disk) {
  if (!disk) return null;
  const left = disk.projected && Date.parse(disk.projected) - format.now();
  const kind = disk.free <= disk.min_free ? 'bad' : left && left < DISK_SOON ? 'warn' : '';
  return card(t.disk, format.size(disk.free), left ? t.diskFull(format.span(left)) : t.diskFine(format.size(disk.min_free)), kind);
}

function certificateCard(certificate) {
  if (!certificate) return null;
  const days = certificate.days_left;
  return card(t.certificate, text.days(days), certificate.renewal ? t.renews(format.dateOf(certificate.renewal)) : t.noRenewal, days < 3 ? 'bad' : days < 14 ? 'warn' : '');
}

function twinCard(twins) {
  if (!twins?.length) return null;
  const behind = twins.filter((twin) => !twin.in_step).length;
  const words = text.twins;
  return card(words.card(twins.length), behind ? words.cardBad(behind) : words.inStep, twins.length === 1 ? twins[0].name : '', behind ? 'warn' : '');
}

function cards(status, traffic) {
  const totals = state.totals();
  const today = traffic?.days.at(-1);
  return [
    drainCard(status.drain),
    today && card(t.received, format.number(today.received), t.fetchedToday(format.number(today.fetched))),
    card(t.waiting, format.number(totals.messages), totals.messages ? t.waitingIn(format.size(totals.octets), totals.waiting_mailboxes, totals.mailboxes) : t.nothingWaits),
    totals.locked > 0 && card(t.locked, format.number(totals.locked), t.lockedBelow, 'warn'),
    diskCard(status.disk),
    certificateCard(status.certificate),
    twinCard(status.twins),
    status.sessions && card(t.sessions, format.number(status.sessions.smtp + status.sessions.pop3), t.sessionsOf(status.sessions.smtp, status.sessions.pop3)),
  ];
}

function firstSteps() {
  const button = h('button', {class: 'primary', type: 'button', text: text.mailboxes.create, onclick: () => createMailbox()});
  return h('div', {class: 'card empty'}, h('h2', {text: t.firstTitle}), h('p', {class: 'quiet', text: t.first}), h('div', {class: 'row'}, button, h('a', {class: 'button', href: '#/backup', text: t.firstImport})));
}

export async function open() {
  const [, traffic, log, {mailboxes}] = await Promise.all([state.load(), get('/traffic'), get('/log?limit=200&level=info'), get('/mailboxes?limit=100&sort=last_received&order=desc')]);
  state.learn(mailboxes);
  const parts = Object.fromEntries(['head', 'findings', 'first', 'cards', 'graph', 'events'].map((name) => [name, h('div', {class: 'stack'})]));
  parts.cards.className = 'cards';
  let numbers = traffic;
  let kind = 'hours';
  let lines = log.lines.map((line) => ({...line, said: wordsOf(line)})).filter(({said: one}) => one);

  function drawStatus() {
    replace(parts.head, headline(state.status, drawStatus));
    replace(parts.findings, state.status.warnings.map((one) => finding(one, drawStatus)));
    replace(parts.first, state.totals().mailboxes === 0 && firstSteps());
    replace(parts.cards, cards(state.status, numbers));
  }
  function drawTraffic() {
    const entries = numbers[kind];
    const pick = (which) => h('button', {type: 'button', 'data-key': which, 'aria-pressed': String(which === kind), text: text.chart.span[which], onclick: () => { kind = which; drawTraffic(); }});
    const some = entries.some((one) => one.received || one.fetched);
    replace(parts.graph, h('div', {class: 'page'}, h('h2', {text: text.chart.title[kind]}), h('div', {class: 'row', role: 'group', 'aria-label': text.chart.choose}, pick('hours'), pick('days'))),
      h('div', {class: 'legend', 'aria-hidden': 'true'}, h('span', {}, h('i'), text.chart.received), h('span', {}, h('i', {class: 'out'}), text.chart.fetched)),
      chart(entries, kind, narrow.matches), some ? chartTable(entries, kind) : h('p', {class: 'quiet', text: t.noTraffic}));
  }
  function drawLines() {
    replace(parts.events, h('h2', {text: t.justNow}), lines.length
      ? h('ul', {class: 'just-now'}, lines.slice(-JUST_NOW).reverse().map((line) => h('li', {}, time(line.at, format.instant), h('span', {}, line.said))))
      : h('p', {class: 'quiet', text: t.nothingYet}), h('a', {href: '#/log', text: t.openLog, 'data-key': 'log'}));
  }
  narrow.addEventListener('change', drawTraffic);
  drawStatus();
  drawTraffic();
  drawLines();
  return {
    title: t.title, log: true,
    close: () => narrow.removeEventListener('change', drawTraffic),
    element: h('div', {class: 'screen'}, parts.head, parts.findings, parts.first, parts.cards,
      h('section', {class: 'two'}, h('div', {class: 'card roomy'}, parts.graph), h('div', {class: 'card roomy'}, parts.events))),
    async refresh(what) {
      if (what === 'traffic') {
        numbers = await get('/traffic', {background: true});
        drawTraffic();
      }
      drawStatus();
    },
    lines(fresh) {
      lines.push(...fresh.map((line) => ({...line, said: wordsOf(line)})).filter(({said: one}) => one));
      lines = lines.slice(-JUST_NOW);
      drawLines();
    },
  };
}
