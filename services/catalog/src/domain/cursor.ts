import { z } from 'zod';
import { cursorInvalid } from '@kelid/contracts/catalog';

const Cursor = z.object({ sort: z.string(), value: z.union([z.string(), z.int()]), id: z.string() });
export type Cursor = z.infer<typeof Cursor>;

export function writeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify(cursor)).toString('base64url');
}

/** A cursor of another list or another sorting is refused by name, not silently begun anew. */
export function readCursor(text: string, sort: string): Cursor {
  try {
    const cursor = Cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
    if (cursor.sort === sort) return cursor;
  } catch {
    // Falls through to the one answer for every unreadable cursor.
  }
  throw cursorInvalid();
}
