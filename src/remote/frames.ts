/**
 * The sentinel's stream, taken apart. Two layers of the same frame `0x1e nonce ":" fields "\n"`: frames of the session
 * (hello, beat) may fall anywhere, even inside a log line; the exit frame lies in the log file itself and counts as its bytes.
 */
import type { SentinelEvent } from '../core/ports.ts';

const MARK = 0x1e;
const LONGEST_FRAME = 512;

type Piece = { frame: string; bytes: number } | { data: Uint8Array };

/** Finds frames in a byte stream however it is cut. A mark without our nonce is data like any other; with no nonce, all is data. */
export class FrameSplitter {
  readonly #head: Uint8Array | null;
  #held: Uint8Array = new Uint8Array();

  constructor(nonce: string) {
    this.#head = /^[0-9a-f]{16,64}$/.test(nonce) ? Buffer.from(`\x1e${nonce}:`) : null;
  }

  push(chunk: Uint8Array): Piece[] {
    const head = this.#head;
    if (!head) return chunk.length > 0 ? [{ data: chunk }] : [];
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const pieces: Piece[] = [];
    let from = 0;
    const data = (to: number) => {
      if (to > from) pieces.push({ data: bytes.subarray(from, to) });
      from = to;
    };
    let search = 0;
    for (;;) {
      const at = bytes.indexOf(MARK, search);
      if (at < 0) {
        data(bytes.length);
        break;
      }
      const seen = headAt(head, bytes, at);
      if (seen === 'no') {
        search = at + 1;
        continue;
      }
      const end = seen === 'part' ? -1 : bytes.indexOf(0x0a, at);
      if (seen === 'whole' && (end < 0 ? bytes.length : end) - at > LONGEST_FRAME) {
        search = at + 1;
        continue;
      }
      data(at);
      if (end < 0) break;
      pieces.push({ frame: Buffer.from(bytes.subarray(at + head.length, end)).toString('latin1'), bytes: end + 1 - at });
      from = search = end + 1;
    }
    // A copy: the chunk's memory belongs to whoever read it.
    this.#held = Uint8Array.from(bytes.subarray(from));
    return pieces;
  }
}

function headAt(head: Uint8Array, bytes: Uint8Array, at: number): 'whole' | 'part' | 'no' {
  for (let i = 0; i < head.length; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) return 'part';
    if (byte !== head[i]) return 'no';
  }
  return 'whole';
}

interface ExitRecord {
  exit_code: number | null;
  signal: string | null;
  oom_kills: number;
  at: number;
}

/** Turns the bytes of one follow session into events. Pure: no clock, any chunking gives the same events. */
export class SentinelParser {
  readonly #attempt: number;
  readonly #session: FrameSplitter;
  #log: FrameSplitter | null = null;
  #position: number;
  #exit: 'none' | 'told' | { record: ExitRecord; after: number } = 'none';

  constructor(order: { attempt: number; offset: number; nonce: string }) {
    this.#attempt = order.attempt;
    this.#position = order.offset;
    this.#session = new FrameSplitter(order.nonce);
  }

  push(chunk: Uint8Array): SentinelEvent[] {
    const events: SentinelEvent[] = [];
    for (const piece of this.#session.push(chunk)) {
      if ('frame' in piece) this.#onSession(piece.frame.split(':'), events);
      // What comes before hello is a banner or a complaint of the login, not the log.
      else if (this.#log) this.#onLog(this.#log.push(piece.data), events);
    }
    return events;
  }

  #onSession(fields: readonly string[], events: SentinelEvent[]): void {
    const [kind, alive, lease, size, boot, logNonce, ...exit] = fields;
    if (kind === 'hello' && !this.#log) {
      this.#log = new FrameSplitter(logNonce ?? '');
      events.push({ type: 'hello', attempt: this.#attempt, alive: alive === '1', boot_id: boot && boot !== '-' ? boot : null });
    } else if (kind === 'beat' && this.#log) {
      events.push({ type: 'heartbeat', alive: alive === '1', lease_s: number(lease) });
    } else return;
    const record = exitRecord(exit);
    if (record && this.#exit === 'none') this.#exit = { record, after: number(size) ?? 0 };
    this.#tellExit(events);
  }

  #onLog(pieces: readonly Piece[], events: SentinelEvent[]): void {
    for (const piece of pieces) {
      if ('data' in piece) {
        events.push({ type: 'log', offset: this.#position, data: piece.data });
        this.#position += piece.data.length;
        this.#tellExit(events);
        continue;
      }
      this.#position += piece.bytes;
      const [kind, ...rest] = piece.frame.split(':');
      const record = kind === 'exit' ? exitRecord(rest) : null;
      if (record && this.#exit !== 'told') this.#exit = { record, after: this.#position };
      this.#tellExit(events);
    }
  }

  /** Once, and only after all of the log that was there when the exit became known. */
  #tellExit(events: SentinelEvent[]): void {
    if (typeof this.#exit === 'string' || this.#position < this.#exit.after) return;
    events.push({ type: 'exit', attempt: this.#attempt, ...this.#exit.record });
    this.#exit = 'told';
  }
}

/** `code signal oom_kills epoch_seconds` as the sentinel writes them; null unless complete. */
export function exitRecord(fields: readonly (string | undefined)[]): ExitRecord | null {
  const [code, signal, oom, at] = fields;
  const epoch = number(at);
  if (code === undefined || code === '-' || epoch === null) return null;
  return { exit_code: number(code), signal: signal && /^[A-Z0-9+-]*[A-Z0-9]$/.test(signal) ? signal : null, oom_kills: number(oom) ?? 0, at: epoch * 1000 };
}

function number(text: string | undefined): number | null {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}
