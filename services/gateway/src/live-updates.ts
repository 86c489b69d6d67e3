import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import type { FeedEntry } from '@kelid/contracts/notifications';
import { rateLimited } from '@kelid/contracts/common';
import type { Host } from '@kelid/service/host';
import type { Peers } from '@kelid/service/context';
import { createPeers } from '@kelid/service/peers';
import type { Limits } from './limits.ts';
import type { SignInState } from './sign-in-state.ts';

const socketsPerUserMax = 5;
const socketsPerAddressMax = 64;
/** A page has nothing to say here; so many frames in ten seconds are forgiven. */
const framesMax = 20;
const framesWithinMs = 10_000;
const bufferedBytesMax = 1024 * 1024;
const readEveryMs = 150;
const pingEveryMs = 30_000;
const emptyAnswer = 'Connection: close\r\nContent-Length: 0\r\n\r\n';

interface Client {
  socket: WebSocket;
  userId: string;
  sessionId: string;
  isAlive: boolean;
  frameTimes: number[];
}

interface Door {
  host: Host;
  signIns: SignInState;
  limits: Pick<Limits, 'countHandshake'>;
  isOriginAllowed: (origin: string) => boolean;
}

/**
 * Sends each open page the feed entries of its user. The entries are rows of notifications: any replica can serve any page, and
 * `since` replays what a broken connection missed. While no page is open nothing is read.
 */
export class LiveUpdates {
  readonly #door: Door;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: 4 * 1024 });
  readonly #clients = new Set<Client>();
  readonly #countByLine = new Map<string, number>();
  /** Entries overlap from one read to the next; the ids of the last seconds tell which were sent. */
  readonly #sentIds = new Map<string, number>();
  readonly #timers: NodeJS.Timeout[];
  #since: string | undefined;
  #isReading = false;

  constructor(door: Door) {
    this.#door = door;
    door.signIns.onRevoked((sessionIds) => {
      const ended = new Set(sessionIds);
      for (const client of this.#clients) if (ended.has(client.sessionId)) client.socket.close(4401, 'signed out');
    });
    this.#timers = [
      setInterval(() => void this.#read(), readEveryMs),
      setInterval(() => this.#endSilent(), pingEveryMs),
    ];
  }

  /** `line`: whose connection it is, as it is counted. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, line: string): void {
    const { host, limits } = this.#door;
    // Until the WebSocket is made nobody else listens, and a broken connection would end the process.
    socket.on('error', () => socket.destroy());
    limits
      .countHandshake(line)
      .then(() => {
        this.#enter(line, socket);
        return this.#accept(request, socket, head);
      })
      .catch((error: unknown) => {
        if (rateLimited.is(error)) {
          const { retryAfterSeconds } = error.data;
          socket.end(`HTTP/1.1 429 Too Many Requests\r\nRetry-After: ${retryAfterSeconds}\r\n${emptyAnswer}`);
          return;
        }
        host.log.warn({ err: error }, 'a live connection could not be opened');
        socket.destroy();
      });
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const client of this.#clients) client.socket.close(1001, 'restarting');
  }

  #peers(): Peers {
    const { host } = this.#door;
    return createPeers(host.call, host.contextOf('gateway'));
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    if (this.#clients.size === 0) {
      this.#since = undefined;
      return;
    }
    this.#isReading = true;
    try {
      const feed = await this.#peers().notifications.listFeedSince(
        this.#since === undefined ? {} : { since: this.#since },
      );
      this.#since = feed.asOf;
      for (const { userId, entry } of feed.items) {
        if (this.#sentIds.has(entry.id)) continue;
        this.#sentIds.set(entry.id, Date.now());
        for (const client of this.#clients) if (client.userId === userId) send(client, entry);
      }
      for (const [id, at] of this.#sentIds) if (Date.now() - at > 30_000) this.#sentIds.delete(id);
    } catch (error) {
      this.#door.host.log.warn({ err: error }, 'the feed could not be read; open pages ask for themselves');
    } finally {
      this.#isReading = false;
    }
  }

  #endSilent(): void {
    for (const client of this.#clients) {
      if (!client.isAlive) client.socket.terminate();
      client.isAlive = false;
      client.socket.ping();
    }
  }

  #enter(line: string, socket: Duplex): void {
    const count = this.#countByLine.get(line) ?? 0;
    if (count >= socketsPerAddressMax) throw rateLimited({ retryAfterSeconds: 30 });
    this.#countByLine.set(line, count + 1);
    socket.once('close', () => {
      const left = (this.#countByLine.get(line) ?? 1) - 1;
      if (left > 0) this.#countByLine.set(line, left);
      else this.#countByLine.delete(line);
    });
  }

  async #accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { host, signIns, isOriginAllowed } = this.#door;
    const url = new URL(request.url ?? '/', 'http://gateway');
    const { origin } = request.headers;
    const ticket = url.searchParams.get('ticket');
    const isAllowed = url.pathname === '/ws' && ticket !== null && (origin === undefined || isOriginAllowed(origin));
    const { session } = isAllowed ? await this.#peers().identity.redeemWsTicket({ ticket }) : { session: null };
    const own = session ? [...this.#clients].filter((client) => client.userId === session.userId) : [];
    if (!session || signIns.isRevoked(session.sessionId) || own.length >= socketsPerUserMax) {
      socket.end(`HTTP/1.1 403 Forbidden\r\n${emptyAnswer}`);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const client: Client = { socket: webSocket, ...session, isAlive: true, frameTimes: [] };
      this.#clients.add(client);
      webSocket.on('pong', () => (client.isAlive = true));
      webSocket.on('message', () => hear(client));
      webSocket.on('ping', () => hear(client));
      webSocket.on('close', () => this.#clients.delete(client));
      webSocket.on('error', () => webSocket.terminate());
      const from = z.iso.datetime().safeParse(url.searchParams.get('since'));
      if (from.success)
        this.#replay(client, Date.parse(from.data)).catch((error: unknown) => {
          // Closed, the page connects again and asks once more; open, it would believe to have all.
          host.log.warn({ err: error }, 'missed entries could not be read');
          webSocket.close(1011, 'try again');
        });
    });
  }

  async #replay(client: Client, fromMs: number): Promise<void> {
    const feed = await this.#peers().notifications.listFeedSince({
      since: new Date(fromMs).toISOString(),
      userId: client.userId,
      limit: 200,
    });
    // Another entry may share the moment of the last one that was seen; the page tells them apart by id.
    for (const { entry } of feed.items) if (Date.parse(entry.at) >= fromMs) send(client, entry);
  }
}

function send(client: Client, entry: FeedEntry): void {
  // Not closed politely: a goodbye would wait behind what is not being read.
  if (client.socket.bufferedAmount > bufferedBytesMax) client.socket.terminate();
  else client.socket.send(JSON.stringify(entry));
}

/** Ends who talks too much: what comes in is thrown away, but reading it costs. */
function hear(client: Client): void {
  const now = Date.now();
  client.frameTimes = [...client.frameTimes.filter((at) => now - at < framesWithinMs), now];
  if (client.frameTimes.length !== framesMax + 1) return;
  client.socket.close(1008, 'too many messages');
  setTimeout(() => client.socket.terminate(), 1_000); // It may go on talking instead of leaving.
}
