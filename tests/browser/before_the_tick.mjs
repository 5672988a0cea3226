// While the password is shown and not yet ticked, the mailbox puts senders off.
import {heading, judge, open, run, setUp, visit, world} from './driver.mjs';

await run(async () => {
  const page = await open();
  await setUp(page, await world('link'));
  await visit(page, 'mailboxes', 'Mailboxes');
  await page.getByRole('button', {name: 'Create mailbox'}).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', {exact: true}).fill('Contoso');
  await dialog.getByRole('button', {name: 'Create', exact: true}).click();
  await dialog.locator('.password code').waitFor();
  await world('refused', await dialog.locator('dd code').textContent());
  await dialog.getByLabel('I have stored the password').check();
  await dialog.getByRole('button', {name: 'Activate mailbox'}).click();
  await heading(page, 'Contoso').waitFor();
  judge(page);
});
