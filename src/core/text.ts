/** Text that came from elsewhere (logs, labels, file names, API answers), made fit for a screen, a journal or Markdown. */

const ESCAPES = /\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|[ -/]*[0-~]?)|\x9b[0-?]*[ -/]*[@-~]?/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const UNCLEAN = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/;

/** One line without escape sequences, control characters, bidi overrides or tabs; redrawn bars keep their last state. */
export function cleanLine(raw: string, max = 2_000): string {
  const start = raw.slice(0, max * 4);
  // Most lines have nothing to clean.
  if (!UNCLEAN.test(start)) return start.trim() === '' ? '' : start.slice(0, max);
  const plain = start.replace(ESCAPES, '');
  const frames = plain.replace(/[\r\n]+$/, '').split(/[\r\n]/);
  return (frames.findLast((frame) => frame.trim() !== '') ?? '').replace(/\t/g, '    ').replace(CONTROLS, '').slice(0, max);
}

/** Text of many lines for a terminal: line breaks and tabs stay, nothing that could steer it does. */
export function cleanText(raw: string): string {
  return raw.replace(/\r\n/g, '\n').replace(ESCAPES, '').replace(CONTROLS, '');
}

/** A word for a sentence: cleaned, and cut with an ellipsis. */
export function shorten(raw: string, max: number): string {
  const text = cleanLine(raw);
  return text.length <= max ? text : `${text.slice(0, Math.max(0, max - 1))}…`;
}
