import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor, MASK } from '../../src/core/redact.ts';

const HEX64 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const PEM = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAAEbm9uZQAAAAAAAAABAAAAMw\n-----END OPENSSH PRIVATE KEY-----';

describe('a redactor', () => {
  const canary = fc.string({ unit: 'grapheme', minLength: 8, maxLength: 40 }).filter((text) => text.trim().length >= 8 && !MASK.includes(text.trim()) && !text.includes(MASK));

  it('leaves no trace of a planted canary, plain, in JSON, in a URL or in base64', () => {
    fc.assert(
      fc.property(canary, fc.string(), fc.string(), (secret, before, after) => {
        const redact = createRedactor([secret]);
        const plain = secret.trim();
        const text = `${before}${secret}${after}`;
        expect(redact(text)).not.toContain(plain);
        expect(redact(JSON.stringify({ text }))).not.toContain(JSON.stringify(plain).slice(1, -1));
        expect(JSON.parse(redact(JSON.stringify([text])))).not.toEqual([text]);
        const url = encodeURIComponent(plain);
        expect(redact(`https://x/?k=${url}&b`)).not.toContain(url);
        const decoded = Buffer.from(redact(Buffer.from(text).toString('base64')).replaceAll(MASK, ''), 'base64').toString();
        expect(decoded).not.toContain(plain);
      }),
    );
  });

  it('masks every one of several secrets, also when one holds another', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '1', '"', '\\', '$', '('), minLength: 8, maxLength: 12 }).filter((text) => text.trim() === text), { minLength: 1, maxLength: 4 }), (secrets) => {
        const clean = createRedactor(secrets)(secrets.join(' / '));
        for (const secret of secrets) expect(clean).not.toContain(secret);
      }),
    );
  });

  it('changes nothing more the second time', () => {
    fc.assert(
      fc.property(canary, fc.string(), (secret, text) => {
        const redact = createRedactor([secret]);
        const once = redact(`${text} ${secret} Bearer ${secret}`);
        expect(redact(once)).toBe(once);
      }),
    );
  });

  it.each([
    ['a Vast key', `key ${HEX64}.`, HEX64],
    ['a Vast key in a URL', `/api/v0/instances/?api_key=${HEX64}`, HEX64],
    ['a Vast key of the box', `CONTAINER_API_KEY=${HEX64}`, HEX64],
    ['a Hugging Face token', 'HF_TOKEN=hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789', 'hf_AbCd'],
    ['an OpenAI key', 'key: sk-proj-AbCdEfGh1234567890_AbCdEfGh1234567890', 'AbCdEfGh'],
    ['an Anthropic key', 'sk-ant-api03-AbCdEfGh1234567890AbCdEfGh1234-xyz', 'AbCdEfGh'],
    ['a GitHub token', 'https://ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789@github.com', 'ghp_AbCd'],
    ['a GitHub token of the newer kind', 'github_pat_11AAAAAAA0abcdefghijklmnop_qrstuvwxyz', 'github_pat'],
    ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE', 'AKIAIOSF'],
    ['a bearer token', 'authorization: bearer abc.DEF-123_xyz~9', 'abc.DEF'],
    ['a W&B key', `export WANDB_API_KEY="${HEX64.slice(0, 40)}"`, HEX64.slice(0, 40)],
    ['a private key', `before\n${PEM}\nafter`, 'b3BlbnNz'],
    ['a private key cut off at its end', PEM.slice(0, 80), 'b3BlbnNz'],
    ['a private key cut off at its beginning', PEM.slice(40), 'AAAAEbm9uZQ'],
  ])('knows the shape of %s, bare and in JSON', (_, text, part) => {
    const redact = createRedactor([]);
    for (const form of [text, JSON.stringify({ text: `x\n${text}` }), JSON.stringify({ tail: text.split('\n') }), JSON.stringify(JSON.stringify([`\t${text}`]))]) {
      expect(redact(form)).not.toContain(part);
      expect(redact(form)).toContain(MASK);
    }
  });

  it('keeps what only looks like a key: hashes of files and images, commits, words', () => {
    const redact = createRedactor(['abc', '']);
    for (const text of [
      JSON.stringify({ path: 'a.pt', sha256: HEX64 }),
      `pytorch/pytorch@sha256:${HEX64}`,
      `hub/models--gpt2/blobs/${HEX64}`,
      `commit ${HEX64.slice(0, 40)}`,
      `${HEX64}${HEX64}`,
      'task-0123456789abcdef0123456789abcdef',
      'out/sk-learn-baseline-run-01/ckpt.pt',
      'abc is too short to be told from a word',
    ]) expect(redact(text)).toBe(text);
  });

  it('masks a known value even where its shape would be let through', () => {
    expect(createRedactor([HEX64])(JSON.stringify({ sha256: HEX64 }))).toBe(`{"sha256":"${MASK}"}`);
  });

  it('is quick with hostile text', () => {
    const redact = createRedactor(['canary-0123456789']);
    for (const piece of ['sk-', '-----BEGIN PRIVATE KEY-----', 'AAAA', '","', 'Bearer ', 'f']) expect(redact(piece.repeat(4_000)).length).toBeGreaterThan(0);
  });
});
