// Starts the page: set-up, log-in, or the frame with the screen that the address names.
import {door, hooks, remove, session} from './api.js';
import {h, icon, replace} from './dom.js';
import {attempt, toast} from './dialog.js';
import {dateOf} from './format.js';
import {hush, isReached, listen, live} from './live.js';
import {text} from './text.js';
import {logInAgain, logInScreen, setUpScreen} from './enter.js';
import * as state from './state.js';

const MENU = [
  ['overview', () => { const n = state.status?.warnings.length; return n ? h('small', {class: 'needs', text: String(n), title: text.needs(n)}) : ''; }],
  ['mailboxes', () => { const n = state.totals()?.mailboxes; return n === undefined ? '' : h('small', {text: String(n)}); }],
  ['twins', () => { const n = state.status?.twins.length; return n ? h('small', {text: String(n)}) : ''; }],
  ['certificate', () => { const one = state.status?.certificate; return one ? h('small', {text: text.days(one.days_left), title: dateOf(one.ends)}) : ''; }],
  ['backup'], ['access'], ['log'], ['settings'],
];
const SCREENS = {
  overview: () => import('./screens/overview.js'),
  mailboxes: () => import('./screens/mailboxes.js'),
  mailbox: () => import('./screens/mailbox.js'),
  twins: () => import('./screens/twins.js'),
  certificate: () => import('./screens/certificate.js'),
  backup: () => import('./screens/backup.js'),
  access: () => import('./screens/access.js'),
  log: () => import('./screens/log.js'),
  settings: () => import('./screens/settings.js'),
};

const banner = h('div', {class: 'banner', role: 'alert', hidden: true});
const main = h('main', {id: 'content', tabIndex: -1});
const menu = h('div', {class: 'menu', id: 'menu'});
const menuButton = h('button', {class: 'menu-button', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'menu', text: text.menu, onclick: () => openMenu(!menu.classList.contains('open'))});
let current = null;   // the screen shown: {element, refresh?, lines?, close?, log?}
let running = false;  // whether the frame stands
let turn = 0;         // of navigation: an answer that comes late must not show

function openMenu(open) {
  menu.classList.toggle('open', open);
  menuButton.setAttribute('aria-expanded', String(open));
}

/** An address that somebody mistyped is no reason to stop. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function route() {
  const [path, parameters] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/').map(decoded);
  if (name === 'mailboxes' && rest[0]) return {name: 'mailbox', under: 'mailboxes', argument: rest[0], parameters: new URLSearchParams(parameters)};
  const known = MENU.some(([entry]) => entry === name);
  return {name: known ? name : 'overview', under: known ? name : 'overview', parameters: new URLSearchParams(parameters)};
}

function drawMenu() {
  const {under} = route();
  const status = state.status;
  const entries = MENU.map(([name, extra]) => h('li', {}, h('a', {href: `#/${name}`, 'data-key': `menu-${name}`, 'aria-current': name === under && 'page', onclick: () => openMenu(false)}, text.menuOf[name], extra?.())));
  replace(menu, h('nav', {'aria-label': text.mainMenu}, h('ul', {}, entries)),
    h('div', {class: 'node'}, status && [h('div', {text: status.hostname}), h('div', {text: text.upSince(status.version, status.since)})],
      h('div', {class: 'who'}, h('span', {text: session.name}), h('button', {type: 'button', class: 'link', 'data-key': 'log-out', text: text.logOut, onclick: (event) => logOut(event.target)}))));
}

async function navigate({focus = true} = {}) {
  if (!running) return;
  const mine = ++turn;
  const where = route();
  drawMenu();
  try {
    const module = await SCREENS[where.name]();
    const screen = await module.open(where);
    if (mine !== turn) return screen.close?.();
    current?.close?.();
    current = screen;
  } catch (error) {
    if (mine !== turn) return;
    current?.close?.();
    const {troubleScreen} = await import('./screens/trouble.js');
    current = troubleScreen(error, () => navigate());
  }
  main.replaceChildren(current.element);
  document.title = text.title(current.title);
  listen(Boolean(current.log));
  scrollTo(0, 0);
  if (focus) main.querySelector('h1')?.focus();
}

function drawBanner() {
  banner.hidden = isReached();
  if (!isReached()) replace(banner, h('b', {text: text.lost.title}), h('span', {text: text.lost.advice}));
}

/** Screens keep what is typed in them: they get the hint and put new values in their places. */
async function changed(kind) {
  if (!running || !isReached()) return;
  try {
    if (kind === 'status' || kind === 'mailboxes') {
      await state.load({background: true});
      drawMenu();
    }
    await current?.refresh?.(kind);
  } catch { /* the stream says what is wrong, and the next hint tries again */ }
}

live.addEventListener('status', () => changed('status'));
live.addEventListener('traffic', () => changed('traffic'));
live.addEventListener('mailboxes', () => changed('mailboxes'));
live.addEventListener('log', (event) => current?.lines?.(event.detail));
live.addEventListener('reach', (event) => {
  drawBanner();
  current?.reach?.(event.detail);
  if (event.detail && current?.retry) navigate({focus: false});
  if (event.detail) toast(text.lost.back);
});

async function logOut(button) {
  await attempt(button, async () => {
    hush();
    running = false;
    await remove('/session');
  });
  location.hash = '';
  location.reload();
}

let asking = null;
hooks.sessionEnded = () => {
  if (!running) return Promise.reject(new Error('no session'));
  asking ??= logInAgain().then((otherName) => {
    asking = null;
    drawMenu();
    if (otherName) location.reload();  // nothing that another account had open stays
  });
  return asking;
};

async function enter({byDoor = true} = {}) {
  document.body.querySelector('.door')?.remove();
  const frame = h('div', {class: 'frame'},
    h('header', {class: 'side'}, h('div', {class: 'brand'}, icon('gate'), text.product), menuButton, menu),
    h('div', {}, banner, main));
  document.body.prepend(h('a', {class: 'skip', href: '#content', text: text.skip, onclick: (event) => { event.preventDefault(); main.focus(); }}), frame);
  running = true;
  drawBanner();
  try {
    await state.load();
  } catch { /* the screen's own request says it in place */ }
  addEventListener('hashchange', () => navigate());
  await navigate({focus: byDoor});
}

async function start() {
  const link = /^#setup=(.+)$/.exec(location.hash);
  if (link) history.replaceState(null, '', '/');  // the token stays out of the history
  let said;
  try {
    said = await door();
  } catch (error) {
    const {troubleScreen} = await import('./screens/trouble.js');
    document.body.append(h('div', {class: 'door'}, h('main', {}, troubleScreen(error, () => location.reload()).element)));
    return;
  }
  document.querySelector('noscript')?.remove();
  if (session.name) return enter({byDoor: false});
  const screen = said.needed ? setUpScreen(link?.[1], enter) : logInScreen(enter, Boolean(link));
  document.title = text.title(screen.title);
  document.body.prepend(h('div', {class: 'door'}, h('main', {}, screen.element)));
  screen.focus();
}

start();
