// The two doors: setting up the first account by the link, and logging in.
import {ApiError, door, logIn, session, setUp} from './api.js';
import {ask, sentence} from './dialog.js';
import {h, icon} from './dom.js';
import {field} from './parts.js';
import {busy} from './progress.js';
import {text} from './text.js';

const LEAST = 12;  // characters of an account's password

function nameField(label) {
  return field(label, 'name', {required: true, autocomplete: 'username', autocapitalize: 'off', spellcheck: 'false', maxlength: '64'});
}

function passwordField(label, name, autocomplete, hint) {
  return field(label, name, {type: 'password', required: true, autocomplete, maxlength: '1024', hint});
}

/** A card with one form; `action` gets its values. */
function form(title, intro, body, submit, action) {
  const error = h('div', {class: 'error', role: 'alert'});
  const button = h('button', {class: 'primary', type: 'submit', text: submit});
  const element = h('form', {class: 'stack', onsubmit: async (event) => {
    event.preventDefault();
    error.textContent = '';
    try {
      await busy(button, () => action(Object.fromEntries(new FormData(element)), element));
    } catch (thrown) {
      error.textContent = sentence(thrown);
      element.querySelector('input[type=password]')?.select();
    }
  }}, body, error, button);
  return {
    title,
    element: h('div', {class: 'stack'}, h('div', {class: 'brand'}, icon('gate'), text.product),
      h('div', {class: 'card roomy'}, h('h1', {text: title}), intro && h('p', {class: 'quiet', text: intro}), element)),
    focus: () => element.querySelector('input')?.focus(),
  };
}

export function logInScreen(done, usedLink) {
  return form(text.enter.logIn, usedLink ? text.enter.linkUsed : '',
    [nameField(text.enter.name), passwordField(text.enter.password, 'password', 'current-password')],
    text.enter.logIn, async ({name, password}) => {
      await logIn(name, password);
      await done();
    });
}

export function setUpScreen(token, done) {
  if (!token) return waitScreen();
  return form(text.enter.setUp, text.enter.setUpIntro,
    [nameField(text.enter.name), passwordField(text.enter.password, 'password', 'new-password', text.enter.passwordHint(LEAST)),
      passwordField(text.enter.again, 'again', 'new-password')],
    text.enter.create, async ({name, password, again}, element) => {
      checkPair(password, again, element);
      await setUp(token, name, password);
      await done();
    });
}

/** Two passwords that should be the same. */
export function checkPair(password, again, element) {
  const second = element.querySelector('[name=again]');
  second.removeAttribute('aria-invalid');
  if (password === again) return;
  second.setAttribute('aria-invalid', 'true');
  throw new ApiError('mismatch', text.enter.differ);
}

/** Nobody has an account yet, and the page was opened without the link. */
function waitScreen() {
  const button = h('button', {class: 'primary', type: 'button', text: text.enter.look, onclick: () => busy(button, async () => {
    if (!(await door()).needed) location.reload();
  })});
  return {
    title: text.enter.setUp,
    element: h('div', {class: 'stack'}, h('div', {class: 'brand'}, icon('gate'), text.product),
      h('div', {class: 'card roomy'}, h('h1', {text: text.enter.setUp}), h('p', {text: text.enter.needLink}),
        h('pre', {text: text.enter.linkCommand}), h('p', {class: 'quiet', text: text.enter.orCommand}), button)),
    focus: () => button.focus(),
  };
}

/** Over the page, which keeps what was typed in it. Resolves with whether it is another account now. */
export async function logInAgain() {
  const before = session.name;
  await ask({
    title: text.enter.ended, opaque: true, mayLeave: false, submit: text.enter.logIn,
    body: [h('p', {text: text.enter.endedWhy}),
      field(text.enter.name, 'name', {required: true, autocomplete: 'username', value: before, autocapitalize: 'off', spellcheck: 'false'}),
      field(text.enter.password, 'password', {type: 'password', required: true, autocomplete: 'current-password', autofocus: true})],
    action: async ({name, password}) => {
      await logIn(name, password);
      return true;
    },
  });
  return session.name !== before;
}
