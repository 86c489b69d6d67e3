import { inquireByProof, verifyByProof } from './by-proof.ts';
import type { PspProvider } from './psp.ts';

// A transfer from card to card, outside every gateway: the shopper sends the money, names its tracking number on our own page, and staff
// who see it in the bank approve it (CK-7). No program can ask anybody.
export function createCardToCard({ shopUrl }: { shopUrl: string }): PspProvider {
  return {
    psp: 'card-to-card',
    facts: {
      title: { fa: 'کارت به کارت', en: 'Card to card' },
      verifyWindowMinutes: 24 * 60,
      takesAtOnce: true,
      isByChoice: true,
    },
    isOffered: () => true,
    request: ({ attemptId }) =>
      Promise.resolve({
        kind: 'accepted',
        pspToken: attemptId,
        redirectUrl: `${shopUrl}/payment/transfer/${attemptId}`,
      }),
    /** Nothing that a browser brings means anything here. */
    parseCallback: () => undefined,
    verify: (attempt) => Promise.resolve(verifyByProof(attempt)),
    inquire: (attempt) => Promise.resolve(inquireByProof(attempt)),
    listUnverified: () => Promise.resolve([]),
  };
}
