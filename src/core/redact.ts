/** Secrets out of text: values that we know in every form they take, and the shapes of keys that nobody told us about. */

export const MASK = '[redacted]';

/** A shorter value cannot be told from ordinary words, and masking it would leave nothing to read. */
const SHORTEST_KNOWN = 4;
const SHORTEST_ENCODED = 8;

/** In a serialised line the character before a key may be the tail of an escape (`\n`, `\u001b`, `%3D`), not a boundary of its own. */
const EDGE = String.raw`^|[^0-9A-Za-z]|\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9A-Fa-f]{2}`;
const PEM_BEGIN = '-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----';
const PEM_END = '-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----';
/** Key text of a PEM block whose other end is cut off; `","` joins lines that became strings of a JSON array. */
const PEM_BODY = String.raw`(?:[0-9A-Za-z+/=\s]|\\{1,4}[nrt]|\\{0,4}",\s{0,8}\\{0,4}")`;

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`${PEM_BEGIN}[\\s\\S]{0,16384}?${PEM_END}|${PEM_BEGIN}${PEM_BODY}{0,16384}|(?<=^|["\\\\\\s]|\\\\[nrt])[0-9A-Za-z+/=]{16,}${PEM_BODY}{0,16384}${PEM_END}`, 'g'), MASK],
  // Vast keys. A file's hash, an image's digest and the blobs of a model cache look the same, are public, and must replay as they were.
  [new RegExp(String.raw`(?<!"sha256":"|sha256:|blobs/)(?<=${EDGE}|[g-zG-Z])[0-9a-fA-F]{64}(?![0-9a-fA-F])`, 'g'), MASK],
  [/hf_[0-9A-Za-z]{20,}/g, MASK],
  [/gh[pousr]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,}/g, MASK],
  [/AKIA[0-9A-Z]{16}/g, MASK],
  [new RegExp(String.raw`(?<=${EDGE})sk-(?=[\w-]{0,64}\w{16})[\w-]{20,}`, 'g'), MASK],
  [/(\bBearer(?:\s|%20|\+)+)[0-9A-Za-z._~+/=-]{8,}/gi, `$1${MASK}`],
  [/(WANDB_API_KEY\W{1,12})[0-9a-f]{40}(?![0-9a-f])|wandb_v1_\w{20,}/g, `$1${MASK}`],
];

/**
 * Makes a function that masks `secrets` and key shapes in any text with `[redacted]`. A known value is found as it is and
 * escaped for JSON (once or twice); from 8 characters on also URL-encoded and in base64 at any alignment. Values under
 * 4 characters are left alone. Doing it twice changes nothing more.
 */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
  const known = forms.length === 0 ? null : new RegExp(forms.map(escapeRegExp).join('|'), 'g');
  return (text) => SHAPES.reduce((masked, [shape, mask]) => masked.replace(shape, mask), known === null ? text : text.replace(known, MASK));
}

function formsOf(secret: string): string[] {
  // A key file's trailing newline is not part of what will be printed.
  const plain = secret.trim();
  if (plain.length < SHORTEST_KNOWN) return [];
  const escaped = inJson(plain);
  const forms = [plain, escaped, inJson(escaped)];
  if (plain.length < SHORTEST_ENCODED) return forms;
  // By way of bytes, because half a surrogate pair has no URL form and would throw.
  const url = encodeURIComponent(Buffer.from(plain).toString());
  const lower = url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const spaced = url.replaceAll('%20', '+');
  const base64 = [0, 1, 2].map((shift) => inBase64(plain, shift));
  return [...forms, url, lower, spaced, ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
}

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** The characters of a base64 text that depend on the secret alone, when `shift` bytes of a group come before it. */
function inBase64(secret: string, shift: number): string {
  const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]);
  const whole = Math.floor((bytes.length * 8) / 6);
  return bytes.toString('base64').slice(Math.ceil((shift * 8) / 6), whole);
}

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
