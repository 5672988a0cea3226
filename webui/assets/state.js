// What the frame and several screens look at: the status of the gateway as it was told last.
import {get} from './api.js';
import {setServerTime} from './format.js';

export let status = null;

export async function load(options) {
  status = await get('/status?brief=1', options);
  status.warnings ??= [];
  setServerTime(status.now);
  return status;
}

/** Counts over all mailboxes; counted here where the answer has them one by one. */
export function totals() {
  if (!status) return undefined;
  if (status.totals) return status.totals;
  const mailboxes = status.mailboxes ?? [];
  const sum = (of) => mailboxes.reduce((all, one) => all + (of(one) ?? 0), 0);
  return {
    mailboxes: mailboxes.length,
    waiting_mailboxes: mailboxes.filter((one) => one.waiting?.messages > 0).length,
    messages: sum((one) => one.waiting?.messages),
    octets: sum((one) => one.waiting?.octets),
    locked: sum((one) => one.locked),
  };
}

/** What is said about one mailbox. */
export const warningsOf = (address) => (status?.warnings ?? []).filter((one) => one.mailbox === address);

const names = new Map();

/** Remembers what mailboxes are called, for lines that only have addresses. */
export function learn(mailboxes) {
  for (const one of mailboxes) names.set(one.address, one.name);
}

export const nameOf = (address, otherwise = `${address.slice(0, 12)}…`) => names.get(address) ?? otherwise;
