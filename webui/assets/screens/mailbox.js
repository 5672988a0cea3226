// One mailbox: how it is, what to do with it, how to connect to it, what lies in it.
import {get} from '../api.js';
import {h, replace} from '../dom.js';
import * as format from '../format.js';
import {card, copyInline, said, statusBadge, notice, time} from '../parts.js';
import * as state from '../state.js';
import {text} from '../text.js';
import {connectSheet} from './connect.js';
import {acknowledge, activate, edit, printConnectSheet, remove, suspend} from './mailbox_actions.js';
import {changePassword, recover, reset, unlockEarlier} from './mailbox_password.js';
import {deletedPanel, lookInside} from './messages.js';
import {finding} from './overview.js';

const t = text.mailbox;

function figures(one) {
  const waiting = one.waiting;
  return [
    card(t.waiting, waiting ? format.number(waiting.messages) : text.none, waiting ? format.size(waiting.octets) : t.unknown),
    card(t.oldest, waiting?.oldest ? format.since(waiting.oldest) : text.none, waiting?.oldest ? t.sinceWhen(format.moment(waiting.oldest)) : t.nothingWaits),
    card(t.received, one.last_received ? time(one.last_received) : text.none, one.last_received ? t.ago(format.since(one.last_received)) : t.neverReceived),
    card(t.fetched, one.last_fetched ? time(one.last_fetched) : text.none, one.last_fetched ? t.ago(format.since(one.last_fetched)) : t.neverFetched),
    ...(one.elsewhere ?? []).map((there) => card(t.elsewhere(there.name), format.number(there.messages),
      there.lately ? t.elsewhereOldest(there.oldest && format.since(there.oldest), there.last_fetched && format.since(there.last_fetched)) : t.elsewhereAway(format.since(there.told)), there.lately ? '' : 'warn')),
    one.locked > 0 && card(t.locked, format.number(one.locked), t.lockedBelow, 'warn'),
  ];
}

/** What the mailbox itself has to say, besides the findings about it. */
function notices(one, act) {
  const list = state.warningsOf(one.address).filter(({kind}) => kind !== 'replaced_password').map(finding);
  for (const replaced of one.replaced_passwords ?? []) {
    list.push(notice({title: said(replaced.text), body: t.replacedAdvice,
      action: h('button', {type: 'button', 'data-key': `seen-${replaced.recipient}`, text: t.acknowledge, onclick: (event) => act(() => acknowledge(one, event.target))})}));
  }
  if (one.status === 'suspended' && !list.length) {
    list.push(notice({title: t.isSuspended, body: t.isSuspendedWhat,
      action: h('button', {type: 'button', 'data-key': 'activate-now', text: t.activate, onclick: (event) => act(() => activate(one, event.target))})}));
  }
  if (one.status === 'deleted') list.push(notice({title: t.isDeleted, body: t.isDeletedWhat}));
  return list;
}

function turnedAway(one) {
  if (!one.turned_away?.length) return null;
  return h('section', {class: 'card roomy'}, h('h2', {text: t.turnedAway}), h('p', {class: 'quiet', text: t.turnedAwayIntro}),
    h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.turnedAway}), h('thead', {}, h('tr', {}, t.turnedColumns.map((name, index) => h('th', {scope: 'col', class: index && index < 3 ? 'n' : '', text: name})))),
      h('tbody', {}, one.turned_away.map((row) => h('tr', {}, h('td', {class: 'wide', text: text.reason[row.reason] ?? row.reason}), h('td', {class: 'n', 'data-label': t.turnedColumns[1], text: format.number(row.refused ?? 0)}), h('td', {class: 'n', 'data-label': t.turnedColumns[2], text: format.number(row.observed ?? 0)}), h('td', {class: 'wide', 'data-label': t.turnedColumns[3]}, time(row.last), ' ', row.peer)))))));
}

function keysOf(one) {
  const keys = [...(one.keys ?? [])].reverse();
  return h('div', {class: 'card roomy'}, h('h2', {text: t.keys}), h('p', {class: 'quiet', text: t.keysHint}),
    h('ul', {class: 'stack'}, keys.map((key, index) => h('li', {}, index === 0 ? t.keyNow(format.dateOf(key.created), key.node) : t.keyBefore(format.dateOf(key.created), key.node), h('div', {class: 'mono quiet', text: key.recipient})))));
}

function senders(one, act) {
  return h('div', {class: 'card roomy'}, h('div', {class: 'page'}, h('h2', {text: t.whoMaySend}), h('button', {type: 'button', 'data-key': 'edit-senders', text: t.edit, onclick: () => act(() => edit(one, null, true))})),
    h('p', {}, one.senders || t.anybody), h('p', {class: 'quiet', text: t.pinsHint}));
}

export async function open({argument: address}) {
  const path = `/mailboxes/${encodeURIComponent(address)}`;
  let one = await get(path);
  state.learn([one]);
  const parts = Object.fromEntries(['head', 'notices', 'cards', 'connect', 'turned', 'senders', 'details'].map((name) => [name, h('div', {class: 'stack'})]));
  parts.cards.className = 'cards';

  async function load(background) {
    one = await get(path, {background});
    state.learn([one]);
    draw();
  }
  /** After whatever changed it. */
  async function act(action) {
    if (await action() !== undefined) await load(false);
  }
  const button = (label, action, options = {}) => h('button', {type: 'button', text: label, 'data-key': label, onclick: (event) => act(() => action(one, event.target)), ...options});

  let connected = '';
  function draw() {
    const gone = one.status === 'deleted';
    replace(parts.head, h('a', {href: '#/mailboxes', class: 'quiet', text: t.all, 'data-key': 'all'}),
      h('header', {class: 'page'}, h('div', {class: 'stack'}, h('div', {class: 'row'}, h('h1', {tabIndex: -1, text: one.name}), statusBadge(one.status)), one.description && h('p', {class: 'quiet', text: one.description}), copyInline(one.email, t.email)),
        h('div', {class: 'row'}, one.status === 'active' ? button(t.suspend, suspend) : button(gone ? t.undelete : t.activate, activate, {class: 'primary'}), button(t.edit, edit), !gone && button(t.delete, remove))));
    replace(parts.notices, notices(one, act));
    replace(parts.cards, figures(one));
    const values = JSON.stringify([one.name, one.email, one.host, one.ports, state.status?.certificate?.source]);
    if (values !== connected) replace(parts.connect, connectSheet(one, () => printConnectSheet(one)));  // keeps the chosen tab otherwise
    connected = values;
    replace(parts.turned, turnedAway(one));
    replace(parts.senders, senders(one, act));
    replace(parts.details, keysOf(one));
  }
  draw();
  const inside = lookInside(path, one);
  const deleted = deletedPanel(path, () => load(false));
  return {
    title: one.name,
    element: h('div', {class: 'screen'}, parts.head, parts.notices, parts.cards, parts.connect,
      inside.element, deleted.element,
      h('section', {class: 'half'}, h('div', {class: 'card roomy'}, h('h2', {text: t.password}), h('p', {class: 'quiet', text: t.passwordIntro}),
        h('div', {class: 'row'}, button(t.change, changePassword), button(t.reset, reset), button(t.unlock, unlockEarlier), button(t.recover, recover))), parts.senders),
      parts.turned, parts.details),
    refresh: (kind) => kind === 'traffic' ? undefined : load(true),
    close: () => inside.forget(),
  };
}
