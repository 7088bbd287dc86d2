/** What a refusal means: Vast's many error shapes, sorted into the failures that callers tell apart, with words for people. */
import { cleanLine, shorten } from '../core/text.ts';
import { MarketError, type MarketFailure } from '../core/ports.ts';
import { toId } from './wire.ts';

/** The call that failed, as far as errors need it. */
export interface Asked {
  endpoint: string;
  /** Fits after "to": "list the instances". */
  doing: string;
  /** True for a call that must never be sent twice: when its answer is lost, the outcome is unclear. */
  once?: boolean;
}

const LOGGED_OUT = /invalid (user|api) key|session.{0,60}expired|log ?in again|please log ?in|requires login/;
const SCOPED = /permission|constraint|scope|lacks?\b|route/;
const BROKE = /insufficient[ _](credit|fund|balance)|(credit|funds?|balance)[^.]{0,40}(insufficient|too low|not enough|exhausted)|not enough (credit|funds?|balance)|no credit|lacks? credit|out of credit|missing_billing/;

/**
 * The MarketError for an answer that is no success: any status, `body` as parsed (undefined when it was no JSON),
 * `text` as received. `scrub` takes secrets out of a text that may be quoted.
 */
export function refusal(asked: Asked, status: number, body: unknown, text: string, scrub: (text: string) => string): MarketError {
  const fields = isRecord(body) ? body : {};
  const code = typeof fields['error'] === 'string' ? fields['error'] : '';
  const said = [fields['msg'], fields['message'], fields['detail'], fields['error']].find((part) => typeof part === 'string' && part !== '');
  const reason = typeof said === 'string' ? said : typeof body === 'string' ? body : body === undefined && !text.trimStart().startsWith('<') ? text : '';
  const failure = failureOf(asked, status, `${code} ${reason}`.toLowerCase());
  const threshold = /threshold\D{0,3}(\d+(?:\.\d+)?)/i.exec(reason)?.[1];
  const contract = toId(fields['new_contract']);
  const quote = shorten(scrub(cleanLine(reason.replace(/\s+/g, ' '), 20_000)), 200);
  return new MarketError(failure, words(failure, asked, `HTTP ${status}`, quote), {
    status,
    endpoint: asked.endpoint,
    ...(contract !== null && { new_contract: contract }),
    ...(failure === 'rate_limited' && threshold !== undefined && { retry_after_s: Number(threshold) }),
  });
}

/** The MarketError for an exchange that brought no answer. `why` is ours ("no answer in 30 s", "ECONNRESET"), never a foreign text. */
export function lost(asked: Asked, why: string): MarketError {
  const failure = asked.once ? 'unclear' : 'unavailable';
  return new MarketError(failure, words(failure, asked, why, ''), { endpoint: asked.endpoint });
}

/** The MarketError for a success that cannot be understood. `why` is ours. */
export function unreadable(asked: Asked, why: string, status = 200): MarketError {
  const failure = asked.once ? 'unclear' : 'malformed';
  return new MarketError(failure, words(failure, asked, why, ''), { status, endpoint: asked.endpoint });
}

/** The MarketError for a request that is wrong before it is sent. */
export function senseless(asked: Asked, why: string): MarketError {
  return new MarketError('invalid', words('invalid', asked, 'not sent', why), { endpoint: asked.endpoint });
}

export function noKey(why: string): MarketError {
  return new MarketError('no_key', `${why} Set VAST_API_KEY or run \`vastai set api-key\`.`);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function failureOf(asked: Asked, status: number, said: string): MarketFailure {
  if (status >= 500 || status === 408) return asked.once ? 'unclear' : 'unavailable';
  if (status === 429 || /too frequent|rate_limit/.test(said)) return 'rate_limited';
  // A refused key answers 404 on some routes: looked at before any 404 may mean "gone".
  if (LOGGED_OUT.test(said)) return 'auth';
  if (BROKE.test(said)) return 'no_credit';
  if (status === 401) return SCOPED.test(said) ? 'forbidden' : 'auth';
  if (status === 403) return 'forbidden';
  if (said.includes('auth_error')) return 'auth';
  if (/\bno_such_ask\b/.test(said) || (asked.endpoint === 'create' && [404, 409, 410].includes(status))) return 'offer_gone';
  if (status >= 300 && status < 400) return asked.once ? 'unclear' : 'malformed';
  if (/\b(no_such_instance|not_found)\b/.test(said)) return 'not_found';
  // Any other 404 is a wrong address, and proves nothing about an instance.
  return status === 404 ? 'malformed' : 'invalid';
}

function words(failure: MarketFailure, { doing }: Asked, how: string, quote: string): string {
  const said = quote === '' ? '' : ` Vast said: "${quote}".`;
  switch (failure) {
    case 'no_key':
      return 'There is no Vast API key. Set VAST_API_KEY or run `vastai set api-key`.';
    case 'auth':
      return `Vast refused the API key (${how.replace('HTTP ', '')}). Check VAST_API_KEY or run \`vastai set api-key\`; with 2FA on, log in again.`;
    case 'forbidden':
      return `This API key may not ${doing} (${how}).${said} Give the key that permission, or use another one.`;
    case 'not_found':
      return `Vast knows no such instance (${how}).${said}`;
    case 'offer_gone':
      return `The offer is no longer there (${how}). Search again and take the next one.${said}`;
    case 'no_credit':
      return `The Vast account has too little credit to ${doing} (${how}).${said} Add credit on Vast's billing page, then try again.`;
    case 'invalid':
      return `Vast does not take the request to ${doing} (${how}): ${quote === '' ? 'no reason given' : quote}. Change the request; repeating it will not help.`;
    case 'rate_limited':
      return `Vast takes no more requests to ${doing} for now (${how}). Wait a little; other tools with the same key share the limit.${said}`;
    case 'unavailable':
      return `Vast could not be asked to ${doing} (${how}). Check the network and Vast's status; the call is safe to repeat.${said}`;
    case 'unclear':
      return `The answer to the request to ${doing} was lost (${how}): it may have been carried out. List the instances by label before trying again.${said}`;
    case 'malformed':
      return `Vast's answer to the request to ${doing} makes no sense (${how}). Nothing was concluded from it: try again, and check VAST_URL if it goes on.${said}`;
  }
}
