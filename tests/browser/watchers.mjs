// Admins who have the page open, on the overview and on the table, while mail comes in.
import {given, logIn, open, run, world} from './driver.mjs';

await run(async () => {
  for (let number = 0; number < given.admins; ++number) {
    const page = await open();
    await page.goto(`${given.page}/${number % 2 ? '#/mailboxes' : ''}`);
    await logIn(page);
    await page.getByRole('link', {name: 'Mailboxes'}).waitFor();
  }
  await world('watched');
});
