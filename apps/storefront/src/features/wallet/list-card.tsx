import type { ReactNode } from 'react';
import type { Messages } from '../../messages/fa.ts';
import type { List } from './use-list.ts';

/** What could not be fetched, why as far as it is known, and a way to try again. */
export function Failure({ status, m, onRetry }: { status: number; m: Messages['wallet']; onRetry: () => void }) {
  return (
    <p className="note bad row between" role="alert">
      {status === 0 ? m.offline : m.away}
      <button type="button" className="button" onClick={onRetry}>
        {m.retry}
      </button>
    </p>
  );
}

/** A list as it is now: on its way, empty, with more to come, or out of reach. */
export function ListOf<Item extends { id: string }>({
  list,
  m,
  empty,
  children,
}: {
  list: List<Item>;
  m: Messages['wallet'];
  empty: string;
  children: (item: Item) => ReactNode;
}) {
  const { items, nextCursor, failedStatus, isBusy, load } = list;
  return (
    <>
      {!items && isBusy && (
        <div className="skeleton" role="status">
          <span className="hidden-text">{m.loading}</span>
        </div>
      )}
      {items?.length === 0 && <p className="soft">{empty}</p>}
      {items && items.length > 0 && (
        <ul className="entries">
          {items.map((item) => (
            <li key={item.id}>{children(item)}</li>
          ))}
        </ul>
      )}
      {failedStatus !== undefined && <Failure status={failedStatus} m={m} onRetry={() => void load(nextCursor)} />}
      {nextCursor !== null && failedStatus === undefined && (
        <button type="button" className="button" disabled={isBusy} onClick={() => void load(nextCursor)}>
          {isBusy ? m.loading : m.more}
        </button>
      )}
    </>
  );
}
