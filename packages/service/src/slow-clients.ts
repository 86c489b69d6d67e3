import type { Server } from 'node:http';

/** How long a client may take to send its headers and its whole request, to stay silent, and to take its answer in (F25, A93). */
export const patience = {
  headersMs: 10_000,
  requestMs: 15_000,
  silenceMs: 30_000,
  answerMs: 30_000,
  /** Node looks for late clients every 30 seconds by itself, which would let 10 seconds be 40. */
  lookEveryMs: 1_000,
};

/** Ends the connection of who does not take a finished answer in: one byte a second is no silence, and would hold the answer for hours. */
export function cutSlowReaders(server: Server, answerMs = patience.answerMs): void {
  // Before the one that answers, which may be done when it returns.
  server.prependListener('request', (_request, response) => {
    response.once('prefinish', () => {
      if (response.socket === null || response.socket.writableLength === 0) return;
      const timer = setTimeout(() => response.destroy(), answerMs);
      response.once('close', () => clearTimeout(timer));
    });
  });
}
