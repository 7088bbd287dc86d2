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
  rows.forEach((row, index) => {
    const y = EDGE.top + index * CELL.height;
    let column = 0;
    for (const run of runsOf(row, options)) {
      const x = EDGE.side + column * CELL.width;
      if (run.bg !== options.bg) grounds.push(`<rect x="${figure(x)}" y="${figure(y)}" width="${figure(run.cells * CELL.width)}" height="${CELL.height}" fill="${run.bg}"/>`);
      if (run.text.trim() !== '') {
        // textLength keeps the columns straight whatever font the reader has.
        texts.push(`<text x="${figure(x)}" y="${figure(y + 13.5)}" textLength="${figure(run.cells * CELL.width)}" fill="${run.fg}"${run.bold ? ' font-weight="700"' : ''}${run.dim ? ' opacity="0.6"' : ''}>${escape(run.text)}</text>`);
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
    `<g font-family="ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="${CELL.size}" xml:space="preserve">${texts.join('\n')}</g>`,
    '</svg>',
    '',
  ].join('\n');
}

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
