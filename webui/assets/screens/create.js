// Making a mailbox: the form, then the password, shown once. The mailbox takes mail from the tick on.
import {post} from '../api.js';
import {ask, toast} from '../dialog.js';
import {h} from '../dom.js';
import {field, passwordField, tick} from '../parts.js';
import {text} from '../text.js';
import {showPassword} from './password_once.js';

const t = text.create;

export async function createMailbox() {
  const answer = await ask({
    title: t.title, submit: t.submit,
    body: [
      field(t.name, 'name', {required: true, maxlength: '200', autocomplete: 'off', hint: t.nameHint, autofocus: true}),
      field(t.description, 'description', {maxlength: '1000', autocomplete: 'off'}),
      h('details', {}, h('summary', {text: t.adopt}), h('div', {class: 'stack'}, h('p', {class: 'quiet', text: t.adoptIntro}),
        field(t.address, 'address', {autocomplete: 'off', spellcheck: 'false', pattern: '\\s*[mM][bB][xX]-[0-9a-fA-F]{32}(@.*)?\\s*', placeholder: 'mbx-…', title: t.addressForm}),
        passwordField(t.password, 'password', {required: false, hint: t.passwordHint}))),
    ],
    async action({name, description, address, password}) {
      const made = await post('/mailboxes', {
        name: name.trim(), ...(description.trim() && {description: description.trim()}),
        ...(address.trim() && {address: address.trim().split('@')[0].toLowerCase()}), ...(password && {password}),
      });
      return {...made, adopted: Boolean(password)};
    },
  });
  if (!answer) return;
  if (answer.password && !answer.adopted) await showPassword(answer, 'created');
  else await activateAdopted(answer);
  location.hash = `#/mailboxes/${answer.address}`;
}

/** Of an adopted one the admin has the password already. */
async function activateAdopted(answer) {
  const done = await ask({
    title: t.adoptedTitle, submit: t.activate, cancel: t.leaveSuspended,
    body: [h('p', {text: t.adopted}), tick(t.stored, 'stored', {required: true})],
    action: () => post(`/mailboxes/${answer.address}/activate`),
  });
  if (done) toast(text.mailbox.activated(answer.name));
}
