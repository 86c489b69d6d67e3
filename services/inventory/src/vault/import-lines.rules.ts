import type { LineProblemReason } from '@kelid/contracts/inventory';
import { normalizeKey } from './vault.rules.ts';

export interface LineRules {
  lineFormat: 'code' | 'code-pin' | 'codes';
  platform: string;
  takesAnyFormat: boolean;
}

/** A named text of a unit; a code counts as a product key, a PIN only opens one. */
export interface KeyPart {
  label: 'code' | 'pin';
  text: string;
}

const codesMax = 20;

/** What the codes of a platform look like, without their dashes. Platforms that use several forms are not here. */
const platformFormats: Record<string, RegExp> = {
  steam: /^(?:[A-Z0-9]{15}|[A-Z0-9]{25})$/,
  xbox: /^[A-Z0-9]{25}$/,
  playstation: /^[A-Z0-9]{12}$/,
  nintendo: /^[A-Z0-9]{16}$/,
  apple: /^[A-Z0-9]{16}$/,
};

/** One line of an import by itself: the parts of its unit, or why it is none. */
export function judgeLine(raw: string, rules: LineRules): { parts: KeyPart[] } | { reason: LineProblemReason } {
  const line = raw.trim();
  if (normalizeKey(line) === '') return { reason: 'empty' };
  const fields = rules.lineFormat === 'code' ? [line] : line.split(/[\t;]/).map((field) => field.trim());
  const [first = '', ...more] = fields;
  if (rules.lineFormat === 'code-pin') {
    const [pin = ''] = more;
    if (more.length !== 1 || !isKey(first) || !/^[\x21-\x7e]{3,20}$/.test(pin)) return { reason: 'malformed' };
    if (!isExpected(first, rules)) return { reason: 'unexpected-format' };
    return {
      parts: [
        { label: 'code', text: first },
        { label: 'pin', text: pin },
      ],
    };
  }
  const isDistinct = new Set(fields.map(normalizeKey)).size === fields.length;
  if (fields.length > codesMax || !isDistinct || !fields.every(isKey)) return { reason: 'malformed' };
  if (!fields.every((field) => isExpected(field, rules))) return { reason: 'unexpected-format' };
  return { parts: fields.map((text) => ({ label: 'code', text })) };
}

/** Printable, of a believable length, and no spreadsheet formula: `=`, `+`, `@` begin no product key. */
export function isKey(code: string): boolean {
  return code.length >= 4 && code.length <= 200 && /^[A-Za-z0-9][\x20-\x7e]*$/.test(code);
}

function isExpected(code: string, { platform, takesAnyFormat }: LineRules): boolean {
  return takesAnyFormat || platformFormats[platform]?.test(normalizeKey(code)) !== false;
}
