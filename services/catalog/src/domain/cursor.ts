import { z } from 'zod';
import { cursorInvalid } from '@kelid/contracts/catalog';
import { Id } from '@kelid/contracts/common';

/** By PostgreSQL's type: only what that type can read, so that a made-up cursor never fails in the database. */
const values = {
  text: z.string().regex(/^[^\0]*$/),
  bigint: z.int(),
  float8: z.string().regex(/^\d{1,9}(?:\.\d{1,9})?$/),
};
export type CursorType = keyof typeof values;

export interface Cursor {
  sort: string;
  value: string | number;
  id: string;
}

export function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** A cursor of another kind of list or another sorting is refused by name, not silently begun anew. */
export function readCursor(text: string, sort: string, type: CursorType): Cursor {
  const Cursor = z.object({ sort: z.literal(sort), value: values[type], id: Id });
  try {
    return Cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw cursorInvalid();
  }
}
