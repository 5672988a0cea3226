// The settings in force, to be read: the file is the admin's, and nothing here writes it.
import {get} from '../api.js';
import {h, replace} from '../dom.js';
import {head, field, tick} from '../parts.js';
import {text} from '../text.js';

const t = text.settings;

function shown(value) {
  if (value === null || value === undefined) return text.none;
  if (Array.isArray(value)) return value.length ? value.map(shown).join(', ') : t.emptyList;
  if (value === '') return t.emptyText;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

export async function open() {
  const {file, settings} = await get('/settings');
  const search = h('input', {type: 'search', autocomplete: 'off', oninput: draw});
  const only = tick(t.onlySet, 'set', {onchange: draw});
  const body = h('tbody');
  const count = h('p', {class: 'quiet', role: 'status'});
  function draw() {
    const wanted = search.value.trim().toLowerCase();
    const rows = settings.filter((one) => one.key.toLowerCase().includes(wanted) && (one.line || !only.querySelector('input').checked));
    count.textContent = t.count(rows.length, settings.length);
    replace(body, rows.map((one) => h('tr', {}, h('td', {class: 'wide'}, h('code', {text: one.key})), h('td', {'data-label': t.columns[1]}, one.line ? h('b', {text: one.secret ? t.secret : shown(one.value)}) : shown(one.value), one.effective === false && h('div', {class: 'quiet', text: t.later})),
      h('td', {class: 'quiet', 'data-label': t.columns[2]}, one.secret ? text.none : shown(one.default)), h('td', {class: 'n', 'data-label': t.columns[3]}, one.line ? String(one.line) : text.none))));
  }
  draw();
  return {
    title: t.title,
    element: h('div', {class: 'screen'}, head(t.title), h('p', {class: 'quiet'}, t.intro, ' ', h('code', {text: file}), '. ', t.reload), h('div', {class: 'row', role: 'search'}, field(t.search, '', {control: search}), only), count,
      h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.title}), h('thead', {}, h('tr', {}, t.columns.map((name, index) => h('th', {scope: 'col', class: index === 3 ? 'n' : '', text: name})))), body))),
  };
}
