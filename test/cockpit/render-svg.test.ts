import { describe, expect, it } from 'vitest';
import { renderSvg, type SvgCell } from '../../src/cockpit/render-svg.ts';

const cell = (text: string, part: Partial<SvgCell> = {}): SvgCell => ({ text, fg: null, bg: null, bold: false, dim: false, inverse: false, ...part });
const look = { title: 'a "title"', fg: '#eeeeee', bg: '#101010' };

describe('a picture of the screen', () => {
  it('joins cells of one look and keeps their columns', () => {
    const svg = renderSvg([[...'ab'].map((text) => cell(text)), [cell('c', { fg: '#ff0000', bold: true })]], look);
    expect(svg).toContain('textLength="16.8" fill="#eeeeee">ab</text>');
    expect(svg).toContain('fill="#ff0000" font-weight="700">c</text>');
  });

  it('swaps colours for inverse cells and counts a wide character as two', () => {
    const svg = renderSvg([[cell('学', { inverse: true }), cell('', { inverse: true }), cell('x')]], look);
    expect(svg).toContain('width="16.8" height="18" fill="#eeeeee"');
    expect(svg).toContain('textLength="16.8" fill="#101010">学</text>');
  });

  it('is closed to markup in the text', () => {
    const svg = renderSvg([[cell('<'), cell('&'), cell('"')]], look);
    expect(svg).toContain('&lt;&amp;&quot;');
    expect(svg).toContain('aria-label="a &quot;title&quot;"');
  });
});
