/**
 * What a terminal sends, cut where it may be cut: the parser behind it takes half a sequence for keys that nobody pressed. Held
 * back until it is whole; what is broken is dropped. Pure: time is the caller's.
 */

/** A lone ESC is a key unless more comes within this time, real ms: as long as a person does not notice. */
const LONE_MS = 50;
/** The rest of a sequence that has begun; nobody waits for it. */
const REST_MS = 500;
/** Longer than any that a terminal sends; what stands for one that is, until it ends and is dropped. */
const LONGEST = 48;
const HOPELESS = '\x1b[<;';

const ANSWER = '\x1b[0n';
const PASTE = '\x1b[200~';
const PASTE_END = '\x1b[201~';
/** A press, a release or a notch of the wheel, as SGR (1006) has it. */
const MOUSE = /^\x1b\[<\d{1,3};\d{1,5};\d{1,5}[Mm]$/;
/** The three bytes after it are the mouse of terminals that do not know SGR. */
const OLD_MOUSE = /^\x1b\[M[^]{3}/;
/** A whole sequence, however it is meant; and one that may still become one. */
const WHOLE = /^\x1b(?:\[\[?[0-?]*[ -/]*[@-~]|O[@-~])/;
const BEGUN = /^\x1b(?:\[\[?[0-?]*[ -/]*|\[M[^]{0,2}|O)?$/;

export interface Sifter {
  /** The part of what was heard so far that may go on. */
  push(chunk: string): string;
  /** How long to wait for the rest of what is held, real ms; null when nothing is. */
  readonly waits: number | null;
  /** Nothing came: a lone ESC was the key, anything else is given up. */
  flush(): string;
}

/** `answered`: the terminal says that it has read what was written before it was asked. */
export function createSifter(answered: () => void = () => undefined): Sifter {
  let held = '';
  let pasting = false;
  /** What was given up last: its rest, when it comes after all, is no text. */
  let gone = '';

  function paste(text: string): [out: string, rest: string] {
    const end = text.indexOf(PASTE_END);
    if (end >= 0) {
      pasting = false;
      return [text.slice(0, end + PASTE_END.length), text.slice(end + PASTE_END.length)];
    }
    // The mark of the end may be cut in two.
    const escape = text.lastIndexOf('\x1b');
    const cut = escape >= 0 && PASTE_END.startsWith(text.slice(escape)) ? escape : text.length;
    held = text.slice(cut);
    return [text.slice(0, cut), ''];
  }

  /** `text` begins with ESC. */
  function sequence(text: string): [out: string, rest: string] {
    const old = OLD_MOUSE.exec(text);
    if (old) return ['', text.slice(old[0].length)];
    if (BEGUN.test(text)) {
      held = text.length <= LONGEST ? text : HOPELESS;
      return ['', ''];
    }
    const [whole] = WHOLE.exec(text) ?? [];
    if (whole !== undefined) {
      if (whole === PASTE) pasting = true;
      if (whole === ANSWER) {
        answered();
        return ['', text.slice(whole.length)];
      }
      return [whole.startsWith('\x1b[<') && !MOUSE.test(whole) ? '' : whole, text.slice(whole.length)];
    }
    const [broken] = /^\x1b\[[0-?]*[ -/]*/.exec(text) ?? [];
    if (broken !== undefined) return ['', text.slice(broken.length)];
    const [meta = ''] = /^\x1b[^\x1b]?/u.exec(text) ?? [];
    return [meta, text.slice(meta.length)];
  }

  function sift(chunk: string): string {
    let rest = held + chunk;
    held = '';
    let out = '';
    while (rest !== '') {
      const escape = pasting ? 0 : rest.indexOf('\x1b');
      if (escape < 0) return out + rest;
      out += rest.slice(0, escape);
      const [more, after] = pasting ? paste(rest) : sequence(rest.slice(escape));
      out += more;
      rest = after;
    }
    return out;
  }

  return {
    push(chunk) {
      const late = gone !== '' && /^\x1b\[<[0-?]*[@-~]?/.exec(gone + chunk);
      const text = late ? (gone + chunk).slice(late[0].length) : chunk;
      gone = late && text === '' && !/[@-~]$/.test(late[0].slice(3)) ? late[0].slice(0, LONGEST) : '';
      return sift(text);
    },
    get waits() {
      return held === '' || pasting ? null : held === '\x1b' ? LONE_MS : REST_MS;
    },
    flush() {
      gone = held;
      held = '';
      return gone === '\x1b' ? gone : '';
    },
  };
}
