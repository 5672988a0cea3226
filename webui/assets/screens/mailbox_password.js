// New passwords for a mailbox, and old ones that turn up again. Nothing typed here outlives its dialog.
import {post} from '../api.js';
import {ask, toast} from '../dialog.js';
import {h} from '../dom.js';
import {notice, passwordField, tick} from '../parts.js';
import {text} from '../text.js';
import {showPassword} from './password_once.js';

const t = text.passwords;

const request = (one, body) => post(`/mailboxes/${one.address}/password`, body);

/** Asks, sets a new password, shows it once. */
async function replaced(one, dialog, purpose) {
  const answer = await ask(dialog);
  if (!answer) return undefined;
  await showPassword({name: one.name, description: one.description, ...answer}, purpose);
  return true;
}

export function changePassword(one) {
  return replaced(one, {
    title: t.changeTitle(one.name), submit: t.change,
    body: [h('p', {text: t.changeWhat}), passwordField(t.present, 'password')],
    action: ({password}) => request(one, {action: 'change', password}),
  }, 'changed');
}

export function reset(one) {
  const waits = (one.waiting?.messages ?? 0);
  return replaced(one, {
    title: t.resetTitle(one.name), submit: t.reset, danger: true,
    body: [h('p', {text: t.resetWhat}), waits > 0 && notice({kind: 'bad', title: t.resetWaiting(waits), body: t.resetWaitingWhat}),
      waits > 0 && tick(t.resetTick, 'sure', {required: true})],
    action: () => request(one, {action: 'reset'}),
  }, 'reset');
}

export function unlockEarlier(one) {
  return ask({
    title: t.unlockTitle(one.name), submit: t.unlock,
    body: [h('p', {text: one.locked > 0 ? t.unlockWhat(one.locked) : t.unlockNone}), passwordField(t.earlier, 'earlier_password'), passwordField(t.present, 'password')],
    action: async (values) => {
      const answer = await request(one, {action: 'unlock_earlier', ...values});
      toast(t.unlocked(answer.keys_chained));
      return answer;
    },
  });
}

export function recover(one) {
  return replaced(one, {
    title: t.recoverTitle(one.name), submit: t.recover,
    body: [h('p', {text: t.recoverWhat}), passwordField(t.identity, 'identity', {hint: t.identityHint})],
    action: ({identity}) => request(one, {action: 'recover', identity: identity.trim()}),
  }, 'recovered');
}
