// The whole way: set-up link, mailbox, a report by SMTP, its count on the page, a look inside, fetched by
// POP3, restored, exported, imported on a second gateway, where the same password logs in by POP3.
import {accessible, createMailbox, expect, given, judge, open, run, setUp, until, visit, world} from './driver.mjs';

const SUBJECT = 'Grüße über den Quartalsbericht';

const figure = (page, title) => page.locator('.card', {has: page.getByRole('heading', {name: title, exact: true})}).locator('.figure').innerText();

async function lookInside(page, mailbox) {
  await page.getByLabel('Password of the mailbox').fill(mailbox.password);
  await page.getByRole('button', {name: 'Look inside'}).click();
  const row = page.getByRole('row', {name: SUBJECT});
  await row.waitFor();
  await row.getByRole('button', {name: 'Show'}).click();
  const shown = page.getByRole('dialog').locator('pre');
  expect((await shown.innerText()).includes('X-MS-Journal-Report'), 'the message is not shown');
  await accessible(page, 'a message');
  await page.getByRole('dialog').getByRole('button', {name: 'Close'}).click();
  const [download] = await Promise.all([page.waitForEvent('download'), row.getByRole('button', {name: 'Save'}).click()]);
  await download.saveAs(`${given.downloads}/message.eml`);
  await world('saved', `${given.downloads}/message.eml`);
  await page.getByRole('button', {name: 'Close and forget'}).click();
  expect(await page.getByLabel('Password of the mailbox').inputValue() === '', 'the password is still there');
}

async function restore(page) {
  await page.getByRole('button', {name: 'Look for messages'}).click();
  await page.getByRole('checkbox', {name: 'All'}).check();
  await page.getByRole('button', {name: 'Restore 1 message'}).click();
  await page.getByText('There is none').waitFor();
}

async function exported(page) {
  await visit(page, 'backup', 'Backup');
  await page.getByLabel('Passphrase (optional)').fill('a backup needs a passphrase');
  await page.getByLabel('The same again').fill('a backup needs a passphrase');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'Export'}).click()]);
  expect(/\.toml\.age$/.test(download.suggestedFilename()), `the backup is called ${download.suggestedFilename()}`);
  const path = `${given.downloads}/${download.suggestedFilename()}`;
  await download.saveAs(path);
  return path;
}

async function imported(page, file, name) {
  await visit(page, 'backup', 'Backup');
  await page.getByLabel('Backup file').setInputFiles(file);
  await page.getByLabel('Passphrase of the file').fill('a backup needs a passphrase');
  await page.getByRole('button', {name: 'Show what would change'}).click();
  await page.getByRole('heading', {name: 'What would change'}).waitFor();
  await page.getByRole('cell', {name}).first().waitFor();
  await accessible(page, 'the preview of an import');
  expect(await world('knows') === 0, 'a preview has changed something');
  await page.getByRole('button', {name: /^Import 1 change/}).click();
  await page.getByText('Imported: 1 mailbox has changed.').first().waitFor();
}

await run(async () => {
  const page = await open();
  await setUp(page, await world('link'));
  expect(!page.url().includes('setup='), 'the token of the set-up link still stands in the address');
  await page.getByRole('heading', {name: 'Create your first mailbox'}).waitFor();
  const mailbox = await createMailbox(page, 'Contoso');
  const waiting = () => figure(page, 'Waiting');
  expect(await waiting() === '0', 'a new mailbox is not empty');
  await world('deliver', mailbox.address, SUBJECT);
  await until('the count after a report came, without a reload', waiting, '1');
  await visit(page, 'overview', 'Everything is well');
  await until('received today', () => figure(page, 'Received today'), '1');
  await page.getByRole('link', {name: 'Contoso'}).first().waitFor();  // just now
  await visit(page, `mailboxes/${mailbox.address}`, 'Contoso');
  await lookInside(page, mailbox);
  await world('fetch', mailbox.address, mailbox.password);
  await until('the count after it was fetched', waiting, '0');
  await restore(page);
  await until('the count after it was restored', waiting, '1');
  const file = await exported(page);

  const second = await open();
  await setUp(second, await world('link', 'second'));
  await imported(second, file, 'Contoso');
  await world('logIn', mailbox.address, mailbox.password);
  await visit(second, `mailboxes/${mailbox.address}`, 'Contoso');
  judge(page);
  judge(second, new URL(second.url()).origin);
  await world('secrecy', [mailbox.password, 'correct horse battery', 'a backup needs a passphrase']);
});
