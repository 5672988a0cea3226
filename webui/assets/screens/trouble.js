// In a screen's place where it could not be opened: what happened, and the way on.
import {h} from '../dom.js';
import {sentence} from '../dialog.js';
import {text} from '../text.js';

export function troubleScreen(error, again) {
  return {
    title: text.error.title,
    retry: error.code === 'unreachable',
    element: h('div', {class: 'screen'}, h('h1', {tabIndex: -1, text: text.error.title}),
      h('p', {role: 'alert', text: sentence(error)}),
      h('div', {class: 'row'}, h('button', {class: 'primary', type: 'button', text: text.error.retry, onclick: again}),
        h('a', {class: 'button', href: '#/overview', text: text.menuOf.overview}))),
  };
}
