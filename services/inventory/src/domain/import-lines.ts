import { normalizeKey } from './vault.ts';

export type LineProblem = { line: number; reason: 'empty' | 'duplicate-in-file' | 'duplicate-in-stock' | 'malformed' };

/** Judges each line by itself and against the lines before it. Lines count from 1. */
export function judgeLines(codes: readonly string[]): {
  good: { line: number; code: string }[];
  problems: LineProblem[];
} {
  const seen = new Set<string>();
  const good: { line: number; code: string }[] = [];
  const problems: LineProblem[] = [];
  for (const [index, raw] of codes.entries()) {
    const line = index + 1;
    const code = raw.trim();
    const normal = normalizeKey(code);
    if (normal === '') problems.push({ line, reason: 'empty' });
    else if (!isKey(code)) problems.push({ line, reason: 'malformed' });
    else if (seen.has(normal)) problems.push({ line, reason: 'duplicate-in-file' });
    else {
      seen.add(normal);
      good.push({ line, code });
    }
  }
  return { good, problems };
}

/** Printable, of a believable length, and no spreadsheet formula: `=`, `+`, `@` begin no product key. */
export function isKey(code: string): boolean {
  return code.length >= 4 && code.length <= 200 && /^[A-Za-z0-9][\x20-\x7e]*$/.test(code);
}
