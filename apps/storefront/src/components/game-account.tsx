import type { Messages } from '../messages/fa.ts';

/** Where a top-up goes, as carts and orders show it. */
export function GameAccountLine({
  account,
  m,
}: {
  account: { playerId: string; zone: string | null; nickname: string | null };
  m: Messages['gameAccount'];
}) {
  // Some games name their servers; others have a number.
  const server = account.zone === null ? undefined : m.servers[account.zone];
  return (
    <p className="small account" data-testid="game-account">
      <span>
        {m.goesTo}{' '}
        <bdi dir="ltr">
          {account.playerId}
          {account.zone !== null && server === undefined && ` (${account.zone})`}
        </bdi>
        {server !== undefined && ` (${server})`}
      </span>
      {account.nickname !== null && <bdi className="strong">{account.nickname}</bdi>}
    </p>
  );
}
