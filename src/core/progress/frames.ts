/** Bytes or text in any chunking -> frames: the pieces between line feeds and carriage returns. */

/** Of a frame longer than both together, the middle is dropped: a megabyte line costs a bounded amount of memory. */
const HEAD = 16_384;
const TAIL = 4_096;

export interface Splitter {
  feed(chunk: string | Uint8Array): void;
  /** The characters after the last separator. */
  pending(): string;
}

/**
 * Calls `onFrame(text, endsLine)` for every complete frame; `endsLine` is false for one that a carriage return ended.
 * The same input gives the same frames however it is cut, inside a multi-byte character too. Never throws.
 */
export function createSplitter(onFrame: (frame: string, endsLine: boolean) => void): Splitter {
  const decode = createDecoder();
  let head = '';
  let tail = '';

  function keep(text: string): void {
    if (head.length < HEAD) {
      const room = HEAD - head.length;
      head += text.slice(0, room);
      text = text.slice(room);
    }
    if (text === '') return;
    tail += text.length > TAIL * 2 ? text.slice(-TAIL * 2) : text;
    if (tail.length > TAIL * 2) tail = tail.slice(-TAIL);
  }
  const kept = () => (tail === '' ? head : `${head} ${tail.slice(-TAIL)}`);

  function emit(text: string, endsLine: boolean): void {
    if (head === '' && text.length <= HEAD) return onFrame(text, endsLine);
    keep(text);
    const frame = kept();
    head = tail = '';
    onFrame(frame, endsLine);
  }

  return {
    feed(chunk) {
      const text = decode(chunk);
      let from = 0;
      let feed = text.indexOf('\n');
      let carriage = text.indexOf('\r');
      while (feed >= 0 || carriage >= 0) {
        const endsLine = carriage < 0 || (feed >= 0 && feed < carriage);
        const at = endsLine ? feed : carriage;
        emit(text.slice(from, at), endsLine);
        from = at + 1;
        if (endsLine) feed = text.indexOf('\n', from);
        else carriage = text.indexOf('\r', from);
      }
      if (from < text.length) keep(text.slice(from));
    },
    pending: kept,
  };
}

/** UTF-8 unless a byte order mark says UTF-16. Bytes that are neither become U+FFFD. */
function createDecoder(): (chunk: string | Uint8Array) => string {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let first: number | undefined;
  return (chunk) => {
    if (typeof chunk === 'string') return chunk;
    if (chunk.length === 0) return '';
    if (decoder) return decoder.decode(chunk, { stream: true });
    const lead = first ?? chunk[0];
    if (first === undefined && chunk.length === 1 && (lead === 0xff || lead === 0xfe)) {
      first = lead;
      return '';
    }
    const second = first === undefined ? chunk[1] : chunk[0];
    const label = lead === 0xff && second === 0xfe ? 'utf-16le' : lead === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
    decoder = new TextDecoder(label);
    const held = first === undefined ? '' : decoder.decode(Uint8Array.of(first), { stream: true });
    return held + decoder.decode(chunk, { stream: true });
  };
}
