import type { Messages } from '../messages/fa.ts';

/** Where a top-up goes, as carts and orders show it. */
export function GameAccountLine({
  account,
  m,
}: {
  account: { playerId: string; zone: string | null; nickname: string | null };
  m: Messages['gameAccount'];
}) {
  return (
    <p className="small" data-testid="game-account">
      {m.goesTo}{' '}
      <bdi dir="ltr">
        {account.playerId}
        {account.zone !== null && ` (${account.zone})`}
      </bdi>
      {account.nickname !== null && (
        <>
          {' · '}
          <bdi>{account.nickname}</bdi>
        </>
      )}
    </p>
  );
}
