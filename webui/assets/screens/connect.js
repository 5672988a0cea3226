// What to enter in senders and archivers, ready to be pasted. Quotes every name that goes into a
// command: an admin pastes these into a shell.
import {h} from '../dom.js';
import {copyBlock, facts, notice, tabs} from '../parts.js';
import * as state from '../state.js';
import {text} from '../text.js';

const t = text.connect;

/** A PowerShell string; it takes four other characters for quotes as well. */
const powerShell = (value) => `'${value.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;
const selfSigned = () => state.status?.certificate?.source === 'self-signed';

function pop3(mailbox) {
  const {pop3s, pop3: plain} = mailbox.ports ?? {};
  return {scheme: pop3s ? 'pop3s' : 'pop3', port: pop3s ?? plain, usual: pop3s ? 995 : 110};
}

export function curlLine(mailbox, path = '') {
  const {scheme, port, usual} = pop3(mailbox);
  const host = port && port !== usual ? `${mailbox.host}:${port}` : mailbox.host;
  return ['curl', scheme === 'pop3' && '--ssl-reqd', selfSigned() && '--insecure', `${scheme}://${host}/${path}`, '-u', mailbox.address].filter(Boolean).join(' ');
}

/** Rows of host, ports and log-in: one host for each node. */
export function archiverFacts(mailbox) {
  const {pop3s, pop3: plain} = mailbox.ports ?? {};
  const ports = [pop3s && t.pop3s(pop3s), plain && t.stls(plain)].filter(Boolean).join(t.or);
  return [[t.host, h('code', {text: mailbox.host})], [t.port, ports || t.noPort], [t.login, h('code', {text: mailbox.address})]];
}

const steps = (list) => h('ol', {class: 'stack'}, list.map((one) => h('li', {}, one)));

function exchangeOnline(mailbox) {
  return [h('p', {}, t.exo.intro),
    copyBlock(`Set-TransportConfig -JournalingReportNdrTo ${t.outside}\nNew-JournalRule -Name ${powerShell(mailbox.name)} -JournalEmailAddress ${mailbox.email} -Scope Global -Enabled $true`, t.exo.title),
    h('p', {}, t.exo.tls),
    copyBlock(`New-OutboundConnector -Name ${powerShell(`Postern ${domainOf(mailbox)}`)} -ConnectorType Partner -RecipientDomains ${domainOf(mailbox)} -UseMXRecord $true -TlsSettings ${selfSigned() ? 'EncryptionOnly' : 'CertificateValidation'}`, t.exo.connector),
    h('p', {class: 'quiet', text: t.exo.tries})];
}

const domainOf = (mailbox) => mailbox.email.split('@')[1];

function exchange(mailbox) {
  const contact = powerShell(`${mailbox.name} journal`);
  return [h('p', {}, t.exchange.intro),
    copyBlock(`New-MailContact -Name ${contact} -ExternalEmailAddress ${mailbox.email}\nSet-MailContact ${contact} -HiddenFromAddressListsEnabled $true\nNew-SendConnector -Name ${powerShell(`Postern ${domainOf(mailbox)}`)} -AddressSpaces ${domainOf(mailbox)} -DNSRoutingEnabled $true\nSet-TransportConfig -JournalingReportNdrTo ${t.ndr}`, t.exchange.title),
    h('p', {}, t.exchange.rule),
    copyBlock(`New-JournalRule -Name ${powerShell(mailbox.name)} -JournalEmailAddress ${mailbox.email} -Scope Global -Enabled $true`, t.exchange.premium),
    h('p', {}, t.exchange.orDatabase),
    copyBlock(`Get-MailboxDatabase | Set-MailboxDatabase -JournalRecipient ${mailbox.email}`, t.exchange.standard),
    h('p', {class: 'quiet', text: t.exchange.tries})];
}

function google(mailbox) {
  return [selfSigned() && notice({title: t.google.selfSigned, body: [t.google.selfSignedWhat, ' ', h('a', {href: '#/certificate', text: text.menuOf.certificate})]}),
    h('p', {}, t.google.intro), steps(t.google.steps), copyBlock(mailbox.email, t.address), h('p', {class: 'quiet', text: t.google.note})].filter(Boolean);
}

function postfix(mailbox) {
  return [h('p', {}, t.postfix.intro), copyBlock(`postconf -e 'always_bcc = ${mailbox.email}'\npostconf -e 'smtp_tls_security_level = may'\npostfix reload`, t.postfix.title),
    h('p', {}, t.postfix.some), copyBlock(`echo '@example.com ${mailbox.email}' >> /etc/postfix/journal\npostmap /etc/postfix/journal\npostconf -e 'recipient_bcc_maps = hash:/etc/postfix/journal' 'sender_bcc_maps = hash:/etc/postfix/journal'\npostfix reload`, t.postfix.maps),
    h('p', {class: 'quiet', text: t.postfix.note})];
}

function other(mailbox) {
  return [h('p', {}, t.other.intro), copyBlock(mailbox.email, t.address), steps(t.other.steps)];
}

function mailStore(mailbox) {
  return [h('p', {}, t.mailstore.intro), facts(...archiverFacts(mailbox), [t.password, t.onlyYou]), steps([...(selfSigned() ? [t.mailstore.selfSigned] : []), ...t.mailstore.steps])];
}

function otherArchiver(mailbox) {
  return [h('p', {}, t.archiver.intro), facts(...archiverFacts(mailbox), [t.password, t.onlyYou], [t.encryption, t.always]), h('p', {class: 'quiet', text: t.archiver.note})];
}

function curl(mailbox) {
  return [h('p', {}, t.curl.list), copyBlock(curlLine(mailbox), t.curl.listTitle), h('p', {}, t.curl.first), copyBlock(curlLine(mailbox, '1'), t.curl.firstTitle), h('p', {class: 'quiet', text: t.curl.note})];
}

/** Both sides; `printed` prints the values. */
export function connectSheet(mailbox, printed) {
  const entry = (key, label, panel) => ({key, label, panel: () => panel(mailbox)});
  return h('section', {class: 'half'},
    h('div', {class: 'card roomy'}, h('h2', {text: t.senders}), h('p', {class: 'quiet', text: t.sendersIntro}),
      tabs(t.senders, [entry('exo', t.exo.name, exchangeOnline), entry('exchange', t.exchange.name, exchange), entry('google', t.google.name, google), entry('postfix', t.postfix.name, postfix), entry('other', t.other.name, other)])),
    h('div', {class: 'card roomy'}, h('div', {class: 'page'}, h('h2', {text: t.archivers}), h('button', {type: 'button', text: t.print, onclick: printed})), h('p', {class: 'quiet', text: t.archiversIntro}),
      tabs(t.archivers, [entry('mailstore', t.mailstore.name, mailStore), entry('archiver', t.archiver.name, otherArchiver), entry('curl', 'curl', curl)])));
}
