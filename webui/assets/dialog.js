// Dialogs: modal, labelled, with what went wrong said inside them. The browser gives the focus back.
import {ApiError} from './api.js';
import {add as addToast} from './toast.js';
import {h, newId} from './dom.js';
import {busy} from './progress.js';
import {text} from './text.js';

/** What an error is for people; what is no error of ours is a mistake of the page and said as one. */
export function sentence(error) {
  if (error instanceof ApiError) return error.message;
  console.error(error);
  return text.error.page(String(error));
}

/** Opens `body` as a modal dialog. `mayClose` is asked before Escape closes it. Gives {element, close, closed}. */
export function show({title, body, wide, opaque, mayClose}) {
  const heading = h('h2', {id: newId(), tabIndex: -1, text: title});
  const element = h('dialog', {class: [wide && 'wide', opaque && 'opaque'].filter(Boolean).join(' '), 'aria-labelledby': heading.id},
    h('div', {class: 'stack'}, heading, body));
  let result;
  const closed = new Promise((resolve) => {
    element.addEventListener('close', () => {
      element.remove();
      resolve(result);
    });
  });
  const close = (value) => {
    result = value;
    element.close();
  };
  element.addEventListener('cancel', (event) => {
    if (mayClose && !mayClose()) event.preventDefault();
  });
  element.addEventListener('keydown', (event) => {  // a second Escape would get past `cancel`
    if (event.key !== 'Escape' || !mayClose) return;
    event.preventDefault();
    if (mayClose()) close();
  });
  document.body.append(element);
  element.showModal();
  (element.querySelector('[autofocus], input:not([type=hidden]), textarea, select') ?? heading).focus();
  return {element, close, closed, heading};
}

/** A form: `action` gets its values, and what it throws is said in it. Resolves with what `action` gave,
 *  or with undefined where the admin left it. */
export function ask({title, body, submit, danger, wide, action, cancel = text.cancel, opaque, mayLeave = true}) {
  const error = h('div', {class: 'error', role: 'alert'});
  const button = h('button', {class: danger ? 'danger' : 'primary', type: 'submit', text: submit});
  const leave = mayLeave && h('button', {type: 'button', text: cancel, onclick: () => under || dialog.close()});
  const form = h('form', {onsubmit: run}, body, error, h('div', {class: 'row end'}, leave, button));
  let under = false;  // way: what it will answer may be a password that is told only once
  const dialog = show({title, body: form, wide, opaque, mayClose: () => mayLeave && !under});

  async function run(event) {
    event.preventDefault();
    if (under) return;
    under = true;
    error.textContent = '';
    try {
      const result = await busy(button, () => action(Object.fromEntries(new FormData(form)), {form, error}));
      if (result !== undefined) dialog.close(result);
    } catch (thrown) {
      error.textContent = sentence(thrown);
    } finally {
      under = false;
    }
    error.scrollIntoView({block: 'nearest'});
  }
  return dialog.closed;
}

/** Runs what a button outside any dialog does: what goes wrong is said in a dialog of its own. */
export async function attempt(button, action) {
  try {
    return await busy(button, action);
  } catch (error) {
    tell(text.error.title, sentence(error));
    return undefined;
  }
}

export function tell(title, ...paragraphs) {
  const dialog = show({
    title,
    body: h('form', {method: 'dialog'}, paragraphs.map((one) => typeof one === 'string' ? h('p', {text: one}) : one),
      h('div', {class: 'row end'}, h('button', {class: 'primary', autofocus: true, text: text.close}))),
  });
  return dialog.closed;
}

export const toast = addToast;
