// How each screen looks: on a phone, a tablet and a wide window, light and dark, without anything cut off and
// without a breach of the rules of accessibility. Makes the pictures of docs/web.md on the way.
import {accessible, expect, fits, given, heading, judge, logIn, open, run, setUp, visit, world} from './driver.mjs';

const WIDTHS = [[320, 640], [360, 740], [768, 1024], [1440, 900]];

function screens(address) {
  return [
    ['overview', /need/, 'overview'], ['mailboxes', 'Mailboxes', 'mailboxes'], [`mailboxes/${address}`, 'Litware', 'mailbox'], ['twins', 'Twins', 'twins'], ['certificate', 'Certificate', 'certificate'],
    ['backup', 'Backup', 'backup'], ['access', 'Access', 'access'], ['log', 'Log', 'log'], ['settings', 'Settings', 'settings'],
  ];
}

const picture = (page, name, options = {}) => page.screenshot({path: `${given.pictures}/${name}.png`, ...options});

/** A day and a month of traffic: a new gateway has seen neither, and pictures without it show nothing. */
async function withTraffic(page) {
  await page.route('**/api/v1/traffic', (route) => {
    const hour = 3600000, now = Date.now();
    const entry = (age, step, received, fetched) => ({at: new Date(now - age * step).toISOString(), received, fetched});
    const day = (age) => [24, 19, 13, 9, 6, 5, 4, 4, 12, 48, 130, 201, 214, 198, 160, 225, 208, 187, 160, 121, 64, 31, 26, 22][23 - age];
    const month = (age) => [0, 6].includes(new Date(now - age * 24 * hour).getDay()) ? 120 + age * 3 : 2100 + (age * 7919) % 700;
    const list = (count, step, of) => Array.from({length: count}, (_, index) => entry(count - 1 - index, step, of(count - 1 - index), of(count - index - 1)));
    const hours = list(24, hour, day);
    hours[15].fetched = 8;
    hours[16].fetched += 217;
    return route.fulfill({json: {hours, days: list(30, 24 * hour, month)}});
  });
}

async function everyScreen(page, scheme, address) {
  for (const [hash, title, name] of screens(address)) {
    await visit(page, hash, title);
    await accessible(page, `${name}, ${scheme}`);
    for (const [width, height] of WIDTHS) {
      await page.setViewportSize({width, height});
      await fits(page, `${name} at ${width} px`);
      if (width !== 320) await picture(page, `${name}-${width}-${scheme}`, {fullPage: true});
    }
  }
}

/** Dialogs, and tabs of the connect sheet. */
async function everyDialog(page, scheme, address) {
  await visit(page, 'mailboxes', 'Mailboxes');
  const look = async (name) => {
    await accessible(page, `${name}, ${scheme}`);
    await picture(page, `${name}-${page.viewportSize().width}-${scheme}`);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({state: 'detached'});
  };
  await page.getByRole('button', {name: 'Create mailbox'}).click();
  await page.getByText('Take over address and password').click();
  await look('create');
  await visit(page, `mailboxes/${address}`, 'Litware');
  for (const [button, name] of [['Edit', 'edit'], ['Suspend', 'suspend'], ['Delete', 'delete'], ['Change password', 'change'], ['Reset', 'reset'], ['Unlock earlier mail', 'unlock'], ['Use the recovery key', 'recover']]) {
    await page.getByRole('button', {name: button, exact: true}).first().click();
    await look(name);
  }
  for (const tab of await page.getByRole('tab').all()) {
    await tab.click();
    await accessible(page, `the tab ${await tab.innerText()}, ${scheme}`);
    await fits(page, `the tab ${await tab.innerText()}`);
  }
}

async function byKeyboard(page) {
  await page.setViewportSize({width: 1280, height: 900});
  await visit(page, 'overview', /need/);
  expect(await page.evaluate(() => document.activeElement.tagName) === 'H1', 'a new screen does not get the focus');
  await page.reload();
  await heading(page, /need/).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement.className) === 'skip', 'the first Tab does not lead to the content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement.id) === 'content', 'the link to the content leads elsewhere');
  await visit(page, 'mailboxes', 'Mailboxes');
  const create = page.getByRole('button', {name: 'Create mailbox'});
  await create.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  expect(await page.evaluate(() => document.activeElement.name) === 'name', 'a dialog does not get the focus');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({state: 'detached'});
  expect(await create.evaluate((one) => one === document.activeElement), 'a closed dialog does not give the focus back');
  await visit(page, `mailboxes/${(await world('address'))}`, 'Litware');
  await page.getByRole('tab', {name: 'Exchange Online'}).focus();
  await page.keyboard.press('ArrowRight');
  expect(await page.getByRole('tab', {name: 'Exchange Server'}).getAttribute('aria-selected') === 'true', 'arrows do not move between tabs');
}

/** What a browser gets that has nothing yet: the whole page, every screen. */
async function weight(page, address) {
  let octets = 0, files = 0;
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const ours = new Set();
  session.on('Network.responseReceived', ({requestId, response}) => { if (!response.url.includes('/api/')) ours.add(requestId); });
  session.on('Network.loadingFinished', ({requestId, encodedDataLength}) => { if (ours.has(requestId)) { octets += encodedDataLength; ++files; } });
  await page.goto(given.page);
  await logIn(page);
  await heading(page, /need/).waitFor();
  const first = octets;
  for (const [hash, title] of screens(address)) await visit(page, hash, title);
  console.log(`figure: the page: ${(first / 1024).toFixed(1)} KiB to the overview, ${(octets / 1024).toFixed(1)} KiB in ${files} files with every screen`);
  expect(octets > 10000 && octets < 150000, `the page weighs ${octets} octets, more than 150 KB`);
}

async function pictures(address) {
  const wide = await open({viewport: {width: 1200, height: 780}});
  wide.seen.expected.add(404);
  await withTraffic(wide);
  await wide.goto(given.page);
  await logIn(wide);
  await heading(wide, 'Two things need you').waitFor();
  await picture(wide, 'docs-overview');
  await visit(wide, `mailboxes/${address}`, 'Litware');
  await picture(wide, 'docs-mailbox');
  const phone = await open({viewport: {width: 390, height: 780}, colorScheme: 'dark'});
  await withTraffic(phone);
  await phone.goto(given.page);
  await logIn(phone);
  await heading(phone, 'Two things need you').waitFor();
  await picture(phone, 'docs-phone');
}

await run(async () => {
  const page = await open();
  await page.goto(await world('link'));
  await heading(page, 'Set up Postern').waitFor();
  await accessible(page, 'setting up');
  await picture(page, 'set-up-1280-light');
  await setUp(page, await world('link'));
  await heading(page, 'Everything is well').waitFor();
  await accessible(page, 'an empty gateway');
  await picture(page, 'empty-1280-light');
  await visit(page, 'mailboxes', 'Mailboxes');
  await page.getByText('There is no mailbox yet').waitFor();
  await accessible(page, 'no mailbox');
  const still = await open();
  await still.goto(given.page);
  await logIn(still);
  await heading(still, 'Everything is well').waitFor();
  const address = await world('fill');
  for (const scheme of ['light', 'dark']) {
    const one = await open({colorScheme: scheme});
    await one.goto(given.page);
    await heading(one, 'Log in').waitFor();
    await accessible(one, `log-in, ${scheme}`);
    await one.setViewportSize({width: 360, height: 740});
    await picture(one, `log-in-360-${scheme}`);
    await logIn(one);
    await heading(one, /need/).waitFor();
    await everyScreen(one, scheme, address);
    await everyDialog(one, scheme, address);
    judge(one);
    await one.context().close();
  }
  await byKeyboard(page);
  judge(page);
  const fresh = await open();
  await weight(fresh, address);
  judge(fresh);
  // Nobody touched this page, and that a message waits for too long is no event.
  await heading(still, 'Two things need you').waitFor();
  judge(still);
  await pictures(address);
});
