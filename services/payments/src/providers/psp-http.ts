import { createOutsideHttp, type OutsideRequest } from '@kelid/service/outside-http';

export interface PspAnswer {
  status: number;
  text: string;
}

export interface PspHttp {
  /**
   * A POST unless said otherwise. Undefined when there was no answer: what was asked for may have been done. Only what moves no money
   * is sent with the caller's signal.
   */
  send(request: Omit<OutsideRequest, 'method'> & { method?: 'GET' | 'POST' }): Promise<PspAnswer | undefined>;
  /** False while its breaker is open. */
  isOffered(): boolean;
}

/** The way out to one PSP. */
export function createPspHttp(options: { psp: string; baseUrl: string }): PspHttp {
  const http = createOutsideHttp({ name: options.psp, baseUrl: options.baseUrl, inFlightMax: 50, whenFull: 'refuse' });
  return {
    isOffered: () => http.isUp(),
    async send({ method = 'POST', ...request }) {
      const outcome = await http.send({ method, ...request });
      return typeof outcome === 'string' ? undefined : outcome;
    },
  };
}
