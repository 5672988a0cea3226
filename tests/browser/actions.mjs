// What admins do to a mailbox that exists: suspend, change and reset its password, unlock, delete and undo; and
// accounts, tokens, the search in the table, and the drain. Each is looked at from outside, too.
import {accessible, createMailbox, expect, judge, logIn, open, run, setUp, until, visit, world} from './driver.mjs';

const press = (page, name) => page.getByRole('button', {name, exact: true}).first().click();
const inDialog = (page, name) => page.getByRole('dialog').getByRole('button', {name, exact: true}).click();
const badge = (page) => page.locator('header .badge').innerText();

async function suspendAndActivate(page, address) {
  await press(page, 'Suspend');
  await page.getByRole('dialog').getByText(/Exchange Online gives up tomorrow/).waitFor();
  await accessible(page, 'suspending');
  await inDialog(page, 'Suspend');
  await until('the badge', () => badge(page), 'Suspended');
  expect(await world('rcpt', address) === '450', 'a suspended mailbox takes mail');
  await press(page, 'Activate');
  await until('the badge', () => badge(page), 'Active');
  expect(await world('rcpt', address) === '250', 'an active mailbox takes no mail');
}

async function shownOnce(page) {
  const dialog = page.getByRole('dialog', {name: /^Store the password/});
  const password = await dialog.locator('.password code').textContent();
  await dialog.getByLabel('I have stored').check();
  await dialog.getByRole('button', {name: 'Done'}).click();
  await dialog.waitFor({state: 'detached'});
  return password;
}

async function changePassword(page, mailbox) {
  page.seen.expected.add(403);
  await press(page, 'Change password');
  await page.getByLabel('Present password').fill('not it');
  await inDialog(page, 'Set a new password');
  await page.getByRole('dialog').getByText(/password/i).last().waitFor();
  await until('the refusal', async () => (await page.getByRole('dialog').getByRole('alert').innerText()).length > 10, true);
  await page.getByLabel('Present password').fill(mailbox.password);
  await inDialog(page, 'Set a new password');
  const fresh = await shownOnce(page);
  expect(await world('waits', mailbox.address, fresh) === 1, 'the new password does not open what waits');
  return fresh;
}

async function resetAndUnlock(page, mailbox, earlier) {
  await press(page, 'Reset');
  await page.getByRole('dialog').getByText('1 message waits and will be locked.').waitFor();
  await accessible(page, 'resetting');
  await page.getByLabel('I know that what waits will be locked').check();
  await inDialog(page, 'Reset password');
  const present = await shownOnce(page);
  await page.getByText('need an earlier password').first().waitFor();
  expect(await world('waits', mailbox.address, present) === 0, 'a reset opens what waited');
  await press(page, 'Unlock earlier mail');
  await page.getByLabel('Earlier password').fill(earlier);
  await page.getByLabel('Present password').fill(present);
  await inDialog(page, 'Unlock');
  await page.getByRole('dialog').waitFor({state: 'detached'});
  expect(await world('waits', mailbox.address, present) === 1, 'unlocking does not open what waited');
}

async function deleteAndUndo(page, address) {
  await press(page, 'Delete');
  await page.getByText(/^Mail came .* ago/).waitFor();
  await page.getByText('1 message still waits.').waitFor();
  await accessible(page, 'deleting');
  await inDialog(page, 'Delete');
  expect(await page.getByRole('dialog').isVisible(), 'it was deleted without a tick');
  await page.getByLabel('Discard 1 message').check();
  await page.getByLabel('Nothing sends to this mailbox any more').check();
  await inDialog(page, 'Delete');
  await until('the badge', () => badge(page), 'Deleted');
  expect(await world('rcpt', address) === '550', 'a deleted mailbox takes mail');
  await press(page, 'Undo the deletion');
  await until('the badge', () => badge(page), 'Active');
}

async function searchAndSort(page) {
  await createMailbox(page, 'Zebra');
  await createMailbox(page, 'Alpaca');
  await visit(page, 'mailboxes', 'Mailboxes');
  const names = async () => (await page.locator('tbody tr b').allInnerTexts()).join();
  await until('the table', names, 'Alpaca,Contoso,Zebra');
  await page.getByRole('button', {name: 'Mailbox', exact: true}).click();
  await until('the table, the other way round', names, 'Zebra,Contoso,Alpaca');
  expect(await page.locator('th[aria-sort]').getAttribute('aria-sort') === 'descending', 'the order is not told');
  await page.getByRole('searchbox').fill('alp');
  await until('what was found', names, 'Alpaca');
  await page.reload();
  await until('what was found, after a reload', names, 'Alpaca');
  await page.getByRole('searchbox').fill('nobody');
  await page.getByText('No mailbox fits').waitFor();
  await accessible(page, 'an empty search');
  await page.getByRole('button', {name: 'Show all mailboxes'}).click();
  await until('all', async () => (await names()).split(',').length, 3);
}

async function accountsAndTokens(page) {
  await visit(page, 'access', 'Access');
  await press(page, 'Create account');
  await page.getByRole('dialog').getByLabel('Name').fill('berta');
  await page.getByLabel('Password', {exact: true}).fill('another good password');
  await page.getByLabel('The same again').fill('another good passwort');
  await inDialog(page, 'Create account');
  await page.getByText('The two passwords differ').waitFor();
  await page.getByLabel('The same again').fill('another good password');
  await inDialog(page, 'Create account');
  await page.getByRole('cell', {name: 'berta', exact: true}).waitFor();
  await press(page, 'Create token');
  await page.getByLabel('Held by').fill('monitoring');
  await inDialog(page, 'Create token');
  const token = await page.locator('dialog .copy code').textContent();
  expect(await world('token', token) === 200, 'the token opens nothing');
  await accessible(page, 'a token, shown once');
  await page.getByLabel('I have stored the token').check();
  await inDialog(page, 'Done');
  await page.getByRole('button', {name: 'Revoke the token of monitoring'}).click();
  await inDialog(page, 'Revoke');
  await page.getByText('No program has access').waitFor();
  expect(await world('token', token) === 401, 'a revoked token opens something');
  const berta = await open();
  await berta.goto(new URL(page.url()).origin);
  await logIn(berta, 'berta', 'another good password');
  await berta.getByText('berta', {exact: true}).waitFor();
  await page.getByRole('button', {name: 'Remove the account berta'}).click();
  await inDialog(page, 'Remove');
  berta.seen.expected.add(401);
  await berta.getByRole('dialog', {name: 'Please log in again'}).waitFor();  // its session has ended, and the page sees it
  judge(berta);
}

async function drainAndTakeMailAgain(page) {
  await visit(page, 'overview', /./);
  await press(page, 'Drain this node');
  await page.getByRole('dialog').getByText('This node knows no twin.').waitFor();
  await accessible(page, 'the question before a drain');
  await inDialog(page, 'Drain this node');
  expect(await page.getByRole('dialog').isVisible(), 'it drains without a tick');
  await page.getByLabel('I know that').check();
  await page.getByLabel('For').selectOption('1h');
  await inDialog(page, 'Drain this node');
  await page.getByText(/^The drain ends .* in (59 min|1 h)/).waitFor();
  expect((await world('greeting')).startsWith('421 4.3.2'), 'senders are not sent on');
  await accessible(page, 'a node that drains');
  await press(page, 'End the drain');
  await page.getByRole('button', {name: 'Drain this node'}).waitFor();
  expect((await world('greeting')).startsWith('220'), 'mail is not taken again');
}

await run(async () => {
  const page = await open();
  await setUp(page, await world('link'));
  const mailbox = await createMailbox(page, 'Contoso');
  await suspendAndActivate(page, mailbox.address);
  await world('deliver', mailbox.address);
  await until('the count', () => page.locator('.cards .figure').first().innerText(), '1');
  const fresh = await changePassword(page, mailbox);
  await resetAndUnlock(page, mailbox, fresh);
  await deleteAndUndo(page, mailbox.address);
  await searchAndSort(page);
  await accountsAndTokens(page);
  await drainAndTakeMailAgain(page);
  judge(page);
});
