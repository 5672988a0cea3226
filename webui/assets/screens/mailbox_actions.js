// What changes a mailbox but for its password. Each says before what it will mean for senders.
import {ApiError, get, patch, post} from '../api.js';
import {ask, attempt, toast} from '../dialog.js';
import {h, replace} from '../dom.js';
import * as format from '../format.js';
import {facts, field, notice, select, tick} from '../parts.js';
import {text} from '../text.js';
import {archiverFacts, curlLine} from './connect.js';
import {printSheet} from './password_once.js';

const t = text.actions;
const DAY = 86400000;
const PATIENCE = [[t.exchangeOnline, DAY], [t.exchangeServer, 2 * DAY], [t.google, 8 * DAY]];  // until senders give up
const path = (one) => `/mailboxes/${one.address}`;
const recent = (one) => one.last_received && format.now() - Date.parse(one.last_received) < DAY;

function givingUp() {
  return h('ul', {}, PATIENCE.map(([who, after]) => h('li', {text: t.givesUp(who, format.moment(new Date(format.now() + after).toISOString()))})));
}

export async function activate(one, button) {
  return attempt(button, async () => {
    const now = await post(`${path(one)}/activate`);
    toast(text.mailbox.activated(one.name));
    return now;
  });
}

export async function suspend(one) {
  return ask({
    title: t.suspendTitle(one.name), submit: t.suspend, danger: true,
    body: [h('p', {text: t.suspendWhat}), givingUp(), h('p', {text: t.suspendFetch})],
    action: async () => {
      const now = await post(`${path(one)}/suspend`);
      toast(t.suspended(one.name));
      return now;
    },
  });
}

export async function remove(given) {
  const one = await get(path(given));
  const left = (one.waiting?.messages ?? 0) + (one.locked ?? 0);
  return ask({
    title: t.deleteTitle(one.name), submit: t.delete, danger: true,
    body: [
      recent(one) && notice({kind: 'bad', title: t.deleteRecent(format.since(one.last_received)), body: t.deleteRecentWhat}),
      h('p', {text: t.deleteWhat}),
      left > 0 && notice({kind: 'bad', title: t.deleteWaiting(left), body: t.deleteWaitingWhat}),
      left > 0 && tick(t.discard(left), 'discard', {required: true}),
      recent(one) && tick(t.stopped, 'stopped', {required: true}),
    ],
    action: async ({discard}) => {
      const now = await post(`${path(one)}/delete`, discard ? {discard_messages: true} : {});
      toast(t.deleted(one.name));
      return now;
    },
  });
}

export async function acknowledge(one, button) {
  return attempt(button, () => patch(path(one), {acknowledge: true}, one.etag));
}

const NET = 'networks', TLS = 'tls', NAMES = 'certificate_names', ORG = 'originator_org', REPORTS = 'only_journal_reports', MODE = 'mode';
const lines = (value) => value.split(/[\s,]+/).filter(Boolean);

function formOf(one, senders) {
  const allow = one.allow ?? {};
  return [
    field(t.name, 'name', {required: true, maxlength: '200', value: one.name, autocomplete: 'off'}),
    field(t.description, 'description', {maxlength: '1000', value: one.description ?? '', autocomplete: 'off'}),
    h('details', {open: senders || Object.keys(allow).length > 0}, h('summary', {text: t.whoMaySend}), h('div', {class: 'stack'}, h('p', {class: 'quiet', text: t.pins}),
      field(t.networks, NET, {rows: 2, value: (allow[NET] ?? []).join('\n'), hint: t.networksHint, spellcheck: 'false'}),
      field(t.tls, TLS, {control: select([['', t.tlsAny], ['required', t.tlsRequired], ['certificate', t.tlsCertificate]], allow[TLS] ?? '')}),
      field(t.names, NAMES, {value: (allow[NAMES] ?? []).join(', '), hint: t.namesHint, spellcheck: 'false'}),
      field(t.org, ORG, {value: allow[ORG] ?? '', hint: t.orgHint, spellcheck: 'false'}),
      tick(t.reports, REPORTS, {checked: Boolean(allow[REPORTS])}),
      field(t.mode, MODE, {control: select([['observe', t.observe], ['enforce', t.enforce]], allow[MODE] ?? 'observe')}))),
  ];
}

/** Only what differs from `one`: two admins who change different things do not meet. */
function changes(one, values) {
  const allow = {};
  const stated = one.allow ?? {};
  const put = (key, value) => { if (JSON.stringify(value) !== JSON.stringify(stated[key] ?? null)) allow[key] = value; };
  const list = (key) => { const given = lines(values[key]); put(key, given.length ? given : null); };
  list(NET);
  put(TLS, values[TLS] || null);
  list(NAMES);
  put(ORG, values[ORG].trim() || null);
  put(REPORTS, values[REPORTS] ? true : null);
  if (stated[MODE] || values[MODE] !== 'observe') put(MODE, values[MODE]);
  const name = values.name.trim(), description = values.description.trim();
  return {...(name !== one.name && {name}), ...(description !== (one.description ?? '') && {description}), ...(Object.keys(allow).length && {allow})};
}

/** What the other admin made of it, said beside what is typed here. */
function others(before, now) {
  const shown = (one) => ({[t.name]: one.name, [t.description]: one.description || text.none, [t.whoMaySend]: one.senders || text.mailbox.anybody});
  const was = shown(before), is = shown(now);
  const rows = Object.keys(is).filter((key) => was[key] !== is[key]).map((key) => [key, t.fromTo(was[key], is[key])]);
  return h('div', {class: 'stack'}, h('b', {text: t.changedTitle}), rows.length ? facts(...rows) : h('p', {text: t.changedElse}), h('p', {text: t.changedAdvice}));
}

export async function edit(given, button, senders = false) {
  let one = await get(path(given));
  return ask({
    title: t.editTitle(one.name), submit: t.save, wide: true,
    body: formOf(one, senders),
    async action(values, {error}) {
      const wanted = changes(one, values);
      if (!Object.keys(wanted).length) return one;
      try {
        const saved = await patch(path(one), wanted, one.etag);
        toast(t.saved);
        return saved;
      } catch (thrown) {
        if (!(thrown instanceof ApiError) || thrown.code !== 'changed_meanwhile') throw thrown;
        const now = await get(path(one));
        replace(error, others(one, now));
        one = now;  // saving again is then on purpose
        return undefined;
      }
    },
  });
}

export function printConnectSheet(one) {
  printSheet(h('section', {}, h('h1', {text: one.name}), one.description && h('p', {text: one.description}),
    facts([text.once.email, h('code', {text: one.email})], ...archiverFacts(one), [text.connect.password, text.connect.onlyYou]),
    h('p', {}, t.sheetTry, ' ', h('code', {text: curlLine(one)})), h('p', {text: text.once.sheetDate(format.dateOf(new Date().toISOString()))})));
}
