// What was done, said for a few seconds in a corner and to screen readers.
import {h} from './dom.js';

const region = h('div', {class: 'toasts', role: 'status'});
document.body.append(region);

export function add(words) {
  const one = h('div', {class: 'toast', text: words});
  region.append(one);
  setTimeout(() => one.remove(), 6000);
}
