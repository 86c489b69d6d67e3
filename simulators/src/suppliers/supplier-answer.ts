import type { FastifyReply } from 'fastify';
import type { Fault } from '../faults.ts';

/** What a gateway or a broken line answers in the supplier's place; false when the supplier itself has to. */
export function isInterrupted(reply: FastifyReply, mode: Fault['mode'] | undefined): boolean {
  if (mode === 'html-503') {
    void reply
      .status(503)
      .type('text/html')
      .send('<html><head><title>503 Service Temporarily Unavailable</title></head><body><hr>nginx</body></html>');
    return true;
  }
  if (mode === 'too-many') {
    void reply.status(429).header('retry-after', '2').send({ status: 429, message: 'Too many requests' });
    return true;
  }
  // As one of them does: the wait is in the text only.
  if (mode === 'wait-long') {
    void reply.status(429).send({ status: 429, message: 'Too many requests, wait for 3406 seconds' });
    return true;
  }
  if (mode === 'down') {
    reply.hijack();
    reply.raw.destroy();
    return true;
  }
  return false;
}

/** Sends the supplier's answer, or what a fault leaves of it. */
export function sendAnswer(
  reply: FastifyReply,
  mode: Fault['mode'] | undefined,
  status: number,
  body: unknown,
): FastifyReply {
  if (mode === 'lose-answer' || mode === 'hidden') {
    reply.hijack();
    reply.raw.destroy();
    return reply;
  }
  if (mode === 'cut-short') {
    const text = JSON.stringify(body);
    reply.hijack();
    reply.raw.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    reply.raw.write(text.slice(0, Math.floor(text.length / 2)), () => reply.raw.destroy());
    return reply;
  }
  if (mode === 'garbage')
    return reply.status(status).type('text/html').send('<html><body>Just a moment…</body></html>');
  return reply.status(status).send(mode === 'empty' ? {} : body);
}
