// How long the table of thousands of mailboxes lets an admin wait: to see it, to sort it, to find one in it.
import {given, heading, logIn, open, run, until, visit, world} from './driver.mjs';

await run(async () => {
  const page = await open();
  await page.goto(given.page);
  await logIn(page);
  await page.getByRole('link', {name: 'Mailboxes'}).waitFor();
  const first = () => page.locator('tbody tr a').first().getAttribute('href');
  const timed = async (action, changed) => {
    const begun = performance.now();
    await action();
    await until('the table', changed, true);
    return performance.now() - begun;
  };
  const seen = await timed(() => page.goto(`${given.page}/#/mailboxes`), async () => await page.locator('tbody tr').count() > 0);
  await heading(page, 'Mailboxes').waitFor();
  const before = await first();
  const sorted = await timed(() => page.getByRole('button', {name: 'Mailbox', exact: true}).click(), async () => await first() !== before);
  const found = await timed(() => page.getByRole('searchbox').fill(given.wanted), async () => await page.locator('tbody tr').count() === 1);
  await visit(page, 'overview', /./);
  await world('figures', {seen, sorted, found});
});
