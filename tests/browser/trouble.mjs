// What goes wrong while somebody uses the page: a wrong password, a session that ends, two admins at once, a
// dialog closed too early, a gateway that stops, and senders who write markup. Each is said, nothing is lost.
import {accessible, createMailbox, expect, given, heading, judge, logIn, open, run, setUp, until, visit, world} from './driver.mjs';

const MARKUP = '<img src=x onerror="document.title=\'hit\'"><script>document.title="hit"</script>';

async function wrongPassword(page) {
  page.seen.expected.add(401);
  await page.goto(given.page);
  await logIn(page, 'anna', 'not the password');
  const said = page.getByRole('alert');
  await until('the refusal', async () => (await said.innerText()).length > 10, true);
  expect(!/anna/.test(await said.innerText()), 'the refusal tells names');
  await accessible(page, 'a refused log-in');
  expect(await page.evaluate(() => document.activeElement.type) === 'password', 'the password is not ready to be typed again');
  await logIn(page);
  await heading(page, 'Everything is well').waitFor();
}

/** The session ends while a form is filled in: log in over it, and what was asked for is done. */
async function sessionEnds(page) {
  await visit(page, 'mailboxes', 'Mailboxes');
  await page.getByRole('button', {name: 'Create mailbox'}).first().click();
  await page.getByRole('dialog').getByLabel('Name', {exact: true}).fill('Typed before');
  await page.context().clearCookies();
  await page.getByRole('button', {name: 'Create', exact: true}).click();
  const again = page.getByRole('dialog', {name: 'Please log in again'});
  await again.waitFor();
  await accessible(page, 'the log-in over the page');
  await page.keyboard.press('Escape');
  expect(await again.isVisible(), 'the log-in over the page can be closed');
  await again.getByLabel('Password').fill('correct horse battery');
  await again.getByRole('button', {name: 'Log in'}).click();
  const dialog = page.getByRole('dialog', {name: 'Store the password of Typed before now'});
  await dialog.waitFor();
  return dialog;
}

/** Closed before the tick: first it says what that means; then the mailbox is suspended, and says so. */
async function closedTooEarly(page, dialog) {
  const password = await dialog.locator('.password code').textContent();
  await accessible(page, 'the password');
  expect(await dialog.getByRole('button', {name: 'Activate mailbox'}).isDisabled(), 'the mailbox can be activated before the tick');
  await dialog.getByRole('button', {name: 'Copy: Password'}).click();
  await until('the clipboard', () => page.evaluate(() => navigator.clipboard.readText()), password);
  await page.evaluate(() => { globalThis.print = () => {}; });
  await dialog.getByRole('button', {name: 'Print sheet'}).click();
  await page.emulateMedia({media: 'print'});
  const printed = await page.locator('body').innerText();
  expect(printed.includes(password) && printed.includes('POP3'), `the sheet does not show the password: ${printed}`);
  expect(!printed.includes('I have stored') && !printed.includes('Log out'), `more than the sheet is printed: ${printed}`);
  await page.emulateMedia({media: 'screen'});
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  expect(await page.locator('.sheet').count() === 0, 'the printed sheet stays in the page');
  await page.keyboard.press('Escape');
  await dialog.getByText('has not been marked as stored').waitFor();
  await page.keyboard.press('Escape');
  expect(await dialog.isVisible(), 'a second Escape closes the dialog');
  await accessible(page, 'what closing means');
  await dialog.getByRole('button', {name: 'Back to the password'}).click();
  expect(await dialog.locator('.password code').textContent() === password, 'the password is gone after coming back');
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', {name: 'Close without the password'}).click();
  await heading(page, 'Typed before').waitFor();
  await page.getByText('This mailbox is suspended').waitFor();
  expect(!(await page.content()).includes(password), 'the password is still in the page');
  const kept = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.cookie]));
  expect(!kept.includes(password), 'the password is in the browser\'s storage');
}

async function twoAdmins(page, other) {
  other.seen.expected.add(401);
  await other.goto(given.page);
  await logIn(other);
  await heading(other, 'Everything is well').waitFor();
  const address = page.url().split('/').pop();
  await other.goto(page.url());
  await heading(other, 'Typed before').waitFor();
  const edit = async (where, label, value) => {
    await where.getByRole('button', {name: 'Edit', exact: true}).first().click();
    await where.getByRole('dialog').getByLabel(label, {exact: true}).fill(value);
  };
  const save = (where) => where.getByRole('dialog').getByRole('button', {name: 'Save'}).click();
  page.seen.expected.add(412);
  await edit(page, 'Description', 'what this admin typed');
  await edit(other, 'Name', 'Renamed by the other');
  await save(other);
  await heading(other, 'Renamed by the other').waitFor();
  await save(page);
  const said = page.getByRole('dialog').getByRole('alert');
  await said.getByText('Renamed by the other').waitFor();
  await accessible(page, 'an edit that came too late');
  expect(await page.getByLabel('Description', {exact: true}).inputValue() === 'what this admin typed', 'what was typed is lost');
  expect((await world('show', address)).description === '', 'an edit that came too late was saved');
  await save(page);
  await page.getByText('what this admin typed').first().waitFor();
  const now = await world('show', address);
  expect(now.description === 'what this admin typed', 'the second save was not carried out');
}

/** The page says so, keeps what it shows, and is back without a reload. */
async function gatewayStops(page) {
  await visit(page, 'overview', 'Everything is well');
  await page.getByText('Just now', {exact: true}).waitFor();
  page.seen.gone = true;
  await world('stop');
  await page.getByText('The gateway does not answer.').waitFor();
  expect(await heading(page, 'Everything is well').isVisible(), 'what was shown is gone');
  await accessible(page, 'a page without its gateway');
  await world('start');
  const again = page.getByRole('dialog', {name: 'Please log in again'});  // sessions live in the server's memory
  await again.getByLabel('Password').fill('correct horse battery');
  await again.getByRole('button', {name: 'Log in'}).click();
  await until('the banner', () => page.locator('.banner').isVisible(), false);
  await again.waitFor({state: 'detached'});
  await visit(page, 'settings', 'Settings');
  page.seen.gone = false;
}

/** Nothing that a name, a description, a sender or the log holds becomes markup. */
async function markup(page) {
  const mailbox = await createMailbox(page, MARKUP);
  await world('describe', mailbox.address, `described ${MARKUP}`);
  await world('deliver', mailbox.address, `subject ${MARKUP}`);
  await page.getByText('described <img').waitFor();
  await page.getByLabel('Password of the mailbox').fill(mailbox.password);
  await page.getByRole('button', {name: 'Look inside'}).click();
  await page.getByText('subject <img').waitFor();
  for (const [hash, title, shown] of [['mailboxes', 'Mailboxes', '<img src=x'], ['log?contains=onerror', 'Log', '<img src=x'], ['overview', 'Everything is well', '<img src=x']]) {
    await visit(page, hash, title);
    await page.getByText(shown).first().waitFor();
    expect(await page.locator('img, script:not([src]), iframe').count() === 0, `markup has become elements on ${hash}`);
  }
  expect(await page.title() !== 'hit', 'a script of somebody else ran');
}

/** Nor does what a backup of somebody else holds, before it is imported and after. */
async function markupInBackup(page) {
  const harmless = async (where) => {
    expect(await page.locator('img, script:not([src]), iframe').count() === 0, `markup has become elements ${where}`);
    expect(await page.title() !== 'hit', `a script of somebody else ran ${where}`);
  };
  await visit(page, 'backup', 'Backup');
  await page.locator('input[type=file]').setInputFiles(await world('backup', MARKUP));
  await page.getByRole('button', {name: 'Show what would change'}).click();
  await page.getByText('host <img').waitFor();
  await page.getByLabel('Trust the servers that signed it').check();
  await page.getByRole('cell', {name: 'imported <img'}).first().waitFor();
  await harmless('in the preview');
  await page.getByRole('button', {name: /^Import \d/}).click();
  await page.getByText('Imported: 1 mailbox has changed.').first().waitFor();
  await harmless('after the import');
  await visit(page, 'mailboxes', 'Mailboxes');
  await page.getByText('imported <img').waitFor();
  await page.getByText('described <img').nth(1).waitFor();
  await harmless('in the table');
}

await run(async () => {
  const first = await open();
  await setUp(first, await world('link'));
  const page = await open();
  await wrongPassword(page);
  const dialog = await sessionEnds(page);
  await closedTooEarly(page, dialog);
  const other = await open();
  await twoAdmins(page, other);
  await markup(page);
  await markupInBackup(page);
  first.seen.expected.add(401);
  for (const done of [first, other]) {
    judge(done);
    await done.context().close();
  }
  await gatewayStops(page);
  judge(page);
});
