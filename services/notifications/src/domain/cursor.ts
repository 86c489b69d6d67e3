import { Id, invalidInput } from '@kelid/contracts/common';

/** Lists here go on after the last id that was shown. */
export function idOfCursor(cursor: string): string {
  const id = Id.safeParse(cursor);
  if (!id.success) throw invalidInput({ errors: [{ field: 'cursor', message: 'Not a cursor of this list' }] });
  return id.data;
}
