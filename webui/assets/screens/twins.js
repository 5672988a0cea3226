// The nodes that share the mailboxes of this one: how the exchange with each fares, and pairing.
import {get, post, remove} from '../api.js';
import {ask, attempt, show, toast} from '../dialog.js';
import {h, replace} from '../dom.js';
import * as format from '../format.js';
import {badge, copyBlock, empty, field, head, said, time} from '../parts.js';
import {text} from '../text.js';

const t = text.twins;

export function stateOf(twin) {
  if (!twin.reached) return badge(t.away, 'warn');
  if (twin.in_step) return badge(twin.connected ? t.inStep : t.everyMinute);
  return badge(t.differ(twin.differing), 'warn');
}

async function invite(button) {
  const made = await attempt(button, () => post('/twins/invite'));
  if (!made) return;
  await show({
    title: t.inviteOnce, wide: true,
    body: h('form', {method: 'dialog'}, h('p', {text: `${t.inviteWhat} ${format.moment(made.expires)}.`}), copyBlock(made.invitation, t.line),
      h('p', {text: t.inviteSecret}), made.loopback && h('p', {class: 'error', text: t.inviteLoopback}), h('div', {class: 'row end'}, h('button', {class: 'primary', text: text.close}))),
  }).closed;
}

function join() {
  return ask({
    title: t.joinTitle, submit: t.join, wide: true,
    body: [field(t.joinLine, 'invitation', {rows: '4', required: true, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false'}), h('p', {class: 'quiet', text: t.joinWhat})],
    async action({invitation}) {
      const {twin} = await post('/twins/join', {invitation: invitation.trim()});
      toast(t.joined(twin.name));
      return true;
    },
  });
}

function part(twin) {
  return ask({
    title: t.removeTitle(twin.name), submit: t.remove, danger: true, body: h('p', {text: t.removeWhat}),
    async action() {
      await remove(`/twins/${encodeURIComponent(twin.node)}`);
      toast(t.removed(twin.name));
      return true;
    },
  });
}

export async function open() {
  const rows = h('div', {class: 'stack'});
  async function load(background) {
    draw((await get('/twins', {background})).twins);
  }
  const then = (action) => async () => { if (await action()) await load(); };
  const row = (twin) => h('tr', {}, h('td', {}, h('b', {text: twin.name}), twin.node && h('div', {class: 'quiet-address mono', text: twin.node})),
    h('td', {'data-label': t.columns[1]}, stateOf(twin), twin.error && h('p', {}, said(twin.error)), twin.advice && h('p', {class: 'quiet'}, said(twin.advice))),
    h('td', {'data-label': t.columns[2]}, time(twin.last_exchange)),
    h('td', {'data-label': t.columns[3]}, twin.url ? [t.weCall, h('div', {class: 'quiet-address mono', text: twin.url})] : t.theyCall),
    h('td', {class: 'tight wide'}, twin.joined ? h('button', {type: 'button', 'data-key': `r-${twin.node}`, text: t.remove, 'aria-label': t.removeTitle(twin.name), onclick: then(() => part(twin))}) : t.fromFile));
  function draw(twins) {
    const buttons = [h('button', {type: 'button', class: 'primary', 'data-key': 'invite', text: t.invite, onclick: (event) => invite(event.target)}),
      h('button', {type: 'button', 'data-key': 'join', text: t.join, onclick: then(join)})];
    replace(rows, twins.length === 0 ? empty(t.none, t.noneAdvice, h('div', {class: 'row'}, buttons)) : [h('div', {class: 'row'}, buttons),
      h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.title}), h('thead', {}, h('tr', {}, t.columns.map((name) => h('th', {scope: 'col', text: name})))), h('tbody', {}, twins.map(row))))]);
  }
  await load();
  return {
    title: t.title,
    element: h('div', {class: 'screen'}, head(t.title), h('p', {class: 'quiet', text: t.intro}), rows),
    async refresh(what) {
      if (what === 'status') await load(true);
    },
  };
}
