// Says that something is under way: a bar on top after 0.3 s, and in words after a second.
import {h} from './dom.js';
import {text} from './text.js';

let running = 0;
let timers = [];
const bar = h('progress', {class: 'working', hidden: true, 'aria-label': text.working});
const words = h('div', {class: 'only-read', role: 'status'});
document.body.append(bar, words);

function begin() {
  if (running++ > 0) return;
  timers = [setTimeout(() => { bar.hidden = false; }, 300), setTimeout(() => { words.textContent = text.working; }, 1000)];
}

function end() {
  if (--running > 0) return;
  timers.forEach(clearTimeout);
  bar.hidden = true;
  words.textContent = '';
}

export async function working(shown, action) {
  if (shown) begin();
  try {
    return await action();
  } finally {
    if (shown) end();
  }
}

/** Runs `action` with the button out of use; after a second the button says how long it has taken. */
export async function busy(button, action) {
  if (!button) return action();
  if (button.getAttribute('aria-busy') === 'true') return undefined;
  const label = button.textContent;
  const began = Date.now();
  const name = button.getAttribute('aria-label');
  button.removeAttribute('aria-label');
  const tick = setInterval(() => { button.textContent = text.workingFor(label, Math.round((Date.now() - began) / 1000)); }, 1000);
  button.setAttribute('aria-busy', 'true');
  button.setAttribute('aria-disabled', 'true');
  try {
    return await action();
  } finally {
    clearInterval(tick);
    button.textContent = label;
    if (name) button.setAttribute('aria-label', name);
    button.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
  }
}
