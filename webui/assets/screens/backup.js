// Export of all records, and import with a preview of what it would change.
import {ApiError, file, post} from '../api.js';
import {attempt, sentence, toast} from '../dialog.js';
import {h, replace} from '../dom.js';
import * as format from '../format.js';
import {checkPair} from '../enter.js';
import {badge, facts, field, head, notice, passwordField, save, tick} from '../parts.js';
import {busy} from '../progress.js';
import {text} from '../text.js';

const t = text.backup;
const MOST = 35 * 1024 * 1024;  // octets of a file that an import takes; base64 makes a third more

async function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => reject(new ApiError('unreadable', t.unreadable));
    reader.readAsDataURL(blob);
  });
}

async function isSealed(blob) {
  const start = await blob.slice(0, 64).text();
  return start.startsWith('age-encryption.org/') || start.startsWith('-----BEGIN AGE');
}

function exportCard() {
  const error = h('div', {class: 'error', role: 'alert'});
  const button = h('button', {class: 'primary', type: 'submit', text: t.export});
  const form = h('form', {class: 'stack', onsubmit: async (event) => {
    event.preventDefault();
    error.textContent = '';
    const values = Object.fromEntries(new FormData(form));
    try {
      checkPair(values.passphrase, values.again, form);
      await busy(button, async () => {
        const {blob, name, unreadable} = await file('/backup/export', {...(values.passphrase && {passphrase: values.passphrase}), ...(values.with_admins && {with_admins: true})});
        save(blob, name ?? t.fileName(values.passphrase ? '.toml.age' : '.toml'));
        toast(t.exported);
        if (unreadable) error.textContent = t.exportUnreadable(unreadable);
      });
      form.reset();
    } catch (thrown) {
      error.textContent = sentence(thrown);
    }
  }}, h('p', {text: t.exportIntro}),
  passwordField(t.passphrase, 'passphrase', {required: false, autocomplete: 'new-password', hint: t.passphraseHint}),
  passwordField(t.again, 'again', {required: false, autocomplete: 'new-password'}), tick(t.withAdmins, 'with_admins'), error, h('div', {class: 'row'}, button));
  return h('section', {class: 'card roomy'}, h('h2', {text: t.exportTitle}), form);
}

function changeRow(change) {
  return h('tr', {}, h('td', {}, h('b', {text: change.name ?? t.unnamed}), h('div', {class: 'quiet-address mono', text: change.address})),
    h('td', {class: 'tight'}, change.new ? badge(t.new) : change.held_back ? badge(t.heldBack, 'warn') : badge(t.changed, 'off')),
    h('td', {}, h('ul', {}, change.changes.map((one) => h('li', {text: one})))));
}

function preview(found) {
  const held = found.changes.some((one) => one.held_back);
  return [
    facts([t.madeOn, t.madeBy(found.hostname, format.moment(found.at))], [t.domain, found.domain], [t.holds, t.mailboxes(found.mailboxes)]),
    found.distrusted.length > 0 && notice({title: t.distrusted, body: [t.distrustedWhat, h('ul', {}, found.distrusted.map((one) => h('li', {text: one})))]}),
    found.trusted.length > 0 && notice({kind: 'good', title: t.willTrust, body: h('ul', {}, found.trusted.map((one) => h('li', {text: one})))}),
    found.admins.length > 0 && h('div', {}, h('h3', {text: t.admins}), h('ul', {}, found.admins.map((one) => h('li', {text: one})))),
    found.changes.length ? h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.previewTitle}), h('thead', {}, h('tr', {}, t.columns.map((name) => h('th', {scope: 'col', text: name})))), h('tbody', {}, found.changes.map(changeRow))))
      : notice({kind: 'good', title: t.nothing}),
    held && h('p', {class: 'quiet', text: t.heldBackWhat}),
  ];
}

/** The form, and the place below for what it found. */
function importCard() {
  const error = h('div', {class: 'error', role: 'alert'});
  const result = h('div', {class: 'stack', role: 'status'});
  const chooser = h('input', {type: 'file', required: true});
  const passphrase = passwordField(t.importPassphrase, 'passphrase', {required: false});
  passphrase.hidden = true;
  const options = h('fieldset', {}, h('legend', {text: t.options}), tick(t.trust, 'trust'), tick(t.importAdmins, 'with_admins'), tick(t.domainDiffers, 'domain_differs'));
  const button = h('button', {type: 'submit', class: 'primary', text: t.preview});
  const form = h('form', {class: 'stack', onsubmit: (event) => { event.preventDefault(); run(look); }}, h('p', {text: t.importIntro}), field(t.file, '', {control: chooser}), passphrase, options, error, h('div', {class: 'row'}, button));
  chooser.addEventListener('change', async () => {
    result.replaceChildren();
    error.textContent = '';
    passphrase.hidden = !(chooser.files[0] && await isSealed(chooser.files[0]));
    passphrase.querySelector('input').required = !passphrase.hidden;
  });
  options.addEventListener('change', () => { if (result.hasChildNodes() || error.textContent) run(look); });

  async function request() {
    const chosen = chooser.files[0];
    if (!chosen) throw new ApiError('no_file', t.noFile);
    if (chosen.size > MOST) throw new ApiError('too_large', t.tooLarge(format.size(MOST)));
    const values = new FormData(form);
    const on = (name) => values.get(name) ? {[name]: true} : {};
    return {backup: await base64(chosen), ...(!passphrase.hidden && {passphrase: values.get('passphrase')}), ...on('trust'), ...on('with_admins'), ...on('domain_differs')};
  }
  async function run(action) {
    error.textContent = '';
    try {
      await busy(button, action);
    } catch (thrown) {
      result.replaceChildren();
      error.textContent = sentence(thrown);
    }
  }
  async function look() {
    const found = await post('/backup/preview', await request());
    const take = h('button', {type: 'button', class: 'primary', text: t.import(found.changes.length), onclick: () => attempt(take, bring)});
    const any = found.changes.length > 0 || found.admins.length > 0 || found.trusted.length > 0;
    replace(result, h('div', {class: 'card roomy'}, h('h2', {text: t.previewTitle, tabIndex: -1}), preview(found), any && h('div', {class: 'row'}, take)));
    result.querySelector('h2').focus();
  }
  async function bring() {
    const done = await post('/backup/import', await request());
    replace(result, notice({kind: 'good', title: t.imported(done.changes.length), body: h('a', {href: '#/mailboxes', text: text.menuOf.mailboxes})}));
    toast(t.imported(done.changes.length));
    form.reset();
    passphrase.hidden = true;
  }
  return [h('section', {class: 'card roomy'}, h('h2', {text: t.importTitle}), form), result];
}

export async function open() {
  const [importing, result] = importCard();
  return {title: t.title, element: h('div', {class: 'screen'}, head(t.title), h('p', {class: 'quiet', text: t.intro}), h('div', {class: 'half'}, exportCard(), importing), result)};
}
