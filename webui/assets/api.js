// The way to the gateway: every request of the page goes through here. Keeps no password.
import {text} from './text.js';
import {working} from './progress.js';

const ROOT = '/api/v1';

/** What went wrong, with a sentence for people. `code` as the API names it, or "unreachable". */
export class ApiError extends Error {
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export const session = {name: '', csrf: ''};

/** Set by main.js: gives a promise that holds once somebody has logged in again. */
export const hooks = {sessionEnded: null, unreachable: () => {}};

function headersOf(method, {body, match, background}) {
  const headers = {Accept: 'application/json'};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && session.csrf) headers['X-CSRF-Token'] = session.csrf;
  if (match) headers['If-Match'] = match;
  if (background) headers['X-Background'] = '1';
  return headers;
}

async function errorOf(response) {
  let said = null;
  try {
    said = (await response.json()).error;
  } catch { /* a proxy's page, or nothing: the status must do */ }
  let message = said?.message || text.error.status(response.status);
  const pause = Number(response.headers.get('Retry-After'));
  if (response.status === 429 && pause > 0) message += ' ' + text.error.again(pause);
  return new ApiError(said?.code ?? 'trouble', message, response.status);
}

async function attempt(method, path, options) {
  const request = {method, headers: headersOf(method, options), cache: 'no-store', credentials: 'same-origin', signal: options.signal};
  if (options.body !== undefined) request.body = JSON.stringify(options.body);
  try {
    return await fetch(ROOT + path, request);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    hooks.unreachable();
    throw new ApiError('unreachable', method === 'GET' ? text.error.unreachable : text.error.unreachableChange);
  }
}

async function answered(method, path, options) {
  const response = await attempt(method, path, options);
  if (response.ok) return response;
  const error = await errorOf(response);
  if (options.second) throw error;
  if (error.code === 'not_logged_in' && hooks.sessionEnded) {
    await hooks.sessionEnded();
    return answered(method, path, {...options, second: true});
  }
  if (error.code === 'csrf' && path !== '/session') {  // another tab has logged in meanwhile
    adopt(await request('GET', '/session'));
    return answered(method, path, {...options, second: true});
  }
  throw error;
}

/** The answer as JSON, or null where there is none; with its ETag as `etag` where it has one. */
export async function request(method, path, options = {}) {
  return working(!options.background, async () => {
    const response = await answered(method, path, options);
    if (response.status === 204) return null;
    const answer = await response.json();
    const etag = response.headers.get('ETag');
    if (etag && answer && typeof answer === 'object') Object.defineProperty(answer, 'etag', {value: etag});
    return answer;
  });
}

export const get = (path, options) => request('GET', path, options);
export const post = (path, body = {}, options = {}) => request('POST', path, {...options, body});
export const put = (path, body) => request('PUT', path, {body});
export const patch = (path, body, match) => request('PATCH', path, {body, match});
export const remove = (path) => request('DELETE', path);

/** A file: {blob, name}. `progress` is told how many octets are there, and of how many if that is known;
 *  where `most` octets are there the rest is not waited for. */
export async function file(path, body, {progress, most} = {}) {
  return working(true, async () => {
    const response = await answered('POST', path, {body});
    const all = Number(response.headers.get('Content-Length')) || 0;
    const parts = [];
    let got = 0;
    const reader = response.body.getReader();
    for (;;) {
      let part;
      try {
        part = await reader.read();
      } catch {
        throw new ApiError('unreachable', text.error.cutOff);
      }
      if (part.done) break;
      parts.push(part.value);
      got += part.value.length;
      progress?.(got, all);
      if (most && got >= most) {
        await reader.cancel();
        return {blob: new Blob(parts).slice(0, most), cut: true};
      }
    }
    const named = /filename="([^"/\\]+)"/.exec(response.headers.get('Content-Disposition') ?? '');
    return {blob: new Blob(parts, {type: response.headers.get('Content-Type') ?? ''}), name: named?.[1], cut: false, unreadable: Number(response.headers.get('X-Postern-Unreadable')) || 0};
  });
}

/** Takes over what /session or /setup answered. */
export function adopt(answer) {
  session.name = answer.name;
  session.csrf = answer.csrf;
  return answer;
}

export async function logIn(name, password) {
  return adopt(await request('POST', '/session', {body: {name, password}, second: true}));
}

export async function setUp(token, name, password) {
  return adopt(await request('POST', '/setup', {body: {token, name, password}, second: true}));
}

/** Asks without provoking an error: {needed, session}. */
export async function door() {
  const said = await request('GET', '/setup', {background: true, second: true});
  if (said.session === true) adopt(await request('GET', '/session', {background: true, second: true}));
  return said;
}

export const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return given.length ? '?' + new URLSearchParams(given) : '';
};
