// Looking inside with the typed password, and bringing back what was fetched and deleted. The password
// stays in this panel's memory until it is closed, and goes in no address, storage or log.
import {file, post} from '../api.js';
import {attempt, sentence, show, toast} from '../dialog.js';
import {h, replace} from '../dom.js';
import * as format from '../format.js';
import {notice, passwordField, save, time} from '../parts.js';
import {busy} from '../progress.js';
import {text} from '../text.js';

const t = text.inside;
const PAGE = 50;
const PREVIEW = 64 * 1024;  // octets of a message that are shown

function dateCell(message) {
  const sent = Date.parse(message.date);
  return Number.isNaN(sent) ? h('span', {text: message.date || text.none}) : time(new Date(sent).toISOString());
}

export function lookInside(path, mailbox) {
  let password = '';
  let rows = [];
  let next = null;
  let found = {};
  const panel = h('div', {class: 'stack'});
  const element = h('section', {class: 'card roomy'}, h('h2', {text: t.title}), panel);

  function drawForm() {
    const error = h('div', {class: 'error', role: 'alert'});
    const button = h('button', {type: 'submit', text: t.open});
    const form = h('form', {class: 'stack', onsubmit: async (event) => {
      event.preventDefault();
      error.textContent = '';
      password = new FormData(form).get('password');
      try {
        await busy(button, () => load());
      } catch (thrown) {
        password = '';
        error.textContent = sentence(thrown);
        form.querySelector('input').select();
      }
    }}, h('p', {class: 'quiet', text: t.intro}), h('div', {class: 'brief'}, passwordField(t.password, 'password')), error, h('div', {class: 'row'}, button));
    replace(panel, form);
  }
  async function load(after) {
    const answer = await post(`${path}/messages`, {password, limit: PAGE, ...(after && {after})});
    rows = after ? [...rows, ...answer.messages] : answer.messages;
    next = answer.next;
    found = answer;
    draw();
    return answer;
  }
  function draw() {
    const more = next && h('button', {type: 'button', text: t.more, 'data-key': 'more', onclick: (event) => attempt(event.target, () => load(next))});
    replace(panel, h('div', {class: 'row', role: 'status'}, h('p', {text: rows.length ? t.count(rows.length, found.total ?? rows.length) : t.nothing})),
      found.locked > 0 && notice({title: t.locked(found.locked), body: t.lockedWhat}),
      found.left_out > 0 && notice({title: t.leftOut(found.left_out), body: t.leftOutWhat}),
      rows.length > 0 && h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.title}),
        h('thead', {}, h('tr', {}, t.columns.map((name, index) => h('th', {scope: 'col', class: index === 2 ? 'n' : '', text: name})))), h('tbody', {}, rows.map(rowOf)))),
      h('div', {class: 'row'}, more, h('button', {type: 'button', 'data-key': 'again', text: t.again, onclick: (event) => attempt(event.target, () => load())}),
        h('button', {type: 'button', 'data-key': 'close', text: t.close, onclick: forget})));
    if (!panel.contains(document.activeElement)) panel.querySelector('button')?.focus();
  }
  function rowOf(message) {
    if (message.error) return h('tr', {}, h('td', {class: 'wide'}, h('b', {text: t.broken}), h('div', {class: 'quiet', text: message.error}), h('div', {class: 'quiet-address mono', text: message.uidl})), h('td', {class: 'tight'}, time(message.received)), h('td', {class: 'n', text: format.size(message.octets)}), h('td'));
    const named = message.subject || t.noSubject;
    return h('tr', {}, h('td', {class: 'wide'}, h('b', {text: named}), h('div', {class: 'quiet'}, t.fromTo(message.from || text.none, message.to || text.none))),
      h('td', {class: 'tight', 'data-label': t.columns[1]}, dateCell(message)), h('td', {class: 'n', 'data-label': t.columns[2]}, format.size(message.octets)),
      h('td', {class: 'tight wide'}, h('div', {class: 'row'}, h('button', {type: 'button', text: t.show, 'aria-label': t.showWhat(named), onclick: (event) => view(message, event.target)}),
        h('button', {type: 'button', text: t.save, 'aria-label': t.saveWhat(named), onclick: (event) => download(message, event.target)}))));
  }
  const fetchOne = (message, options) => file(`${path}/messages/${encodeURIComponent(message.uidl)}`, {password}, options);
  function view(message, button) {
    return attempt(button, async () => {
      const {blob, cut} = await fetchOne(message, {most: PREVIEW});
      show({title: message.subject || t.noSubject, wide: true, body: h('form', {method: 'dialog'}, h('p', {class: 'quiet', text: cut ? t.beginning(format.size(PREVIEW), format.size(message.octets)) : t.whole(format.size(message.octets))}),
        h('pre', {tabIndex: 0, text: await blob.text()}), h('div', {class: 'row end'}, h('button', {class: 'primary', autofocus: true, text: text.close})))});
    });
  }
  function download(message, button) {
    return attempt(button, async () => {
      const {blob, name} = await fetchOne(message, {progress: (got) => { button.textContent = t.percent(Math.min(100, Math.floor(got / Math.max(1, message.octets) * 100))); }});
      save(blob, name ?? `${message.uidl}.eml`);
      toast(t.saved);
    });
  }
  function forget() {
    password = '';
    rows = [];
    drawForm();
  }
  drawForm();
  if (mailbox.waiting?.messages === 0 && !mailbox.locked) panel.append(h('p', {class: 'quiet', text: t.nothingNow}));
  return {element, forget};
}

/** Messages that were fetched and deleted, for as long as the store keeps them. */
export function deletedPanel(path, restored) {
  const panel = h('div', {class: 'stack'});
  const look = h('button', {type: 'button', text: t.deletedLook, onclick: () => attempt(look, load)});
  const element = h('div', {class: 'card roomy'}, h('h2', {text: t.deletedTitle}), h('p', {class: 'quiet', text: t.deletedIntro}), panel);
  replace(panel, h('div', {class: 'row'}, look));

  async function load() {
    const {messages, total} = await post(`${path}/deleted`);
    if (!messages.length) {
      replace(panel, h('p', {role: 'status', text: t.deletedNone}), h('div', {class: 'row'}, look));
      return;
    }
    const all = h('input', {type: 'checkbox', 'aria-label': t.all, onchange: () => { boxes.forEach((box) => { box.checked = all.checked; }); count(); }});
    const boxes = messages.map((one) => h('input', {type: 'checkbox', value: one.uidl, 'aria-label': t.pick(one.uidl), onchange: () => count()}));
    const button = h('button', {type: 'button', class: 'primary', disabled: true, text: t.restore(0), onclick: () => attempt(button, restore)});
    function count() {
      const chosen = boxes.filter((box) => box.checked).length;
      button.disabled = chosen === 0;
      button.textContent = t.restore(chosen);
      all.checked = chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    async function restore() {
      const answer = await post(`${path}/restore`, {uidls: boxes.filter((box) => box.checked).map((box) => box.value)});
      const back = answer.messages.filter(({state}) => state === 'restored').length;
      toast(t.restored(back, answer.messages.length - back));
      await load();
      await restored();
    }
    replace(panel, h('div', {class: 'table short'}, h('table', {}, h('caption', {class: 'only-read', text: t.deletedTitle}),
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, all), t.deletedColumns.map((name, index) => h('th', {scope: 'col', class: index === 3 ? 'n' : '', text: name})))),
      h('tbody', {}, messages.map((one, index) => h('tr', {}, h('td', {class: 'tight'}, boxes[index]), h('td', {}, time(one.received)), h('td', {}, time(one.deleted)), h('td', {}, time(one.until), one.locked && h('div', {class: 'quiet', text: t.isLocked})), h('td', {class: 'n', text: format.size(one.octets)})))))),
    total > messages.length && h('p', {class: 'quiet', text: t.deletedMore(messages.length, total)}), h('div', {class: 'row'}, button, look));
  }
  return {element};
}
