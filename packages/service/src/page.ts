/**
 * A page of rows that were read with a limit of one more: the row too many is not shown, it only tells that there is a next page.
 * `nextCursor` is of the last row that is shown, its id unless `cursorOf` says otherwise, and null on the last page.
 */
export function pageOf<Row extends { id: string }>(rows: Row[], limit: number): Page<Row>;
export function pageOf<Row>(rows: Row[], limit: number, cursorOf: (last: Row) => string): Page<Row>;
export function pageOf<Row extends { id: string }>(
  rows: Row[],
  limit: number,
  cursorOf = (last: Row) => last.id,
): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? cursorOf(last) : null };
}

interface Page<Row> {
  items: Row[];
  nextCursor: string | null;
}
