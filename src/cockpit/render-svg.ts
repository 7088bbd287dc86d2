/** A grid of terminal cells as a picture of a terminal window, for the README. Pure. */
export interface SvgCell {
  /** One grapheme; empty for the second half of a wide one. */
  text: string;
  /** `#rrggbb`; null is the window's own. */
  fg: string | null;
  bg: string | null;
  bold: boolean;
  dim: boolean;
  inverse: boolean;
}

const CELL = { width: 8.4, height: 18, size: 14 } as const;
const EDGE = { side: 14, top: 36, bottom: 14 } as const;

/** `rows` of cells, top to bottom; `title` stands in the window's bar; colours are the terminal's defaults. */
export function renderSvg(rows: readonly (readonly SvgCell[])[], options: { title: string; fg: string; bg: string }): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const width = figure(columns * CELL.width + 2 * EDGE.side);
  const height = figure(rows.length * CELL.height + EDGE.top + EDGE.bottom);
  const grounds: string[] = [];
  const texts: string[] = [];
  const shapes: string[] = [];
  rows.forEach((row, index) => {
    const y = EDGE.top + index * CELL.height;
    let column = 0;
    for (const run of runsOf(row, options)) {
      const x = EDGE.side + column * CELL.width;
      if (run.bg !== options.bg) grounds.push(`<rect x="${figure(x)}" y="${figure(y)}" width="${figure(run.cells * CELL.width)}" height="${CELL.height}" fill="${run.bg}"/>`);
      shapes.push(...shapesOf(run, x, y));
      const text = run.text.replace(DRAWN, ' ');
      if (text.trim() !== '') {
        // textLength keeps the columns straight whatever font the reader has.
        texts.push(`<text x="${figure(x)}" y="${figure(y + 13.5)}" textLength="${figure(run.cells * CELL.width)}" fill="${run.fg}"${run.bold ? ' font-weight="700"' : ''}${run.dim ? ' opacity="0.6"' : ''}>${escape(text)}</text>`);
      }
      column += run.cells;
    }
  });
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map((fill, index) => `<circle cx="${20 + 18 * index}" cy="18" r="5.5" fill="${fill}"/>`).join('');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(options.title)}">`,
    `<rect x="0.5" y="0.5" width="${figure(Number(width) - 1)}" height="${figure(Number(height) - 1)}" rx="9" fill="${options.bg}" stroke="#808080" stroke-opacity="0.4"/>`,
    dots,
    `<text x="${figure(Number(width) / 2)}" y="22" text-anchor="middle" font-family="sans-serif" font-size="12" fill="${options.fg}" opacity="0.6">${escape(options.title)}</text>`,
    `<g shape-rendering="crispEdges">${grounds.join('')}</g>`,
    ...(shapes.length === 0 ? [] : [`<g>${shapes.join('')}</g>`]),
    `<g font-family="ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${CELL.size}" xml:space="preserve">${texts.join('\n')}</g>`,
    '</svg>',
    '',
  ].join('\n');
}

/** Drawn as shapes: readers' fonts lack the dots of charts, or give them another width, and leave gaps between upright bars. */
const DRAWN = /[\u2800-\u28ff│]/g;

function shapesOf(run: Run, x: number, y: number): string[] {
  if (run.text.search(DRAWN) < 0) return [];
  const path = [...run.text].map((character, index) => shapeOf(character, x + index * CELL.width, y)).join('');
  return [`<path d="${path}" fill="${run.fg}"${run.dim ? ' opacity="0.6"' : ''}/>`];
}

function shapeOf(character: string, x: number, y: number): string {
  const rect = (left: number, top: number, width: number, height: number): string => `M${figure(left)} ${figure(top)}h${figure(width)}v${figure(height)}h${figure(-width)}z`;
  if (character === '│') return rect(x + CELL.width / 2 - 0.5, y, 1, CELL.height);
  const bits = (character.codePointAt(0) ?? 0) - 0x2800;
  if (bits < 0 || bits > 0xff) return '';
  // Dots 1 to 3 and 7 stand on the left, 4 to 6 and 8 on the right.
  return DOTS.flatMap(([bit, column, row]) => ((bits & bit) === 0 ? [] : [rect(x + 1.1 + column * 4.2, y + 1.3 + row * 4.5, 2, 2)])).join('');
}

const DOTS = [[0x01, 0, 0], [0x02, 0, 1], [0x04, 0, 2], [0x08, 1, 0], [0x10, 1, 1], [0x20, 1, 2], [0x40, 0, 3], [0x80, 1, 3]] as const;

interface Run {
  text: string;
  cells: number;
  fg: string;
  bg: string;
  bold: boolean;
  dim: boolean;
}

/** Neighbouring cells of one look, joined: fewer elements, the same picture. */
function runsOf(row: readonly SvgCell[], { fg, bg }: { fg: string; bg: string }): Run[] {
  const runs: Run[] = [];
  for (const cell of row) {
    const [front, ground] = cell.inverse ? [cell.bg ?? bg, cell.fg ?? fg] : [cell.fg ?? fg, cell.bg ?? bg];
    const last = runs.at(-1);
    if (last && last.fg === front && last.bg === ground && last.bold === cell.bold && last.dim === cell.dim) {
      last.text += cell.text;
      last.cells += 1;
    } else runs.push({ text: cell.text, cells: 1, fg: front, bg: ground, bold: cell.bold, dim: cell.dim });
  }
  return runs;
}

const figure = (value: number): string => String(Math.round(value * 10) / 10);
const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '');
