'use client';

import { useCallback, useEffect, useState } from 'react';
import type { Answer } from '../../lib/shop.ts';

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** A list of the wallet, page by page. What was fetched before stays when a later page or a second look fails. */
export function useList<Item>(ask: (input: { cursor?: string }) => Promise<Answer<Page<Item>>>) {
  const [page, setPage] = useState<Page<Item>>();
  const [failedStatus, setFailedStatus] = useState<number>();
  const [isBusy, setIsBusy] = useState(true);

  const load = useCallback(
    async (cursor: string | null = null) => {
      setIsBusy(true);
      setFailedStatus(undefined);
      const answer = await ask(cursor === null ? {} : { cursor });
      if (answer.ok) {
        const { items, nextCursor } = answer.value;
        setPage((before) => ({ items: cursor === null ? items : [...(before?.items ?? []), ...items], nextCursor }));
      } else setFailedStatus(answer.status);
      setIsBusy(false);
    },
    [ask],
  );
  useEffect(() => void load(), [load]);

  return { items: page?.items, nextCursor: page?.nextCursor ?? null, failedStatus, isBusy, load };
}

export type List<Item> = ReturnType<typeof useList<Item>>;
