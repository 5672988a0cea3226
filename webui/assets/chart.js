// Received as bars, fetched as a line, in SVG; the same numbers as a table for whoever reads them.
import {h, svg} from './dom.js';
import {dayOf, hourOf, number} from './format.js';
import {text} from './text.js';

const HEIGHT = 210, LEFT = 44, RIGHT = 8, TOP = 14, BOTTOM = 28;

/** The next round number at or above: 1, 2, 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 4, 5, 10].map((one) => one * power).find((one) => one >= value);
}

const short = (value) => value >= 10000 ? `${number(value / 1000)}k` : number(value);
const at = (value) => value.toFixed(1);

/** `narrow`: for a phone, so that its text stays legible. */
export function chart(entries, kind, narrow = false) {
  const WIDTH = narrow ? 380 : 760;
  const every = {hours: narrow ? 6 : 4, days: narrow ? 7 : 5}[kind];
  const label = kind === 'hours' ? hourOf : dayOf;
  const top = Math.max(4, roundUp(Math.max(...entries.map((one) => Math.max(one.received, one.fetched)), 0)));
  const step = (WIDTH - LEFT - RIGHT) / entries.length;
  const y = (value) => HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
  const middle = (index) => LEFT + step * (index + .5);
  const grid = [0, .25, .5, .75, 1].map((part) => [
    svg('line', {class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: at(y(top * part)), y2: at(y(top * part))}),
    svg('text', {x: LEFT - 6, y: at(y(top * part) + 4), 'text-anchor': 'end'}, short(top * part))]);
  const bars = entries.map((one, index) => one.received > 0 && svg('rect', {class: 'in', x: at(LEFT + step * index + step * .18), width: at(step * .64),
    y: at(Math.min(y(one.received), y(0) - 2)), height: at(Math.max(2, y(0) - y(one.received))), rx: 2.5}));
  const line = svg('polyline', {class: 'out', points: entries.map((one, index) => `${at(middle(index))},${at(y(one.fetched))}`).join(' ')});
  const names = entries.map((one, index) => (entries.length - 1 - index) % every === 0 &&
    svg('text', {x: at(middle(index)), y: HEIGHT - 8, 'text-anchor': index === entries.length - 1 ? 'end' : 'middle'}, label(one.at)));
  const hits = entries.map((one, index) => svg('rect', {class: 'hit', x: at(LEFT + step * index), y: TOP, width: at(step), height: HEIGHT - TOP - BOTTOM},
    svg('title', {}, text.chart.entry(label(one.at), number(one.received), number(one.fetched)))));
  return svg('svg', {class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': text.chart.label[kind]}, grid, bars, line, names, hits);
}

export function chartTable(entries, kind) {
  const label = kind === 'hours' ? hourOf : dayOf;
  return h('details', {}, h('summary', {text: text.chart.asTable}),
    h('div', {class: 'table'}, h('table', {}, h('caption', {class: 'only-read', text: text.chart.label[kind]}),
      h('thead', {}, h('tr', {}, [text.chart.from[kind], text.chart.received, text.chart.fetched].map((one, index) => h('th', {scope: 'col', class: index ? 'n' : '', text: one})))),
      h('tbody', {}, [...entries].reverse().map((one) => h('tr', {}, h('td', {text: label(one.at)}), h('td', {class: 'n', text: number(one.received)}), h('td', {class: 'n', text: number(one.fetched)})))))));
}
