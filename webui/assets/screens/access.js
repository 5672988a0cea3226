// Who may use this page and the API: accounts of people, tokens of programs.
import {get, post, remove, session} from '../api.js';
import {ask, show, toast} from '../dialog.js';
import {h, replace} from '../dom.js';
import {checkPair} from '../enter.js';
import {badge, copyBlock, empty, field, head, passwordField, select, tick, time} from '../parts.js';
import {text} from '../text.js';

const t = text.access;
const list = (answer, name) => Array.isArray(answer) ? answer : answer[name];
const own = (name) => name === session.name;

function passwords(label) {
  return [passwordField(label, 'password', {autocomplete: 'new-password', minlength: '12', hint: text.enter.passwordHint(12)}), passwordField(text.enter.again, 'again', {autocomplete: 'new-password'})];
}

function createAccount() {
  return ask({
    title: t.createTitle, submit: t.create,
    body: [field(t.name, 'name', {required: true, maxlength: '64', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false'}), passwords(t.password), h('p', {class: 'quiet', text: t.createWhat})],
    async action({name, password, again}, {form}) {
      checkPair(password, again, form);
      await post('/accounts', {name, password});
      toast(t.created(name));
      return true;
    },
  });
}

function setPassword(account) {
  return ask({
    title: t.passwordTitle(account.name), submit: t.setPassword,
    body: [passwords(t.newPassword), h('p', {class: 'quiet', text: own(account.name) ? t.passwordOwn : t.passwordOther})],
    async action({password, again}, {form}) {
      checkPair(password, again, form);
      await post(`/accounts/${encodeURIComponent(account.name)}/password`, {password});
      toast(t.passwordSet(account.name));
      return true;
    },
  });
}

function removeAccount(account) {
  return ask({
    title: t.removeTitle(account.name), submit: t.remove, danger: true, body: h('p', {text: t.removeWhat}),
    async action() {
      await remove(`/accounts/${encodeURIComponent(account.name)}`);
      toast(t.removed(account.name));
      return true;
    },
  });
}

async function createToken() {
  const made = await ask({
    title: t.tokenTitle, submit: t.createToken,
    body: [field(t.tokenName, 'name', {required: true, maxlength: '64', autocomplete: 'off', hint: t.tokenNameHint}), field(t.scope, 'scope', {control: select(Object.entries(t.scopes).filter(([scope]) => scope !== 'join'), 'read')})],
    action: ({name, scope}) => post('/tokens', {name, scope}),
  });
  if (!made) return undefined;
  const done = h('button', {class: 'primary', disabled: true, text: text.once.done});
  const stored = tick(t.tokenStored, 'stored', {onchange: (event) => { done.disabled = !event.target.checked; }});
  await show({title: t.tokenOnce, body: h('form', {method: 'dialog'}, h('p', {text: t.tokenOnceWhat}), copyBlock(made.token, t.token), stored, h('div', {class: 'row end'}, h('button', {type: 'submit', text: text.close}), done))}).closed;
  return true;
}

function removeToken(token) {
  return ask({
    title: t.revokeTitle(token.name), submit: t.revoke, danger: true, body: h('p', {text: t.revokeWhat}),
    async action() {
      await remove(`/tokens/${encodeURIComponent(token.id)}`);
      toast(t.revoked(token.name));
      return true;
    },
  });
}

export async function open() {
  const accounts = h('div', {class: 'stack'});
  const tokens = h('div', {class: 'stack'});
  async function load() {
    const [people, programs] = await Promise.all([get('/accounts'), get('/tokens')]);
    drawAccounts(list(people, 'accounts'));
    drawTokens(list(programs, 'tokens'));
  }
  const then = (action) => async () => { if (await action()) await load(); };
  function drawAccounts(rows) {
    replace(accounts, h('div', {class: 'page'}, h('h2', {text: t.accounts}), h('button', {type: 'button', 'data-key': 'new-account', text: t.create, onclick: then(createAccount)})), h('p', {class: 'quiet', text: t.accountsIntro}),
      h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.accounts}), h('thead', {}, h('tr', {}, t.accountColumns.map((name) => h('th', {scope: 'col', text: name})))),
        h('tbody', {}, rows.map((one) => h('tr', {}, h('td', {}, h('b', {text: one.name}), own(one.name) && [' ', badge(t.you)]), h('td', {'data-label': t.accountColumns[1]}, time(one.created)),
          h('td', {class: 'tight wide'}, h('div', {class: 'row'}, h('button', {type: 'button', 'data-key': `p-${one.name}`, text: t.setPassword, 'aria-label': t.setPasswordOf(one.name), onclick: then(() => setPassword(one))}),
            rows.length > 1 && h('button', {type: 'button', 'data-key': `r-${one.name}`, text: t.remove, 'aria-label': t.removeTitle(one.name), onclick: then(() => removeAccount(one))})))))))));
  }
  function drawTokens(rows) {
    const button = h('button', {type: 'button', 'data-key': 'new-token', text: t.createToken, onclick: then(createToken)});
    replace(tokens, h('div', {class: 'page'}, h('h2', {text: t.tokens}), rows.length > 0 && button), h('p', {class: 'quiet', text: t.tokensIntro}), rows.length === 0 ? empty(t.noTokens, t.noTokensAdvice, button)
      : h('div', {class: 'table'}, h('table', {class: 'folds'}, h('caption', {class: 'only-read', text: t.tokens}), h('thead', {}, h('tr', {}, t.tokenColumns.map((name) => h('th', {scope: 'col', text: name})))),
        h('tbody', {}, rows.map((one) => h('tr', {}, h('td', {}, h('b', {text: one.name}), h('div', {class: 'quiet-address mono', text: one.id})), h('td', {'data-label': t.tokenColumns[1]}, t.scopes[one.scope] ?? one.scope), h('td', {'data-label': t.tokenColumns[2]}, time(one.created)),
          h('td', {class: 'tight wide'}, h('button', {type: 'button', 'data-key': `t-${one.id}`, text: t.revoke, 'aria-label': t.revokeTitle(one.name), onclick: then(() => removeToken(one))}))))))));
  }
  await load();
  return {title: t.title, element: h('div', {class: 'screen'}, head(t.title), h('section', {class: 'stack'}, accounts), h('section', {class: 'stack'}, tokens))};
}
