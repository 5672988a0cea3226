// All mailboxes: searched, sorted and cut into pages by the server, so that thousands feel like ten.
import {get, query} from '../api.js';
import {h, replace} from '../dom.js';
import {attempt} from '../dialog.js';
import * as format from '../format.js';
import {badge, empty, head, select, statusBadge, time} from '../parts.js';
import * as state from '../state.js';
import {text} from '../text.js';
import {createMailbox} from './create.js';

const t = text.mailboxes;
const PAGE = 100;
const MOST = 500;  // rows that one request may ask for
const COLUMNS = [['name', 'asc'], ['status', 'asc'], ['waiting', 'desc'], ['oldest', 'asc'], ['last_received', 'desc'], ['last_fetched', 'desc']];

/** The cells of a mailbox. */
function cellsOf(one) {
  const trouble = state.warningsOf(one.address)[0];
  const mark = trouble && one.status === 'active' ? badge(t.needs[trouble.kind] ?? t.needs.other, trouble.severity === 'critical' ? 'bad' : 'warn') : statusBadge(one.status);
  const waiting = one.waiting;
  return [
    h('td', {class: 'wide'}, h('a', {href: `#/mailboxes/${one.address}`, 'data-key': one.address}, h('b', {text: one.name})),
      h('div', {class: 'quiet-address mono', text: one.address}), one.description && h('div', {class: 'quiet', text: one.description})),
    h('td', {class: 'tight wide'}, mark),
    h('td', {class: 'n', 'data-label': t.short.waiting}, waiting ? format.number(waiting.messages) : text.none, one.locked > 0 && h('div', {class: 'quiet', text: t.locked(one.locked)}),
      (one.elsewhere ?? []).filter(({messages}) => messages > 0).map((there) => h('div', {class: 'quiet', title: t.told(format.full(there.told)), text: t.elsewhere(format.number(there.messages), there.name, !there.lately && format.since(there.told))}))),
    h('td', {class: 'n', 'data-label': t.short.oldest}, waiting?.oldest ? h('time', {datetime: waiting.oldest, title: format.full(waiting.oldest), text: format.since(waiting.oldest)}) : text.none),
    h('td', {class: 'n', 'data-label': t.short.last_received}, time(one.last_received)),
    h('td', {class: 'n', 'data-label': t.short.last_fetched}, time(one.last_fetched)),
  ];
}

export async function open({parameters}) {
  const wish = {search: parameters.get('search') ?? '', status: parameters.get('status') ?? '', sort: parameters.get('sort') ?? 'name', order: parameters.get('order') ?? 'asc'};
  let rows = [];
  let found = {total: 0, matching: 0, next: null};
  const drawn = new Map();  // address -> {line: what it was drawn from, row}
  const headRow = h('tr');
  const body = h('tbody');
  const table = h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.title}), h('thead', {}, headRow), body));
  const count = h('p', {class: 'quiet', role: 'status'});
  const more = h('button', {type: 'button', text: t.more, onclick: () => attempt(more, addPage)});
  const below = h('div', {class: 'row'});
  const blank = h('div');

  const ask = (limit, after, background) => get('/mailboxes' + query({...wish, limit, after}), {background});
  function take(answer) {
    found = answer;
    state.learn(answer.mailboxes);
  }
  async function load(background = false) {
    const answer = await ask(Math.min(MOST, Math.max(PAGE, rows.length)), undefined, background);
    const known = new Set(answer.mailboxes.map((one) => one.address));
    const rest = background && rows.length > MOST ? rows.slice(MOST).filter((one) => !known.has(one.address)) : [];
    take(rest.length ? {...answer, next: found.next} : answer);
    rows = [...answer.mailboxes, ...rest];
    draw();
  }
  async function addPage() {
    const answer = await ask(PAGE, found.next);
    take(answer);
    const first = answer.mailboxes[0];
    rows = [...rows, ...answer.mailboxes];
    draw();
    if (first) body.querySelector(`[data-key="${first.address}"]`)?.focus();
  }
  /** Rows whose values are as before stay the elements they are. */
  function rowOf(one) {
    const line = JSON.stringify([one, state.warningsOf(one.address).map(({kind}) => kind), Math.floor(Date.now() / 60000)]);
    const before = drawn.get(one.address);
    if (before?.line === line) return before.row;
    const row = h('tr', {class: 'slow'}, cellsOf(one));
    drawn.set(one.address, {line, row});
    return row;
  }
  function draw() {
    replace(headRow, COLUMNS.map(([column]) => h('th', {scope: 'col', class: ['name', 'status'].includes(column) ? '' : 'n', 'aria-sort': wish.sort === column && {asc: 'ascending', desc: 'descending'}[wish.order]},
      h('button', {type: 'button', 'data-key': `sort-${column}`, text: t.column[column], onclick: () => sortBy(column)}))));
    replace(body, rows.map(rowOf));
    table.hidden = rows.length === 0;
    const none = found.total === 0;
    tools.hidden = none;
    replace(blank, none ? empty(t.emptyTitle, t.empty, h('button', {class: 'primary', type: 'button', text: t.create, onclick: () => createMailbox()}), h('a', {class: 'button', href: '#/backup', text: t.import}))
      : rows.length === 0 && empty(t.noMatchTitle, t.noMatch, h('button', {type: 'button', text: t.clear, onclick: clear})));
    count.textContent = none ? '' : t.shown(format.number(rows.length), format.number(found.matching), format.number(found.total));
    replace(below, found.next && more);
  }
  function look() {
    history.replaceState(null, '', '#/mailboxes' + query({...wish, sort: wish.sort === 'name' ? '' : wish.sort, order: wish.order === 'asc' ? '' : wish.order}));
    rows = [];
    attempt(null, load);
  }
  function sortBy(column) {
    wish.order = wish.sort === column ? {asc: 'desc', desc: 'asc'}[wish.order] : COLUMNS.find(([name]) => name === column)[1];
    wish.sort = column;
    sort.value = column;
    look();
  }
  function clear() {
    Object.assign(wish, {search: '', status: ''});
    search.value = status.value = '';
    look();
    search.focus();
  }
  let typing = 0;
  const search = h('input', {type: 'search', value: wish.search, placeholder: t.searchHint, 'aria-label': t.search, autocomplete: 'off', spellcheck: 'false',
    oninput: () => { clearTimeout(typing); typing = setTimeout(() => { wish.search = search.value.trim(); look(); }, 200); }});
  const status = select([['', t.allStatus], ...['active', 'suspended', 'deleted'].map((one) => [one, text.status[one]])], wish.status, {'aria-label': t.column.status, onchange: () => { wish.status = status.value; look(); }});
  const sort = select(COLUMNS.map(([column]) => [column, t.sortBy(t.column[column])]), wish.sort, {class: 'sort-narrow', 'aria-label': t.sort, onchange: () => sortBy(sort.value)});
  const tools = h('div', {class: 'row', role: 'search'}, search, status, sort);

  await load();
  return {
    title: t.title,
    element: h('div', {class: 'screen'}, head(t.title, h('button', {class: 'primary', type: 'button', text: t.create, onclick: () => createMailbox()})), tools, h('div', {class: 'stack'}, count, table, blank, below)),
    refresh: (kind) => kind === 'traffic' ? undefined : load(true),
  };
}
