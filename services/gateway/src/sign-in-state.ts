import { unauthenticated } from '@kelid/contracts/common';
import { identityContract } from '@kelid/contracts/identity';
import { type AccessTokenUser, createAccessTokenVerifier } from '@kelid/service/access-token';
import type { Host } from '@kelid/service/host';
import { createClient } from '@kelid/service/peers';

/** Longer than an access token lives, so that a revoked session is remembered until its last token is over. */
const rememberMs = 15 * 60_000;

export interface SignInState {
  /** The user of a Bearer token, or undefined when it is none of ours, over, or its session was ended. */
  identify(token: string): Promise<AccessTokenUser | undefined>;
  /** Reads the session row: for calls where seconds count. Throws 401. */
  checkSession(sessionId: string): Promise<void>;
  isRevoked(sessionId: string): boolean;
  jwks(): Promise<unknown>;
  onRevoked(listener: (sessionIds: string[]) => void): void;
  stop(): void;
}

/** Knows who is signed in: identity's keys for the tokens, and its list of ended sessions, read every second. */
export function watchSignIns(host: Host): SignInState {
  const revoked = new Map<string, number>();
  const listeners: ((sessionIds: string[]) => void)[] = [];
  const identity = () => createClient(identityContract, host.call, host.contextOf('gateway'));
  const verify = createAccessTokenVerifier({ getKeys: async () => (await identity().getJwks({})).keys });
  let since = new Date(Date.now() - rememberMs).toISOString();
  let isReading = false;

  async function readRevocations(): Promise<void> {
    if (isReading) return;
    isReading = true;
    try {
      const answer = await identity().listRevocations({ since });
      since = answer.asOf;
      const fresh = answer.sessionIds.filter((id) => !revoked.has(id));
      for (const id of fresh) revoked.set(id, Date.now());
      for (const [id, at] of revoked) if (Date.now() - at > rememberMs) revoked.delete(id);
      if (fresh.length > 0) for (const listener of listeners) listener(fresh);
    } catch (error) {
      // Calls that matter read the session row themselves, so an identity that is away for a moment opens nothing.
      host.log.warn({ err: error }, 'ended sessions could not be read');
    } finally {
      isReading = false;
    }
  }
  const timer = setInterval(() => void readRevocations(), 1_000);
  void readRevocations();

  return {
    async identify(token) {
      try {
        const user = await verify(token);
        return revoked.has(user.sessionId) ? undefined : user;
      } catch {
        return undefined;
      }
    },
    async checkSession(sessionId) {
      const { isLive } = await identity().checkSession({ sessionId });
      if (!isLive) throw unauthenticated();
    },
    isRevoked: (sessionId) => revoked.has(sessionId),
    jwks: () => identity().getJwks({}),
    onRevoked: (listener) => listeners.push(listener),
    stop: () => clearInterval(timer),
  };
}
