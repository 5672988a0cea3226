// The drain: begun from the overview for a time that is chosen, ended where it is shown.
import {get, put, remove} from '../api.js';
import {h} from '../dom.js';
import {ask, attempt, toast} from '../dialog.js';
import {field, notice, select, tick} from '../parts.js';
import * as state from '../state.js';
import {text} from '../text.js';

const t = text.drain;
const LENGTHS = ['1h', '8h', '24h', '72h', 'ever'];

async function begin(redraw) {
  const {twin} = await get('/drain');
  const begun = await ask({
    title: t.title,
    body: [
      h('p', {text: t.what}),
      field(t.length, '', {control: select(LENGTHS.map((one) => [one, t.lengths[one]]), '8h', {name: 'for'})}),
      !twin && notice({title: t.noTwin, body: t.noTwinWhat}),
      !twin && tick(t.sure, 'without_twin', {required: true}),
    ],
    submit: t.begin,
    action: (values) => put('/drain', {for: values.for, without_twin: values.without_twin === 'on'}),
  });
  if (!begun) return;
  toast(t.begun);
  await state.load({background: true});
  redraw();
}

async function end(redraw) {
  await remove('/drain');
  toast(t.ended);
  await state.load({background: true});
  redraw();
}

/** What the overview offers: to begin one, or nothing where there is one. */
export function drainButton(status, redraw) {
  if (status.drain) return null;
  const button = h('button', {type: 'button', 'data-key': 'drain', text: t.begin, onclick: () => attempt(button, () => begin(redraw))});
  return button;
}

/** Beside the words that say it drains. */
export function endButton(redraw) {
  const button = h('button', {type: 'button', 'data-key': 'end-drain', text: t.end, onclick: () => attempt(button, () => end(redraw))});
  return button;
}
