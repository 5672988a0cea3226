// The parts that screens are put together from.
import {h, icon, newId} from './dom.js';
import * as format from './format.js';
import {text} from './text.js';
import {toast} from './dialog.js';

export function time(at, how = format.when) {
  return at ? h('time', {datetime: at, title: format.full(at), text: how(at)}) : text.none;
}

export async function copy(value, button) {
  try {
    await navigator.clipboard.writeText(value);
  } catch {  // the browser does not let us: what is selected can be copied by hand
    const code = button.parentElement.querySelector('code');
    if (code) getSelection().selectAllChildren(code);
    toast(text.copyByHand);
    return;
  }
  const say = (words, name) => {
    button.textContent = words;
    button.setAttribute('aria-label', name);
  };
  const name = button.getAttribute('aria-label');
  say(text.copied, text.copied);
  toast(text.copiedWords);
  setTimeout(() => say(text.copy, name), 2000);
}

/** A block of text with a button that copies it; `what` names it for screen readers. */
export function copyBlock(value, what, extra = '') {
  const button = h('button', {type: 'button', text: text.copy, 'aria-label': text.copyWhat(what), onclick: () => copy(value, button)});
  return h('div', {class: `copy ${extra}`}, h('code', {text: value}), button);
}

export function copyInline(value, what) {
  const button = h('button', {type: 'button', text: text.copy, 'aria-label': text.copyWhat(what), onclick: () => copy(value, button)});
  return h('span', {class: 'inline-copy'}, h('code', {text: value}), button);
}

/** A labelled control. `options` are attributes of the control; `hint` stands below it. */
export function field(label, name, {hint, control, ...options} = {}) {
  const id = newId();
  const input = control ?? h(options.rows ? 'textarea' : 'input', {...options});
  input.id = id;
  if (name) input.setAttribute('name', name);
  if (hint) input.setAttribute('aria-describedby', `${id}-hint`);
  return h('div', {class: 'field'}, h('label', {htmlFor: id, text: label}), input, hint && h('small', {id: `${id}-hint`, text: hint}));
}

export function select(options, chosen, properties = {}) {
  return h('select', properties, options.map(([value, label]) => h('option', {value, text: label, selected: value === chosen})));
}

export function tick(label, name, options = {}) {
  const input = h('input', {type: 'checkbox', name, ...options});
  return h('label', {class: 'tick'}, input, h('span', {}, label));
}

export function passwordField(label, name, options = {}) {
  const part = field(label, name, {type: 'password', required: true, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', ...options});
  return part;
}

/** Words of the server: what stands in back-ticks is a command, times are local. */
export function said(sentence) {
  return format.localTimes(sentence).split('`').map((part, index) => index % 2 ? h('code', {text: part}) : part);
}

/** Something that needs attention, or (kind "good") does not. */
export function notice({kind = '', title, more, body, action, role}) {
  return h('div', {class: `notice ${kind}`, role}, icon(kind === 'good' ? 'good' : 'warning'),
    h('div', {class: 'stack tight'}, title && h('b', {}, title), more, body && h('div', {class: 'words'}, body)), action);
}

export function empty(title, advice, ...actions) {
  return h('div', {class: 'card empty'}, h('h2', {text: title}), advice && h('p', {class: 'quiet', text: advice}), actions);
}

export function badge(label, kind = '') {
  return h('span', {class: `badge ${kind}`, text: label});
}

export function statusBadge(status) {
  return badge(text.status[status] ?? status, {active: '', suspended: 'warn', deleted: 'off'}[status] ?? 'off');
}

export function head(title, ...actions) {
  return h('header', {class: 'page'}, h('div', {}, h('h1', {tabIndex: -1}, title)), actions.length > 0 && h('div', {class: 'row'}, actions));
}

export function card(title, figure, below, kind = '') {
  return h('div', {class: 'card'}, h('h2', {class: 'quiet', text: title}), h('div', {class: `figure ${kind}`}, figure), below && h('small', {}, below));
}

/** Rows of [term, description…]; rows that are false are left out. */
export function facts(...rows) {
  return h('dl', {}, rows.filter(Boolean).map(([term, ...what]) => [h('dt', {text: term}), h('dd', {}, what)]));
}

/** Tabs by the keyboard rules of the ARIA practices: arrows move, only the chosen one is in the tab order. */
export function tabs(label, entries, chosen = entries[0].key) {
  const panel = h('div', {role: 'tabpanel', id: newId(), class: 'stack'});
  const list = h('div', {class: 'tabs', role: 'tablist', 'aria-label': label});
  const buttons = entries.map((entry) => h('button', {type: 'button', role: 'tab', id: newId(), 'aria-controls': panel.id, text: entry.label, onclick: () => pick(entry.key)}));
  function pick(key, focus = false) {
    entries.forEach((entry, index) => {
      const on = entry.key === key;
      buttons[index].setAttribute('aria-selected', String(on));
      buttons[index].tabIndex = on ? 0 : -1;
      if (!on) return;
      panel.setAttribute('aria-labelledby', buttons[index].id);
      panel.replaceChildren(...[entry.panel()].flat());
      if (focus) buttons[index].focus();
    });
  }
  list.addEventListener('keydown', (event) => {
    const at = buttons.indexOf(document.activeElement);
    const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    pick(entries[(to + buttons.length) % buttons.length].key, true);
  });
  list.append(...buttons);
  pick(chosen);
  return h('div', {class: 'stack'}, list, panel);
}

/** Saves what was fetched as a file of that name. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h('a', {href: url, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
