// The certificate in use: until when it holds, who renews it, and what to tell those who check it.
import {get, post} from '../api.js';
import {ask, toast} from '../dialog.js';
import {h, replace} from '../dom.js';
import * as format from '../format.js';
import {card, copyInline, facts, head, notice, said} from '../parts.js';
import {text} from '../text.js';

const t = text.certificate;

function notices(one) {
  const list = [];
  if (one.refused) list.push(notice({title: t.refused, body: said(one.refused)}));
  if (one.acme?.last_error) list.push(notice({kind: 'bad', title: [t.failed(one.acme.failures), ' ', said(one.acme.last_error)], body: said(one.acme.last_advice ?? t.again)}));
  if (one.source === 'self-signed') list.push(notice({kind: 'good', title: t.selfSigned, body: t.selfSignedWhat}));
  if (one.source === 'files') list.push(notice({kind: 'good', title: t.files, body: t.filesWhat}));
  return list;
}

function acmeFacts(acme) {
  if (!acme) return null;
  return h('section', {class: 'card roomy'}, h('h2', {text: t.authority}), facts([t.directory, acme.directory], [t.challenge, acme.challenge], acme.names && [t.names, acme.names.join(', ')],
    acme.account && [t.account, h('code', {text: acme.account})], acme.caa && [t.caa, copyInline(acme.caa, t.caa)], acme.last_attempt && [t.lastAttempt, format.moment(acme.last_attempt)], acme.under_way && [t.now, t.underWay]));
}

export async function open() {
  let one = null;
  const parts = Object.fromEntries(['head', 'notices', 'cards', 'facts', 'acme'].map((name) => [name, h('div', {class: 'stack'})]));
  parts.cards.className = 'cards';
  async function load(background) {
    const answer = await get('/certificate', {background});
    one = answer.certificate ?? answer;
    draw();
  }
  async function renew() {
    const done = await ask({title: t.renewTitle, submit: t.renew, body: h('p', {text: t.renewWhat}), action: async () => await post('/certificate/renew') ?? {}});
    if (!done) return;
    toast(t.renewed);
    await load(false);
  }
  function draw() {
    replace(parts.head, head(t.title, one.source === 'acme' && h('button', {type: 'button', 'data-key': 'renew', text: t.renew, onclick: renew})));
    replace(parts.notices, notices(one));
    replace(parts.cards, card(t.left, text.days(one.days_left), t.ends(format.moment(one.ends)), one.days_left < 3 ? 'bad' : one.days_left < 14 ? 'warn' : ''),
      card(t.next, one.renewal ? format.dateOf(one.renewal) : text.none, one.renewal_reason || t.byHand), card(t.source, t.sourceOf[one.source] ?? one.source, one.issuer));
    replace(parts.facts, h('section', {class: 'card roomy'}, h('h2', {text: t.details}), facts([t.names, one.names.join(', ')], [t.issuer, one.issuer], [t.begins, format.moment(one.begins)], [t.endsAt, format.moment(one.ends)], one.file && [t.file, h('code', {text: one.file})],
      [t.sha, copyInline(one.sha256, t.sha)], [t.spki, copyInline(one.spki_sha256, t.spki)])));
    replace(parts.acme, acmeFacts(one.acme));
  }
  await load(false);
  return {title: t.title, element: h('div', {class: 'screen'}, parts.head, parts.notices, parts.cards, parts.facts, parts.acme), refresh: (kind) => kind === 'status' ? load(true) : undefined};
}
