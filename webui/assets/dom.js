// Elements from values. Text only ever becomes a text node, so nothing that a server or a sender
// wrote can become markup; there is no way to innerHTML or a style attribute in here.

const AS_PROPERTY = new Set(['value', 'checked', 'disabled', 'selected', 'hidden', 'open', 'indeterminate', 'htmlFor', 'tabIndex']);

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false && !AS_PROPERTY.has(name)) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'text') element.textContent = value;
    else if (name === 'class') element.setAttribute('class', value);
    else if (AS_PROPERTY.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
}

/** An HTML element: h('p', {class: 'quiet', onclick: …}, 'text', node, …). */
export function h(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same in the SVG namespace. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/** Puts other children into `parent`; what has the focus keeps it where its data-key is there again. */
export function replace(parent, ...children) {
  const focused = parent.contains(document.activeElement) && document.activeElement.dataset?.key;
  const fresh = document.createDocumentFragment();
  add(fresh, children);
  parent.replaceChildren(fresh);
  if (focused) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

const PATHS = {
  warning: ['M12 3 2 20h20z', 'M12 10v4M12 17.5v.1'],
  good: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z', 'm8 12 3 3 5-6'],
  gate: ['M4 21V11a8 8 0 0 1 16 0v10', 'M8 21v-9a4 4 0 0 1 8 0v9', 'M2 21h20'],
};

export function icon(name) {
  return svg('svg', {viewBox: '0 0 24 24', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.9', 'aria-hidden': 'true'},
    PATHS[name].map((d) => svg('path', {d})));
}

let ids = 0;
export const newId = () => `x${++ids}`;
