// What the browser scripts stand on: a page in Chromium, what lies outside of it, and what must hold of
// every page however it is used: a quiet console, no other host, no breach of accessibility.
import {createRequire} from 'node:module';
import fs from 'node:fs';
import readline from 'node:readline';

export const given = JSON.parse(process.argv[2]);
const require = createRequire(`${given.packages}/package.json`);
const {chromium} = require('playwright-core');
const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const PATIENCE = 30000;  // ms; the gateway is a sanitized build
const lines = readline.createInterface({input: process.stdin})[Symbol.asyncIterator]();
const browser = await chromium.launch({executablePath: given.chromium, chromiumSandbox: process.getuid() !== 0});

/** Asks the test on the other side; gives its answer. */
export async function world(what, ...args) {
  process.stdout.write(`@${JSON.stringify({what, with: args})}\n`);
  const said = JSON.parse((await lines.next()).value);
  if (said.error) throw new Error(said.error);
  return said.answer;
}

export function expect(condition, text) {
  if (!condition) throw new Error(text);
}

/** A page in a profile of its own, with `expected` statuses of answers that the browser may complain of. */
export async function open(options = {}) {
  const context = await browser.newContext({ignoreHTTPSErrors: true, acceptDownloads: true, timezoneId: 'UTC', locale: 'en-GB', viewport: {width: 1280, height: 900}, ...options});
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], {origin: given.page});
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const seen = {console: [], hosts: new Set(), expected: new Set(), gone: false};
  page.on('console', (message) => {
    const status = /responded with a status of (\d+)/.exec(message.text())?.[1];
    // What is hidden unless somebody asks for everything is advice: to let the browser keep the mailbox's password.
    if (['debug', 'verbose'].includes(message.type()) || status && seen.expected.has(Number(status)) || seen.gone && /net::ERR_/.test(message.text())) return;
    seen.console.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => seen.console.push(`uncaught: ${error.stack}`));
  page.on('dialog', (dialog) => {
    if (dialog.type() !== 'beforeunload') seen.console.push(`a dialog of the browser: ${dialog.message()}`);
    dialog.accept();
  });
  page.on('request', (request) => {
    if (/^(https?|wss?):/.test(request.url())) seen.hosts.add(new URL(request.url()).origin);
  });
  return Object.assign(page, {seen});
}

/** What must hold of a page at its end. */
export function judge(page, ...origins) {
  const known = new Set([given.page, ...origins]);
  const others = [...page.seen.hosts].filter((one) => !known.has(one));
  expect(others.length === 0, `the page asked other hosts: ${others.join(', ')}`);
  expect(page.seen.console.length === 0, `the console is not empty:\n${page.seen.console.join('\n')}`);
}

/** No violation of any rule of axe-core in what is shown now, and no word that is missing. */
export async function accessible(page, what) {
  const shown = await page.locator('body').innerText();
  const missing = /\b(undefined|NaN|Invalid Date)\b|\[object /.exec(shown);
  expect(!missing, `${what} shows "${missing?.[0]}": …${shown.slice(Math.max(0, missing?.index - 80), missing?.index + 40)}`);
  await page.evaluate(AXE);
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
  const words = violations.map((one) => `${one.id}: ${one.help}\n${one.nodes.slice(0, 4).map((node) => `    ${node.html.slice(0, 160)}\n      ${node.failureSummary}`).join('\n')}`);
  expect(words.length === 0, `${what} breaks rules of accessibility:\n${words.join('\n')}`);
}

/** Nothing is cut off at the side: the page is as wide as its window. */
export async function fits(page, what) {
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  expect(wide <= window, `${what} is ${wide} px wide in a window of ${window} px`);
}

export async function setUp(page, link, name = 'anna', password = 'correct horse battery') {
  await page.goto(link);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password', {exact: true}).fill(password);
  await page.getByLabel('The same again').fill(password);
  await page.getByRole('button', {name: 'Create account'}).click();
  await page.getByRole('link', {name: 'Mailboxes'}).waitFor();
}

export async function logIn(page, name = 'anna', password = 'correct horse battery') {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', {name: 'Log in'}).click();
}

export const heading = (page, name) => page.getByRole('heading', {level: 1, name});

/** Goes to a screen and waits until it is there. */
export async function visit(page, hash, title) {
  await page.goto(`${new URL(page.url()).origin}/#/${hash}`);
  await heading(page, title).waitFor();
}

/** Creates a mailbox as an admin does; gives {address, password}. */
export async function createMailbox(page, name) {
  await visit(page, 'mailboxes', 'Mailboxes');
  await page.getByRole('button', {name: 'Create mailbox'}).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', {exact: true}).fill(name);
  await dialog.getByRole('button', {name: 'Create', exact: true}).click();
  const password = await dialog.locator('.password code').textContent();
  await dialog.getByLabel('I have stored the password').check();
  await dialog.getByRole('button', {name: 'Activate mailbox'}).click();
  await heading(page, name).waitFor();
  await page.getByText('Active', {exact: true}).waitFor();
  return {address: page.url().split('/').pop(), password};
}

/** Waits until `look` gives what is wanted; tells what it gave last. */
export async function until(what, look, wanted, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (let last; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    last = await look();
    if (last === wanted) return;
    expect(Date.now() < end, `${what}: ${JSON.stringify(last)}, wanted ${JSON.stringify(wanted)}`);
  }
}

/** Runs the script's body; whatever happens, the browser goes. */
export async function run(body) {
  let status = 0;
  try {
    await body();
  } catch (error) {
    console.log(error.stack);
    for (const context of browser.contexts()) {
      for (const page of context.pages()) {
        await page.screenshot({path: `${given.pictures}/failure.png`}).catch(() => {});
        console.log(`at ${page.url()}: ${(await page.locator('body').innerText().catch(() => '')).slice(0, 1500)}`);
        if (page.seen.console.length) console.log(page.seen.console.join('\n'));
      }
    }
    status = 1;
  }
  await browser.close();
  process.exit(status);
}
