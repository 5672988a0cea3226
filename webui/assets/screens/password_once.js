// A password that is shown this once: copy, print, tick. It lives in this dialog and nowhere else.
import {post} from '../api.js';
import {show, sentence, toast} from '../dialog.js';
import {h, replace} from '../dom.js';
import {dateOf} from '../format.js';
import {copyBlock, facts, tick} from '../parts.js';
import {busy} from '../progress.js';
import {text} from '../text.js';
import {archiverFacts} from './connect.js';

const t = text.once;

/** Prints one sheet: everything else is left out of the print. */
export function printSheet(element) {
  element.classList.add('sheet');
  document.body.append(element);
  const clear = () => element.remove();
  addEventListener('afterprint', clear, {once: true});
  print();
}

function sheet(answer) {
  return h('section', {}, h('h1', {text: t.sheetTitle(answer.name)}), answer.description && h('p', {text: answer.description}),
    facts([t.email, h('code', {text: answer.email})], ...archiverFacts(answer)),
    h('div', {class: 'password'}, h('p', {text: t.password}), h('code', {text: answer.password})),
    h('p', {text: t.sheetWarning}), h('p', {text: t.sheetDate(dateOf(new Date().toISOString()))}));
}

/** `purpose`: "created" (the mailbox is activated with the tick), "changed", "reset" or "recovered". */
export async function showPassword(answer, purpose) {
  const created = purpose === 'created';
  const stored = tick(t.stored, 'stored', {onchange: () => { done.disabled = !box.checked; }});
  const box = stored.querySelector('input');
  const done = h('button', {class: 'primary', type: 'submit', disabled: true, text: created ? t.activate : t.done});
  const error = h('div', {class: 'error', role: 'alert'});
  const feet = h('div', {class: 'stack'});
  const stay = () => replace(feet, stored, error, h('div', {class: 'row end'}, h('button', {type: 'button', text: t.close, onclick: leave}),
    h('button', {type: 'button', text: t.print, onclick: () => printSheet(sheet(answer))}), done));
  const form = h('form', {onsubmit: finish}, h('p', {}, t.why[purpose]), h('p', {}, t.onceOnly),
    copyBlock(answer.password, t.password, 'password'), facts([text.connect.login, h('code', {text: answer.address})]), feet);
  stay();
  const guard = (event) => event.preventDefault();
  addEventListener('beforeunload', guard);
  const dialog = show({title: t.title(answer.name), body: form, mayClose: () => { leave(); return false; }});
  box.focus();

  /** Closing before the tick first says what that means. */
  function leave() {
    const back = h('button', {type: 'button', class: 'primary', text: t.back, onclick: () => { stay(); box.focus(); }});
    replace(feet, h('div', {class: 'error', role: 'alert'}, h('b', {text: t.leaveTitle}), h('p', {text: created ? t.leaveCreated : t.leaveChanged})),
      h('div', {class: 'row end'}, h('button', {type: 'button', text: t.leave, onclick: () => dialog.close()}), back));
    back.focus();
  }
  async function finish(event) {
    event.preventDefault();
    if (!box.checked) return;
    error.textContent = '';
    try {
      if (created) {
        await busy(done, () => post(`/mailboxes/${answer.address}/activate`));
        toast(text.mailbox.activated(answer.name));
      }
      dialog.close(true);
    } catch (thrown) {
      error.textContent = sentence(thrown);
    }
  }
  const kept = await dialog.closed;
  removeEventListener('beforeunload', guard);
  delete answer.password;
  form.remove();
  return Boolean(kept);
}
